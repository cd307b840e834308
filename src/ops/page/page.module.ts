import { Module, type DynamicModule } from '@nestjs/common';
import { QueryBus } from '@nestjs/cqrs';
import { pool, TenantPool } from '../../../libs/postgres/index.ts';
import type { Config, LocalPage } from '../../config.ts';
import { Metrics } from '../metrics.ts';
import { Feed, type Source } from './feed.ts';
import { PageController } from './page.controller.ts';
import { Page } from './page.ts';
import { Views } from './views.ts';

const SETTINGS = { statement_timeout: '2s', default_transaction_read_only: 'on' };

/** The page of the local run. Its reader opens a connection when the first browser asks, and none before. */
@Module({})
export class PageModule {
  static forRoot(config: Config, { operator, demoFile }: LocalPage): DynamicModule {
    const open = (url: string, name: Source['name']): Source => ({ name, pool: new TenantPool(pool(url, { name: 'croupier page', settings: SETTINGS }, 1)) });
    const sources = (): Source[] => [...config.replicaUrls.slice(0, 1).map((url) => open(url, 'replica')), open(config.readUrl, 'primary')];
    const feed = (): Feed => {
      const made = new Feed(operator, sources());
      return Object.assign(made, { onApplicationShutdown: () => made.close() });
    };
    return {
      module: PageModule,
      controllers: [PageController],
      providers: [
        { provide: Page, useFactory: () => new Page(demoFile) }, { provide: Feed, useFactory: feed },
        { provide: Views, inject: [QueryBus, Metrics], useFactory: (queries: QueryBus, metrics: Metrics) => new Views(queries, metrics, operator) },
      ],
    };
  }
}
