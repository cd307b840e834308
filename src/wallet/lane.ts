/**
 * Calls wait here for their turn. What waits at the same moment is written together; nothing lingers for company.
 * One lane's batches follow each other, so a player's calls keep the order in which they came. Players whose wallets another session
 * holds go to a side connection, which waits for them, until they have nothing left to do.
 */
import type { Settings } from '../../libs/postgres/index.ts';
import { execute, settleAll, Writer, type Alert, type Waiting } from './batch.ts';
import { Fault, isPlayerId, type Answered, type AnswerTo, type Call, type CallClass, type LaneWatch, type Movement } from './contract.ts';
import { MONEY_SETTINGS } from './money.ts';
import { admits, classOf, MOVEMENTS_WAITING, Pace } from './pressure.ts';

const MOVEMENTS_A_BATCH = 512;
const MOVEMENTS_OF_ONE_PLAYER = 64;
const SWEEP_MS = 20;
/** How long the side connection waits for one held wallet before it looks after the others again. */
const SIDE_PATIENCE = '25ms';

export interface LaneOptions {
  readonly url: string;
  readonly lanes: number;
  readonly watch: LaneWatch;
  readonly alert: Alert;
  /** 1 writes every call alone: the benchmark's "one by one" */
  readonly movementsABatch?: number;
}

interface Queue {
  readonly writer: Writer;
  readonly pace: Pace;
  items: Waiting[];
  /** movements in `items` */
  size: number;
  running: boolean;
}

const sizeOf = (items: readonly Waiting[]): number => items.reduce((sum, item) => sum + item.size, 0);

export class Lanes {
  private readonly queues: Queue[];
  private readonly side: Queue;
  /** Players that belong to the side connection until their calls there are done. */
  private readonly sidePlayers = new Map<string, number>();
  private readonly unanswered = new Set<Waiting>();
  /** movements in `unanswered` */
  private movements = 0;
  /** The last sweep and the one before it. */
  private sweptAt = 0;
  private lookedAt = 0;
  private readonly sweeper: NodeJS.Timeout;
  private readonly most: number;

  constructor(private readonly options: LaneOptions) {
    this.most = options.movementsABatch ?? MOVEMENTS_A_BATCH;
    const queue = (name: string, settings?: Settings): Queue =>
      ({ writer: new Writer(options.url, name, settings), pace: new Pace(this.most), items: [], size: 0, running: false });
    this.queues = Array.from({ length: options.lanes }, (_, i) => queue(`croupier lane ${i}`));
    this.side = queue('croupier side', { ...MONEY_SETTINGS, lock_timeout: SIDE_PATIENCE });
    this.sweeper = setInterval(() => this.sweep(), SWEEP_MS);
    this.sweeper.unref();
  }

  /** Answers once the call is decided and durable. Fails with a `Fault`: nothing was done, or nobody knows (`OUTCOME_UNKNOWN`). */
  submit<M extends Movement>(call: Call<M>): Promise<Answered<AnswerTo<M>>> {
    if (!isPlayerId(call.player)) return Promise.resolve({ answer: { refused: 'PLAYER_NOT_FOUND', replayed: false } });
    const arrivedAt = performance.now();
    const aside = this.sidePlayers.has(call.player);
    const queue = this.queues[laneOf(call.player, this.queues.length)] as Queue;
    if (!this.lets(classOf(call.movement), aside ? 0 : queue.pace.waitMs(queue.size, this.lookedAt), call.deadlineAt - arrivedAt)) {
      return Promise.reject(new Fault('OVERLOADED', 'too much is waiting'));
    }
    return new Promise((resolve, reject) => {
      const item: Waiting = {
        call, size: call.movement.kind === 'play' ? call.movement.actions.length : 1, arrivedAt, settled: false, sent: false,
        settle: (answer) => {
          if (item.settled) return;
          item.settled = true;
          this.unanswered.delete(item);
          this.movements -= item.size;
          if (answer instanceof Fault) reject(answer);
          else resolve(answer as Answered<AnswerTo<M>>);
        },
      };
      this.unanswered.add(item);
      this.movements += item.size;
      if (aside) this.toSide([item]);
      else this.enqueue(queue, item);
    });
  }

  /**
   * Before it is known whose call it is: by the lane with the shortest wait, so that only what none would take is refused. `fill`: how
   * full another queue is that the call would have to pass.
   */
  admits(callClass: CallClass, withinMs: number, fill = 0): boolean {
    return this.lets(callClass, Math.min(...this.queues.map(({ pace, size }) => pace.waitMs(size, this.lookedAt))), withinMs, fill);
  }

  /** Behind a batch that nobody waits for any more one call may try its luck: so it is found out when all is well again. */
  private lets(callClass: CallClass, waitMs: number, withinMs: number, fill = 0): boolean {
    const pressure = { fill: Math.max(fill, this.movements / MOVEMENTS_WAITING), waitMs: this.movements === 0 ? 0 : waitMs };
    const admitted = admits(callClass, pressure, withinMs);
    if (!admitted) this.options.watch.shed(callClass);
    return admitted;
  }

  get waiting(): number {
    return this.unanswered.size;
  }

  get connectionsOpen(): number {
    return [...this.queues, this.side].filter((queue) => queue.writer.healthy).length;
  }

  /** Whether a batch could be written now; opens the connections where they are not. */
  async ready(): Promise<void> {
    await Promise.all(this.queues.map((queue) => queue.writer.open()));
  }

