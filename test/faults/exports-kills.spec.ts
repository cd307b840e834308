import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { setTimeout as pause } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import pg from 'pg';
import { PROJECTIONS } from '../../src/installed.ts';
import { seedHistory } from '../../src/wallet/seed.ts';
import { cellsOfCsv, cellsOfXlsx } from '../flows/exports-read-back.ts';
import { freshDatabase, type TestDatabase } from '../support/cluster.ts';
import { rolesOn } from '../support/office.ts';
import { serveProcess, type Process } from '../support/server.ts';
import { dice } from './traffic.ts';

// Worker processes are killed with SIGKILL at several points of an export, between its pieces and in the middle of them: it goes on, no row twice, none
// missing. FAULT_SEED says when in the middle of a piece.

const SEED = Number(process.env['FAULT_SEED'] ?? Math.trunc(Math.random() * 2 ** 31));
const TRANSACTIONS = 90_000;
/** As the product has it, which one death is waited out for. */
const DEAD_AFTER_MS = 15_000;
const MOST_INTO_A_PIECE_MS = 250;

let database: TestDatabase;
let client: pg.Client;
let operator: string;
let ledger: { rows: number; amount: bigint };
const roll = dice(SEED);

beforeAll(async () => {
  console.log(`FAULT_SEED=${SEED}`);
  database = await freshDatabase();
  client = new pg.Client(database.url('superuser'));
  await client.connect();
  // What feeds views would be killed with it: that is told elsewhere.
  await client.query("insert into projection (name, state, stopped_at, stopped_because) select name, 'stopped', now(), 'not of this story' from unnest($1::text[]) name", [PROJECTIONS.map(({ name }) => name)]);
  ({ operatorId: operator } = await seedHistory(database.url('croupier_owner'), { transactions: TRANSACTIONS, players: 200, days: 30 }));
  const { rows: [found] } = await client.query<{ rows: number; amount: string }>('select count(*)::int as rows, sum(amount) as amount from transaction where operator_id = $1', [operator]);
  ledger = { rows: found?.rows ?? 0, amount: BigInt(found?.amount ?? 0) };
}, 120_000);
afterAll(() => client.end());

interface Row { state: string; attempt: number; lost: number; pieces: number; rows: number; why: string | null }

const look = async (id: string): Promise<Row> => (await client.query<Row>('select state, attempt, lost, pieces, rows_done::int as rows, why from export where export_id = $1', [id])).rows[0] as Row;
const ask = async (format: string): Promise<string> => (await client.query<{ id: string }>(
  "insert into export (operator_id, report, format, filters, keep_days) values ($1, 'transactions', $2, '{}', 7) returning export_id as id", [operator, format])).rows[0]?.id as string;
const startWorker = (): Promise<Process> => serveProcess(database.url('croupier_money'), rolesOn(database, 'worker'));
const bytesOf = async (id: string): Promise<Buffer> => Buffer.concat((await client.query<{ bytes: Buffer }>('select bytes from export_piece where export_id = $1 order by place', [id])).rows.map(({ bytes }) => bytes));

/** Kills the worker that has it, once it is that far; answers how far it was. */
async function killOnce(id: string, worker: Process, there: (row: Row) => boolean): Promise<Row> {
  for (let row = await look(id); !there(row); row = await look(id)) {
    expect(['waiting', 'running']).toContain(row.state);
    await pause(2);
  }
  worker.kill('SIGKILL');
  expect(await worker.exited).toBe('SIGKILL');
  // What it had sent may still be done, and is done before its connections are gone.
  while ((await client.query("select from pg_stat_activity where datname = current_database() and application_name = 'croupier exports'")).rowCount !== 0) await pause(10);
  return await look(id);
}
const untilDone = async (id: string): Promise<Row> => {
  for (;;) {
    const row = await look(id);
    if (row.state !== 'waiting' && row.state !== 'running') return row;
    await pause(20);
  }
};

/** Each row of the ledger once, the sum of its amounts, and each wallet from its first version to its last. */
function expectWhole([header = [], ...rows]: readonly (readonly string[])[]): void {
  const [id, player, version, amount] = ['transactionId', 'playerId', 'walletVersion', 'amount'].map((name) => header.indexOf(name)) as [number, number, number, number];
  expect([rows.length, new Set(rows.map((row) => row[id])).size]).toEqual([ledger.rows, ledger.rows]);
  const units = (text: string) => BigInt(text.replace(/\.\d*$/, '')) * 1_000_000n + BigInt(`${text.startsWith('-') ? '-' : ''}${(/\.(\d*)$/.exec(text)?.[1] ?? '').padEnd(6, '0')}`);
  expect(rows.reduce((sum, row) => sum + units(row[amount] as string), 0n)).toBe(ledger.amount);
  const versions = new Map<string, number>();
  const gaps = rows.filter((row) => {
    const before = versions.get(row[player] as string) ?? 0;
    versions.set(row[player] as string, Number(row[version]));
    return Number(row[version]) !== before + 1;
  });
  expect([gaps, versions.size]).toEqual([[], 200]);
}

it.each(['csv', 'csv.gz'] as const)('%s: four workers are killed, before the first piece and behind each of three; the fifth ends it', async (format) => {
  const id = await ask(format);
  const stood: number[] = [];
  for (let death = 0; death < 4; death++) {
    const worker = await startWorker();
    const into = Math.floor(roll() * MOST_INTO_A_PIECE_MS);
    let reachedAt: number | undefined;
    const row = await killOnce(id, worker, ({ state, pieces, attempt }) => {
      if (state !== 'running' || attempt !== death + 1 || pieces < death) return false;
      reachedAt ??= performance.now();
      return performance.now() - reachedAt >= into;
    });
    expect([row.state, row.attempt]).toEqual(['running', death + 1]);
    stood.push(row.pieces);
    // One is waited for as the product waits; the others were dead as long.
    if (death > 0 || format === 'csv.gz') await client.query("update export set alive_at = now() - $2 * interval '1 millisecond' where export_id = $1", [id, DEAD_AFTER_MS + 1_000]);
  }
  const last = await startWorker();
  const row = await untilDone(id);
  last.kill('SIGTERM');
  await last.exited;
  console.log(`${format}: killed at ${stood.join(', ')} pieces of ${row.pieces}`);
  expect(row).toEqual({ state: 'done', attempt: 5, lost: 4, pieces: expect.any(Number), rows: ledger.rows, why: null });
  expect(stood.every((pieces, death) => pieces >= death && pieces < row.pieces)).toBe(true);
  expectWhole(cellsOfCsv(gunzipSync(await bytesOf(id)).toString('utf8')));
}, 180_000);

it('xlsx: two workers are killed at the same sheet; the third begins it anew and ends it', async () => {
  const id = await ask('xlsx');
  for (let death = 0; death < 2; death++) {
    const row = await killOnce(id, await startWorker(), ({ state, pieces, attempt }) => state === 'running' && attempt === death + 1 && pieces > death);
    expect([row.state, row.attempt]).toEqual(['running', death + 1]);
    await client.query("update export set alive_at = now() - $2 * interval '1 millisecond' where export_id = $1", [id, DEAD_AFTER_MS + 1_000]);
  }
  const last = await startWorker();
  expect(await untilDone(id)).toEqual(expect.objectContaining({ state: 'done', attempt: 3, lost: 2, rows: ledger.rows }));
  last.kill('SIGTERM');
  await last.exited;
  expectWhole(cellsOfXlsx(await bytesOf(id)).map((cells) => cells.map(({ text }) => text)));
}, 180_000);
