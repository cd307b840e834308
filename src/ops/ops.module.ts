import { Global, Module, type DynamicModule, type FactoryProvider, type ModuleMetadata } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import type { Config } from '../config.ts';
import { HealthController, Probes, type Probe } from './health.controller.ts';
import { MetricsController } from './metrics.controller.ts';
import { Metrics } from './metrics.ts';

@Global()
@Module({ providers: [Metrics], exports: [Metrics] })
export class MetricsModule {}

/** Health and metrics. What makes this process ready is said by who puts it together. */
@Module({})
export class OpsModule {
  static forRoot(config: Config, ready: Pick<ModuleMetadata, 'imports'> & Omit<FactoryProvider<Probe[]>, 'provide'>): DynamicModule {
    const { imports = [], ...factory } = ready;
    return {
      module: OpsModule,
      imports: [...imports, TerminusModule.forRoot({ logger: false, gracefulShutdownTimeoutMs: config.drainDelayMs })],
      controllers: [HealthController, MetricsController],
      providers: [{ provide: Probes, ...factory }],
    };
  }
}
