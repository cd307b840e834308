import { Module, type DynamicModule } from '@nestjs/common';
import { pool } from '../../libs/postgres/index.ts';
import { PinoLogger } from 'nestjs-pino';
import type { Config } from '../config.ts';
import { Metrics } from '../ops/metrics.ts';
import { AskStatusHandler, CloseRoundHandler, PayWinHandler, PlaceBetHandler, PlayRoundHandler, RollBackHandler } from './handlers.ts';
import { MoneyReads } from './contract.ts';
import { Lanes } from './lane.ts';
import { ReadBalanceHandler } from './read-balance.ts';

const READ_CONNECTIONS = 4;

@Module({})
export class WalletModule {
  static forRoot(config: Config): DynamicModule {
    return {
      module: WalletModule,
      global: true,
      providers: [
        {
          provide: Lanes,
          inject: [Metrics, PinoLogger],
          useFactory: (metrics: Metrics, logger: PinoLogger) => lanesOf(config, metrics, logger),
        },
        { provide: MoneyReads, inject: [Metrics], useFactory: (metrics: Metrics) => readsOf(config, metrics) },
        PlaceBetHandler, PayWinHandler, RollBackHandler, PlayRoundHandler, CloseRoundHandler, AskStatusHandler, ReadBalanceHandler,
      ],
      exports: [Lanes, MoneyReads],
    };
  }
}

function lanesOf(config: Config, metrics: Metrics, logger: PinoLogger): Lanes {
  const alert = (message: string, error: unknown) => logger.error({ err: error, alert: true }, message);
  const lanes = new Lanes({ url: config.databaseUrl, lanes: config.lanes, movementsABatch: config.batch, watch: metrics, alert });
  metrics.gauge('croupier_queue_calls', 'Calls that wait for their answer', () => lanes.waiting);
  metrics.gauge('croupier_writer_connections', 'Open writer connections', () => lanes.connectionsOpen);
  // Called by Nest once the server has answered its last call.
  return Object.assign(lanes, { onApplicationShutdown: () => lanes.close() });
}

function readsOf(config: Config, metrics: Metrics): MoneyReads {
  const settings = { statement_timeout: '2s', default_transaction_read_only: 'on' };
  const reads = pool(config.databaseUrl, { name: 'croupier reads', settings }, READ_CONNECTIONS);
  metrics.gauge('croupier_read_connections_in_use', 'Read connections in use', () => reads.totalCount - reads.idleCount);
  metrics.gauge('croupier_read_connections_waiting', 'Reads that wait for a connection', () => reads.waitingCount);
  return { pool: reads, onApplicationShutdown: () => reads.end() } as MoneyReads;
}
