/**
 * How many rows of the ledger an export will have at least, told by what reports count of it a day: so that a sheet which cannot hold them is refused before
 * the first row is read. Exact to that side: only whole gaming days are added up, which had ended an hour before the export began; test players, awards, cash
 * and what was closed or adjusted are not counted, and what a lagging view lacks neither. The row too many may still come later.
 */
import { statement } from '../../../libs/postgres/index.ts';
import type { Filters, Source } from './report.ts';

/** args: operator, from, to, account, game, currency · answers bets, wins, rolled-back bets */
const counted = statement<[bets: string, wins: string, undone: string]>('export_at_least', `
select coalesce(sum(d.bets), 0), coalesce(sum(d.wins), 0), coalesce(sum(d.undone_bets), 0) from operator o join revenue_day d on d.operator_id = o.operator_id
where o.operator_id = $1::uuid and d.day between gaming_day($2::timestamptz, o.time_zone, o.day_starts) and gaming_day($3::timestamptz, o.time_zone, o.day_starts) - 1
  and day_begins(d.day, o.time_zone, o.day_starts) >= $2::timestamptz and day_begins(d.day + 1, o.time_zone, o.day_starts) <= $3::timestamptz
  and ($4::int is null or d.account_id = $4::int) and ($5::text is null or d.game_id = $5) and ($6::text is null or d.currency = $6)`);

const HOUR_MS = 3_600_000;
/** Of no transaction: nothing is older. */
const EARLIEST = '1970-01-02T00:00:00Z';

/** 0 where nothing is known of it. */
export async function atLeast(source: Source, { from, to, playerId, kind, accountId, gameId, currency }: Filters): Promise<number> {
  if (playerId !== undefined) return 0;
  const until = new Date(Math.min(to === undefined ? Infinity : Date.parse(to), source.asOf - HOUR_MS)).toISOString();
  const [[row]] = await source.projected(['revenue'], [counted([source.operator, from ?? EARLIEST, until, accountId ?? null, gameId ?? null, currency ?? null])]);
  const [bets, wins, undone] = (row ?? ['0', '0', '0']).map(Number) as [number, number, number];
  // A rollback counts in the game of what it undoes, which it need not name itself.
  const rollbacks = gameId === undefined ? undone : 0;
  return kind === undefined ? bets + wins + rollbacks : kind === 'bet' ? bets : kind === 'win' ? wins : kind === 'rollback' ? rollbacks : 0;
}
