import { Global, Module, type DynamicModule } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import { ProvidersModule } from '../providers/providers.module.ts';
import type { Config } from '../config.ts';
import { HealthController } from './health.controller.ts';
import { MetricsController } from './metrics.controller.ts';
import { Metrics } from './metrics.ts';

@Global()
@Module({ providers: [Metrics], exports: [Metrics] })
export class MetricsModule {}

@Module({})
export class OpsModule {
  static forRoot(config: Config): DynamicModule {
    return {
      module: OpsModule,
      imports: [ProvidersModule, TerminusModule.forRoot({ logger: false, gracefulShutdownTimeoutMs: config.drainDelayMs })],
      controllers: [HealthController, MetricsController],
    };
  }
}
