/**
 * Which server a read goes to. A view asks `reads.at(token)` and never learns which one answered; only here may the primary be chosen,
 * as croupier_read, and no more than a bounded share of the reads goes there.
 *
 * With a token: a replica that has replayed its position, after a short wait at most; else the primary; never an older answer.
 * Without one: the freshest replica within the limit, else the primary, else any replica that can say how old its answer is.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { statement, type Step } from '../../libs/postgres/index.ts';
import { refuse } from '../access/contract.ts';
import { Asked, type Served, type Shown } from './reads/asked.ts';
import { readToken, writeToken, type Position } from './reads/position.ts';
import { askGenerations, askProjections, generationsOf, isCovered, projectedOf, versionOf, type Projected } from './reads/projected.ts';
import { ReadMetrics, type Registry } from './reads/read-metrics.ts';
import { Samples } from './reads/samples.ts';
import { NoAnswer, Server, TooMany, TooSlow, type Found, type ServerOptions } from './reads/server.ts';
import type { Standing } from './reads/standing.ts';
import { Turns } from './reads/turns.ts';

export { newestOf, readToken } from './reads/position.ts';

export interface ReadsOptions extends Pick<ServerOptions, 'timed'> {
  readonly primaryUrl: string;
  readonly replicaUrls: readonly string[];
  /** Behind by more than this a replica answers only where nobody else can, or where a token allows it. */
  readonly lagLimitMs: number;
  readonly registry: Registry;
}

type RowsOf<Steps extends readonly Step[]> = { -readonly [I in keyof Steps]: Steps[I] extends Step<infer Row> ? Row[] : never };

export interface Answer<Steps extends readonly Step[] = readonly Step[]> {
  /** the rows of each statement */
  readonly rows: RowsOf<Steps>;
  /** The answer has everything that callers were answered by then; milliseconds since 1970, the primary's clock. */
  readonly asOf: number;
  /** names what this answer saw: a later read that takes it along sees nothing older */
  readonly token: string;
  /** of `projected`, names what is shown: where it is the same, so are the rows; undefined where nobody can say */
  readonly version?: string;
  /** further behind than the limit: no other server was there */
  readonly late?: true;
  /** Whether this answer would do for a caller with that token. */
  covers(token: string): boolean;
}

/** Reads for one caller, at a place in the database's history. */
export interface ReadsAt {
  /** Runs the statements for that operator in one transaction of one server. Throws a `ProblemError` where no server may answer. */
  as<const Steps extends readonly Step[]>(operator: string, steps: Steps): Promise<Answer<Steps>>;
  /**
   * The same, of what these projections keep, in one snapshot: `asOf` is true of its rows, and a write that the token names is in them. Waits a
   * moment for that, then throws 503, as it does for a projection that has never come up to the ledger; a stopped one answers as far as it came.
   * `besides`: what else the rows follow from, such as `select max(locked_at) from …`; what these say is part of the version. `ms`: how long one server
   * may take for what is seldom asked and large; its statements then say so to PostgreSQL themselves.
   */
  projected<const Steps extends readonly Step[]>(operator: string, names: readonly string[], steps: Steps, besides?: readonly Step[], ms?: number): Promise<Answer<Steps>>;
}

const REPLICA = { connections: 8, waiting: 256 };
const PRIMARY = { connections: 2, waiting: 64 };
/** Of those that may take long, so that a replica's other connections are there for all else. */
const LARGE = { atOnce: 4, waiting: 32 };
const WAIT_MS = 250;
const FIRST_PAUSE_MS = 2;
/** How long a read waits for projections to come to its token. */
const PROJECTED_MS = 1_000;
const LOOK_MS = { first: 5, most: 80 };

/** args: lane · answers a row where there is one: how many batches it has written */
const askLane = statement<[string]>('lane_batch', 'select batch from lane where lane = $1::int');

export class Reads {
  private readonly primary: Server;
  private readonly replicas: readonly Server[];
  private readonly samples = new Samples();
  private readonly metrics: ReadMetrics;
  private readonly large = new Turns(LARGE.atOnce);
  private turn = 0;

