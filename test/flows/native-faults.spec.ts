import { describe, expect, it } from '@jest/globals';
import { setTimeout as pause } from 'node:timers/promises';
import { ground, said } from '../support/ground.ts';

/** What a broken connection between the service and its database does to a call: rule 22. Everybody starts with 100.00 EUR. */
const here = ground({ players: { EUR: 40 }, policies: [{ deadlineMs: 5_000 }, {}] }, {}, { proxied: true });

/** Transactions of these players beside their opening deposits. */
const effects = async (ids: readonly string[]): Promise<number> => {
  const [row] = await here.sql<{ count: number }>(`select count(*)::int from transaction where kind <> 'deposit' and player_id = any($1)`, [
    ids,
  ]);
  return row?.count ?? -1;
};

/** The same call until it is served; how long that took, and what was said last. */
async function untilServed(
  call: () => ReturnType<ReturnType<typeof here.seat>['bet']>,
  withinMs: number,
): Promise<{ ms: number; said: string }> {
  const startedAt = performance.now();
  for (;;) {
    const reply = await call();
    const ms = performance.now() - startedAt;
    if (reply.status === 200 || ms > withinMs) return { ms, said: said(reply) };
    expect(reply.body).toMatchObject({ status: 503, retryable: true });
    await pause(100);
  }
}

describe('the connection breaks at the COMMIT', () => {
  it('after it was done: the call goes again by itself, finds its key and is answered, once done', async () => {
    const { bet, player } = here.seat();
    const struck = here.proxy.strikeCommit('reply lost');
    const reply = await bet('b1', '10');
    await struck;
    expect([reply.status, said(reply), reply.body.outcome]).toEqual([200, 'replayed 90.00', 'applied']);
    expect(await effects([player.id])).toBe(1);
  });

  it('before it was done: the call goes again by itself and is applied', async () => {
    const { bet, player } = here.seat();
    const struck = here.proxy.strikeCommit('request lost');
    const reply = await bet('b1', '10');
    await struck;
    expect([reply.status, said(reply)]).toEqual([200, 'applied 90.00']);
    expect(await effects([player.id])).toBe(1);
  });

  it('three times in a row: still answered within the deadline, once done', async () => {
    const { bet, player } = here.seat();
    const struck = (['request lost', 'reply lost', 'reply lost'] as const).map((fault) => here.proxy.strikeCommit(fault));
    const reply = await bet('b1', '10');
    await Promise.all(struck);
    expect([reply.status, reply.body.outcome, reply.body.balance]).toEqual([200, 'applied', '90.00']);
    expect(await effects([player.id])).toBe(1);
  });

  it('under a batch of twenty players: each is done once, refusals included', async () => {
    const seats = Array.from({ length: 20 }, () => here.seat());
    const struck = [here.proxy.strikeCommit('reply lost'), here.proxy.strikeCommit('request lost')];
    const replies = await Promise.all(seats.map(({ bet }, i) => bet('b1', i % 2 === 0 ? '10' : '500')));
    await Promise.all(struck);
    for (const [i, reply] of replies.entries()) {
      expect([reply.status, reply.body.balance]).toEqual(i % 2 === 0 ? [200, '90.00'] : [422, '100.00']);
    }
    expect(await effects(seats.map(({ player }) => player.id))).toBe(10);
  });
});

describe('the connection falls silent', () => {
  it('for a second and a half: calls are answered in time, retryably, and served again afterwards', async () => {
    const [one, two] = [here.seat({ account: 1 }), here.seat({ account: 1 })];
    await one.bet('b0', '1');
    here.proxy.freeze();
    const startedAt = performance.now();
    const replies = await Promise.all([one.bet('b1', '10'), two.bet('b1', '10')]);
    expect(performance.now() - startedAt).toBeLessThan(1_400);
    for (const reply of replies) expect(reply.body).toMatchObject({ status: 503, retryable: true });
    await pause(500);
    here.proxy.mend();
    for (const [{ bet }, balance] of [[one, '89.00'], [two, '90.00']] as const) {
      const served = await untilServed(() => bet('b1', '10'), 5_000);
      expect([served.said.split(' ')[1], served.ms < 5_000]).toEqual([balance, true]);
    }
    expect(await effects([one.player.id, two.player.id])).toBe(3);
  });

  it('for good, at the COMMIT: the outcome is unknown to that call, and the wallets are served again by themselves', async () => {
    const [one, two] = [here.seat({ account: 1 }), here.seat({ account: 1 })];
    const struck = here.proxy.strikeCommit('reply swallowed');
    const lost = await one.bet('b1', '10');
    await struck;
    expect(lost.body).toMatchObject({ code: 'OUTCOME_UNKNOWN', retryable: true });
    const others = await untilServed(() => two.bet('b1', '10'), 12_000);
    expect([others.said, others.ms < 12_000]).toEqual(['applied 90.00', true]);
    expect(said(await one.bet('b1', '10'))).toBe('replayed 90.00');
    expect(await effects([one.player.id, two.player.id])).toBe(2);
  }, 40_000);
});
