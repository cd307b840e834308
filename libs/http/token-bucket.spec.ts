import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Buckets, rateLimitHeaders, type Rate } from './index.ts';

/** A clock that is set by hand, in milliseconds. */
function bucketsAt(most?: number) {
  const time = { now: 1_000_000 };
  return { time, buckets: new Buckets({ clock: () => time.now, ...(most !== undefined && { most }) }) };
}

const rates = fc.record({ perSecond: fc.integer({ min: 1, max: 5_000 }), burst: fc.integer({ min: 1, max: 200 }) });
const steps = (most: number) =>
  fc.array(fc.record({ wait: fc.integer({ min: -300, max: 300 }), n: fc.integer({ min: 1, max: most }) }), { minLength: 1, maxLength: 120 });

describe('a bucket', () => {
  it('gives 3 at once, then 2 a second', () => {
    const { time, buckets } = bucketsAt();
    const rate = { perSecond: 2, burst: 3 };
    const taken = () => buckets.take('anna', rate).allowed;
    expect([taken(), taken(), taken(), taken()]).toEqual([true, true, true, false]);
    time.now += 499;
    expect(taken()).toBe(false);
    time.now += 1;
    expect([taken(), taken()]).toEqual([true, false]);
    time.now += 60_000;
    expect([taken(), taken(), taken(), taken()]).toEqual([true, true, true, false]);
  });

  it('is one a key', () => {
    const { buckets } = bucketsAt();
    const rate = { perSecond: 1, burst: 1 };
    expect(['anna', 'anna', 'ben'].map((key) => buckets.take(key, rate).allowed)).toEqual([true, false, true]);
  });

  it('says what is left, when it may be asked again and when it is full', () => {
    const { time, buckets } = bucketsAt();
    const rate = { perSecond: 4, burst: 10 };
    expect(buckets.take('anna', rate, 7)).toEqual({ allowed: true, remaining: 3, retryAfterMs: 0, resetMs: 1_750 });
    expect(buckets.take('anna', rate, 5)).toEqual({ allowed: false, remaining: 3, retryAfterMs: 500, resetMs: 1_750 });
    time.now += 500;
    expect(buckets.take('anna', rate, 5)).toEqual({ allowed: true, remaining: 0, retryAfterMs: 0, resetMs: 2_500 });
  });

  it('of half a token a second gives one every two seconds', () => {
    const { time, buckets } = bucketsAt();
    const answers = Array.from({ length: 9 }, () => {
      const { allowed } = buckets.take('anna', { perSecond: 1 / 2, burst: 1 });
      time.now += 500;
      return allowed ? 'yes' : 'no';
    });
    expect(answers.join(' ')).toBe('yes no no no yes no no no yes');
  });

  it('gives more than it holds only when it is full, and is paid before it gives again', () => {
    const { time, buckets } = bucketsAt();
    const rate = { perSecond: 10, burst: 5 };
    expect(buckets.take('anna', rate, 20)).toEqual({ allowed: true, remaining: 0, retryAfterMs: 0, resetMs: 2_000 });
    time.now += 1_500;
    expect(buckets.take('anna', rate).retryAfterMs).toBe(100);
    time.now += 400;
    expect(buckets.take('anna', rate, 20)).toMatchObject({ allowed: false, retryAfterMs: 100 });
    time.now += 100;
    expect(buckets.take('anna', rate, 20).allowed).toBe(true);
  });

  it('takes back what was taken for nothing, and never holds more than full', () => {
    const { buckets } = bucketsAt();
    const rate = { perSecond: 1, burst: 2 };
    buckets.take('anna', rate, 2);
    buckets.giveBack('anna', 2);
    buckets.giveBack('anna', 2);
    buckets.giveBack('nobody', 2);
    expect(buckets.take('anna', rate, 2)).toMatchObject({ allowed: true, remaining: 0 });
  });

  it('goes by another rate from the call on that names it', () => {
    const { time, buckets } = bucketsAt();
    buckets.take('anna', { perSecond: 1, burst: 10 }, 10);
    time.now += 100;
    expect(buckets.take('anna', { perSecond: 100, burst: 100 }, 10)).toMatchObject({ allowed: true, remaining: 0 });
    time.now += 60_000;
    expect(buckets.take('anna', { perSecond: 1, burst: 1 })).toMatchObject({ allowed: true, remaining: 0 });
  });
});

