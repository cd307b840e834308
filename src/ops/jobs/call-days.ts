import type pg from 'pg';
import type { PinoLogger } from 'nestjs-pino';

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
    const { rows } = await pool.query<Day>(KEEP, [kept, DAYS_AHEAD]);
    const done = rows.filter(({ cameTo }) => /^(made|dropped|deleted)/.test(cameTo));
    for (const { table, day, cameTo } of done) logger.info(`${table}, ${day}: ${cameTo}`);
    if (done.length > 0) continue;
    for (const { table, day, cameTo } of rows) logger.error({ alert: true, table, day, cameTo }, `${table} of ${day} is not as it should be: ${cameTo}`);
    return rows;
  }
}
