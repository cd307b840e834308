import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { statement, type Field } from '../../../libs/postgres/index.ts';
import { refuse } from '../../access/contract.ts';
import type { Cached } from '../cache/cached.ts';
import { Reads } from '../reads.ts';
import type { Scale } from '../transactions/entry.ts';
import { seen, type Asker, type View } from '../view.ts';
import { askClock, askLocks, askScales, clockOf, scalesOf } from './clock.ts';
import { playersOf, roundsOf, transactionsOf, type Place } from './links.ts';
import { countOf, isNothing, NOTHING, numbersOf, plus, sumsOf, type Sums } from './numbers.ts';
import { argumentsOf, byHashing, MOST_MS, OF_DAYS, playersBy } from './played.ts';
import { MOST_ROWS, type Group, type RevenueFilters, type RevenueReport, type RevenueRow, type RevenueTotal } from './schema.ts';
import { NAMES } from './sums.ts';

/** Revenue of some gaming days, a row for each of what is asked for. */
export class Revenue extends Query<View<RevenueReport>> {
  constructor(readonly asker: Asker, readonly filters: RevenueFilters) { super(); }
}

const COLUMN: Readonly<Record<Exclude<Group, 'currency'>, string>> = { day: 'day', provider: 'account_id', game: 'game_id' };

/** A game is one of a provider; every row is of one currency. */
function columnsOf(groupBy: string): string[] {
  const groups = groupBy.split(',');
  return (Object.keys(COLUMN) as (keyof typeof COLUMN)[])
    .filter((group) => groups.includes(group) || (group === 'provider' && groups.includes('game'))).map((group) => COLUMN[group]);
}

/** args: operator, from, to, currency, account, game */
const CHOSEN = `${OF_DAYS} and ($5::int is null or account_id = $5::int) and ($6::text is null or game_id = $6)`;
const sums = (late: 'late' | 'not late') => NAMES.map((name) => `coalesce(sum(${name}) filter (where ${late}), 0)`).join(', ');

/** A statement of each kind for each way to group: they differ in their columns, and that of players in its table. */
const made = new Map<string, Readonly<Record<'revenue' | 'rounds' | 'players', ReturnType<typeof statement>>>>();
function statementsFor(columns: readonly string[], fixed: readonly string[]) {
  const by = columns.join('_') || 'all';
  const name = [by, ...fixed].join('_of_');
  const known = made.get(name);
  if (known) return known;
  const place = [...columns, 'currency'].join(', ');
  const shown = [...columns, 'currency'].map((column) => `${column}::text`).join(', ');
  const steps = {
    revenue: statement(`revenue_by_${by}`, `
select ${shown}, ${sums('not late')}, ${sums('late')} from revenue_day where ${CHOSEN} group by ${place} order by ${place} limit ${MOST_ROWS + 1}`),
    rounds: statement(`rounds_by_${by}`, `
select ${shown}, sum(opened), sum(ended) from round_day where ${CHOSEN} and (opened > 0 or ended > 0) group by ${place} order by ${place} limit ${MOST_ROWS + 1}`),
    players: statement(`players_by_${name}`, playersBy(columns, fixed)),
  };
  made.set(name, steps);
  return steps;
}

/** args: operator · what its accounts are called */
export const askAccounts = statement('view_accounts', 'select account_id, provider from provider_account where operator_id = $1::uuid');
/** args: operator, accounts, games */
const askGames = statement('view_games', `
select g.account_id, g.game_id, g.name from unnest($2::int[], $3::text[]) wanted(account_id, game_id)
join game g on g.account_id = wanted.account_id and g.game_id = wanted.game_id and g.operator_id = $1::uuid`);

interface Line {
  readonly place: readonly string[];
  onTime: Sums;
  late: Sums;
  opened: bigint;
  ended: bigint;
  players: number;
}

const line = (place: readonly string[]): Line => ({ place, onTime: NOTHING, late: NOTHING, opened: 0n, ended: 0n, players: 0 });

