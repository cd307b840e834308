import { Module, type DynamicModule } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { CqrsModule } from '@nestjs/cqrs';
import type { Config } from './config.ts';
import { DIALECTS } from './installed.ts';
import { logging } from './ops/logging.ts';
import { OpsModule } from './ops/ops.module.ts';
import type { AnyDialect } from './providers/contract.ts';
import { ProblemFilter } from './providers/problem.filter.ts';
import { partsOf } from './roles.ts';

/** A process of one role: its parts, and what every process has. */
@Module({})
export class AppModule {
  static async forRoot(config: Config, dialects: readonly AnyDialect[] = DIALECTS): Promise<DynamicModule> {
    return {
      module: AppModule,
      imports: [logging(config.logLevel), CqrsModule.forRoot(), OpsModule.forRoot(config), ...(await partsOf(config, dialects))],
      providers: [{ provide: APP_FILTER, useClass: ProblemFilter }],
    };
  }
}
