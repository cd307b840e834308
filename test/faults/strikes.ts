/** Which COMMITs are struck, how, and what stood in them: drawn from a seed, noted as they pass the proxies. */
import { asSuperuser, type TestDatabase } from '../support/cluster.ts';
import type { CommitFault } from '../support/proxy.ts';

/** A commit is known by the step of its lane: each connection is a lane of its own, and its last batch is the one that was struck. */
export interface Strike {
  readonly fault: CommitFault;
  readonly lane: number;
  readonly batch: number;
}

/** In a hundred commits that write something. The rest pass. */
const SHARES: Readonly<Record<CommitFault, number>> = {
  'reply lost': 40, 'reply torn': 10, 'reply swallowed': 4, 'request lost': 4, 'request late': 4,
};
/** In a hundred that write nothing, as repetitions do. */
const OF_QUIET_ONES = 5;

export const isReply = (fault: CommitFault): boolean => fault.startsWith('reply');

export class Strikes {
  readonly made: Strike[] = [];
  /** of commits that wrote nothing */
  quiet = 0;
  private replies = 0;

  constructor(
    private readonly roll: () => number,
    /** of replies with the COMMIT of something written; then all pass */
    private readonly wanted: number,
  ) {}

  get over(): boolean {
    return this.replies >= this.wanted;
  }

  readonly judge = (flush: Buffer): CommitFault | undefined => {
    if (this.over) return undefined;
    const step = laneStepIn(flush);
    let drawn = this.roll() * 100;
    if (!step) {
      if (drawn >= OF_QUIET_ONES) return undefined;
      this.quiet++;
      return 'reply lost';
    }
    for (const [fault, share] of Object.entries(SHARES) as [CommitFault, number][]) {
      if (drawn < share) {
        this.made.push({ fault, ...step });
        if (isReply(fault)) this.replies++;
        return fault;
      }
      drawn -= share;
    }
    return undefined;
  };

  /** How often each. */
  get distribution(): string {
    const of = (fault: CommitFault) => this.made.filter((strike) => strike.fault === fault).length;
    return (Object.keys(SHARES) as CommitFault[]).map((fault) => `${of(fault)} ${fault}`).join(', ');
  }

  /** Those that did not do to the commit what their name says: lost before it was done, or done and unheard. */
  async missed(database: TestDatabase): Promise<string[]> {
    const lanes = await asSuperuser<{ lane: number; batch: number }>(database.url('superuser'), 'select lane, batch from lane');
    const last = new Map(lanes.map(({ lane, batch }) => [lane, batch]));
    return this.made.filter(({ fault, lane, batch }) => last.get(lane) !== (fault === 'request lost' ? batch - 1 : batch))
      .map(({ fault, lane, batch }) => `${fault}: batch ${batch} of a lane that came to ${last.get(lane)}`);
  }
}

/** The arguments of the statement that steps the lane: a Bind message with two texts. None where the batch writes nothing. */
function laneStepIn(flush: Buffer): { lane: number; batch: number } | undefined {
  const name = Buffer.from('step_lane\0');
  const at = flush.lastIndexOf(name);
  if (at < 0) return undefined;
  let offset = at + name.length;
  offset += 2 + 2 * flush.readInt16BE(offset) + 2;
  const text = () => {
    const length = flush.readInt32BE(offset);
    offset += 4 + length;
    return Number(flush.toString('latin1', offset - length, offset));
  };
  return { lane: text(), batch: text() };
}
