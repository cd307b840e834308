/**
 * Where queues are kept, for every part that has one: in PostgreSQL, or in Redis where REDIS_URL is set. What is in them may be lost at any time:
 * whoever needs a job asks again.
 */
import { Module, type DynamicModule } from '@nestjs/common';
import { createPostgresBackend, createRedisBackend, type BackendFactory, type ConnectionOptions } from 'bullmq';
import { PinoLogger } from 'nestjs-pino';
import type pg from 'pg';
import { pool } from '../../../libs/postgres/index.ts';
import { QUEUE_SCHEMA } from '../../../migrations/needed.ts';
import type { Config } from '../../config.ts';
import { Metrics } from '../metrics.ts';
import { QueuePool } from './queue-pool.ts';

/** One to listen on for each worker of a part (upkeep, feed, …), two for the statements of all, and one spare. */
const QUEUE_CONNECTIONS = 8;
const REDIS_ANSWERS_MS = 1_000;
const REDIS_AGAIN_MS = 1_000;

export abstract class Queues {
  /** for the options of BullMQ's Queue and Worker, with the backend behind them */
  abstract readonly connection: ConnectionOptions;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- BullMQ's own default for a backend that is chosen at run time
  abstract readonly backend: BackendFactory<any, any>;
  /** Rejects while the queues cannot be used. */
  abstract check(): Promise<void>;
  /** What `ready` says of it; rejects where a process without it is not to be sent calls. */
  abstract health(): Promise<Readonly<Record<string, unknown>> | void>;
  /** From here on nothing is waited for: whoever waits is told so. */
  abstract leave(): Promise<void>;
  abstract end(): Promise<void>;
}

/** In the database itself, which the process cannot do without anyway. */
class InPostgres extends Queues {
  readonly backend = createPostgresBackend;
  readonly connection: ConnectionOptions;

  constructor(private readonly queuePool: QueuePool) {
    super();
    this.connection = queuePool;
  }

  check = () => this.queuePool.check();
  health = () => this.queuePool.check();
  leave = () => Promise.resolve(this.queuePool.leave());
  end = () => this.queuePool.end();
}

interface RedisClient {
  readonly status: string;
  ping(): Promise<unknown>;
  connect(): Promise<unknown>;
  disconnect(): void;
  duplicate(options?: object): RedisClient;
  on(event: 'error', listener: (error: Error) => void): unknown;
  once(event: 'end', listener: () => void): unknown;
}

/** While it is away the views are fed all the same and calls are answered, so it only degrades a process. Without its database there is nothing to do. */
class InRedis extends Queues {
  readonly backend = createRedisBackend;
  readonly connection: ConnectionOptions;

  /** it and what workers have made after its likeness */
  private readonly clients: RedisClient[] = [];
  private left: Promise<void> | undefined;

  constructor(private readonly redis: RedisClient, private readonly database: pg.Pool, report: (error: Error) => void, private readonly goneFromHere: () => void) {
    super();
    this.connection = redis;
    const known = (client: RedisClient) => {
      client.on('error', report);
      this.clients.push(client);
      return client;
    };
    const duplicate = redis.duplicate.bind(redis);
    redis.duplicate = (options) => known(duplicate(options));
    known(redis);
  }

  async check(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => { timer = setTimeout(() => reject(new Error('Redis does not answer')), REDIS_ANSWERS_MS); });
    const asked = this.redis.ping();
    asked.catch(() => undefined);
    await Promise.race([asked, late]).finally(() => clearTimeout(timer));
  }

  health = async () => {
    const [said] = await Promise.all([this.check().catch(() => ({ degraded: 'Redis is not there' })), this.database.query('select')]);
    return said;
  };
  /** One that is away is not said good-bye to: whoever waited for its answer would wait for ever. */
  leave = () => (this.left ??= this.check().catch(() => partFrom(this.hangUp())));
  end = async () => {
    await Promise.all([this.hangUp(), this.database.end()]);
  };

  private async hangUp(): Promise<void> {
    this.goneFromHere();
    await Promise.all(this.clients.map(async (client) => {
      if (client.status === 'end') return;
      const ended = new Promise<void>((resolve) => client.once('end', resolve));
      const waits = client.status === 'reconnecting';
      client.disconnect();
      // Told to end while it waits for its next try, it ends and never says so, and BullMQ waits to hear it. So it tries once more.
      if (waits) client.connect().then(() => client.disconnect(), () => undefined);
      await ended;
    }));
  }
}

