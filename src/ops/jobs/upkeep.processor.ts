import { OnWorkerEvent, Processor, WorkerHost } from '@nestjs/bullmq';
import type { Job } from 'bullmq';
import type { PinoLogger } from 'nestjs-pino';
import type pg from 'pg';
import { makeMonths, type Month } from './months.ts';
import { TRIM } from './schedule.ts';
import { trimCommands } from './trim.ts';

/** The queue of what keeps the database in order. */
export const UPKEEP = 'upkeep';

interface Watch {
  /** how many months were missing and could not be made */
  missing(months: number): void;
  /** how many commands of the office were deleted */
  trimmed(commands: number): void;
  ended(job: string, result: 'done' | 'failed'): void;
}

@Processor(UPKEEP, { concurrency: 1, runRetryDelay: 1_000, maxStalledCount: 3 })
export class UpkeepProcessor extends WorkerHost {
  constructor(
    private readonly pool: pg.Pool,
    private readonly watch: Watch,
    private readonly logger: PinoLogger,
  ) {
    super();
  }

  async process(job: Job): Promise<readonly Month[] | number> {
    return job.name === TRIM ? this.trim() : this.makeMonths();
  }

  private async trim(): Promise<number> {
    const trimmed = await trimCommands(this.pool);
    this.watch.trimmed(trimmed);
    if (trimmed > 0) this.logger.info(`deleted ${trimmed} commands of the office that are too old to be repeated`);
    return trimmed;
  }

  /** Fails where somebody stood in the way, so that the queue tries again soon. */
  private async makeMonths(): Promise<readonly Month[]> {
    const left = await makeMonths(this.pool, this.logger);
    this.watch.missing(left.length);
    if (left.some(({ cameTo }) => cameTo === 'busy: later')) throw new Error('not all months are made yet, because the ledger was busy');
    return left;
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
    this.watch.ended(job?.name ?? 'unknown', 'failed');
    this.logger.error({ alert: true, err: error, attempt: job?.attemptsMade }, `job ${job?.name} failed`);
  }
}
