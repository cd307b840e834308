import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parsePolicy } from '../providers/contract.ts';
import type { Account, CallClass, Movement } from './contract.ts';
import { adjustmentOf, betOf, cancelOf, closeOf, depositOf, playOf, rollbackOf, statusOf, winOf, withdrawalOf } from './movements.ts';
import { admits, classOf, Pace } from './pressure.ts';

const CLASSES = ['read', 'bet', 'credit'] as const;
const idle = { fill: 0, waitMs: 0 };

/** Which classes may come in, by their initials, of a caller that waits 900 ms. */
const who = (pressure: Partial<typeof idle>): string =>
  CLASSES.filter((callClass) => admits(callClass, { ...idle, ...pressure }, 900)).map(([initial]) => initial).join('');

describe('who comes in', () => {
  it('is everybody at rest, from half of the queue on no read, from three quarters on no bet, and when it is full nobody', () => {
    const at = (movements: number) => who({ fill: movements / 4_096 });
    expect([0, 2_047, 2_048, 3_071, 3_072, 4_095, 4_096].map(at)).toEqual(['rbc', 'rbc', 'bc', 'bc', 'c', 'c', '']);
  });

  it('goes by the wait, too: of a caller’s 900 ms a read may wait 112, a bet 225, a credit all', () => {
    expect([0, 112, 113, 225, 226, 900, 901].map((waitMs) => who({ waitMs }))).toEqual(['rbc', 'rbc', 'bc', 'bc', 'c', 'c', '']);
  });

  it('never is a read where a bet is refused, nor a bet where a credit is', () => {
    const amounts = fc.double({ min: 0, max: 2, noNaN: true });
    fc.assert(fc.property(amounts, amounts, fc.integer({ min: 1, max: 10_000 }), (fill, wait, withinMs) => {
      const [read, bet, credit] = CLASSES.map((callClass) => admits(callClass, { fill, waitMs: wait * withinMs }, withinMs));
      expect([read && !bet, bet && !credit]).toEqual([false, false]);
    }));
  });
});

it('a play is a bet where it holds one; what gives to the player is a credit, what only asks is a read', () => {
  const account: Account = { accountId: 7, operatorId: 'o', policy: parsePolicy({}), games: new Map() };
  const keyed = { reference: 'x', currency: 'EUR', amount: 1n };
  const bet = { ...keyed, kind: 'bet', free: false, game: 'g', round: 'r', closeRound: false } as const;
  const win = { ...keyed, kind: 'win', closeRound: false } as const;
  const play = (...actions: (typeof bet | typeof win)[]) => playOf(account, { currency: 'EUR', round: 'r', closeRound: false, actions });
  const classes: [Movement, CallClass][] = [
    [betOf(account, bet), 'bet'], [play(win, bet, win), 'bet'], [withdrawalOf(keyed), 'bet'],
    [winOf(account, win), 'credit'], [play(win, win), 'credit'], [rollbackOf({ ...keyed, original: 'b' }), 'credit'], [closeOf('r', 'EUR'), 'credit'],
    [depositOf(keyed), 'credit'], [adjustmentOf(account, { ...keyed, amount: -1n }), 'credit'], [cancelOf(account, 'r', 'EUR'), 'credit'],
    [statusOf('bet', 'x', 'EUR'), 'read'],
  ];
  for (const [movement, callClass] of classes) expect([movement.kind, classOf(movement)]).toEqual([movement.kind, callClass]);
});

describe('the wait for a batch', () => {
  /** A lane of batches of up to 512 that has written these, one after the other. */
  function paceAfter(batches: number, ms: number, movements: number, leftBehind: boolean, holds = 512) {
    const pace = new Pace(holds);
    let now = 0;
    for (let i = 0; i < batches; i++) {
      pace.began(now);
      now += ms;
      pace.ended(now, movements, leftBehind);
    }
    return { pace, now };
  }

  it('is none for the first, whatever batches took before', () => {
    expect(new Pace(512).waitMs(0, 0)).toBe(0);
    const { pace, now } = paceAfter(100, 2_000, 1, false);
    expect(pace.waitMs(0, now)).toBe(0);
  });

  it('behind 2,560 where 512 go into a batch of 40 ms is five batches, and what is left of the one that is written', () => {
    const { pace, now } = paceAfter(60, 40, 512, true);
    expect(pace.waitMs(2_560, now)).toBeCloseTo(200, 0);
    pace.began(now);
    expect(pace.waitMs(2_560, now)).toBeCloseTo(240, 0);
    expect(pace.waitMs(2_560, now + 30)).toBeCloseTo(210, 0);
  });

  it('is not that of calls one by one because they came so: 1,000 after a quiet time are two batches', () => {
    const { pace, now } = paceAfter(60, 1, 1, false);
    expect(pace.waitMs(1_000, now)).toBeLessThan(2);
  });

  it('is that of calls one by one where no more go into a batch, or were seen to', () => {
    const alone = paceAfter(60, 1, 1, true, 1);
    expect(alone.pace.waitMs(1_000, alone.now)).toBeCloseTo(1_000, 0);
    const ofOnePlayer = paceAfter(100, 5, 64, true);
    expect(ofOnePlayer.pace.waitMs(3_200, ofOnePlayer.now)).toBeCloseTo(250, 0);
    ofOnePlayer.pace.began(ofOnePlayer.now);
    ofOnePlayer.pace.ended(ofOnePlayer.now + 5, 320, false);
    expect(ofOnePlayer.pace.waitMs(3_200, ofOnePlayer.now)).toBeCloseTo(50, 0);
  });

  it('is as long as the batch that is written is late: a database that stands still is noticed at once', () => {
    const { pace, now } = paceAfter(100, 4, 1, false);
    pace.began(now);
    const at = (ms: number) => Math.round(pace.waitMs(0, now + ms));
    expect([at(0), at(4), at(304), at(704)]).toEqual([4, 0, 300, 700]);
    pace.ended(now + 1_604, 1, false);
    expect(pace.waitMs(0, now + 1_604)).toBe(0);
    pace.began(now + 1_604);
    expect(Math.round(pace.waitMs(0, now + 1_604))).toBe(204); // one stall counts for an eighth
  });
});

