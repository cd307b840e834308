import { Module, type DynamicModule } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { CqrsModule } from '@nestjs/cqrs';
import type { Config } from './config.ts';
import { logging } from './ops/logging.ts';
import { MetricsModule, OpsModule } from './ops/ops.module.ts';
import { ProblemFilter } from './ops/problem.filter.ts';
import { ProvidersModule } from './providers/providers.module.ts';
import { WalletModule } from './wallet/wallet.module.ts';

@Module({})
export class AppModule {
  static forRoot(config: Config): DynamicModule {
    return {
      module: AppModule,
      imports: [logging(config.logLevel), CqrsModule.forRoot(), MetricsModule, WalletModule.forRoot(config), ProvidersModule, OpsModule.forRoot(config)],
      providers: [{ provide: APP_FILTER, useClass: ProblemFilter }],
    };
  }
}
