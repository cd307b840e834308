import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { setTimeout as pause } from 'node:timers/promises';
import { migrate } from '../../migrations/index.ts';
import { asSuperuser, freshDatabase, type TestDatabase } from '../support/cluster.ts';
import { Proxy } from '../support/proxy.ts';
import { ready, serveProcess, type Process } from '../support/server.ts';
import { BACKENDS, OwnRedis, until, type Kept } from './feed-backends.ts';

// The queue is lost, or the database that it lives in, or works for: a worker goes on by itself. A run is seen by what it makes: a month that is missing.

/** Said in docs/operations/views.md: the longest that a worker may take to end, on a machine that has time for it. */
const ENDS_WITHIN_MS = 8_000;

const workers: Process[] = [];
const proxies: Proxy[] = [];
let kept: Kept | undefined;
afterEach(async () => {
  for (const worker of workers) worker.kill('SIGKILL');
  await Promise.all(workers.splice(0).map(({ exited }) => exited));
  await Promise.all(proxies.splice(0).map((proxy) => proxy.close()));
  await kept?.close();
  kept = undefined;
});

async function workerAt(url: string, { untilReady = true, env = kept?.env ?? {} }: { untilReady?: boolean; env?: Kept['env'] } = {}): Promise<Process> {
  const read = url.replace('//croupier_worker:', '//croupier_read:');
  const worker = await serveProcess(url, { ROLE: 'worker', DATABASE_WORKER_URL: url, DATABASE_READ_URL: read, ...env }, { untilReady: false });
  workers.push(worker);
  if (untilReady) await ready(worker);
  return worker;
}

async function proxyBefore(url: string): Promise<Proxy> {
  const proxy = await Proxy.before(url);
  proxies.push(proxy);
  return proxy;
}

async function behindProxy(): Promise<{ database: TestDatabase; proxy: Proxy; url: string }> {
  const database = await freshDatabase();
  const proxy = await proxyBefore(database.url('croupier_worker'));
  return { database, proxy, url: proxy.through(database.url('croupier_worker')) };
}

const sql = <Row>(database: TestDatabase, text: string) => asSuperuser<Row>(database.url('superuser'), text);
const statusOf = (worker: Process, probe: string) => fetch(`${worker.baseUrl}/health/${probe}`).then(async (answer) => {
  await answer.text();
  return answer.status;
}, () => 0);
const lives = (worker: Process) => until('it lives', async () => (await statusOf(worker, 'live')) === 200);
const isNotReady = (worker: Process) => until('it is not ready', async () => (await statusOf(worker, 'ready')) === 503);

const ahead = async (database: TestDatabase) => (await sql<{ ahead: number }>(database, 'select months_made() as ahead'))[0]?.ahead;
const made = (database: TestDatabase) => until('the months are made', async () => (await ahead(database)) === 24, 20_000);
/** The furthest month goes. */
const lose = (database: TestDatabase) => sql(database, `do $$ begin execute (select 'drop table ' || max(c.relname) from pg_class c
  join pg_inherits i on i.inhrelid = c.oid where i.inhparent = 'transaction'::regclass and c.relname <> 'transaction_default'); end $$`);

async function expectEnds(worker: Process, away: string): Promise<void> {
  const toldAt = performance.now();
  worker.kill('SIGTERM');
  expect(await Promise.race([worker.exited, pause(2 * ENDS_WITHIN_MS, 'still there', { ref: false })])).toBe(0);
  const took = performance.now() - toldAt;
  process.stdout.write(`queue: with ${away} away a worker ended within ${Math.round(took)} ms\n`);
  expect(took).toBeLessThan(ENDS_WITHIN_MS);
}

describe.each(BACKENDS)('a worker whose queue is in %s', (_, keep) => {
  beforeEach(async () => void (kept = await keep()));

  it('asks for a run at its start, also where one was done a minute ago', async () => {
    const database = await freshDatabase();
    await workerAt(database.url('croupier_worker'));
    await made(database);
    await lose(database);
    expect(await ahead(database)).toBe(23);
    await workerAt(database.url('croupier_worker'));
    await made(database);
  }, 60_000);

  it('and is emptied puts its schedule there again', async () => {
    const database = await freshDatabase();
    await workerAt(database.url('croupier_worker'));
    await made(database);
    await lose(database);
    await kept?.wipe(database);
    await made(database);
  }, 60_000);

  it('and has lost the run that comes next sees that it is late, and asks again', async () => {
    const database = await freshDatabase();
    await workerAt(database.url('croupier_worker'));
    await made(database);
    await lose(database);
    await kept?.loseNext(database);
    await made(database);
  }, 60_000);

  it('finds no database at its start, lives, and works when it comes', async () => {
    const { database, proxy, url } = await behindProxy();
    proxy.cut();
    const worker = await workerAt(url, { untilReady: false });
    await lives(worker);
    expect(await statusOf(worker, 'ready')).toBe(503);
    proxy.mend();
    await made(database);
    await ready(worker);
  }, 60_000);

  it.each(['cut', 'freeze'] as const)('and whose database is away for a while (%s) works again when it is back', async (fault) => {
    const { database, proxy, url } = await behindProxy();
    const worker = await workerAt(url);
    await made(database);
    proxy[fault]();
    await isNotReady(worker);
    await pause(3_000);
    expect(await statusOf(worker, 'live')).toBe(200);
    proxy.mend();
    await ready(worker);
    await lose(database);
    await kept?.wipe(database);
    await made(database);
  }, 90_000);

  it.each(['cut', 'freeze'] as const)('ends on SIGTERM while its database is away (%s)', async (fault) => {
    const { database, proxy, url } = await behindProxy();
    const worker = await workerAt(url);
    await made(database);
    proxy[fault]();
    await isNotReady(worker);
    await expectEnds(worker, `its database (${fault})`);
  }, 60_000);
});

