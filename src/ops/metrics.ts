/** What a process tells Prometheus. One registry a process; durations in seconds. */
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from '@prometheus-io/client';
import type { CallClass, LaneWatch } from '../wallet/contract.ts';

export type JobResult = 'done' | 'failed' | 'later';

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1, 2, 5];

export class Metrics implements LaneWatch {
  readonly registry = new Registry();
  private readonly calls = new Counter({
    name: 'croupier_calls_total', help: 'Calls answered, by route and HTTP status', labelNames: ['route', 'status'], registers: [this.registry],
  });
  private readonly callSeconds = new Histogram({
    name: 'croupier_call_seconds', help: 'Time to answer a call, by route', labelNames: ['route'], buckets: SECONDS, registers: [this.registry],
  });
  private readonly outcomes = new Counter({
    name: 'croupier_outcomes_total', help: 'What calls came to, by command and code', labelNames: ['command', 'code'], registers: [this.registry],
  });
  private readonly batchMovements = new Histogram({
    name: 'croupier_batch_movements', help: 'Movements written together', buckets: [1, 2, 4, 8, 16, 32, 64, 128, 256, 512], registers: [this.registry],
  });
  private readonly batchSeconds = new Histogram({
    name: 'croupier_batch_seconds', help: 'Time of a batch, from its first statement to its commit', buckets: SECONDS, registers: [this.registry],
  });
  private readonly laneWaitSeconds = new Histogram({
    name: 'croupier_lane_wait_seconds', help: 'Time a call waits for its batch', buckets: SECONDS, registers: [this.registry],
  });
  private readonly shedCalls = new Counter({
    name: 'croupier_calls_shed_total', help: 'Calls refused at once because too much is waiting, by class: read, bet, credit', labelNames: ['class'],
    registers: [this.registry],
  });
  private readonly jobs = new Counter({
    name: 'croupier_jobs_total', help: 'Jobs of the queue that ended, by name and result: done, failed, later (somebody stood in the way)',
    labelNames: ['job', 'result'], registers: [this.registry],
  });
  private readonly exports = new Counter({
    name: 'croupier_exports_ended_total', help: 'Exports that ended in this process, by outcome (done, failed, cancelled) and format', labelNames: ['outcome', 'format'],
    registers: [this.registry],
  });
  private readonly untakenWakeUps = new Counter({
    name: 'croupier_wake_ups_untaken_total', help: 'Wake-ups that a queue did not take within a second, so that they were done without it, by queue', labelNames: ['queue'],
    registers: [this.registry],
  });
  private readonly bound = new Map<string, { calls: Counter.Internal; outcomes: Counter.Internal; seconds: Histogram.Internal<string> }>();

  constructor() {
    collectDefaultMetrics({ register: this.registry });
  }

  /** A number that is read when somebody asks for it. */
  gauge(name: string, help: string, read: () => number): void {
    new Gauge({ name, help, registers: [this.registry], collect() { this.set(read()); } });
  }

  /** Answers what adds to it. */
  counter(name: string, help: string): (more: number) => void {
    const made = new Counter({ name, help, registers: [this.registry] });
    return (more) => made.inc(more);
  }

  /** `code`: what it came to, as `applied`, `replayed` or an error's code. */
  answered(command: string, status: number, code: string, ms: number): void {
    const key = `${command} ${status} ${code}`;
    let bound = this.bound.get(key);
    if (!bound) {
      bound = {
        calls: this.calls.labels(command, String(status)), outcomes: this.outcomes.labels(command, code), seconds: this.callSeconds.labels(command),
      };
      this.bound.set(key, bound);
    }
    bound.calls.inc();
    bound.outcomes.inc();
    bound.seconds.observe(ms / 1000);
  }

  batch(movements: number, ms: number): void {
    this.batchMovements.observe(movements);
    this.batchSeconds.observe(ms / 1000);
  }

  waited(ms: number): void {
    this.laneWaitSeconds.observe(ms / 1000);
  }

  shed(callClass: CallClass): void {
    this.shedCalls.inc({ class: callClass });
  }

  job(job: string, result: JobResult): void {
    this.jobs.inc({ job, result });
  }

  exported(outcome: 'done' | 'failed' | 'cancelled', format: string): void {
    this.exports.inc({ outcome, format });
  }

  /** Answers what counts one of that queue; it is 0 before, so that the first one is seen to come. */
  untaken(queue: string): () => void {
    const bound = this.untakenWakeUps.labels(queue);
    bound.inc(0);
    return () => bound.inc();
  }
}
