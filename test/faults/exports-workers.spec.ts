import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { setTimeout as pause } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import type pg from 'pg';
import { Registry } from '@prometheus-io/client';
import { pool } from '../../libs/postgres/index.ts';
import { refuse } from '../../src/access/contract.ts';
import type { Report } from '../../src/views/exports/report.ts';
import { readPosition } from '../../src/views/exports/source.ts';
import { sweep } from '../../src/views/exports/sweep.ts';
import { transactions } from '../../src/views/exports/transactions.ts';
import { ExportWork } from '../../src/views/exports/work.ts';
import { makeRows } from '../../src/views/feed/rows.ts';
import { Reads } from '../../src/views/reads.ts';
import { cellsOfCsv, cellsOfXlsx, rowsOf, sumOf, type Row } from '../flows/exports-read-back.ts';
import { ground, type Seat } from '../support/ground.ts';
import { feed, feedOf, revenue } from './feed-witness.ts';

// Workers that hang, die, race each other and are cancelled, with pages of five rows and a piece for each: the file has each row once.

const here = ground({ players: { EUR: 3 } });
const ROWS = 36;
let reads: Reads;
let connections: pg.Pool;
let seat: Seat;
const alerts: unknown[] = [];

beforeAll(async () => {
  connections = pool(here.database.url('croupier_worker'), { name: 'exports of a test' }, 8);
  reads = new Reads({ primaryUrl: here.database.url('croupier_read'), replicaUrls: [], lagLimitMs: 5_000, registry: new Registry() });
  await reads.start();
  seat = here.seat();
  for (let i = 1; i <= 33; i++) await seat.bet(`b${i}`, '0.10');
});
afterAll(async () => {
  await reads.close();
  await connections.end();
});

const operator = () => here.world.operators[0] as string;
const insert = async (format = 'csv'): Promise<string> => (await here.sql<{ id: string }>(
  "insert into export (operator_id, report, format, filters, keep_days) values ($1, 'transactions', $2, '{}', 7) returning export_id as id", [operator(), format]))[0]?.id as string;
const row = async (id: string) => (await here.sql<{ state: string; rows: number; pieces: number; attempt: number; lost: number; why: string }>(
  'select state, rows_done::int as rows, pieces, attempt, lost, why from export where export_id = $1', [id]))[0];
const bytesOf = async (id: string): Promise<Buffer> => Buffer.concat(
  (await here.sql<{ bytes: Buffer }>('select bytes from export_piece where export_id = $1 order by place', [id])).map(({ bytes }) => bytes));
const rowsIn = async (id: string): Promise<Row[]> => rowsOf(cellsOfCsv(gunzipSync(await bytesOf(id)).toString('utf8')));

/** Stops before its page `at` until it is let go. */
class Gate {
  readonly arrived: Promise<void>;
  private arrive: () => void = () => undefined;
  private release: () => void = () => undefined;
  private readonly opened = new Promise<void>((resolve) => { this.release = resolve; });
  private pages = 0;

  constructor(private readonly at: number) {
    this.arrived = new Promise((resolve) => { this.arrive = resolve; });
  }

  open = () => this.release();
  async pass(): Promise<void> {
    if (++this.pages !== this.at) return;
    this.arrive();
    await this.opened;
  }
}

/** The report of production in small pages. */
const small = (gate?: Gate): Report => ({
  ...transactions,
  async page(source, filters, place, { effort }) {
    await gate?.pass();
    return transactions.page(source, filters, place, { rows: 5, effort: Math.min(effort, 5) });
  },
});
const worker = (report: Report, beatMs = 50) => new ExportWork({
  pool: connections, reads, reports: [report], alert: (message, error) => alerts.push([message, error]), beatMs, deadAfterMs: 60_000, pieceBytes: 1,
});
/** Nothing is heard of it. */
const SILENT = 1_000_000;
const hung = (id: string) => here.sql("update export set alive_at = now() - interval '2 minutes' where export_id = $1", [id]);
const expectWhole = async (id: string) => {
  const rows = await rowsIn(id);
  expect([rows.length, new Set(rows.map((each) => each['transactionId'])).size]).toEqual([ROWS, ROWS]);
  const [{ sum } = { sum: 'none' }] = await here.sql<{ sum: string }>('select sum(amount)::text as sum from transaction where operator_id = $1 and reference not like $2', [operator(), 'late%']);
  expect(String(sumOf(rows, 'amount'))).toBe(sum);
  for (const player of new Set(rows.map((each) => each['playerId']))) {
    const versions = rows.filter((each) => each['playerId'] === player).map((each) => Number(each['walletVersion']));
    expect(versions).toEqual(versions.map((_, i) => i + 1));
  }
};

