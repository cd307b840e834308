/**
 * What a wake-up of one view comes to: it is advanced, step by step, until it has come up to the ledger. On a connection of its own, which
 * is opened when it is needed and replaced when it breaks. How often it is woken, and by whom, matters to nothing but the delay.
 */
import type pg from 'pg';
import { sqlState } from '../../../libs/postgres/index.ts';
import type { Projection } from '../contract.ts';
import { advance, FIRST_STEP, type Step } from './advance.ts';

export interface FeederOptions {
  /** opens a connection with STEP_SETTINGS */
  readonly open: () => Promise<pg.Client>;
  /** transactions that a step has applied */
  readonly applied: (view: string, rows: number) => void;
  readonly report: (message: string, error: unknown) => void;
}

/** `resting`: it failed a moment ago, and is not tried again yet */
export type Ran = Exclude<Step['came'], 'behind'> | 'resting' | 'ended';

const FIRST_REST_MS = 250;
const LONGEST_REST_MS = 10_000;
/** Statement and transaction time-out. */
const BROKEN_OFF = new Set(['57014', '25P04']);
/** A step that was broken off has cost everybody else as much: the view rests for as long as that took, and twice as long each time. */
const LONGEST_VAIN_REST_MS = 600_000;
/** Past the server's own time-outs: a connection that says nothing for so long is not there any more. */
const SILENCE_MS = 130_000;
const GOODBYE_MS = 1_000;

export class Feeder {
  private client: pg.Client | undefined;
  private most = FIRST_STEP;
  private running: Promise<Ran> | undefined;
  private restMs = 0;
  private restsUntil = 0;
  private brokenOff = false;
  private ended = false;

  constructor(readonly projection: Projection, private readonly options: FeederOptions) {}

  /** Rejects where a step could not be done: nothing of that step is there, and somebody will ask again. */
  run(): Promise<Ran> {
    if (this.ended) return Promise.resolve('ended');
    // Who is at it already sees what this wake-up is about, or the next one will.
    if (this.running) return Promise.resolve('busy');
    if (performance.now() < this.restsUntil) return Promise.resolve('resting');
    this.running = this.toTheEnd().finally(() => { this.running = undefined; });
    return this.running;
  }

  /** Ends behind the step that is under way; one that takes too long is broken off, and was not done. */
  async close(): Promise<void> {
    this.ended = true;
    const giveUp = setTimeout(() => this.drop(), GOODBYE_MS);
    await this.running?.catch(() => undefined);
    await this.client?.end().catch(() => undefined);
    clearTimeout(giveUp);
  }

  private async toTheEnd(): Promise<Ran> {
    let begun = performance.now();
    try {
      for (;;) {
        begun = performance.now();
        const step = await this.step();
        if (step.came === 'busy') return 'busy';
        this.most = step.most;
        this.restMs = 0;
        this.brokenOff = false;
        if (step.applied > 0) this.options.applied(this.projection.name, step.applied);
        if (step.came !== 'behind') return step.came;
        if (this.ended) return 'ended';
      }
    } catch (error) {
      this.rest(error, performance.now() - begun);
      this.options.report(`view ${this.projection.name} could not be fed and will be tried again`, error);
      throw error;
    }
  }

  private async step(): Promise<Step> {
    const client = await this.connected();
    const silence = setTimeout(() => this.drop(), SILENCE_MS);
    return advance(client, this.projection, { most: this.most, alone: this.brokenOff }).finally(() => clearTimeout(silence));
  }

  /** A step that took too long, or too much memory, is tried smaller, and each time later. */
  private rest(error: unknown, tookMs: number): void {
    this.brokenOff = BROKEN_OFF.has(sqlState(error) ?? '');
    this.most = Math.max(1, Math.floor(this.most / (this.brokenOff ? 16 : 4)));
    const longer = this.restMs * 2;
    this.restMs = this.brokenOff ? Math.min(LONGEST_VAIN_REST_MS, Math.max(tookMs, longer)) : Math.min(LONGEST_REST_MS, Math.max(FIRST_REST_MS, longer));
    this.restsUntil = performance.now() + this.restMs;
    this.drop();
  }

  /** Nothing is said any more on this connection; the server undoes what was open on it. */
  private drop(): void {
    (this.client as unknown as { connection: { stream: { destroy(): void } } } | undefined)?.connection.stream.destroy();
    this.client = undefined;
  }

  private async connected(): Promise<pg.Client> {
    if (this.client) return this.client;
    const client = await this.options.open();
    client.on('end', () => { if (this.client === client) this.client = undefined; });
    this.client = client;
    // Nobody waits for it any more, and it might say nothing.
    if (this.ended) {
      this.drop();
      throw new Error('the process is ending');
    }
    return client;
  }
}
