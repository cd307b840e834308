import { randomUUID } from 'node:crypto';
import type { Queue } from 'bullmq';

export const MONTHS = 'months';
export const TRIM = 'trim';
export const LANES = 'lanes';
export const CALLS = 'calls';
const JOBS = [MONTHS, TRIM, LANES, CALLS] as const;
const HOUR_MS = 3_600_000;
const LOOK_EVERY_MS = 5_000;
/** A run that is overdue by this much will never come: what should have started it is gone. */
const LATE_MS = 120_000;
const OPTIONS = { attempts: 12, backoff: { type: 'fixed', delay: 5_000 }, removeOnComplete: { count: 24 }, removeOnFail: { count: 48 } };

/** Keeps the hourly run of each job in the queue, and asks for one at the start; a queue that was emptied gets them again. */
export class Schedule {
  private started = false;
  private timer: NodeJS.Timeout | undefined;
  private stopped = false;
  private looked: Promise<void> = Promise.resolve();

  constructor(
    private readonly queue: Queue,
    private readonly report: (message: string, error: unknown) => void,
  ) {}

  /** Whether the first runs were asked for. */
  get known(): boolean {
    return this.started;
  }

  start(): void {
    this.looked = this.look().catch((error: unknown) => this.report('the schedule of the queue could not be read', error)).finally(() => {
      if (!this.stopped) this.timer = setTimeout(() => this.start(), LOOK_EVERY_MS).unref();
    });
  }

  /** Resolves when nothing of it is under way any more. */
  async stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    await this.looked;
  }

  private async look(): Promise<void> {
    for (const job of JOBS) await this.keep(job);
    this.started = true;
  }

  private async keep(job: string): Promise<void> {
    const found = await this.queue.getJobScheduler(job);
    const late = found?.next !== undefined && found.next < Date.now() - LATE_MS;
    if (late) await this.queue.removeJobScheduler(job);
    // A schedule that is new begins with a run at once.
    if (!found || late) await this.queue.upsertJobScheduler(job, { every: HOUR_MS }, { name: job, opts: OPTIONS });
    // An id of ours: for one of its own the queue makes a sequence, and a worker may make nothing in the schema.
    else if (!this.started) await this.queue.add(job, {}, { ...OPTIONS, jobId: `${job} ${randomUUID()}`, deduplication: { id: job } });
  }
}
