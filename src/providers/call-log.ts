/**
 * What providers called and were answered, for whoever has to find out later: every call that was refused or failed, and a share of the
 * accepted. A call that is answered is counted and perhaps put into a buffer, and that is all it pays; redacting and writing come behind it.
 * What the buffer cannot hold is dropped, the oldest first, and counted: no call waits for the log, and none fails with it.
 */
import { randomUUID } from 'node:crypto';
import { setImmediate as soon } from 'node:timers/promises';
import { Buckets } from '../../libs/http/index.ts';
import { FAULTS, REFUSALS } from '../wallet/contract.ts';
import { Minutes, type Result } from './call-log-minutes.ts';
import { rowOf, sourceOf, type Answered, type CallRow, type Kept } from './call-log-row.ts';
import { CallStore } from './call-log-store.ts';
import { DOOR } from './failures.ts';

export interface CallLogOptions {
  /** the primary, as croupier_money */
  readonly url: string;
  /** of the accepted calls; 1: all */
  readonly sample: number;
  readonly count: CallLogCounts;
  readonly report: (message: string, error: unknown) => void;
}

/** Told by the log as it goes. */
export interface CallLogCounts {
  written(calls: number): void;
  /** for want of room, or because they cannot be written */
  dropped(calls: number): void;
  /** turned away as too many at once, beyond those that are kept of these */
  passedOver(calls: number): void;
  /** of no account that is known, and so of no operator's */
  unattributed(calls: number): void;
  minutesLost(minutes: number): void;
}

const WRITE_EVERY_MS = 500;
const MINUTES_EVERY_MS = 2_000;
const MOST_CALLS = 4_000;
const MOST_BYTES = 16 * 2 ** 20;
/** What a call holds beside its bodies, about. */
const HEAD_BYTES = 2_048;
const BATCH = 64;
/** Between so many the calls that came in meanwhile have their turn. */
const AT_ONCE = 8;
/** Half of a second's worth: a flood of refusals costs no more than this to write down. */
const BATCHES_A_ROUND = 16;
/** Of calls turned away because there are too many at once, of each account. */
const OVERLOADED = { perSecond: 5, burst: 5 };
const LAST_WRITE_MS = 2_000;

const RESULTS: ReadonlyMap<string, Result> = new Map<string, Result>([
  ...Object.keys(REFUSALS).map((code) => [code, 'refused'] as const), ...Object.keys(FAULTS).map((code) => [code, 'failed'] as const),
  ...[...Object.keys(DOOR), 'AMOUNT_TOO_FINE'].map((code) => [code, 'turned_away'] as const),
]);

export class CallLog {
  private readonly minutes: Minutes;
  private readonly store: CallStore;
  private readonly overloaded = new Buckets<number>({ most: 1_000 });
  private queue: Kept[] = [];
  private bytes = 0;
  /** redacted, and perhaps tried before */
  private batch: CallRow[] = [];
  private timer: NodeJS.Timeout | undefined;
  private round: Promise<void> = Promise.resolve();
  private minutesAt = -Infinity;
  private stopped = false;

  constructor(private readonly options: CallLogOptions) {
    this.minutes = new Minutes(options.count.minutesLost);
    this.store = new CallStore(options.url, randomUUID(), options.report);
  }

  get waiting(): number {
    return this.queue.length + this.batch.length;
  }

  start(): void {
    this.timer = setTimeout(() => {
      this.round = this.write(false).catch((error: unknown) => this.options.report('the call log failed', error)).finally(() => {
        if (!this.stopped) this.start();
      });
    }, WRITE_EVERY_MS);
    this.timer.unref();
  }

  /** Writes what is there, if that can be done soon. */
  async stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    let patience: NodeJS.Timeout | undefined;
    const soonEnough = new Promise<void>((resolve) => { patience = setTimeout(resolve, LAST_WRITE_MS); });
    await Promise.race([this.round.then(() => this.write(true)).catch(() => undefined), soonEnough]);
    clearTimeout(patience);
    if (this.waiting > 0) this.options.count.dropped(this.waiting);
    await Promise.race([this.store.close(), soon()]);
  }

  /** Of every call once it is answered; never throws. */
  answered(call: Answered): void {
    try {
      this.take(call);
    } catch (error) {
      this.options.report('a call was not put into the call log', error);
    }
  }

  private take(call: Answered): void {
    const { account, context, answer, ms, operation } = call;
    if (!account) {
      this.options.count.unattributed(1);
      return;
    }
    const result = RESULTS.get(answer.outcome) ?? 'accepted';
    this.minutes.count(account, result, isRepeated(context?.answer), context?.ask?.ask === 'rollback' || operation === 'rollback', ms);
    if (result === 'accepted') {
      if (this.options.sample < 1 && Math.random() >= this.options.sample) return;
    } else if (answer.outcome === 'OVERLOADED' && !this.overloaded.take(account.accountId, OVERLOADED).allowed) {
      this.options.count.passedOver(1);
      return;
    }
    this.keep({ ...call, account, result, callId: randomUUID(), at: Date.now() - Math.round(ms ?? 0), source: sourceOf(call.from), from: undefined });
  }

  private keep(call: Kept): void {
    this.queue.push(call);
    this.bytes += sizeOf(call);
    while (this.queue.length > MOST_CALLS || this.bytes > MOST_BYTES) {
      this.bytes -= sizeOf(this.queue.shift() as Kept);
      this.options.count.dropped(1);
    }
  }

  private async write(last: boolean): Promise<void> {
    for (let batches = 0; (last || batches < BATCHES_A_ROUND) && this.waiting > 0; batches++) {
      await this.fill();
      const written = await this.store.writeCalls(this.batch);
      if (written === undefined) break;
      this.options.count.written(written);
      if (written < this.batch.length) this.options.count.dropped(this.batch.length - written);
      this.batch = [];
    }
    if (last || performance.now() >= this.minutesAt) {
      this.minutesAt = performance.now() + MINUTES_EVERY_MS;
      const telling = this.minutes.told();
      if (telling) telling.done(await this.store.writeMinutes(telling.rows));
    }
  }

  private async fill(): Promise<void> {
    while (this.batch.length < BATCH && this.queue.length > 0) {
      const calls = this.queue.splice(0, Math.min(AT_ONCE, BATCH - this.batch.length));
      for (const call of calls) {
        this.bytes -= sizeOf(call);
        this.add(call);
      }
      await soon();
    }
  }

  private add(call: Kept): void {
    try {
      this.batch.push(rowOf(call));
    } catch (error) {
      this.options.count.dropped(1);
      this.options.report('a call cannot be made fit for the call log', error);
    }
  }
}

const sizeOf = ({ body, answer }: Kept): number => HEAD_BYTES + (body?.length ?? 0) + answer.body.length;

/** Of a receipt, a refusal or a play, whose parts are repeated together. */
function isRepeated(answer: { readonly replayed?: boolean; readonly status?: string; readonly receipts?: readonly { readonly status: string }[] } | undefined): boolean {
  return answer !== undefined && (answer.replayed === true || answer.status === 'replayed' || answer.receipts?.[0]?.status === 'replayed');
}
