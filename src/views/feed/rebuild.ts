/**
 * Makes a view anew beside the live one, while that one goes on, and puts the copy in its place:
 *
 *   tables in schema rebuild → the ledger from its beginning, never further than the live one → the live row is locked, so that it stands still
 *   → the copy comes up to exactly its position → both are seen as they are then, and the live one goes on → row by row the same?
 *   → once more near, locked and up to it → swapped, in the transaction that holds the lock
 *
 * Broken off anywhere it leaves the live view as it was, and a copy that the next rebuild throws away.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type pg from 'pg';
import { connect, sqlState } from '../../../libs/postgres/index.ts';
import type { Projection } from '../contract.ts';
import { advance, FIRST_STEP, STEP_SETTINGS } from './advance.ts';
import { compare, dropBeside, makeBeside, takePlace, type Difference } from './second-copy.ts';
import { positionOf, rewound, type Position } from './range.ts';

export interface RebuildOptions {
  /** the database, as croupier_owner */
  readonly ownerUrl: string;
  /** also where the two differ, which is what a wrong view is rebuilt for */
  readonly replace: boolean;
  readonly progress: (sentence: string) => void;
  readonly patience?: Patience;
}

/** How near the copy comes before the live view is stopped for it. */
export interface Patience {
  /** what a round took no longer than leaves so little to do that the rest is done while the live view stands still */
  readonly nearMs: number;
  /** rounds in a row that do not bring the copy nearer, which are not made for ever */
  readonly vainRounds: number;
  /** behind them: what took longer than this is not done while the live view stands still, and the rebuild is given up */
  readonly longestStillMs: number;
  /** times that the swap asks for the tables, between those who read them */
  readonly swapTries: number;
}

export interface Rebuilt {
  readonly swapped: boolean;
  readonly differences: readonly Difference[];
  /** transactions that were applied */
  readonly applied: number;
  readonly ms: number;
  /** how long the live view stood still, both times together */
  readonly stillMs: number;
  /** how long the comparison took, beside the live view */
  readonly comparedMs: number;
}

/** The rebuild cannot be done, in one sentence; the live view is as it was. */
export class CannotRebuild extends Error {}

const BUILD_SETTINGS = { ...STEP_SETTINGS, search_path: 'rebuild,public' };
/** The swap is durable; and while the copy comes up to the live one, nothing is said on this connection. */
const SWAP_SETTINGS = { lock_timeout: '5s', statement_timeout: 0, transaction_timeout: 0, idle_in_transaction_session_timeout: 0, work_mem: '64MB', jit: 'off' };
/** Longer than a step of whoever feeds the live view may last. */
const STOP_LOCK_MS = 130_000;
/** Whoever reads the view waits behind the swap for so long at most, and then the swap waits for the readers. */
const SWAP_LOCK_MS = 250;
const NOT_LOCKED = '55P03';
const BUSY_MS = 100;
const LONGEST_BUSY_MS = 20_000;
const TELL_EVERY_MS = 1_000;
const PATIENCE: Patience = { nearMs: 1_000, vainRounds: 3, longestStillMs: 60_000, swapTries: 80 };

interface Row {
  readonly state: string;
  readonly caught_up: boolean;
  readonly lanes: number[];
  readonly batches: number[];
}

const READ = 'select state, caught_up, lanes, batches from projection where name = $1 and building = $2';
/** The copy says of itself what the live row says; it follows, also where that one stood still: what is wrong it will find by itself. */
const TAKEN = `update projection b set caught_up = true, as_of = l.as_of, tail_from = l.tail_from from projection l
where b.name = $1 and b.building and l.name = $1 and not l.building`;
const RETIRED = 'select lane, batch from lane where retired_at is not null order by opened_at, lane';

export async function rebuild(projection: Projection, options: RebuildOptions): Promise<Rebuilt> {
  const hold = await connect(options.ownerUrl, { name: 'croupier rebuild', settings: SWAP_SETTINGS });
  try {
    const { rows } = await hold.query<{ alone: boolean }>("select pg_try_advisory_lock(hashtext('croupier rebuild'), hashtext($1)) as alone", [projection.name]);
    if (!rows[0]?.alone) throw new CannotRebuild(`another rebuild of ${projection.name} is under way`);
    await begin(hold, projection);
    const build = await connect(options.ownerUrl, { name: 'croupier rebuild', settings: BUILD_SETTINGS });
    try {
      return await new Rebuild(projection, options, hold, build).run();
    } finally {
      await build.end();
      await hold.query('rollback').catch(() => undefined);
      await dropBeside(hold, projection.name, projection.tables).catch((error: Error) => options.progress(`the copy could not be thrown away (${error.message}): the next rebuild does`));
    }
  } finally {
    await hold.end();
  }
}

