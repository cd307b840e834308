/** What the load step reads under a player's lock, as rows that are replaced and never changed, and what a decision adds to it. */
import type { Account, Award, Operation, RefusalCode } from './contract.ts';

export interface Wallet {
  readonly player: string;
  readonly currency: string;
  readonly balance: bigint;
  readonly version: number;
  /** milliseconds since 1970; never goes back */
  readonly at: number;
  readonly stop: 'none' | 'blocked' | 'closed';
  readonly loadedVersion: number;
  /** where the row stood when it was locked */
  readonly ctid: string;
}

/** How a row stands to the database: not in it yet, as it is there, or changed since it was read. */
type Stored = 'no' | 'yes' | 'changed';

interface Owned {
  readonly player: string;
  readonly operator: string;
  readonly account: number;
  readonly stored: Stored;
}

/** A row of `transaction_key`; the column comments in the migration say what is what. */
export interface KeyRow extends Owned {
  readonly operation: Operation;
  readonly key: string;
  readonly outcome: 'applied' | 'refused' | 'tombstoned' | 'ignored' | 'repeated';
  readonly digest: string;
  readonly transactionId: string;
  readonly currency: string;
  readonly amount: bigint;
  readonly wins: number;
  readonly version?: number;
  readonly refusal?: RefusalCode;
  readonly round?: string;
  readonly original?: string;
  readonly undoneBy?: string;
  readonly face?: bigint;
  readonly award?: Award;
  readonly balanceAfter?: bigint;
}

export interface Round extends Owned {
  readonly key: string;
  readonly currency: string;
  readonly state: 'open' | 'closed';
  readonly staked: bigint;
  readonly won: bigint;
  readonly bets: number;
  readonly undone: number;
  readonly named: number;
  readonly lastBetVersion: number;
  /** the wallet's versions between which all rows of the round stand */
  readonly firstVersion: number;
  readonly lastVersion: number;
  /** pairs [version of the newest, how many] of wins in force that name no bet; a bet lies between two pairs */
  readonly settlements: readonly number[];
}

export interface Session {
  /** SHA-256 of the token, hex */
  readonly hash: string;
  readonly player: string;
  readonly account: number;
  readonly currency: string;
  readonly live: boolean;
}

/** A ledger row. `amount` is signed: what moved in the wallet. */
export interface Entry {
  readonly player: string;
  readonly account: Account;
  readonly currency: string;
  readonly version: number;
  readonly at: number;
  readonly transactionId: string;
  readonly kind: 'bet' | 'win' | 'rollback' | 'promo_win' | 'deposit' | 'withdrawal' | 'close';
  readonly house: number;
  readonly amount: bigint;
  readonly balanceAfter: bigint;
  readonly closesRound: boolean;
  readonly reference?: string;
  readonly round?: string;
  readonly game?: string;
  readonly undoes?: string;
  readonly bet?: string;
  readonly face?: bigint;
  readonly campaign?: string;
  readonly award?: Award;
}

export interface Verdict {
  readonly player: string;
  readonly account: Account;
  readonly at: number;
  readonly operation: Operation | 'close';
  readonly code: RefusalCode | 'TOMBSTONED' | 'IGNORED';
  readonly currency: string;
  readonly reference: string;
  readonly amount?: bigint;
  readonly round?: string;
}

/** A player's rows: a handful, so they are searched and not indexed. */
export interface PlayerState {
  readonly player: string;
  readonly operator: string;
  /** the database's clock when the player was locked, milliseconds since 1970 */
  readonly now: number;
  readonly wallets: Wallet[];
  readonly keys: KeyRow[];
  readonly rounds: Round[];
  readonly sessions: Session[];
}

/** Names the next transaction of this batch: a UUIDv7 of that millisecond. */
export type NextId = (at: number) => string;

const sameWallet = (one: Wallet, other: Wallet) => one.currency === other.currency;
const sameKey = (one: KeyRow, other: KeyRow) => one.key === other.key && one.operation === other.operation && one.account === other.account;
const sameRound = (one: Round, other: Round) => one.key === other.key && one.account === other.account;

function put<Row>(rows: Row[], row: Row, same: (one: Row, other: Row) => boolean): void {
  const at = rows.findIndex((other) => same(other, row));
  if (at < 0) rows.push(row);
  else rows[at] = row;
}

export const findKey = (rows: readonly KeyRow[], account: number, operation: Operation, key: string): KeyRow | undefined =>
  rows.find((row) => row.key === key && row.operation === operation && row.account === account);
export const findRound = (rows: readonly Round[], account: number, key: string): Round | undefined =>
  rows.find((row) => row.key === key && row.account === account);

/** A state with the changes of one decision on top; nothing below it moves until `absorb`. */
export class Draft {
  readonly wallets: Wallet[] = [];
  readonly keys: KeyRow[] = [];
  readonly rounds: Round[] = [];
  readonly entries: Entry[] = [];
  readonly verdicts: Verdict[] = [];

  constructor(
    readonly base: PlayerState,
    readonly account: Account,
    readonly nextId: NextId,
  ) {}

  wallet(currency: string): Wallet | undefined {
    const here = (row: Wallet) => row.currency === currency;
    return this.wallets.find(here) ?? this.base.wallets.find(here);
  }

  key(operation: Operation, key: string): KeyRow | undefined {
    const { accountId } = this.account;
    return findKey(this.keys, accountId, operation, key) ?? findKey(this.base.keys, accountId, operation, key);
  }

  /** Always unknown for an account that keeps no round rows. */
  round(key: string | undefined): Round | undefined {
    if (key === undefined || this.account.policy.rounds === 'none') return undefined;
    const { accountId } = this.account;
    return findRound(this.rounds, accountId, key) ?? findRound(this.base.rounds, accountId, key);
  }

  session(hash: string): Session | undefined {
    return this.base.sessions.find((session) => session.hash === hash);
  }

  putWallet(wallet: Wallet): void {
    put(this.wallets, wallet, sameWallet);
  }

  putKey(row: KeyRow): void {
    put(this.keys, changed(row), sameKey);
  }

  putRound(round: Round): void {
    if (this.account.policy.rounds === 'kept') put(this.rounds, changed(round), sameRound);
  }
}

const changed = <Row extends Owned>(row: Row): Row => (row.stored === 'yes' ? { ...row, stored: 'changed' } : row);

/** Makes a decision's changes part of the state, so that the player's next movement sees them. */
export function absorb(state: PlayerState, draft: Draft): void {
  for (const row of draft.wallets) put(state.wallets, row, sameWallet);
  for (const row of draft.keys) put(state.keys, row, sameKey);
  for (const row of draft.rounds) put(state.rounds, row, sameRound);
}