  constructor(private readonly options: ReadsOptions) {
    this.primary = new Server(options.primaryUrl, { ...PRIMARY, timed: options.timed }, (standing) => {
      if (!standing.recovering) this.samples.add(standing);
    });
    this.replicas = options.replicaUrls.map((url) => new Server(url, { ...REPLICA, timed: options.timed }));
    this.metrics = new ReadMetrics(options.registry, () => this.seen());
  }

  /** Begins to watch the servers; resolves once each was asked a first time. */
  async start(): Promise<void> {
    await Promise.all([this.primary, ...this.replicas].map((server) => server.watch.start()));
  }

  async close(): Promise<void> {
    await Promise.all([this.primary, ...this.replicas].map((server) => server.close()));
  }

  /** `token`: what the caller got with an earlier answer, as its header says it. Throws where it cannot be read. */
  at(token?: string): ReadsAt {
    const wanted = token === undefined ? undefined : readToken(token);
    if (token !== undefined && !wanted) throw wrongToken('not a token of this service');
    return {
      as: (operator, steps) => this.answer(new Asked({ operator, steps, mode: 'statements', afterwards: [] }), wanted) as Promise<never>,
      projected: (operator, names, steps, besides = [], ms) => this.projected({ operator, names, besides, wanted, ...(ms !== undefined && { ms }) }, steps) as Promise<never>,
    };
  }

  /** How each replica stands, for health and metrics. */
  seen(): readonly SeenReplica[] {
    const { last, now } = this.samples;
    return this.replicas.map(({ name, watch }) => {
      const { standing } = watch;
      const asOf = standing && this.samples.asOf(standing);
      const lagMs = asOf === undefined ? Number.NaN : Math.max(0, Math.round(now - asOf));
      const state = watch.live !== true ? 'gone' : standing?.recovering !== true ? 'no replica' : watch.paused ? 'paused'
        : lagMs <= this.options.lagLimitMs ? 'following' : 'behind';
      const lagBytes = last && standing ? Math.max(0, Number(last.lsn - standing.lsn)) : Number.NaN;
      return { name, state, lagMs, lagBytes, progressing: standing?.recovering === true && watch.progressing(last?.lsn) };
    });
  }

  private async answer(asked: Asked, wanted: Position | undefined): Promise<Answer & Pick<Found, 'afterwards'>> {
    try {
      const { found, server, late } = await (wanted ? this.notBefore(asked, wanted) : this.freshest(asked));
      const asOf = server === this.primary ? found.standing.at : this.samples.asOf(found.standing);
      if (asOf === undefined) throw new NoAnswer('nobody can say how old the answer is');
      this.metrics.answered(server === this.primary ? 'primary' : 'replica');
      const { standing } = found;
      const token = writeToken(standing, wanted);
      return { rows: found.rows as never, afterwards: found.afterwards, asOf, token, covers: (other) => isCovered(other, standing), ...(late && { late }) };
    } catch (error) {
      if (!(error instanceof NoAnswer || error instanceof TooSlow)) throw error;
      const reason = error instanceof TooMany ? 'full' : error instanceof TooSlow ? 'slow' : 'none';
      const refused = this.refused(reason, REFUSED[reason]);
      if (reason !== 'slow') nobodyThere.add(refused);
      throw refused;
    }
  }

  private async projected(shown: Shown, steps: readonly Step[]): Promise<Answer> {
    const until = performance.now() + PROJECTED_MS;
    let { answer, projected } = await this.look(shown, steps);
    for (let wait = LOOK_MS.first; projected.behind.length > 0; wait = Math.min(2 * wait, LOOK_MS.most)) {
      const name = projected.behind.join(', ');
      if (projected.stopped) throw this.refused('behind', `${name} has stopped before what x-consistency-token names; without the token it answers as of then`);
      if (performance.now() + wait > until) throw this.refused('behind', `${name} has not yet come to what x-consistency-token names`);
      this.metrics.waited();
      await pause(wait);
      const { projected: now } = await this.look(shown, []);
      if (now.behind.length === 0) ({ answer, projected } = await this.look(shown, steps));
    }
    return answer;
  }

