/** The bookkeeping under the rules: what a movement adds to a draft, and the receipts and refusals made of it. */
import {
  Fault, type Adjustment, type Bet, type Deposit, type Operation, type Receipt, type Refusal, type RefusalCode, type Rollback, type Win, type Withdrawal,
} from './contract.ts';
import type { Draft, Entry, KeyRow, Verdict, Wallet } from './state.ts';

/** The other side of each transfer; table `house_account`. What a wallet owes stands against the fifth, `receivable`. */
export const HOUSE = { game: 1, promotion: 2, jackpot: 3, cashier: 4 } as const;
export const NO_DIGEST = '0'.repeat(32);
const LARGEST_BALANCE = 2n ** 63n - 1n;

/** A rollback with the currency that it turned out to mean. */
export type Resolved = Rollback & { readonly currency: string };
/** Movements that a key of their own stands for. */
export type Keyed = Bet | Win | Adjustment | Deposit | Withdrawal | Resolved;

export function operationOf(movement: Keyed | Rollback): Operation {
  switch (movement.kind) {
    case 'win': return movement.operation;
    case 'deposit': case 'withdrawal': return 'cashier';
    default: return movement.kind;
  }
}

/** What a judge says of a movement whose key is new: the code that refuses it, or how to apply it. */
export type Judgement = RefusalCode | (() => Receipt);

/** A prize beside the games: it settles no bet and counts in no round. */
export const isAward = ({ award, operation }: { readonly award?: KeyRow['award']; readonly operation: Operation }): boolean =>
  award !== undefined || operation === 'award';

export const houseOf = (row: Pick<KeyRow, 'award' | 'operation'>): number =>
  !isAward(row) ? HOUSE.game : row.award === 'jackpot' ? HOUSE.jackpot : HOUSE.promotion;

/** The key is known: step 3. */
export function repeat(draft: Draft, movement: Keyed, row: KeyRow): Receipt | Refusal {
  const wallet = draft.wallet(row.currency) ?? draft.wallet(movement.currency);
  if (row.outcome === 'tombstoned' && row.operation !== 'rollback') return refuse(draft, movement, row.operation, 'ROLLED_BACK');
  if (row.digest !== movement.digest) return refuse(draft, movement, row.operation, 'TRANSACTION_CONFLICT');
  if (row.refusal !== undefined) return { refused: row.refusal, replayed: true, ...(wallet && { wallet: view(wallet) }) };
  if (!wallet) throw new Fault('INTERNAL', 'an applied key without its wallet');
  return replayOf(row, movement.reference, wallet);
}

export function replayOf(row: KeyRow, reference: string, wallet: Wallet): Receipt {
  const receipt = receiptOf(row, reference, wallet, 'replayed');
  return row.balanceAfter === undefined ? receipt : { ...receipt, balance: row.balanceAfter, version: row.version ?? receipt.version };
}

/** A refusal, noted for the feed; whether a key remembers it is the caller's business. */
export function refuse(draft: Draft, movement: Noted, operation: Verdict['operation'], code: RefusalCode): Refusal {
  note(draft, movement, operation, code, movement.reference);
  const wallet = draft.wallet(movement.currency);
  return { refused: code, replayed: false, ...(wallet && { wallet: view(wallet) }) };
}

type Noted = { readonly currency: string; readonly reference: string; readonly amount?: bigint; readonly round?: string };

export function note(draft: Draft, movement: Noted, operation: Verdict['operation'], code: Verdict['code'], reference: string): void {
  const { currency, amount, round } = movement;
  draft.verdicts.push({ player: draft.base.player, account: draft.account, at: draft.base.now, operation, code, currency, reference, amount, round });
}

export function remember(draft: Draft, bet: Bet, code: RefusalCode): void {
  const row = quietRow(draft, bet, 'refused');
  draft.putKey({ ...row, operation: 'bet', refusal: code, face: bet.face });
}

/** A key of something that moved nothing. */
export function quietRow(draft: Draft, movement: Bet | Resolved, outcome: KeyRow['outcome']): KeyRow {
  return {
    player: draft.base.player, operator: draft.base.operator, account: draft.account.accountId, operation: 'rollback', key: movement.key, outcome, digest: movement.digest,
    transactionId: draft.nextId(draft.base.now), currency: movement.currency, amount: 0n, wins: 0, stored: 'no',
  };
}

type Posting = Pick<Entry, 'kind' | 'house'> & Partial<Entry>;

