/** Rollbacks: of a bet, a win, an award or an adjustment; of a settled bet with its wins; of what is unknown. */
import { Fault, type Receipt, type Rollback } from './contract.ts';
import {
  effectOf, houseOf, move, NO_DIGEST, note, post, quietRow, receiptOf, split, unsigned, type Judgement, type Resolved,
} from './posting.ts';
import { isSettled, isSettledByRound, withoutBet, withoutSettlement } from './rounds.ts';
import type { Draft, KeyRow, Wallet } from './state.ts';

const originalOf = (draft: Draft, { originalOperations, originalKey }: Rollback): KeyRow | undefined =>
  originalOperations.map((operation) => draft.key(operation, originalKey)).find((row) => row !== undefined);

export const isOfBet = (draft: Draft, rollback: Rollback): boolean => originalOf(draft, rollback)?.operation === 'bet';

/** With a currency: the call's, else its original's, else the session's, else the player's first. */
export function resolve(draft: Draft, rollback: Rollback): Resolved {
  if (rollback.currency !== undefined) return rollback as Resolved;
  const { otherwise } = rollback;
  const first = draft.base.wallets.map(({ currency }) => currency).sort()[0] as string;
  const currency = originalOf(draft, rollback)?.currency ?? (otherwise !== undefined && draft.wallet(otherwise) ? otherwise : first);
  return { ...rollback, currency };
}

/** Steps 5 to 9 for a rollback with a new key. */
export function judgeRollback(draft: Draft, rollback: Resolved): Judgement {
  const wallet = draft.wallet(rollback.currency);
  if (!wallet) return 'CURRENCY_MISMATCH';
  const { policy } = draft.account;
  const original = originalOf(draft, rollback);
  if (!original) {
    if (draft.isTaken(rollback.originalKey, rollback.originalOperations)) return 'TRANSACTION_CONFLICT';
    return () => tombstone(draft, rollback, wallet);
  }
  if (original.outcome === 'refused') return () => setAside(draft, rollback, wallet);
  if (original.outcome === 'tombstoned' || original.undoneBy !== undefined) return secondRollback(draft, rollback, original);
  const round = draft.round(original.round);
  const settled = original.operation === 'bet' && isSettled(original, round);
  const wins = settled ? winsOf(draft, original) : [];
  if (settled && (policy.rollbackAfterWin === 'refuse' || wins === undefined)) return 'BET_ALREADY_SETTLED';
  if (original.currency !== rollback.currency) return 'CURRENCY_MISMATCH';
  if (round?.state === 'closed' && policy.rollbackAfterClose === 'refuse') return 'ROUND_CLOSED';
  const moved = unsigned(effectOf(original));
  if (policy.rollbackAmount === 'must-match' && rollback.amount !== undefined && rollback.amount !== moved && rollback.amount !== original.face) return 'TRANSACTION_CONFLICT';
  if (policy.spentWin === 'refuse' && !covers(wallet, [...(wins ?? []), original])) return 'INSUFFICIENT_FUNDS';
  return () => {
    for (const win of wins ?? []) undo(draft, win);
    return undo(draft, draft.key(original.operation, original.key) as KeyRow, rollback);
  };
}

/**
 * The wins that settle a bet, newest first: those that name it. Undefined where it is settled by a win that names its round alone, for
 * nobody can tell which of the round's bets that win was for; or where its wins came before they were linked to each other.
 */
function winsOf(draft: Draft, bet: KeyRow): KeyRow[] | undefined {
  if (isSettledByRound(bet, draft.round(bet.round))) return undefined;
  const wins: KeyRow[] = [];
  let win = bet.lastWin === undefined ? undefined : draft.key('win', bet.lastWin);
  for (; win; win = win.lastWin === undefined ? undefined : draft.key('win', win.lastWin)) if (win.undoneBy === undefined) wins.push(win);
  return wins.length === bet.wins ? wins : undefined;
}

/** Whether the balance is enough for each of them, one after the other. */
function covers(wallet: Wallet, originals: readonly KeyRow[]): boolean {
  let balance = wallet.balance;
  return originals.every((original) => (balance -= effectOf(original)) >= 0n);
}

