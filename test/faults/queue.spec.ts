import { afterEach, describe, expect, it } from '@jest/globals';
import { setTimeout as pause } from 'node:timers/promises';
import { migrate } from '../../migrations/index.ts';
import { asSuperuser, freshDatabase, type TestDatabase } from '../support/cluster.ts';
import { Proxy } from '../support/proxy.ts';
import { ready, serveProcess, type Process } from '../support/server.ts';

// The queue is lost, or the database that it lives in: a worker goes on by itself. A run is seen by what it makes: a month that is missing.

const workers: Process[] = [];
const proxies: Proxy[] = [];
afterEach(async () => {
  for (const worker of workers) worker.kill('SIGKILL');
  await Promise.all(workers.splice(0).map(({ exited }) => exited));
  await Promise.all(proxies.splice(0).map((proxy) => proxy.close()));
});

async function workerAt(url: string, untilReady = true): Promise<Process> {
  const read = url.replace('//croupier_worker:', '//croupier_read:');
  const worker = await serveProcess(url, { ROLE: 'worker', DATABASE_WORKER_URL: url, DATABASE_READ_URL: read }, { untilReady: false });
  workers.push(worker);
  if (untilReady) await ready(worker);
  return worker;
}

async function behindProxy(): Promise<{ database: TestDatabase; proxy: Proxy; url: string }> {
  const database = await freshDatabase();
  const proxy = await Proxy.before(database.url('croupier_worker'));
  proxies.push(proxy);
  return { database, proxy, url: proxy.through(database.url('croupier_worker')) };
}

const sql = <Row>(database: TestDatabase, text: string) => asSuperuser<Row>(database.url('superuser'), text);
const statusOf = (worker: Process, probe: string) => fetch(`${worker.baseUrl}/health/${probe}`).then(({ status }) => status, () => 0);

async function until(what: string, look: () => Promise<boolean>, withinMs = 15_000): Promise<void> {
  for (const deadline = performance.now() + withinMs; !(await look()); await pause(50)) {
    if (performance.now() > deadline) throw new Error(`not within ${withinMs / 1000} s: ${what}`);
  }
}

const ahead = async (database: TestDatabase) => (await sql<{ ahead: number }>(database, 'select months_made() as ahead'))[0]?.ahead;
const made = (database: TestDatabase) => until('the months are made', async () => (await ahead(database)) === 24);
/** The furthest month goes. */
const lose = (database: TestDatabase) => sql(database, `do $$ begin execute (select 'drop table ' || max(c.relname) from pg_class c
  join pg_inherits i on i.inhrelid = c.oid where i.inhparent = 'transaction'::regclass and c.relname <> 'transaction_default'); end $$`);
const WIPE = `do $$ begin execute (select 'truncate ' || string_agg(format('bullmq.%I', tablename), ', ') from pg_tables
  where schemaname = 'bullmq' and tablename <> 'migration'); end $$`;

describe('a worker', () => {
  it('asks for a run at its start, also where one was done a minute ago', async () => {
    const database = await freshDatabase();
    await workerAt(database.url('croupier_worker'));
    await made(database);
    await lose(database);
    expect(await ahead(database)).toBe(23);
    await workerAt(database.url('croupier_worker'));
    await made(database);
  });

  it('whose queue is emptied puts its schedule there again', async () => {
    const database = await freshDatabase();
    await workerAt(database.url('croupier_worker'));
    await made(database);
    await lose(database);
    await sql(database, WIPE);
    await made(database);
  });

  it('whose queue has lost the run that comes next sees that it is late, and asks again', async () => {
    const database = await freshDatabase();
    await workerAt(database.url('croupier_worker'));
    await made(database);
    await lose(database);
    await sql(database, `delete from bullmq.job where state = 'delayed'`);
    await sql(database, 'update bullmq.scheduler set next_run_ms = next_run_ms - 2 * 3600000');
    await made(database);
  });

  it('whose queue is gone is alive and not ready, and goes on when it was migrated again', async () => {
    const database = await freshDatabase();
    const worker = await workerAt(database.url('croupier_worker'));
    await made(database);
    await lose(database);
    await sql(database, 'drop schema bullmq cascade');
    await until('it is not ready', async () => (await statusOf(worker, 'ready')) === 503);
    expect(await statusOf(worker, 'live')).toBe(200);
    expect(await migrate(database.url('croupier_owner'))).toEqual([expect.stringMatching(/^BullMQ\d{4}$/)]);
    await made(database);
    await ready(worker);
  }, 45_000);

  it('that may not use its queue asks seldom, and goes on when `migrate` has given it its rights', async () => {
    const database = await freshDatabase();
    await sql(database, 'revoke all on all tables in schema bullmq from croupier_worker; grant select on bullmq.migration to croupier_worker');
    const worker = await workerAt(database.url('croupier_worker'), false);
    await until('it lives', async () => (await statusOf(worker, 'live')) === 200);
    const failed = async () => Number((await sql<{ n: string }>(database, 'select xact_rollback as n from pg_stat_database where datname = current_database()'))[0]?.n);
    const before = await failed();
    await pause(4_000);
    expect((await failed()) - before).toBeLessThan(50);
    expect(await migrate(database.url('croupier_owner'))).toEqual([]);
    await made(database);
    await ready(worker);
  }, 45_000);

  it('that finds no database at its start lives, and works when it comes', async () => {
    const { database, proxy, url } = await behindProxy();
    proxy.cut();
    const worker = await workerAt(url, false);
    await until('it lives', async () => (await statusOf(worker, 'live')) === 200);
    expect(await statusOf(worker, 'ready')).toBe(503);
    proxy.mend();
    await made(database);
    await ready(worker);
  }, 45_000);

  it.each(['cut', 'freeze'] as const)('whose database is away for a while (%s) works again when it is back', async (fault) => {
    const { database, proxy, url } = await behindProxy();
    const worker = await workerAt(url);
    await made(database);
    proxy[fault]();
    await until('it is not ready', async () => (await statusOf(worker, 'ready')) === 503);
    await pause(3_000);
    expect(await statusOf(worker, 'live')).toBe(200);
    proxy.mend();
    await ready(worker);
    await lose(database);
    await sql(database, WIPE);
    await made(database);
  }, 60_000);

  it.each(['cut', 'freeze'] as const)('ends on SIGTERM while its database is away (%s)', async (fault) => {
    const { database, proxy, url } = await behindProxy();
    const worker = await workerAt(url);
    await made(database);
    proxy[fault]();
    await until('it is not ready', async () => (await statusOf(worker, 'ready')) === 503);
    worker.kill('SIGTERM');
    expect(await Promise.race([worker.exited, pause(10_000, 'still there')])).toBe(0);
  }, 45_000);
});
