/**
 * What is refused when more comes than can be served: reads first, then bets, last what a player is owed. Whoever is let in keeps his
 * place; only who is not yet in is refused.
 */
import type { CallClass, Movement } from './contract.ts';

/** How many movements may wait for their answer in one process, in the lanes and aside. */
export const MOVEMENTS_WAITING = 4_096;

export interface Pressure {
  /** movements that wait ÷ those that may */
  readonly fill: number;
  /** how long one that comes now would wait for its batch to begin, milliseconds */
  readonly waitMs: number;
}

interface Limit {
  readonly fill: number;
  /** of the time the caller has */
  readonly wait: number;
}

/** A class is let in while the queue is emptier than this, and while its turn would come within this part of the caller's time. */
const LIMITS: Record<CallClass, Limit> = {
  read: { fill: 1 / 2, wait: 1 / 8 },
  bet: { fill: 3 / 4, wait: 1 / 4 },
  credit: { fill: 1, wait: 1 },
};

/** Whether a call of this class may come in, whose caller waits `withinMs` for an answer. */
export function admits(callClass: CallClass, { fill, waitMs }: Pressure, withinMs: number): boolean {
  const limit = LIMITS[callClass];
  return fill < limit.fill && waitMs <= limit.wait * withinMs;
}

export function classOf(movement: Movement): CallClass {
  switch (movement.kind) {
    case 'status': return 'read';
    case 'bet': case 'withdrawal': return 'bet';
    case 'play': return movement.actions.some(({ kind }) => kind === 'bet') ? 'bet' : 'credit';
    case 'win': case 'adjustment': case 'rollback': case 'close': case 'cancel': case 'deposit': return 'credit';
  }
}

/** A batch more counts for an eighth: it takes some batches to believe in a change, and one that stalled is soon forgotten. */
const WEIGHT = 1 / 8;

/**
 * How fast a lane works: how long a batch takes, and how many movements go into one where more are waiting, both as exponentially
 * weighted means. Their quotient is the rate at which a queue is served; a batch that took all there was says nothing about that.
 * Times in milliseconds, on one clock.
 */
export class Pace {
  private batchMs = 0;
  private beganAt: number | undefined;

  /** `holds`: how many movements a batch may hold */
  constructor(private holds: number) {}

  began(at: number): void {
    this.beganAt = at;
  }

  /** `leftBehind`: whether there were more that did not go into it. */
  ended(at: number, movements: number, leftBehind: boolean): void {
    if (this.beganAt === undefined) return;
    this.batchMs += (at - this.beganAt - this.batchMs) * WEIGHT;
    this.holds = leftBehind ? this.holds + (movements - this.holds) * WEIGHT : Math.max(this.holds, movements);
    this.beganAt = undefined;
  }

  /**
   * For whoever comes behind so many: what is left of the batch that is being written, then theirs. One that was not done by `lookedAt`
   * though it should have been, because the database is slow or gone, is thought to take as long again as it is late. Where nothing is
   * being written nobody waits, however slow it was.
   */
  waitMs(before: number, lookedAt: number): number {
    const batches = before / this.holds;
    if (this.beganAt === undefined) return batches * this.batchMs;
    const elapsed = Math.max(0, lookedAt - this.beganAt);
    return Math.abs(this.batchMs - elapsed) + batches * Math.max(this.batchMs, elapsed);
  }
}
