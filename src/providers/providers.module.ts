import { Module } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { PinoLogger } from 'nestjs-pino';
import { checkDatabase } from '../../libs/postgres/index.ts';
import { SCHEMA_NEEDED } from '../../migrations/needed.ts';
import { AuthenticateHandler } from '../sessions/authenticate.query.ts';
import { MoneyReads } from '../wallet/contract.ts';
import { Configuration } from './configuration.ts';
import { DoorController } from './door.controller.ts';
import { ProblemFilter } from './problem.filter.ts';

@Module({
  controllers: [DoorController],
  providers: [
    AuthenticateHandler,
    { provide: APP_FILTER, useClass: ProblemFilter },
    {
      provide: Configuration,
      inject: [MoneyReads, PinoLogger],
      useFactory: async (reads: MoneyReads, logger: PinoLogger) => {
        const check = async () => {
          const { durable } = await checkDatabase(reads.pool, SCHEMA_NEEDED);
          if (!durable) logger.warn('synchronous_commit or fsync is off: an acknowledged bet can be lost');
        };
        const configuration = new Configuration(reads.pool, check, (message, error) => logger.error({ err: error }, message));
        await configuration.start();
        return Object.assign(configuration, { onApplicationShutdown: () => configuration.stop() });
      },
    },
  ],
  exports: [Configuration],
})
export class ProvidersModule {}