/** Lines by their place: what one of the tables has and another has not is still a line. */
class Lines extends Map<string, Line> {
  at(place: readonly string[]): Line {
    const key = JSON.stringify(place);
    const known = this.get(key) ?? line(place);
    this.set(key, known);
    return known;
  }
}

type Rows = readonly (readonly Field[])[];

/** What the tables say, by place; and of the currencies together, over all lines. */
function collected(width: number, found: Readonly<Record<'revenue' | 'rounds' | 'players', Rows>>): { lines: Lines; totals: Lines; players: number } {
  const [lines, totals] = [new Lines(), new Lines()];
  const placeOf = (row: readonly Field[], from = 0) => row.slice(from, from + width) as string[];
  for (const row of found.revenue) {
    const place = placeOf(row);
    const [onTime, late] = [sumsOf(row.slice(width)), sumsOf(row.slice(width + NAMES.length))];
    for (const each of [lines.at(place), totals.at(place.slice(-1))]) {
      each.onTime = plus(each.onTime, onTime);
      each.late = plus(each.late, late);
    }
  }
  for (const row of found.rounds) {
    const place = placeOf(row);
    for (const each of [lines.at(place), totals.at(place.slice(-1))]) {
      each.opened += BigInt(row[width] ?? 0);
      each.ended += BigInt(row[width + 1] ?? 0);
    }
  }
  let players = 0;
  for (const row of found.players) {
    const [grouped, overall, count] = [row[0] !== '0', row[1] === '1', Number(row[2 + width])];
    const place = placeOf(row, 2);
    if (overall) players = count;
    else {
      if (grouped || width === 1) totals.at(place.slice(-1)).players = count;
      if (!grouped) lines.at(place).players = count;
    }
  }
  return { lines, totals, players };
}

@QueryHandler(Revenue)
export class RevenueHandler implements IQueryHandler<Revenue> {
  readonly cached: Cached<Revenue> = {
    view: 'revenue', projections: ['players', 'revenue', 'rounds'], besides: ({ asker, filters: { from, to } }) => [askLocks([asker.operator, from, to])],
    // What accounts and games are called is not in its version.
    ttlMs: 10_000, staleMs: 700,
  };

  constructor(private readonly reads: Reads) {}

  async execute({ asker, filters }: Revenue): Promise<View<RevenueReport>> {
    const { from, to, groupBy, currency, accountId, gameId } = filters;
    const columns = columnsOf(groupBy);
    const fixed = [...(accountId === undefined ? [] : ['account_id']), ...(gameId === undefined ? [] : ['game_id'])];
    const { revenue, rounds, players } = statementsFor(columns, fixed);
    const chosen = [asker.operator, from, to, currency ?? null, accountId ?? null, gameId ?? null];
    const locks = askLocks([asker.operator, from, to]);
    const answer = await this.reads.at(asker.token).projected(
      asker.operator, ['players', 'revenue', 'rounds'],
      [revenue(chosen), rounds(chosen), locks, askClock([asker.operator]), askScales(), askAccounts([asker.operator]), byHashing(), players(chosen.slice(0, argumentsOf([...columns, ...fixed])))], [locks], MOST_MS);
    const [revenueRows, roundRows, locked, clock, scales, accounts, , playerRows] = answer.rows;
    const { lines, totals, players: active } = collected(columns.length + 1, { revenue: revenueRows, rounds: roundRows, players: playerRows });
    if (lines.size > MOST_ROWS) {
      const message = `more than ${MOST_ROWS} rows: ask for fewer days, or by less`;
      throw refuse('REQUEST_INVALID', `query: groupBy: ${message}`, { errors: [{ field: 'groupBy', message }] });
    }
    const shown = show({ filters, columns, scaleOf: scalesOf(scales) });
    const ordered = [...lines.values()].sort((one, other) => comparePlaces(one.place, other.place, columns));
    const names = await this.names(asker, columns, ordered);
    const providers = new Map(accounts.map(([account, provider]) => [account as string, provider as string]));
    const lockedDays = new Set(locked.map(([day]) => day));
    const items = ordered.map((each): RevenueRow => {
      const [day, account, game] = ['day', 'account_id', 'game_id'].map((column) => each.place[columns.indexOf(column)]);
      const name = names.get(JSON.stringify([account, game]));
      return {
        ...(day !== undefined && { day, ...(lockedDays.has(day) && { locked: true as const }) }),
        ...(account !== undefined && { accountId: Number(account), provider: providers.get(account) ?? '' }),
        ...(game !== undefined && { gameId: game, ...(name !== undefined && { game: name }) }),
        ...shown(each),
      };
    });
    const sumsOfAll = [...totals.values()].sort((one, other) => ((one.place[0] as string) < (other.place[0] as string) ? -1 : 1)).map(shown);
    return { ...seen(answer), body: { from, to, ...clockOf(clock), items, totals: sumsOfAll, activePlayers: active, ...(active > 0 && { players: playersOf({ from, to, currency, accountId, gameId }) }) } };
  }

