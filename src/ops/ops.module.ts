import { Global, Module, type DynamicModule } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import { PinoLogger } from 'nestjs-pino';
import type { Config } from '../config.ts';
import { Probes } from './contract.ts';
import { Databases, databasesOf } from './databases.ts';
import { HealthController } from './health.controller.ts';
import { MetricsController } from './metrics.controller.ts';
import { Metrics } from './metrics.ts';

/** Health and metrics, for every role, and that no role serves from a database that is not fit for it. */
@Global()
@Module({})
export class OpsModule {
  static forRoot(config: Config): DynamicModule {
    return {
      module: OpsModule,
      imports: [TerminusModule.forRoot({ logger: false, gracefulShutdownTimeoutMs: config.drainDelayMs })],
      controllers: [HealthController, MetricsController],
      providers: [
        Metrics, Probes,
        { provide: Databases, inject: [Probes, PinoLogger], useFactory: (probes: Probes, logger: PinoLogger) => checked(config, probes, logger) },
      ],
      exports: [Metrics, Probes],
    };
  }
}

async function checked(config: Config, probes: Probes, logger: PinoLogger): Promise<Databases> {
  const databases = new Databases(databasesOf(config), (message, error) => logger.error({ err: error }, message));
  probes.add({ name: 'databases', check: () => databases.check() });
  await databases.start();
  return Object.assign(databases, { onApplicationShutdown: () => databases.stop() });
}
