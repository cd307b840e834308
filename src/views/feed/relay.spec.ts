import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { setTimeout as pause } from 'node:timers/promises';
import type pg from 'pg';
import { feed, feedOf, revenue } from '../../../test/faults/feed-witness.ts';
import { Ground } from '../../../test/support/ground.ts';
import { pool } from '../../../libs/postgres/index.ts';
import { LOOK_EVERY_MS, Relay } from './relay.ts';

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
