import { Module, type DynamicModule } from '@nestjs/common';
import type pg from 'pg';
import { classify, pool } from '../../libs/postgres/index.ts';
import { PinoLogger } from 'nestjs-pino';
import type { Config } from '../config.ts';
import { Probes } from '../ops/contract.ts';
import { Metrics } from '../ops/metrics.ts';
import { Admission, Fault, MoneyReads, MoneyWrites } from './contract.ts';
import {
  AdjustBalanceHandler, AskStatusHandler, CancelRoundHandler, CloseRoundHandler, DepositMoneyHandler, OpenWalletsHandler, PayWinHandler, PlaceBetHandler, PlayRoundHandler, RollBackHandler,
  StopPlayerHandler, WithdrawMoneyHandler,
} from './handlers.ts';
import { Lanes } from './lane.ts';
import { MONEY_SETTINGS } from './money.ts';
import { ReadBalanceHandler } from './read-balance.ts';
import { WalletReads } from './wallet-reads.ts';

const READ_CONNECTIONS = 4;
/** Reads that may wait for their turn. */
const READS_WAITING = 1_024;
const WRITE_CONNECTIONS = 2;

@Module({})
export class WalletModule {
  static forRoot(config: Config): DynamicModule {
    return {
      module: WalletModule,
      global: true,
      providers: [
        {
          provide: Lanes,
          inject: [Metrics, Probes, PinoLogger],
          useFactory: (metrics: Metrics, probes: Probes, logger: PinoLogger) => lanesOf(config, metrics, probes, logger),
        },
        {
          provide: MoneyReads,
          inject: [Metrics, Probes, PinoLogger],
          useFactory: (metrics: Metrics, probes: Probes, logger: PinoLogger) => readsOf(config, metrics, probes, logger),
        },
        { provide: WalletReads, inject: [MoneyReads, Metrics], useFactory: walletReadsOf },
        { provide: Admission, inject: [Lanes, MoneyReads, WalletReads], useFactory: admissionOf },
        { provide: MoneyWrites, useFactory: () => writesOf(config) },
        PlaceBetHandler, PayWinHandler, RollBackHandler, PlayRoundHandler, CloseRoundHandler, CancelRoundHandler, AdjustBalanceHandler,
        AskStatusHandler, ReadBalanceHandler,
        DepositMoneyHandler, WithdrawMoneyHandler, OpenWalletsHandler, StopPlayerHandler,
      ],
      exports: [Admission, Lanes, MoneyReads, MoneyWrites],
    };
  }
}

function lanesOf(config: Config, metrics: Metrics, probes: Probes, logger: PinoLogger): Lanes {
  const alert = (message: string, error: unknown) => logger.error({ err: error, alert: true }, message);
  const lanes = new Lanes({ url: config.databaseUrl, lanes: config.lanes, movementsABatch: config.batch, watch: metrics, alert });
  metrics.gauge('croupier_queue_calls', 'Calls that wait for their answer', () => lanes.waiting);
  metrics.gauge('croupier_writer_connections', 'Open writer connections', () => lanes.connectionsOpen);
  probes.add({ name: 'lane', check: () => lanes.ready() });
  // Called by Nest once the server has answered its last call.
  return Object.assign(lanes, { onApplicationShutdown: () => lanes.close() });
}

function walletReadsOf({ pool: connections }: MoneyReads, metrics: Metrics): WalletReads {
  const reads = new WalletReads(connections);
  metrics.gauge('croupier_reads_waiting', 'Balances that wait for their statement', () => reads.waiting);
  return Object.assign(reads, { onApplicationShutdown: () => reads.stop() });
}

const admissionOf = (lanes: Lanes, { pool: connections }: MoneyReads, reads: WalletReads): Admission => ({
  admits: (callClass, withinMs) =>
    lanes.admits(callClass, withinMs, callClass === 'read' ? (connections.waitingCount + reads.waiting) / READS_WAITING : 0),
});

function readsOf(config: Config, metrics: Metrics, probes: Probes, logger: PinoLogger): MoneyReads {
  const settings = { ...MONEY_SETTINGS, lock_timeout: 0, default_transaction_read_only: 'on' };
  const reads = pool(config.databaseUrl, { name: 'croupier reads', settings }, READ_CONNECTIONS);
  metrics.gauge('croupier_read_connections_in_use', 'Read connections in use', () => reads.totalCount - reads.idleCount);
  metrics.gauge('croupier_read_connections_waiting', 'Reads that wait for a connection', () => reads.waitingCount);
  const months = monthsAhead(reads, (warning) => logger.error({ alert: true }, warning));
  metrics.gauge('croupier_months_ahead', 'Months after this one that have partitions in the ledger', months.last);
  probes.add({ name: 'months', check: months.probe });
  return { pool: reads, onApplicationShutdown: () => reads.end() } as MoneyReads;
}

/** A wallet held for longer than the waiting allows is a fault, and the caller comes again. */
function writesOf(config: Config): MoneyWrites {
  const writes = pool(config.databaseUrl, { name: 'croupier writes', settings: { ...MONEY_SETTINGS, lock_timeout: '1500ms' } }, WRITE_CONNECTIONS);
  const within = async <T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T> => {
    let client: pg.PoolClient | undefined;
    let committing = false;
    try {
      client = await writes.connect();
      await client.query('begin');
      const done = await work(client);
      committing = true;
      await client.query('commit');
      client.release();
      return done;
    } catch (error) {
      client?.release(true);
      if (classify(error) === 'poison') throw error;
      if (committing) throw new Fault('OUTCOME_UNKNOWN', 'the connection was lost while the wallets were committed', { cause: error });
      throw new Fault('UNAVAILABLE', 'the wallets could not be changed now', { cause: error });
    }
  };
  return { within, onApplicationShutdown: () => writes.end() } as MoneyWrites;
}

const MONTHS_WANTED = 3;
const MONTHS_READ_EVERY_MS = 60_000;

/** Few months ahead is an alert and no reason to stop: a bet of a month without a partition goes into the default one. */
function monthsAhead(reads: pg.Pool, alert: (warning: string) => void) {
  const warning = `fewer than ${MONTHS_WANTED} months of the ledger are made ahead: is a worker running?`;
  let ahead = Number.NaN;
  let readAt = -Infinity;
  let toldAt = -Infinity;
  const probe = async (): Promise<Record<string, unknown>> => {
    if (performance.now() - readAt > MONTHS_READ_EVERY_MS || !(ahead >= MONTHS_WANTED)) {
      ahead = Number((await reads.query<{ ahead: number }>('select months_made() as ahead')).rows[0]?.ahead);
      readAt = performance.now();
    }
    if (!(ahead < MONTHS_WANTED)) return { ahead };
    if (readAt - toldAt > MONTHS_READ_EVERY_MS) {
      alert(warning);
      toldAt = readAt;
    }
    return { ahead, warning };
  };
  return { probe, last: () => ahead };
}
