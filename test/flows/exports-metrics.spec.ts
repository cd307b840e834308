import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { setTimeout as pause } from 'node:timers/promises';
import type pg from 'pg';
import { Registry } from '@prometheus-io/client';
import { pool } from '../../libs/postgres/index.ts';
import { freePort } from '../../tools/local/embedded-postgres.ts';
import { ExportMetrics } from '../../src/views/exports/export-metrics.ts';
import { officeGround, rolesOn } from '../support/office.ts';
import { serveHere } from '../support/server.ts';

// What Prometheus is told of exports and of the queues, held against rows that are put there by hand. The process of this file is an office; workers come and go.

const here = officeGround({ players: { EUR: 2 } }, { ROLE: 'office' });
let connections: pg.Pool;
beforeAll(() => { connections = pool(here.database.url('croupier_worker'), { name: 'metrics of a test' }, 2); });
afterAll(() => connections.end());
beforeEach(() => here.sql('delete from export_piece; delete from export'));

type Samples = Map<string, number>;
const samplesOf = (text: string): Samples => new Map(
  text.split('\n').filter((line) => line !== '' && !line.startsWith('#')).map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]));
const scrape = async (baseUrl: string): Promise<Samples> => samplesOf(await (await fetch(`${baseUrl}/metrics`)).text());
const until = async (what: string, holds: () => Promise<boolean>) => {
  for (const deadline = performance.now() + 30_000; !(await holds()); await pause(50)) if (performance.now() > deadline) throw new Error(`not within 30 s: ${what}`);
};
const plant = (state: string, count: number, { created = '1 minute', ended = '1 hour', operator = here.operator } = {}) => here.sql(`
  insert into export (operator_id, report, format, filters, keep_days, state, alive_at, created_at, ended_at)
  select $1, 'transactions', 'csv', '{}', 7, $2::export_state, now() + interval '1 hour', now() - $4::interval, case when $2 in ('waiting', 'running') then null else now() - $5::interval end
  from generate_series(1, $3::int)`, [operator, state, count, created, ended]);

it('exports are counted by their states, of all operators, with the age of the oldest that waits; one that failed the day before yesterday is not', async () => {
  const registry = new Registry();
  const metrics = new ExportMetrics(registry, connections);
  expect([...samplesOf(await registry.metrics()).keys()].filter((name) => name.startsWith('croupier_exports'))).toEqual([]);
  await plant('waiting', 2, { created: '30 seconds' });
  await plant('waiting', 1, { created: '100 seconds', operator: here.world.operators[1] as string });
  await plant('running', 4, { created: '5 hours' });
  await plant('failed', 5, { ended: '23 hours' });
  await plant('failed', 7, { ended: '25 hours' });
  await plant('cancelled', 8);
  await metrics.look();
  const counted = samplesOf(await registry.metrics());
  expect(['waiting', 'running', 'failed'].map((state) => counted.get(`croupier_exports{state="${state}"}`))).toEqual([3, 4, 5]);
  const oldest = counted.get('croupier_export_oldest_waiting_seconds') ?? Number.NaN;
  expect([oldest >= 100, oldest < 110]).toEqual([true, true]);
  // Between two looks nothing is asked, however often somebody scrapes, and who waits grows older.
  await plant('waiting', 1, { created: '1 hour' });
  await pause(200);
  await metrics.look();
  const again = samplesOf(await registry.metrics());
  expect([again.get('croupier_exports{state="waiting"}'), (again.get('croupier_export_oldest_waiting_seconds') ?? 0) - oldest >= 0.2]).toEqual([3, true]);
});

it('where none waits the oldest is of no age', async () => {
  const registry = new Registry();
  const metrics = new ExportMetrics(registry, connections);
  await plant('running', 1);
  await metrics.look();
  const counted = samplesOf(await registry.metrics());
  expect([counted.get('croupier_exports{state="waiting"}'), counted.get('croupier_export_oldest_waiting_seconds')]).toEqual([0, 0]);
});

