/** When the primary was where. */
import type { Standing } from './standing.ts';

/** At ten a second, half a minute: a replica further behind says itself when its last commit was. */
const KEPT = 300;

interface Sample {
  readonly at: number;
  readonly lsn: bigint;
}

export class Samples {
  private timeline: string | undefined;
  private samples: Sample[] = [];
  private takenAt = 0;

  add({ at, lsn, timeline }: Standing): void {
    if (at === undefined) return;
    if (timeline !== this.timeline) this.samples = [];
    this.timeline = timeline;
    this.takenAt = performance.now();
    // Nothing was written since: what was complete then is complete until now.
    if (this.samples.at(-1)?.lsn === lsn) this.samples.pop();
    this.samples.push({ at, lsn });
    if (this.samples.length > KEPT) this.samples.shift();
  }

  /** The primary's, when it was last heard. */
  get last(): (Sample & { readonly timeline: string }) | undefined {
    const sample = this.samples.at(-1);
    return sample && this.timeline !== undefined ? { ...sample, timeline: this.timeline } : undefined;
  }

  /** The primary's clock, ms; it goes on where the primary is gone. */
  get now(): number {
    const { last } = this;
    return last ? last.at + (performance.now() - this.takenAt) : Date.now();
  }

  /** Until when (ms) a server that stands there has everything that callers were answered; undefined where nobody can say. */
  asOf(server: Standing): number | undefined {
    if (!server.recovering || server.timeline !== this.timeline) return server.at;
    const sampled = this.samples.findLast(({ lsn }) => lsn <= server.lsn)?.at;
    return sampled === undefined || (server.at !== undefined && server.at > sampled) ? server.at : sampled;
  }
}
