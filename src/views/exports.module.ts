import { Module, type DynamicModule } from '@nestjs/common';
import { Registry } from '@prometheus-io/client';
import { PinoLogger } from 'nestjs-pino';
import { pool } from '../../libs/postgres/index.ts';
import type { Config } from '../config.ts';
import { endsBeside, onceAMinute, Queues, queuesOf } from '../ops/jobs/contract.ts';
import { Metrics } from '../ops/metrics.ts';
import { ExportMetrics } from './exports/export-metrics.ts';
import { EXPORT_SETTINGS, EXPORTS, ExportQueue } from './exports/queue.ts';
import { REPORTS } from './exports/reports.ts';
import { ExportWork } from './exports/work.ts';
import { Reads } from './reads.ts';

/** Two exports at once, their signs of life, and what is due. */
const CONNECTIONS = 4;

/** Reports are made into files, in the background. */
@Module({})
export class ExportsModule {
  static forRoot(config: Config): DynamicModule {
    return {
      module: ExportsModule,
      imports: [queuesOf(config)],
      providers: [{
        provide: ExportQueue, inject: [Queues, Metrics, PinoLogger],
        useFactory: (queues: Queues, metrics: Metrics, logger: PinoLogger) => exportsOf(config, queues, metrics, logger),
      }],
    };
  }
}

function exportsOf(config: Config, queues: Queues, metrics: Metrics, logger: PinoLogger): ExportQueue {
  const report = onceAMinute(logger);
  const connections = pool(config.workerUrl, { name: 'croupier exports', settings: EXPORT_SETTINGS }, CONNECTIONS);
  // Reads of its own: an export never stands in the way of somebody who waits for an answer.
  const reads = new Reads({ primaryUrl: config.readUrl, replicaUrls: config.replicaUrls, lagLimitMs: config.readLagLimitMs, registry: new Registry() });
  const work = new ExportWork({
    pool: connections, reads, reports: REPORTS, alert: (message, error) => logger.error({ alert: true, err: error }, message), ended: (outcome, format) => metrics.exported(outcome, format),
  });
  const standing = new ExportMetrics(metrics.registry, connections);
  const queue = new ExportQueue(queues, {
    pool: connections, work, report, ended: (job, result) => metrics.job(job, result), untaken: metrics.untaken(EXPORTS), alsoLook: () => standing.look(),
  });
  return Object.assign(queue, {
    onApplicationBootstrap: async () => {
      await reads.start();
      queue.start();
    },
    // What is under way is given back while the connections are still there.
    ...endsBeside(async () => {
      await queues.leave();
      await queue.stop();
      await queue.close();
      await Promise.all([reads.close(), connections.end()]);
    }),
  });
}
