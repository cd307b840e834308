import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { setTimeout as pause } from 'node:timers/promises';
import type pg from 'pg';
import { feed, feedOf, installSeen, seen, unlike } from '../../../test/faults/feed-witness.ts';
import { Ground, type Seat } from '../../../test/support/ground.ts';
import type { Projection } from '../contract.ts';
import { advance } from './advance.ts';
import { Feeder, type Ran } from './feeder.ts';
import { makeRows, standings } from './rows.ts';

// What cannot be done, or not in time, is not tried again and again at the cost of everybody else. A bet alone is a batch of its own.

/** Takes as long as table `slow` says, for a step and for each of its transactions. */
const slow: Projection = { name: 'slow', tables: [], applies: ['select pg_sleep(a_step + a_row * (select count(*) from fed)) from slow where exists (select from fed)'] };

interface Try {
  readonly begunAt: number;
  readonly batches: number;
  tookMs: number;
}

describe('a feeder', () => {
  const ground = new Ground({ players: { EUR: 4 }, balance: 100_000_000_000n });
  let client: pg.Client;
  let named = 0;
  beforeAll(async () => {
    await ground.open();
    await installSeen(ground.database, [slow]);
    await ground.sql('create table slow (a_step float not null, a_row float not null); insert into slow values (0, 0); grant select on slow to croupier_worker');
    client = await feedOf(ground.database);
  });
  afterAll(async () => {
    await client?.end();
    await ground.close();
  });
  beforeEach(async () => {
    await takes(0, 0);
    expect(await feed(client, slow)).toBe('current');
  });

  const takes = (aStep: number, aRow: number) => ground.sql('update slow set a_step = $1, a_row = $2', [aStep, aRow]);
  let player: Seat | undefined;
  const bets = async (many: number) => {
    player ??= ground.seat();
    for (let i = 0; i < many; i++) expect((await player.bet(`bet-${named++}`, '0.01')).status).toBe(200);
  };

  /** One whose statements may take 300 ms; what it tried is noted. */
  function feederOf(tries: Try[]): Feeder {
    const open = async () => {
      const opened = await feedOf(ground.database);
      await opened.query("set statement_timeout = '300ms'");
      const query = opened.query.bind(opened) as (...args: unknown[]) => Promise<unknown>;
      opened.query = ((...args: unknown[]) => {
        const asked = args[0] as { name?: string; values?: number[][] };
        if (asked.name !== 'feed_slow_0') return query(...args);
        const [, after = [], upto = []] = asked.values ?? [];
        const one = { begunAt: performance.now(), batches: upto.reduce((sum, batch, i) => sum + batch - (after[i] ?? 0), 0), tookMs: 0 };
        tries.push(one);
        return query(...args).finally(() => { one.tookMs = performance.now() - one.begunAt; });
      }) as never;
      return opened;
    };
    return new Feeder(slow, { open, applied: () => undefined, report: () => undefined });
  }

  /** Woken all the time, as the relay wakes it. */
  async function wokenUntil(feeder: Feeder, over: () => boolean): Promise<Ran | 'failed' | undefined> {
    let came: Ran | 'failed' | undefined;
    for (const deadline = performance.now() + 20_000; !over() && performance.now() < deadline; await pause(20)) came = await feeder.run().catch(() => 'failed' as const);
    return came;
  }

  it('that runs into a time-out tries less and rests as long as it took, then twice as long', async () => {
    await bets(40);
    await takes(10, 0);
    const tries: Try[] = [];
    const feeder = feederOf(tries);
    await wokenUntil(feeder, () => tries.length === 3 && tries[2]?.tookMs !== 0);
    expect(tries.map(({ batches }) => batches)).toEqual([40, 16, 1]);
    const [first, second, third] = tries as [Try, Try, Try];
    expect([first.tookMs > 290, second.tookMs > 290]).toEqual([true, true]);
    const rests = [second.begunAt - first.begunAt - first.tookMs, third.begunAt - second.begunAt - second.tookMs];
    process.stdout.write(`feeder: tried ${tries.map(({ batches, tookMs }) => `${batches} batches for ${Math.round(tookMs)} ms`).join(', ')}; rested ${rests.map(Math.round).join(' and ')} ms\n`);
    expect(rests[0]).toBeGreaterThan(290);
    expect(rests[1]).toBeGreaterThan(2 * 290);
    expect(await feeder.run()).toBe('resting');
    await feeder.close();
  }, 30_000);

  it('is not alone with that: of all views that took too long one is tried at a time, and comes up to the ledger when it can', async () => {
    await bets(20);
    await takes(10, 0);
    const tries: Try[] = [];
    const feeder = feederOf(tries);
    await expect(feeder.run()).rejects.toThrow('statement timeout');
    await takes(0, 0);
    await ground.whileHeld("select pg_advisory_lock(hashtext('croupier feed'), hashtext('broken off'))", async () => {
      const restsUntil = performance.now() + 3_000;
      expect(await wokenUntil(feeder, () => performance.now() > restsUntil)).toBe('busy');
      expect(tries).toHaveLength(1);
    });
    let came: Ran | 'failed' = 'busy';
    await wokenUntil(feeder, () => (tries.length > 1));
    for (const deadline = performance.now() + 5_000; came !== 'current' && performance.now() < deadline;) came = await feeder.run();
    expect([came, tries[1]?.batches]).toEqual(['current', 16]);
    await feeder.close();
  }, 30_000);

  it('of which a step took 6 s takes less than that the next time: 30 transactions of 0.2 s each are followed by no more than 25', async () => {
    await bets(30);
    await takes(0, 0.2);
    const { came, applied, most } = await advance(client, slow, { most: 30 });
    expect([came, applied]).toEqual(['current', 30]);
    expect(most).toBeGreaterThan(15);
    expect(most).toBeLessThanOrEqual(25);
  }, 30_000);

  it('that meets a ledger of which five million batches are gone stops at once, is not tried again, and costs nothing', async () => {
    expect(await feed(client, seen)).toBe('current');
    await ground.sql('insert into lane (lane, batch) values (7, 5000000)');
    const feeder = new Feeder(seen, { open: () => feedOf(ground.database), applied: () => undefined, report: () => undefined });
    const begun = performance.now();
    expect(await feeder.run()).toBe('stopped');
    const stopped = (await standings(client)).find(({ name }) => name === 'seen');
    expect(stopped?.stop).toMatchObject({ lane: 7, batch: 0, because: 'the ledger has a hole: of 256 batches behind the position 0 are there' });
    for (let i = 0; i < 100; i++) expect(await feeder.run()).toBe('stopped');
    const took = performance.now() - begun;
    process.stdout.write(`feeder: 101 wake-ups of a view in front of a hole took ${Math.round(took)} ms\n`);
    expect(took).toBeLessThan(3_000);
    await bets(3);
    await makeRows(client, [seen]);
    await ground.sql('delete from lane where lane = 7');
    await ground.sql("update projection set state = 'following', stopped_at = null, stopped_lane = null, stopped_batch = null, stopped_because = null where name = 'seen'");
    expect([await feeder.run(), await unlike(ground.database)]).toEqual(['current', []]);
    await feeder.close();
  });
});
