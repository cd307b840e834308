import { Module, type DynamicModule } from '@nestjs/common';
import { CqrsModule } from '@nestjs/cqrs';
import type { Config } from './config.ts';
import { logging } from './ops/logging.ts';
import { MetricsModule, OpsModule } from './ops/ops.module.ts';
import { Configuration } from './providers/configuration.ts';
import { ProvidersModule } from './providers/providers.module.ts';
import { Lanes } from './wallet/lane.ts';
import { WalletModule } from './wallet/wallet.module.ts';

/** What a wallet process is made of, and what makes it ready. */
@Module({})
export class AppModule {
  static forRoot(config: Config): DynamicModule {
    const ops = OpsModule.forRoot(config, {
      imports: [ProvidersModule],
      inject: [Configuration, Lanes],
      useFactory: (configuration: Configuration, lanes: Lanes) => [
        { name: 'configuration', check: () => (configuration.fresh ? Promise.resolve() : Promise.reject(new Error('not read, or too old'))) },
        { name: 'lane', check: () => lanes.ready() },
      ],
    });
    return {
      module: AppModule,
      imports: [logging(config.logLevel), CqrsModule.forRoot(), MetricsModule, WalletModule.forRoot(config), ProvidersModule, ops],
    };
  }
}
