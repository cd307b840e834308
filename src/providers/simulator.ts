/**
 * A studio that plays rounds against a wallet, in any dialect, over a network that may fail on purpose. It keeps a book of its own: what
 * each player must have gained by what the wallet answered, so that whoever runs it can hold the wallet to that. No Nest, no database.
 */
import { randomUUID } from 'node:crypto';
import { Agent as HttpAgent, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { setTimeout as pause } from 'node:timers/promises';
import type { Heard, Reply, Said, Seat, Speaker, Verdict, Wire } from '../conformance/contract.ts';

/** How often each thing goes wrong, 0 to 1, and for how long at most. */
export interface Chaos {
  /** before a call is sent */
  readonly delayMs: number;
  /** the wallet's answer is thrown away, and the same said again */
  readonly dropAnswer: number;
  /** the same is said twice at once */
  readonly duplicate: number;
  /** the win is said before the answer to its bet is there */
  readonly reorder: number;
  /** the rollback comes before the bet */
  readonly rollbackFirst: number;
}

export interface SimulateOptions {
  readonly seed: number;
  /** of each player, one after the other */
  readonly rounds: number;
  readonly games: readonly string[];
  readonly chaos?: Partial<Chaos>;
  /** players at the same time; default all */
  readonly parallel?: number;
  /** how long a player waits between two rounds, at most */
  readonly restMs?: number;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  /** what an operator of a studio would want to read: the seed, and what could not be finished */
  readonly tell?: (line: string) => void;
}

export interface Played {
  readonly seed: number;
  readonly rounds: number;
  readonly calls: number;
  readonly verdicts: Readonly<Partial<Record<Verdict, number>>>;
  /** by player and currency, in 1/100 000: what their wallet must have gained */
  readonly gained: ReadonlyMap<string, bigint>;
  /** what had no final answer: the book is open there, and says nothing of that player */
  readonly open: readonly string[];
  /** of answers whose form is wrong */
  readonly complaints: readonly string[];
}

const CALM: Chaos = { delayMs: 0, dropAnswer: 0, duplicate: 0, reorder: 0, rollbackFirst: 0 };
const ATTEMPTS = 12;
const AGAIN_MS = 40;
const UNITS = 100_000n;

/** Numbers between 0 and 1 that a seed tells (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

export const bookKey = ({ player, currency }: Pick<Seat, 'player' | 'currency'>): string => `${player} ${currency}`;

/** Sends one attempt; rejects where no whole answer came. `baseUrl`: the wallet's, with the account's base path where its dialect has one. */
export type Send = (wire: Wire) => Promise<Reply>;

export function sender(baseUrl: string, timeoutMs = 1_000): { readonly send: Send; close(): void } {
  const base = baseUrl.replace(/\/+$/, '');
  const secure = base.startsWith('https:');
  const agent = new (secure ? HttpsAgent : HttpAgent)({ keepAlive: true, maxSockets: 256 });
  const send: Send = ({ method, path, headers, body }) => new Promise((resolve, reject) => {
    const outgoing = (secure ? httpsRequest : httpRequest)(`${base}/${path.replace(/^\/+/, '')}`, { method, agent, headers: { ...headers, 'content-length': body.length } });
    const timer = setTimeout(() => outgoing.destroy(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
    const failed = (error: Error) => { clearTimeout(timer); reject(error); };
    outgoing.once('error', failed);
    outgoing.once('response', (incoming) => {
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
      incoming.once('error', failed);
      incoming.once('end', () => {
        clearTimeout(timer);
        const flat = Object.entries(incoming.headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : (value ?? '')]);
        resolve({ status: incoming.statusCode ?? 0, headers: Object.fromEntries(flat) as Record<string, string>, body: Buffer.concat(chunks).toString() });
      });
    });
    outgoing.end(body);
  });
  return { send, close: () => agent.destroy() };
}

/** Plays `rounds` rounds on each seat. The same seed asks for the same stakes, wins and accidents, not for the same order among players. */
export async function simulate<Secret>(
  speaker: Speaker<Secret>, secret: Secret, baseUrl: string, seats: readonly Seat[], options: SimulateOptions,
): Promise<Played> {
  options.tell?.(`${speaker.title}: ${seats.length} players, ${options.rounds} rounds each, seed ${options.seed}`);
  const { send, close } = sender(baseUrl, options.timeoutMs);
  const studio = new Studio(speaker, secret, send, options);
  const waiting = seats.map((seat, i) => () => studio.sit(seat, seeded(options.seed + i * 7_919)));
  const hand = async (): Promise<void> => {
    for (let next = waiting.shift(); next; next = waiting.shift()) await next();
  };
  try {
    await Promise.all(Array.from({ length: Math.min(options.parallel ?? seats.length, seats.length) }, hand));
  } finally {
    close();
  }
  return studio.played();
}

interface Round {
  readonly seat: Seat;
  readonly round: string;
  readonly game: string;
  readonly random: () => number;
}

class Studio<Secret> {
  private readonly chaos: Chaos;
  private rounds = 0;
  private calls = 0;
  private readonly verdicts: Partial<Record<Verdict, number>> = {};
  private readonly gained = new Map<string, bigint>();
  private readonly open: string[] = [];
  private readonly complaints: string[] = [];

  constructor(
    private readonly speaker: Speaker<Secret>,
    private readonly secret: Secret,
    private readonly send: Send,
    private readonly options: SimulateOptions,
  ) {
    this.chaos = { ...CALM, ...options.chaos };
  }

  played(): Played {
    const { rounds, calls, verdicts, gained, open, complaints } = this;
    return { seed: this.options.seed, rounds, calls, verdicts, gained, open, complaints };
  }

  async sit(seat: Seat, random: () => number): Promise<void> {
    this.gained.set(bookKey(seat), 0n);
    for (let i = 0; i < this.options.rounds && !this.options.signal?.aborted; i++) {
      const game = this.options.games[Math.floor(random() * this.options.games.length)] ?? '';
      await this.round({ seat, round: randomUUID(), game, random });
      this.rounds++;
      if (this.options.restMs) await pause(random() * this.options.restMs);
    }
  }

  private async round({ seat, round, game, random }: Round): Promise<void> {
    const [bet, win, undo] = [randomUUID(), randomUUID(), randomUUID()];
    const digits = Math.min(2, this.speaker.can.digits(seat.currency));
    const step = UNITS / 10n ** BigInt(digits);
    const stake = BigInt(1 + Math.floor(random() * 500)) * step;
    const prize = random() < 0.3 ? stake * BigInt(1 + Math.floor(random() * 5)) : 0n;
    const told = { seat, round, game };
    const betting: Said = this.one(told, { kind: 'bet', reference: bet, amount: amountText(stake, digits) });
    const winning: Said = this.one(told, { kind: 'win', reference: win, amount: amountText(prize, digits), bet }, true);
    const undoing: Said = { say: 'rollback', ...told, reference: undo, original: bet, of: 'bet' };

    if (random() < this.chaos.rollbackFirst) {
      await this.insist(undoing, random);
      // Behind its own rollback nothing moves, whatever the dialect calls that: nothing is booked.
      await this.utter(betting, random);
      return;
    }
    const early = prize > 0n && random() < this.chaos.reorder ? this.utter(winning, random) : undefined;
    const answer = await this.untilKnown(betting, random);
    const heard = await early;
    // A win whose answer was lost may be paid, and where wins need no bet it may be that without one: only the same again tells.
    const unclear = early !== undefined && answer !== 'yes' && (heard === undefined || isAgain(heard));
    const paid = heard?.verdicts.includes('ok') === true || (unclear && (await this.insist(winning, random)));
    // What is paid already is no longer rolled back: the bet itself must be heard, whatever it came to.
    const taken = answer === 'nobody knows' && paid ? await this.untilKnown(betting, random, ATTEMPTS) : answer;
    if (taken === 'no') return paid ? this.book(seat, prize) : undefined;
    if (taken === 'nobody knows') {
      // It is given up: from here on only its rollback is said, until that is heard.
      if (paid || !(await this.insist(undoing, random))) this.open.push(bookKey(seat));
      return;
    }
    this.book(seat, -stake);
    if (prize === 0n && random() < 0.5) return;
    if (await this.insist(winning, random)) this.book(seat, prize);
    else this.open.push(bookKey(seat));
  }

  private one(told: Omit<Round, 'random'>, action: { kind: 'bet' | 'win'; reference: string; amount: string; bet?: string }, closes = false): Said {
    const { kind, reference, amount, bet } = action;
    if (!this.speaker.can.says.includes(kind)) return { say: 'play', ...told, closes, actions: [action] };
    return kind === 'bet' ? { say: 'bet', ...told, reference, amount, closes } : { say: 'win', ...told, reference, amount, bet, closes };
  }

  private book(seat: Seat, units: bigint): void {
    this.gained.set(bookKey(seat), (this.gained.get(bookKey(seat)) ?? 0n) + units);
  }

  /** A bet, as providers do it: a few times at once, then it counts as unknown. */
  private async untilKnown(said: Said, random: () => number, attempts = 3): Promise<'yes' | 'no' | 'nobody knows'> {
    for (let attempt = 0; attempt < attempts; attempt++) {
      const heard = await this.utter(said, random);
      if (heard?.verdicts.includes('ok')) return 'yes';
      if (heard && !isAgain(heard)) return 'no';
    }
    return 'nobody knows';
  }

  /** A win or a rollback: again and again, because it is owed. Whether it was heard. */
  private async insist(said: Said, random: () => number): Promise<boolean> {
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      const heard = await this.utter(said, random);
      if (heard?.verdicts.includes('ok')) return true;
      if (heard && !isAgain(heard)) {
        this.options.tell?.(`${said.say} in ${'round' in said ? said.round : ''} is refused: ${heard.verdicts.join(' or ')}`);
        return false;
      }
      await pause(AGAIN_MS * attempt * random());
    }
    this.options.tell?.(`${said.say} in ${'round' in said ? said.round : ''} was given up`);
    return false;
  }

  /** One attempt with all that can go wrong around it; undefined: nothing was heard. */
  private async utter(said: Said, random: () => number): Promise<Heard | undefined> {
    const { delayMs, dropAnswer, duplicate } = this.chaos;
    // Drawn in this order whatever happens, so that a seed tells the same story again.
    const [late, lost, twice] = [random() * delayMs, random() < dropAnswer, random() < duplicate];
    if (late >= 1) await pause(late);
    const attempts = await Promise.all(Array.from({ length: twice ? 2 : 1 }, () => this.attempt(said)));
    return lost ? undefined : attempts.find((heard) => heard?.verdicts.includes('ok')) ?? attempts[0];
  }

  private async attempt(said: Said): Promise<Heard | undefined> {
    this.calls++;
    let reply: Reply;
    try {
      reply = await this.send(this.speaker.say(said, this.secret));
    } catch {
      return undefined;
    }
    const heard = this.speaker.hear(said, reply);
    const [verdict] = heard.verdicts;
    if (verdict) this.verdicts[verdict] = (this.verdicts[verdict] ?? 0) + 1;
    if (heard.complaint !== undefined) this.complaints.push(`${said.say}: ${heard.complaint}`);
    return heard;
  }
}

/** Which says nothing for good: the attempt did nothing, or nobody knows. A code that has other meanings too is one of these first. */
const isAgain = ({ verdicts: [first] }: Heard): boolean => first === 'retry' || first === 'throttled' || first === 'not-understood';

/** 1/100 000 → `"12.50"`, with so many digits; what is finer is cut off. */
export function amountText(units: bigint, digits: number): string {
  const fraction = (units % UNITS).toString().padStart(5, '0').slice(0, digits);
  return digits === 0 ? String(units / UNITS) : `${units / UNITS}.${fraction}`;
}