/** One transfer: the wallet, one version up, and its ledger row. */
export function post(draft: Draft, wallet: Wallet, amount: bigint, posting: Posting): { after: Wallet; entry: Entry } {
  const balance = wallet.balance + amount;
  const debt = wallet.debt + (posting.debt ?? 0n);
  if (balance < 0n || balance > LARGEST_BALANCE || debt < 0n || debt > LARGEST_BALANCE) throw new Fault('INTERNAL', 'a balance would leave its range');
  const at = Math.max(draft.base.now, wallet.at);
  const after = { ...wallet, balance, debt, version: wallet.version + 1, at };
  draft.putWallet(after);
  const entry: Entry = {
    player: wallet.player, account: draft.account, currency: wallet.currency, version: after.version, at, transactionId: draft.nextId(at),
    amount, balanceAfter: balance, closesRound: false, ...posting,
  };
  draft.entries.push(entry);
  return { after, entry };
}

/** A transfer that a key stands for; the caller stores the key. */
export function move(draft: Draft, wallet: Wallet, movement: Keyed, amount: bigint, posting: Posting): { row: KeyRow; receipt: Receipt } {
  const rounds = draft.account.policy.rounds === 'kept';
  const { closeRound, round, game, face, campaign, award, bet, roundKey, betKey } = movement as Partial<Bet & Win>;
  const { after, entry } = post(draft, wallet, amount, {
    reference: movement.reference, round, game, face, campaign, award, bet, closesRound: rounds && closeRound === true, ...posting,
  });
  const row: KeyRow = {
    player: wallet.player, operator: draft.base.operator, account: draft.account.accountId,
    operation: operationOf(movement), key: movement.key, outcome: 'applied',
    digest: movement.digest, transactionId: entry.transactionId, currency: after.currency, amount, debt: entry.debt, wins: 0,
    version: after.version, round: rounds ? roundKey : undefined, original: betKey, face, award, stored: 'no',
    balanceAfter: draft.account.policy.duplicateAnswer === 'first' ? after.balance : undefined,
  };
  return { row, receipt: receiptOf(row, movement.reference, after, 'applied') };
}

/**
 * What is to be taken and is not there becomes the wallet's debt; what is given back forgives `owed` first, as far as it is owed still.
 * Either way `amount - debt` is the whole effect. A debt of nothing is undefined.
 */
export function split(wallet: Wallet, effect: bigint, owed = 0n): { amount: bigint; debt: bigint | undefined } {
  if (effect < 0n) {
    const debt = -effect > wallet.balance ? -effect - wallet.balance : undefined;
    return { amount: effect + (debt ?? 0n), debt };
  }
  const forgiven = owed < wallet.debt ? owed : wallet.debt;
  return { amount: effect - forgiven, debt: forgiven > 0n ? -forgiven : undefined };
}

export const unsigned = (amount: bigint): bigint => (amount < 0n ? -amount : amount);
export const effectOf = ({ amount, debt = 0n }: Pick<KeyRow, 'amount' | 'debt'>): bigint => amount - debt;
export const view = ({ currency, balance, version }: Wallet) => ({ currency, balance, version });

export function receiptOf(row: KeyRow, reference: string, wallet: Wallet, status: Receipt['status']): Receipt {
  return {
    ...view(wallet), transactionId: row.transactionId, reference, operation: row.operation, status,
    outcome: row.outcome === 'tombstoned' || row.outcome === 'ignored' ? row.outcome : 'applied',
    ...(row.outcome === 'ignored' && { ignoredBecause: 'refused' }),
    amount: unsigned(row.amount), ...(row.debt !== undefined && row.debt > 0n && { debt: row.debt }), at: timeOf(row.transactionId),
  };
}

/** An action that its rollback overtook: nothing moves, and there is no transaction. */
export function skip(draft: Draft, movement: Keyed, tombstone: KeyRow): Receipt | undefined {
  const wallet = draft.wallet(movement.currency);
  return wallet && {
    ...view(wallet), transactionId: '', reference: movement.reference, operation: tombstone.operation, status: 'ignored', outcome: 'ignored',
    ignoredBecause: 'undone', amount: 0n, at: timeOf(tombstone.transactionId),
  };
}

/** A UUIDv7 carries its millisecond; a transaction's time is stored nowhere else in its key. */
const timeOf = (transactionId: string): number => Number.parseInt(transactionId.slice(0, 8) + transactionId.slice(9, 13), 16);
