/** What each role of a process is made of. A part is loaded only where it is mounted: role `wallet` has no ORM and no queue in memory. */
import type { DynamicModule, Type } from '@nestjs/common';
import type { Config, LocalPage, Role } from './config.ts';
import type { AnyDialect } from './providers/contract.ts';

type Part = Type | DynamicModule;
type PartName = 'money' | 'sessions' | 'secrets' | 'door' | 'access' | 'office' | 'views' | 'exportDesk' | 'feed' | 'exports' | 'jobs';

const PARTS: Readonly<Record<PartName, (config: Config, dialects: readonly AnyDialect[]) => Promise<Part>>> = {
  money: async (config) => (await import('./wallet/wallet.module.ts')).WalletModule.forRoot(config),
  sessions: async () => (await import('./sessions/sessions.module.ts')).SessionsModule,
  secrets: async (config) => (await import('./providers/secrets/secrets.module.ts')).SecretsModule.forRoot(config),
  access: async (config) => (await import('./access/access.module.ts')).AccessModule.forRoot(config),
  office: async (config) => (await import('./office/office.module.ts')).OfficeModule.forRoot(config),
  views: async (config) => (await import('./views/views.module.ts')).ViewsModule.forRoot(config),
  exportDesk: async (config) => (await import('./views/export-desk.module.ts')).ExportDeskModule.forRoot(config),
  exports: async (config) => (await import('./views/exports.module.ts')).ExportsModule.forRoot(config),
  feed: async (config) => (await import('./views/feed.module.ts')).FeedModule.forRoot(config),
  door: async (config, dialects) => (await import('./providers/providers.module.ts')).ProvidersModule.forRoot(config, dialects),
  jobs: async (config) => (await import('./ops/jobs/jobs.module.ts')).JobsModule.forRoot(config),
};

const MOUNTED: Readonly<Record<Exclude<Role, 'all'>, readonly PartName[]>> = {
  /** the providers' door */
  wallet: ['money', 'sessions', 'secrets', 'door'],
  /** the operator's own API; it moves money through the same door as the rest */
  office: ['money', 'sessions', 'secrets', 'access', 'office', 'views', 'exportDesk'],
  /** what nobody waits for */
  worker: ['jobs', 'feed', 'exports'],
};

export async function partsOf(config: Config, dialects: readonly AnyDialect[]): Promise<Part[]> {
  const names = config.role === 'all' ? new Set(Object.values(MOUNTED).flat()) : new Set(MOUNTED[config.role]);
  const parts = await Promise.all([...names].map((name) => PARTS[name](config, dialects)));
  return config.localPage ? [...parts, await localPage(config, config.localPage)] : parts;
}

/** Beside the parts of its role, where the setting is set: in the local run. */
const localPage = async (config: Config, page: LocalPage): Promise<Part> => (await import('./ops/page/page.module.ts')).PageModule.forRoot(config, page);
