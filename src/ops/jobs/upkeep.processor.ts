import { OnWorkerEvent, Processor, WorkerHost } from '@nestjs/bullmq';
import type { Job } from 'bullmq';
import type { PinoLogger } from 'nestjs-pino';
import type pg from 'pg';
import { keepCallDays, type Day } from './call-days.ts';
import { Busy, Hindrances } from './hindered.ts';
import { makeMonths, type Month } from './months.ts';
import { retireLanes } from './retire.ts';
import { CALLS, LANES, TRIM } from './schedule.ts';
import { trimCommands } from './trim.ts';

/** The queue of what keeps the database in order. */
export const UPKEEP = 'upkeep';

const DAY_MS = 86_400_000;

interface Watch {
  /** how many months were missing and could not be made */
  missing(months: number): void;
  /** how many commands of the office were deleted */
  trimmed(commands: number): void;
  /** how many lanes were retired */
  retired(lanes: number): void;
  /** `later`: somebody stood in the way, and it is tried again */
  ended(job: string, result: 'done' | 'failed' | 'later'): void;
}

// A job whose worker went away in its midst is taken up again within a quarter of a minute.
@Processor(UPKEEP, { concurrency: 1, runRetryDelay: 1_000, maxStalledCount: 3, lockDuration: 10_000, stalledInterval: 5_000 })
export class UpkeepProcessor extends WorkerHost {
  private readonly months: Hindrances;
  private readonly days: Hindrances;

  constructor(
    private readonly pool: pg.Pool,
    private readonly watch: Watch,
    private readonly logger: PinoLogger,
    private readonly callLogDays: number,
    clock: () => number = Date.now,
  ) {
    super();
    this.months = new Hindrances('month', 7 * DAY_MS, logger, clock);
    this.days = new Hindrances('day', DAY_MS, logger, clock);
  }

  async process(job: Job): Promise<readonly (Month | Day)[] | number> {
    switch (job.name) {
      case TRIM: return this.trim();
      case LANES: return this.retireLanes();
      case CALLS: return this.keepCallDays();
      default: return this.makeMonths();
    }
  }

  private async trim(): Promise<number> {
    const trimmed = await trimCommands(this.pool);
    this.watch.trimmed(trimmed);
    if (trimmed > 0) this.logger.info(`deleted ${trimmed} commands of the office that are too old to be repeated`);
    return trimmed;
  }

  private async retireLanes(): Promise<number> {
    const retired = await retireLanes(this.pool);
    this.watch.retired(retired);
    if (retired > 0) this.logger.info(`retired ${retired} lanes whose connections are gone`);
    return retired;
  }

  private async keepCallDays(): Promise<readonly Day[]> {
    const left = await keepCallDays(this.pool, this.callLogDays, this.logger);
    this.days.judge(left.map(({ table, day, cameTo }) => ({ table, period: day, cameTo })));
    return left;
  }

  private async makeMonths(): Promise<readonly Month[]> {
    const left = await makeMonths(this.pool, this.logger);
    this.watch.missing(left.length);
    this.months.judge(left.map(({ table, month, cameTo }) => ({ table, period: month, cameTo })));
    return left;
  }

  end(): Promise<void> {
    return this.pool.end();
  }

  get running(): boolean {
    return this.worker.isRunning();
  }

  @OnWorkerEvent('completed')
  completed(job: Job): void {
    this.watch.ended(job.name, 'done');
  }

  @OnWorkerEvent('failed')
  failed(job: Job | undefined, error: Error): void {
    this.watch.ended(job?.name ?? 'unknown', error instanceof Busy ? 'later' : 'failed');
    if (error instanceof Busy) return this.logger.debug({ reason: error.message, attempt: job?.attemptsMade }, `job ${job?.name} is put off`);
    this.logger.error({ alert: true, err: error, attempt: job?.attemptsMade }, `job ${job?.name} failed`);
  }
}
