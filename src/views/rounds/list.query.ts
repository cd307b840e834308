import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { formatAmount } from '../../../libs/money/index.ts';
import type { CursorPosition } from '../../../libs/http/index.ts';
import { statement, type Field } from '../../../libs/postgres/index.ts';
import { Cursors, scopeOf } from '../cursors.ts';
import { Reads } from '../reads.ts';
import { scaleOf } from '../transactions/entry.ts';
import { seen, type Asker, type View } from '../view.ts';
import { MOST_ROWS, type PlayedRound, type RoundsFilters } from './schema.ts';

export interface RoundsPage {
  readonly items: readonly PlayedRound[];
  readonly nextCursor?: string;
}

/** Rounds by their last activity, page by page. */
export class RoundsByActivity extends Query<View<RoundsPage>> {
  constructor(readonly asker: Asker, readonly filters: RoundsFilters) { super(); }
}

/** Before the page, in its transaction: without a look at the values PostgreSQL takes each filter for a narrow one, and would read and sort a whole range. */
export const inOrderOfIndex = statement('view_in_order_of_index', "select set_config('enable_sort', 'off', true)");

type Order = RoundsFilters['order'];
/** Which rows an index holds in this order: those of a player, those in one of two states of affairs, or both of these. */
type From = 'player' | 'open' | 'ended' | 'all';

const KEY = 'r.last_at, r.player_id, r.account_id, r.round';
/** Of a page that begins behind nothing. */
const BEGINS: Record<Order, readonly [string, string, number, string]> = {
  desc: ['infinity', 'ffffffff-ffff-ffff-ffff-ffffffffffff', 2 ** 31 - 1, 'ffffffff-ffff-ffff-ffff-ffffffffffff'],
  asc: ['-infinity', '00000000-0000-0000-0000-000000000000', 0, '00000000-0000-0000-0000-000000000000'],
};

/**
 * args: operator · last activity from, to, seconds without any · the row behind which the page begins · state, account, game, currency · opened from, to ·
 * ended from, to · least exposure · with `player` that
 * What is open is asked for by `ended_at`: behind row-level security PostgreSQL knows how many rows that leaves, and of an enum it does not.
 * Indexes are by the time alone: rows of one millisecond are put in order as they are read.
 */
const UNTIL = "least($3::timestamptz, date_trunc('milliseconds', now()) - make_interval(secs => $4::float8))";
const WHERE = (order: Order) => `
  r.operator_id = $1::uuid and r.last_at >= $2::timestamptz and r.last_at < ${UNTIL} and r.last_at ${order === 'desc' ? '<' : '>'}= $5::timestamptz
  and (${KEY}) ${order === 'desc' ? '<' : '>'} ($5::timestamptz, $6::uuid, $7::int, $8::uuid)
  and ($9::text is null or r.state = $9::round_state) and ($10::int is null or r.account_id = $10::int)
  and ($11::text is null or coalesce(r.game_id, '') = $11::text) and ($12::text is null or r.currency = $12::text)
  and r.opened_at >= $13::timestamptz and r.opened_at < $14::timestamptz
  and ($15::timestamptz is null or r.ended_at >= $15::timestamptz) and ($16::timestamptz is null or r.ended_at < $16::timestamptz)
  and ($17::numeric is null or r.staked >= (select $17::numeric * 10::numeric ^ scale from currency where code = $12::text))`;

const time = (column: string) => `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;

function pageOf(from: From, order: Order) {
  const sorted = `order by ${KEY.replaceAll(',', ` ${order},`)} ${order} limit ${MOST_ROWS + 1}`;
  const some = (more: string) => `select * from played_round r where ${WHERE(order)} and ${more} ${sorted}`;
  const open = some('r.ended_at is null');
  const ended = some('r.ended_at is not null');
  const rows = { player: some('r.player_id = $18::uuid'), open, ended, all: `select * from ((${open}) union all (${ended})) r ${sorted}` }[from];
  return statement(`view_rounds_${from}_${order}`, `
select ${time('r.last_at')}, r.player_id, r.account_id, r.round, ${time(UNTIL)}, c.exponent, c.scale, r.round_id, r.game_id, r.currency, r.state, r.staked, r.won, r.bets,
  r.undone_bets, r.wins, ${time('r.opened_at')}, ${time('r.ended_at')}