  /** By account and game. A second look, at tables that no transaction changes. */
  private async names(asker: Asker, columns: readonly string[], lines: readonly Line[]): Promise<Map<string, string>> {
    const [account, game] = [columns.indexOf('account_id'), columns.indexOf('game_id')];
    if (game < 0 || lines.length === 0) return new Map();
    const pairs = new Map(lines.map(({ place }) => [JSON.stringify([place[account], place[game]]), [place[account], place[game]] as const]));
    const arrays = [0, 1].map((i) => arrayOf([...pairs.values()].map((pair) => pair[i] as string)));
    const { rows: [names] } = await this.reads.at(asker.token).as(asker.operator, [askGames([asker.operator, ...arrays])]);
    return new Map(names.map(([of, id, name]) => [JSON.stringify([of, id]), name as string]));
  }
}

/** As PostgreSQL writes an array of texts. */
const arrayOf = (texts: readonly string[]): string => `{${texts.map((text) => `"${text.replaceAll(/["\\]/g, '\\$&')}"`).join(',')}}`;

const comparePlaces = (one: readonly string[], other: readonly string[], columns: readonly string[]): number => {
  for (const [i, value] of one.entries()) {
    const beside = other[i] as string;
    if (value !== beside) return columns[i] === 'account_id' ? Number(value) - Number(beside) : value < beside ? -1 : 1;
  }
  return 0;
};

interface Showing {
  readonly filters: RevenueFilters;
  readonly columns: readonly string[];
  readonly scaleOf: (currency: string) => Scale;
}

const show = ({ filters, columns, scaleOf }: Showing) => (each: Line): RevenueTotal => {
  const currency = each.place.at(-1) as string;
  const scale = scaleOf(currency);
  const place = placeOf(filters, each.place.length === 1 ? [] : columns, each.place, currency);
  const rounds = {
    opened: countOf(each.opened), ended: countOf(each.ended),
    ...(each.opened > 0n && { openedList: roundsOf(place, 'opened') }), ...(each.ended > 0n && { endedList: roundsOf(place, 'ended') }),
  };
  return {
    currency, ...numbersOf(each.onTime, scale), rounds, activePlayers: each.players,
    ...(!isNothing(each.late) && { late: { ...numbersOf(each.late, scale), transactions: transactionsOf(place, { late: 'true' }) } }),
    ...(each.players > 0 && { players: playersOf(place) }), transactions: transactionsOf(place, { late: 'false' }),
  };
};

function placeOf({ from, to, accountId, gameId }: RevenueFilters, columns: readonly string[], place: readonly string[], currency: string): Place {
  const at = (column: string) => place[columns.indexOf(column)];
  const day = at('day');
  return { from: day ?? from, to: day ?? to, currency, accountId: at('account_id') ?? accountId, gameId: at('game_id') ?? gameId };
}