/** One row that undoes another, in the wallet, the round and the keys. Without a call of its own it is part of a larger one, and no key stands for it. */
export function undo(draft: Draft, original: KeyRow): void;
export function undo(draft: Draft, original: KeyRow, by: Resolved): Receipt;
export function undo(draft: Draft, original: KeyRow, by?: Resolved): Receipt | undefined {
  const wallet = draft.wallet(original.currency);
  if (!wallet) throw new Fault('INTERNAL', 'an applied key without its wallet');
  const { amount, debt } = split(wallet, -effectOf(original), original.debt);
  const posting = { kind: 'rollback', house: houseOf(original), undoes: original.transactionId, debt } as const;
  let undoneBy: string;
  let receipt: Receipt | undefined;
  if (by) {
    const moved = move(draft, wallet, by, amount, posting);
    draft.putKey({ ...moved.row, original: original.key });
    receipt = moved.receipt;
    undoneBy = receipt.transactionId;
  } else undoneBy = post(draft, wallet, amount, posting).entry.transactionId;
  draft.putKey({ ...original, undoneBy, undoneDebt: debt });
  takeOutOfRound(draft, original, wallet.version + 1);
  return receipt;
}

function takeOutOfRound(draft: Draft, original: KeyRow, version: number): void {
  const round = draft.round(original.round);
  const moved = unsigned(original.amount);
  if (original.operation === 'bet') {
    if (round) draft.putRound(withoutBet(round, moved, version));
    return;
  }
  if (round) {
    const unpaid = { ...round, won: round.won - moved, lastVersion: version };
    draft.putRound(original.original === undefined ? withoutSettlement(unpaid, original.version ?? 0) : unpaid);
  }
  if (original.wins > 0) unsettle(draft, original);
}

/** The bet that an undone win named has one win less; with none left it is open again. */
function unsettle(draft: Draft, win: KeyRow): void {
  const bet = draft.key('bet', win.original ?? '');
  if (!bet) throw new Fault('INTERNAL', 'the bet of a win to be undone was not loaded');
  draft.putKey({ ...bet, wins: bet.wins - 1 });
  const its = draft.round(bet.round);
  if (its && bet.wins === 1) draft.putRound({ ...its, named: its.named - 1 });
}

/** An unknown original: accepted, no effect, and whatever may still come under that reference is refused. */
function tombstone(draft: Draft, rollback: Resolved, wallet: Wallet): Receipt {
  const row = quietRow(draft, rollback, 'tombstoned');
  draft.putKey(row);
  for (const operation of rollback.originalOperations) {
    draft.putKey({ ...row, operation, key: rollback.originalKey, original: undefined, digest: NO_DIGEST });
  }
  note(draft, rollback, 'rollback', 'TOMBSTONED', rollback.original);
  return receiptOf(row, rollback.reference, wallet, 'tombstoned');
}

/** The original was refused: nothing was taken, nothing is given back. */
function setAside(draft: Draft, rollback: Resolved, wallet: Wallet): Receipt {
  const row = { ...quietRow(draft, rollback, 'ignored'), original: rollback.originalKey };
  draft.putKey(row);
  note(draft, rollback, 'rollback', 'IGNORED', rollback.reference);
  return receiptOf(row, rollback.reference, wallet, 'ignored');
}

/** Another id for what is undone already: the first one's answer; this id is kept, so that its retry says the same. */
function secondRollback(draft: Draft, rollback: Resolved, original: KeyRow): Judgement {
  const wallet = draft.wallet(original.currency);
  if (!wallet) return 'CURRENCY_MISMATCH';
  return () => {
    const undone = original.undoneBy !== undefined;
    const row: KeyRow = {
      ...quietRow(draft, rollback, undone ? 'repeated' : 'tombstoned'),
      transactionId: original.undoneBy ?? original.transactionId, currency: original.currency, original: original.key,
      amount: (original.undoneDebt ?? 0n) - effectOf(original), debt: original.undoneDebt,
    };
    draft.putKey(row);
    return receiptOf(row, rollback.reference, wallet, 'replayed');
  };
}
