/** Rounds, player by player by the operator's own id: none twice and none missing however many are played meanwhile, each as it stood when it was read. */
import { statement, type Field } from '../../../libs/postgres/index.ts';
import { moneyOf } from './ledger.ts';
import type { Cell, Column, Page, Place, Report } from './report.ts';

const COLUMNS: readonly Column[] = [
  { name: 'roundId', kind: 'text' }, { name: 'playerId', kind: 'id' }, { name: 'externalPlayerId', kind: 'text' }, { name: 'accountId', kind: 'number' },
  { name: 'gameId', kind: 'text' }, { name: 'currency', kind: 'word' }, { name: 'state', kind: 'word' }, { name: 'staked', kind: 'number' }, { name: 'won', kind: 'number' },
  { name: 'bets', kind: 'number' }, { name: 'undoneBets', kind: 'number' }, { name: 'wins', kind: 'number' }, { name: 'openedAt', kind: 'time' },
  { name: 'lastAt', kind: 'time' }, { name: 'endedAt', kind: 'time' },
];

const MOST_PLAYERS = 200;
const FIRST = '00000000-0000-0000-0000-000000000000';

/** args: operator, from this external id on, how many · answers external id, player */
const players = statement<[externalId: string, player: string]>('export_round_players', `
select external_id, player_id from player where operator_id = $1::uuid and external_id >= $2 order by external_id limit $3::int`);
const onePlayer = statement<[externalId: string, player: string]>('export_round_player', 'select external_id, player_id from player where operator_id = $1::uuid and player_id = $2::uuid');

/** An ISO time, cut off at the millisecond. */
const time = (column: string) => `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;

/** args: operator, players as JSON · of the first of them only behind: account, round · state, account, game, currency, opened from, to · how many */
const rounds = statement('export_rounds', `
select p.n, r.account_id, r.round, c.exponent, c.scale, r.round_id, r.game_id, r.currency, r.state, r.staked, r.won, r.bets, r.undone_bets, r.wins,
  ${time('r.opened_at')}, ${time('r.last_at')}, ${time('r.ended_at')}
from jsonb_to_recordset($2::jsonb) as p(n int, player uuid)
cross join lateral (select * from played_round r where r.player_id = p.player and r.operator_id = $1::uuid
  and (p.n > 0 or (r.account_id, r.round) > ($3::int, $4::uuid)) and ($5::text is null or r.state = $5::round_state) and ($6::int is null or r.account_id = $6::int)
  and ($7::text is null or coalesce(r.game_id, '') = $7) and ($8::text is null or r.currency = $8) and r.opened_at >= $9::timestamptz and r.opened_at < $10::timestamptz
  order by r.account_id, r.round limit $11::int) r
join currency c on c.code = r.currency
order by p.n, r.account_id, r.round limit $11::int`);

const countPlayers = statement<[string]>('export_players', 'select count(*) from player where operator_id = $1::uuid');

interface Standing {
  readonly externalId: string;
  readonly account: number;
  readonly round: string;
  readonly passed: number;
  readonly players: number;
}

export const roundsReport: Report = {
  name: 'rounds',
  columns: COLUMNS,
  async page(source, filters, place, size): Promise<Page> {
    const { playerId } = filters;
    const begun = place as unknown as Standing | undefined;
    const all = begun?.players ?? Number((await source.ask([countPlayers([source.operator])]))[0][0]?.[0] ?? 0);
    const at = begun ?? { externalId: '', account: 0, round: FIRST, passed: 0, players: playerId === undefined ? all : 1 };
    const [there] = await source.ask([playerId === undefined ? players([source.operator, at.externalId, MOST_PLAYERS]) : onePlayer([source.operator, playerId])]);
    if (there.length === 0) return { rows: [], share: 1 };
    // The one that it stands in is read on from there, all others whole.
    const goesOn = there[0]?.[0] === at.externalId;
    const list = JSON.stringify(there.map(([, player], i) => ({ n: goesOn ? i : i + 1, player })));
    const until = Math.min(filters.to === undefined ? Infinity : Date.parse(filters.to), source.asOf + 1);
    let asOf = source.asOf;
    const [found] = await source.projected(['rounds'], [rounds([
      source.operator, list, at.account, at.round, filters.state ?? null, filters.accountId ?? null, filters.gameId ?? null, filters.currency ?? null,
      filters.from ?? '-infinity', new Date(until).toISOString(), size.rows,
    ])], (seen) => { asOf = seen; });
    const playerAt = (n: Field | undefined) => there[Number(n) - (goesOn ? 0 : 1)] as (typeof there)[number];
    const rows = found.map((row) => cellsOf(row, playerAt(row[0])));
    const last = found.length === size.rows ? found.at(-1) : undefined;
    if (!last && (there.length < MOST_PLAYERS || playerId !== undefined)) return { rows, asOf, share: 1 };
    const [externalId] = last ? playerAt(last[0]) : there.at(-1) as (typeof there)[number];
    const passed = at.passed + there.findIndex(([each]) => each === externalId);
    const next: Standing = { externalId, account: last ? Number(last[1]) : LAST_ACCOUNT, round: last ? last[2] as string : FIRST, passed, players: at.players };
    return { rows, asOf, next: next as unknown as Place, share: Math.min(1, passed / Math.max(1, at.players)) };
  },
};

const LAST_ACCOUNT = 2 ** 31 - 1;

function cellsOf([, account, , exponent, scale, round, game, currency, state, staked, won, ...rest]: readonly Field[], [externalId, player]: readonly [string, string]): Cell[] {
  const money = (units: Field | undefined) => moneyOf(units, exponent, scale);
  return [round, player, externalId, account, game, currency, state, money(staked), money(won), ...rest].map((cell) => cell ?? null);
}
