import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Samples } from './samples.ts';

const primary = (at: number, lsn: bigint, timeline = '00000001') => ({ recovering: false, at, lsn, timeline });
const replica = (lsn: bigint, at?: number, timeline = '00000001') => ({ recovering: true, lsn, timeline, ...(at !== undefined && { at }) });

function sampled(): Samples {
  const samples = new Samples();
  for (const [at, lsn] of [[1_000, 10n], [1_100, 20n], [1_200, 20n], [1_300, 30n]] as const) samples.add(primary(at, lsn));
  return samples;
}

describe('a replica is complete until', () => {
  it('the last time at which the primary was no further than it has replayed', () => {
    expect([10n, 19n, 20n, 29n, 30n, 31n].map((lsn) => sampled().asOf(replica(lsn)))).toEqual([1_000, 1_000, 1_200, 1_200, 1_300, 1_300]);
  });

  it('its own last commit, where that is later or nothing else is known', () => {
    expect([sampled().asOf(replica(20n, 1_250)), sampled().asOf(replica(20n, 900)), sampled().asOf(replica(5n, 900)), sampled().asOf(replica(5n))])
      .toEqual([1_250, 1_200, 900, undefined]);
  });

  it('its own last commit only, where it follows another timeline than the primary’s', () => {
    expect([sampled().asOf(replica(99n, 900, '00000002')), sampled().asOf(replica(99n, undefined, '00000002'))]).toEqual([900, undefined]);
    const samples = sampled();
    samples.add(primary(2_000, 25n, '00000002'));
    expect([samples.asOf(replica(99n, 900)), samples.asOf(replica(25n, 900, '00000002')), samples.last?.timeline]).toEqual([900, 2_000, '00000002']);
  });

  it('never later than a moment at which something was written that it does not have', () => {
    fc.assert(fc.property(fc.array(fc.record({ ms: fc.integer({ min: 1, max: 200 }), bytes: fc.bigInt({ min: 0n, max: 50n }) }), { minLength: 1, maxLength: 400 }), fc.bigInt({ min: 0n, max: 20_000n }), (steps, replayed) => {
      const samples = new Samples();
      let [at, lsn] = [0, 0n];
      let missedAt = Infinity;
      for (const { ms, bytes } of steps) {
        at += ms;
        samples.add(primary(at, lsn));
        lsn += bytes;
        // Written behind that sample: at `at` or later.
        if (lsn > replayed) missedAt = Math.min(missedAt, at);
      }
      expect(samples.asOf(replica(replayed)) ?? -Infinity).toBeLessThanOrEqual(missedAt);
    }));
  });
});
