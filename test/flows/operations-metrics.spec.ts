import { describe, expect, it } from '@jest/globals';
import { setTimeout as pause } from 'node:timers/promises';
import { Lanes } from '../../src/wallet/lane.ts';
import { closeOf } from '../../src/wallet/movements.ts';
import { parsePolicy } from '../../src/providers/contract.ts';
import { ground, said } from '../support/ground.ts';

/** What Prometheus is told, and that it moves with what happens. Everybody starts with 100.00 EUR. */
const here = ground({ players: { EUR: 20 } });

/** Every sample by its name and labels, as written. */
async function scrape(): Promise<Map<string, number>> {
  const response = await fetch(`${here.served.baseUrl}/metrics`);
  expect([response.status, response.headers.get('content-type')]).toEqual([200, expect.stringContaining('text/plain')]);
  const lines = (await response.text()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]));
}

/** By how much each of these samples grew. */
async function growth(names: readonly string[], during: () => Promise<unknown>): Promise<number[]> {
  const before = await scrape();
  await during();
  const after = await scrape();
  return names.map((name) => (after.get(name) ?? 0) - (before.get(name) ?? 0));
}

const lockWallets = 'lock table wallet in access exclusive mode';

describe('the metrics', () => {
  it('count calls by route and status, and outcomes by command and code', async () => {
    const { bet, balance } = here.seat();
    const grown = await growth(
      [
        'croupier_calls_total{route="bet",status="200"}',
        'croupier_calls_total{route="bet",status="422"}',
        'croupier_calls_total{route="bet",status="401"}',
        'croupier_calls_total{route="balance",status="200"}',
        'croupier_outcomes_total{command="bet",code="applied"}',
        'croupier_outcomes_total{command="bet",code="replayed"}',
        'croupier_outcomes_total{command="bet",code="INSUFFICIENT_FUNDS"}',
        'croupier_outcomes_total{command="bet",code="SIGNATURE_INVALID"}',
        'croupier_outcomes_total{command="balance",code="ok"}',
      ],
      async () => {
        await bet('b1', '10');
        await bet('b1', '10');
        await bet('b2', '500');
        await bet('b3', '10', {}).then(() => here.provider().call('bet', {}, { headers: { 'webhook-signature': 'v1,none' } }));
        await balance();
      },
    );
    expect(grown).toEqual([3, 1, 1, 1, 2, 1, 1, 1, 1]);
  });

  it('count what no route answered under one name, so that nobody can fill the store with paths', async () => {
    const names = (samples: Map<string, number>) => [...samples.keys()].filter((name) => name.startsWith('croupier_')).length;
    await here.provider().call('nothing-0', {});
    const before = names(await scrape());
    const [grown] = await growth(['croupier_calls_total{route="other",status="404"}'], async () => {
      for (let i = 1; i <= 20; i++) await here.provider().call(`nothing-${i}`, {});
    });
    expect([grown, names(await scrape())]).toEqual([20, before]);
  });

  it('measure batches, their size and time, and how long calls waited for theirs', async () => {
    const seats = Array.from({ length: 8 }, () => here.seat());
    const [batches, movements, timed, waited, answered] = (await growth(
      [
        'croupier_batch_movements_count',
        'croupier_batch_movements_sum',
        'croupier_batch_seconds_count',
        'croupier_lane_wait_seconds_count',
        'croupier_call_seconds_count{route="bet"}',
      ],
      async () => {
        await Promise.all(seats.map(({ bet }) => bet('b1', '1')));
        await seats[0]?.play([
          { type: 'bet', transactionId: 'p1', amount: '1' },
          { type: 'win', transactionId: 'p1', amount: '1' },
        ]);
      },
    )) as [number, number, number, number, number];
    expect([movements, waited, answered]).toEqual([10, 9, 8]);
    expect(batches).toBeGreaterThanOrEqual(2);
    expect(timed).toBe(batches);
    const buckets = [...(await scrape()).keys()].filter((name) => name.startsWith('croupier_lane_wait_seconds_bucket'));
    expect(buckets.length).toBeGreaterThan(5);
  });

  it('show how many calls wait, and which connections are in use', async () => {
    const seats = Array.from({ length: 6 }, () => here.seat());
    expect((await scrape()).get('croupier_queue_calls')).toBe(0);
    const calls = await here.whileHeld(lockWallets, async (release) => {
      const sent = seats.map(({ bet }) => bet('b1', '1'));
      // Two readers, each with a statement that waits; the other four balances wait for one of them.
      for (const { balance } of seats.slice(0, 2)) {
        sent.push(balance());
        await pause(100);
      }
      sent.push(...seats.slice(2).map(({ balance }) => balance()));
      await pause(100);
      const held = await scrape();
      expect(held.get('croupier_queue_calls')).toBe(6);
      expect(held.get('croupier_read_connections_in_use')).toBeGreaterThanOrEqual(2);
      expect(held.get('croupier_reads_waiting')).toBe(4);
      expect(held.get('croupier_writer_connections')).toBeGreaterThanOrEqual(1);
      await release();
      return await Promise.all(sent);
    });
    expect(calls.map(({ status }) => status)).toEqual(calls.map(() => 200));
    const idle = await scrape();
    expect(
      ['croupier_queue_calls', 'croupier_reads_waiting', 'croupier_read_connections_waiting'].map((name) => idle.get(name)),
    ).toEqual([0, 0, 0]);
  });

  it('count calls that were shed because the queue is full', async () => {
    const seat = here.seat();
    const lanes = here.served.app.get(Lanes);
    const account = {
      accountId: here.account().accountId,
      operatorId: here.account().operatorId,
      policy: parsePolicy({}),
      games: new Map<string, boolean>(),
    };
    const [shed, code] = await growth(['croupier_calls_shed_total{class="bet"}', 'croupier_outcomes_total{command="bet",code="OVERLOADED"}'], () =>
      here.whileHeld(lockWallets, async () => {
        const waiting = Array.from({ length: 4_096 }, (_, i) =>
          lanes
            .submit({ account, player: seat.player.id, movement: closeOf(`r${i}`, 'EUR'), deadlineAt: performance.now() + 2_000 })
            .catch(() => undefined),
        );
        const refused = await seat.bet('b1', '1');
        expect([refused.body.code, refused.headers['retry-after']]).toEqual(['OVERLOADED', '1']);
        await Promise.all(waiting);
      }));
    expect([shed, code]).toEqual([1, 1]);
    await pause(300);
    expect(said(await seat.bet('b1', '1'))).toBe('applied 99.00');
  });

  it('say how the process itself is', async () => {
    const samples = await scrape();
    for (const name of ['process_cpu_user_seconds_total', 'process_resident_memory_bytes', 'nodejs_eventloop_lag_seconds'])
      expect(samples.has(name)).toBe(true);
  });
});

describe('health', () => {
  it('is terminus JSON for whoever asks, cached by nobody', async () => {
    for (const probe of ['live', 'ready', 'startup']) {
      const response = await fetch(`${here.served.baseUrl}/health/${probe}`);
      expect([response.status, await response.json()]).toEqual([
        200,
        expect.objectContaining({ status: 'ok', info: expect.any(Object), error: {}, details: expect.any(Object) }),
      ]);
    }
    expect((await fetch(`${here.served.baseUrl}/health/ready`, { method: 'POST' })).status).toBe(404);
  });
});