it('a worker that looks for work twice a second never goes through all exports that there ever were', async () => {
  await here.sql(`insert into export (operator_id, report, format, filters, keep_days, state, ended_at, expires_at, pieces)
    select $1, 'transactions', 'csv', '{}', 7, case n % 2 when 0 then 'done' else 'expired' end::export_state, now() - interval '30 days', now() - interval '20 days' + (n % 2 = 0)::int * interval '40 days', (n % 2 = 0)::int
    from generate_series(1, 20000) n`, [here.operator]);
  await here.sql('analyze export');
  const read = async () => (await here.sql<{ rows: number }>("select seq_tup_read::int as rows from pg_stat_user_tables where relname = 'export'"))[0]?.rows ?? Number.NaN;
  const before = await read();
  const worker = await serveHere(here.database, rolesOn(here.database, 'worker'));
  try {
    await until('they are counted', async () => (await scrape(worker.baseUrl)).get('croupier_exports{state="waiting"}') === 0);
    const { exportId } = (await here.platform.post('/v1/exports', { report: 'transactions', format: 'csv' })).body;
    await until('one is made', async () => (await here.platform.get(`/v1/exports/${exportId}`)).body.state === 'done');
    // The database tells what was read a second later.
    await pause(2_500);
  } finally {
    await worker.close();
  }
  expect(await read() - before).toBeLessThan(20_000);
}, 60_000);

it('one that is cancelled is counted once, whoever asked for that and however often; one that had ended is not', async () => {
  const cancelled = async () => (await scrape(here.served.baseUrl)).get('croupier_exports_ended_total{outcome="cancelled",format="xlsx"}') ?? 0;
  const made = async () => (await here.platform.post('/v1/exports', { report: 'transactions', format: 'xlsx' })).body.exportId as string;
  const before = await cancelled();
  const [one, other, done] = [await made(), await made(), await made()];
  for (let i = 0; i < 2; i++) await here.platform.post(`/v1/exports/${one}/cancel`);
  for (let i = 0; i < 2; i++) await here.platform.delete(`/v1/exports/${other}`);
  await here.sql("update export set state = 'done', ended_at = now(), expires_at = now() + interval '1 day' where export_id = $1", [done]);
  expect((await here.platform.delete(`/v1/exports/${done}`)).body.state).toBe('expired');
  expect((await here.stranger.post(`/v1/exports/${one}/cancel`)).status).toBe(404);
  expect(await cancelled() - before).toBe(2);
});

it('a worker whose queues are away counts each wake-up that it does without them, and does it', async () => {
  const worker = await serveHere(here.database, { ...rolesOn(here.database, 'worker'), REDIS_URL: `redis://127.0.0.1:${await freePort()}` });
  try {
    const { exportId } = (await here.platform.post('/v1/exports', { report: 'transactions', format: 'csv' })).body;
    await until('the export is made', async () => (await here.platform.get(`/v1/exports/${exportId}`)).body.state === 'done');
    await here.sql("update projection set caught_up = false where name = 'rounds'");
    await until('both are counted', async () => {
      const samples = await scrape(worker.baseUrl);
      return ['views', 'exports'].every((queue) => (samples.get(`croupier_wake_ups_untaken_total{queue="${queue}"}`) ?? 0) > 0);
    });
  } finally {
    await worker.close();
  }
}, 90_000);

it('a worker counts what it made and what it could not make, by format, and how many are left', async () => {
  const worker = await serveHere(here.database, rolesOn(here.database, 'worker'));
  try {
    const ask = async (body: object) => expect((await here.platform.post('/v1/exports', body)).status).toBe(201);
    await ask({ report: 'transactions', format: 'csv' });
    await ask({ report: 'transactions', format: 'csv.gz' });
    await here.sql("insert into export (operator_id, report, format, filters, keep_days) values ($1, 'nothing', 'csv', '{}', 7)", [here.operator]);
    const ended = (samples: Samples) => ['done",format="csv', 'done",format="csv.gz', 'failed",format="csv'].map((labels) => samples.get(`croupier_exports_ended_total{outcome="${labels}"}`) ?? 0);
    await until('all three have ended', async () => ended(await scrape(worker.baseUrl)).every((count) => count > 0));
    await until('they are counted by state', async () => (await scrape(worker.baseUrl)).get('croupier_exports{state="failed"}') === 1);
    const samples = await scrape(worker.baseUrl);
    expect([ended(samples), samples.get('croupier_exports{state="waiting"}'), samples.get('croupier_exports{state="running"}')]).toEqual([[1, 1, 1], 0, 0]);
    // The queues take what they are asked to.
    expect(['views', 'exports'].map((queue) => samples.get(`croupier_wake_ups_untaken_total{queue="${queue}"}`))).toEqual([0, 0]);
  } finally {
    await worker.close();
  }
}, 60_000);
