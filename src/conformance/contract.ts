/**
 * The provider's side of a dialect: how it says what it wants, and what it hears in the answer. Each dialect's `simulator.ts` has one
 * `Speaker`; the conformance kit, the simulated studio, tests and the benchmark call a wallet through it. No Nest, no database.
 */

/** Who plays, as the operator told the provider at launch. */
export interface Seat {
  /** as the wire names the player */
  readonly player: string;
  readonly currency: string;
  readonly token: string;
}

/** What a provider may say. Amounts are decimal strings of the currency (`"12.50"`); references, rounds and games are the provider's ids. */
export type Said =
  | { readonly say: 'authenticate'; readonly seat: Seat }
  | { readonly say: 'balance'; readonly seat: Seat }
  | (Told & { readonly say: 'bet'; readonly reference: string; readonly amount: string; readonly closes?: boolean; readonly free?: { readonly campaign: string } })
  | (Told & { readonly say: 'win'; readonly reference: string; readonly amount: string; readonly bet?: string; readonly closes?: boolean })
  | (Told & { readonly say: 'rollback'; readonly reference: string; readonly original: string; readonly of?: 'bet' | 'win' | 'adjustment' })
  /** What was paid or taken is corrected; below zero, its amount takes. Rounds that are named need not be open. */
  | (Partial<Told> & { readonly say: 'adjust'; readonly seat: Seat; readonly reference: string; readonly amount: string })
  | (Told & { readonly say: 'play'; readonly closes?: boolean; readonly actions: readonly Action[] })
  | (Told & { readonly say: 'close' })
  /** A round is given up: its open bets go back, and it takes no more. */
  | (Told & { readonly say: 'cancel' })
  /** A prize outside any round. `total`: all free rounds of a campaign at once. */
  | { readonly say: 'award'; readonly seat: Seat; readonly reference: string; readonly amount: string; readonly award: 'jackpot' | 'tournament' | 'total'; readonly campaign?: string };

interface Told {
  readonly seat: Seat;
  readonly round: string;
  readonly game: string;
}

export interface Action {
  readonly kind: 'bet' | 'win';
  readonly reference: string;
  readonly amount: string;
  /** of a win: the bet it names */
  readonly bet?: string;
}

/** Thrown by a speaker whose wire has no way to say it: the case is left out. Anything else that it throws is a mistake of its own. */
export class CannotSay extends Error {}

/** One attempt on the wire, signed. `path` is below the wallet's base URL. */
export interface Wire {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** What an answer comes to, whatever the dialect calls it. */
export type Verdict =
  | 'ok' | 'insufficient-funds' | 'unknown-player' | 'unknown-session' | 'session-over' | 'session-superseded' | 'player-blocked' | 'wrong-currency' | 'unknown-game'
  | 'game-closed' | 'conflict' | 'unknown-bet' | 'bet-settled' | 'rolled-back' | 'round-closed' | 'limit' | 'bad-amount' | 'bad-request' | 'bad-signature' | 'unknown-key'
  | 'not-found' | 'throttled' | 'retry' | 'not-understood';

export interface Heard {
  /** all that this answer may mean: dialects have fewer words than the core */
  readonly verdicts: readonly Verdict[];
  /** the player's, as a decimal string, where the answer says it */
  readonly balance?: string;
  readonly currency?: string;
  /** the wallet's id of each transaction, in the order of what was said; empty where it says that nothing was done */
  readonly transactions?: readonly string[];
  /** where it says that this was known already */
  readonly replayed?: boolean;
  /** the next token, where an authentication gives one */
  readonly token?: string;
  /** why it cannot be understood, or what is wrong with its form */
  readonly complaint?: string;
}

/** What a dialect can say and what it expects; a case that needs more is left out, with this as the reason. */
export interface Abilities {
  readonly says: readonly Said['say'][];
  /** digits behind the point that an amount may have on this wire */
  readonly digits: (currency: string) => number;
  /** `bet`: a win names its bet · `round`: it names its round alone */
  readonly winNames: 'bet' | 'round' | 'either';
  readonly idScope: 'operation' | 'player' | 'global';
  readonly rollsBackWins: boolean;
  readonly zeroBets: boolean;
  readonly closesRounds: boolean;
  readonly freeBets: boolean;
  readonly rollbackOfUnknown: 'ok' | 'empty' | 'not-found';
  /** what a bet behind its own tombstone hears */
  readonly betBehindRollback: readonly Verdict[];
  readonly duplicate: 'current' | 'first' | 'exists';
  readonly winWithoutBet: 'refused' | 'paid';
  /** the longest id where ids are any text, compared byte for byte; absent: UUIDs, or who knows */
  readonly textIds?: number;
  /** seconds that a signed time may be off; absent: this wire signs none */
  readonly clockS?: number;
}

/** `Secret`: what demo.json keeps for this dialect, and what an operator gets when it sets the provider up. */
export interface Speaker<Secret = unknown> {
  readonly name: string;
  readonly title: string;
  readonly can: Abilities;
  /** Of a JSON value. Throws a sentence that names the missing field and quotes nothing. */
  readonly secret: (value: unknown) => Secret;
  /** Throws `CannotSay` where the wire has no words for it. Every attempt is signed anew. */
  readonly say: (said: Said, secret: Secret) => Wire;
  /** A body of another's making, or of none: how attacks on the wire are signed and sent. `like`: whose path and headers it takes. `at`: of a wire that signs the time. */
  readonly sign: (like: Wire, body: Buffer, secret: Secret, at?: Date) => Wire;
  readonly hear: (said: Said, reply: Reply) => Heard;
}
