import { describe, expect, it } from '@jest/globals';
import { setTimeout as pause } from 'node:timers/promises';
import { parsePolicy } from '../../src/providers/contract.ts';
import { MoneyReads } from '../../src/wallet/contract.ts';
import { Lanes } from '../../src/wallet/lane.ts';
import { closeOf } from '../../src/wallet/movements.ts';
import { ground, said } from '../support/ground.ts';
import type { Reply } from '../support/provider.ts';

/**
 * Too much at once: reads are refused first, then bets, last what a player is owed; whoever was let in keeps his place. The queue holds
 * 4,096 movements. Everybody starts with 100.00 EUR.
 */
const here = ground({ players: { EUR: 40 }, policies: [{ deadlineMs: 10_000 }, { deadlineMs: 1_600 }] }, {}, { proxied: true });
const REFUSED_WITHIN_MS = 50;

/** While nothing comes from the database and nothing goes to it; not for longer than the 3 s after which a lane gives up its connection. */
async function whileFrozen<T>(during: (mend: () => void) => Promise<T>): Promise<T> {
  here.proxy.freeze();
  try {
    return await during(() => here.proxy.mend());
  } finally {
    here.proxy.mend();
  }
}

const waiting = () => here.served.app.get(Lanes).waiting;

async function until(condition: () => boolean): Promise<void> {
  for (const deadline = performance.now() + 1_000; !condition() && performance.now() < deadline; ) await pause(1);
  expect(condition()).toBe(true);
}

/** Calls that change nothing, on one player after the other, until so many wait. */
function fillTo(many: number): void {
  const account = { ...here.account(), policy: parsePolicy({}), games: new Map<string, boolean>() };
  for (let i = waiting(); i < many; i++) {
    const player = here.world.players.at(-1 - (i % 20))?.id as string;
    const call = { account, player, movement: closeOf(`nobody's ${i}`, 'EUR'), deadlineAt: performance.now() + 10_000 };
    here.served.app.get(Lanes).submit(call).catch(() => undefined);
  }
}

/** Sends calls one after the other, each once the one before it is in the queue. */
class Queue {
  private readonly answers: Promise<Reply>[] = [];

  async join(...calls: (() => Promise<Reply>)[]): Promise<void> {
    for (const call of calls) {
      const before = waiting();
      let answered = false;
      this.answers.push(call().finally(() => (answered = true)));
      await until(() => waiting() !== before || answered);
      expect([waiting(), answered]).toEqual([before + 1, false]);
    }
  }

  async words(): Promise<string[]> {
    return (await Promise.all(this.answers)).map(said);
  }
}

/** Each is refused, three times, and most of them within 50 ms: a machine that does something else may be late now and then. */
async function expectRefused(...calls: (() => Promise<Reply>)[]): Promise<void> {
  const times: number[] = [];
  for (const call of [...calls, ...calls, ...calls]) {
    const before = waiting();
    const sentAt = performance.now();
    const { status, body, headers } = await call();
    times.push(performance.now() - sentAt);
    expect([body.code, status, body.retryable, headers['retry-after'], waiting()]).toEqual(['OVERLOADED', 503, true, '1', before]);
  }
  expect(times.toSorted((a, b) => a - b)[times.length >> 1]).toBeLessThan(REFUSED_WITHIN_MS);
}

async function shedCalls(): Promise<Record<string, number>> {
  const text = await (await fetch(`${here.served.baseUrl}/metrics`)).text();
  const samples = text.matchAll(/^croupier_calls_shed_total\{class="(\w+)"\} (\d+)$/gm);
  return Object.fromEntries([...samples].map(([, callClass, count]) => [callClass, Number(count)]));
}

const winning = (transactionId: string) => ({ type: 'win', transactionId, amount: '2' }) as const;

