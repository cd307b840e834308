/** The messages that may change a wallet, one class each. The door has validated them: ids, amounts and currency are well-formed. */
import { Command, Query } from '@nestjs/cqrs';
import type { Account, Answered, Award, Operation, PlayReceipt, Position, Receipt, Refusal, RoundReceipt, Status, WalletView } from './contract.ts';

/** Who calls, for whom, and until when an answer is of use (`performance.now()` clock, ms). */
export interface Caller {
  readonly account: Account;
  readonly player: string;
  /** of the session that the call names; where a call needs a currency and says none */
  readonly currency?: string;
  readonly deadlineAt: number;
}

export interface BetRequest {
  readonly kind: 'bet';
  readonly reference: string;
  readonly currency: string;
  /** storage units; of a free bet its face value */
  readonly amount: bigint;
  readonly campaign?: string;
  readonly free: boolean;
  readonly game: string;
  readonly round: string;
  readonly sessionToken?: string;
  readonly closeRound: boolean;
}

export interface WinRequest {
  readonly kind: 'win';
  readonly reference: string;
  readonly currency: string;
  readonly amount: bigint;
  readonly award?: Award;
  /** the name space of its reference; absent: `win`, also for an award */
  readonly operation?: 'win' | 'award';
  /** of free rounds paid as one total: once per player, account and campaign */
  readonly campaign?: string;
  readonly game?: string;
  readonly round?: string;
  readonly bet?: string;
  readonly closeRound: boolean;
}

export interface RollbackRequest {
  readonly kind?: 'rollback';
  readonly reference: string;
  readonly original: string;
  /** absent: a bet is meant where both kinds bear the reference */
  readonly originalType?: 'bet' | 'win' | 'award' | 'adjustment';
  /** absent: its original's; where that is unknown, `Caller.currency`, else the first of the player's wallets */
  readonly currency?: string;
  readonly round?: string;
  readonly amount?: bigint;
}

export interface PlayRequest {
  readonly currency: string;
  readonly round: string;
  /** absent: its first bet's or win's */
  readonly game?: string;
  readonly closeRound: boolean;
  readonly actions: readonly (BetRequest | WinRequest | (RollbackRequest & { readonly kind: 'rollback' }))[];
}

/** Corrects a round after the fact; may take as well as give. */
export interface AdjustRequest {
  readonly reference: string;
  readonly currency: string;
  /** storage units, signed: what the wallet is to gain */
  readonly amount: bigint;
  readonly game?: string;
  readonly round?: string;
}

export class PlaceBet extends Command<Answered<Receipt>> {
  constructor(readonly caller: Caller, readonly request: BetRequest) { super(); }
}

export class PayWin extends Command<Answered<Receipt>> {
  constructor(readonly caller: Caller, readonly request: WinRequest) { super(); }
}

export class RollBack extends Command<Answered<Receipt>> {
  constructor(readonly caller: Caller, readonly request: RollbackRequest) { super(); }
}

/** Several bets and wins of one round, all or nothing. */
export class PlayRound extends Command<Answered<PlayReceipt>> {
  constructor(readonly caller: Caller, readonly request: PlayRequest) { super(); }
}

export class CloseRound extends Command<Answered<RoundReceipt>> {
  constructor(readonly caller: Caller, readonly request: { readonly currency: string; readonly round: string; readonly game?: string }) { super(); }
}

/** Undoes the round's open bets and takes no more; a round never seen is cancelled too. */
export class CancelRound extends Command<Answered<RoundReceipt>> {
  constructor(readonly caller: Caller, readonly request: { readonly currency: string; readonly round: string; readonly game?: string }) { super(); }
}

/** Corrects what a provider paid or took. Needs no bet, session or open round. */
export class AdjustBalance extends Command<Answered<Receipt>> {
  constructor(readonly caller: Caller, readonly request: AdjustRequest) { super(); }
}

/** Moves nothing, but is judged under the lock like a command, so that its answer is final. */
export class AskStatus extends Command<Answered<Status>> {
  constructor(readonly caller: Caller, readonly request: { readonly currency: string; readonly reference: string; readonly operation: Operation }) { super(); }
}

export interface CashierRequest {
  /** the operator's id of this deposit or withdrawal: its idempotency key */
  readonly reference: string;
  readonly currency: string;
  readonly amount: bigint;
}

/** Into the player's wallet, for the operator's cashier; `caller.account` is that cashier. */
export class DepositMoney extends Command<Answered<Receipt>> {
  constructor(readonly caller: Caller, readonly request: CashierRequest) { super(); }
}

/** Out of it, whatever stops the player's bets; more than the balance is refused and not remembered. */
export class WithdrawMoney extends Command<Answered<Receipt>> {
  constructor(readonly caller: Caller, readonly request: CashierRequest) { super(); }
}

/** Opens a player's wallets at zero; one that is there stays as it is. A new one is stopped where the player's others are. */
export class OpenWallets extends Command<void> {
  constructor(readonly operator: string, readonly player: string, readonly currencies: readonly string[]) { super(); }
}

/** From its commit on no bet of the player is taken, or bets are taken again. Answers whether there is such a player. */
export class StopPlayer extends Command<boolean> {
  constructor(readonly operator: string, readonly player: string, readonly stop: 'none' | 'blocked' | 'closed') { super(); }
}

/** Read on the primary at the moment of asking, never cached. */
export class ReadBalance extends Query<{ readonly answer: WalletView | Refusal; readonly position?: Position }> {
  constructor(readonly account: Account, readonly player: string, readonly currency: string) { super(); }
}
