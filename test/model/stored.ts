/** What the database holds of one player, and what the model says it must hold. */
import { createHash } from 'node:crypto';
import type pg from 'pg';
import { formOfWin, isKey, movements, policyOf, roundOf, undoingOf, walletOf, type Book, type Movement, type Place, type RoundEnd } from './book.ts';
import type { Bound } from './compare.ts';

type Row = Readonly<Record<string, unknown>>;
export type Stored = Readonly<Record<'wallets' | 'ledger' | 'rounds' | 'keys', readonly Row[]>>;

// what has no reference has no receipt to know its transaction by; whose round a rollback's row bears is not the rules' business
const QUERY = `
  with ledger as (
    select account_id as account, kind, house, currency, amount::text, coalesce(debt, 0)::text as debt, version, balance_after::text as after, reference,
      case when reference is not null then transaction_id end as transaction, undoes, bet, face::text, game_id as game, campaign, award,
      case when kind <> 'rollback' then round end as round
    from transaction where player_id = $1 and kind <> 'deposit'
  ), rounds as (
    select account_id as account, round, currency, staked::text, won::text, bets, undone, state, case when state <> 'cancelled' then (
        select coalesce(bool_or(closes_round or kind = 'close'), false) from transaction t
        where t.player_id = $1 and t.account_id = r.account_id and substr(sha256(t.round::bytea), 1, 16) = uuid_send(r.round)
      ) end as closed_by_row
    from round r where player_id = $1
  ), keys as (
    select account_id as account, operation, reference, case operation when 'rollback' then 'known' else outcome::text end as outcome
    from transaction_key where player_id = $1 and operation <> 'cashier'
  ), wallets as (
    select currency, balance::text, debt::text, version from wallet where player_id = $1
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
    const { balance, debt, version } = walletOf(book, currency);
    return { currency, balance: String(balance), debt: String(debt), version };
  });
  const ledger = moved.map((m) => {
    const { balance, version } = walletOf(book, m.currency, m.id);
    return {
      account: accountIds[m.account], kind: m.kind, house: houseOf(book, m), currency: m.currency, amount: String(m.amount), debt: String(m.debt ?? 0n), version,
      after: String(balance),
      reference: m.reference ?? null, transaction: m.reference === undefined ? null : idOf(m.id), undoes: idOf(m.undoes), bet: m.named ?? null,
      face: m.face === undefined ? null : String(m.face), game: m.game ?? null, campaign: m.campaign ?? null, award: m.award ?? null,
      round: m.kind === 'rollback' ? null : m.round ?? null,
    };
  });
  const places = [...moved.filter((m) => m.kind === 'bet' || m.kind === 'win'), ...book.entries.filter((e): e is RoundEnd => e.what === 'round cancelled')];
  const byName = new Map(places.map((place) => [`${place.account} ${place.round} ${isByGame(book, place.account) ? place.game : ''}`, place]));
  const rounds = [...byName.values()].flatMap((place) => roundRow(book, place, accountIds));
  const keys = [...new Map(keyRows(book, accountIds)).values()];
  return {
    wallets, ledger: sortedBy(ledger, 'currency', 'version'), rounds: sortedBy(rounds, ...ROUND),
    keys: sortedBy(keys, 'account', 'operation', 'reference'),
  };
}

/** the other side of a transfer: game 1, promotion 2, jackpot 3; a rollback's is its original's */
function houseOf(book: Book, movement: Movement): number {
  const original = movements(book).find(({ id }) => id === movement.undoes) ?? movement;
  return original.kind !== 'promo_win' ? 1 : original.award === 'jackpot' ? 3 : 2;
}

/** by what they bear, the newest last; those of campaigns last of all, known by their number only */
function keyRows(book: Book, accountIds: readonly number[]): [string, Row][] {
  const own = book.entries.flatMap((entry): [string, Row][] => {
    if (!isKey(entry) || entry.reference === undefined) return [];
    const { operation, reference, account } = entry;
    const outcome = operation === 'rollback' ? 'known' : entry.what === 'note' ? entry.outcome : 'applied';
    return [[`${account} ${operation} ${reference}`, { account: accountIds[account], operation, reference: hashed(reference), outcome }]];
  });
  const campaigns = movements(book).filter((m) => formOfWin(book, m) && policyOf(book, m.account).freeRounds !== 'per-round')
    .map(({ account, campaign }): [string, Row] => [`${account} campaign ${campaign}`, {
      account: accountIds[account], operation: 'award', reference: CAMPAIGN, outcome: 'applied',
    }]);
  return [...own, ...campaigns];
}

const CAMPAIGN = 'of a campaign';

/** The fingerprints of a campaign and of a round that bears its game are not the rules' business. */
export function withoutFingerprints(stored: Stored, expected: Stored): Stored {
  const known = new Set(expected.keys.map(({ reference }) => reference));
  const keys = stored.keys.map((key) => (key['operation'] === 'award' && !known.has(key['reference']) ? { ...key, reference: CAMPAIGN } : key));
  const byGame = new Set(expected.rounds.filter(({ round }) => round === BY_GAME).map(({ account }) => account));
  const rounds = stored.rounds.map((round) => (byGame.has(round['account']) ? { ...round, round: BY_GAME, closed_by_row: null } : round));
  return { ...stored, keys: sortedBy(keys, 'account', 'operation', 'reference'), rounds: sortedBy(rounds, ...ROUND) };
}

const BY_GAME = 'by game';
const ROUND = ['account', 'round', 'currency', 'staked', 'won', 'bets', 'undone', 'state'];
const isByGame = (book: Book, account: number): boolean => policyOf(book, account).roundScope === 'game';

function roundRow(book: Book, place: Place & { readonly round?: string }, accountIds: readonly number[]): Row[] {
  const round = roundOf(book, place);
  if (!round) return [];
  const inForce = (rows: readonly Movement[]) => rows.filter((row) => !undoingOf(book, row));
  const sum = (rows: readonly Movement[], sign: bigint) => String(inForce(rows).reduce((total, { amount }) => total + sign * amount, 0n));
  const byGame = isByGame(book, place.account);
  return [{
    account: accountIds[place.account], round: byGame ? BY_GAME : hashed(place.round as string), currency: round.currency,
    staked: sum(round.bets, -1n), won: sum(round.wins, 1n), bets: round.bets.length, undone: round.bets.length - inForce(round.bets).length,
    state: round.state, closed_by_row: byGame || round.state === 'cancelled' ? null : round.state === 'closed',
  }];
}
