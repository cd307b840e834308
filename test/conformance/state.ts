/** What the little wallet keeps, and how it tells things apart. */
import { setImmediate as turn, setTimeout as pause } from 'node:timers/promises';
import type { Fault } from './faults.ts';

/** A body as it was read; which fields are there is the operation's. */
export interface Asked {
  readonly operation: string;
  readonly transactionId: string;
  readonly originalTransactionId: string;
  readonly originalType?: 'bet' | 'win' | 'adjustment';
  readonly playerId: string;
  readonly currency: string;
  readonly amount: bigint;
  readonly gameId: string;
  readonly roundId: string;
  readonly betTransactionId?: string;
  readonly sessionToken?: string;
  readonly closeRound?: boolean;
  readonly type?: string;
  readonly free?: { readonly campaignId: string };
  readonly campaignId?: string;
  readonly actions: readonly Action[];
}

export interface Action {
  readonly type: 'bet' | 'win';
  readonly transactionId: string;
  readonly amount: bigint;
  readonly betTransactionId?: string;
}

export type Answer = Readonly<Record<string, unknown>>;

export class Refused extends Error {
  readonly code: string;
  readonly wallet: { readonly balance: string; readonly currency: string } | undefined;

  constructor(code: string, wallet?: { readonly balance: string; readonly currency: string }) {
    super(code);
    this.code = code;
    this.wallet = wallet;
  }
}

export interface Wallet {
  readonly currency: string;
  balance: bigint;
  held: bigint;
  /** its player's */
  readonly calls: { count: number };
  version: number;
  debt: bigint;
  /** what a wallet that adds binary fractions believes */
  float: number;
}

export interface Key {
  readonly id: string;
  readonly operation: string;
  readonly reference: string;
  readonly digest: string;
  readonly outcome: 'applied' | 'refused' | 'tombstoned' | 'ignored';
  readonly code?: string;
  readonly moved: bigint;
  readonly face: bigint;
  readonly at: number;
  readonly currency: string;
  readonly round: string;
  readonly free: boolean;
  readonly bet?: string | undefined;
  /** what an adjustment could not take */
  readonly owed?: bigint;
  undone: boolean;
  wins: number;
  told?: string;
}

export interface Round {
  closed: boolean;
  cancelled?: boolean;
  readonly bets: readonly Key[];
}

export interface Player {
  readonly id: string;
  blocked: boolean;
  over: boolean;
  older: boolean;
  readonly wallets: Map<string, Wallet>;
  keys: Map<string, Key>;
  rounds: Map<string, Round>;
  readonly totals: Set<string>;
  /** that have come for it */
  readonly calls: { count: number };
}

export interface Session {
  readonly player: Player;
  readonly currency: string;
  live: boolean;
  superseded?: boolean;
}

/** 10^-8, as decimals without zeros that say nothing. */
export function spell(units: bigint): string {
  const digits = (units < 0n ? -units : units).toString().padStart(9, '0');
  const fraction = digits.slice(-8).replace(/0+$/, '');
  return `${units < 0n ? '-' : ''}${digits.slice(0, -8)}${fraction ? `.${fraction}` : ''}`;
}

/** Lets everything in that comes for a player in one moment, until nothing more does: what races is told by the fault, not by the clock. */
export async function gap({ calls }: Pick<Player, 'calls'>): Promise<void> {
  for (let i = 0, seen = calls.count, quiet = 0; i < 40 && quiet < 3; i++) {
    await pause(10);
    for (let j = 0; j < 4; j++) await turn();
    quiet = calls.count === seen ? quiet + 1 : 0;
    seen = calls.count;
  }
}

export function normalised(reference: string, has: (fault: Fault) => boolean): string {
  let id = reference;
  if (has('ids-cut-at-32')) id = id.slice(0, 32);
  if (has('ids-cut-at-100')) id = id.slice(0, 100);
  if (has('ids-fold-case')) id = id.toLowerCase();
  return has('ids-trimmed') ? id.trim() : id;
}

/** What makes two calls under one id the same. */
export function digestOf(operation: string, asked: Asked, has: (fault: Fault) => boolean): string {
  if (operation === 'bet') {
    if (has('content-ignored')) return '';
    return JSON.stringify([
      String(asked.amount), asked.currency, has('round-not-compared') || asked.roundId, has('game-not-compared') || asked.gameId,
      has('free-not-compared') || asked.free?.campaignId,
    ]);
  }
  if (operation === 'adjustment') {
    const size = has('adjust-sign-not-compared') && asked.amount < 0n ? -asked.amount : asked.amount;
    return JSON.stringify([String(size), asked.currency, asked.roundId]);
  }
  if (operation === 'rollback') return has('rollback-content-ignored') ? '' : JSON.stringify([asked.originalTransactionId, asked.currency]);
  if (has('win-content-ignored')) return '';
  const of = has('won-bet-not-compared') ? [] : [asked.betTransactionId, asked.roundId];
  return JSON.stringify([String(asked.amount), asked.currency, has('label-not-compared') || (asked.type ?? 'win'), ...of, asked.campaignId]);
}
