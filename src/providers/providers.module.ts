import { Module, type DynamicModule } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import { PinoLogger } from 'nestjs-pino';
import { SecretBox } from '../../libs/crypto/index.ts';
import { checkDatabase } from '../../libs/postgres/index.ts';
import { SCHEMA_NEEDED } from '../../migrations/needed.ts';
import type { Config } from '../config.ts';
import { Probes } from '../ops/contract.ts';
import { Metrics } from '../ops/metrics.ts';
import { Admission, Fault, MoneyReads } from '../wallet/contract.ts';
import { CallLog } from './call-log.ts';
import { Calls, type CallWatch } from './calls.ts';
import { Configuration } from './configuration.ts';
import type { AnyDialect } from './contract.ts';
import { DoorController } from './door.controller.ts';
import { PathFailures } from './failures.ts';
import { loggedId } from './logged-id.ts';

/** What is still as it was is said so often. */
const SAY_AGAIN_MS = 60_000;

@Module({})
export class ProvidersModule {
  static forRoot(config: Config, dialects: readonly AnyDialect[]): DynamicModule {
    return {
      module: ProvidersModule,
      controllers: [DoorController],
      providers: [
        {
          provide: Configuration,
          inject: [MoneyReads, Probes, PinoLogger, SecretBox],
          useFactory: (reads: MoneyReads, probes: Probes, logger: PinoLogger, secrets: SecretBox) => followed(dialects, reads, probes, logger, secrets),
        },
        {
          provide: CallLog,
          inject: [Metrics, PinoLogger],
          useFactory: (metrics: Metrics, logger: PinoLogger) => callLogOf(config, metrics, logger),
        },
        {
          provide: Calls,
          inject: [Configuration, CommandBus, QueryBus, Admission, CallLog, PinoLogger],
          useFactory: (configuration: Configuration, commands: CommandBus, queries: QueryBus, admission: Admission, log: CallLog, logger: PinoLogger) =>
            new Calls({ configuration, dialects, commands, queries, admission, log, watch: watchOf(logger) }),
        },
        { provide: PathFailures, useExisting: Calls },
      ],
      exports: [Configuration, PathFailures],
    };
  }
}

async function followed(dialects: readonly AnyDialect[], { pool }: MoneyReads, probes: Probes, logger: PinoLogger, secrets: SecretBox): Promise<Configuration> {
  const check = async () => {
    const { durable } = await checkDatabase(pool, SCHEMA_NEEDED);
    if (!durable) logger.warn('synchronous_commit or fsync is off: an acknowledged bet can be lost');
  };
  const report = (message: string, reason: string) => logger.error({ reason }, message);
  const configuration = new Configuration({ pool, dialects, openSecrets: (all) => secrets.openAll(all), check, report });
  await configuration.start();
  probes.add({
    name: 'configuration',
    check: () => (configuration.fresh ? Promise.resolve() : Promise.reject(new Error('not read, or too old'))),
  });
  return Object.assign(configuration, { onApplicationShutdown: () => configuration.stop() });
}

function callLogOf(config: Config, metrics: Metrics, logger: PinoLogger): CallLog {
  const count = {
    written: metrics.counter('croupier_call_log_written_total', 'Calls of providers that were written to the call log'),
    dropped: metrics.counter('croupier_call_log_dropped_total', 'Calls that should stand in the call log and do not, because there was no room or they could not be written'),
    passedOver: metrics.counter('croupier_call_log_passed_over_total', 'Calls turned away under overload that the call log only counts'),
    unattributed: metrics.counter('croupier_calls_unattributed_total', 'Calls of no known account, which no operator’s call log has'),
    minutesLost: metrics.counter('croupier_provider_minutes_lost_total', 'Minutes of provider accounts that could not be written before there were too many'),
  };
  const toldAt = new Map<string, number>();
  const report = (message: string, error: unknown) => {
    if (performance.now() - (toldAt.get(message) ?? -Infinity) < SAY_AGAIN_MS) return;
    toldAt.set(message, performance.now());
    logger.error({ err: error }, message);
  };
  const log = new CallLog({ url: config.databaseUrl, sample: config.callLogSample, count, report });
  metrics.gauge('croupier_call_log_waiting', 'Calls that wait to be written to the call log', () => log.waiting);
  log.start();
  return Object.assign(log, { onApplicationShutdown: () => log.stop() });
}

const watchOf = (logger: PinoLogger): CallWatch => ({
  fault(fault, requestId) {
    if (fault instanceof Fault && fault.code === 'OVERLOADED') return;
    const expected = fault instanceof Fault && fault.code !== 'INTERNAL';
    if (expected) logger.warn({ requestId: loggedId(requestId), code: fault.code, reason: fault.message, err: fault.cause }, 'fault');
    else logger.error({ requestId: loggedId(requestId), err: fault }, 'unexpected fault');
  },
  alert: (message, requestId) => logger.error({ requestId: loggedId(requestId), alert: true }, message),
});
