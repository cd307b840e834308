import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { setTimeout as pause } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import { Registry } from '@prometheus-io/client';
import type pg from 'pg';
import { pool } from '../../libs/postgres/index.ts';
import type { Report } from '../../src/views/exports/report.ts';
import { readPosition } from '../../src/views/exports/source.ts';
import { transactions } from '../../src/views/exports/transactions.ts';
import { ExportWork } from '../../src/views/exports/work.ts';
import { Reads } from '../../src/views/reads.ts';
import { seedHistory } from '../../src/wallet/seed.ts';
import { cellsOfCsv, rowsOf } from '../flows/exports-read-back.ts';
import { Proxy } from '../support/proxy.ts';
import { startPair, type Pair } from '../support/replica.ts';

// An export is read from a real replica that lags, lacks what the export began with, or goes away in the middle: it waits or asks elsewhere, and its file
// is what the ledger held when it began.

let pair: Pair;
let reads: Reads;
let connections: pg.Pool;
let operator: string;
/** between the exports and the primary, for reads only */
let proxy: Proxy;
const alerts: unknown[] = [];

const play = (rows: number) => seedHistory(pair.database.url('croupier_owner'), { transactions: rows, players: 5, days: 2 });
const sql = async <Row extends pg.QueryResultRow>(text: string, values: unknown[] = []): Promise<Row[]> => (await connections.query<Row>(text, values)).rows;
const inLedger = async (): Promise<number> => (await sql<{ rows: number }>('select count(*)::int as rows from transaction where operator_id = $1', [operator]))[0]?.rows ?? -1;

beforeAll(async () => {
  pair = await startPair();
  ({ operatorId: operator } = await play(200));
  await pair.caughtUp();
  connections = pool(pair.database.url('croupier_worker'), { name: 'exports of a test' }, 4);
  proxy = await Proxy.before(pair.database.url('croupier_read'));
  reads = new Reads({ primaryUrl: proxy.through(pair.database.url('croupier_read')), replicaUrls: [pair.replicated.url('croupier_read')], lagLimitMs: 200, registry: new Registry() });
  await reads.start();
}, 120_000);
afterAll(async () => {
  pair?.replica.thaw();
  await reads?.close();
  await connections?.end();
  await proxy?.close();
  await pair?.stop();
}, 60_000);
beforeEach(() => connections.query('delete from export_piece; delete from export'));

/** Looks at each page before it is asked for, also where it is asked for again. */
const watched = (before: (asked: number) => Promise<void>): { readonly report: Report; readonly asked: () => number } => {
  let asked = 0;
  const report: Report = {
    ...transactions,
    async page(source, filters, place, { effort }) {
      await before(++asked);
      return transactions.page(source, filters, place, { rows: 20, effort: Math.min(effort, 20) });
    },
  };
  return { report, asked: () => asked };
};
const work = (report: Report) => new ExportWork({ pool: connections, reads, reports: [report], alert: (message, error) => alerts.push([message, error]), deadAfterMs: 120_000, pieceBytes: 1 });
const insert = async (): Promise<string> => (await sql<{ id: string }>(
  "insert into export (operator_id, report, format, filters, keep_days) values ($1, 'transactions', 'csv', '{}', 7) returning export_id as id", [operator]))[0]?.id as string;
const rowOf = async (id: string) => (await sql<{ state: string; rows: number; lost: number; lanes: number[] }>('select state, rows_done::int as rows, lost, lanes from export where export_id = $1', [id]))[0];

async function expectWhole(id: string, expected: number): Promise<void> {
  expect(await rowOf(id)).toEqual({ state: 'done', rows: expected, lost: 0, lanes: null });
  const pieces = await sql<{ bytes: Buffer }>('select bytes from export_piece where export_id = $1 order by place', [id]);
  const rows = rowsOf(cellsOfCsv(gunzipSync(Buffer.concat(pieces.map(({ bytes }) => bytes))).toString('utf8')));
  expect([rows.length, new Set(rows.map((row) => row['transactionId'])).size, alerts]).toEqual([expected, expected, []]);
}

it('a replica that falls silent in the middle is passed over: the primary reads on', async () => {
  const expected = await inLedger();
  const id = await insert();
  const { report, asked } = watched(async (page) => { if (page === 4) pair.replica.freeze(); });
  await work(report).once();
  pair.replica.thaw();
  expect(asked()).toBeGreaterThan(4);
  await expectWhole(id, expected);
}, 90_000);

it('without a primary, a replica that lags is asked again until it has come as far as the export began; what came later is left out', async () => {
  await pair.replica.pause();
  await play(50);
  const expected = await inLedger();
  // The replica is behind by more than it may be, so the primary says where the ledger stands.
  while ((await readPosition(reads, operator)).lanes.length !== (await sql('select from lane')).length) await pause(20);
  const id = await insert();
  let stuckAt = 0;
  const { report, asked } = watched(async (page) => {
    if (page !== 3) return;
    await play(50);
    proxy.cut();
    stuckAt = page;
  });
  const made = work(report).once();
  while (stuckAt === 0 || asked() < stuckAt + 4) await pause(10);
  expect((await rowOf(id))?.state).toBe('running');
  await pair.replica.resume();
  await made;
  proxy.mend();
  await expectWhole(id, expected);
  expect(await inLedger()).toBeGreaterThan(expected);
}, 90_000);

it('a server that honours the token and yet lacks a batch of the export\'s beginning is asked again until it has it', async () => {
  await pair.caughtUp();
  // Taken before the batches that follow: a replica may stand between them.
  const { token } = await readPosition(reads, operator);
  await pair.replica.pause();
  await play(50);
  const expected = await inLedger();
  const id = await insert();
  await sql(`update export set token = $2, as_of = now(), lanes = p.lanes, batches = p.batches
    from (select array_agg(lane order by opened_at desc) as lanes, array_agg(batch order by opened_at desc) as batches from lane) p where export_id = $1`, [id, token]);
  proxy.cut();
  const { report, asked } = watched(async () => undefined);
  const made = work(report).once();
  while (asked() < 4) await pause(10);
  expect(await rowOf(id)).toEqual(expect.objectContaining({ state: 'running', rows: 0 }));
  await pair.replica.resume();
  await made;
  proxy.mend();
  await expectWhole(id, expected);
}, 90_000);