from (${rows}) r join currency c on c.code = r.currency ${sorted}`);
}

const PAGES = Object.fromEntries((['player', 'open', 'ended', 'all'] as const).map((from) => [from, { asc: pageOf(from, 'asc'), desc: pageOf(from, 'desc') }])) as
  Record<From, Record<Order, ReturnType<typeof pageOf>>>;

/**
 * Where a page begins: behind this row. `until`: the list's end, as it was when the list was begun: a round that moves while the list is walked does
 * not come twice. `token`: what the page before had seen, so that a list never goes back in time.
 */
interface Place {
  readonly row: readonly (string | number)[];
  readonly until: string;
  readonly token: string;
}

const fromOf = ({ playerId, state }: RoundsFilters): From =>
  (playerId !== undefined ? 'player' : state === undefined ? 'all' : state === 'open' ? 'open' : 'ended');

const iso = (micros: Field | undefined): string => `${String(micros).slice(0, 23)}Z`;

@QueryHandler(RoundsByActivity)
export class RoundsByActivityHandler implements IQueryHandler<RoundsByActivity> {
  private readonly cursors: Cursors;

  constructor(private readonly reads: Reads) {
    this.cursors = new Cursors(reads);
  }

  async execute({ asker, filters }: RoundsByActivity): Promise<View<RoundsPage>> {
    const cursors = await this.cursors.of(asker.operator, scopeOf('rounds', asker.operator, filters));
    const place = placeOf(cursors.open(filters.cursor));
    const page = PAGES[fromOf(filters)][filters.order](valuesOf(asker, filters, place));
    const answer = await this.reads.at(asker.token ?? place?.token).projected(asker.operator, ['rounds'], [inOrderOfIndex(), page]);
    const [, found] = answer.rows;
    const rows = found.slice(0, filters.limit);
    const last = found.length > filters.limit ? rows.at(-1) : undefined;
    const body = { items: rows.map(roundOf), ...(last && { nextCursor: cursors.seal(positionBehind(last, answer, filters, place)) }) };
    return { ...seen(answer), body };
  }
}

/** What was opened or ended by then was active then or later. */
function valuesOf({ operator }: Asker, filters: RoundsFilters, place: Place | undefined): (string | number | null)[] {
  const { order, lastFrom, lastTo, olderThanSeconds, state, accountId, gameId, currency, openedFrom, openedTo, endedFrom, endedTo, minExposure, playerId } = filters;
  const since = [lastFrom, openedFrom, endedFrom].filter((at) => at !== undefined).toSorted().at(-1);
  return [
    operator, since ?? '-infinity', place?.until ?? lastTo ?? 'infinity', place ? null : olderThanSeconds ?? null, ...(place?.row ?? BEGINS[order]),
    state ?? null, accountId ?? null, gameId ?? null, currency ?? null, openedFrom ?? '-infinity', openedTo ?? 'infinity', endedFrom ?? null, endedTo ?? null,
    minExposure ?? null, ...(playerId === undefined ? [] : [playerId]),
  ];
}

function positionBehind(row: readonly Field[], { asOf, token }: { asOf: number; token: string }, { order }: RoundsFilters, place: Place | undefined) {
  const begun = order === 'asc' ? new Date(asOf).toISOString() : 'infinity';
  const listed = row[4] ?? 'infinity';
  const end = place?.until ?? (listed < begun ? listed : begun);
  return [...row.slice(0, 4), end, token];
}

export function roundOf(row: readonly Field[]): PlayedRound {
  const [lastAt, player, account, , , exponent, scale, round, game, currency, state, staked, won, bets, undone, wins, openedAt, endedAt] = row;
  const scaled = scaleOf(exponent, scale);
  return {
    playerId: player as string, accountId: Number(account), roundId: round as string, ...(game != null && { gameId: game }), currency: currency as string,
    state: state as PlayedRound['state'], staked: formatAmount(BigInt(staked ?? 0), scaled), won: formatAmount(BigInt(won ?? 0), scaled),
    bets: Number(bets), undoneBets: Number(undone), wins: Number(wins), openedAt: iso(openedAt), lastAt: iso(lastAt), ...(endedAt != null && { endedAt: iso(endedAt) }),
  };
}

function placeOf(position: CursorPosition | undefined): Place | undefined {
  if (!position) return undefined;
  const [at, player, account, round, until, token] = position.map(String) as [string, string, string, string, string, string];
  return { row: [at, player, Number(account), round], until, token };
}
