import { setTimeout as pause } from 'node:timers/promises';
import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { formatAmount } from '../../../libs/money/index.ts';
import { statement, type Field } from '../../../libs/postgres/index.ts';
import { refuse } from '../../access/contract.ts';
import { Cursors } from '../cursors.ts';
import { Reads } from '../reads.ts';
import { ENTRY, entryOf, scaleOf, type Scale } from '../transactions/entry.ts';
import { seen, type Asker, type View } from '../view.ts';
import { askLocks } from './clock.ts';
import { WITH_ORIGINAL } from './original.ts';
import { lateOf } from './projection.ts';
import type { MovementFilters, RevenueMovement } from './schema.ts';
import { COUNTED, type Counted } from './sums.ts';

export interface MovementsPage {
  readonly items: readonly RevenueMovement[];
  readonly nextCursor?: string;
}

/** The rows of the ledger that numbers of revenue are made of. */
export class RevenueMovements extends Query<View<MovementsPage>> {
  constructor(readonly asker: Asker, readonly filters: MovementFilters) { super(); }
}

/** Where the rows stand is told by another projection, which may be a moment behind the one whose numbers they are. */
const askBehind = statement<[string]>('revenue_behind_players', `
select exists (select from projection r, unnest(r.lanes, r.batches) at(lane, batch) where r.name = 'revenue' and not r.building
  and at.batch > coalesce(p.batches[array_position(p.lanes, at.lane)], 0)
  and not exists (select from lane where lane = at.lane and retired_at is not null))
from projection p where p.name = 'players' and not p.building`);

/**
 * args: operator, from, to, currency, account, game, kind, late, since, until; of the last row of the page before: day, account, game, currency, player, version;
 * how many; with `player` that one. What the projection of revenue has not come to yet is not among them, so that they sum up to what it says. The ledger is asked in a statement
 * of its own: as a join, planned while a month is empty, it would go through all of that month's index when it is not.
 */
const pageOf = (name: string, more: string) => statement(name, `
select d.day::text, d.account_id, d.game_id, d.currency, d.player_id, t.version, c.exponent, c.scale, t.undone, t.late, t.effect, ${ENTRY}
from player_game_day d
join operator p on p.operator_id = d.operator_id
join currency c on c.code = d.currency
join projection r on r.name = 'revenue' and not r.building
left join locked_day l on l.operator_id = d.operator_id and l.day = d.day
cross join lateral (
  select m.*, coalesce(m.undone, m.kind::text) as counted, ${lateOf('m', 'l')} as late
  from (
    select t.*, o.kind::text as undone, o.game_id as undone_game, d.day, gaming_day(o.at, p.time_zone, p.day_starts) as undone_day,
      t.amount::numeric - coalesce(t.debt, 0) as effect
    from (
      select * from transaction
      where player_id = d.player_id and currency = d.currency and operator_id = d.operator_id and version between d.first_version and d.last_version
        and at >= greatest($9::timestamptz, day_begins(d.day, p.time_zone, p.day_starts)) and at < least($10::timestamptz, day_begins(d.day + 1, p.time_zone, p.day_starts))
      offset 0) t ${WITH_ORIGINAL}) m) t
where d.operator_id = $1::uuid and d.day between $2::date and $3::date and ($4::text is null or d.currency = $4) and ($5::int is null or d.account_id = $5::int)
  and ($6::text is null or d.game_id = $6) and ($7::text is null or t.counted = $7) and ($8::boolean is null or t.late = $8::boolean)
  and t.account_id = d.account_id and coalesce(t.game_id, t.undone_game, '') = d.game_id and t.counted in (${COUNTED.map((kind) => `'${kind}'`).join(', ')})
  and t.batch <= coalesce(r.batches[array_position(r.lanes, t.lane)],
    case when exists (select from lane x where x.lane = t.lane and x.retired_at is not null) then t.batch else 0 end)
  and (d.day, d.account_id, d.game_id, d.currency, d.player_id) >= ($11::date, $12::int, $13, $14, $15::uuid)
  and ((d.day, d.account_id, d.game_id, d.currency, d.player_id) > ($11::date, $12::int, $13, $14, $15::uuid) or t.version > $16::int8)${more}
order by d.day, d.account_id, d.game_id, d.currency, d.player_id, t.version limit $17::int`);
const page = pageOf('revenue_movements', '');
const pageOfPlayer = pageOf('revenue_movements_of_player', ' and d.player_id = $18::uuid');

