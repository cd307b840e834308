import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { statement, type Field } from '../../../libs/postgres/index.ts';
import type { Cached } from '../cache/cached.ts';
import { Reads } from '../reads.ts';
import { askScales, scalesOf } from '../revenue/clock.ts';
import { playersOf } from '../revenue/links.ts';
import { NOTHING, playedOf, plus, type Sums } from '../revenue/numbers.ts';
import { isoOf, type Scale } from '../transactions/entry.ts';
import { seen, type Asker, type View } from '../view.ts';
import type { Dashboard, DashboardFilters, Figures } from './schema.ts';

/** How today goes, beside yesterday and the same weekday of last week. */
export class DashboardOf extends Query<View<Dashboard>> {
  constructor(readonly asker: Asker, readonly filters: DashboardFilters) { super(); }
}

/** args: operator · answers the three days: which one, its date, when it begins, how many hours it has, how many hours of today are over; then the clock. */
const DAYS = `
select back, (today - back)::date as day, day_begins(today - back, time_zone, day_starts) as begins, day_begins(today - back + 1, time_zone, day_starts) as ends,
  floor(extract(epoch from now() - day_begins(today, time_zone, day_starts)) / 3600)::int as hours_over, time_zone, to_char(day_starts, 'HH24:MI') as day_starts
from (select *, gaming_day(now(), time_zone, day_starts) as today from operator where operator_id = $1::uuid) p cross join unnest('{0,1,7}'::int[]) back`;
const askDays = statement('dashboard_days', `
select back, day::text, round(date_part('epoch', begins) * 1000)::int8, ceil(extract(epoch from ends - begins) / 3600)::int, hours_over, time_zone, day_starts
from (${DAYS}) d order by back`);

/** args: operator, currency */
const askHours = statement('dashboard_hours', `
with d as materialized (${DAYS})
select d.back, floor(extract(epoch from h.hour - d.begins) / 3600)::int, h.currency, sum(h.bets), sum(h.turnover), sum(h.won)
from d join revenue_hour h on h.operator_id = $1::uuid and h.hour >= d.begins and h.hour < d.ends and ($2::text is null or h.currency = $2)
group by 1, 2, 3`);

/** args: operator, currency · of each day and currency, and of each day: all, and those whose first bet was within as many hours as are over today */
const askPlayers = statement('dashboard_players', `
with d as materialized (${DAYS})
select d.back, x.currency, count(distinct x.player_id), count(distinct x.player_id) filter (where x.first_bet_at < d.begins + d.hours_over * interval '1 hour')
from d join player_day x on x.operator_id = $1::uuid and x.day = d.day and ($2::text is null or x.currency = $2)
group by grouping sets ((1, 2), (1))`);

/** args: operator, currency, how many · of today, what is late among it */
const top = (name: string, columns: string) => statement(name, `
with d as materialized (${DAYS}), best as (
  select ${columns}, currency, sum(bets) as bets, sum(turnover) as turnover, sum(won) as won,
    row_number() over (partition by currency order by sum(turnover) desc, sum(bets) desc, ${columns}) as place
  from d join revenue_day r on r.operator_id = $1::uuid and r.day = d.day and d.back = 0 and ($2::text is null or currency = $2)
  group by ${columns}, currency having sum(bets) > 0 or sum(turnover) <> 0 or sum(won) <> 0)
select currency, bets, turnover, won, best.account_id, a.provider${columns.includes('game') ? ', best.game_id, g.name' : ''}
from best left join provider_account a on a.account_id = best.account_id
${columns.includes('game') ? 'left join game g on g.account_id = best.account_id and g.game_id = best.game_id' : ''}
where place <= $3::int order by currency, place`);
const askGames = top('dashboard_games', 'account_id, game_id');
const askProviders = top('dashboard_providers', 'account_id');