  /** Finishes what waits, then closes the connections. Call it when nothing more comes in. */
  async close(): Promise<void> {
    while (this.unanswered.size > 0) await new Promise((resolve) => setTimeout(resolve, 5));
    clearInterval(this.sweeper);
    await Promise.all([...this.queues, this.side].map((queue) => queue.writer.close()));
  }

  private enqueue(queue: Queue, item: Waiting): void {
    queue.items.push(item);
    queue.size += item.size;
    // Calls read from their sockets in the same turn of the event loop go together.
    if (!queue.running) {
      queue.running = true;
      setImmediate(() => void this.work(queue));
    }
  }

  private async work(queue: Queue): Promise<void> {
    while (queue.items.length > 0) {
      const batch = this.take(queue);
      const takenAt = performance.now();
      for (const item of batch) this.options.watch.waited(takenAt - item.arrivedAt);
      if (batch.length === 0) continue;
      const leftBehind = queue.size > 0;
      queue.pace.began(takenAt);
      this.toSide(await this.run(queue.writer, batch, false));
      queue.pace.ended(performance.now(), sizeOf(batch), leftBehind);
    }
    queue.running = false;
  }

  /** One try; whoever is answered or gone is no longer in the list that comes back. */
  private async run(writer: Writer, batch: Waiting[], waiting: boolean): Promise<Waiting[]> {
    const startedAt = performance.now();
    try {
      const held = await execute(writer, batch, waiting, this.options.alert);
      const judged = sizeOf(batch) - sizeOf(held);
      if (judged > 0) this.options.watch.batch(judged, performance.now() - startedAt);
      return held;
    } catch (error) {
      this.options.alert('a batch failed', error);
      settleAll(batch, new Fault('INTERNAL', 'the batch failed', { cause: error }));
      return [];
    }
  }

  /** The next batch in order of arrival, within the limits; a player whose call does not fit waits with all that follow. */
  private take(queue: Queue): Waiting[] {
    const batch: Waiting[] = [];
    const rest: Waiting[] = [];
    const ofPlayer = new Map<string, number>();
    let size = 0;
    for (const item of queue.items) {
      if (item.settled) continue;
      if (queue !== this.side && this.sidePlayers.has(item.call.player)) {
        this.toSide([item]);
        continue;
      }
      const before = ofPlayer.get(item.call.player) ?? 0;
      const fits = size === 0 || (size + item.size <= this.most && (before === 0 || before + item.size <= MOVEMENTS_OF_ONE_PLAYER));
      ofPlayer.set(item.call.player, fits ? before + item.size : Infinity);
      if (fits) size += item.size;
      (fits ? batch : rest).push(item);
    }
    queue.items = rest;
    queue.size = sizeOf(rest);
    return batch;
  }

  private toSide(items: readonly Waiting[]): void {
    if (items.length === 0) return;
    for (const item of items) this.sidePlayers.set(item.call.player, (this.sidePlayers.get(item.call.player) ?? 0) + 1);
    this.side.items.push(...items);
    if (this.side.running) return;
    this.side.running = true;
    setImmediate(() => void this.workAside());
  }

  /** All at once without waiting; if none of their wallets is free, wait a moment for the one that came first. */
  private async workAside(): Promise<void> {
    while (this.side.items.length > 0) {
      const batch = this.take(this.side);
      let held = batch.length === 0 ? batch : await this.run(this.side.writer, batch, false);
      const first = held[0];
      if (first && held.length === batch.length) {
        const others = held.filter((item) => item.call.player !== first.call.player);
        const its = await this.run(this.side.writer, held.filter((item) => item.call.player === first.call.player), true);
        held = [...others, ...its];
      }
      this.side.items = [...held, ...this.side.items];
      this.countAside();
    }
    this.side.running = false;
  }

  private countAside(): void {
    this.sidePlayers.clear();
    this.side.items = this.side.items.filter((item) => !item.settled);
    for (const item of this.side.items) this.sidePlayers.set(item.call.player, (this.sidePlayers.get(item.call.player) ?? 0) + 1);
  }

  /** Deadlines: who was never sent did nothing and never will; of the others nobody knows yet. */
  private sweep(): void {
    const now = performance.now();
    // By the sweep before all had been read that had come: a batch without its answer then was not there yet, and did not just lie unread.
    this.lookedAt = this.sweptAt;
    this.sweptAt = now;
    for (const item of this.unanswered) {
      if (now < item.call.deadlineAt) continue;
      if (item.sent) item.settle(new Fault('OUTCOME_UNKNOWN', 'the deadline passed while the outcome was unknown'));
      else if (this.sidePlayers.has(item.call.player)) item.settle(new Fault('UNAVAILABLE', 'the wallet is held by another session'));
      else item.settle(new Fault(this.queues[0]?.writer.healthy ? 'OVERLOADED' : 'UNAVAILABLE', 'the deadline passed before the call was begun'));
    }
    // Who was told so is not waited for any more, also while the lane is at a standstill.
    for (const queue of this.queues) if (queue.size > 0) queue.size = sizeOf(queue.items.filter((item) => !item.settled));
  }
}

/** Players are spread over the lanes by the last digits of their id, which are random. */
function laneOf(player: string, lanes: number): number {
  return lanes === 1 ? 0 : Number.parseInt(player.slice(-4), 16) % lanes;
}
