import { Module } from '@nestjs/common';
import { PinoLogger } from 'nestjs-pino';
import { checkDatabase } from '../../libs/postgres/index.ts';
import { SCHEMA_NEEDED } from '../../migrations/needed.ts';
import { Probes } from '../ops/contract.ts';
import { MoneyReads } from '../wallet/contract.ts';
import { Configuration } from './configuration.ts';
import { DoorController } from './door.controller.ts';

@Module({
  controllers: [DoorController],
  providers: [
    {
      provide: Configuration,
      inject: [MoneyReads, Probes, PinoLogger],
      useFactory: async (reads: MoneyReads, probes: Probes, logger: PinoLogger) => {
        const check = async () => {
          const { durable } = await checkDatabase(reads.pool, SCHEMA_NEEDED);
          if (!durable) logger.warn('synchronous_commit or fsync is off: an acknowledged bet can be lost');
        };
        const configuration = new Configuration(reads.pool, check, (message, error) => logger.error({ err: error }, message));
        await configuration.start();
        probes.add({
          name: 'configuration',
          check: () => (configuration.fresh ? Promise.resolve() : Promise.reject(new Error('not read, or too old'))),
        });
        return Object.assign(configuration, { onApplicationShutdown: () => configuration.stop() });
      },
    },
  ],
  exports: [Configuration],
})
export class ProvidersModule {}
