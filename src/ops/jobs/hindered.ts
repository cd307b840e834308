/**
 * How loudly it is told that a month or a day is not as it should be. Who only has to wait for somebody that holds the table heals by himself at
 * one of the next tries, and that is no news; rows that go into the default partition meanwhile are.
 */
import type { PinoLogger } from 'nestjs-pino';
import { sqlState } from '../../../libs/postgres/index.ts';

export const BUSY = 'busy: later';

/** Somebody stood in the way: the queue tries again in a few seconds. */
export class Busy extends Error {}

/** What is not made, or not dropped. */
export interface Hindered {
  readonly table: string;
  /** '2026-12' or '2026-12-31', of UTC */
  readonly period: string;
  readonly cameTo: string;
}

type Loudness = 'info' | 'warn' | 'alert';

/** So long it may be put off: what has begun has its rows in the default partition, of which only so many are moved without a hand. */
const PATIENCE_MS = { begun: 30_000, soon: 600_000 };
const AGAIN_MS = 600_000;
const LOCK_NOT_AVAILABLE = '55P03';

/** Of the months, or of the days, of some tables. */
export class Hindrances {
  private since = new Map<string, number>();
  private readonly toldAt = new Map<string, number>();

  constructor(
    private readonly what: 'month' | 'day',
    /** a period that begins within this time is wanted soon */
    private readonly soonMs: number,
    private readonly logger: Pick<PinoLogger, 'info' | 'warn' | 'error'>,
    private readonly clock: () => number = Date.now,
  ) {}

  /** Tells of what is left after a try, the same not more often than once in ten minutes; throws `Busy` where the next try may do it. */
  judge(left: readonly Hindered[]): void {
    const now = this.clock();
    this.since = new Map(left.map(nameOf).map((name) => [name, this.since.get(name) ?? now]));
    for (const [key, at] of this.toldAt) if (now - at >= AGAIN_MS) this.toldAt.delete(key);
    for (const each of left) this.tell(each, now);
    const busy = left.filter(({ cameTo }) => cameTo === BUSY);
    if (busy.length > 0) throw new Busy(`${busy.map(nameOf).join(', ')}: somebody holds the table`);
  }

  private tell(each: Hindered, now: number): void {
    const waitedMs = now - (this.since.get(nameOf(each)) ?? now);
    const loudness = this.loudnessOf(each, now, waitedMs);
    // All that is only put off is one piece of news.
    const key = loudness === 'info' ? 'info' : `${loudness} ${nameOf(each)} ${each.cameTo}`;
    if (this.toldAt.has(key)) return;
    this.toldAt.set(key, now);
    const { table, period, cameTo } = each;
    const fields = { table, [this.what]: period, cameTo };
    if (loudness === 'info') this.logger.info(fields, `${nameOf(each)} is put off: somebody holds the table`);
    else if (loudness === 'warn') this.logger.warn(fields, `${nameOf(each)} has been put off for ${Math.round(waitedMs / 60_000)} minutes: somebody holds the table`);
    else this.logger.error({ alert: true, ...fields }, `${nameOf(each)} is not as it should be: ${cameTo === BUSY ? 'its rows go into the default partition' : cameTo}`);
  }

  private loudnessOf({ period, cameTo }: Hindered, now: number, waitedMs: number): Loudness {
    if (cameTo !== BUSY) return 'alert';
    const current = new Date(now).toISOString().slice(0, period.length);
    if (period === current) return waitedMs >= PATIENCE_MS.begun ? 'alert' : 'info';
    // One that is over is only to be dropped, but it was promised to be.
    return waitedMs >= PATIENCE_MS.soon && Date.parse(period) - now <= this.soonMs ? 'warn' : 'info';
  }
}

const nameOf = ({ table, period }: Hindered): string => `${table} of ${period}`;

/** For a try that could not even begin, as another worker was at it or somebody moves rows by hand; throws what came else. */
export function busyOr(error: unknown): never {
  if (sqlState(error) === LOCK_NOT_AVAILABLE) throw new Busy('somebody else is at it', { cause: error });
  throw error;
}
