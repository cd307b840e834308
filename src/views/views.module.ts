import { Module, type DynamicModule } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { PinoLogger } from 'nestjs-pino';
import type { Config } from '../config.ts';
import { Probes } from '../ops/contract.ts';
import { Metrics } from '../ops/metrics.ts';
import { CallsController } from './calls/calls.controller.ts';
import { CallsByTimeHandler } from './calls/list.query.ts';
import { CallsOfRequestHandler } from './calls/request.query.ts';
import { ProvidersHealthController } from './health/health.controller.ts';
import { ProvidersHealthHandler } from './health/health.query.ts';
import { DashboardController } from './dashboard/dashboard.controller.ts';
import { DashboardHandler } from './dashboard/dashboard.query.ts';
import { GamesOfPlayerHandler } from './players/games.query.ts';
import { PlayerReportsController } from './players/player-reports.controller.ts';
import { StatementHandler } from './players/statement.query.ts';
import { CachedQueries } from './cache/cached-queries.ts';
import { ViewCache } from './cache/view-cache.ts';
import { Reads } from './reads.ts';
import { SlowReads } from './reads/slow.ts';
import { LockedDaysHandler } from './revenue/locked-days.query.ts';
import { RevenueMovementsHandler } from './revenue/movements.query.ts';
import { CountedPlayersHandler } from './revenue/players.query.ts';
import { ReportsController } from './revenue/reports.controller.ts';
import { RevenueHandler } from './revenue/revenue.query.ts';
import { CountedRoundsHandler } from './revenue/rounds.query.ts';
import { OpenRoundAgesHandler } from './rounds/ages.query.ts';
import { RoundsByActivityHandler } from './rounds/list.query.ts';
import { RoundsController } from './rounds/rounds.controller.ts';
import { TransactionsByReferenceHandler } from './transactions/reference.query.ts';
import { RoundOfPlayerHandler } from './transactions/round.query.ts';
import { TransactionByIdHandler } from './transactions/transaction.query.ts';
import { TransactionsController } from './transactions/transactions.controller.ts';
import { TransactionsOfWalletHandler } from './transactions/wallet.query.ts';

/** What happened, read from replicas. */
@Module({})
export class ViewsModule {
  static forRoot(config: Config): DynamicModule {
    return {
      module: ViewsModule,
      controllers: [TransactionsController, RoundsController, ReportsController, DashboardController, PlayerReportsController, CallsController, ProvidersHealthController],
      providers: [
        { provide: Reads, inject: [Metrics, Probes, PinoLogger], useFactory: (metrics: Metrics, probes: Probes, logger: PinoLogger) => readsOf(config, metrics, probes, logger) },
        { provide: ViewCache, inject: [Reads, Metrics], useFactory: (reads: Reads, metrics: Metrics) => cacheOf(config, reads, metrics) },
        { provide: CachedQueries, inject: [ModulesContainer, ViewCache], useFactory: (modules: ModulesContainer, cache: ViewCache) => new CachedQueries(modules, cache) },
        TransactionsOfWalletHandler, TransactionByIdHandler, TransactionsByReferenceHandler, RoundOfPlayerHandler,
        RevenueHandler, RevenueMovementsHandler, CountedRoundsHandler, CountedPlayersHandler, LockedDaysHandler, DashboardHandler, GamesOfPlayerHandler, StatementHandler, RoundsByActivityHandler, OpenRoundAgesHandler,
        CallsByTimeHandler, CallsOfRequestHandler, ProvidersHealthHandler,
      ],
    };
  }
}

async function readsOf(config: Config, { registry }: Metrics, probes: Probes, logger: PinoLogger): Promise<Reads> {
  const slow = new SlowReads({ registry, overMs: config.slowReadMs, tell: (read) => logger.warn(read, 'slow read') });
  const reads = new Reads({ primaryUrl: config.readUrl, replicaUrls: config.replicaUrls, lagLimitMs: config.readLagLimitMs, registry, timed: (read) => slow.heard(read) });
  await reads.start();
  probes.add({ name: 'replicas', check: async () => healthOf(reads) });
  return Object.assign(reads, { onApplicationShutdown: () => reads.close() });
}

function cacheOf({ redisUrl }: Config, reads: Reads, { registry }: Metrics): ViewCache {
  const cache = new ViewCache(reads, { registry, ...(redisUrl !== undefined && { redisUrl }) });
  return Object.assign(cache, { onApplicationShutdown: () => cache.close() });
}

/** Reads without replicas are slower, or older, and no reason to send calls elsewhere. */
function healthOf(reads: Reads): Record<string, unknown> {
  const replicas = reads.seen().map(({ name, state, lagMs }) => ({ name, state, ...(Number.isFinite(lagMs) && { lagMs }) }));
  const amiss = replicas.filter(({ state }) => state !== 'following');
  return { replicas, ...(amiss.length > 0 && { degraded: amiss.map(({ name, state }) => `${name} is ${state}`).join(', ') }) };
}
