/**
 * Looks several times a second which views lie behind the ledger, and has them woken. It says only *wake up, view V*: what there is to do the
 * one who wakes up finds out. A view is asked for as long as it lies behind, so that no wake-up need arrive.
 */
import type pg from 'pg';
import type { Projection } from '../contract.ts';
import { Lacking } from './lacking.ts';
import { makeRows, standings, type Standing } from './rows.ts';

export interface RelayOptions {
  readonly pool: pg.Pool;
  readonly projections: readonly Projection[];
  readonly wake: (view: string) => Promise<void>;
  readonly report: (message: string, error: unknown) => void;
  /** a view stands still; told once a stop */
  readonly stopped: (standing: Standing) => void;
}

/** A view as it was when the relay looked last. */
export interface SeenView extends Standing {
  /** for how long something is there that is not in it */
  readonly lagMs: number;
}

export const LOOK_EVERY_MS = 200;
/** Not looked for so long, and nobody knows how the views stand. */
const BLIND_MS = 5_000;

export class Relay {
  private views = new Map<string, SeenView>();
  private readonly currentAt = new Map<string, number>();
  private readonly told = new Map<string, string>();
  private readonly lacking: Lacking;
  private lookedAt = -Infinity;
  private timer: NodeJS.Timeout | undefined;
  private looking: Promise<void> = Promise.resolve();
  private ended = false;

  constructor(private readonly options: RelayOptions) {
    this.lacking = new Lacking(options);
  }

  /** While nobody can look, a view is taken to fall further behind: what it was seen to be last would pass for how it is. */
  get seen(): readonly SeenView[] {
    const unseenMs = this.blind ? performance.now() - this.lookedAt : 0;
    return [...this.views.values()].map((view) => ({ ...view, lagMs: view.lagMs + unseenMs }));
  }

  get blind(): boolean {
    return performance.now() - this.lookedAt > BLIND_MS;
  }

  start(): void {
    const begun = performance.now();
    this.looking = this.look().catch((error: unknown) => this.options.report('how the views stand could not be read', error)).finally(() => {
      if (!this.ended) this.timer = setTimeout(() => this.start(), Math.max(0, LOOK_EVERY_MS - (performance.now() - begun))).unref();
    });
  }

  /** Resolves when nothing of it is under way any more. */
  async stop(): Promise<void> {
    this.ended = true;
    clearTimeout(this.timer);
    await this.looking;
  }

  private async look(): Promise<void> {
    const { pool, projections } = this.options;
    const rows = await standings(pool);
    // At the start, or where somebody has deleted one.
    if (projections.some(({ name }) => !rows.some((row) => row.name === name))) await makeRows(pool, projections);
    const installed = rows.filter((row) => projections.some(({ name }) => name === row.name));
    await this.lacking.look(installed);
    this.views = new Map(installed.map((row) => [row.name, this.saw(row)]));
    this.lookedAt = performance.now();
    await Promise.all(installed.filter(({ behind, state }) => behind && state === 'following').map(({ name }) => this.options.wake(name)));
  }

  private saw(row: Standing): SeenView {
    const { name, now, asOf, behind, caughtUp, stop } = row;
    if (!behind) this.currentAt.set(name, now);
    if (stop && this.told.get(name) !== stop.at) {
      this.told.set(name, stop.at);
      this.options.stopped(row);
    }
    // An idle view's row says when it was last moved; that it had missed nothing until lately only who looks knows.
    const completeUntil = caughtUp ? Math.max(asOf ?? 0, this.currentAt.get(name) ?? 0) : this.lacking.since(name) ?? now;
    return { ...row, lagMs: Math.max(0, now - completeUntil) };
  }
}
