/** What the database holds of one player, and what the model says it must hold. */
import { createHash } from 'node:crypto';
import type pg from 'pg';
import { movements, operationOf, roundOf, undoingOf, walletOf, type Book, type Movement } from './book.ts';
import type { Bound } from './compare.ts';

type Row = Readonly<Record<string, unknown>>;
export type Stored = Readonly<Record<'wallets' | 'ledger' | 'rounds' | 'keys', readonly Row[]>>;

const QUERY = `select
  (select json_agg(json_build_object('currency', currency, 'balance', balance::text, 'version', version) order by currency) from wallet where player_id = $1) as wallets,
  (select json_agg(json_build_object('account', account_id, 'kind', kind, 'currency', currency, 'amount', amount::text, 'version', version, 'after', balance_after::text,
      'reference', reference, 'transaction', case when kind <> 'close' then transaction_id end, 'undoes', undoes, 'bet', bet, 'face', face::text) order by currency, version)
    from transaction where player_id = $1 and kind <> 'deposit') as ledger,
  (select json_agg(json_build_object('account', account_id, 'round', round, 'currency', currency, 'staked', staked::text, 'won', won::text, 'bets', bets,
      'undone', undone, 'state', state) order by account_id, round) from round where player_id = $1) as rounds,
  (select json_agg(json_build_object('account', account_id, 'operation', operation, 'reference', reference,
      'outcome', case operation when 'rollback' then 'known' else outcome::text end)
      order by account_id, operation::text, reference) from transaction_key where player_id = $1) as keys`;

export async function storedOf(pool: pg.Pool, player: string): Promise<Stored> {
  const { rows } = await pool.query<Record<keyof Stored, Row[] | null>>({ name: 'stored', text: QUERY, values: [player] });
  const { wallets, ledger, rounds, keys } = rows[0] as Record<keyof Stored, Row[] | null>;
  return { wallets: wallets ?? [], ledger: ledger ?? [], rounds: rounds ?? [], keys: keys ?? [] };
}

/** a reference or a round as the tables keep it: the first half of its SHA-256 */
const hashed = (text: string): string =>
  createHash('sha256').update(text).digest('hex').slice(0, 32).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');

const sortedBy = (rows: Row[], ...fields: string[]): Row[] => {
  const rank = (row: Row) => fields.map((field) => (typeof row[field] === 'number' ? String(row[field]).padStart(9, '0') : row[field])).join(' ');
  return rows.toSorted((a, b) => (rank(a) < rank(b) ? -1 : 1));
};

/** What the tables must hold after this book; `accountIds` by the model's account. */
export function expectedStored(book: Book, bound: Bound, accountIds: readonly number[]): Stored {
  const moved = movements(book);
  const idOf = (label: number | undefined) => (label === undefined ? null : bound.get(label)?.transactionId ?? `label ${label}`);
  const wallets = Object.keys(book.facts.openings).toSorted().map((currency) => {
    const { balance, version } = walletOf(book, currency);
    return { currency, balance: String(balance), version };
  });
  const ledger = moved.map((m) => {
    const { balance, version } = walletOf(book, m.currency, m.id);
    return {
      account: accountIds[m.account], kind: m.kind, currency: m.currency, amount: String(m.amount), version, after: String(balance),
      reference: m.reference ?? null, transaction: m.kind === 'close' ? null : idOf(m.id), undoes: idOf(m.undoes), bet: m.named ?? null, face: m.face === undefined ? null : String(m.face),
    };
  });
  const seen = new Map(moved.filter((m) => m.kind === 'bet' || m.kind === 'win').map((m) => [`${m.account} ${m.round}`, m]));
  const rounds = [...seen.values()].flatMap(({ account, round }) => roundRow(book, account, round as string, accountIds[account] as number));
  const keys = book.entries.flatMap((entry) => {
    if ((entry.what !== 'movement' && entry.what !== 'note') || entry.reference === undefined) return [];
    const operation = operationOf(entry);
    const outcome = operation === 'rollback' ? 'known' : entry.what === 'note' ? entry.outcome : 'applied';
    return [{ account: accountIds[entry.account], operation, reference: hashed(entry.reference), outcome }];
  });
  return {
    wallets, ledger: sortedBy(ledger, 'currency', 'version'), rounds: sortedBy(rounds, 'account', 'round'), keys: sortedBy(keys, 'account', 'operation', 'reference'),
  };
}

function roundRow(book: Book, account: number, name: string, accountId: number): Row[] {
  const round = roundOf(book, account, name);
  if (!round) return [];
  const inForce = (rows: readonly Movement[]) => rows.filter((row) => !undoingOf(book, row));
  const sum = (rows: readonly Movement[]) => String(inForce(rows).reduce((total, { amount }) => total + (amount < 0n ? -amount : amount), 0n));
  return [{
    account: accountId, round: hashed(name), currency: round.currency, staked: sum(round.bets), won: sum(round.wins), bets: round.bets.length,
    undone: round.bets.length - inForce(round.bets).length, state: round.closed ? 'closed' : 'open',
  }];
}
