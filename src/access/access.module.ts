import { Module, type DynamicModule } from '@nestjs/common';
import { pool, TenantPool } from '../../libs/postgres/index.ts';
import type { Config } from '../config.ts';
import { CallThrottle } from './guard.ts';
import { ApiKeys } from './keys.ts';

const CONNECTIONS = 2;
const BURST_SECONDS = 2;

/** Who may call what. In the roles that have routes with a key. */
@Module({})
export class AccessModule {
  static forRoot(config: Config): DynamicModule {
    const rate = (perSecond: number) => ({ perSecond, burst: Math.ceil(perSecond * BURST_SECONDS) });
    return {
      module: AccessModule,
      global: true,
      providers: [
        {
          provide: ApiKeys,
          useFactory: () => {
            const tenants = new TenantPool(pool(config.officeUrl, { name: 'croupier access', settings: { statement_timeout: '2s' } }, CONNECTIONS));
            return Object.assign(new ApiKeys(tenants), { onApplicationShutdown: () => tenants.close() });
          },
        },
        { provide: CallThrottle, useFactory: () => new CallThrottle({ key: rate(config.keyPerSecond), ip: rate(config.ipPerSecond) }) },
      ],
      exports: [ApiKeys, CallThrottle],
    };
  }
}