describe('a worker', () => {
  it('that hangs half-way is followed by another, which goes on behind the last piece; what the first still writes counts for nothing', async () => {
    const id = await insert();
    const gate = new Gate(4);
    const first = worker(small(gate), SILENT).once();
    await gate.arrived;
    const before = await row(id);
    expect([before?.state, (before?.pieces ?? 0) >= 3]).toEqual(['running', true]);
    await hung(id);
    const gateOfSecond = new Gate(2);
    const second = worker(small(gateOfSecond)).once();
    await gateOfSecond.arrived;
    gate.open();
    await first;
    expect((await row(id))?.state).toBe('running');
    gateOfSecond.open();
    expect(await second).toBe(true);
    expect(await row(id)).toEqual(expect.objectContaining({ state: 'done', rows: ROWS, attempt: 2, lost: 1 }));
    await expectWhole(id);
  });

  it('that dies over an XLSX has it begun anew', async () => {
    const id = await insert('xlsx');
    const gate = new Gate(4);
    const dead = worker(small(gate), SILENT).once();
    await gate.arrived;
    await hung(id);
    expect(await worker(small()).once()).toBe(true);
    gate.open();
    await dead;
    expect(await row(id)).toEqual(expect.objectContaining({ state: 'done', rows: ROWS, attempt: 2 }));
    expect(cellsOfXlsx(await bytesOf(id))).toHaveLength(ROWS + 1);
  });

  it('that is told to end gives back what it has, and the next one goes on', async () => {
    const id = await insert('csv.gz');
    const gate = new Gate(3);
    const leaving = worker(small(gate));
    const run = leaving.once();
    await gate.arrived;
    const stopped = leaving.stop();
    gate.open();
    await Promise.all([run, stopped]);
    expect(await row(id)).toEqual(expect.objectContaining({ state: 'waiting', lost: 0 }));
    await worker(small()).once();
    await expectWhole(id);
  });

  it('shares eight exports with another: each is made once', async () => {
    const ids = await Promise.all(Array.from({ length: 8 }, () => insert()));
    const [one, other] = [worker(small()), worker(small())];
    const counts = await Promise.all([one, other].map(async (each) => {
      let count = 0;
      while (await each.once()) count++;
      return count;
    }));
    expect([counts.reduce((sum, count) => sum + count), counts.every((count) => count > 0)]).toEqual([8, true]);
    for (const id of ids) expect(await row(id)).toEqual(expect.objectContaining({ state: 'done', attempt: 1 }));
    await expectWhole(ids[0] as string);
  });
});

