import { Module, type DynamicModule } from '@nestjs/common';
import type { Config } from '../config.ts';
import { Probes } from '../ops/contract.ts';
import { Metrics } from '../ops/metrics.ts';
import { Reads } from './reads.ts';
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
      controllers: [TransactionsController],
      providers: [
        { provide: Reads, inject: [Metrics, Probes], useFactory: (metrics: Metrics, probes: Probes) => readsOf(config, metrics, probes) },
        TransactionsOfWalletHandler, TransactionByIdHandler, TransactionsByReferenceHandler, RoundOfPlayerHandler,
      ],
    };
  }
}

async function readsOf(config: Config, { registry }: Metrics, probes: Probes): Promise<Reads> {
  const reads = new Reads({ primaryUrl: config.readUrl, replicaUrls: config.replicaUrls, lagLimitMs: config.readLagLimitMs, registry });
  await reads.start();
  probes.add({ name: 'replicas', check: async () => healthOf(reads) });
  return Object.assign(reads, { onApplicationShutdown: () => reads.close() });
}

/** Reads without replicas are slower, or older, and no reason to send calls elsewhere. */
function healthOf(reads: Reads): Record<string, unknown> {
  const replicas = reads.seen().map(({ name, state, lagMs }) => ({ name, state, ...(Number.isFinite(lagMs) && { lagMs }) }));
  const amiss = replicas.filter(({ state }) => state !== 'following');
  return { replicas, ...(amiss.length > 0 && { degraded: amiss.map(({ name, state }) => `${name} is ${state}`).join(', ') }) };
}
