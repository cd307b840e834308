/** Where the queues of a worker are kept, each as a test finds it: PostgreSQL always, Redis where this machine has one. */
import { spawn, spawnSync } from 'node:child_process';
import { setTimeout as pause } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { freePort } from '../../tools/local/embedded-postgres.ts';
import { asSuperuser, type TestDatabase } from '../support/cluster.ts';

export interface Kept {
  readonly env: Readonly<Record<string, string>>;
  /** empties the queues, whoever is at work there */
  wipe(database: TestDatabase): Promise<void>;
  /** how much is in them */
  size(database: TestDatabase): Promise<number>;
  /** the runs that come next of the queue `upkeep` go, and its schedule thinks that they were due two hours ago */
  loseNext(database: TestDatabase): Promise<void>;
  close(): Promise<void>;
}

const WIPE = `do $$ begin execute (select 'truncate ' || string_agg(format('bullmq.%I', tablename), ', ') from pg_tables
  where schemaname = 'bullmq' and tablename <> 'migration'); end $$`;

/** Those at work there lock its tables in another order than a truncation does. */
async function wiped(url: string): Promise<void> {
  for (let tries = 1; ; tries++) {
    const done = await asSuperuser(url, WIPE).then(() => true, (error: { code?: string }) => {
      if (error.code !== '40P01' || tries === 20) throw error;
      return false;
    });
    if (done) return;
  }
}

export const inPostgres = (): Promise<Kept> => Promise.resolve({
  env: {},
  wipe: (database) => wiped(database.url('superuser')),
  size: async (database) => (await asSuperuser<{ n: number }>(database.url('superuser'), 'select count(*)::int as n from bullmq.job'))[0]?.n ?? 0,
  loseNext: async (database) => void (await asSuperuser(database.url('superuser'), `delete from bullmq.job where state = 'delayed';
    update bullmq.scheduler set next_run_ms = next_run_ms - 2 * 3600000`)),
  close: () => Promise.resolve(),
});

/** A Redis of its own, that keeps nothing on disk; it can be stopped and started again at the same place. */
export class OwnRedis implements Kept {
  private server: ReturnType<typeof spawn> | undefined;
  private client: Redis | undefined;
  private constructor(private readonly port: number) {}

  static readonly there = spawnSync('redis-server', ['--version']).status === 0;

  static async start(): Promise<OwnRedis> {
    const redis = new OwnRedis(await freePort());
    await redis.up();
    return redis;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  get env(): Kept['env'] {
    return { REDIS_URL: this.url };
  }

  /** Asks the server itself, as who may everything. */
  ask(command: string, ...args: (string | number)[]): Promise<unknown> {
    return (this.client as Redis).call(command, ...args);
  }

  async up(): Promise<void> {
    this.server = spawn('redis-server', ['--port', String(this.port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'], { stdio: 'ignore' });
    this.client ??= new Redis(this.port, '127.0.0.1', { maxRetriesPerRequest: null, retryStrategy: () => 50 }).on('error', () => undefined);
    await this.client.ping();
  }

  async down(): Promise<void> {
    const { server } = this;
    if (!server || server.exitCode !== null || server.signalCode !== null) return;
    const gone = new Promise((resolve) => server.once('exit', resolve));
    server.kill('SIGKILL');
    await gone;
  }

  /** From here on it asks as that user. */
  async as(user: string): Promise<void> {
    await this.ask('auth', user, '');
  }

  wipe = async () => void (await this.client?.flushall());
  size = async () => (await this.client?.dbsize()) ?? 0;
  loseNext = async () => {
    await this.ask('del', 'bull:upkeep:delayed');
    for (const job of (await this.ask('zrange', 'bull:upkeep:repeat', 0, -1)) as string[]) await this.ask('zincrby', 'bull:upkeep:repeat', -2 * 3_600_000, job);
  };

  async close(): Promise<void> {
    this.client?.disconnect();
    await this.down();
  }
}

/** For `describe.each`; where there is no Redis its half says so and is not run. */
export const BACKENDS: readonly (readonly [string, () => Promise<Kept>])[] = [['PostgreSQL', inPostgres], ...(OwnRedis.there ? [['Redis', () => OwnRedis.start()] as const] : [])];

export async function until(what: string, look: () => Promise<boolean> | boolean, withinMs = 15_000): Promise<void> {
  for (const deadline = performance.now() + withinMs; !(await look()); await pause(25)) {
    if (performance.now() > deadline) throw new Error(`not within ${withinMs / 1000} s: ${what}`);
  }
}