const PLACE = 6;
const NO_PLAYER = '00000000-0000-0000-0000-000000000000';
const PATIENCE = { times: 20, ms: 50 };

const scopeOf = ({ operator }: Asker, { from, to, currency, accountId, gameId, playerId, kind, late, since, until }: MovementFilters): string[] =>
  ['rows of revenue', operator, from, to, currency ?? '', String(accountId ?? ''), gameId === undefined ? '' : `game=${gameId}`, playerId ?? '', kind ?? '', late ?? '', since ?? '', until ?? ''];

@QueryHandler(RevenueMovements)
export class RevenueMovementsHandler implements IQueryHandler<RevenueMovements> {
  private readonly cursors: Cursors;

  constructor(private readonly reads: Reads) {
    this.cursors = new Cursors(reads);
  }

  async execute({ asker, filters }: RevenueMovements): Promise<View<MovementsPage>> {
    const { from, to, currency, accountId, gameId, playerId, kind, late, since, until, limit, cursor } = filters;
    const cursors = await this.cursors.of(asker.operator, scopeOf(asker, filters));
    const place = cursors.open(cursor) ?? [from, 0, '', '', NO_PLAYER, -1, ''];
    const before = place.slice(0, PLACE) as (string | number)[];
    const chosen = [asker.operator, from, to, currency ?? null, accountId ?? null, gameId ?? null, kind ?? null, late ?? null, since ?? '-infinity', until ?? 'infinity'];
    const answer = await this.read({ operator: asker.operator, token: asker.token ?? (cursor === undefined ? undefined : String(place[PLACE])) }, [
      askBehind(), playerId === undefined ? page([...chosen, ...before, limit + 1]) : pageOfPlayer([...chosen, ...before, limit + 1, playerId]),
    ] as const, askLocks([asker.operator, from, to]));
    const found = answer.rows[1];
    const items = found.slice(0, limit).map(movementOf);
    const last = found.length > limit ? found[limit - 1] : undefined;
    const nextCursor = last && cursors.seal([
      last[0] as string, Number(last[1]), last[2] as string, last[3] as string, last[4] as string, Number(last[5]), answer.token,
    ]);
    return { ...seen(answer), body: { items, ...(nextCursor && { nextCursor }) } };
  }

  /** Once what tells where the rows stand has come as far as what they sum up to. */
  private async read({ operator, token }: Asker, steps: readonly [ReturnType<typeof askBehind>, ReturnType<typeof page>], locks: ReturnType<typeof askLocks>) {
    for (let times = PATIENCE.times; times > 0; times--) {
      const answer = await this.reads.at(token).projected(operator, ['players', 'revenue'], steps, [locks]);
      if (answer.rows[0][0]?.[0] !== 't') return answer;
      await pause(PATIENCE.ms);
    }
    throw refuse('UNAVAILABLE', 'the rows of these numbers cannot be told yet', { headers: { 'retry-after': '1' } });
  }
}

const HEAD = 11;

function movementOf(row: readonly Field[]): RevenueMovement {
  const [day, , game, , , , exponent, digits, undone, late, effect] = row;
  const scale = scaleOf(exponent, digits);
  const entry = entryOf(row.slice(HEAD), scale);
  return {
    ...entry, day: day as string, ...(game !== '' && { gameId: game as string }), ...(undone != null && { undoesKind: undone as Counted }),
    ...(late === 't' && { late: true as const }),
    adds: addsOf({ kind: entry.kind, undone: undone as Counted | null, effect: BigInt(effect ?? 0), free: entry.face !== undefined }, scale),
  };
}

interface Moved {
  readonly kind: string;
  readonly undone: Counted | null;
  readonly effect: bigint;
  readonly free: boolean;
}

const MONEY = { bet: 'turnover', win: 'won', promo_win: 'awarded', adjustment: 'adjusted', deposit: 'deposited', withdrawal: 'withdrawn' } as const;
/** Of these the number says how much left the wallet. */
const OUT: readonly string[] = ['bet', 'withdrawal'];

/** What sums.ts says, of one row. */
function addsOf({ kind, undone, effect, free }: Moved, scale: Scale): RevenueMovement['adds'] {
  const counted = (undone ?? kind) as Counted;
  return {
    ...(kind === 'bet' && { bets: 1, ...(free && { freeBets: 1 }) }), ...(undone === 'bet' && { undoneBets: 1 }), ...(kind === 'win' && { wins: 1 }),
    [MONEY[counted]]: formatAmount(OUT.includes(counted) ? -effect : effect, scale),
  };
}
