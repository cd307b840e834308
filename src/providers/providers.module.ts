import { Module, type DynamicModule } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import { PinoLogger } from 'nestjs-pino';
import { SecretBox } from '../../libs/crypto/index.ts';
import { checkDatabase } from '../../libs/postgres/index.ts';
import { SCHEMA_NEEDED } from '../../migrations/needed.ts';
import { Probes } from '../ops/contract.ts';
import { Admission, Fault, MoneyReads } from '../wallet/contract.ts';
import { Calls, type CallWatch } from './calls.ts';
import { Configuration } from './configuration.ts';
import type { AnyDialect } from './contract.ts';
import { DoorController } from './door.controller.ts';
import { PathFailures } from './failures.ts';

@Module({})
export class ProvidersModule {
  static forRoot(dialects: readonly AnyDialect[]): DynamicModule {
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
          provide: Calls,
          inject: [Configuration, CommandBus, QueryBus, Admission, PinoLogger],
          useFactory: (configuration: Configuration, commands: CommandBus, queries: QueryBus, admission: Admission, logger: PinoLogger) =>
            new Calls({ configuration, dialects, commands, queries, admission, watch: watchOf(logger) }),
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

const watchOf = (logger: PinoLogger): CallWatch => ({
  fault(fault, requestId) {
    if (fault instanceof Fault && fault.code === 'OVERLOADED') return;
    const expected = fault instanceof Fault && fault.code !== 'INTERNAL';
    if (expected) logger.warn({ requestId, code: fault.code, reason: fault.message, err: fault.cause }, 'fault');
    else logger.error({ requestId, err: fault }, 'unexpected fault');
  },
  alert: (message, requestId) => logger.error({ requestId, alert: true }, message),
});