describe('a queue that fills', () => {
  it('refuses reads from 2,048 on, bets from 3,072 on, wins, rollbacks and closing at 4,096; in the order of arrival it serves the others', async () => {
    const one = here.seat();
    const queue = new Queue();
    const session = { sessionToken: one.player.sessionToken };
    const { bet, win, rollback, play, closeRound, balance, status } = one;
    const reads = [() => balance(), () => one.call('authenticate', session), () => status('bet', 'b1')];
    const betting = [() => bet('refused-bet', '1'), () => play([winning('w9'), { type: 'bet', transactionId: 'refused-too', amount: '1' }])];
    const owed = [
      () => win('w1', '5', { betTransactionId: 'b1' }), () => rollback('k1', 'b2'), () => play([winning('w2')]), () => closeRound(),
    ];

    expect(said(await balance())).toBe('ok 100.00');
    await whileFrozen(async (mend) => {
      fillTo(2_046);
      await queue.join(() => bet('b1', '10'), () => status('bet', 'b0'));
      await expectRefused(...reads);
      await queue.join(() => bet('b2', '20'), () => play([{ type: 'bet', transactionId: 'b3', amount: '30' }]));
      fillTo(3_072);
      await expectRefused(...reads, ...betting);
      await queue.join(...owed);
      fillTo(4_096);
      await expectRefused(...reads, ...betting, () => win('w3', '1'), () => rollback('k2', 'b1'), () => closeRound('r2'));
      mend();
    });

    expect(await queue.words()).toEqual([
      'applied 90.00', 'unknown', 'applied 70.00', 'ok 40.00', 'applied 45.00', 'applied 65.00', 'ok 67.00', 'closed 67.00',
    ]);
    const ledger = await here.sql<{ reference: string }>(
      `select coalesce(reference, kind::text) as reference from transaction where player_id = $1 order by version offset 1`, [one.player.id]);
    expect(ledger.map(({ reference }) => reference)).toEqual(['b1', 'b2', 'b3', 'w1', 'k1', 'w2', 'close']);
    for (const [type, reference] of [['bet', 'refused-bet'], ['bet', 'refused-too'], ['win', 'w9'], ['win', 'w3'], ['rollback', 'k2']] as const) {
      expect([reference, said(await status(type, reference))]).toEqual([reference, 'unknown']);
    }
    // Where not even a credit comes in, a play is turned away unread.
    expect(await shedCalls()).toEqual({ read: 27, bet: 9, credit: 12 });
    expect(said(await bet('refused-bet', '1', { roundId: 'r2' }))).toBe('applied 66.00');
    expect(said(await balance())).toBe('ok 66.00');
  });

  it('counts a play by what it holds', async () => {
    const one = here.seat();
    await whileFrozen(async (mend) => {
      fillTo(3_000);
      const bets = Array.from({ length: 72 }, (_, i) => ({ type: 'bet' as const, transactionId: `b${i}`, amount: '1' }));
      const played = one.play(bets);
      await until(() => waiting() === 3_001);
      await expectRefused(() => one.bet('b', '1'));
      mend();
      expect(said(await played)).toBe('ok 28.00');
    });
  });
});

describe('a database that stands still', () => {
  it('has reads of 1.6 s refused after 0.2, bets after 0.4, and all that comes after 1.6, at once; then all is as before', async () => {
    const one = here.seat({ account: 1 });
    const { bet, win, rollback, balance, status } = one;
    expect(said(await bet('b0', '10'))).toBe('applied 90.00');
    const queue = new Queue();
    await whileFrozen(async (mend) => {
      const beganAt = performance.now();
      const until = (ms: number) => pause(beganAt + ms - performance.now());
      const stuck = bet('stuck', '1');
      await until(300);
      await expectRefused(() => balance(), () => status('bet', 'b0'));
      await queue.join(() => bet('b1', '10'), () => win('w1', '5', { betTransactionId: 'b1' }));
      await until(1_150);
      await expectRefused(() => bet('b2', '10'));
      await queue.join(() => rollback('k1', 'b0'));
      expect(said(await stuck)).toBe('OVERLOADED');
      await until(1_700);
      await expectRefused(() => bet('b2', '10'), () => win('w2', '10'), () => rollback('k2', 'b1'));
      mend();
    });
    expect(await queue.words()).toEqual(['applied 80.00', 'applied 85.00', 'applied 95.00']);
    expect(await Promise.all(['stuck', 'b2'].map(async (reference) => said(await status('bet', reference))))).toEqual(['unknown', 'unknown']);
    const again = await Promise.all([bet('b2', '10'), bet('b3', '10'), win('w2', '10', { type: 'jackpot' }), balance()]);
    expect(again.map(({ status: http }) => http)).toEqual([200, 200, 200, 200]);
    expect(said(await balance())).toBe('ok 85.00');
  });
});

describe('reads that no connection is free for', () => {
  it('wait, up to 512, and more are refused; nothing else is', async () => {
    const one = here.seat();
    const { pool } = here.served.app.get(MoneyReads);
    await whileFrozen(async (mend) => {
      const reads: Promise<unknown>[] = [];
      const fillReadsTo = async (many: number) => {
        for (let i = pool.waitingCount; i < many; i++) reads.push(pool.query('select 1'));
        await pause(5);
      };
      for (let i = 0; i < 5; i++) await fillReadsTo(510); // the first of them go to connections that are free
      const balance = one.balance();
      await until(() => pool.waitingCount >= 511);
      await fillReadsTo(512);
      await expectRefused(() => one.balance(), () => one.call('authenticate', { sessionToken: one.player.sessionToken }));
      const queue = new Queue();
      await queue.join(() => one.bet('b1', '10'));
      mend();
      expect(await queue.words()).toEqual(['applied 90.00']);
      expect(['ok 90.00', 'ok 100.00']).toContain(said(await balance));
      await Promise.all(reads);
    });
    expect(said(await one.balance())).toBe('ok 90.00');
  });
});
