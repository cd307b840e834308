/**
 * Token buckets, one a key, in the memory of one process: N processes that serve the same keys allow N times as much.
 * No timers: a bucket is filled when somebody takes from it, and forgotten once it would be full again.
 */

/** So many at once, and so many a second in the long run. */
export interface Rate {
  /** more than 0; half a call a second is 0.5 */
  readonly perSecond: number;
  /** a whole number, at least 1 */
  readonly burst: number;
}

export interface Taken {
  readonly allowed: boolean;
  /** whole tokens that are left */
  readonly remaining: number;
  /** until the same could be taken, milliseconds; 0 where it was */
  readonly retryAfterMs: number;
  /** until the bucket is full again, milliseconds */
  readonly resetMs: number;
}

export interface BucketsOptions {
  /** how many keys are remembered at once */
  readonly most?: number;
  /** milliseconds */
  readonly clock?: () => number;
}

interface Bucket<Key> {
  readonly key: Key;
  /** below 0 where more was taken than a full bucket holds */
  tokens: number;
  at: number;
  fullAt: number;
}

const MOST_KEYS = 100_000;
/** What sums of fractions may be short of a whole token. It is owed all the same, so nothing is won by it. */
const ROUNDING = 1e-6;
/** Twice as many old keys are looked at as new ones come, so that the idle are gone before their number doubles. */
const LOOKS = 2;

export class Buckets<Key = string> {
  private readonly buckets = new Map<Key, Bucket<Key>>();
  private hand = this.buckets.values();
  private readonly most: number;
  private readonly clock: () => number;
  private latest = -Infinity;

  constructor({ most = MOST_KEYS, clock = () => performance.now() }: BucketsOptions = {}) {
    this.most = most;
    this.clock = clock;
  }

  /**
   * Takes `n` tokens of a key, or none. More than a full bucket holds may be taken from a full one only, and is paid off before the next.
   * Whose rate is another than the last time goes on with what is left.
   */
  take(key: Key, { perSecond, burst }: Rate, n = 1): Taken {
    const now = this.time();
    const bucket = this.buckets.get(key) ?? this.open(key, burst, now);
    const tokens = Math.min(burst, bucket.tokens + ((now - bucket.at) * perSecond) / 1000);
    const short = Math.min(n, burst) - tokens;
    const allowed = short <= ROUNDING;
    bucket.tokens = allowed ? tokens - n : tokens;
    bucket.at = now;
    const resetMs = ((burst - bucket.tokens) * 1000) / perSecond;
    bucket.fullAt = now + resetMs;
    return {
      allowed, remaining: Math.max(0, Math.floor(bucket.tokens + ROUNDING)), retryAfterMs: allowed ? 0 : (short * 1000) / perSecond, resetMs,
    };
  }

  /** Undoes a take: what it was for was not done, because something else forbade it. */
  giveBack(key: Key, n = 1): void {
    const bucket = this.buckets.get(key);
    if (bucket) bucket.tokens += n;
  }

  /** Keys that are remembered. */
  get size(): number {
    return this.buckets.size;
  }

  /** Never goes back, whatever the clock does. */
  private time(): number {
    this.latest = Math.max(this.latest, this.clock());
    return this.latest;
  }

  private open(key: Key, burst: number, now: number): Bucket<Key> {
    for (let looked = 0; looked < LOOKS; looked++) this.look(now);
    while (this.buckets.size >= this.most) this.look(Infinity);
    const bucket = { key, tokens: burst, at: now, fullAt: now };
    this.buckets.set(key, bucket);
    return bucket;
  }

  /** Goes one bucket on, and forgets it if it is full by then: a new one would be the same. */
  private look(now: number): void {
    const { done, value } = this.hand.next();
    if (done) this.hand = this.buckets.values();
    else if (value.fullAt <= now) this.buckets.delete(value.key);
  }
}

const seconds = (ms: number): number => Math.max(1, Math.ceil(ms / 1000));

/**
 * Header fields of an answer (draft-ietf-httpapi-ratelimit-headers): `ratelimit-policy: "bets";q=100;w=1`, a full bucket and the seconds
 * that fill it, `ratelimit: "bets";r=0;t=1`, and for who was refused `retry-after`, whole seconds. `name`: letters, digits, hyphens.
 */
export function rateLimitHeaders(name: string, { perSecond, burst }: Rate, taken: Taken): Record<string, string> {
  const { allowed, remaining, retryAfterMs, resetMs } = taken;
  const again = seconds(allowed ? resetMs : retryAfterMs);
  return {
    'ratelimit-policy': `"${name}";q=${burst};w=${seconds((burst * 1000) / perSecond)}`,
    ratelimit: `"${name}";r=${remaining};t=${again}`,
    ...(!allowed && { 'retry-after': String(again) }),
  };
}
