/** One batch on one writer connection: load → decide → write, and what to do when it fails. Queues and order are `lane.ts`. */
import { randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { classify, connect, sqlState, type Settings } from '../../libs/postgres/index.ts';
import { Fault, type Answered, type Call } from './contract.ts';
import { decide } from './decide.ts';
import type { Loaded } from './found.ts';
import { CommitUnknown, load, MONEY_SETTINGS, stateIn, write, type Changes, type Lane } from './money.ts';
import type { SessionProbe } from './probes.ts';
import { absorb, type Entry, type NextId, type Verdict } from './state.ts';

/** A call that waits for its answer. `settled` once it has one; `sent` once a write that holds it has left. */
export interface Waiting {
  readonly call: Call;
  readonly size: number;
  readonly arrivedAt: number;
  readonly settle: (answer: Answered<object> | Fault) => void;
  settled: boolean;
  sent: boolean;
}

/** Told of what an operator should look at. */
export type Alert = (message: string, error: unknown) => void;

const TRIES_ON_CONFLICT = 3;
const PAUSE_WHILE_UNKNOWN_MS = 25;
/** Past the server's own time-outs: a connection that says nothing for so long is not there any more. */
const SILENCE_MS = 3_000;
const GOODBYE_MS = 1_000;
const REPLIES_A_TURN = 64;

/**
 * Answers on their way out, in the order of the batches. A few leave in each turn of the event loop, so that what comes in meanwhile is
 * not kept waiting by a whole batch; the first leave at once, and the lane goes on with its next batch beside them.
 */
class Replies {
  private waiting: (() => void)[] = [];
  private sent: Promise<void> = Promise.resolve();

  /** When all have left: a lane is never more than one batch ahead of its answers. */
  out(): Promise<void> {
    return this.sent;
  }

  send(replies: (() => void)[]): void {
    this.waiting = replies;
    this.sent = new Promise((sent) => this.some(sent));
  }

  private some(sent: () => void): void {
    for (const reply of this.waiting.splice(0, REPLIES_A_TURN)) reply();
    if (this.waiting.length > 0) setImmediate(() => this.some(sent));
    else sent();
  }
}

/** A writer connection and its lane, opened on first need and replaced when it breaks; a new connection is a new lane. */
export class Writer {
  readonly replies = new Replies();
  private opening: Promise<Lane> | undefined;
  private client: pg.Client | undefined;

  constructor(
    private readonly url: string,
    private readonly name: string,
    private readonly settings: Settings = MONEY_SETTINGS,
    private readonly drawLane = () => randomInt(1, 2 ** 31),
  ) {}

  get healthy(): boolean {
    return this.client !== undefined;
  }

  open(): Promise<Lane> {
    this.opening ??= this.start().catch((error: unknown) => {
      this.opening = undefined;
      throw error;
    });
    return this.opening;
  }

  private async start(): Promise<Lane> {
    const client = await connect(this.url, { name: this.name, settings: this.settings });
    client.once('end', () => this.drop(client));
    try {
      const id = await this.newLane(client);
      this.client = client;
      return { client, id, batch: 0 };
    } catch (error) {
      this.drop(client);
      throw error;
    }
  }

  /** Never one that was used before: among so many numbers two draws meet all the same, once there have been some ten thousand connections. */
  private async newLane(client: pg.Client): Promise<number> {
    for (;;) {
      const id = this.drawLane();
      const { rowCount } = await client.query({ text: 'insert into lane (lane, batch) values ($1, 0) on conflict do nothing', values: [id] });
      if (rowCount === 1) return id;
    }
  }

  /** Forgets a broken connection at once; the server ends what was open on it. */
  drop(client: pg.Client): void {
    if (this.client === client) this.client = this.opening = undefined;
    (client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
  }

  async close(): Promise<void> {
    const lane = await this.opening?.catch(() => undefined);
    this.client = this.opening = undefined;
    if (!lane) return;
    const giveUp = setTimeout(() => this.drop(lane.client), GOODBYE_MS);
    await lane.client.end();
    clearTimeout(giveUp);
  }
}

/** UUIDv7 of a millisecond; its random part is the lane, the batch and the place in it, so that an id finds its row without an index. */
function idsOf(lane: Lane): NextId {
  const batch = ((lane.batch + 1) % 2 ** 30).toString(2).padStart(30, '0');
  const tail = BigInt(`0b10${lane.id.toString(2).padStart(32, '0')}${batch}`).toString(16).padStart(16, '0');
  let place = 0;
  return (at) => {
    if (place > 0xfff) throw new Fault('INTERNAL', 'a batch with more than 4096 transactions');
    const time = at.toString(16).padStart(12, '0');
    return `${time.slice(0, 8)}-${time.slice(8)}-7${(place++).toString(16).padStart(3, '0')}-${tail.slice(0, 4)}-${tail.slice(4)}`;
  };
}

/** Runs them to the end, each answered or, where its player is held by another session, handed back. */
export async function execute(writer: Writer, items: readonly Waiting[], waiting: boolean, alert: Alert): Promise<Waiting[]> {
  let conflicts = 0;
  let breaks = 0;
  for (;;) {
    const open = items.filter((item) => !item.settled);
    if (open.length === 0) return [];
    try {
      return await once(writer, open, waiting, alert);
    } catch (error) {
      const kind = error instanceof CommitUnknown ? 'unknown' : isRetired(error) ? 'again' : classify(error);
      const unknown = open.some((item) => item.sent);
      if (waiting && sqlState(error) === '55P03') return open;
      if (kind === 'again' && ++conflicts < TRIES_ON_CONFLICT) continue;
      if (kind === 'poison') return halve(writer, open, waiting, alert, error);
      if (kind === 'gone' && !unknown && ++breaks < 2) continue;
      if (unknown) {
        await sleep(PAUSE_WHILE_UNKNOWN_MS);
        continue;
      }
      settleAll(open, new Fault('UNAVAILABLE', 'the database could not do it now', { cause: error }));
      return [];
    }
  }
}

/** Until the bad call stands alone; a call of several actions is never split. */
async function halve(writer: Writer, items: readonly Waiting[], waiting: boolean, alert: Alert, error: unknown): Promise<Waiting[]> {
  if (items.length === 1) {
    alert('a call could not be written', error);
    settleAll(items, new Fault('INTERNAL', 'the call could not be written', { cause: error }));
    return [];
  }
  const middle = items.length >> 1;
  const held = await execute(writer, items.slice(0, middle), waiting, alert);
  const stuck = new Set(held.map((item) => item.call.player));
  const rest = items.slice(middle);
  const behind = rest.filter((item) => stuck.has(item.call.player));
  return [...held, ...behind, ...(await execute(writer, rest.filter((item) => !stuck.has(item.call.player)), waiting, alert))];
}

async function once(writer: Writer, items: readonly Waiting[], waiting: boolean, alert: Alert): Promise<Waiting[]> {
  const lane = await writer.open();
  const silence = setTimeout(() => writer.drop(lane.client), SILENCE_MS);
  let written: readonly Waiting[] | undefined;
  try {
    const loaded = await load(lane.client, items.map((item) => item.call), waiting);
    const isHeld = (item: Waiting) => loaded.held.has(item.call.player);
    // A call answered meanwhile (its deadline passed) is never executed.
    const mine = items.filter((item) => !item.settled && !isHeld(item));
    const { answers, changes } = judge(mine, loaded, idsOf(lane), alert);
    // What an earlier attempt may have done stays in doubt, however this one ends.
    written = mine.filter((item) => !item.sent);
    for (const item of mine) item.sent = true;
    const position = await write(lane, changes);
    await writer.replies.out();
    writer.replies.send(answers.map(([item, answer]) => () => item.settle({ answer, position })));
    return items.filter((item) => !item.settled && isHeld(item));
  } catch (error) {
    if (error instanceof CommitUnknown) writer.drop(lane.client);
    else {
      for (const item of written ?? []) item.sent = false;
      await lane.client.query('rollback').catch(() => writer.drop(lane.client));
      if (isRetired(error)) writer.drop(lane.client);
    }
    throw error;
  } finally {
    clearTimeout(silence);
  }
}

/** The lane was taken out of use while its connection was not to be seen; the next connection is a new lane. */
const isRetired = (error: unknown): boolean => (error as { constraint?: string }).constraint === 'lane_retired';

function judge(items: readonly Waiting[], loaded: Loaded, nextId: NextId, alert: Alert): { answers: [Waiting, object][]; changes: Changes } {
  const answers: [Waiting, object][] = [];
  const entries: Entry[] = [];
  const verdicts: Verdict[] = [];
  const superseded: SessionProbe[] = [];
  const slid: SessionProbe[] = [];
  const stateOf = stateIn(loaded);
  for (const item of items) {
    const state = stateOf(item.call);
    try {
      const { answer, draft } = decide(state, item.call, nextId);
      if (state && draft) {
        absorb(state, draft);
        entries.push(...draft.entries);
        verdicts.push(...draft.verdicts);
        for (const hash of draft.superseded) superseded.push({ operator: state.operator, hash });
        for (const hash of draft.slid) slid.push({ operator: state.operator, hash });
      }
      answers.push([item, answer]);
    } catch (error) {
      alert('a call could not be decided', error);
      item.settle(error instanceof Fault ? error : new Fault('INTERNAL', 'the call could not be decided', { cause: error }));
    }
  }
  const states = [...loaded.states.values()];
  const wallets = states.flatMap((state) => state.wallets.filter((wallet) => wallet.version !== wallet.loadedVersion));
  const keys = states.flatMap((state) => state.keys.filter((row) => row.stored !== 'yes'));
  const rounds = states.flatMap((state) => state.rounds.filter((row) => row.stored !== 'yes'));
  return { answers, changes: { wallets, keys, rounds, entries, verdicts, superseded, slid } };
}

export function settleAll(items: readonly Waiting[], fault: Fault): void {
  for (const item of items) if (!item.settled) item.settle(fault);
}
