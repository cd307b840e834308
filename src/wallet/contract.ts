/**
 * The money plane's public language: what may be asked of a wallet, and what it answers.
 * Amounts are `bigint` in storage units. A refusal is a value; a fault is an exception (`Fault`).
 */
import type pg from 'pg';
import { fingerprint } from '../../libs/crypto/index.ts';
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
  | 'SESSION_SUPERSEDED'
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

/**
 * What providers disagree on; a record of the provider account. The core's effect on money is the same in all of them. Each field's first
 * value is the native dialect's. What a field says in full: docs/dialects.md.
 */
export interface Policy {
  /** How far a reference reaches: one operation of a player, all operations of a player, or all players of the account. */
  readonly idScope: 'operation' | 'player' | 'global';
  /** Whether a round id is told apart by its game too. */
  readonly roundScope: 'account' | 'game';
  /** What a repeated call is answered with: the current balance, the first answer's, or "already exists". */
  readonly duplicateAnswer: 'current' | 'first' | 'exists';
  /** A win must name its bet · if it names none, its round must hold an applied bet · it needs neither. */
  readonly winNeeds: 'round' | 'bet' | 'nothing';
  readonly winsPerBet: 'many' | 'one';
  readonly winAfterClose: 'accept' | 'refuse';
  /** A win for an undone bet, or for a round whose bets are all undone. */
  readonly winAfterRollback: 'refuse' | 'accept';
  /** The answer only, of a rollback of what is unknown (a tombstone is written in any case), and of a refused bet. */
  readonly rollbackUnknown: 'ok' | 'empty' | 'not-found';
  readonly rollbackOfRefused: 'ok' | 'not-found' | 'failed';
  /** A rollback of a settled bet: refused, or its wins are undone first. */
  readonly rollbackAfterWin: 'refuse' | 'reverse';
  readonly rollbackAfterClose: 'accept' | 'refuse';
  /** An amount sent along with a rollback. */
  readonly rollbackAmount: 'must-match' | 'ignore';
  /** A rollback of a win, or a negative adjustment, beyond the balance: the rest becomes the wallet's debt, or nothing is done. */
  readonly spentWin: 'receivable' | 'refuse';
  /** A refused bet's id under which the same is asked again. */
  readonly refusedBet: 'final' | 'judge-again';
  /** A play that holds an action whose rollback came before it. */
  readonly tombstonedAction: 'refuse' | 'skip';
  /** Whether a bet needs a session. Wins and rollbacks never do. */
  readonly session: 'if-given' | 'required' | 'none';
  /** What a token is refused for whose successor was used: bets, or all that names it. */
  readonly supersededOn: 'bet' | 'all';
  /** Whether a token that is authenticated is answered with a successor, to be used from then on. */
  readonly sessionRotation: 'none' | 'authenticate';
  /** Free rounds are paid round by round, or as one total of their campaign, which is paid once. The other form than the one named, or than the campaign's first, is a conflict. */
  readonly freeRounds: 'either' | 'per-round' | 'total';
  /** `none` only where every win names its bet and nothing is closed or settled by round: a third less to write. */
  readonly rounds: 'kept' | 'none';
  /** A call still queued so many milliseconds after it came is answered `OVERLOADED` and never executed. */
  readonly deadlineMs: number;
  /** Of the account, of each of its players, and of the account's balances and authentications, a process; absent: as many as come. */
  readonly bets?: Rate;
  readonly playerBets?: Rate;
  readonly reads?: Rate;
}

/** Under what a round is stored. No id of a provider holds the character between, for PostgreSQL's texts cannot. */
export const roundFingerprint = (scope: Policy['roundScope'], round: string, game: string | undefined): string =>
  fingerprint(scope === 'game' ? `${round}\u0000${game ?? ''}` : round);

/** A provider account (operator × provider) as a configuration snapshot shows it. */
export interface Account {
  readonly accountId: number;
  readonly operatorId: string;
  readonly policy: Policy;
  /** by its id: whether the game, the account and the operator all take bets */
  readonly games: ReadonlyMap<string, boolean>;
}

