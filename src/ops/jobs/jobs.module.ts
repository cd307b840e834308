import { BullModule, getQueueToken } from '@nestjs/bullmq';
import { Module, type DynamicModule } from '@nestjs/common';
import { createPostgresBackend, setDefaultBackendFactory, type Queue } from 'bullmq';
import { PinoLogger } from 'nestjs-pino';
import { pool } from '../../../libs/postgres/index.ts';
import type { Config } from '../../config.ts';
import { Probes } from '../contract.ts';
import { Metrics, type JobResult } from '../metrics.ts';
import { endsBeside, onceAMinute, Queues, queuesOf } from './contract.ts';
import { Schedule } from './schedule.ts';
import { UPKEEP, UpkeepProcessor } from './upkeep.processor.ts';

/** A month is made within this time or not at all: bets may be waiting for it. */
const STATEMENT_TIMEOUT = '2s';

/** Work that nobody waits for: a queue and what is done of it. */
@Module({})
export class JobsModule {
  static forRoot(config: Config): DynamicModule {
    setDefaultBackendFactory(config.redisUrl === undefined ? createPostgresBackend : undefined);
    const queues = queuesOf(config);
    const queue = BullModule.registerQueueAsync({ name: UPKEEP, imports: [queues], inject: [Queues], useFactory: ({ connection }: Queues) => ({ connection }) });
    return {
      module: JobsModule,
      imports: [queues, queue],
      providers: [
        { provide: UpkeepProcessor, inject: [Metrics, PinoLogger], useFactory: (metrics: Metrics, logger: PinoLogger) => processorOf(config, metrics, logger) },
        {
          provide: Schedule, inject: [getQueueToken(UPKEEP), Queues, UpkeepProcessor, Probes, PinoLogger],
          useFactory: scheduleOf,
        },
      ],
    };
  }
}

function processorOf(config: Config, metrics: Metrics, logger: PinoLogger): UpkeepProcessor {
  const connections = pool(config.workerUrl, { name: 'croupier upkeep', settings: { statement_timeout: STATEMENT_TIMEOUT } }, 1);
  let missing = 0;
  metrics.gauge('croupier_months_missing', 'Months of the ledger that the last run could not make', () => missing);
  const trimmed = metrics.counter('croupier_office_commands_trimmed_total', 'Commands of the office that were deleted because they are too old to be repeated');
  const retired = metrics.counter('croupier_lanes_retired_total', 'Lanes that were taken out of the positions because their connection is gone');
  const watch = { missing: (months: number) => void (missing = months), trimmed, retired, ended: (job: string, result: JobResult) => metrics.job(job, result) };
  return new UpkeepProcessor(connections, watch, logger, config.callLogDays);
}

function scheduleOf(queue: Queue, queues: Queues, processor: UpkeepProcessor, probes: Probes, logger: PinoLogger): Schedule {
  const report = onceAMinute(logger);
  const schedule = new Schedule(queue, report);
  queue.on('error', (error) => report('the queue has failed', error));
  probes.add({
    name: 'queue',
    check: async () => {
      const said = await queues.health();
      if (said) return said;
      if (!processor.running || !schedule.known) throw new Error('no job has been asked for yet');
    },
  });
  return Object.assign(schedule, {
    onApplicationBootstrap: () => {
      processor.worker.on('error', (error) => report('the queue\'s worker has failed', error));
      schedule.start();
    },
    // What runs is finished and nothing more is begun, while the pools are still there.
    ...endsBeside(async () => {
      await queues.leave();
      const closed = processor.worker.close();
      // Nest would close both once more, and wait for ever where they could only be left.
      Object.assign(processor.worker, { close: () => Promise.resolve() });
      Object.assign(queue, { onApplicationShutdown: () => undefined });
      await Promise.all([schedule.stop(), closed]);
      await Promise.all([queue.close(), processor.end()]);
    }),
  });
}
