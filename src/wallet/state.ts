/** What the load step reads under a player's lock, as rows that are replaced and never changed, and what a decision adds to it. */
import type { Account, Award, Operation, RefusalCode } from './contract.ts';

export interface Wallet {
  readonly player: string;
  readonly currency: string;
  readonly balance: bigint;
  /** what was to be taken back and was spent */
  readonly debt: bigint;
  readonly version: number;
  /** milliseconds since 1970; never goes back */
  readonly at: number;
  readonly stop: 'none' | 'blocked' | 'closed';
  readonly loadedVersion: number;
  readonly loadedDebt: bigint;
  /** where the row stood when it was locked */
  readonly ctid: string;
}

/** How a row stands to the database: not in it yet, as it is there, changed since it was read, or there as another one that this replaces. */
type Stored = 'no' | 'yes' | 'changed' | 'replaced';

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
  readonly debt?: bigint;
  readonly wins: number;
  readonly version?: number;
  readonly refusal?: RefusalCode;
  readonly round?: string;
  readonly original?: string;
  readonly undoneBy?: string;
  readonly undoneDebt?: bigint;
  readonly lastWin?: string;
  readonly face?: bigint;
  readonly award?: Award;
  readonly balanceAfter?: bigint;
}

export interface Round extends Owned {
  readonly key: string;
  readonly currency: string;
  readonly state: 'open' | 'closed' | 'cancelled';
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
  readonly standing: 'live' | 'superseded' | 'over';
  /** of the token that this one replaces, while that one is good still */
  readonly replaces?: string;
  /** its expiry is due to be moved */
  readonly slides: boolean;
}

/** Who holds a reference that is unique across players. */
export interface Holder {
  readonly player: string;
  readonly operation: Operation;
}

/** A ledger row. `amount` is signed: what moved in the wallet. */
export interface Entry {
  readonly player: string;
  readonly account: Account;
  readonly currency: string;
  readonly version: number;
  readonly at: number;
  readonly transactionId: string;
  readonly kind: 'bet' | 'win' | 'rollback' | 'promo_win' | 'adjustment' | 'deposit' | 'withdrawal' | 'close' | 'cancel';
  readonly house: number;
  readonly amount: bigint;
  readonly balanceAfter: bigint;
  readonly closesRound: boolean;
  readonly debt?: bigint;
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
  readonly operation: Operation | 'close' | 'cancel';
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
  /** by `claimOf`, of accounts whose references are unique across players */
  readonly holders?: ReadonlyMap<string, Holder>;
}

/** Names the next transaction of this batch: a UUIDv7 of that millisecond. */
export type NextId = (at: number) => string;

const sameWallet = (one: Wallet, other: Wallet) => one.currency === other.currency;
const sameKey = (one: KeyRow, other: KeyRow) => one.key === other.key && one.operation === other.operation && one.account === other.account;
const sameRound = (one: Round, other: Round) => one.key === other.key && one.account === other.account;
const sameSession = (one: Session, other: Session) => one.hash === other.hash;

function put<Row>(rows: Row[], row: Row, same: (one: Row, other: Row) => boolean): void {
  const at = rows.findIndex((other) => same(other, row));
  if (at < 0) rows.push(row);
  else rows[at] = row;
}

export const findKey = (rows: readonly KeyRow[], account: number, operation: Operation, key: string): KeyRow | undefined =>
  rows.find((row) => row.key === key && row.operation === operation && row.account === account);
export const findRound = (rows: readonly Round[], account: number, key: string): Round | undefined =>
  rows.find((row) => row.key === key && row.account === account);
export const claimOf = (account: number, key: string): string => `${account} ${key}`;

/** A state with the changes of one decision on top; nothing below it moves until `absorb`. */
export class Draft {
  readonly wallets: Wallet[] = [];
  readonly keys: KeyRow[] = [];
  readonly rounds: Round[] = [];
  readonly sessions: Session[] = [];
  readonly entries: Entry[] = [];
  readonly verdicts: Verdict[] = [];
  /** hashes of the tokens whose successor was used, and of those whose expiry moves */
  readonly superseded: string[] = [];
  readonly slid: string[] = [];

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

  /** The bets of a round that were applied, as far as they were loaded: newest first. */
  betsOf(round: string): KeyRow[] {
    const { accountId } = this.account;
    const all = [...this.keys, ...this.base.keys.filter((row) => !this.keys.some((other) => sameKey(other, row)))];
    return all.filter((row) => row.operation === 'bet' && row.outcome === 'applied' && row.round === round && row.account === accountId)
      .sort((one, other) => (other.version ?? 0) - (one.version ?? 0));
  }

  /** Whether a reference belongs to something else, as far as this account's ids reach. */
  isTaken(key: string, operations: readonly Operation[]): boolean {
    const { accountId, policy: { idScope } } = this.account;
    if (idScope === 'operation') return false;
    const isOther = (row: KeyRow) => row.key === key && row.account === accountId && !operations.includes(row.operation);
    if (this.keys.some(isOther) || this.base.keys.some(isOther)) return true;
    const holder = this.base.holders?.get(claimOf(accountId, key));
    return holder !== undefined && (holder.player !== this.base.player || !operations.includes(holder.operation));
  }

  /** Always unknown for an account that keeps no round rows. */
  round(key: string | undefined): Round | undefined {
    if (key === undefined || this.account.policy.rounds === 'none') return undefined;
    const { accountId } = this.account;
    return findRound(this.rounds, accountId, key) ?? findRound(this.base.rounds, accountId, key);
  }

  session(hash: string): Session | undefined {
    const here = (session: Session) => session.hash === hash;
    return this.sessions.find(here) ?? this.base.sessions.find(here);
  }

  putWallet(wallet: Wallet): void {
    put(this.wallets, wallet, sameWallet);
  }

  /** A new row where there is one already takes its place: a refused bet that is judged again. */
  putKey(row: KeyRow): void {
    const before = row.stored === 'no' ? this.key(row.operation, row.key) : undefined;
    put(this.keys, before && before.stored !== 'no' ? { ...row, stored: 'replaced' } : changed(row), sameKey);
  }

  putRound(round: Round): void {
    if (this.account.policy.rounds === 'kept') put(this.rounds, changed(round), sameRound);
  }

  putSession(session: Session): void {
    put(this.sessions, session, sameSession);
  }
}

const changed = <Row extends Owned>(row: Row): Row => (row.stored === 'yes' ? { ...row, stored: 'changed' } : row);

/** Makes a decision's changes part of the state, so that the player's next movement sees them. */
export function absorb(state: PlayerState, draft: Draft): void {
  for (const row of draft.wallets) put(state.wallets, row, sameWallet);
  for (const row of draft.keys) put(state.keys, row, sameKey);
  for (const row of draft.rounds) put(state.rounds, row, sameRound);
  for (const row of draft.sessions) put(state.sessions, row, sameSession);
}
