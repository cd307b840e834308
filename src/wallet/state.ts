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
}

/** A row of `transaction_key`; the column comments in the migration say what is what. */
export interface KeyRow {
  readonly account: number;
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
  /** false until it stands in the database: insert or update */
  readonly stored: boolean;
}

export interface Round {
  readonly account: number;
  readonly key: string;
  readonly currency: string;
  readonly state: 'open' | 'closed';
  readonly staked: bigint;
  readonly won: bigint;
  readonly bets: number;
  readonly undone: number;
  readonly named: number;
  readonly lastBetVersion: number;
  /** pairs [version of the newest, how many] of wins in force that name no bet; a bet lies between two pairs */
  readonly settlements: readonly number[];
  readonly stored: boolean;
}

export interface Session {
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
  readonly kind: 'bet' | 'win' | 'rollback' | 'promo_win' | 'deposit' | 'close';
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

export interface PlayerState {
  readonly player: string;
  readonly wallets: Map<string, Wallet>;
  readonly keys: Map<string, KeyRow>;
  readonly rounds: Map<string, Round>;
  readonly sessions: Map<string, Session>;
  /** the database's clock when the player was locked, milliseconds since 1970 */
  readonly now: number;
}

export const keyId = (account: number, operation: Operation, key: string): string => `${key}${operation}${account}`;
export const roundId = (account: number, key: string): string => `${key}${account}`;

/** Names the next transaction of this batch: a UUIDv7 of that millisecond. */
export type NextId = (at: number) => string;

/** A state with the changes of one decision on top; nothing below it moves until `absorb`. */
export class Draft {
  readonly wallets = new Map<string, Wallet>();
  readonly keys = new Map<string, KeyRow>();
  readonly rounds = new Map<string, Round>();
  readonly entries: Entry[] = [];
  readonly verdicts: Verdict[] = [];

  constructor(
    readonly base: PlayerState,
    readonly account: Account,
    readonly nextId: NextId,
  ) {}

  wallet(currency: string): Wallet | undefined {
    return this.wallets.get(currency) ?? this.base.wallets.get(currency);
  }

  key(operation: Operation, key: string): KeyRow | undefined {
    const id = keyId(this.account.accountId, operation, key);
    return this.keys.get(id) ?? this.base.keys.get(id);
  }

  /** Always unknown for an account that keeps no round rows. */
  round(key: string | undefined): Round | undefined {
    if (key === undefined || this.account.policy.rounds === 'none') return undefined;
    const id = roundId(this.account.accountId, key);
    return this.rounds.get(id) ?? this.base.rounds.get(id);
  }

  session(hash: string): Session | undefined {
    return this.base.sessions.get(hash);
  }

  putWallet(wallet: Wallet): void {
    this.wallets.set(wallet.currency, wallet);
  }

  putKey(row: KeyRow): void {
    this.keys.set(keyId(row.account, row.operation, row.key), row);
  }

  putRound(round: Round): void {
    if (this.account.policy.rounds === 'kept') this.rounds.set(roundId(round.account, round.key), round);
  }
}

/** Makes a decision's changes part of the state, so that the player's next movement sees them. */
export function absorb(state: PlayerState, draft: Draft): void {
  for (const [id, row] of draft.wallets) state.wallets.set(id, row);
  for (const [id, row] of draft.keys) state.keys.set(id, row);
  for (const [id, row] of draft.rounds) state.rounds.set(id, row);
}
