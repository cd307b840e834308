import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, chown, copyFile, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import { makeDataDirectory, removePostgres, startPostgres, writeForPostgres } from './embedded-postgres.ts';
import type { PostgresOptions, RunningPostgres } from './embedded-postgres.ts';
import { dataDirectory, postgresIdentity, type Identity } from './postgres-binaries.ts';
import { REPLICATION_ROLE } from './roles.ts';

export interface ReplicaOptions extends Pick<PostgresOptions, 'dir' | 'port' | 'settings' | 'sync' | 'signal' | 'progress'> {
  primary: RunningPostgres;
  /** The superuser's password: a replica has the primary's roles. */
  password: string;
  replicationPassword: string;
}

const SLOT = 'croupier_replica';
const PASSFILE = 'replication.pass';
/** Directories whose content is the running server's own affair or comes over the stream. */
const LEFT_EMPTY = new Set([
  'pg_wal', 'pg_replslot', 'pg_dynshmem', 'pg_notify', 'pg_serial', 'pg_snapshots', 'pg_stat_tmp', 'pg_subtrans',
]);
const LEFT_OUT = /^(postmaster\.(pid|opts)|pgsql_tmp.*|pg_internal\.init.*)$/;

/** Starts the streaming replica of `primary`; one that is missing, or cannot follow any more, is made anew from the primary. */
export async function startReplica(options: ReplicaOptions): Promise<RunningPostgres> {
  const progress = options.progress ?? (() => {});
  if (existsSync(join(dataDirectory(options.dir), 'standby.signal'))) {
    try {
      return await startFollowing(options);
    } catch (error) {
      options.signal?.throwIfAborted();
      progress(`the replica is made anew: ${(error as Error).message}`);
    }
  }
  await copyPrimary(options);
  return await startFollowing(options);
}

async function startFollowing({ primary, ...options }: ReplicaOptions): Promise<RunningPostgres> {
  const passfile = join(dataDirectory(options.dir), PASSFILE).replace(/['\\]/g, '\\$&');
  const replica = await startPostgres({
    ...options,
    readyWithinMs: 30_000,
    settings: {
      ...options.settings,
      primary_conninfo: `host=${primary.host} port=${primary.port} user=${REPLICATION_ROLE} passfile='${passfile}'`,
      primary_slot_name: SLOT,
      wal_retrieve_retry_interval: '500ms',
    },
  });
  try {
    await untilStreaming(primary);
    return replica;
  } catch (error) {
    await replica.stop('immediate');
    throw error;
  }
}

async function untilStreaming(primary: RunningPostgres): Promise<void> {
  const client = await superuser(primary);
  try {
    let patienceUntil = performance.now() + 5_000;
    const giveUpAt = performance.now() + 60_000;
    for (;;) {
      const { rows } = await client.query<{ wal_status: string | null; state: string | null }>(
        `select slot.wal_status, sender.state from pg_replication_slots slot
           left join pg_stat_replication sender on sender.pid = slot.active_pid where slot.slot_name = $1`,
        [SLOT],
      );
      const found = rows[0];
      if (!found || found.wal_status === 'lost') throw new Error('the primary no longer keeps what it has missed');
      if (found.state === 'streaming') return;
      if (found.state === 'catchup') patienceUntil = performance.now() + 5_000;
      if (performance.now() > Math.min(patienceUntil, giveUpAt)) throw new Error('it does not follow the primary');
      await pause(20);
    }
  } finally {
    await client.end();
  }
}

/** An online backup, then the mark that makes it a standby; complete before it bears its name. */
async function copyPrimary({ dir: askedDir, primary, replicationPassword }: ReplicaOptions): Promise<void> {
  await removePostgres(askedDir);
  const dir = dataDirectory(askedDir);
  const identity = postgresIdentity(primary.dir);
  const aside = `${dir}.new-${randomBytes(4).toString('hex')}`;
  makeDataDirectory(aside, identity);
  const client = await superuser(primary);
  try {
    await reserveSlot(client);
    await client.query('select pg_backup_start($1, fast => true)', [SLOT]);
    await copyTree(primary.dir, aside, identity);
    const { rows } = await client.query<{ labelfile: string }>('select labelfile from pg_backup_stop(wait_for_archive => false)');
    writeForPostgres(join(aside, 'backup_label'), rows[0]?.labelfile ?? '', identity);
    writeForPostgres(join(aside, PASSFILE), `*:*:*:${REPLICATION_ROLE}:${replicationPassword}\n`, identity);
    writeForPostgres(join(aside, 'standby.signal'), '', identity);
    await rename(aside, dir);
  } finally {
    await client.end();
    await rm(aside, { recursive: true, force: true });
  }
}

/** From here on the primary keeps its log for the replica, up to `max_slot_wal_keep_size`. */
async function reserveSlot(client: pg.Client): Promise<void> {
  const slot = 'select wal_status from pg_replication_slots where slot_name = $1';
  const { rows } = await client.query<{ wal_status: string | null }>(slot, [SLOT]);
  const status = rows[0]?.wal_status;
  if (status === 'reserved' || status === 'extended') return;
  if (rows.length > 0) await client.query('select pg_drop_replication_slot($1)', [SLOT]);
  // It keeps the log from the last checkpoint on: an old one may lie further back than is kept for a slot.
  await client.query('checkpoint');
  await client.query('select pg_create_physical_replication_slot($1, immediately_reserve => true)', [SLOT]);
}

async function copyTree(from: string, to: string, identity: Identity): Promise<void> {
  for (const entry of await readdir(from, { withFileTypes: true })) {
    if (LEFT_OUT.test(entry.name)) continue;
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory()) {
      await mkdir(target);
      await chmod(target, 0o700);
      if (!LEFT_EMPTY.has(entry.name)) await copyTree(source, target, identity);
    } else if (!(await copiedUnlessGone(source, target))) {
      continue;
    }
    if (identity.uid !== undefined && identity.gid !== undefined) await chown(target, identity.uid, identity.gid);
  }
}

/** A table may be dropped while its file is being copied; the log that is replayed later says so too. */
async function copiedUnlessGone(source: string, target: string): Promise<boolean> {
  try {
    await copyFile(source, target);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

async function superuser(server: RunningPostgres): Promise<pg.Client> {
  const client = new pg.Client(server.superuserUrl('postgres'));
  client.on('error', () => undefined); // a server that ends fails the query that waits for it
  await client.connect();
  return client;
}
