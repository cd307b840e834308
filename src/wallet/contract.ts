/**
 * The money plane's public language: what may be asked of a wallet, and what it answers.
 * Amounts are `bigint` in storage units. A refusal is a value; a fault is an exception (`Fault`).
 */
import type pg from 'pg';

/** A business "no". What each means on the native wire, and whether a bet remembers it: `refusals.ts` of the dialect. */
export type RefusalCode =
  | 'PLAYER_NOT_FOUND'
  | 'TRANSACTION_CONFLICT'
  | 'ROLLED_BACK'
  | 'CURRENCY_MISMATCH'
  | 'BET_NOT_FOUND'
  | 'BET_ALREADY_SETTLED'
  | 'ROUND_CLOSED'
  | 'GAME_NOT_FOUND'
  | 'SESSION_NOT_FOUND'
  | 'SESSION_EXPIRED'
  | 'PLAYER_BLOCKED'
  | 'INSUFFICIENT_FUNDS';

/**
 * An attempt that did nothing, or (`OUTCOME_UNKNOWN`) may have done something; always worth the same call again.
 * `INTERNAL` is ours to mend and raises an alert, the others pass by themselves.
 */
export class Fault extends Error {
  constructor(
    readonly code: 'INTERNAL' | 'OVERLOADED' | 'UNAVAILABLE' | 'OUTCOME_UNKNOWN',
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** What providers disagree on; a record of the provider account. The core's effect on money is the same in all of them. */
export interface Policy {
  /** What a repeated call is answered with: the current balance, the first answer's, or "already exists". */
  readonly duplicateAnswer: 'current' | 'first' | 'exists';
  /** A win must name its bet · if it names none, its round must hold an applied bet · it needs neither. */
  readonly winNeeds: 'bet' | 'round' | 'nothing';
  readonly winsPerBet: 'many' | 'one';
  readonly winAfterClose: 'accept' | 'refuse';
  /** `none` only where every win names its bet and nothing is closed or settled by round: a third less to write. */
  readonly rounds: 'kept' | 'none';
  /** A call still queued so many milliseconds after it came is answered `OVERLOADED` and never executed. */
  readonly deadlineMs: number;
}

/** A provider account (operator × provider) as a configuration snapshot shows it. */
export interface Account {
  readonly accountId: number;
  readonly operatorId: string;
  readonly policy: Policy;
  readonly games: ReadonlySet<string>;
}

/** The name space in which a provider's ids are unique; not the ledger's kind. */
export type Operation = 'bet' | 'win' | 'rollback' | 'cashier';
export type Award = 'jackpot' | 'free_rounds' | 'tournament';

interface Keyed {
  readonly reference: string;
  /** fingerprint of `reference` */
  readonly key: string;
  /** fingerprint of the normalised content; decides replay or conflict */
  readonly digest: string;
  readonly currency: string;
}

interface InRound {
  readonly round: string;
  /** fingerprint of `round`, and of all else that tells rounds of this account apart */
  readonly roundKey: string;
  readonly closeRound: boolean;
}

export interface Bet extends Keyed, InRound {
  readonly kind: 'bet';
  readonly amount: bigint;
  /** A free bet moves no cash: `amount` is 0 and `face` its value. */
  readonly face?: bigint;
  readonly campaign?: string;
  readonly game: string;
  readonly gameKnown: boolean;
  /** SHA-256 of the session token, hex; absent where the call carries none */
  readonly session?: string;
}

export interface Win extends Keyed, Partial<InRound> {
  readonly kind: 'win';
  readonly amount: bigint;
  readonly award?: Award;
  readonly campaign?: string;
  readonly game?: string;
  /** the bet it names: reference and fingerprint */
  readonly bet?: string;
  readonly betKey?: string;
}

export interface Rollback extends Keyed {
  readonly kind: 'rollback';
  readonly originalKey: string;
  /** Where the original is looked for, in this order; an unknown one leaves a tombstone in each. */
  readonly originalOperations: readonly ('bet' | 'win')[];
  readonly original: string;
  /** if sent along, it must be what the original moved */
  readonly amount?: bigint;
}

export interface Close extends InRound {
  readonly kind: 'close';
  readonly currency: string;
}

/** The operator's cashier; credits only. */
export interface Deposit extends Keyed {
  readonly kind: 'deposit';
  readonly amount: bigint;
}

/** Several bets and wins of one round, in order, all or nothing. */
export interface Play {
  readonly kind: 'play';
  readonly actions: readonly (Bet | Win)[];
  readonly currency: string;
  readonly round: string;
  readonly roundKey: string;
  readonly closeRound: boolean;
}

/** Moves nothing; takes the lock, so that its answer is final. */
export interface StatusQuery {
  readonly kind: 'status';
  readonly operation: Operation;
  readonly reference: string;
  readonly key: string;
  readonly currency: string;
}

export type Movement = Bet | Win | Rollback | Close | Deposit | Play | StatusQuery;

/** One call on one player, as the lane takes it: judged whole, written whole. */
export interface Call<M extends Movement = Movement> {
  readonly account: Account;
  readonly player: string;
  readonly movement: M;
  /** `performance.now()` clock, milliseconds */
  readonly deadlineAt: number;
}

export interface Refusal {
  readonly refused: RefusalCode;
  /** true where the code is the answer to an earlier call that the key remembers */
  readonly replayed: boolean;
  /** the wallet in the call's currency, where there is one */
  readonly wallet?: WalletView;
  /** which action of a play */
  readonly actionIndex?: number;
}

export interface WalletView {
  readonly currency: string;
  readonly balance: bigint;
  readonly version: number;
}

export interface Receipt extends WalletView {
  readonly transactionId: string;
  readonly reference: string;
  readonly operation: Operation;
  /** how this answer came about; `outcome` is the first answer's */
  readonly status: 'applied' | 'replayed' | 'tombstoned' | 'ignored';
  readonly outcome: 'applied' | 'tombstoned' | 'ignored';
  readonly ignoredBecause?: 'refused';
  /** what moved in the wallet, unsigned */
  readonly amount: bigint;
  /** milliseconds since 1970, the database's clock */
  readonly at: number;
}

export interface PlayReceipt extends WalletView {
  readonly receipts: readonly Receipt[];
}

export interface RoundReceipt extends WalletView {
  readonly state: 'closed' | 'unknown';
}

/** The receipt, the refusal a bet's key remembers, or nothing known. */
export interface Status extends WalletView {
  readonly known?: Receipt | { readonly refused: RefusalCode; readonly reference: string };
}

/** Where in the database's history an answer stands: timeline, WAL position, and the batch that wrote it, if one did. */
export interface Position {
  readonly timeline: string;
  readonly lsn: string;
  readonly lane?: number;
  readonly batch?: number;
}

export type AnswerTo<M extends Movement> = M extends Play ? PlayReceipt : M extends Close ? RoundReceipt : M extends StatusQuery ? Status : Receipt;

export interface Answered<T> {
  readonly answer: T | Refusal;
  readonly position?: Position;
}

export const isRefusal = (answer: object): answer is Refusal => 'refused' in answer && 'replayed' in answer;

/** Told by the lanes as they work; all durations in milliseconds. */
export interface LaneWatch {
  batch(movements: number, ms: number): void;
  waited(ms: number): void;
  shed(): void;
}

/** The connections for reads that decide nothing: balances, sessions, configuration. On the primary. */
export abstract class MoneyReads {
  abstract readonly pool: pg.Pool;
}

const PLAYER_ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** Ids are compared byte for byte: another spelling of a UUID is another id, and there is no such player. */
export const isPlayerId = (text: string): boolean => PLAYER_ID.test(text);
