/**
 * Where a case says things to a wallet. Every call is judged by what its answer means and by the player's balance, which is read at the
 * start and behind every call: it has to have moved by exactly what the case says. The first that does not hold ends the case.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { CannotSay, type Abilities, type Action, type Heard, type Reply, type Said, type Seat, type Wire } from './contract.ts';
import { ok, type OpenBet, type Outcome, type Setting, type Step } from './setting.ts';
import { movedText, smallest, textOf, unitFor, unitsOf } from './money.ts';
import type { Transport } from './transport.ts';
import { heardWords, outcomeWords, saidWords } from './words.ts';

export type Bet = Extract<Said, { say: 'bet' }>;
export type Win = Extract<Said, { say: 'win' }>;
export type Rollback = Extract<Said, { say: 'rollback' }>;
export type Play = Extract<Said, { say: 'play' }>;
export type Award = Extract<Said, { say: 'award' }>;
export type Close = Extract<Said, { say: 'close' }>;
export type Adjust = Extract<Said, { say: 'adjust' }>;
export type Cancel = Extract<Said, { say: 'cancel' }>;

/** Ends a case: something was not as it has to be. */
export class Wrong extends Error {}
/** Ends a case: it cannot be judged here. */
export class LeftOut extends Error {}

/** All desks of a case write into one record. */
export interface CaseRecord {
  readonly setting: Setting;
  readonly transport: Transport;
  readonly id: () => string;
  readonly steps: Step[];
  /** said already: a repetition may be answered as the dialect does */
  readonly known: Set<string>;
}

interface Heed {
  readonly heard: Heard;
  readonly reply: Reply;
  readonly index: number;
}

const isMeant = ({ verdicts, statuses }: Outcome, heard: Heard, { status }: Reply): boolean =>
  verdicts.some((verdict) => heard.verdicts.includes(verdict)) || statuses?.includes(status) === true;

export class Desk {
  /** of the seat, by what was read and what has moved since */
  balance = 0n;
  /** what amounts of a case are multiples of */
  unit = 1n;
  second!: Desk;
  foreign!: Desk;
  blocked!: Desk;
  expired!: Desk;
  superseded!: Desk;
  readonly record: CaseRecord;
  readonly seat: Seat;
  /** of a seat that may not bet any more: a bet from before */
  readonly open: OpenBet | undefined;
  readonly game: string;
  readonly can: Abilities;

  constructor(record: CaseRecord, seat: Seat, open?: OpenBet) {
    this.record = record;
    this.seat = seat;
    this.open = open;
    this.game = record.setting.games[0] as string;
    this.can = record.setting.speaker.can;
  }

  get otherGame(): string {
    return this.record.setting.games[1] as string;
  }

  /** The least amount that this wire can say. */
  get least(): bigint {
    return smallest(this.can.digits(this.seat.currency));
  }

  id(): string {
    return this.record.id();
  }

  /** Reads the balance. False where it is too little to play with. */
  async sitDown(): Promise<boolean> {
    const { heard } = await this.call({ say: 'balance', seat: this.seat }, [ok()], 'The player of a seat can be asked for its balance.');
    this.balance = this.told(heard, 'A balance is told.') ?? 0n;
    const unit = unitFor(this.balance, this.can.digits(this.seat.currency));
    this.unit = unit ?? this.least;
    return unit !== undefined;
  }

  units = (count: number): bigint => BigInt(count) * this.unit;

  bet(amount: bigint, options: Partial<Bet> = {}): Bet {
    return { say: 'bet', seat: this.seat, round: this.id(), game: this.game, reference: this.id(), amount: textOf(amount), ...options };
  }

  /** In the bet's round, naming it. */
  win(bet: Pick<Bet, 'reference' | 'round' | 'game'>, amount: bigint, options: Partial<Win> = {}): Win {
    return { say: 'win', seat: this.seat, round: bet.round, game: bet.game, bet: bet.reference, reference: this.id(), amount: textOf(amount), ...options };
  }

  undo(said: Bet | Win | Required<Adjust> | Pick<OpenBet, 'reference' | 'round' | 'game'>, options: Partial<Rollback> = {}): Rollback {
    const of = !('say' in said) || said.say === 'bet' ? {} : { of: said.say === 'win' ? 'win' as const : 'adjustment' as const };
    return { say: 'rollback', seat: this.seat, round: said.round, game: said.game, original: said.reference, reference: this.id(), ...of, ...options };
  }

  play(actions: readonly Action[], options: Partial<Play> = {}): Play {
    return { say: 'play', seat: this.seat, round: this.id(), game: this.game, actions, ...options };
  }

  action(kind: 'bet' | 'win', amount: bigint, options: Partial<Action> = {}): Action {
    return { kind, reference: this.id(), amount: textOf(amount), ...options };
  }

  award(amount: bigint, options: Partial<Award> = {}): Award {
    return { say: 'award', seat: this.seat, reference: this.id(), amount: textOf(amount), award: 'jackpot', ...options };
  }

  close(of: Pick<Bet, 'round' | 'game'>): Close {
    return { say: 'close', seat: this.seat, round: of.round, game: of.game };
  }

  cancel(of: Pick<Bet, 'round' | 'game'>): Cancel {
    return { ...this.close(of), say: 'cancel' };
  }

  /** Below zero it takes. */
  adjust(amount: bigint, options: Partial<Adjust> = {}): Required<Adjust> {
    return { say: 'adjust', seat: this.seat, round: this.id(), game: this.game, reference: this.id(), amount: textOf(amount), ...options };
  }

  /** Says it, and looks at answer and balance. `why`: the rule, as one sentence. */
  async says(said: Said, wanted: Outcome | readonly Outcome[], why: string): Promise<Heard> {
    return this.heeds(said, undefined, [wanted].flat(), why);
  }

