import { Module } from '@nestjs/common';
import { PinoLogger } from 'nestjs-pino';
import { AuthenticateHandler } from '../sessions/authenticate.query.ts';
import { checkDatabase } from '../wallet/fitness.ts';
import { MoneyReads } from '../wallet/read-balance.ts';
import { Configuration } from './configuration.ts';
import { DoorController } from './door.controller.ts';

@Module({
  controllers: [DoorController],
  providers: [
    AuthenticateHandler,
    {
      provide: Configuration,
      inject: [MoneyReads, PinoLogger],
      useFactory: async (reads: MoneyReads, logger: PinoLogger) => {
        const check = async () => {
          const { durable } = await checkDatabase(reads.pool);
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