describe('a worker whose queue in PostgreSQL', () => {
  it('is gone is alive and not ready, and goes on when it was migrated again', async () => {
    const database = await freshDatabase();
    const worker = await workerAt(database.url('croupier_worker'));
    await made(database);
    await lose(database);
    await sql(database, 'drop schema bullmq cascade');
    await isNotReady(worker);
    expect(await statusOf(worker, 'live')).toBe(200);
    expect(await migrate(database.url('croupier_owner'))).toEqual([expect.stringMatching(/^BullMQ\d{4}$/)]);
    await made(database);
    await ready(worker);
  }, 60_000);

  it('may not be used asks seldom, and goes on when `migrate` has given it its rights', async () => {
    const database = await freshDatabase();
    await sql(database, 'revoke all on all tables in schema bullmq from croupier_worker; grant select on bullmq.migration to croupier_worker');
    const worker = await workerAt(database.url('croupier_worker'), { untilReady: false });
    await lives(worker);
    const failed = async () => Number((await sql<{ n: string }>(database, 'select xact_rollback as n from pg_stat_database where datname = current_database()'))[0]?.n);
    const before = await failed();
    await pause(4_000);
    expect((await failed()) - before).toBeLessThan(50);
    expect(await migrate(database.url('croupier_owner'))).toEqual([]);
    await made(database);
    await ready(worker);
  }, 60_000);
});

// eslint-disable-next-line no-restricted-syntax -- needs a redis-server, which not every machine has; said on stdout
const onRedis = OwnRedis.there ? describe : describe.skip;
if (!OwnRedis.there) process.stdout.write('queue: there is no redis-server on this machine, so what is to be shown with Redis is not (Debian: apt-get install redis-server)\n');

onRedis('a worker whose queue in Redis', () => {
  let redis: OwnRedis;
  beforeEach(async () => void (kept = redis = await OwnRedis.start()));

  const degraded = async (worker: Process) => {
    const answer = await fetch(`${worker.baseUrl}/health/ready`);
    const { details } = (await answer.json()) as { details: Record<string, { degraded?: string }> };
    return [answer.status, details['queue']?.degraded];
  };
  const isDegraded = (worker: Process) => until('it is degraded', async () => JSON.stringify(await degraded(worker)) === '[200,"Redis is not there"]');
  const isWell = (worker: Process) => until('it is well', async () => JSON.stringify(await degraded(worker)) === '[200,null]');

  it('is gone is alive and degraded, and goes on when it is there again, though it has forgotten everything', async () => {
    const database = await freshDatabase();
    const worker = await workerAt(database.url('croupier_worker'));
    await made(database);
    await lose(database);
    await redis.down();
    await isDegraded(worker);
    await redis.up();
    await made(database);
    await isWell(worker);
  }, 60_000);

  it('may not be used asks seldom, and goes on when it is allowed to', async () => {
    const database = await freshDatabase();
    await redis.ask('acl', 'setuser', 'keeper', 'on', 'nopass', '~*', '&*', '+@all');
    await redis.as('keeper');
    await redis.ask('acl', 'setuser', 'default', '-@all', '+info', '+ping', '+auth', '+client', '+hello');
    const worker = await workerAt(database.url('croupier_worker'), { untilReady: false });
    await lives(worker);
    const refused = async () => Number(/rejected_calls_total:(\d+)|unexpected_error_replies:(\d+)|total_error_replies:(\d+)/.exec(String(await redis.ask('info', 'stats')))?.slice(1).find(Boolean));
    const before = await refused();
    await pause(4_000);
    expect((await refused()) - before).toBeLessThan(100);
    await redis.ask('acl', 'setuser', 'default', '+@all');
    await made(database);
    await ready(worker);
  }, 60_000);

  it('is not there at its start is degraded, and works when it comes', async () => {
    const database = await freshDatabase();
    await redis.down();
    const worker = await workerAt(database.url('croupier_worker'), { untilReady: false });
    await lives(worker);
    await pause(2_000);
    await redis.up();
    await made(database);
    await ready(worker);
  }, 60_000);

  it.each(['cut', 'freeze'] as const)('is away for a while (%s) is degraded, and works again when it is back', async (fault) => {
    const database = await freshDatabase();
    const proxy = await proxyBefore(redis.url);
    const worker = await workerAt(database.url('croupier_worker'), { env: { REDIS_URL: proxy.through(redis.url) } });
    await made(database);
    proxy[fault]();
    await isDegraded(worker);
    await pause(3_000);
    expect(await statusOf(worker, 'live')).toBe(200);
    proxy.mend();
    await isWell(worker);
    await lose(database);
    await redis.wipe();
    await made(database);
  }, 90_000);

  it.each(['cut', 'freeze'] as const)('is away (%s) ends on SIGTERM', async (fault) => {
    const database = await freshDatabase();
    const proxy = await proxyBefore(redis.url);
    const worker = await workerAt(database.url('croupier_worker'), { env: { REDIS_URL: proxy.through(redis.url) } });
    await made(database);
    proxy[fault]();
    await isDegraded(worker);
    await expectEnds(worker, `its Redis (${fault})`);
  }, 60_000);
});
