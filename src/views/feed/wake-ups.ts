/** The queue `views`: its jobs say *wake up, view V* and nothing else. They may be lost, doubled or come in any order. */
import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { Queue, Worker } from 'bullmq';
import { partFrom, type Queues } from '../../ops/jobs/contract.ts';

export const VIEWS = 'views';

export interface WakeUpsOptions {
  /** views that are woken at the same time */
  readonly concurrency: number;
  readonly run: (view: string) => Promise<void>;
  readonly report: (message: string, error: unknown) => void;
  /** the queue did not take a wake-up, which is done without it */
  readonly untaken: () => void;
}

/** A queue that has not taken a job by then is away. */
const TAKEN_MS = 1_000;
/** One wake-up a view is enough while it waits or runs; one that nobody will ever finish, since its worker is gone, holds up the next no longer. */
const EPOCH_MS = 2_000;

export class WakeUps {
  private readonly queue: Queue;
  private readonly worker: Worker;
  private readonly underWay = new Set<string>();
  private left = false;

  constructor({ connection, backend }: Queues, private readonly options: WakeUpsOptions) {
    const { report, concurrency } = options;
    this.queue = new Queue(VIEWS, { connection }, backend) as Queue;
    this.worker = new Worker(VIEWS, async ({ name }) => options.run(name), {
      connection, concurrency, runRetryDelay: 1_000, lockDuration: 30_000, maxStalledCount: 1_000, removeOnComplete: { count: 0 }, removeOnFail: { count: 0 },
    }, backend) as Worker;
    this.queue.on('error', (error) => report('the queue of the views has failed', error));
    this.worker.on('error', (error) => report('the queue\'s worker of the views has failed', error));
  }

  /** While there is no queue the view is fed here: a process alone needs none. Never rejects. */
  async wake(view: string): Promise<void> {
    if (this.left) return;
    // One that was not taken yet need not be followed by a second.
    const taken = !this.underWay.has(view) && (await Promise.race([this.add(view), pause(TAKEN_MS, false, { ref: false })]));
    if (taken || this.left) return;
    this.options.untaken();
    void this.options.run(view).catch(() => undefined);
  }

  /** Who is woken from then on is not heard. */
  async close(): Promise<void> {
    this.left = true;
    const closed = Promise.all([this.worker.close(), this.queue.close()]).catch((error: unknown) => this.options.report('the queue of the views was not closed', error));
    await partFrom(closed);
  }

  private async add(view: string): Promise<boolean> {
    this.underWay.add(view);
    try {
      // An id of ours: for one of its own the queue makes a sequence, and a worker may make nothing in the schema.
      await this.queue.add(view, {}, {
        jobId: `${view} ${randomUUID()}`, deduplication: { id: `${view} ${Math.floor(Date.now() / EPOCH_MS)}` }, removeOnComplete: true, removeOnFail: true,
      });
      return true;
    } catch (error) {
      this.options.report('a view could not be woken through the queue', error);
      return false;
    } finally {
      this.underWay.delete(view);
    }
  }
}
