import type pg from 'pg';

/**
 * Lanes whose connection is gone and that every view has passed: no position need name them any more. Views that stand still, or are only just
 * being made, keep them in use, and so does whatever has taken over the number of their backend. A lane from before backends were noted stays.
 */
const RETIRE = `
update lane l set retired_at = now(), retired_batch = l.batch
where l.retired_at is null and l.pid is not null and l.opened_at < now() - interval '1 minute'
  and not exists (select from pg_stat_activity a where a.pid = l.pid and (a.datname = current_database() or a.datname is null)
    and (a.backend_start is null or a.backend_start <= l.opened_at))
  and not exists (select from projection p where not p.building
    and coalesce(p.batches[array_position(p.lanes, l.lane)], 0) < l.batch)`;

/** Answers how many. */
export async function retireLanes(pool: Pick<pg.Pool, 'query'>): Promise<number> {
  return (await pool.query(RETIRE)).rowCount ?? 0;
}