async function begin(hold: pg.ClientBase, { name, tables }: Projection): Promise<void> {
  const live = (await hold.query<Row>(READ, [name, false])).rows[0];
  if (!live) throw new CannotRebuild(`view ${name} is not there yet: start a worker, which begins it`);
  if (!live.caught_up) throw new CannotRebuild(`view ${name} is being built for the first time: wait until \`cli views\` says that it follows`);
  await hold.query('begin');
  await dropBeside(hold, name, tables);
  await makeBeside(hold, tables);
  await hold.query('insert into projection (name, building, generation) select name, true, generation + 1 from projection where name = $1 and not building', [name]);
  await hold.query('commit');
}

class Rebuild {
  private applied = 0;
  private most = FIRST_STEP;
  private readonly begunAt = performance.now();
  private toldAt = 0;
  private stillMs = 0;
  private readonly view: string;

  constructor(
    private readonly projection: Projection, private readonly options: RebuildOptions, private readonly hold: pg.Client, private readonly build: pg.Client,
  ) {
    this.view = projection.name;
  }

  async run(): Promise<Rebuilt> {
    const { hold, view, options, projection: { tables } } = this;
    await this.comeNear();
    for (const table of tables) await this.build.query(`analyze rebuild."${table}"`);
    const { differences, comparedMs } = await this.compared();
    const swapped = differences.length === 0 || options.replace;
    if (swapped) {
      await this.comeNear();
      await this.whileStill(async () => {
        await this.takePlaceSoon();
        await hold.query(TAKEN, [view]);
        await hold.query('delete from projection where name = $1 and not building', [view]);
        await hold.query('update projection set building = false where name = $1', [view]);
      });
    }
    return { swapped, differences, applied: this.applied, ms: performance.now() - this.begunAt, stillMs: this.stillMs, comparedMs };
  }

  /** Both as they were at one position, while the live one goes on: its long comparison keeps nobody. */
  private async compared(): Promise<{ differences: Difference[]; comparedMs: number }> {
    const look = await connect(this.options.ownerUrl, { name: 'croupier rebuild', settings: { ...SWAP_SETTINGS, lock_timeout: STOP_LOCK_MS, client_connection_check_interval: '10s' } });
    try {
      await look.query('begin isolation level repeatable read read only');
      // What is seen is settled by the first question.
      await this.whileStill(() => look.query('select'));
      const begun = performance.now();
      const differences = await compare(look, this.projection.tables);
      await look.query('commit');
      return { differences, comparedMs: performance.now() - begun };
    } finally {
      await look.end();
    }
  }

  /**
   * Once through the ledger, and again through what came meanwhile, until little is left to do under the lock. A live view that moves in large steps is
   * never nearer than such a step.
   */
  private async comeNear(): Promise<void> {
    const { nearMs, vainRounds, longestStillMs } = this.options.patience ?? PATIENCE;
    for (let [least, vain, took] = [Infinity, 0, Infinity]; took > nearMs && vain < vainRounds;) {
      const begun = performance.now();
      await this.follow(this.hold);
      took = performance.now() - begun;
      vain = took < 0.9 * least ? 0 : vain + 1;
      least = Math.min(least, took);
      if (vain === vainRounds && took > longestStillMs) throw new CannotRebuild('the ledger grows as fast as it can be applied; the live view is as it was: try in a quieter hour');
    }
  }

