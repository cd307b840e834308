/** How many played: the statements that count players of gaming days, each once, by whatever they are grouped by. */
import { statement } from '../../../libs/postgres/index.ts';
import { MOST_ROWS } from './schema.ts';

/** args: operator, from, to, currency */
export const OF_DAYS = 'operator_id = $1::uuid and day between $2::date and $3::date and ($4::text is null or currency = $4)';

/** Of the games of a large operator, players are counted one by one. */
export const MOST_MS = 8_000;

/**
 * Before the statement below, in its transaction: PostgreSQL, which takes its conditions for narrow, would sort all that it counts, some of it on disk; or enter a
 * table by its players, so that they come in order, and not by its days.
 */
export const byHashing = statement('view_by_hashing', `
select set_config('enable_sort', 'off', true), set_config('enable_incremental_sort', 'off', true), set_config('enable_presorted_aggregate', 'off', true),
  set_config('work_mem', '32MB', true), set_config('statement_timeout', '${MOST_MS}', true)`);

/** Of what only one is asked for (`fixed`) an index is entered by it. Each argument is named, whether it is given or not. */
const ASKED = { account_id: '$5::int', game_id: '$6::text' } as const;

interface Kept {
  readonly table: string;
  /** what it tells apart besides days and currencies */
  readonly apart: readonly (keyof typeof ASKED)[];
  readonly where: string;
}
const isAsked = (fixed: readonly string[]) => (column: keyof typeof ASKED) => (fixed.includes(column) ? `${column} = ${ASKED[column]}` : `${ASKED[column]} is null`);
const rowsOf = ({ table, apart, where }: Kept, fixed: readonly string[]) => `${table} where ${[OF_DAYS, ...apart.map(isAsked(fixed)), where].join(' and ')}`;

/** Who made a bet, a row a player, day, currency and what else the table tells apart, the fewest rows first. */
const PLAYED: readonly Kept[] = [
  { table: 'player_day', apart: [], where: 'true' }, { table: 'player_account_day', apart: ['account_id'], where: 'true' },
  { table: 'player_game_day', apart: ['account_id', 'game_id'], where: 'first_bet_at is not null' },
];
const playedBy = (columns: readonly string[]): Kept => PLAYED.find(({ apart }) => columns.every((column) => column === 'day' || (apart as readonly string[]).includes(column))) as Kept;
const BETS_OF_GAMES: Kept = { table: 'revenue_day', apart: ['account_id', 'game_id'], where: 'bets > 0' };

/**
 * How many played each game, game by game: of one the players are few enough to be told apart in little memory, of all together they are not. The games are
 * those of which the revenue of these days knows a bet; where they are more than a report shows, it is refused whatever is counted.
 */
function playersByGame(columns: readonly string[], fixed: readonly string[]): { places: string; lines: string } {
  const place = [...columns, 'currency'];
  const [days, count] = columns.includes('day') ? ['', '*'] : ['x.day between $2::date and $3::date and ', 'distinct x.player_id'];
  return {
    places: `places as materialized (select ${place.join(', ')} from ${rowsOf(BETS_OF_GAMES, fixed)} group by ${place.join(', ')} limit ${MOST_ROWS + 1}), `,
    lines: `select 0, 0, ${place.map((column) => `p.${column}::text`).join(', ')}, found.players from places p cross join lateral (
  select count(${count}) as players from player_game_day x
  where x.operator_id = $1::uuid and ${days}${place.map((column) => `x.${column} = p.${column}`).join(' and ')} and x.first_bet_at is not null) found`,
  };
}

/**
 * Who played, each once: by place, of these by currency, of these in all; answers whether it is of more than one place, whether of all, the place,
 * how many. `fixed`: of what only one is asked for.
 */
export function playersBy(columns: readonly string[], fixed: readonly string[]): string {
  const place = [...columns, 'currency'].join(', ');
  const [lines, all] = [playedBy([...columns, ...fixed]), playedBy(fixed)];
  const byGame = columns.includes('game_id') ? playersByGame(columns, fixed) : undefined;
  const isKey = ['day', ...lines.apart].every((column) => columns.includes(column) || fixed.includes(column));
  const isSeen = !byGame && !isKey && columns.length > 0;
  const from = isSeen ? 'seen' : rowsOf(lines, fixed);
  const sum = (overall: 0 | 1, currency: string) => `${[Number(columns.length > 0), overall, ...columns.map(() => 'null::text'), currency].join(', ')}, count(*)`;
  return `
with ${byGame?.places ?? ''}${isSeen ? `seen as materialized (select ${place}, player_id from ${rowsOf(lines, fixed)} group by ${place}, player_id), ` : ''}
each as materialized (select currency, player_id from ${columns.length === 0 || lines !== all ? rowsOf(all, fixed) : from} group by currency, player_id)
${columns.length === 0 ? '' : `${byGame?.lines ?? `select 0, 0, ${[...columns, 'currency'].map((column) => `${column}::text`).join(', ')}, count(*) from ${from} group by ${place}`} union all`}
select ${sum(0, 'currency::text')} from each group by currency
union all select ${sum(1, 'null::text')} from (select player_id from each group by player_id) one`;
}

/** How many of the arguments there are in a statement of who played. */
export const argumentsOf = (columns: readonly string[]): number => 4 + playedBy(columns).apart.length;