describe('whatever is taken, whenever, also with a clock that goes back', () => {
  it('is allowed exactly where a bucket counted in whole thousandths of a token has enough', () => {
    fc.assert(fc.property(rates, steps(300), ({ perSecond, burst }, calls) => {
      const { time, buckets } = bucketsAt();
      let latest = time.now - 300; // no call has come yet
      let thousandths = burst * 1_000;
      for (const { wait, n } of calls) {
        time.now += wait;
        thousandths = Math.min(burst * 1_000, thousandths + Math.max(0, time.now - latest) * perSecond);
        latest = Math.max(latest, time.now);
        const enough = thousandths >= Math.min(n, burst) * 1_000;
        if (enough) thousandths -= n * 1_000;
        expect(buckets.take('anna', { perSecond, burst }, n).allowed).toBe(enough);
      }
    }));
  });

  it('is in no stretch of time more than a full bucket and what flowed in meanwhile', () => {
    fc.assert(fc.property(rates, fc.integer({ min: 1, max: 200 }), steps(200), ({ perSecond, burst }, most, calls) => {
      const { time, buckets } = bucketsAt();
      const given: { at: number; n: number }[] = [];
      for (const { wait, n: wanted } of calls) {
        time.now += Math.abs(wait);
        const n = Math.min(wanted, most, burst);
        if (buckets.take('anna', { perSecond, burst }, n).allowed) given.push({ at: time.now, n });
      }
      for (const [from, first] of given.entries()) {
        let sum = 0;
        for (const { at, n } of given.slice(from)) {
          sum += n;
          expect(sum).toBeLessThanOrEqual(burst + ((at - first.at) * perSecond) / 1_000 + 1e-3);
        }
      }
    }));
  });

  it('is allowed after the wait that was named, and not before', () => {
    fc.assert(fc.property(rates, steps(250), ({ perSecond, burst }, calls) => {
      const { time, buckets } = bucketsAt();
      for (const { wait, n } of calls) {
        time.now += Math.abs(wait);
        const { allowed, retryAfterMs } = buckets.take('anna', { perSecond, burst }, n);
        if (allowed) continue;
        expect(retryAfterMs).toBeGreaterThan(0);
        time.now += retryAfterMs / 2;
        expect(buckets.take('anna', { perSecond, burst }, n).allowed).toBe(false);
        time.now += retryAfterMs / 2;
        expect(buckets.take('anna', { perSecond, burst }, n).allowed).toBe(true);
      }
    }));
  });
});

describe('what is remembered', () => {
  const rate = { perSecond: 10, burst: 10 };

  it('are the keys that were in use of late: the idle are forgotten as others come', () => {
    const { time, buckets } = bucketsAt();
    for (let i = 0; i < 1_000; i++) buckets.take(`early ${i}`, rate, 10);
    time.now += 1_000;
    for (let i = 0; i < 500; i++) buckets.take(`late ${i}`, rate, 10);
    expect(buckets.size).toBeLessThan(550);
    expect(buckets.take('late 499', rate).allowed).toBe(false);
  });

  it('is a bounded number of keys, however many come', () => {
    const { buckets } = bucketsAt(100);
    for (let i = 0; i < 10_000; i++) buckets.take(`anybody ${i}`, rate, 10);
    expect(buckets.size).toBe(100);
    expect(buckets.take('anybody 9999', rate).allowed).toBe(false);
  });

  it('is never somebody who still owes, as long as there is room', () => {
    const { time, buckets } = bucketsAt();
    buckets.take('anna', { perSecond: 1 / 100, burst: 1 });
    for (let i = 0; i < 5_000; i++) {
      time.now += 10;
      buckets.take(`guest ${i}`, rate);
    }
    expect(buckets.take('anna', { perSecond: 1 / 100, burst: 1 }).allowed).toBe(false);
    expect(buckets.size).toBeLessThan(100);
  });
});

describe('the header fields', () => {
  const headersOf = (rate: Rate, takes: readonly number[]) => {
    const { buckets } = bucketsAt();
    const taken = takes.map((n) => buckets.take('anna', rate, n)).at(-1);
    return rateLimitHeaders('bets', rate, taken as never);
  };

  it('name the policy by a full bucket and the seconds that fill it, what is left, and when it is full', () => {
    expect(headersOf({ perSecond: 100, burst: 100 }, [40])).toEqual({ 'ratelimit-policy': '"bets";q=100;w=1', ratelimit: '"bets";r=60;t=1' });
    expect(headersOf({ perSecond: 2, burst: 30 }, [15])).toEqual({ 'ratelimit-policy': '"bets";q=30;w=15', ratelimit: '"bets";r=15;t=8' });
  });

  it('tell who is refused when to come again, in whole seconds, at least one', () => {
    expect(headersOf({ perSecond: 100, burst: 100 }, [100, 1])).toEqual({
      'ratelimit-policy': '"bets";q=100;w=1', ratelimit: '"bets";r=0;t=1', 'retry-after': '1',
    });
    expect(headersOf({ perSecond: 1 / 2, burst: 1 }, [1, 1])).toEqual({
      'ratelimit-policy': '"bets";q=1;w=2', ratelimit: '"bets";r=0;t=2', 'retry-after': '2',
    });
  });
});
