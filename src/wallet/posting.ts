/** The bookkeeping under the rules: what a movement adds to a draft, and the receipts and refusals made of it. */
import { Fault, type Bet, type Deposit, type Operation, type Receipt, type Refusal, type RefusalCode, type Rollback, type Win, type Withdrawal } from './contract.ts';
import type { Draft, Entry, KeyRow, Verdict, Wallet } from './state.ts';

/** The other side of each transfer; table `house_account`. */
export const HOUSE = { game: 1, promotion: 2, jackpot: 3, cashier: 4 } as const;
export const NO_DIGEST = '0'.repeat(32);
const LARGEST_BALANCE = 2n ** 63n - 1n;

/** Movements that a key of their own stands for. */
export type Keyed = Bet | Win | Deposit | Withdrawal;
export const OPERATION = { bet: 'bet', win: 'win', deposit: 'cashier', withdrawal: 'cashier' } as const satisfies Record<Keyed['kind'], Operation>;

export const houseOf = ({ award }: { award?: KeyRow['award'] }): number =>
  award === undefined ? HOUSE.game : award === 'jackpot' ? HOUSE.jackpot : HOUSE.promotion;

/** The key is known: step 3. */
export function repeat(draft: Draft, movement: Keyed | Rollback, row: KeyRow): Receipt | Refusal {
  const wallet = draft.wallet(row.currency) ?? draft.wallet(movement.currency);
  if (row.outcome === 'tombstoned' && row.operation !== 'rollback') return refuse(draft, movement, row.operation, 'ROLLED_BACK');
  if (row.digest !== movement.digest) return refuse(draft, movement, row.operation, 'TRANSACTION_CONFLICT');
  if (row.refusal !== undefined) return { refused: row.refusal, replayed: true, ...(wallet && { wallet: view(wallet) }) };
  if (!wallet) throw new Fault('INTERNAL', 'an applied key without its wallet');
  const receipt = receiptOf(row, movement.reference, wallet, 'replayed');
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
export function quietRow(draft: Draft, movement: Bet | Rollback, outcome: KeyRow['outcome']): KeyRow {
  return {
    player: draft.base.player, operator: draft.base.operator, account: draft.account.accountId, operation: 'rollback', key: movement.key, outcome, digest: movement.digest,
    transactionId: draft.nextId(draft.base.now), currency: movement.currency, amount: 0n, wins: 0, stored: 'no',
  };
}

type Posting = Pick<Entry, 'kind' | 'house'> & Partial<Entry>;

/** One transfer: the wallet, one version up, and its ledger row. */
export function post(draft: Draft, wallet: Wallet, amount: bigint, posting: Posting): { after: Wallet; entry: Entry } {
  const balance = wallet.balance + amount;
  if (balance < 0n || balance > LARGEST_BALANCE) throw new Fault('INTERNAL', 'a balance would leave its range');
  const at = Math.max(draft.base.now, wallet.at);
  const after = { ...wallet, balance, version: wallet.version + 1, at };
  draft.putWallet(after);
  const entry: Entry = {
    player: wallet.player, account: draft.account, currency: wallet.currency, version: after.version, at, transactionId: draft.nextId(at),
    amount, balanceAfter: balance, closesRound: false, ...posting,
  };
  draft.entries.push(entry);
  return { after, entry };
}

/** A transfer that a key stands for; the caller stores the key. */
export function move(draft: Draft, wallet: Wallet, movement: Keyed | Rollback, amount: bigint, posting: Posting): { row: KeyRow; receipt: Receipt } {
  const rounds = draft.account.policy.rounds === 'kept';
  const { closeRound, round, game, face, campaign, award, bet, roundKey, betKey } = movement as Partial<Bet & Win>;
  const { after, entry } = post(draft, wallet, amount, {
    reference: movement.reference, round, game, face, campaign, award, bet, closesRound: rounds && closeRound === true, ...posting,
  });
  const row: KeyRow = {
    player: wallet.player, operator: draft.base.operator, account: draft.account.accountId,
    operation: movement.kind === 'rollback' ? 'rollback' : OPERATION[movement.kind], key: movement.key, outcome: 'applied',
    digest: movement.digest, transactionId: entry.transactionId, currency: after.currency, amount, wins: 0,
    version: after.version, round: rounds ? roundKey : undefined, original: betKey, face, award, stored: 'no',
    balanceAfter: draft.account.policy.duplicateAnswer === 'first' ? after.balance : undefined,
  };
  return { row, receipt: receiptOf(row, movement.reference, after, 'applied') };
}

export const unsigned = (amount: bigint): bigint => (amount < 0n ? -amount : amount);
export const view = ({ currency, balance, version }: Wallet) => ({ currency, balance, version });

export function receiptOf(row: KeyRow, reference: string, wallet: Wallet, status: Receipt['status']): Receipt {
  return {
    ...view(wallet), transactionId: row.transactionId, reference, operation: row.operation, status,
    outcome: row.outcome === 'tombstoned' || row.outcome === 'ignored' ? row.outcome : 'applied',
    ...(row.outcome === 'ignored' && { ignoredBecause: 'refused' }),
    amount: unsigned(row.amount), at: timeOf(row.transactionId),
  };
}

/** A UUIDv7 carries its millisecond; a transaction's time is stored nowhere else in its key. */
const timeOf = (transactionId: string): number => Number.parseInt(transactionId.slice(0, 8) + transactionId.slice(9, 13), 16);
