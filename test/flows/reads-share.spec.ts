import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { freshDatabase, type TestDatabase } from '../support/cluster.ts';
import { Seat } from '../support/ground.ts';
import { Provider } from '../support/provider.ts';
import { Proxy } from '../support/proxy.ts';
import { allRoles, Reader } from '../support/reader.ts';
import { serveHere, type InProcess } from '../support/server.ts';
import { createWorld, type World } from '../support/world.ts';

// The primary serves a bounded share of the reads: two at once, and no more than 64 wait for that. Here it falls silent for reads.

let database: TestDatabase;
let world: World;
let proxy: Proxy;
let served: InProcess;
let reader: Reader;
let provider: Provider;

beforeAll(async () => {
  database = await freshDatabase();
  world = await createWorld(database, { policies: [{ deadlineMs: 5_000 }] });
  proxy = await Proxy.before(database.url('croupier_read'));
  served = await serveHere(database, { ...allRoles(database), DATABASE_READ_URL: proxy.through(database.url('croupier_read')) });
  reader = await Reader.of(world.operators[0] as string, database, served.baseUrl);
  provider = new Provider(served.baseUrl, world.accounts[0] as never);
});

afterAll(async () => {
  provider?.close();
  await served?.close();
  await proxy?.close();
});

it('of 100 reads at once that nobody answers, 34 are refused at once and the others in time; bets go on, and so do reads when it is back', async () => {
  const seat = new Seat(provider, world.players[0] as never);
  const placed = await seat.bet('b0', '1.00');
  const path = `/v1/transactions/${placed.body.transactionId}`;
  const token = placed.headers['x-consistency-token'] as string;
  expect((await reader.get(path, token)).status).toBe(200);

  proxy.freeze();
  const askedAt = performance.now();
  const answers = Array.from({ length: 100 }, async () => {
    const { status, body, headers } = await reader.get(path, token);
    return { status, code: body.code, detail: body.detail as string, again: headers['retry-after'], ms: performance.now() - askedAt };
  });
  expect((await seat.bet('b1', '1.00')).body.status).toBe('applied');
  const all = await Promise.all(answers);
  expect(new Set(all.map(({ status, code, again }) => `${status} ${code} ${again}`))).toEqual(new Set(['503 UNAVAILABLE 1']));
  const full = all.filter(({ detail }) => /too many/.test(detail));
  expect(full).toHaveLength(34);
  const slowest = Math.max(...all.map(({ ms }) => ms));
  console.log(`refused at once: within ${Math.round(Math.max(...full.map(({ ms }) => ms)))} ms; the others within ${Math.round(slowest)} ms`);
  expect(Math.max(...full.map(({ ms }) => ms))).toBeLessThan(Math.min(...all.filter((one) => !full.includes(one)).map(({ ms }) => ms)));
  expect(slowest).toBeLessThan(2_500);

  proxy.mend();
  for (const until = performance.now() + 10_000; (await reader.get(path, token)).status !== 200; ) expect(performance.now()).toBeLessThan(until);
  expect((await reader.get(path)).status).toBe(200);
  const health = await fetch(`${served.baseUrl}/health/ready`);
  expect(health.status).toBe(200);
}, 30_000);
