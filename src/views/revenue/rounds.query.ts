import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { statement } from '../../../libs/postgres/index.ts';
import { Cursors, scopeOf } from '../cursors.ts';
import { Reads } from '../reads.ts';
import { inOrderOfIndex, roundOf } from '../rounds/list.query.ts';
import { seen, type Asker, type View } from '../view.ts';
import type { CountedRound, CountedRoundsFilters } from './counted.ts';

export interface CountedRoundsPage {
  readonly items: readonly CountedRound[];
  readonly nextCursor?: string;
}

/** The rounds that a report counts as opened or as ended. */
export class CountedRoundsOf extends Query<View<CountedRoundsPage>> {
  constructor(readonly asker: Asker, readonly filters: CountedRoundsFilters) { super(); }
}

/** So many rounds are looked at for a page, whatever they are; where few of them are chosen it has fewer rows, and the next one goes on behind. */
const LOOKED_AT = 20_000;
const MOST_ROWS = 100;

type Of = CountedRoundsFilters['of'];
type Whose = 'all' | 'player';

const KEY = 'r.last_at, r.player_id, r.account_id, r.round';
const time = (column: string) => `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;

/**
 * args: operator, from, to · the row behind which the page begins · last activity before · currency, account, game · with `player` that
 * A round that was opened or ended on some days was active then or later: those that went on later are found behind the others, in the order of their
 * last activity, which is that of the indexes.
 */
const CHOSEN = (of: Of) => `coalesce(r.${of}_day between $2::date and $3::date, false) and ($9::text is null or r.currency = $9::text)
    and ($10::int is null or r.account_id = $10::int) and ($11::text is null or coalesce(r.game_id, '') = $11::text)`;
const BEGINS = 'greatest($4::timestamptz, (select day_begins($2::date, time_zone, day_starts) from operator where operator_id = $1::uuid))';

function pageOf(of: Of, whose: Whose) {
  const sorted = `order by ${KEY} limit ${LOOKED_AT}`;
  const some = (more: string) => `select * from played_round r where r.operator_id = $1::uuid and r.last_at >= ${BEGINS} and r.last_at < $8::timestamptz
    and (${KEY}) > ($4::timestamptz, $5::uuid, $6::int, $7::uuid) and ${more} ${sorted}`;
  const [open, ended] = [some('r.ended_at is null'), some('r.ended_at is not null')];
  const rows = whose === 'player' ? some('r.player_id = $12::uuid') : of === 'ended' ? ended : `select * from ((${open}) union all (${ended})) r ${sorted}`;
  return statement(`counted_rounds_${of}_of_${whose}`, `
select ${time('r.last_at')}, r.player_id, r.account_id, r.round, r.place, c.exponent, c.scale, r.round_id, r.game_id, r.currency, r.state, r.staked, r.won, r.bets,
  r.undone_bets, r.wins, ${time('r.opened_at')}, ${time('r.ended_at')}, r.${of}_day::text, r.chosen
from (select r.*, row_number() over (order by ${KEY}) as place, ${CHOSEN(of)} as chosen from (${rows}) r) r join currency c on c.code = r.currency
where r.chosen or r.place = ${LOOKED_AT} order by ${KEY} limit ${MOST_ROWS + 1}`);
}

const PAGES = Object.fromEntries((['opened', 'ended'] as const).map((of) => [of, { all: pageOf(of, 'all'), player: pageOf(of, 'player') }])) as
  Readonly<Record<Of, Readonly<Record<Whose, ReturnType<typeof pageOf>>>>>;
const COLUMN = { place: 4, day: 18, chosen: 19 } as const;

/** args: operator, from, to, currency, account, game · how many there are in all: where they are listed, nothing is sought behind them. */
const countOf = (of: Of) => statement<[string]>(`counted_rounds_${of}`, `
select coalesce(sum(${of}), 0) from round_day where operator_id = $1::uuid and day between $2::date and $3::date and ($4::text is null or currency = $4::text)
  and ($5::int is null or account_id = $5::int) and ($6::text is null or game_id = $6::text)`);
const COUNTS = { opened: countOf('opened'), ended: countOf('ended') } as const;

/** `until`: the list's end, as it was when the list was begun, so that a round that moves while it is walked does not come twice; `listed`: how many were. */
interface Begin {
  readonly row: readonly (string | number)[];
  readonly until: string;
  readonly listed: number;
  readonly token?: string;
}
const FIRST: Begin = { row: ['-infinity', '00000000-0000-0000-0000-000000000000', 0, '00000000-0000-0000-0000-000000000000'], until: 'infinity', listed: 0 };

@QueryHandler(CountedRoundsOf)
export class CountedRoundsHandler implements IQueryHandler<CountedRoundsOf> {
  private readonly cursors: Cursors;

  constructor(private readonly reads: Reads) {
    this.cursors = new Cursors(reads);
  }

  async execute({ asker, filters }: CountedRoundsOf): Promise<View<CountedRoundsPage>> {
    const { from, to, currency, accountId, gameId, playerId, of, limit, cursor } = filters;
    const cursors = await this.cursors.of(asker.operator, scopeOf('rounds of revenue', asker.operator, filters));
    const begin = beginOf(cursors.open(cursor)?.map(String));
    const chosen = [currency ?? null, accountId ?? null, gameId ?? null];
    const page = PAGES[of][playerId === undefined ? 'all' : 'player'](
      [asker.operator, from, to, ...begin.row, begin.until, ...chosen, ...(playerId === undefined ? [] : [playerId])]);
    const answer = await this.reads.at(asker.token ?? begin.token).projected(asker.operator, ['rounds'], [
      COUNTS[of]([asker.operator, from, to, ...chosen]), inOrderOfIndex(), page,
    ]);
    const [[count], , found] = answer.rows;
    const rows = found.filter((row) => row[COLUMN.chosen] === 't');
    const shown = rows.slice(0, limit);
    const listed = begin.listed + shown.length;
    const isWhole = playerId === undefined && listed >= Number(count?.[0]);
    const end = found.at(-1);
    const goesOn = !isWhole && end !== undefined && Number(end[COLUMN.place]) === LOOKED_AT;
    const last = rows.length > limit ? shown.at(-1) : goesOn ? end : undefined;
    const until = begin.until === FIRST.until ? new Date(answer.asOf).toISOString() : begin.until;
    const body = {
      items: shown.map((row): CountedRound => ({ ...roundOf(row), day: row[COLUMN.day] as string })),
      ...(last && { nextCursor: cursors.seal([...last.slice(0, FIRST.row.length), until, listed, answer.token]) }),
    };
    return { ...seen(answer), body };
  }
}

function beginOf(position: readonly string[] | undefined): Begin {
  if (!position) return FIRST;
  const [at, player, account, round, until, listed, token] = position;
  return { row: [at as string, player as string, Number(account), round as string], until: until as string, listed: Number(listed), ...(token !== undefined && { token }) };
}
