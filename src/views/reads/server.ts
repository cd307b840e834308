import pg from 'pg';
import { classify, flush, statement, sqlState, type Field, type Step } from '../../../libs/postgres/index.ts';
import { Late, within } from './deadline.ts';
import type { Timed } from './slow.ts';
import { askStanding, standingOf, type Standing } from './standing.ts';
import { Watch } from './watch.ts';

/** This server cannot answer now; another one may. */
export class NoAnswer extends Error {}
/** More reads wait for it than may. */
export class TooMany extends NoAnswer {}
/** The query itself takes longer than a read may; it would elsewhere, too. */
export class TooSlow extends Error {}

export interface Found {
  readonly standing: Standing;
  readonly rows: readonly (readonly Field[][])[];
  /** of the steps that were to be asked behind the transaction */
  readonly afterwards: readonly (readonly Field[][])[];
}

export interface ServerOptions {
  readonly connections: number;
  /** reads that may wait for one of them */
  readonly waiting: number;
  /** hears how long each read took */
  readonly timed?: ((read: Timed) => void) | undefined;
}

/** Every row is found by its index, and one plan serves all tenants; partitions are left out when it runs. */
export const READ_SETTINGS = {
  statement_timeout: '2s', idle_in_transaction_session_timeout: '2s', default_transaction_read_only: 'on', enable_seqscan: 'off', enable_hashjoin: 'off',
  enable_mergejoin: 'off', plan_cache_mode: 'force_generic_plan', jit: 'off',
};
const CONNECT_MS = 700;
const STATEMENT_TIMED_OUT = '57014';

/** Each statement sees what is there when it begins, or all see the same: then where the server stands is asked before. */
export type Mode = 'statements' | 'snapshot';

/** What is asked for: the statements of one transaction, how they see, and what is asked of the same server right behind it. */
export interface Question {
  readonly operator: string;
  readonly steps: readonly Step[];
  readonly mode: Mode;
  readonly afterwards: readonly Step[];
}

const begin = statement('begin_reading', 'begin read only');
const beginSnapshot = statement('begin_snapshot', 'begin isolation level repeatable read read only');
const beOperator = statement('be_operator', "select set_config('croupier.operator', $1, true)");
const commit = statement('commit', 'commit');

/** One database server, as croupier_read: connections for reads, and a watch over where it stands. */
export class Server {
  /** host and port */
  readonly name: string;
  readonly watch: Watch;
  private readonly pool: pg.Pool;

  constructor(url: string, private readonly options: ServerOptions, heard: (standing: Standing) => void = () => undefined) {
    this.name = new URL(url).host;
    this.watch = new Watch(url, heard);
    this.pool = new pg.Pool({
      connectionString: url, application_name: 'croupier views', max: options.connections, connectionTimeoutMillis: CONNECT_MS, keepAlive: true, pipeline: true,
      options: Object.entries(READ_SETTINGS).map(([name, value]) => `-c ${name}=${value}`).join(' '),
    });
    this.pool.on('error', () => undefined);
    // Also of one that is handed out when its server goes: its read hears of it by itself, and an error that nobody hears ends the process.
    this.pool.on('connect', (client) => void client.on('error', () => undefined));
  }

  /**
   * One transaction: where the server stands, then the statements, with snapshots younger than that.
   * Fails with `NoAnswer` where the server did not answer within `ms`.
   */
  async read(question: Question, ms: number): Promise<Found> {
    if (this.pool.waitingCount >= this.options.waiting) throw new TooMany(`more than ${this.options.waiting} reads wait for ${this.name}`);
    const began = performance.now();
    let answered = false;
    try {
      const found = await this.readBy(question, began + ms);
      answered = true;
      return found;
    } finally {
      this.options.timed?.({ server: this.name, steps: question.steps, ms: performance.now() - began, answered });
    }
  }

  private async readBy({ operator, steps, mode, afterwards }: Question, endsAt: number): Promise<Found> {
    const client = await this.connected(endsAt - performance.now());
    const { stream } = (client as unknown as pg.Client).connection;
    const flushed = async (whole: readonly Step[]) => {
      const { rows, tags, error } = await flush(client, whole);
      if (error) throw error;
      return { rows, tags };
    };
    try {
      // On their way together, in one write: where the server stands is asked in front of the snapshot, and costs no round trip of its own.
      stream.cork();
      const asked = Promise.all([
        mode === 'snapshot' ? flushed([askStanding()]) : undefined,
        flushed([mode === 'snapshot' ? beginSnapshot() : begin(), beOperator([operator]), ...(mode === 'snapshot' ? [] : [askStanding()]), ...steps, commit(), ...afterwards]),
      ]);
      stream.uncork();
      const [before, { rows, tags }] = await within(asked, endsAt - performance.now());
      const committed = rows.length - 1 - afterwards.length;
      if (tags[committed] !== 'COMMIT') throw new Error('the transaction was not committed');
      const [standing, ...found] = [...(before?.rows ?? []), ...rows.slice(2, committed)];
      client.release();
      return { standing: standingOf(standing?.[0]), rows: found, afterwards: rows.slice(committed + 1) };
    } catch (error) {
      // Of its own, a client that pipelines ends once it was answered; a server that has fallen silent never does that.
      stream.destroy();
      client.release(true);
      throw this.meaningOf(error);
    }
  }

  private async connected(ms: number): Promise<pg.PoolClient> {
    const asked = this.pool.connect();
    try {
      return await within(asked, ms);
    } catch (error) {
      // One that comes after all goes to the next who waits.
      if (error instanceof Late) asked.then((client) => client.release(), () => undefined);
      throw new NoAnswer(`no connection to ${this.name}`, { cause: error });
    }
  }

  private meaningOf(error: unknown): unknown {
    const slow = error instanceof Late ? this.watch.live === true : sqlState(error) === STATEMENT_TIMED_OUT;
    if (slow) return new TooSlow('the read took too long', { cause: error });
    if (error instanceof Late || classify(error) !== 'poison') return new NoAnswer(`no answer from ${this.name}`, { cause: error });
    return error;
  }

  async close(): Promise<void> {
    await this.watch.stop();
    await this.pool.end();
  }
}