const WHICH = { 0: 'today', 1: 'yesterday', 7: 'sameWeekday' } as const;
type Which = (typeof WHICH)[keyof typeof WHICH];
const EACH: readonly Which[] = ['today', 'yesterday', 'sameWeekday'];
const whichOf = (back: Field | undefined): Which => WHICH[Number(back) as keyof typeof WHICH];

interface DayOf {
  readonly day: string;
  readonly begins: number;
  readonly hours: number;
}

interface Counts {
  all: number;
  toTheHour: number;
}

const HOUR_MS = 3_600_000;

@QueryHandler(DashboardOf)
export class DashboardHandler implements IQueryHandler<DashboardOf> {
  readonly cached: Cached<DashboardOf> = {
    view: 'dashboard', projections: ['players', 'revenue'], besides: ({ asker }) => [askDays([asker.operator])],
    // What accounts and games are called is not in its version.
    ttlMs: 10_000, staleMs: 700,
  };

  constructor(private readonly reads: Reads) {}

  async execute({ asker, filters }: DashboardOf): Promise<View<Dashboard>> {
    const chosen = [asker.operator, filters.currency ?? null];
    const today = askDays([asker.operator]);
    const answer = await this.reads.at(asker.token).projected(asker.operator, ['players', 'revenue'], [
      today, askHours(chosen), askPlayers(chosen), askGames([...chosen, filters.top]), askProviders([...chosen, filters.top]), askScales(),
    ], [today]);
    const [dayRows, hours, players, games, providers, scales] = answer.rows;
    const days = Object.fromEntries(dayRows.map(([back, day, begins, count]) => [whichOf(back), { day, begins: Number(begins), hours: Number(count) }])) as Record<Which, DayOf>;
    const [, , , , over, timeZone, dayStarts] = dayRows[0] as Field[];
    const board = new Board(days, Number(over), scalesOf(scales));
    for (const row of hours) board.hour(row);
    for (const row of players) board.players(row);
    const body = {
      today: days.today.day, yesterday: days.yesterday.day, sameWeekday: days.sameWeekday.day, timeZone: timeZone as string, dayStarts: dayStarts as string,
      hoursOver: Number(over), ...board.shown({ games, providers }, filters.currency),
    };
    return { ...seen(answer), body };
  }
}

class Board {
  private readonly hours = new Map<string, Sums>();
  private readonly counts = new Map<string, Counts>();
  private readonly currencies = new Set<string>();

  constructor(private readonly days: Readonly<Record<Which, DayOf>>, private readonly over: number, private readonly scaleOf: (currency: string) => Scale) {}

  hour([back, hour, currency, bets, turnover, won]: readonly Field[]): void {
    this.currencies.add(currency as string);
    this.hours.set(`${currency} ${whichOf(back)} ${hour}`, { ...NOTHING, bets: BigInt(bets ?? 0), turnover: BigInt(turnover ?? 0), won: BigInt(won ?? 0) });
  }

  players([back, currency, all, toTheHour]: readonly Field[]): void {
    if (currency != null) this.currencies.add(currency);
    this.counts.set(`${currency ?? ''} ${whichOf(back)}`, { all: Number(all), toTheHour: Number(toTheHour) });
  }

  shown({ games, providers }: Readonly<Record<'games' | 'providers', readonly (readonly Field[])[]>>, of: string | undefined): Pick<Dashboard, 'activePlayers' | 'players' | 'currencies'> {
    const topOf = (rows: readonly (readonly Field[])[], currency: string) => rows.filter(([of]) => of === currency).map((row) => this.top(row));
    return {
      activePlayers: { soFar: this.countOf('', 'today').all, toTheHour: this.compared((which) => this.countOf('', which).toTheHour) },
      players: this.lists(of),
      currencies: [...this.currencies].sort().map((currency) => ({
        currency,
        soFar: { ...this.figures(currency, 'today', [0, Infinity]), ...this.active(currency, 'today', 'all') },
        toTheHour: this.compared((which) => ({ ...this.figures(currency, which, [0, this.over]), ...this.active(currency, which, 'toTheHour') })),
        hours: this.series(currency),
        games: topOf(games, currency).map((each) => ({ ...each, gameId: each.gameId ?? '' })), providers: topOf(providers, currency),
      })),
    };
  }

