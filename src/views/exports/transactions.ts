/** All transactions of an operator, player by player by the operator's own id, each wallet in the order of its versions. */
import { statement } from '../../../libs/postgres/index.ts';
import { atLeast } from './at-least.ts';
import { cellsOf, ENTRY_COLUMNS, readStretches, type Stretch } from './ledger.ts';
import type { Column, Filters, Page, Place, Report, Size, Source } from './report.ts';

/** Players that one statement looks at, at most: their wallets may have nothing of the period. */
const MOST_PLAYERS = 400;

type WalletRow = [externalId: string, player: string, test: string, currency: string | null, version: string | null];

/** Args 1 to 3: operator, from this external id on, from this currency on there · answers a row a wallet, and one for a player without any. */
const wallets = (name: string, players: string) => statement<WalletRow>(name, `
select p.external_id, p.player_id, p.test, w.currency, w.version
from (select external_id, player_id, test from player where operator_id = $1::uuid and external_id >= $2 and ${players}) p
left join lateral (select w.currency, w.version from wallet w
  where w.player_id = p.player_id and w.operator_id = $1::uuid and (p.external_id > $2 or w.currency >= $3) offset 0) w on true
order by p.external_id, w.currency`);
/** arg 4: how many players */
const walletsOfAll = wallets('export_wallets', 'true order by external_id limit $4::int');
/** arg 4: the player */
const walletsOfOne = wallets('export_wallets_of', 'player_id = $4::uuid');

/** args: operator · answers how many players it has */
const countPlayers = statement<[string]>('export_players', 'select count(*) from player where operator_id = $1::uuid');

interface Standing {
  /** the wallet it stands in, and its last version that is done */
  readonly externalId: string;
  readonly currency: string;
  readonly version: string;
  /** players behind it, and of how many: for its share of the whole only */
  readonly passed: number;
  readonly players: number;
}

const BEGIN: Standing = { externalId: '', currency: '', version: '0', passed: 0, players: 0 };

/** Behind the player's id what the operator calls it. */
const COLUMNS: readonly Column[] = ENTRY_COLUMNS.flatMap((column) =>
  (column.name === 'playerId' ? [column, { name: 'externalPlayerId', kind: 'text' }, { name: 'testPlayer', kind: 'word' }] as const : [column]));
const OF_PLAYER = COLUMNS.findIndex(({ name }) => name === 'externalPlayerId');

export const transactions: Report = {
  name: 'transactions',
  columns: COLUMNS,
  atLeast,
  async page(source, filters, place, size): Promise<Page> {
    const at = (place as unknown as Standing | undefined) ?? { ...BEGIN, players: await playersOf(source, filters) };
    const { playerId, currency } = filters;
    const from = [source.operator, at.externalId, at.currency];
    const [found] = await source.ask([playerId === undefined ? walletsOfAll([...from, MOST_PLAYERS]) : walletsOfOne([...from, playerId])]);
    const players = [...new Set(found.map(([externalId]) => externalId))];
    const there = found.flatMap(([externalId, player, test, code, version]): Wallet[] =>
      (code === null || version === null || (currency !== undefined && code !== currency) ? [] : [{ externalId, player, test, currency: code, version }]));
    const { chosen, whole } = choose(there, at, size);
    const rows = chosen.length === 0 ? [] : await readStretches(source, chosen, filters, size.rows);
    const shown = rows.filter(({ within }) => within).map(({ stretch, entry }) => {
      const { externalId, test } = there[stretch] as Wallet;
      return cellsOf(entry).toSpliced(OF_PLAYER, 0, externalId, test === 't' ? 'true' : null);
    });
    // Full: it goes on behind its last row, else behind the last wallet that was looked at.
    const last = rows.length === size.rows ? rows.at(-1) : undefined;
    const stretch = last ? last.stretch : chosen.length - 1;
    if (!last && whole && players.length < MOST_PLAYERS) return { rows: shown, share: 1 };
    const wallet = !last && whole ? lastOf(players, found) : there[stretch] as Wallet;
    const version = last?.version ?? (whole ? LAST_VERSION : (chosen[stretch] as Stretch).upto);
    const passed = at.passed + players.indexOf(wallet.externalId);
    const next: Standing = { externalId: wallet.externalId, currency: wallet.currency, version, passed, players: at.players };
    return { rows: shown, next: next as unknown as Place, share: shareOf(next, wallet) };
  },
};

interface Wallet {
  readonly externalId: string;
  readonly player: string;
  readonly test: string;
  readonly currency: string;
  readonly version: string;
}

const LAST_VERSION = '9223372036854775807';

/** Where all wallets of these players are done: the last player stays in the list that comes next, with nothing left of it. */
function lastOf(players: readonly string[], found: readonly WalletRow[]): Wallet {
  const externalId = players.at(-1) as string;
  const currency = found.at(-1)?.[3] ?? '';
  return { externalId, currency, player: '', test: 'f', version: LAST_VERSION };
}

/** The next wallets, as many as are worth one statement; of a large one a part. `whole`: of all that were found to their ends. */
function choose(there: readonly Wallet[], at: Standing, { effort }: Size): { chosen: Stretch[]; whole: boolean } {
  const chosen: Stretch[] = [];
  let left = BigInt(effort);
  for (const { externalId, player, currency, version } of there) {
    const after = externalId === at.externalId && currency === at.currency ? BigInt(at.version) : 0n;
    const upto = BigInt(version);
    const taken = upto - after > left ? after + left : upto;
    chosen.push({ player, currency, after: String(after), upto: String(taken) });
    left -= taken > after ? taken - after : 0n;
    if (taken < upto) return { chosen, whole: false };
    if (left <= 0n) return { chosen, whole: chosen.length === there.length };
  }
  return { chosen, whole: true };
}

async function playersOf(source: Source, { playerId }: Filters): Promise<number> {
  if (playerId !== undefined) return 1;
  const [rows] = await source.ask([countPlayers([source.operator])]);
  return Number(rows[0]?.[0] ?? 0);
}

/** Players that are behind, and of the one it stands in the part that is. */
function shareOf({ passed, players, version }: Standing, wallet: Wallet): number {
  const part = wallet.version === LAST_VERSION || wallet.version === '0' ? 1 : Number(version) / Number(wallet.version);
  return Math.min(1, (passed + Math.min(1, part)) / Math.max(1, players));
}
