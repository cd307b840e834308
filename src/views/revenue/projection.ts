/**
 * Daily revenue by provider account, game and currency, and hourly by provider account. What the numbers are: sums.ts.
 *
 * A transaction counts in the gaming day in which it happened. Late, and shown apart, is a rollback of what an earlier day had, and what lay beyond
 * the ledger's position that the lock of its day names. What is late and what is not together are the ledger's rows of that day.
 */
import type { Projection } from '../contract.ts';
import { added, IS_COUNTED, NAMES, summed, type NumberName } from './sums.ts';

/** Of a row and its day's lock, if there is one. A lane that the lock does not name began after it. */
export const lateOf = (row: string, lock: string): string => `(coalesce(${row}.undone_day < ${row}.day, false)
    or (${lock}.day is not null and ${row}.batch > coalesce(${lock}.batches[array_position(${lock}.lanes, ${row}.lane)], 0)))`;

const MOVED = `, moved as (
  select f.operator_id, f.day, f.account_id, coalesce(f.game, '') as game_id, f.currency, ${lateOf('f', 'l')} as late,
    date_bin('1 hour', f.at, day_begins(f.day, p.time_zone, p.day_starts)) as hour, ${summed(NAMES)}
  from fed f join operator p on p.operator_id = f.operator_id left join locked_day l on l.operator_id = f.operator_id and l.day = f.day
  where ${IS_COUNTED}
  group by 1, 2, 3, 4, 5, 6, 7)`;

const sums = (names: readonly NumberName[]) => names.map((name) => `sum(${name})`).join(', ');

const DAYS = `, days as (
  insert into revenue_day (operator_id, day, late, account_id, game_id, currency, ${NAMES.join(', ')})
  select operator_id, day, late, account_id, game_id, currency, ${sums(NAMES)}
  from moved group by 1, 2, 3, 4, 5, 6 order by 1, 2, 4, 5, 6, 3
  on conflict (operator_id, day, account_id, game_id, currency, late) do update set ${added('revenue_day', NAMES)})`;

const IN_HOURS = ['bets', 'turnover', 'won'] as const;
const HOURS = `
  insert into revenue_hour (operator_id, hour, account_id, currency, ${IN_HOURS.join(', ')})
  select operator_id, hour, account_id, currency, ${sums(IN_HOURS)}
  from moved where bets > 0 or undone_bets > 0 or wins > 0 or won <> 0 group by 1, 2, 3, 4 order by 1, 2, 3, 4
  on conflict (operator_id, hour, account_id, currency) do update set ${added('revenue_hour', IN_HOURS)}`;

export const revenue: Projection = { name: 'revenue', tables: ['revenue_day', 'revenue_hour'], applies: [`${MOVED}${DAYS}${HOURS}`] };