describe('an export', () => {
  it('that is cancelled half-way stops within a second and leaves no piece', async () => {
    const id = await insert();
    const gate = new Gate(4);
    const run = worker(small(gate)).once();
    await gate.arrived;
    await here.sql("update export set state = 'cancelled', ended_at = now() where export_id = $1", [id]);
    const startedAt = performance.now();
    gate.open();
    await run;
    expect(performance.now() - startedAt).toBeLessThan(1_000);
    expect([(await row(id))?.state, (await here.sql('select from export_piece where export_id = $1', [id])).length]).toEqual(['cancelled', 0]);
  });

  it('has what was there when it began, however much is written while it runs', async () => {
    const id = await insert();
    const gate = new Gate(2);
    const run = worker(small(gate)).once();
    await gate.arrived;
    for (let i = 0; i < 12; i++) await seat.bet(`late${i}`, '0.01');
    gate.open();
    await run;
    await expectWhole(id);
  });

  it('that brings down five workers is given up, with a reason', async () => {
    const id = await insert();
    await here.sql("update export set state = 'running', lost = 4, attempt = 5, alive_at = now() - interval '1 hour' where export_id = $1", [id]);
    await worker(small()).once();
    expect(await row(id)).toEqual(expect.objectContaining({ state: 'failed', why: expect.stringMatching(/^5 workers ended/) }));
  });

  it('that began at a place of the database’s history that is not there any more fails with that reason, and is not tried again and again', async () => {
    const id = await insert();
    const ahead = Buffer.from('1 00000001 FFFFFF/0 - -').toString('base64url');
    await here.sql("update export set lanes = '{}', batches = '{}', token = $2, as_of = now() where export_id = $1", [id, ahead]);
    expect([await worker(small()).once(), await worker(small()).once()]).toEqual([true, false]);
    expect(await row(id)).toEqual(expect.objectContaining({ state: 'failed', attempt: 1, pieces: 0, why: expect.stringMatching(/^The database was taken back/) }));
  });

  it('whose place no server has is looked for as long as that may help, then fails with that reason, and is not tried again', async () => {
    const id = await insert();
    const ended: string[] = [];
    // A lane that nobody has: as after a failover to a server which had not come so far.
    const { token } = await readPosition(reads, operator());
    await here.sql("update export set lanes = '{99999}', batches = '{1}', token = $2, as_of = now() where export_id = $1", [id, token]);
    const work = (placeMs: number) => new ExportWork({
      pool: connections, reads, reports: [small()], alert: (message, error) => alerts.push([message, error]), patienceMs: 0, placeMs, ended: (outcome, format) => ended.push(`${outcome} ${format}`),
    });
    const startedAt = performance.now();
    expect([await work(600).once(), await work(600).once()]).toEqual([true, false]);
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(600);
    expect(await row(id)).toEqual(expect.objectContaining({
      state: 'failed', attempt: 1, pieces: 0, why: 'The database was taken back to a time before this export began, or failed over to a server that had not come so far: ask for it anew.',
    }));
    expect(ended).toEqual(['failed csv']);
  });

  it('whose place a server comes to in time is made', async () => {
    const id = await insert();
    const { token } = await readPosition(reads, operator());
    await here.sql("update export set lanes = array[99999] || (select array_agg(lane order by lane) from lane), batches = array[1] || (select array_agg(batch order by lane) from lane), token = $2, as_of = now() where export_id = $1", [id, token]);
    const made = new ExportWork({ pool: connections, reads, reports: [small()], alert: (message, error) => alerts.push([message, error]), patienceMs: 0, placeMs: 20_000, pieceBytes: 1 }).once();
    await pause(300);
    expect((await row(id))?.state).toBe('running');
    await here.sql('insert into lane (lane, batch) values (99999, 1)');
    await made;
    await here.sql('delete from lane where lane = 99999');
    expect((await row(id))?.state).toBe('done');
  });

  it('that fails for whatever reason is tried five times; one for which no server can answer goes on being tried', async () => {
    const [faulty, waiting] = [await insert(), await insert()];
    await here.sql('update export set attempt = 4 where export_id = any($1)', [[faulty, waiting]]);
    const told: unknown[] = [];
    const failing = (error: Error): Report => ({ ...transactions, page: () => Promise.reject(error) });
    const work = (error: Error) => new ExportWork({ pool: connections, reads, reports: [failing(error)], alert: (_message, reason) => told.push(reason), patienceMs: 0 });
    const [fault, away] = [new Error('a fault'), refuse('UNAVAILABLE', 'nobody is there')];
    await work(fault).once();
    expect(await row(faulty)).toEqual(expect.objectContaining({ state: 'failed', attempt: 5, why: expect.stringMatching(/^It failed several times/) }));
    await work(away).once();
    expect([await row(waiting), told]).toEqual([expect.objectContaining({ state: 'waiting', attempt: 5 }), [fault, away]]);
    await here.sql("update export set state = 'cancelled', ended_at = now() where export_id = $1", [waiting]);
  });

  it('of more than a million rows is refused as a sheet, and offered as CSV', async () => {
    const cells = transactions.columns.map(() => null);
    let pages = 0;
    const huge: Report = {
      ...transactions, page: async () => ({ rows: Array.from({ length: 250_001 }, () => cells.slice(0, 1)), next: { page: ++pages }, share: 0 }),
    };
    const id = await insert('xlsx');
    await worker(huge).once();
    expect([pages, await row(id)]).toEqual([4, expect.objectContaining({ state: 'failed', why: expect.stringMatching(/1,000,000 rows.*csv/) })]);
    const known = await insert('xlsx');
    await worker({ ...huge, expected: async () => 1_000_001 }).once();
    expect([pages, (await row(known))?.state]).toEqual([4, 'failed']);
  });

  it('of transactions is refused as a sheet before a row is read, where whole days of its period have more than a million for sure', async () => {
    const feeder = await feedOf(here.database);
    await makeRows(feeder, [revenue]);
    expect(await feed(feeder, revenue)).toBe('current');
    await feeder.end();
    const day = (ago: number, time = '00:00:00.000') => `${new Date(Date.now() - ago * 86_400_000).toISOString().slice(0, 10)}T${time}Z`;
    // Ten days ago 600,000 bets and 300,000 wins, five days ago 100,000 bets and a rollback of one: 1,000,001 rows.
    await here.sql(`insert into revenue_day (operator_id, day, late, account_id, game_id, currency, bets, wins, undone_bets) values
      ($1, $2::date, false, 7, 'game-1', 'EUR', 600000, 300000, 0), ($1, $3::date, true, 7, 'game-2', 'EUR', 100000, 0, 1)`, [operator(), day(10), day(5)]);
    let pages = 0;
    const none: Report = { ...transactions, page: async () => ({ rows: [], share: ++pages }) };
    const cameTo = async (filters: object, format = 'xlsx') => {
      const [{ id } = { id: '' }] = await here.sql<{ id: string }>("insert into export (operator_id, report, format, filters, keep_days) values ($1, 'transactions', $2, $3, 7) returning export_id as id", [operator(), format, filters]);
      const before = pages;
      await worker(none).once();
      const { state, why } = (await row(id)) ?? {};
      return `${state}, ${pages - before} pages${why ? `: ${/1,000,000 rows.*csv/.test(why)}` : ''}`;
    };
    const refused = 'failed, 0 pages: true';
    const made = 'done, 1 pages';
    expect([await cameTo({}), await cameTo({ from: day(10), to: day(4) }), await cameTo({ currency: 'EUR', accountId: 7 })]).toEqual([refused, refused, refused]);
    expect(await cameTo({}, 'csv')).toBe(made);
    // A moment less at either end leaves out a whole day; whatever else is asked for may be less than a million.
    for (const filters of [
      { from: day(10, '00:00:00.001') }, { to: day(5, '23:59:59.999') }, { kind: 'bet' }, { kind: 'close' }, { gameId: 'game-1' }, { accountId: 8 }, { currency: 'JPY' }, { playerId: seat.player.id },
    ]) expect([filters, await cameTo(filters)]).toEqual([filters, made]);
    // What reports do not say now is found out by the rows.
    await here.sql("update projection set caught_up = false where name = 'revenue'");
    expect(await cameTo({})).toBe(made);
    await here.sql("delete from revenue_day; delete from projection where name = 'revenue'");
  });

  it('expires, and its pieces go', async () => {
    const id = await insert();
    await worker(small()).once();
    await here.sql("update export set expires_at = now() - interval '1 second', ended_at = now() - interval '1 minute' where export_id = $1", [id]);
    expect(await sweep(connections)).toEqual({ expired: 1, pieces: expect.any(Number), forgotten: 0 });
    expect([(await row(id))?.state, (await row(id))?.pieces, (await bytesOf(id)).length]).toEqual(['expired', 0, 0]);
  });
});

it('nothing was alerted', () => {
  expect(alerts).toEqual([]);
});