/**
 * A lane on a clock of its own, by what was measured of real ones: a batch takes 5 ms and 0.12 ms a movement, so that it does at most
 * 7,700 a second. Calls come evenly; of ten, two are reads, six bets, two credits; each waits 900 ms.
 */
function simulate({ perSecond, seconds, slower = () => 1 }: { perSecond: number; seconds: number; slower?: (now: number) => number }) {
  const pace = new Pace(512);
  const mix: readonly CallClass[] = ['bet', 'read', 'bet', 'credit', 'bet', 'bet', 'read', 'bet', 'credit', 'bet'];
  const told = { read: { served: 0, late: 0, shed: 0 }, bet: { served: 0, late: 0, shed: 0 }, credit: { served: 0, late: 0, shed: 0 } };
  let queue: { at: number; callClass: CallClass }[] = [];
  let batch: typeof queue = [];
  let doneAt = Infinity;
  const begin = (now: number) => {
    batch = queue.splice(0, 512);
    doneAt = batch.length > 0 ? now + (5 + 0.12 * batch.length) * slower(now) : Infinity;
    if (batch.length > 0) pace.began(now);
  };
  for (let call = 0; call < perSecond * seconds; call++) {
    const now = (call * 1_000) / perSecond;
    while (doneAt <= now) {
      const at = doneAt;
      for (const one of batch) told[one.callClass][at - one.at > 900 ? 'late' : 'served']++;
      pace.ended(at, batch.length, queue.length > 0);
      queue = queue.filter((one) => at - one.at <= 900 || (told[one.callClass].late++, false));
      begin(at);
    }
    const callClass = mix[call % mix.length] as CallClass;
    const lookedAt = Math.floor(now / 20) * 20 - 20;
    const pressure = { fill: (queue.length + batch.length) / 4_096, waitMs: queue.length + batch.length === 0 ? 0 : pace.waitMs(queue.length, lookedAt) };
    if (!admits(callClass, pressure, 900)) told[callClass].shed++;
    else queue.push({ at: now, callClass });
    if (doneAt === Infinity) begin(now);
  }
  return { ...told, served: told.read.served + told.bet.served + told.credit.served, late: told.read.late + told.bet.late + told.credit.late };
}

describe('a lane that could do 7,700 a second', () => {
  it('refuses nobody at 7,000', () => {
    const { served, read, bet, credit } = simulate({ perSecond: 7_000, seconds: 10 });
    expect([read.shed, bet.shed, credit.shed]).toEqual([0, 0, 0]);
    expect(served).toBeGreaterThan(69_000);
  });

  it.each([11_550, 15_400])('at %i serves as many as it can, every credit among them, and lets nobody in whose time runs out', (perSecond) => {
    const { served, late, read, bet, credit } = simulate({ perSecond, seconds: 10 });
    expect(served / 77_000).toBeGreaterThan(0.95);
    expect([late, credit.shed]).toEqual([0, 0]);
    expect(read.shed / (read.shed + read.served)).toBeGreaterThan(0.9);
    expect(bet.shed).toBeGreaterThan(0);
  });

  it('that is three times as slow for a second now and then lets nobody in whose time runs out, and is itself again behind it', () => {
    const { served, late, credit } = simulate({ perSecond: 7_000, seconds: 12, slower: (now) => (now % 4_000 > 3_000 ? 3 : 1) });
    // Nine seconds as ever, three at a third.
    expect(served / (9 * 7_000 + 3 * 2_567)).toBeGreaterThan(0.95);
    expect(late).toBe(0);
    expect(credit.shed / (12 * 1_400)).toBeLessThan(0.02);
  });
});
