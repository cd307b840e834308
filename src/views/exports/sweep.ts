/** What is over: files whose time has come, pieces that nobody will read, and rows of what ended long ago. */
import type pg from 'pg';
import { ROW_DAYS } from './limits.ts';

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
const CLEAN = `update export e set pieces = 0, stored = 0 where e.state in ('failed', 'cancelled', 'expired') and e.pieces > 0
  and not exists (select from export_piece p where p.export_id = e.export_id)`;

const ROWS = 500;
const LONG_OVER = `now() - interval '${ROW_DAYS} days'`;
/** True where a row is there that has had its time. */
export const ANY_OVER = `exists (select from export where state in ('failed', 'cancelled', 'expired') and pieces = 0 and coalesce(expires_at, ended_at) < ${LONG_OVER})
  or exists (select from export_schedule s where s.removed_at < ${LONG_OVER} and not exists (select from export e where e.schedule_id = s.schedule_id))`;
const FORGET = `delete from export where export_id in (
  select export_id from export where state in ('failed', 'cancelled', 'expired') and pieces = 0 and coalesce(expires_at, ended_at) < ${LONG_OVER} limit ${ROWS})`;
/** A schedule goes after all that it has asked for. */
const FORGET_SCHEDULES = `delete from export_schedule where schedule_id in (
  select s.schedule_id from export_schedule s where s.removed_at < ${LONG_OVER} and not exists (select from export e where e.schedule_id = s.schedule_id) limit ${ROWS})`;

async function inBatches(pool: pg.Pool, text: string, values: readonly unknown[], size = PIECES): Promise<number> {
  for (let deleted = 0; ;) {
    const { rowCount } = await pool.query(text, [...values]);
    deleted += rowCount ?? 0;
    if ((rowCount ?? 0) < size) return deleted;
  }
}

/** Deletes what was written of an export that failed or was cancelled. */
export const dropPieces = (pool: pg.Pool, id: string): Promise<number> => inBatches(pool, OF_ONE, [id]);

/** Answers how many files have expired, how many pieces were deleted, and how many rows of exports and of schedules. */
export async function sweep(pool: pg.Pool): Promise<{ readonly expired: number; readonly pieces: number; readonly forgotten: number }> {
  const { rowCount } = await pool.query(EXPIRE);
  const pieces = await inBatches(pool, OF_ANY, []);
  await pool.query(CLEAN);
  const exports = await inBatches(pool, FORGET, [], ROWS);
  return { expired: rowCount ?? 0, pieces, forgotten: exports + await inBatches(pool, FORGET_SCHEDULES, [], ROWS) };
}
