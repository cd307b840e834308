import type pg from 'pg';
import type { PinoLogger } from 'nestjs-pino';
import { sqlState } from '../../../libs/postgres/index.ts';
import { BUSY, busyOr } from './hindered.ts';

const DAYS_AHEAD = 7;
/** Minutes of providers are small, and a year is compared with the year before. */
const MINUTES_KEPT_DAYS = 400;
const BATCH = 10_000;

/** What became of a day of the call log; see `keep_call_days` of the migrations. */
export interface Day {
  readonly table: string;
  readonly day: string;
  readonly cameTo: string;
}

const KEEP = 'select table_of as "table", day, came_to as "cameTo" from keep_call_days($1, $2)';
/** args: days ahead · answers the days that are not there */
const MISSING = `select "table", to_char(at, 'YYYY-MM-DD') as day, '${BUSY}' as "cameTo"
from unnest(array['call_log', 'call_reference']) "table", generate_series(0, $1::int) ahead, lateral (select (now() at time zone 'UTC')::date + ahead as at) each
where not exists (select from pg_inherits where inhparent = "table"::regclass and inhrelid = to_regclass("table" || to_char(at, '_YYYY_MM_DD'))) order by 1, 2`;
const BROKEN_OFF = '57014';
/** args: days, how many */
const OLDEST_MINUTES = `delete from provider_minute where ctid = any (array(
  select m.ctid from operator o join provider_minute m on m.operator_id = o.operator_id and m.minute < now() - $1::int * interval '1 day' limit $2))`;

/**
 * Makes the days of the call log that are missing and drops those that are older than so many; answers with what could not be done. A day that
 * is missing stops nothing: its calls go into the default partition.
 */
export async function keepCallDays(pool: pg.Pool, kept: number, logger: PinoLogger): Promise<Day[]> {
  for (let more = true; more;) more = ((await pool.query(OLDEST_MINUTES, [MINUTES_KEPT_DAYS, BATCH])).rowCount ?? 0) === BATCH;
  for (;;) {
    const { rows } = await pool.query<Day>(KEEP, [kept, DAYS_AHEAD]).catch((error: unknown) => missing(pool, error));
    const done = rows.filter(({ cameTo }) => /^(made|dropped|deleted)/.test(cameTo));
    for (const { table, day, cameTo } of done) logger.info(`${table}, ${day}: ${cameTo}`);
    if (done.length === 0) return rows;
  }
}

/** Each day waits for its lock in its turn, and for many of them there is no time: then it is as if each had been waited for. */
async function missing(pool: pg.Pool, error: unknown): Promise<{ rows: Day[] }> {
  if (sqlState(error) !== BROKEN_OFF) return busyOr(error);
  const found = await pool.query<Day>(MISSING, [DAYS_AHEAD]);
  if (found.rows.length === 0) throw error;
  return found;
}