@Module({})
class QueuesModule {}

const modules = new WeakMap<Config, DynamicModule>();

/** The module that provides `Queues`: one a process, whoever imports it. */
export function queuesOf(config: Config): DynamicModule {
  const known = modules.get(config);
  if (known) return known;
  const useFactory = async (metrics: Metrics, logger: PinoLogger) => {
    const queues = config.redisUrl === undefined ? inPostgres(config, metrics, logger) : await inRedis(config, config.redisUrl, logger);
    return Object.assign(queues, { onApplicationShutdown: () => partFrom(queues.end()) });
  };
  const made = { module: QueuesModule, providers: [{ provide: Queues, inject: [Metrics, PinoLogger], useFactory }], exports: [Queues] };
  modules.set(config, made);
  return made;
}

function inPostgres(config: Config, metrics: Metrics, logger: PinoLogger): Queues {
  const settings = { search_path: QUEUE_SCHEMA, statement_timeout: '2500ms' };
  const connections = pool(config.workerUrl, { name: 'croupier queue', settings }, QUEUE_CONNECTIONS);
  metrics.gauge('croupier_queue_connections_in_use', 'Connections of the job queue in use', () => connections.totalCount - connections.idleCount);
  return new InPostgres(new QueuePool(connections, onceAMinute(logger)));
}

async function inRedis(config: Config, url: string, logger: PinoLogger): Promise<Queues> {
  // Loaded where it is used: nothing else needs it.
  const { Redis } = await import('ioredis');
  const report = onceAMinute(logger);
  let left = false;
  const redis = new Redis(url, { maxRetriesPerRequest: null, retryStrategy: () => (left ? null : REDIS_AGAIN_MS), connectTimeout: 2_000 });
  const database = pool(config.workerUrl, { name: 'croupier queue', settings: { statement_timeout: '2500ms' } }, 1);
  return new InRedis(redis, database, (error) => report('Redis cannot be used now', error), () => { left = true; });
}

/** A part of a process that ends is waited for so long, and then left: what it was at is done again by another process. */
const PART_ENDS_MS = 4_000;
const GOODBYE_MS = 2_000;

/**
 * Hooks of a part that ends: it begins to when the first part is told to, and is waited for in its turn. Nest ends parts one after the other, and
 * each may have to wait for a database that is away; so all of them together take as long as the slowest, and none takes longer than its time.
 */
export function endsBeside(goodbye: () => Promise<unknown>): { onModuleDestroy(): void; beforeApplicationShutdown(): Promise<unknown> } {
  let ending: Promise<unknown> | undefined;
  const end = () => (ending ??= partFrom(goodbye(), PART_ENDS_MS));
  return { onModuleDestroy: () => void end().catch(() => undefined), beforeApplicationShutdown: end };
}

/** Waits for a good-bye, and not for ever: a pool waits for what its server never answers, and BullMQ does not end a worker whose Redis is away. */
export async function partFrom(goodbye: Promise<unknown>, withinMs = GOODBYE_MS): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise((resolve) => { timer = setTimeout(resolve, withinMs); });
  await Promise.race([goodbye, late]).finally(() => clearTimeout(timer));
}

/** What is away fails every statement: the same sentence is told once a minute. */
export function onceAMinute(logger: PinoLogger): (message: string, error: unknown) => void {
  const toldAt = new Map<string, number>();
  return (message, error) => {
    if (performance.now() - (toldAt.get(message) ?? -Infinity) < 60_000) return;
    toldAt.set(message, performance.now());
    logger.error({ err: error }, message);
  };
}
