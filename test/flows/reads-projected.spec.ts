import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { setTimeout as pause } from 'node:timers/promises';
import type pg from 'pg';
import { connect, statement } from '../../libs/postgres/index.ts';
import { advance, STEP_SETTINGS } from '../../src/views/feed/advance.ts';
import { Reads } from '../../src/views/reads.ts';
import { Registry } from '@prometheus-io/client';
import { revenue } from '../../src/views/revenue/projection.ts';
import { Ground } from '../support/ground.ts';

// A read of projected tables says how complete they are, honours the write that a token names, and says so where it cannot.

const ground = new Ground({ players: { EUR: 8 } });
let worker: pg.Client;
let reads: Reads;
const operator = () => ground.world.operators[0] as string;
const bets = statement<[string]>('test_bets', 'select coalesce(sum(bets), 0)::int from revenue_day');
const read = async (token?: string) => {
  const answer = await reads.at(token).projected(operator(), ['revenue'], [bets()]);
  return { ...answer, bets: Number(answer.rows[0][0]?.[0]) };
};
const bet = async (name: string): Promise<{ token: string; at: number }> => {
  const placed = await ground.seat().bet(name, '1.00');
  expect([placed.status, placed.body.status]).toEqual([200, 'applied']);
  return { token: placed.headers['x-consistency-token'] as string, at: Date.parse(placed.body.processedAt as string) };
};
const refusal = (asked: Promise<unknown>) => asked.then(() => 'answered', (error: Error & { problem?: { status: number } }) => String(error.message));

beforeAll(async () => {
  await ground.open();
  worker = await connect(ground.database.url('croupier_worker'), { name: 'test', settings: STEP_SETTINGS });
  reads = new Reads({ primaryUrl: ground.database.url('croupier_read'), replicaUrls: [], lagLimitMs: 5_000, registry: new Registry() });
  await reads.start();
});
afterAll(async () => {
  await reads?.close();
  await worker?.end();
  await ground.close();
});

describe('a read of projected tables', () => {
  it('is refused while they are being built', async () => {
    await ground.sql('delete from projection');
    expect(await refusal(read())).toMatch(/revenue is being built/);
    await ground.sql("insert into projection (name) values ('revenue')");
    expect(await refusal(read())).toMatch(/revenue is being built/);
    await advance(worker, revenue);
    expect((await read()).bets).toBe(0);
  });

  it('is as of now where nothing is missing, and as of when they were complete where something is', async () => {
    const first = await bet('b1');
    await advance(worker, revenue);
    const whole = await read();
    expect([whole.bets, whole.asOf >= first.at]).toEqual([1, true]);
    const second = await bet('b2');
    const late = await read();
    expect([late.bets, late.asOf < second.at, late.asOf >= first.at, late.version === whole.version]).toEqual([1, true, true, true]);
    await advance(worker, revenue);
    const again = await read();
    expect([again.bets, again.asOf >= second.at, again.version === whole.version]).toEqual([2, true, false]);
  });

  it('waits for the write that its token names, and is refused behind a second', async () => {
    const { token } = await bet('b3');
    const asked = read(token);
    const applied = pause(100).then(() => advance(worker, revenue));
    // On a machine that stands still just then it may be refused; what it answers is never older.
    const answer = await asked.catch(() => applied.then(() => read(token)));
    expect([answer.bets, answer.covers(token)]).toEqual([3, true]);
    const next = await bet('b4');
    expect(answer.covers(next.token)).toBe(false);
    const askedAt = performance.now();
    expect(await refusal(read(next.token))).toMatch(/revenue has not yet come to what x-consistency-token names/);
    // A bounded moment, however slow this machine is just now.
    expect(performance.now() - askedAt).toBeLessThan(6_000);
    expect((await read()).bets).toBe(3);
    // What a ledger read with that token saw goes on being asked for.
    const { token: chained } = await reads.at(next.token).as(operator(), [bets()]);
    expect(await refusal(read(chained))).toMatch(/has not yet come/);
    await advance(worker, revenue);
    expect((await read(chained)).bets).toBe(4);
  });

  it('counts a retired lane as passed', async () => {
    const { token } = await bet('b5');
    await advance(worker, revenue);
    const [lane] = await ground.sql<{ lane: number }>('select lane from lane where retired_at is null');
    await ground.sql('update lane set retired_at = now()');
    await ground.sql("update projection set lanes = '{}', batches = '{}'");
    expect((await read(token)).bets).toBe(5);
    await ground.sql('update lane set retired_at = null');
    await ground.sql('update projection set lanes = array[$1::int], batches = (select array[batch] from lane where lane = $1)', [lane?.lane]);
  });

  it('answers from one that stopped as of when it was complete, but nothing older than a token', async () => {
    await ground.sql("update projection set state = 'stopped', stopped_at = now(), stopped_because = 'a test'");
    const { token, at } = await bet('b6');
    const stale = await read();
    expect([stale.bets, stale.asOf < at]).toEqual([5, true]);
    const askedAt = performance.now();
    expect(await refusal(read(token))).toMatch(/revenue has stopped before/);
    expect(performance.now() - askedAt).toBeLessThan(500);
    await ground.sql("update projection set state = 'following', stopped_at = null, stopped_because = null");
  });

  it('shows rows and position of one snapshot, also while the projection moves', async () => {
    await advance(worker, revenue);
    const position = statement<[string]>('test_position', "select batches[1] from projection where name = 'revenue'");
    const mover = ground.seat();
    let moving = true;
    const movement = (async () => { for (let i = 0; moving; i++) { await mover.bet(`m${i}`, '1.00'); await advance(worker, revenue); } })();
    const seen = new Map<string, string>();
    for (let i = 0; i < 200; i++) {
      const { rows, version } = await reads.at().projected(operator(), ['revenue'], [bets(), position()]);
      const shown = JSON.stringify(rows);
      expect(seen.get(version as string) ?? shown).toBe(shown);
      expect(rows[1][0]?.[0]).toBeDefined();
      seen.set(version as string, shown);
    }
    moving = false;
    await movement;
    expect(seen.size).toBeGreaterThan(5);
  }, 20_000);
});
