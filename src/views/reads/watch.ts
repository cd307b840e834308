import type pg from 'pg';
import { connect, run } from '../../../libs/postgres/index.ts';
import { within } from './deadline.ts';
import { askStandingAndPause, standingOf, type Standing } from './standing.ts';

const EVERY_MS = 100;
const SILENCE_MS = 400;
const AGAIN_MS = 1_000;
/** Without a step for so long, behind the primary, a replica is not waited for. */
const STUCK_MS = 350;

/** Asks a server again and again where it stands, on a connection of its own; no read waits for it. */
export class Watch {
  /** what it said last, also where it has fallen silent since */
  standing: Standing | undefined;
  /** undefined until it was asked a first time */
  live: boolean | undefined;
  paused = false;
  private movedAt = 0;
  private client: pg.Client | undefined;
  private timer: NodeJS.Timeout | undefined;
  private stopped = false;

  constructor(private readonly url: string, private readonly heard: (standing: Standing) => void) {}

  /** Asks a first time, and from then on by itself. Never rejects. */
  async start(): Promise<void> {
    await this.ask();
    if (this.stopped) return this.stop();
    this.timer = setTimeout(() => void this.start(), this.live === true ? EVERY_MS : AGAIN_MS);
    this.timer.unref();
  }

  async stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    // A server that is silent does not say goodbye either.
    if (this.client) await within(this.client.end(), SILENCE_MS).catch(() => undefined);
  }

  /** `end`: how far there is anything to replay. */
  progressing(end: bigint | undefined): boolean {
    const { standing } = this;
    if (this.live !== true || this.paused || !standing) return false;
    return end === undefined || standing.lsn >= end || performance.now() - this.movedAt < STUCK_MS;
  }

  private async ask(): Promise<void> {
    try {
      this.client ??= await connect(this.url, { name: 'croupier watch', settings: { statement_timeout: '2s' }, connectMs: SILENCE_MS });
      const [[row]] = await within(run(this.client, [askStandingAndPause()]), SILENCE_MS);
      const standing = standingOf(row);
      if (standing.lsn !== this.standing?.lsn) this.movedAt = performance.now();
      this.standing = standing;
      this.paused = row?.at(-1) === 't';
      this.live = true;
      this.heard(standing);
    } catch {
      this.live = false;
      const { client } = this;
      this.client = undefined;
      // With a question open on it, this drops the connection at once.
      void client?.end().catch(() => undefined);
    }
  }
}
