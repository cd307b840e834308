import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { setTimeout as pause } from 'node:timers/promises';
import type pg from 'pg';
import { feed, feedOf, revenue } from '../../../test/faults/feed-witness.ts';
import { Registry } from '@prometheus-io/client';
import { Ground } from '../../../test/support/ground.ts';
import { pool } from '../../../libs/postgres/index.ts';
import { seedHistory } from '../../wallet/seed.ts';
import { advance } from './advance.ts';
import { FeedMetrics } from './feed-metrics.ts';
import { LOOK_EVERY_MS, Relay } from './relay.ts';
import { makeRows } from './rows.ts';

const WITHIN_MS = 20_000;

describe('a relay', () => {
  const ground = new Ground({ players: { EUR: 1 } });
  let client: pg.Client;
  beforeAll(async () => {
    await ground.open();
    client = await feedOf(ground.database);
  });
  afterAll(async () => {
    await client?.end();
    await ground.close();
  });

  const until = async (holds: () => boolean) => {
    for (const deadline = performance.now() + WITHIN_MS; !holds(); await pause(LOOK_EVERY_MS)) expect(performance.now()).toBeLessThan(deadline);
  };

  it('that cannot look any more does not say that a view is as near as it was: it falls behind, second by second', async () => {
    const connections = pool(ground.database.url('croupier_worker'), { name: 'croupier relay' }, 1);
    let failed = 0;
    const relay = new Relay({
      pool: connections, projections: [revenue], stopped: () => undefined, report: () => void failed++, wake: async () => void (await feed(client, revenue)),
    });
    const lag = () => relay.seen.find(({ name }) => name === 'revenue')?.lagMs ?? Number.NaN;
    relay.start();
    await until(() => lag() < 1_000);
    await connections.end();
    await until(() => failed > 0 && relay.blind);
    const before = lag();
    expect(before).toBeGreaterThan(5_000);
    await until(() => lag() > before + 500);
    await relay.stop();
  });
});

describe('a view that is being built for the first time', () => {
  const ground = new Ground({ players: { EUR: 1 } });
  let client: pg.Client;
  let connections: pg.Pool;
  beforeAll(async () => {
    await ground.open();
    await seedHistory(ground.database.url('croupier_owner'), { transactions: 2_000, players: 5, days: 2 });
    client = await feedOf(ground.database);
    connections = pool(ground.database.url('croupier_worker'), { name: 'croupier relay' }, 1);
  });
  afterAll(async () => {
    await connections?.end();
    await client?.end();
    await ground.close();
  });

  /** Of what is in the ledger and not in the view: by each row, not by its batch. */
  const oldestMs = async (): Promise<number> => (await ground.sql<{ ms: number }>(`select (date_part('epoch', clock_timestamp() - min(t.at)) * 1000)::float8 as ms from transaction t
    where not exists (select from projection p, unnest(p.lanes, p.batches) x(lane, batch) where p.name = 'revenue' and x.lane = t.lane and t.batch <= x.batch)`))[0]?.ms ?? Number.NaN;

  it('is as late as the oldest transaction that is not in it, and said to be built until it has come up to the ledger', async () => {
    let asked = 0;
    const failed: string[] = [];
    const counting = { query: (text: string) => {
      if (/ as since/.test(text)) asked++;
      return connections.query(text);
    } } as unknown as pg.Pool;
    await makeRows(client, [revenue]);
    const registry = new Registry();
    const relay: Relay = new Relay({ pool: counting, projections: [revenue], stopped: () => undefined, report: (message) => void failed.push(message), wake: () => Promise.resolve() });
    void new FeedMetrics(registry, () => relay.seen);
    const shown = async () => {
      const text = await registry.metrics();
      const of = (name: string) => Number(new RegExp(`^croupier_view_${name}{view="revenue"} (\\S+)$`, 'm').exec(text)?.[1] ?? Number.NaN);
      return [of('being_built'), of('lag_seconds')] as [number, number];
    };
    const agrees = async () => Math.abs((await shown())[1] - await oldestMs() / 1_000) < 1;
    const untilSaid = async (holds: () => Promise<boolean>) => {
      for (const deadline = performance.now() + WITHIN_MS; !(await holds()); await pause(LOOK_EVERY_MS)) expect(performance.now()).toBeLessThan(deadline);
    };
    relay.start();
    await untilSaid(agrees);
    const [built, whole] = await shown();
    expect([built, whole > 86_400]).toEqual([1, true]);
    // Seven looks, and one question at most.
    const asking = asked;
    await pause(7 * LOOK_EVERY_MS);
    expect(asked - asking).toBeLessThanOrEqual(1);
    // A part of it is applied: what is left is younger.
    expect((await advance(client, revenue, { most: 4 })).came).toBe('behind');
    await untilSaid(agrees);
    const [still, left] = await shown();
    expect([still, left < whole - 60, left > 60]).toEqual([1, true, true]);
    expect(await feed(client, revenue)).toBe('current');
    await untilSaid(async () => JSON.stringify((await shown()).map((value) => Math.floor(value))) === '[0,0]');
    const last = asked;
    await pause(6_000);
    await relay.stop();
    expect([asked, failed]).toEqual([last, []]);
  }, 60_000);
});