  private async look(shown: Shown, steps: readonly Step[]): Promise<{ answer: Answer; projected: Projected }> {
    const { operator, names, besides, wanted, ms } = shown;
    const ofProjections = names.length === 0 ? [] : [askProjections(names, wanted)];
    const afterwards = names.length > 0 && steps.length > 0 ? [askGenerations(names)] : [];
    const read = () => this.answer(new Asked({ operator, steps: [...ofProjections, ...besides, ...steps], mode: 'snapshot', afterwards }, ms), wanted);
    if (ms !== undefined && this.large.queue >= LARGE.waiting) throw this.refused('full', 'too many large reports are being read: ask again in a moment');
    const answer = await (ms === undefined ? read() : this.large.take(read));
    const rows = answer.rows.slice(ofProjections.length);
    const projected = projectedOf(names, ofProjections.length > 0 ? (answer.rows[0] ?? []) : []);
    // A rebuilt view took the place of the one whose position was seen: of its tables an older snapshot shows what was there then, which is less.
    if (afterwards.length > 0 && generationsOf(answer.afterwards) !== projected.generations) return this.look(shown, steps);
    if (projected.unbuilt !== undefined) throw this.refused('unbuilt', `${projected.unbuilt} is being built`);
    const position = readToken(answer.token) as Position;
    // Just after a promotion a server may name the timeline before: the same version might then be of two histories.
    const isSure = position.timeline === this.samples.last?.timeline;
    return {
      projected,
      answer: {
        rows: rows.slice(besides.length), asOf: Math.min(answer.asOf, projected.asOf ?? Infinity), token: answer.token,
        ...(answer.late && { late: answer.late }),
        ...(isSure && { version: versionOf(position.timeline, projected.said, rows.slice(0, besides.length)) }),
        covers: (other) => isCovered(other, position, projected),
      },
    };
  }

  private refused(reason: keyof typeof REFUSED | 'unbuilt' | 'behind', why: string): Error {
    this.metrics.refused(reason);
    return refuse('UNAVAILABLE', why, { headers: { 'retry-after': '1' } });
  }

  private async notBefore(asked: Asked, wanted: Position): Promise<Served> {
    // Of another timeline a position proves nothing: only the primary knows which writes of that time are part of its own.
    const primarys = this.samples.last?.timeline;
    if (primarys === undefined || primarys === wanted.timeline) {
      const waitUntil = performance.now() + WAIT_MS;
      for (const server of this.inOrder(({ timeline }) => timeline === wanted.timeline)) {
        const found = await this.readWhenThere(server, asked, wanted, waitUntil);
        if (found) return { server, found };
      }
    }
    return this.primaryAt(asked, wanted);
  }

  /** Undefined where this replica has not replayed the position, or cannot answer. */
  private async readWhenThere(server: Server, asked: Asked, wanted: Position, waitUntil: number): Promise<Found | undefined> {
    const { watch } = server;
    const there = (standing: Standing | undefined) => standing?.timeline === wanted.timeline && standing.recovering && standing.lsn >= wanted.lsn;
    for (let wait = FIRST_PAUSE_MS; ; wait *= 2) {
      // What is known of it may be a moment old; one that stands still is where it was.
      if (!there(watch.standing) && !watch.progressing(this.samples.last?.lsn)) return undefined;
      const found = await this.tried(server, asked);
      if (!found || there(found.standing)) return found;
      const left = waitUntil - performance.now();
      if (left <= 0) return undefined;
      this.metrics.waited();
      await pause(Math.min(wait, left));
    }
  }

