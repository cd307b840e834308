import { BullModule, getQueueToken } from '@nestjs/bullmq';
import { Module, type DynamicModule } from '@nestjs/common';
import { createPostgresBackend, setDefaultBackendFactory, type ConnectionOptions, type Queue } from 'bullmq';
import { PinoLogger } from 'nestjs-pino';
import { pool } from '../../../libs/postgres/index.ts';
import { QUEUE_SCHEMA } from '../../../migrations/needed.ts';
import type { Config } from '../../config.ts';
import { Probes } from '../contract.ts';
import { Metrics } from '../metrics.ts';
import { QueuePool } from './queue-pool.ts';
import { Schedule } from './schedule.ts';
import { UPKEEP, UpkeepProcessor } from './upkeep.processor.ts';

/** One for the statements of queue and worker, one that the worker listens on, and one spare. */
const QUEUE_CONNECTIONS = 3;
/** A month is made within this time or not at all: bets may be waiting for it. */
const STATEMENT_TIMEOUT = '2s';

/** Work that nobody waits for: a queue in PostgreSQL and what is done of it. */
@Module({})
export class JobsModule {
  static forRoot(config: Config): DynamicModule {
    setDefaultBackendFactory(createPostgresBackend);
    const connection = connectionOf(config);
    const queue = BullModule.registerQueueAsync({
      name: UPKEEP, imports: [connection], inject: [QueuePool], useFactory: (queuePool: QueuePool) => ({ connection: queuePool as unknown as ConnectionOptions }),
    });
    return {
      module: JobsModule,
      imports: [connection, queue],
      providers: [
        { provide: UpkeepProcessor, inject: [Metrics, PinoLogger], useFactory: (metrics: Metrics, logger: PinoLogger) => processorOf(config, metrics, logger) },
        { provide: Schedule, inject: [getQueueToken(UPKEEP), QueuePool, UpkeepProcessor, Probes, PinoLogger], useFactory: scheduleOf },
      ],
    };
  }
}

@Module({})
class QueueConnectionModule {}

function connectionOf(config: Config): DynamicModule {
  const settings = { search_path: QUEUE_SCHEMA, statement_timeout: '2500ms' };
  const useFactory = (metrics: Metrics, logger: PinoLogger) => {
    const connections = pool(config.workerUrl, { name: 'croupier queue', settings }, QUEUE_CONNECTIONS);
    metrics.gauge('croupier_queue_connections_in_use', 'Connections of the job queue in use', () => connections.totalCount - connections.idleCount);
    const queuePool = new QueuePool(connections, onceAMinute(logger));
    return Object.assign(queuePool, { onApplicationShutdown: () => queuePool.end() });
  };
  return { module: QueueConnectionModule, providers: [{ provide: QueuePool, inject: [Metrics, PinoLogger], useFactory }], exports: [QueuePool] };
}

function processorOf(config: Config, metrics: Metrics, logger: PinoLogger): UpkeepProcessor {
  const connections = pool(config.workerUrl, { name: 'croupier upkeep', settings: { statement_timeout: STATEMENT_TIMEOUT } }, 1);
  let missing = 0;
  metrics.gauge('croupier_months_missing', 'Months of the ledger that the last run could not make', () => missing);
  const trimmed = metrics.counter('croupier_office_commands_trimmed_total', 'Commands of the office that were deleted because they are too old to be repeated');
  const watch = { missing: (months: number) => void (missing = months), trimmed, ended: (job: string, result: 'done' | 'failed') => metrics.job(job, result) };
  const processor = new UpkeepProcessor(connections, watch, logger);
  return Object.assign(processor, { onApplicationShutdown: () => connections.end() });
}

function scheduleOf(queue: Queue, queuePool: QueuePool, processor: UpkeepProcessor, probes: Probes, logger: PinoLogger): Schedule {
  const report = onceAMinute(logger);
  const schedule = new Schedule(queue, report);
  queue.on('error', (error) => report('the queue has failed', error));
  probes.add({
    name: 'queue',
    check: async () => {
      await queuePool.check();
      if (!processor.running || !schedule.known) throw new Error('no job has been asked for yet');
    },
  });
  return Object.assign(schedule, {
    onApplicationBootstrap: () => {
      processor.worker.on('error', (error) => report('the queue\'s worker has failed', error));
      schedule.start();
    },
    // What runs is finished and nothing more is begun, while the pools are still there.
    beforeApplicationShutdown: async () => {
      queuePool.leave();
      await schedule.stop();
      await processor.worker.close();
      await queue.close();
    },
  });
}

/** A database that is away fails every statement: the same sentence is told once a minute. */
function onceAMinute(logger: PinoLogger): (message: string, error: unknown) => void {
  const toldAt = new Map<string, number>();
  return (message, error) => {
    if (performance.now() - (toldAt.get(message) ?? -Infinity) < 60_000) return;
    toldAt.set(message, performance.now());
    logger.error({ err: error }, message);
  };
}
