import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { setTimeout as pause } from 'node:timers/promises';
import { ground, said, Seat } from '../../support/ground.ts';
import { Provider, type Reply } from '../../support/provider.ts';
import { serveHere, type InProcess } from '../../support/server.ts';

/**
 * Two processes serve one wallet. Another session holds its row until both of them wait for it, so that each has done by then whatever
 * it dares to do without the lock. Everybody starts with 100.00 EUR. Each race is run with some players, because a waiting process lets
 * go for a moment every quarter of a second, and may just then.
 */
const here = ground({ players: { EUR: 40 }, policies: [{ deadlineMs: 5_000 }] });
const PLAYERS = 4;

let second: InProcess;
let other: Provider;

beforeAll(async () => {
  second = await serveHere(here.database);
  other = new Provider(second.baseUrl, here.account());
});
afterAll(async () => {
  other?.close();
  await second?.close();
});

async function untilWaiting(sessions: number): Promise<void> {
  for (const deadline = performance.now() + 5_000; ; ) {
    const [row] = await here.sql<{ count: number }>(
      `select count(*)::int from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`);
    if ((row?.count ?? 0) >= sessions) return;
    if (performance.now() > deadline) throw new Error('nobody waits for the wallet');
    await pause(5);
  }
}

const holding = (seat: Seat) => `select from wallet where player_id = '${seat.player.id}' for update`;

/** Both calls wait for the wallet, then it is let go. */
function race(seat: Seat, one: (seat: Seat) => Promise<Reply>, two: (seat: Seat) => Promise<Reply>): Promise<Reply[]> {
  return here.whileHeld(holding(seat), async (release) => {
    const replies = [one(seat), two(new Seat(other, seat.player))];
    await untilWaiting(2);
    await release();
    return Promise.all(replies);
  });
}

const words = (replies: readonly Reply[]): string[] => replies.map(said).toSorted();

describe('two processes that wait for one wallet', () => {
  it('give one stake back once, under two ids', async () => {
    for (let i = 0; i < PLAYERS; i++) {
      const seat = here.seat();
      await seat.bet('b1', '10');
      const replies = await race(seat, ({ rollback }) => rollback('rb1', 'b1'), ({ rollback }) => rollback('rb2', 'b1'));
      expect(words(replies)).toEqual(['applied 100.00', 'replayed 100.00']);
    }
  });

  it('take a stake only once out of a balance that covers one', async () => {
    for (let i = 0; i < PLAYERS; i++) {
      const replies = await race(here.seat(), ({ bet }) => bet('b1', '60'), ({ bet }) => bet('b2', '60'));
      expect(words(replies)).toEqual(['INSUFFICIENT_FUNDS 40.00', 'applied 40.00']);
    }
  });

  it('leave a player uncharged whose bet meets its rollback', async () => {
    for (let i = 0; i < PLAYERS; i++) {
      const seat = here.seat();
      const replies = await race(seat, ({ rollback }) => rollback('rb1', 'b1'), ({ bet }) => bet('b1', '10'));
      expect([['applied 100.00', 'applied 90.00'], ['ROLLED_BACK 100.00', 'tombstoned 100.00']]).toContainEqual(words(replies));
      expect(said(await seat.balance())).toBe('ok 100.00');
    }
  });

  it('pay a win and the same win at the other door once', async () => {
    for (let i = 0; i < PLAYERS; i++) {
      const seat = here.seat();
      await seat.bet('b1', '10');
      const replies = await race(seat, ({ win }) => win('w1', '25'), ({ win }) => win('w1', '25'));
      expect(words(replies)).toEqual(['applied 115.00', 'replayed 115.00']);
    }
  });
});

it('calls that had to wait for their wallet are judged in the order in which they came', async () => {
  const seat = here.seat();
  const [first, late] = await here.whileHeld(holding(seat), async (release) => {
    const before = seat.bet('b1', '60');
    await untilWaiting(1);
    const behind = seat.bet('b2', '60');
    await pause(700); // longer than the writer waits at a time, so that it has to begin again with both
    await release();
    return Promise.all([before, behind]);
  });
  expect([said(first), said(late)]).toEqual(['applied 40.00', 'INSUFFICIENT_FUNDS 40.00']);
});
