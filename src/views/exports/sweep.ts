/** What is over: files whose time has come, and pieces that nobody will read. */
import type pg from 'pg';

/** So few at a time that each statement is short: a piece is up to a few megabytes. */
const PIECES = 40;

const EXPIRE = "update export set state = 'expired' where state = 'done' and expires_at <= now()";
/** What is left of one export, or of any whose worker had the time to see to it itself. */
const leftOver = (which: string) => `
delete from export_piece where (export_id, place) in (
  select p.export_id, p.place from export e join export_piece p on p.export_id = e.export_id
  where e.state in ('failed', 'cancelled', 'expired') and e.pieces > 0 and ${which} limit ${PIECES})`;
const OF_ONE = leftOver('e.export_id = $1');
const OF_ANY = leftOver("e.ended_at < now() - interval '5 seconds'");
const CLEAN = `update export e set pieces = 0 where e.state in ('failed', 'cancelled', 'expired') and e.pieces > 0
  and not exists (select from export_piece p where p.export_id = e.export_id)`;

async function inBatches(pool: pg.Pool, text: string, values: readonly unknown[]): Promise<number> {
  for (let deleted = 0; ;) {
    const { rowCount } = await pool.query(text, [...values]);
    deleted += rowCount ?? 0;
    if ((rowCount ?? 0) < PIECES) return deleted;
  }
}

/** Deletes what was written of an export that failed or was cancelled. */
export const dropPieces = (pool: pg.Pool, id: string): Promise<number> => inBatches(pool, OF_ONE, [id]);

/** Answers how many files have expired, and how many pieces were deleted. */
export async function sweep(pool: pg.Pool): Promise<{ readonly expired: number; readonly pieces: number }> {
  const { rowCount } = await pool.query(EXPIRE);
  const pieces = await inBatches(pool, OF_ANY, []);
  await pool.query(CLEAN);
  return { expired: rowCount ?? 0, pieces };
}
