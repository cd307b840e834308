import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { setTimeout as pause } from 'node:timers/promises';
import { Registry } from '@prometheus-io/client';
import { statement } from '../../libs/postgres/index.ts';
import type { Cached } from '../../src/views/cache/cached.ts';
import { Memory } from '../../src/views/cache/memory.ts';
import { ViewCache } from '../../src/views/cache/view-cache.ts';
import { Reads } from '../../src/views/reads.ts';
import { revenue } from '../../src/views/revenue/projection.ts';
import { seen, type Asker, type View } from '../../src/views/view.ts';
import { fed } from '../support/feeding.ts';
import { Ground, type Seat } from '../support/ground.ts';

// A report over a projection, cached: an older answer is given at once while the new one is read, for a bounded time, and never to who has seen more.

const ground = new Ground({ players: { EUR: 4 } });
let reads: Reads;
let seat: Seat;
let cache: ViewCache;
let executed = 0;
let placed = 0;
/** how long the report takes */
let slowMs = 0;

interface Report { readonly asker: Asker; readonly filters: { readonly from?: string; readonly to?: string } }
const STALE_MS = 700;
const cached: Cached<Report> = { view: 'test report', projections: ['revenue'], staleMs: STALE_MS };
const bets = statement<[string]>('test_bets', 'select coalesce(sum(bets), 0)::int from revenue_day');

async function execute({ asker }: { asker: Asker }): Promise<View<{ bets: number }>> {
  executed++;
  const answer = await reads.at(asker.token).projected(asker.operator, ['revenue'], [bets()]);
  await pause(slowMs);
  return { ...seen(answer), body: { bets: Number(answer.rows[0][0]?.[0]) } };
}
const operator = (i = 0) => ground.world.operators[i] as string;
const ask = async (asker: Partial<Asker> = {}, filters: Report['filters'] = {}) => {
  const view = (await cache.answer(cached, { asker: { operator: operator(), ...asker }, filters }, execute)) as View<{ bets: number }>;
  return { ...view, bets: view.body?.bets };
};
const bet = async (feed = true): Promise<string> => {
  const reply = await seat.bet(`b${placed++}`, '0.01');
  expect(reply.status).toBe(200);
  if (feed) await fed(ground.database, revenue);
  return reply.headers['x-consistency-token'] as string;
};

beforeAll(async () => {
  await ground.open();
  seat = ground.seat();
  await fed(ground.database, revenue);
  reads = new Reads({ primaryUrl: ground.database.url('croupier_read'), replicaUrls: [], lagLimitMs: 5_000, registry: new Registry() });
  await reads.start();
  cache = new ViewCache(reads, { registry: new Registry() });
});
afterAll(async () => {
  await reads?.close();
  await ground.close();
});
afterEach(() => { slowMs = 0; });

describe('a cached report', () => {
  it('is read once for 100 who ask at once, and for each tenant and question of its own', async () => {
    await bet();
    slowMs = 50;
    executed = 0;
    const all = await Promise.all(Array.from({ length: 100 }, () => ask()));
    expect([new Set(all.map((one) => one.bets)), executed]).toEqual([new Set([1]), 1]);
    await ask({}, { from: '2026-01-01', to: '2026-01-02' });
    await ask({}, { to: '2026-01-02', from: '2026-01-01' });
    expect(executed).toBe(2);
    expect([(await ask({ operator: operator(1) })).bets, executed]).toEqual([0, 3]);
  });

  it('is as of the moment that it is asked for, where nothing has changed since it was read', async () => {
    const first = await ask();
    await pause(400);
    executed = 0;
    const second = await ask();
    expect([executed, second.version === first.version, second.asOf > first.asOf, second.ageMs]).toEqual([0, true, true, undefined]);
  });

  it('is given older by at most its bound while the new one is read, and says so', async () => {
    const before = await ask();
    await bet();
    await pause(260);
    await ask();
    slowMs = 300;
    await bet();
    await pause(260);
    const askedAt = performance.now();
    const stale = await ask();
    expect([stale.bets, (stale.ageMs ?? 0) > 0, (stale.ageMs ?? 0) <= STALE_MS, performance.now() - askedAt < 250]).toEqual([(before.bets as number) + 1, true, true, true]);
    expect(Date.parse(stale.asOf)).toBeLessThan(Date.now() - (stale.ageMs ?? 0) + 100);
    await pause(700);
    const fresh = await ask();
    expect([fresh.bets, fresh.ageMs]).toEqual([(before.bets as number) + 2, undefined]);
  });

  it('is waited for where the older one is older than that', async () => {
    const before = await ask();
    await pause(STALE_MS + 300);
    await bet();
    await pause(STALE_MS + 300);
    slowMs = 100;
    const after = await ask();
    expect([after.bets, after.ageMs]).toEqual([(before.bets as number) + 1, undefined]);
  });

  it('is never older than its asker’s token', async () => {
    for (let i = 0; i < 10; i++) {
      const before = await ask();
      const token = await bet();
      const after = await ask({ token });
      expect([after.bets, after.ageMs, after.covers?.(token)]).toEqual([(before.bets as number) + 1, undefined, true]);
    }
    const token = await bet(false);
    await expect(ask({ token })).rejects.toThrow('has not yet come');
    await fed(ground.database, revenue);
    expect((await ask({ token })).covers?.(token)).toBe(true);
  }, 20_000);

  it('that failed is not kept, and fails for nobody who asks after', async () => {
    await bet();
    await pause(260);
    const broken = () => Promise.reject(new Error('the replica broke'));
    const question = { asker: { operator: operator() }, filters: { from: '2025-01-01' } };
    await expect(cache.answer(cached, question, broken)).rejects.toThrow('the replica broke');
    expect((await ask({}, { from: '2025-01-01' })).bets).toBeGreaterThan(0);
  });

  it('cannot be changed by whoever was given it', async () => {
    const view = await ask();
    (view.body as { bets: number }).bets = -1;
    const again = await ask();
    expect([again.bets, again.version]).toEqual([view.bets, view.version]);
  });
});

describe('what a process keeps', () => {
  it('is bounded in entries and in bytes: what was not asked for the longest goes first', () => {
    const memory = new Memory<{ bytes: number }>({ entries: 3, bytes: 100 });
    for (const [key, bytes] of [['a', 30], ['b', 30], ['c', 30]] as const) memory.set(key, { bytes });
    memory.get('a');
    memory.set('d', { bytes: 30 });
    expect(['a', 'b', 'c', 'd'].map((key) => memory.has(key))).toEqual([true, false, true, true]);
    memory.set('e', { bytes: 60 });
    expect([['a', 'c', 'd', 'e'].map((key) => memory.has(key)), memory.bytes]).toEqual([[false, false, true, true], 90]);
    memory.set('f', { bytes: 101 });
    memory.set('e', { bytes: 10 });
    expect([memory.has('f'), memory.entries, memory.bytes]).toEqual([false, 2, 40]);
  });
});
