import { describe, expect, it } from '@jest/globals';
import { setTimeout as pause } from 'node:timers/promises';
import { ground } from '../support/ground.ts';
import { bet, expectRefused, ids, said, seatAt, SOFTSWISS, undo, win, type Seat } from './softswiss-seat.ts';

/** What a broken connection between the service and its database does to the aggregator's calls. */
const here = ground({ players: { EUR: 10 }, dialects: [SOFTSWISS, { ...SOFTSWISS, policy: {} }] }, {}, { proxied: true });

const effects = async ({ player }: Seat): Promise<number> =>
  (await here.sql<{ count: number }>(`select count(*)::int from transaction where kind <> 'deposit' and player_id = $1`, [player.id]))[0]?.count ?? -1;

describe('the connection breaks at the COMMIT', () => {
  it.each(['reply lost', 'request lost'] as const)('(%s): the call is answered with its transactions, once done', async (fault) => {
    const seat = seatAt(here);
    const struck = here.proxy.strikeCommit(fault);
    const reply = await seat.play([bet('a1', 1_000), win('a2', 500)], { finished: true });
    await struck;
    expect([said(reply), await effects(seat)]).toEqual(['ok 9500', 2]);
    expect((await seat.play([bet('a1', 1_000), win('a2', 500)], { finished: true })).body).toEqual(reply.body);
    const undoing = here.proxy.strikeCommit(fault);
    const undone = await seat.rollback([undo('x1', 'a1'), undo('x2', 'a2')]);
    await undoing;
    expect([said(undone), await effects(seat)]).toEqual(['ok 10000', 4]);
  });

  it('and nobody answers: 504 and not a word for good; the same again finds what was done, and done once', async () => {
    const seat = seatAt(here, 1);
    const struck = here.proxy.strikeCommit('reply swallowed');
    const lost = await seat.play([bet('a1', 1_000)]);
    await struck;
    expectRefused(lost, 504, 504);
    for (let i = 0; i < 120; i++) {
      const again = await seat.play([bet('a1', 1_000)]);
      if (again.status === 200) break;
      expect(again.status).toBeGreaterThanOrEqual(500);
      await pause(100);
    }
    const last = await seat.play([bet('a1', 1_000)]);
    expect([said(last), ids(last).length, await effects(seat)]).toEqual(['ok 9000', 1, 1]);
  }, 40_000);
});
