import { join } from 'node:path';
import { CannotStart } from './cannot-start.ts';
import { removePostgres, startPostgres, type RunningPostgres } from './embedded-postgres.ts';
import { startReplica } from './replica.ts';
import { prepareDatabase } from './roles.ts';
import type { Secrets } from './secrets.ts';

/** As careful with every commit as in production; only the sizes are a laptop's. */
const SETTINGS = {
  fsync: 'on',
  synchronous_commit: 'on',
  full_page_writes: 'on',
  wal_level: 'replica',
  shared_preload_libraries: 'pg_stat_statements',
  max_connections: 200,
  // Ten times as much is logged just after a checkpoint as otherwise: they are kept rare.
  checkpoint_timeout: '30min',
  max_wal_size: '4GB',
  min_wal_size: '256MB',
  // A replica that stays away for longer is made anew, before its log fills the disk.
  max_slot_wal_keep_size: '1GB',
  random_page_cost: 1.1,
  log_checkpoints: 'off',
};

const WRONG_PASSWORD = '28P01';

export const primaryDir = (dataDir: string): string => join(dataDir, 'primary');
export const replicaDir = (dataDir: string): string => join(dataDir, 'replica');

export async function startPrimary(dataDir: string, secrets: Secrets, progress: (sentence: string) => void): Promise<RunningPostgres> {
  const dir = primaryDir(dataDir);
  const settings = { ...SETTINGS, shared_buffers: '256MB' };
  return await startPostgres({ dir, settings, password: secrets.superuser, progress });
}

/** Roles and database, before there is a replica to copy them to. */
export async function preparePrimary(primary: RunningPostgres, secrets: Secrets): Promise<void> {
  try {
    await prepareDatabase(primary.superuserUrl, secrets.roles, secrets.replication);
  } catch (error) {
    if ((error as { code?: string }).code !== WRONG_PASSWORD) throw error;
    throw new CannotStart(`The database in ${primary.dir} has another password than secrets.json: begin anew with npm start -- --fresh.`);
  }
}

export async function startStreaming(
  dataDir: string,
  primary: RunningPostgres,
  secrets: Secrets,
  progress: (sentence: string) => void,
  signal?: AbortSignal,
): Promise<RunningPostgres> {
  const settings = { ...SETTINGS, shared_buffers: '64MB' };
  return await startReplica({
    dir: replicaDir(dataDir),
    primary,
    password: secrets.superuser,
    replicationPassword: secrets.replication,
    settings,
    signal,
    progress,
  });
}

export async function removeDatabases(dataDir: string): Promise<void> {
  await removePostgres(replicaDir(dataDir));
  await removePostgres(primaryDir(dataDir));
}
