import { Module, type DynamicModule } from '@nestjs/common';
import { pool, TenantPool } from '../../libs/postgres/index.ts';
import type { Config } from '../config.ts';
import { Metrics } from '../ops/metrics.ts';
import { ExportDesk } from './exports/desk.ts';
import { ExportsController, Listeners } from './exports/exports.controller.ts';
import { ScheduleDesk } from './exports/schedules.ts';
import { SchedulesController } from './exports/schedules.controller.ts';

const CONNECTIONS = 4;

/** Exports are asked for, looked at and fetched. */
@Module({})
export class ExportDeskModule {
  static forRoot(config: Config): DynamicModule {
    const useFactory = (metrics: Metrics) => {
      const tenants = new TenantPool(pool(config.officeUrl, { name: 'croupier export desk', settings: { statement_timeout: '2s', lock_timeout: '2s' } }, CONNECTIONS));
      return Object.assign(new ExportDesk(tenants, (format) => metrics.exported('cancelled', format)), { onApplicationShutdown: () => tenants.close() });
    };
    return {
      module: ExportDeskModule,
      controllers: [SchedulesController, ExportsController],
      providers: [
        { provide: ExportDesk, inject: [Metrics], useFactory }, { provide: ScheduleDesk, inject: [ExportDesk], useFactory: (desk: ExportDesk) => new ScheduleDesk(desk) }, Listeners,
      ],
    };
  }
}
