/**
 * The queue `exports`. Its jobs say only *there may be work*: the rows of tables `export` and `export_schedule` are the truth. Every process looks
 * at them twice a second and asks for jobs as long as there is something to do, so a queue may be wiped, or lose a job, at any time.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { Queue, Worker } from 'bullmq';
import type pg from 'pg';
import { partFrom, type Queues } from '../../ops/jobs/contract.ts';
import { planDue } from './plan.ts';
import { ANY_OVER, sweep } from './sweep.ts';
import { DEAD_AFTER_MS, type ExportWork } from './work.ts';

export const EXPORTS = 'exports';

/**
 * For the connections of exports. A piece is written within the time-out. Behind the tenants' wall the planner may not look at how states are spread, takes
 * those that are waiting for a half of all rows, and would go through the whole table twice a second.
 */
export const EXPORT_SETTINGS = { statement_timeout: '2500ms', idle_in_transaction_session_timeout: '5s', jit: 'off', enable_seqscan: 'off' };

const LOOK_EVERY_MS = 500;
/** Exports that a process makes at the same time. */
const AT_ONCE = 2;
/** A job that nobody will ever finish, since its worker is gone, holds up the next no longer than this. */
const EPOCH_MS = 2_000;
const TAKEN_MS = 1_000;

/** args: milliseconds after which a worker is taken for dead */
const LOOK = `select
  exists (select from export where state = 'waiting' or (state = 'running' and alive_at < now() - $1 * interval '1 millisecond')) as make,
  exists (select from export_schedule where removed_at is null and next_at <= now()) or exists (select from export where state = 'done' and expires_at <= now())
    or exists (select from export where state in ('failed', 'cancelled', 'expired') and pieces > 0 and ended_at < now() - interval '5 seconds')
    or ${ANY_OVER} as tidy`;

type JobName = 'make' | 'tidy';

export interface ExportQueueOptions {
  readonly pool: pg.Pool;
  readonly work: ExportWork;
  readonly report: (message: string, error: unknown) => void;
  readonly ended: (job: string, result: 'done' | 'failed') => void;
  /** the queue did not take a job, which is done without it */
  readonly untaken: () => void;
  /** what else is looked after, as often */
  readonly alsoLook: () => Promise<void>;
}

export class ExportQueue {
  private readonly queue: Queue;
  private readonly worker: Worker;
  private readonly direct = new Set<JobName>();
  private readonly underWay = new Set<JobName>();
  private busy = 0;
  private timer: NodeJS.Timeout | undefined;
  private looking: Promise<void> = Promise.resolve();
  private left = false;
  private closed: Promise<unknown> = Promise.resolve();

  constructor({ connection, backend }: Queues, private readonly options: ExportQueueOptions) {
    this.queue = new Queue(EXPORTS, { connection }, backend) as Queue;
    this.worker = new Worker(EXPORTS, ({ name }) => this.run(name as JobName), {
      connection, concurrency: AT_ONCE, runRetryDelay: 1_000, lockDuration: 30_000, maxStalledCount: 1_000, removeOnComplete: { count: 0 }, removeOnFail: { count: 0 },
    }, backend) as Worker;
    this.queue.on('error', (error) => options.report('the queue of exports has failed', error));
    this.worker.on('error', (error) => options.report('the queue\'s worker of exports has failed', error));
  }

  start(): void {
    this.looking = this.look().catch((error: unknown) => this.options.report('what there is to export could not be read', error)).finally(() => {
      if (!this.left) this.timer = setTimeout(() => this.start(), LOOK_EVERY_MS).unref();
    });
  }

  /** What is under way is given back, for another process; then the queue is taken leave of, which `close` waits for. */
  async stop(): Promise<void> {
    this.left = true;
    clearTimeout(this.timer);
    await this.looking;
    await this.options.work.stop();
    this.closed = Promise.all([this.worker.close(), this.queue.close()]).catch((error: unknown) => this.options.report('the queue of exports was not closed', error));
  }

  /** After `stop`. */
  close(): Promise<void> {
    return partFrom(this.closed);
  }

  private async look(): Promise<void> {
    const { make, tidy } = (await this.options.pool.query<{ make: boolean; tidy: boolean }>(LOOK, [DEAD_AFTER_MS])).rows[0] ?? { make: false, tidy: false };
    if (make && this.busy < AT_ONCE) await this.ask('make');
    if (tidy) await this.ask('tidy');
    await this.options.alsoLook();
  }

  /** While there is no queue it is done here. */
  private async ask(job: JobName): Promise<void> {
    // One that was not taken yet need not be followed by a second.
    const taken = !this.underWay.has(job) && (await Promise.race([this.add(job), pause(TAKEN_MS, false, { ref: false })]));
    if (taken || this.left) return;
    this.options.untaken();
    if (this.direct.has(job)) return;
    this.direct.add(job);
    void this.run(job).catch(() => undefined).finally(() => this.direct.delete(job));
  }

  private async add(job: JobName): Promise<boolean> {
    this.underWay.add(job);
    try {
      // An id of ours: for one of its own the queue makes a sequence, and a worker may make nothing in the schema.
      await this.queue.add(job, {}, {
        jobId: `${job} ${randomUUID()}`, deduplication: { id: `${job} ${Math.floor(Date.now() / EPOCH_MS)}` }, removeOnComplete: true, removeOnFail: true,
      });
      return true;
    } catch (error) {
      this.options.report('a job of exports could not be asked for', error);
      return false;
    } finally {
      this.underWay.delete(job);
    }
  }

  private async run(job: JobName): Promise<void> {
    this.busy++;
    try {
      if (job === 'make') while (await this.options.work.once());
      else {
        await planDue(this.options.pool);
        await sweep(this.options.pool);
      }
      this.options.ended(`exports ${job}`, 'done');
    } catch (error) {
      this.options.ended(`exports ${job}`, 'failed');
      this.options.report(`job ${job} of exports failed`, error);
      throw error;
    } finally {
      this.busy--;
    }
  }
}
