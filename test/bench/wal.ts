/** S8: what a bet leaves in the write-ahead log, and how often the log is flushed for it. */
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { BenchAccount } from './ground.ts';
import { peak, uniform, type Field } from './peak.ts';
import { presign } from './presign.ts';
import { countersOf, type Server } from './servers.ts';
import { openConnection } from './socket.ts';

/** All but `perSecond`, `batch` and `bets`: for one bet. */
export interface WalSample {
  readonly perSecond: number;
  readonly batch: number;
  readonly bets: number;
  /** without full-page images */
  readonly bytes: number;
  readonly records: number;
  readonly imageBytes: number;
  readonly images: number;
  readonly flushes: number;
  /** bytes for one bet by kind of record, largest first */
  readonly byKind: readonly { readonly kind: string; readonly bytes: number; readonly records: number }[];
}

interface Position {
  lsn: string;
  records: string;
  images: string;
  flushes: string;
}

/** From one checkpoint to the next: afterwards the log's beginning is gone. */
export async function walOf(field: Field, server: Server, account: BenchAccount, connections: number, seconds: number): Promise<WalSample> {
  const { superuser } = field.ground;
  await superuser.query('checkpoint');
  const position = async () => {
    await letSessionsReport(field, server, account);
    const { rows } = await superuser.query<Position>(
      `select pg_current_wal_flush_lsn()::text lsn, wal_records records, wal_fpi images,
         (select sum(fsyncs) from pg_stat_io where object = 'wal' and context = 'normal')::text flushes from pg_stat_wal`);
    return rows[0] as Position;
  };
  const before = { at: await position(), applied: (await countersOf(server)).applied };
  const { perSecond, batch } = await peak(field, server, uniform(field, 'bet', account), connections, seconds);
  const after = { at: await position(), applied: (await countersOf(server)).applied };
  const bets = after.applied - before.applied;
  const kinds = await superuser.query<{ kind: string; records: string; bytes: string; images: string }>(
    `select "resource_manager/record_type" kind, count records, record_size bytes, fpi_size images
     from pg_get_wal_stats($1::pg_lsn, $2::pg_lsn, true) where count > 0 order by record_size desc`, [before.at.lsn, after.at.lsn]);
  const sum = (column: 'bytes' | 'images') => kinds.rows.reduce((total, row) => total + Number(row[column]), 0);
  const perBet = (total: number) => total / bets;
  const since = (column: 'records' | 'images' | 'flushes') => perBet(Number(after.at[column]) - Number(before.at[column]));
  return {
    perSecond, batch, bets, bytes: perBet(sum('bytes')), imageBytes: perBet(sum('images')),
    records: since('records'), images: since('images'), flushes: since('flushes'),
    byKind: kinds.rows.slice(0, 24).map((row) => ({
      kind: row.kind, bytes: perBet(Number(row.bytes)), records: perBet(Number(row.records)),
    })),
  };
}

/** A session reports its counts at the end of a transaction, once a second at most: one bet more, and the lane's are there. */
async function letSessionsReport(field: Field, server: Server, account: BenchAccount): Promise<void> {
  const { ground } = field;
  await pause(1_200);
  const { file } = presign(join(ground.dir, 'bet-last'), 1, uniform(field, 'bet', account), field.random);
  const connection = await openConnection(server.port);
  const status = await connection.call(readFileSync(file));
  connection.close();
  rmSync(file);
  if (status !== 200) throw new Error(`a bet was answered with ${status}`);
  await pause(50);
}