/** The name space in which a provider's ids are unique; not the ledger's kind. */
export type Operation = 'bet' | 'win' | 'award' | 'adjustment' | 'rollback' | 'cashier';
/** What a rollback may undo. */
export type Undoable = 'bet' | 'win' | 'award' | 'adjustment';
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
  readonly operation: 'win' | 'award';
  readonly amount: bigint;
  readonly award?: Award;
  readonly campaign?: string;
  /** of free rounds that say their campaign: in which of the two forms this pays it */
  readonly campaignForm?: 'per-round' | 'total';
  /** where the form has to be known: the campaign's own key, which stands for its total, or says that it is paid round by round */
  readonly campaignKey?: string;
  readonly game?: string;
  /** the bet it names: reference and fingerprint */
  readonly bet?: string;
  readonly betKey?: string;
}

/** Takes as well as gives: `amount` is signed. */
export interface Adjustment extends Keyed, Partial<InRound> {
  readonly kind: 'adjustment';
  readonly amount: bigint;
  readonly game?: string;
}

export interface Rollback extends Omit<Keyed, 'currency'> {
  readonly kind: 'rollback';
  /** absent: its original's */
  readonly currency?: string;
  /** the session's: where neither the call says one nor an original */
  readonly otherwise?: string;
  readonly originalKey: string;
  /** Where the original is looked for, in this order; an unknown one leaves a tombstone in each. */
  readonly originalOperations: readonly Undoable[];
  readonly original: string;
  /** if sent along, it must be what the original moved */
  readonly amount?: bigint;
}

export interface Close extends InRound {
  readonly kind: 'close';
  readonly currency: string;
  readonly game?: string;
}

/** Undoes a round's open bets and takes no more in it. */
export interface Cancel extends Omit<InRound, 'closeRound'> {
  readonly kind: 'cancel';
  readonly currency: string;
  readonly game?: string;
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

/** Several bets, wins and rollbacks of one round, in order, all or nothing. */
export interface Play {
  readonly kind: 'play';
  readonly actions: readonly (Bet | Win | Rollback)[];
  readonly currency: string;
  readonly round: string;
  readonly game?: string;
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

export type Movement = Bet | Win | Adjustment | Rollback | Close | Cancel | Deposit | Withdrawal | Play | StatusQuery;

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
  /** empty where an action of a play was skipped, because its rollback came first */
  readonly transactionId: string;
  readonly reference: string;
  readonly operation: Operation;
  /** how this answer came about; `outcome` is the first answer's */
  readonly status: 'applied' | 'replayed' | 'tombstoned' | 'ignored';
  readonly outcome: 'applied' | 'tombstoned' | 'ignored';
  readonly ignoredBecause?: 'refused' | 'undone';
  /** what moved in the wallet, unsigned */
  readonly amount: bigint;
  /** what was to move and could not; absent: nothing */
  readonly debt?: bigint;
  /** milliseconds since 1970, the database's clock */
  readonly at: number;
}

export interface PlayReceipt extends WalletView {
  readonly receipts: readonly Receipt[];
}

export interface RoundReceipt extends WalletView {
  readonly state: 'closed' | 'cancelled' | 'unknown';
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

export type AnswerTo<M extends Movement> = M extends Play ? PlayReceipt : M extends Close | Cancel ? RoundReceipt : M extends StatusQuery ? Status : Receipt;

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
  SESSION_SUPERSEDED: { status: 422, title: 'The session goes on under a newer token', again: 'credit' },
};

export const FAULTS: Record<Fault['code'], Meaning> = {
  INTERNAL: { status: 500, title: 'Something is wrong on our side; this attempt did nothing', again: 'yes' },
  OVERLOADED: { status: 503, title: 'Too much at once; this attempt did nothing', again: 'yes' },
  UNAVAILABLE: { status: 503, title: 'Not available now; this attempt did nothing', again: 'yes' },
  OUTCOME_UNKNOWN: { status: 503, title: 'Nobody knows yet whether this attempt did anything', again: 'yes' },
};
