/** How each provider account fares, minute by minute, counted in memory as calls are answered. A minute is told whole each time it is written. */
import type { Account } from '../wallet/contract.ts';

export type Result = 'accepted' | 'refused' | 'turned_away' | 'failed';

/** The upper bounds of the latencies that are counted; what takes longer than the last is counted behind them. */
export const LATENCY_BOUNDS_MS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000] as const;

const MINUTE_MS = 60_000;
/** Accounts × minutes that wait while the database is away. */
const MOST = 5_000;

export interface MinuteRow {
  readonly operator_id: string;
  readonly account_id: number;
  readonly minute: string;
  readonly accepted: number;
  readonly refused: number;
  readonly turned_away: number;
  readonly failed: number;
  readonly repeated: number;
  readonly rollbacks: number;
  readonly latency: readonly number[];
}

interface Minute {
  readonly account: Account;
  /** since 1970 */
  readonly minute: number;
  accepted: number;
  refused: number;
  turned_away: number;
  failed: number;
  repeated: number;
  rollbacks: number;
  readonly latency: number[];
  /** counted since it was last written */
  dirty: boolean;
}

/** What is to be written, and to whom to say whether it was. */
export interface Telling {
  readonly rows: readonly MinuteRow[];
  done(written: boolean): void;
}

export class Minutes {
  private readonly current = new Map<number, Minute>();
  private all: Minute[] = [];

  constructor(private readonly lost: (minutes: number) => void) {}

  /** `ms`: undefined where the call was turned away by its head. */
  count(account: Account, result: Result, repeated: boolean, rollback: boolean, ms: number | undefined): void {
    const now = Math.floor(Date.now() / MINUTE_MS);
    let minute = this.current.get(account.accountId);
    if (minute?.minute !== now) minute = this.begin(account, now);
    minute[result]++;
    if (repeated) minute.repeated++;
    if (rollback) minute.rollbacks++;
    if (ms !== undefined) {
      let bound = 0;
      while (bound < LATENCY_BOUNDS_MS.length && ms > (LATENCY_BOUNDS_MS[bound] as number)) bound++;
      minute.latency[bound] = (minute.latency[bound] as number) + 1;
    }
    minute.dirty = true;
  }

  /** Undefined: nothing was counted since. */
  told(): Telling | undefined {
    const dirty = this.all.filter((each) => each.dirty);
    if (dirty.length === 0) return undefined;
    for (const each of dirty) each.dirty = false;
    return {
      rows: dirty.map(rowOf),
      done: (written) => {
        if (!written) for (const each of dirty) each.dirty = true;
        const now = Math.floor(Date.now() / MINUTE_MS);
        this.all = this.all.filter((each) => each.dirty || each.minute >= now);
      },
    };
  }

  private begin(account: Account, minute: number): Minute {
    const begun: Minute = {
      account, minute, accepted: 0, refused: 0, turned_away: 0, failed: 0, repeated: 0, rollbacks: 0,
      latency: new Array<number>(LATENCY_BOUNDS_MS.length + 1).fill(0), dirty: true,
    };
    this.current.set(account.accountId, begun);
    this.all.push(begun);
    if (this.all.length > MOST) this.lost(this.all.splice(0, this.all.length - MOST).length);
    return begun;
  }
}

const rowOf = ({ account, minute, accepted, refused, turned_away, failed, repeated, rollbacks, latency }: Minute): MinuteRow => ({
  operator_id: account.operatorId, account_id: account.accountId, minute: new Date(minute * MINUTE_MS).toISOString(), accepted, refused, turned_away, failed,
  repeated, rollbacks, latency: [...latency],
});
