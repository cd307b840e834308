/** A cluster of two: a primary as in production and a streaming replica of it, which can be paused, silenced, stopped and promoted. */
import { randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { migrate } from '../../migrations/index.ts';
import { startPostgres, type RunningPostgres } from '../../tools/local/embedded-postgres.ts';
import { parentsOfAll, signalProcess } from '../../tools/local/processes.ts';
import { startReplica } from '../../tools/local/replica.ts';
import { LOGIN_ROLES, prepareDatabase, type LoginRole } from '../../tools/local/roles.ts';
import { asSuperuser, databaseAt, TEMPLATE, type TestDatabase } from './cluster.ts';

const PASSWORD = 'of-a-test';

/** Not flushed to disk, but committed and streamed as in production: a commit is sent as soon as it is answered. */
const SETTINGS = { max_connections: 100, wal_level: 'replica', fsync: 'off', full_page_writes: 'on', synchronous_commit: 'on', wal_retrieve_retry_interval: '100ms' };

/** One database server of the pair. */
export class Server {
  constructor(public postgres: RunningPostgres) {}

  at(name: string): TestDatabase {
    return databaseAt(this.postgres.superuserUrl('x'), name);
  }

  sql<Row = Record<string, unknown>>(text: string, values?: unknown[]): Promise<Row[]> {
    return asSuperuser<Row>(this.postgres.superuserUrl('postgres'), text, values);
  }

  /** The whole server falls silent, as a machine does that hangs; connections stay. */
  freeze(): void {
    for (const pid of this.processes()) signalProcess(pid, 'SIGSTOP');
  }

  thaw(): void {
    for (const pid of this.processes()) signalProcess(pid, 'SIGCONT');
  }

  private processes(): number[] {
    const { pid } = this.postgres;
    return [pid, ...[...parentsOfAll()].filter(([, parent]) => parent === pid).map(([child]) => child)];
  }
}

export class Replica extends Server {
  constructor(postgres: RunningPostgres, private readonly start: () => Promise<RunningPostgres>) {
    super(postgres);
  }

  /** Resolves once nothing more is replayed. */
  async pause(): Promise<void> {
    await this.sql('select pg_wal_replay_pause()');
    while ((await this.sql<{ state: string }>('select pg_get_wal_replay_pause_state() as state'))[0]?.state !== 'paused') await pause(5);
  }

  async resume(): Promise<void> {
    await this.sql('select pg_wal_replay_resume()');
  }

  async promote(): Promise<void> {
    await this.sql('select pg_promote(wait => true)');
  }

  async stop(): Promise<void> {
    await this.postgres.stop('fast');
  }

  /** On the port it had. */
  async startAgain(): Promise<void> {
    this.postgres = await this.start();
  }
}

export interface Pair {
  readonly primary: Server;
  readonly replica: Replica;
  readonly database: TestDatabase;
  /** the same database on the replica */
  readonly replicated: TestDatabase;
  /** another replica, of the first one */
  cascade(): Promise<Replica>;
  /** until the replica has replayed all that the primary (or the server that took its place) has written by now */
  caughtUp(replica?: Replica, behind?: Server): Promise<void>;
  stop(): Promise<void>;
}

export async function startPair(): Promise<Pair> {
  const base = mkdtempSync(join(tmpdir(), 'croupier-pair-'));
  chmodSync(base, 0o755);
  const password = randomBytes(8).toString('hex');
  const started: RunningPostgres[] = [];
  const keep = (postgres: RunningPostgres) => (started.push(postgres), postgres);
  const stop = async () => {
    for (const postgres of started.toReversed()) await postgres.stop('immediate');
    rmSync(base, { recursive: true, force: true });
  };
  const follow = async (primary: RunningPostgres, name: string): Promise<Replica> => {
    const start = async (port?: number) => keep(await startReplica({
      dir: join(base, name), primary, password, replicationPassword: PASSWORD, sync: false, settings: SETTINGS, ...(port !== undefined && { port }),
    }));
    const postgres = await start();
    return new Replica(postgres, () => start(postgres.port));
  };
  try {
    const primary = keep(await startPostgres({ dir: join(base, 'primary'), sync: false, password, settings: SETTINGS }));
    await prepareDatabase(primary.superuserUrl, Object.fromEntries(LOGIN_ROLES.map((role) => [role, PASSWORD])) as Record<LoginRole, string>, PASSWORD);
    await asSuperuser(primary.superuserUrl('postgres'), `create database ${TEMPLATE} owner croupier_owner`);
    const server = new Server(primary);
    const database = server.at(TEMPLATE);
    await migrate(database.url('croupier_owner'));
    const replica = await follow(primary, 'replica');
    const caughtUp = async (whose = replica, behind: Server = server): Promise<void> => {
      const [written] = await behind.sql<{ lsn: string }>('select pg_current_wal_insert_lsn()::text as lsn');
      for (;;) {
        const [seen] = await whose.sql<{ there: boolean }>('select pg_last_wal_replay_lsn() >= $1::pg_lsn as there', [written?.lsn]);
        if (seen?.there) return;
        // A record that nothing needs: a position behind a page's header is reached only with the next record.
        await behind.sql("select pg_logical_emit_message(false, 'test', '', true)");
        await pause(10);
      }
    };
    return { primary: server, replica, database, replicated: replica.at(TEMPLATE), cascade: () => follow(replica.postgres, `replica-${basename(base)}`), caughtUp, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
