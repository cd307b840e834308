/** The numbers of a provider's health, out of what was counted: here and nowhere else. */
import type { Fared } from './schema.ts';

/** Upper bounds of what src/providers counts, see the comment on `provider_minute.latency`; one more stands behind them. */
const BOUNDS_MS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000];

export interface Counted {
  readonly calls: number;
  readonly accepted: number;
  readonly refused: number;
  readonly turnedAway: number;
  readonly failed: number;
  readonly repeated: number;
  readonly rollbacks: number;
  readonly minutes: number;
  readonly badMinutes: number;
  readonly latency: readonly number[];
}

export const NOTHING: Counted = {
  calls: 0, accepted: 0, refused: 0, turnedAway: 0, failed: 0, repeated: 0, rollbacks: 0, minutes: 0, badMinutes: 0, latency: new Array<number>(BOUNDS_MS.length + 1).fill(0),
};

export function added(one: Counted, other: Counted): Counted {
  const sum = (of: Exclude<keyof Counted, 'latency'>) => one[of] + other[of];
  return {
    calls: sum('calls'), accepted: sum('accepted'), refused: sum('refused'), turnedAway: sum('turnedAway'), failed: sum('failed'), repeated: sum('repeated'),
    rollbacks: sum('rollbacks'), minutes: sum('minutes'), badMinutes: sum('badMinutes'), latency: one.latency.map((count, i) => count + (other.latency[i] ?? 0)),
  };
}

export function faredOf({ latency, ...counted }: Counted): Fared {
  const { calls, failed, repeated, rollbacks, minutes, badMinutes } = counted;
  const [p50Ms, p95Ms, p99Ms] = [0.5, 0.95, 0.99].map((share) => percentile(latency, share));
  return {
    ...counted, errorRate: share(failed, calls), repeatRate: share(repeated, calls), rollbacksPerMinute: share(rollbacks, minutes),
    ...(p50Ms !== undefined && { p50Ms }), ...(p95Ms !== undefined && { p95Ms }), ...(p99Ms !== undefined && { p99Ms }),
    availability: minutes === 0 ? 1 : share(minutes - badMinutes, minutes),
  };
}

/** The bound within which that share of the calls was answered; undefined: none is, or there were no calls. */
export function percentile(latency: readonly number[], of: number): number | undefined {
  const wanted = Math.ceil(latency.reduce((sum, count) => sum + count, 0) * of);
  let met = 0;
  for (const [i, bound] of BOUNDS_MS.entries()) {
    met += latency[i] ?? 0;
    if (met >= wanted && wanted > 0) return bound;
  }
  return undefined;
}

const DIGITS = 1e6;
const share = (part: number, whole: number): number => (whole === 0 ? 0 : Math.round((part / whole) * DIGITS) / DIGITS);
