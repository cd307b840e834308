import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { gunzipSync } from 'node:zlib';
import type pg from 'pg';
import { Registry } from '@prometheus-io/client';
import { pool } from '../../libs/postgres/index.ts';
import { planDue } from '../../src/views/exports/plan.ts';
import type { Report } from '../../src/views/exports/report.ts';
import { sweep } from '../../src/views/exports/sweep.ts';
import { transactions } from '../../src/views/exports/transactions.ts';
import { ExportWork } from '../../src/views/exports/work.ts';
import { Reads } from '../../src/views/reads.ts';
import { cellsOfCsv, cellsOfXlsx, rowsOf, sumOf, type Row } from '../flows/exports-read-back.ts';
import { ground, type Seat } from '../support/ground.ts';

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

  it('expires, and its pieces go', async () => {
    const id = await insert();
    await worker(small()).once();
    await here.sql("update export set expires_at = now() - interval '1 second', ended_at = now() - interval '1 minute' where export_id = $1", [id]);
    expect(await sweep(connections)).toEqual({ expired: 1, pieces: expect.any(Number), forgotten: 0 });
    expect([(await row(id))?.state, (await row(id))?.pieces, (await bytesOf(id)).length]).toEqual(['expired', 0, 0]);
  });
});

describe('a schedule', () => {
  const plan = async (day: string, at: string, weekday: number | null = null): Promise<string> => (await here.sql<{ id: string }>(`
    insert into export_schedule (operator_id, idempotency_key, digest, name, report, format, filters, period, weekday, at, keep_days, next_day, next_at)
    select operator_id, uuidv4()::text, sha256('x'), 'a plan', 'transactions', 'csv', '{}', 'yesterday', $4, $3::time, 7, $2::date, ($2::date + $3::time) at time zone time_zone
    from operator where operator_id = $1 returning schedule_id as id`, [operator(), day, at, weekday]))[0]?.id as string;
  const madeBy = (id: string) => here.sql<{ due: string; from: string; to: string }>(
    `select to_char(due_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI') as due, filters->>'from' as from, filters->>'to' as to from export where schedule_id = $1 order by due_at`, [id]);
  beforeAll(() => here.sql("update operator set time_zone = 'Europe/Malta', day_starts = '06:00'"));

  const none = () => here.sql('delete from export where schedule_id is not null; delete from export_schedule');

  it('comes once a day where the clock leaves its time out, and where it comes twice', async () => {
    // 2:30 of 30 March 2025 is left out and taken for 3:30; 2:30 of 26 October comes twice and counts the second time.
    const [spring, autumn] = [await plan('2025-03-29', '02:30'), await plan('2025-10-25', '02:30')];
    expect(await planDue(connections, '2025-04-01 00:00Z')).toBe(3);
    expect((await madeBy(spring)).map(({ due }) => due)).toEqual(['2025-03-29 01:30', '2025-03-30 01:30', '2025-03-31 00:30']);
    await here.sql('update export_schedule set removed_at = now() where schedule_id = $1', [spring]);
    expect(await planDue(connections, '2025-10-28 00:00Z')).toBe(3);
    expect((await madeBy(autumn)).map(({ due }) => due)).toEqual(['2025-10-25 00:30', '2025-10-26 01:30', '2025-10-27 01:30']);
    await none();
  });

  it('asks for the gaming day before, also where that has 25 hours', async () => {
    const id = await plan('2025-10-25', '07:00');
    await planDue(connections, '2025-10-27 12:00Z');
    expect(await madeBy(id)).toEqual([
      { due: '2025-10-25 05:00', from: '2025-10-24T04:00:00.000Z', to: '2025-10-25T04:00:00.000Z' },
      { due: '2025-10-26 06:00', from: '2025-10-25T04:00:00.000Z', to: '2025-10-26T05:00:00.000Z' },
      { due: '2025-10-27 06:00', from: '2025-10-26T05:00:00.000Z', to: '2025-10-27T05:00:00.000Z' },
    ]);
    await none();
  });

  it('makes up for what was missed, each time once with two workers, and for the newest 31 at most', async () => {
    const [daily, weekly] = [await plan('2025-05-01', '06:00'), await plan('2025-06-06', '06:00', 5)];
    const made = await Promise.all([planDue(connections, '2025-06-30 12:00Z'), planDue(connections, '2025-06-30 12:00Z')]);
    expect(made.reduce((sum, count) => sum + count)).toBe(31 + 4);
    const [days, weeks] = [await madeBy(daily), await madeBy(weekly)];
    expect([days[0]?.due, days.at(-1)?.due, new Set(days.map(({ due }) => due)).size]).toEqual(['2025-05-31 04:00', '2025-06-30 04:00', 31]);
    expect(weeks.map(({ due }) => due)).toEqual(['2025-06-06 04:00', '2025-06-13 04:00', '2025-06-20 04:00', '2025-06-27 04:00']);
    expect(await planDue(connections, '2025-06-30 12:00Z')).toBe(0);
    await none();
  });
});

it('nothing was alerted', () => {
  expect(alerts).toEqual([]);
});