  private async primaryAt(asked: Asked, wanted?: Position): Promise<Served> {
    const server = this.primary;
    const proof = wanted?.lane === undefined ? [] : [askLane([wanted.lane])];
    const { question } = asked;
    const read = await server.read({ ...question, steps: [...question.steps, ...proof] }, asked.msFor());
    const { standing } = read;
    // A server that was the primary once, or is not yet: what others write is missing there.
    if (standing.recovering) throw new NoAnswer('the primary is not there');
    const found = { ...read, rows: read.rows.slice(0, question.steps.length) };
    if (!wanted) return { server, found };
    if (wanted.timeline === standing.timeline) {
      if (wanted.lsn > standing.lsn) throw wrongToken('it lies ahead of the database');
    } else if (wanted.lane === undefined) {
      // Written before a promotion, it is behind the primary; written behind one that this primary never saw, it is not.
      if (wanted.timeline > standing.timeline) throw wrongToken('it lies ahead of the database');
    } else if (Number(read.rows.at(-1)?.[0]?.[0] ?? -1) < Number(wanted.batch)) {
      throw wrongToken('what it names is not part of the database’s history');
    }
    return { server, found };
  }

  private async freshest(asked: Asked): Promise<Served> {
    const fresh = (standing: Standing) => (this.samples.asOf(standing) ?? -Infinity) >= this.samples.now - this.options.lagLimitMs;
    for (const server of this.inOrder(fresh)) {
      const found = await this.tried(server, asked);
      if (found && fresh(found.standing)) return { server, found };
    }
    const gone = this.primary.watch.live === false;
    const refused = gone ? undefined : await this.primaryAt(asked).catch(unanswered);
    if (refused && !(refused instanceof NoAnswer)) return refused;
    const known = (standing: Standing) => this.samples.asOf(standing) !== undefined && standing.timeline >= (this.samples.last?.timeline ?? '');
    for (const server of this.inOrder(known)) {
      const found = await this.tried(server, asked);
      if (found && known(found.standing)) return { server, found, late: true };
    }
    if (refused) throw refused;
    // It may have come back since it was last asked how it is.
    return this.primaryAt(asked);
  }

  /** Undefined where it did not answer, or is a replica no more. */
  private async tried(server: Server, asked: Asked): Promise<Found | undefined> {
    const found = await server.read(asked.question, asked.msFor()).catch(unanswered);
    return found instanceof NoAnswer || !found.standing.recovering ? undefined : found;
  }

  /** Replicas that follow and stand right, by what is known of them: the foremost first, in turn where they stand alike. */
  private inOrder(right: (standing: Standing) => boolean): Server[] {
    const there = this.replicas.filter(({ watch }) => watch.live === true && watch.standing?.recovering === true && right(watch.standing));
    const first = this.turn++ % Math.max(1, there.length);
    const lsn = ({ watch }: Server) => watch.standing?.lsn ?? 0n;
    return [...there.slice(first), ...there.slice(0, first)].sort((one, other) => (lsn(other) > lsn(one) ? 1 : lsn(other) < lsn(one) ? -1 : 0));
  }
}

export interface SeenReplica {
  readonly name: string;
  readonly state: 'following' | 'paused' | 'behind' | 'gone' | 'no replica';
  /** NaN where nobody can say */
  readonly lagMs: number;
  readonly lagBytes: number;
  readonly progressing: boolean;
}

function unanswered(error: unknown): NoAnswer {
  if (error instanceof NoAnswer) return error;
  throw error;
}

const nobodyThere = new WeakSet<Error>();
/** Whether a read was refused because no server is there that has come as far as was asked for: one that asks for less may be answered. */
export const isNobodyThere = (error: unknown): boolean => error instanceof Error && nobodyThere.has(error);

const REFUSED = {
  full: 'too many reads wait for the primary',
  slow: 'the read took too long: ask for less, or for a shorter time',
  none: 'no database server can give this answer now',
} as const;

const wrongTokens = new WeakSet<Error>();
/** Whether a read was refused because of its token itself: it names what is not part of the database's history. */
export const isWrongToken = (error: unknown): boolean => error instanceof Error && wrongTokens.has(error);

function wrongToken(message: string): Error {
  const refused = refuse('REQUEST_INVALID', `x-consistency-token: ${message}`, { errors: [{ field: 'x-consistency-token', message }] });
  wrongTokens.add(refused);
  return refused;
}
