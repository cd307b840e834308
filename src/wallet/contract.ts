/**
 * The money plane's public language: what may be asked of a wallet, and what it answers.
 * Amounts are `bigint` in storage units. A refusal is a value; a fault is an exception (`Fault`).
 */
import type pg from 'pg';
import type { Meaning, Rate } from '../../libs/http/index.ts';

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
  | 'GAME_DISABLED'
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
  /** Of the account, of each of its players, and of the account's balances and authentications, a process; absent: as many as come. */
  readonly bets?: Rate;
  readonly playerBets?: Rate;
  readonly reads?: Rate;
}

/** A provider account (operator × provider) as a configuration snapshot shows it. */
export interface Account {
  readonly accountId: number;
  readonly operatorId: string;
  readonly policy: Policy;
  /** by its id: whether the game, the account and the operator all take bets */
  readonly games: ReadonlyMap<string, boolean>;
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
  /** whether the game may be played now: `closed` by a switch of the game, the account or the operator */
  readonly table: 'open' | 'closed' | 'unknown';
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

/** The operator's cashier brings money. */
export interface Deposit extends Keyed {
  readonly kind: 'deposit';
  readonly amount: bigint;
}

/** The operator's cashier takes money away. */
export interface Withdrawal extends Keyed {
  readonly kind: 'withdrawal';
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

export type Movement = Bet | Win | Rollback | Close | Deposit | Withdrawal | Play | StatusQuery;

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

/** Opaque to the caller: where in the database's history an answer stands. A read endpoint takes it back. */
export const consistencyToken = ({ timeline, lsn, lane, batch }: Position): string =>
  Buffer.from(`1 ${timeline} ${lsn} ${lane ?? '-'} ${batch ?? '-'}`).toString('base64url');

export type AnswerTo<M extends Movement> = M extends Play ? PlayReceipt : M extends Close ? RoundReceipt : M extends StatusQuery ? Status : Receipt;

export interface Answered<T> {
  readonly answer: T | Refusal;
  readonly position?: Position;
}

export const isRefusal = (answer: object): answer is Refusal => 'refused' in answer && 'replayed' in answer;

/** What a call is refused by when there is too much at once: reads first, then what takes from a player, last what a player is owed. */
export type CallClass = 'read' | 'bet' | 'credit';

/** Told by the lanes as they work; all durations in milliseconds. */
export interface LaneWatch {
  batch(movements: number, ms: number): void;
  waited(ms: number): void;
  shed(callClass: CallClass): void;
}

/** Asked at the door, before anything is spent on a call; the lane asks again, by what the call then turns out to be. */
export abstract class Admission {
  /** False: it is to be answered `OVERLOADED`, and counted as that. `withinMs`: how long its caller waits for an answer. */
  abstract admits(callClass: CallClass, withinMs: number): boolean;
}

/** The connections for reads that decide nothing: balances, sessions, configuration. On the primary. */
export abstract class MoneyReads {
  abstract readonly pool: pg.Pool;
}

/**
 * The connections for what changes a player and is no movement of money: wallets opened, bets stopped, sessions started and ended.
 * On the primary, as croupier_money.
 */
export abstract class MoneyWrites {
  /** One transaction; throws a `Fault` where nothing was done or, behind a lost COMMIT, nobody knows. All that runs here may be run again. */
  abstract within<T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T>;
}

const PLAYER_ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** Ids are compared byte for byte: another spelling of a UUID is another id, and there is no such player. */
export const isPlayerId = (text: string): boolean => PLAYER_ID.test(text);

export const REFUSALS: Record<RefusalCode, Meaning> = {
  PLAYER_NOT_FOUND: { status: 404, title: 'No such player of this operator', again: 'yes' },
  BET_NOT_FOUND: { status: 404, title: 'The bet this win needs is not known yet', again: 'yes' },
  GAME_NOT_FOUND: { status: 404, title: 'No such game of this account', again: 'credit' },
  GAME_DISABLED: { status: 422, title: 'The game, the account or the operator takes no bets now', again: 'credit' },
  SESSION_NOT_FOUND: { status: 404, title: 'No such session of this player and account', again: 'credit' },
  CURRENCY_MISMATCH: { status: 422, title: 'The currency is not that of the wallet, the session, the round or the original', again: 'credit' },
  TRANSACTION_CONFLICT: { status: 409, title: 'This reference is known with other content', again: 'no' },
  ROLLED_BACK: { status: 409, title: 'Rolled back already', again: 'no' },
  BET_ALREADY_SETTLED: { status: 409, title: 'The bet is settled', again: 'no' },
  ROUND_CLOSED: { status: 409, title: 'The round is closed', again: 'credit' },
  INSUFFICIENT_FUNDS: { status: 422, title: 'More than the balance', again: 'credit' },
  PLAYER_BLOCKED: { status: 422, title: 'The player may not bet', again: 'credit' },
  SESSION_EXPIRED: { status: 422, title: 'The session is over', again: 'credit' },
};

export const FAULTS: Record<Fault['code'], Meaning> = {
  INTERNAL: { status: 500, title: 'Something is wrong on our side; this attempt did nothing', again: 'yes' },
  OVERLOADED: { status: 503, title: 'Too much at once; this attempt did nothing', again: 'yes' },
  UNAVAILABLE: { status: 503, title: 'Not available now; this attempt did nothing', again: 'yes' },
  OUTCOME_UNKNOWN: { status: 503, title: 'Nobody knows yet whether this attempt did anything', again: 'yes' },
};
