/** Where a server stands, asked of itself. */
import { statement, type Field } from '../../../libs/postgres/index.ts';
import { lsnOf, type Position } from './position.ts';

/**
 * `at`, in milliseconds: of the primary the time now; of a replica the time of the last commit it has replayed, undefined where it has
 * replayed none. It is read before `lsn`, and a commit's time is taken before its place in the log is: what was answered to a caller
 * by `at` stands at or before `lsn`.
 */
export interface Standing extends Pick<Position, 'timeline' | 'lsn'> {
  readonly recovering: boolean;
  readonly at?: number;
}

/**
 * A replica knows the timeline it replays only from its control file, which is written now and then: just after a promotion elsewhere it
 * names the old one, and is then not believed about positions, never too much.
 */
const STANDING = `
pg_is_in_recovery(),
floor(date_part('epoch', case when pg_is_in_recovery() then pg_last_xact_replay_timestamp() else clock_timestamp() end) * 1000)::int8,
case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_insert_lsn() end,
case when pg_is_in_recovery()
  then lpad(upper(to_hex(greatest((select timeline_id from pg_control_checkpoint()), (select min_recovery_end_timeline from pg_control_recovery())))), 8, '0')
  else substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8) end`;

type Row = [recovering: string, at: Field, lsn: Field, timeline: string];

/** Before a query's own statement: its snapshot is then younger than what is said here. answers one row: recovering, at, lsn, timeline */
export const askStanding = statement<Row>('standing', `select ${STANDING}`);

/** answers one row: the same, and whether replay is paused */
export const askStandingAndPause = statement<[...Row, string]>('standing_and_pause',
  `select ${STANDING}, case when pg_is_in_recovery() then pg_get_wal_replay_pause_state() <> 'not paused' else false end`);

export function standingOf(row: readonly Field[] | undefined): Standing {
  const [recovering, at, lsn, timeline] = row ?? [];
  if (lsn == null || timeline == null) throw new Error('the server does not say where it stands');
  return { recovering: recovering === 't', lsn: lsnOf(lsn), timeline, ...(at != null && { at: Number(at) }) };
}