  /** Sends bytes that are not, or not only, the speaker's; understood as the answer to `said`. */
  async sends(wire: Wire, said: Said, wanted: Outcome | readonly Outcome[], why: string): Promise<Heard> {
    return this.heeds(said, wire, [wanted].flat(), why);
  }

  /** Says all of it in one moment. `totals`: what the balance may have gained in all, by the answers. */
  async saysAtOnce(calls: readonly (readonly [Said, readonly Outcome[]])[], totals: (heards: readonly Heard[]) => readonly bigint[], why: string): Promise<Heard[]> {
    const settled = await Promise.allSettled(calls.map(([said, wanted]) => this.call(said, wanted, why)));
    const failed = settled.find((each) => each.status === 'rejected');
    if (failed) throw failed.reason;
    const heards = settled.map((each) => (each as PromiseFulfilledResult<Heed>).value.heard);
    await this.settles(totals(heards), why);
    return heards;
  }

  /** Anything else that has to hold, about the last answer. */
  holds(condition: boolean, expected: string, why: string): void {
    if (!condition) this.wrong({ title: 'looked at', expected }, `Expected: ${expected}. ${why}`);
  }

  /** The balance has gained one of these since it was last known. `by`: the step that is to blame where it has not. */
  async settles(gains: readonly bigint[], why: string, by?: number): Promise<void> {
    const possible = [...new Set(gains)];
    const { heard, index } = await this.call({ say: 'balance', seat: this.seat }, [ok()], why);
    const now = this.told(heard, why);
    const before = this.balance;
    if (now === undefined) return;
    this.amend(index, { expected: possible.map((gain) => textOf(before + gain)).join(' or ') });
    if (!possible.some((gain) => before + gain === now)) {
      this.amend(by ?? index, { wrong: `The balance moved by ${movedText(now - before)} instead of ${possible.map(movedText).join(' or ')}. ${why}` });
    }
    this.balance = now;
  }

  private async heeds(said: Said, wire: Wire | undefined, wanted: readonly Outcome[], why: string): Promise<Heard> {
    const again = this.record.known.has(JSON.stringify(said));
    const { heard, reply, index } = await this.call(said, wanted, why, wire);
    const gains = wanted.filter((outcome) => isMeant(outcome, heard, reply)).map(({ moves = 0n }) => moves);
    const told = heard.balance === undefined ? undefined : unitsOf(heard.balance);
    const judged = said.say !== 'authenticate' && said.seat === this.seat && !(again && this.can.duplicate !== 'current');
    await this.settles(gains, why, index);
    if (judged && told !== undefined && told !== this.balance) {
      this.amend(index, { wrong: `The answer tells a balance of ${textOf(told)} where it is ${textOf(this.balance)}. ${why}` });
    }
    return heard;
  }

  /** One call, sent again for a while where the answer asks for that; judged by what the answer means. */
  private async call(said: Said, wanted: readonly Outcome[], why: string, given?: Wire): Promise<Heed> {
    const { setting, transport, known } = this.record;
    const until = performance.now() + setting.patienceMs;
    const title = saidWords(said);
    const expected = outcomeWords(wanted, said.say !== 'balance');
    for (let attempt = 1; ; attempt++) {
      const sent = given ?? this.wire(said);
      known.add(JSON.stringify(said));
      const reply = await transport.send(sent).catch((error: unknown) => this.wrong({ title, said, sent, expected }, `No answer: ${(error as Error).message}.`));
      const heard = setting.speaker.hear(said, reply);
      const step = { title, said, sent, reply, heard, expected };
      const later = heard.verdicts.includes('throttled') || heard.verdicts.includes('retry');
      const right = wanted.some((outcome) => isMeant(outcome, heard, reply));
      if (!right && later && performance.now() < until) {
        await pause(Math.min(1_000, 100 * attempt));
        continue;
      }
      const complaint = heard.complaint === undefined ? '' : ` (${heard.complaint})`;
      if (!right) this.wrong(step, `Heard: ${heardWords(heard)}${complaint}. Expected: ${outcomeWords(wanted, false)}. ${why}`);
      const inHttp = wanted.some(({ statuses }) => statuses?.includes(reply.status));
      if (complaint && !inHttp) this.wrong(step, `The answer has not the form it should have: ${heard.complaint}.`);
      return { heard, reply, index: this.record.steps.push(step) - 1 };
    }
  }

  wire(said: Said): Wire {
    const { speaker, secret } = this.record.setting;
    try {
      return speaker.say(said, secret);
    } catch (error) {
      if (!(error instanceof CannotSay)) throw error;
      throw new LeftOut(`${speaker.title} cannot say “${saidWords(said).split(' ')[0]}” like this: ${error.message}`);
    }
  }

  private told(heard: Heard, why: string): bigint | undefined {
    const told = heard.balance === undefined ? undefined : unitsOf(heard.balance);
    if (told === undefined) this.wrong({ title: 'looked at', expected: 'a balance' }, `The answer tells no balance. ${why}`);
    if (told < 0n) this.wrong({ title: 'looked at', expected: 'a balance of 0 or more' }, `A balance is never below 0. ${why}`);
    if (heard.currency !== undefined && heard.currency !== this.seat.currency) {
      this.wrong({ title: 'looked at', expected: this.seat.currency }, `The balance is told in ${heard.currency}. ${why}`);
    }
    return told;
  }

  private amend(index: number, change: Partial<Step>): void {
    const { steps } = this.record;
    steps[index] = { ...(steps[index] as Step), ...change };
    if (change.wrong !== undefined) throw new Wrong(change.wrong);
  }

  private wrong(step: Step, wrong: string): never {
    this.record.steps.push({ ...step, wrong });
    throw new Wrong(wrong);
  }
}
