import type pg from 'pg';
import type { PinoLogger } from 'nestjs-pino';
import { busyOr, type BUSY } from './hindered.ts';

const MONTHS_AHEAD = 24;

/** What became of a month that was missing; see `make_months` of the migrations. */
export interface Month {
  readonly table: string;
  /** '2026-12' */
  readonly month: string;
  readonly cameTo: 'made' | typeof BUSY | 'in the default partition' | 'a table of its name is no partition';
}

const NEAREST_MISSING = 'select month_of as "table", month, came_to as "cameTo" from make_months($1)';

/** Makes the months of the ledger that are missing, a transaction each; answers with those that could not be made. */
export async function makeMonths(pool: pg.Pool, logger: PinoLogger): Promise<Month[]> {
  for (;;) {
    const { rows } = await pool.query<Month>(NEAREST_MISSING, [MONTHS_AHEAD]).catch(busyOr);
    const made = rows.find(({ cameTo }) => cameTo === 'made');
    if (!made) return rows;
    logger.info(`made ${made.table} of ${made.month}`);
  }
}