  /** Up to where the live view stands now. */
  private async follow(asker: pg.ClientBase): Promise<void> {
    const until = await this.target(asker);
    const whole = sum(until);
    for (let waited = 0; ;) {
      const { came, applied, most } = await advance(this.build, this.projection, { building: true, most: this.most, until });
      this.most = most;
      this.applied += applied;
      await this.tell(whole);
      if (came === 'current') return;
      if (came === 'stopped') throw new CannotRebuild(`it came no further than ${await this.stop()}; the live view is as it was`);
      // Who locks a day or sets the clock holds the rows of all copies, for a moment.
      if (came !== 'busy') waited = 0;
      else if ((waited += BUSY_MS) > LONGEST_BUSY_MS) throw new CannotRebuild('somebody else holds the row of the copy; the live view is as it was: see who does in pg_stat_activity, and try again');
      else await pause(BUSY_MS);
    }
  }

  /** The live view's position; it no longer names the lanes that are retired, and has all of them. */
  private async target(asker: pg.ClientBase): Promise<Position> {
    const live = (await asker.query<Row>(READ, [this.view, false])).rows[0];
    if (!live) throw new CannotRebuild(`view ${this.view} is gone`);
    const ledger = new Map((await asker.query<{ lane: number; batch: number }>('select lane, batch from lane')).rows.map(({ lane, batch }) => [lane, batch]));
    const position = positionOf(live.lanes, live.batches);
    // A ledger that was rewound does not have what the live view has: the copy can only come up to the ledger.
    if (rewound(position, ledger) !== undefined) return ledger;
    const retired = (await asker.query<{ lane: number; batch: number }>(RETIRED)).rows;
    return new Map([...retired.map(({ lane, batch }): [number, number] => [lane, batch]), ...position]);
  }

  private async stop(): Promise<string> {
    const { rows } = await this.hold.query<{ lane: number; batch: number; id: string | null; because: string }>(
      'select stopped_lane as lane, stopped_batch as batch, stopped_transaction as id, stopped_because as because from projection where name = $1 and building', [this.view]);
    const [stop] = rows;
    return `lane ${stop?.lane}, batch ${stop?.batch}${stop?.id ? `, transaction ${stop.id}` : ''}: ${stop?.because}`;
  }

  private async tell(whole: number): Promise<void> {
    if (performance.now() - this.toldAt < TELL_EVERY_MS) return;
    this.toldAt = performance.now();
    const row = (await this.build.query<Row>(READ, [this.view, true])).rows[0];
    const done = sum(positionOf(row?.lanes ?? [], row?.batches ?? []));
    const seconds = (performance.now() - this.begunAt) / 1_000;
    const percent = whole === 0 ? 100 : Math.floor((100 * done) / whole);
    this.options.progress(`${percent} %, ${this.applied} transactions, ${Math.round(this.applied / Math.max(seconds, 0.001))} a second`);
  }

  /** With the copy exactly at the live view's position, in the transaction that keeps it there. */
  private async whileStill(work: () => Promise<unknown>): Promise<void> {
    await this.hold.query('begin');
    const since = await this.stopLive();
    await this.follow(this.hold);
    await work();
    await this.hold.query('commit');
    this.stillMs += performance.now() - since;
  }

  /** Locks its row; whoever would feed it passes by. */
  private async stopLive(): Promise<number> {
    await this.hold.query(`set local lock_timeout = ${STOP_LOCK_MS}`);
    await this.hold.query('select from projection where name = $1 and not building for update', [this.view]).catch((error: unknown) => {
      throw sqlState(error) === NOT_LOCKED ? new CannotRebuild(`${this.view} is being fed by a step of more than ${STOP_LOCK_MS / 1_000} s; it is as it was: see \`cli views\`, and try again`) : error;
    });
    return performance.now();
  }

  private async takePlaceSoon(): Promise<void> {
    const { hold, options: { patience: { swapTries } = PATIENCE } } = this;
    await hold.query(`set local lock_timeout = ${SWAP_LOCK_MS}`);
    for (let tries = 1; ; tries++) {
      await hold.query('savepoint place');
      try {
        await takePlace(hold, this.projection.tables);
        return;
      } catch (error) {
        if (sqlState(error) !== NOT_LOCKED) throw error;
        if (tries >= swapTries) throw new CannotRebuild(`somebody read the view at each of ${tries} times that its tables were asked for; it is as it was: see who does in pg_stat_activity, and try again`);
        await hold.query('rollback to savepoint place');
        await pause(SWAP_LOCK_MS);
      }
    }
  }
}

const sum = (position: Position): number => [...position.values()].reduce((total, batch) => total + batch, 0);
