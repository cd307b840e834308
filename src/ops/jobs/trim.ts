import type pg from 'pg';

/** A command that is repeated later than this is a new one. */
const KEPT_DAYS = 30;
/** So few that nobody waits for their rows. */
const BATCH = 1_000;

/** args: days, how many */
const OLDEST = `delete from office_command where (operator_id, idempotency_key) in (
  select operator_id, idempotency_key from office_command where at < now() - $1::int * interval '1 day' order by at limit $2)`;

/** Deletes the office's commands that are too old to be repeated, each batch a transaction of its own; answers how many. */
export async function trimCommands(pool: pg.Pool): Promise<number> {
  for (let trimmed = 0; ;) {
    const { rowCount } = await pool.query(OLDEST, [KEPT_DAYS, BATCH]);
    trimmed += rowCount ?? 0;
    if ((rowCount ?? 0) < BATCH) return trimmed;
  }
}
