/** What the database holds of one player, and what the model says it must hold. */
import { createHash } from 'node:crypto';
import type pg from 'pg';
import { movements, operationOf, roundOf, undoingOf, walletOf, type Book, type Movement } from './book.ts';
import type { Bound } from './compare.ts';

type Row = Readonly<Record<string, unknown>>;
export type Stored = Readonly<Record<'wallets' | 'ledger' | 'rounds' | 'keys', readonly Row[]>>;

// a close has no receipt to know its transaction by; whose round a rollback's row bears is not the rules' business
const QUERY = `
  with ledger as (
    select account_id as account, kind, house, currency, amount::text, version, balance_after::text as after, reference,
      case when kind <> 'close' then transaction_id end as transaction, undoes, bet, face::text, game_id as game, campaign, award,
      case when kind <> 'rollback' then round end as round
    from transaction where player_id = $1 and kind <> 'deposit'
  ), rounds as (
    select account_id as account, round, currency, staked::text, won::text, bets, undone, state, (
        select coalesce(bool_or(closes_round or kind = 'close'), false) from transaction t
        where t.player_id = $1 and t.account_id = r.account_id and substr(sha256(t.round::bytea), 1, 16) = uuid_send(r.round)
      ) as closed_by_row
    from round r where player_id = $1
  ), keys as (
    select account_id as account, operation, reference, case operation when 'rollback' then 'known' else outcome::text end as outcome
    from transaction_key where player_id = $1
  ), wallets as (
    select currency, balance::text, version from wallet where player_id = $1
  )
  select
    (select json_agg(w order by currency) from wallets w) as wallets,
    (select json_agg(l order by currency, version) from ledger l) as ledger,
    (select json_agg(r order by account, round) from rounds r) as rounds,
    (select json_agg(k order by account, operation::text, reference) from keys k) as keys`;

export async function storedOf(pool: pg.Pool, player: string): Promise<Stored> {
  const { rows } = await pool.query<Record<keyof Stored, Row[] | null>>({ name: 'stored', text: QUERY, values: [player] });
  const { wallets, ledger, rounds, keys } = rows[0] as Record<keyof Stored, Row[] | null>;
  return { wallets: wallets ?? [], ledger: ledger ?? [], rounds: rounds ?? [], keys: keys ?? [] };
}

/** a reference or a round as the tables keep it: the first half of its SHA-256 */
const hashed = (text: string): string =>
  createHash('sha256').update(text).digest('hex').slice(0, 32).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');

const sortedBy = (rows: Row[], ...fields: string[]): Row[] => {
  const ranked = (value: unknown) => (typeof value === 'number' ? String(value).padStart(9, '0') : value);
  const rank = (row: Row) => fields.map((field) => ranked(row[field])).join(' ');
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
      account: accountIds[m.account], kind: m.kind, house: houseOf(book, m), currency: m.currency, amount: String(m.amount), version,
      after: String(balance),
      reference: m.reference ?? null, transaction: m.kind === 'close' ? null : idOf(m.id), undoes: idOf(m.undoes), bet: m.named ?? null,
      face: m.face === undefined ? null : String(m.face), game: m.game ?? null, campaign: m.campaign ?? null, award: m.award ?? null,
      round: m.kind === 'rollback' ? null : m.round ?? null,
    };
  });
  const seen = new Map(moved.filter((m) => m.kind === 'bet' || m.kind === 'win').map((m) => [`${m.account} ${m.round}`, m]));
  const rounds = [...seen.values()]
    .flatMap(({ account, round }) => roundRow(book, account, round as string, accountIds[account] as number));
  const keys = book.entries.flatMap((entry) => {
    if ((entry.what !== 'movement' && entry.what !== 'note') || entry.reference === undefined) return [];
    const operation = operationOf(entry);
    const outcome = operation === 'rollback' ? 'known' : entry.what === 'note' ? entry.outcome : 'applied';
    return [{ account: accountIds[entry.account], operation, reference: hashed(entry.reference), outcome }];
  });
  return {
    wallets, ledger: sortedBy(ledger, 'currency', 'version'), rounds: sortedBy(rounds, 'account', 'round'),
    keys: sortedBy(keys, 'account', 'operation', 'reference'),
  };
}

/** the other side of a transfer: game 1, promotion 2, jackpot 3; a rollback's is its original's */
function houseOf(book: Book, movement: Movement): number {
  const original = movements(book).find(({ id }) => id === movement.undoes) ?? movement;
  return original.kind !== 'promo_win' ? 1 : original.award === 'jackpot' ? 3 : 2;
}

function roundRow(book: Book, account: number, name: string, accountId: number): Row[] {
  const round = roundOf(book, account, name);
  if (!round) return [];
  const inForce = (rows: readonly Movement[]) => rows.filter((row) => !undoingOf(book, row));
  const sum = (rows: readonly Movement[], sign: bigint) => String(inForce(rows).reduce((total, { amount }) => total + sign * amount, 0n));
  return [{
    account: accountId, round: hashed(name), currency: round.currency, staked: sum(round.bets, -1n), won: sum(round.wins, 1n),
    bets: round.bets.length, undone: round.bets.length - inForce(round.bets).length,
    state: round.closed ? 'closed' : 'open', closed_by_row: round.closed,
  }];
}