  private series(currency: string): Dashboard['currencies'][number]['hours'] {
    const count = Math.max(...EACH.map((which) => this.days[which].hours));
    return Array.from({ length: count }, (_, hour) => {
      const has = (which: Which) => hour < this.days[which].hours && (which !== 'today' || hour <= this.over);
      return { hour, ...Object.fromEntries(EACH.filter(has).map((which) => [which, this.figures(currency, which, [hour, hour + 1])])) };
    });
  }

  /** Of the hours from the first on, before the last. */
  private figures(currency: string, which: Which, [from, to]: readonly [number, number]): Figures {
    const { day, begins, hours } = this.days[which];
    let sums = NOTHING;
    for (let hour = from; hour < Math.min(to, hours); hour++) sums = plus(sums, this.hours.get(`${currency} ${which} ${hour}`) ?? NOTHING);
    const within = {
      ...(from > 0 && { since: isoOf(String(begins + from * HOUR_MS)) }), ...(to < hours && { until: isoOf(String(begins + to * HOUR_MS)) }),
    };
    return this.played(sums, currency, new URLSearchParams({ from: day, to: day, currency, ...within }));
  }

  /** Who played that day, or in as many of its hours as are over today. */
  private list(currency: string | undefined, which: Which, among: keyof Counts): string | undefined {
    if (this.countOf(currency ?? '', which)[among] === 0) return undefined;
    const { day, begins } = this.days[which];
    return playersOf({ from: day, to: day, currency }, among === 'all' ? {} : { firstBetBefore: isoOf(String(begins + this.over * HOUR_MS)) });
  }

  private active(currency: string, which: Which, among: keyof Counts): { activePlayers: number; players?: string } {
    const players = this.list(currency, which, among);
    return { activePlayers: this.countOf(currency, which)[among], ...(players !== undefined && { players }) };
  }

  /** In any currency, or in the one that is asked for, which is the same then. */
  private lists(currency: string | undefined): Dashboard['players'] {
    const soFar = this.list(currency, 'today', 'all');
    const toTheHour = EACH.flatMap((which) => {
      const players = this.list(currency, which, 'toTheHour');
      return players === undefined ? [] : [[which, players] as const];
    });
    return { ...(soFar !== undefined && { soFar }), toTheHour: Object.fromEntries(toTheHour) };
  }

  private played(sums: Sums, currency: string, query: URLSearchParams): Figures {
    const { bets, turnover, won, ggr, rtp, hold, averageBet } = playedOf(sums, this.scaleOf(currency));
    return {
      bets, turnover, won, ggr, ...(rtp !== undefined && { rtp }), ...(hold !== undefined && { hold }), ...(averageBet !== undefined && { averageBet }),
      transactions: `/v1/reports/revenue/transactions?${query.toString()}`,
    };
  }

  private top([currency, bets, turnover, won, account, provider, game, name]: readonly Field[]) {
    const { day } = this.days.today;
    const sums = { ...NOTHING, bets: BigInt(bets ?? 0), turnover: BigInt(turnover ?? 0), won: BigInt(won ?? 0) };
    const query = new URLSearchParams({ from: day, to: day, currency: currency as string, accountId: account as string, ...(game != null && { gameId: game }) });
    return {
      accountId: Number(account), provider: provider ?? '', ...(game != null && { gameId: game }), ...(name != null && { game: name }),
      ...this.played(sums, currency as string, query),
    };
  }

  private countOf = (currency: string, which: Which): Counts => this.counts.get(`${currency} ${which}`) ?? { all: 0, toTheHour: 0 };

  private compared = <T>(each: (which: Which) => T): { today: T; yesterday: T; sameWeekday: T } =>
    ({ today: each('today'), yesterday: each('yesterday'), sameWeekday: each('sameWeekday') });
}
