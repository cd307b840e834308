import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import type { Step } from '../../libs/postgres/index.ts';
import type { Reads } from '../../src/views/reads.ts';
import { TransactionsByReference, TransactionsByReferenceHandler } from '../../src/views/transactions/reference.query.ts';
import { RoundOfPlayer, RoundOfPlayerHandler } from '../../src/views/transactions/round.query.ts';
import { TransactionById, TransactionByIdHandler } from '../../src/views/transactions/transaction.query.ts';
import { TransactionsOfWallet, TransactionsOfWalletHandler, type WalletRequest } from '../../src/views/transactions/wallet.query.ts';
import { asSuperuser, freshDatabase, type TestDatabase } from '../support/cluster.ts';
import { Explainer, sentBy, type Plan as Explained } from '../support/explain.ts';
import { createWorld, type World } from '../support/world.ts';

// How PostgreSQL answers each question of the views, as croupier_read, behind row-level security, on a ledger of 60,000 rows in six months.

const PLAYERS = 50;
const ROWS_EACH = 1_200;
const MONTHS = 6;

let database: TestDatabase;
let world: World;
let explainer: Explainer;
const operator = () => world.operators[0] as string;
const player = () => world.players[7]?.id as string;

/** Versions 2 to 1,201 of each wallet, evenly over this month and the five that follow; every tenth row closes a round of ten. */
const LEDGER = `
insert into transaction (amount, balance_after, version, at, account_id, lane, batch, kind, house, closes_round, player_id, transaction_id, operator_id, currency,
  reference, round, game_id)
select -10000, 100000000 - n * 10000, n + 1, at, $1, 77, n, 'bet', 1, n % 10 = 0, player_id,
  (lpad(to_hex((extract(epoch from at) * 1000)::int8), 12, '0') || '7' || lpad(to_hex(place), 3, '0') || to_hex((1::int8 << 63) | (77::int8 << 30) | n))::uuid,
  $2, 'EUR', 'ref-' || n, 'round-' || (n - 1) / 10, 'game-1'
from (select player_id, row_number() over (order by player_id)::int as place from player where operator_id = $2) p
cross join generate_series(1, ${ROWS_EACH}) n
cross join lateral (select date_trunc('month', now()) + interval '1 month' + (n - ${ROWS_EACH / MONTHS}) * interval '${(MONTHS * 30 * 86_400) / ROWS_EACH} seconds' as at) a`;
const KEYS = `
insert into transaction_key (amount, version, account_id, operation, outcome, digest_version, player_id, reference, digest, transaction_id, operator_id, currency, round)
select amount, version, account_id, 'bet', 'applied', 1, player_id, substr(encode(sha256(reference::bytea), 'hex'), 1, 32)::uuid, player_id, transaction_id,
  operator_id, currency, substr(encode(sha256(round::bytea), 'hex'), 1, 32)::uuid
from transaction where kind = 'bet'`;
const ROUNDS = `
insert into round (staked, won, bets, undone, named, account_id, last_bet_version, state, player_id, round, operator_id, currency, first_version, last_version)
select -sum(amount), 0, count(*), 0, 0, account_id, max(version), 'closed', player_id, substr(encode(sha256(round::bytea), 'hex'), 1, 32)::uuid, operator_id, currency,
  min(version), max(version)
from transaction where kind = 'bet' group by account_id, player_id, round, operator_id, currency`;

beforeAll(async () => {
  database = await freshDatabase();
  world = await createWorld(database, { players: { EUR: PLAYERS } });
  const owner = new pg.Client(database.url('croupier_owner'));
  await owner.connect();
  await owner.query(LEDGER, [world.accounts[0]?.accountId, operator()]);
  await owner.query(KEYS);
  await owner.query(ROUNDS);
  await owner.query('analyze transaction, transaction_key, round, wallet');
  await owner.end();
  explainer = await Explainer.on(database);
}, 60_000);

afterAll(() => explainer?.close());

interface Plan extends Explained {
  /** partitions of the ledger that were looked into */
  readonly months: readonly string[];
}

/** Of what a handler sends, the statement that looks into the ledger. */
async function planOf(ask: (reads: Reads) => Promise<unknown>): Promise<Plan> {
  const step = (await sentBy(ask)).at(-1)?.find(({ text }) => /\bfrom transaction\b/.test(text)) as Step;
  const plan = await explainer.explain(operator(), step);
  const run = [...plan.text.matchAll(/ on (transaction_(?:\d{4}_\d\d|default)) \S+ \(actual [^)]*\)/g)].map((match) => match[1] as string);
  return { ...plan, months: [...new Set(run)].toSorted() };
}

/** Each month's index is entered by the player, also a month's that was empty when the statement was planned. */
function expectIndexed({ text, months: looked }: Plan): void {
  const entered = [...text.matchAll(/using (transaction_(?:\d{4}_\d\d|default))_pkey on [^\n]*\n\s*Index Cond: \(\(player_id = \$1\)/g)].map((match) => match[1] as string);
  expect(looked.filter((month) => !entered.includes(month))).toEqual([]);
}

const SEQUENTIAL = /Seq Scan on (transaction|transaction_key|round|wallet)/;
const months = async () => (await asSuperuser<{ name: string }>(database.url('superuser'),
  "select c.relname as name from pg_inherits i join pg_class c on c.oid = i.inhrelid where i.inhparent = 'transaction'::regclass order by 1")).map(({ name }) => name);
const row = async (version: number) => (await asSuperuser<{ id: string; at: Date; month: string }>(database.url('superuser'),
  "select transaction_id as id, at, tableoid::regclass::text as month from transaction where player_id = $1 and version = $2", [player(), version]))[0] as { id: string; at: Date; month: string };

const page = (more: Partial<WalletRequest> = {}) => (reads: Reads) =>
  new TransactionsOfWalletHandler(reads).execute(new TransactionsOfWallet({ operator: operator() }, { player: player(), currency: 'EUR', order: 'desc', limit: 50, ...more }));

describe('the ledger of these plans', () => {
  it('has 60,000 rows and more in six months, and as many keys', async () => {
    const [counts] = await asSuperuser<{ entries: number; keys: number; months: number }>(database.url('superuser'), `select count(*)::int as entries,
      count(distinct tableoid)::int as months, (select count(*)::int from transaction_key) as keys from transaction`);
    expect(counts?.entries).toBeGreaterThanOrEqual(PLAYERS * ROWS_EACH);
    expect(counts?.keys).toBeGreaterThanOrEqual(PLAYERS * ROWS_EACH);
    expect(counts?.months).toBeGreaterThanOrEqual(MONTHS);
  });
});

describe('a question', () => {
  it('for one transaction by its id looks into one month, by its index', async () => {
    const wanted = await row(600);
    const plan = await planOf((reads) => new TransactionByIdHandler(reads).execute(new TransactionById({ operator: operator() }, wanted.id)));
    expect([plan.rows, plan.months]).toEqual([1, [wanted.month]]);
    expect(plan.text).toMatch(/Index Scan using transaction_\d{4}_\d\d_lane_batch_idx/);
    expect(plan.text).not.toMatch(SEQUENTIAL);
  });

  it('for a page of a wallet reads one row more than the page from the index, in its order', async () => {
    for (const order of ['asc', 'desc'] as const) {
      const plan = await planOf(page({ order }));
      expect([plan.rows, plan.text.includes('Merge Append')]).toEqual([51, true]);
      expect(plan.text).not.toMatch(SEQUENTIAL);
      expect(plan.text).not.toMatch(/(^|-> +)Sort \(/m);
      expect(plan.text).not.toMatch(/Bitmap/);
      expectIndexed(plan);
    }
  });

  it('for the page behind a cursor leaves out the months on its other side', async () => {
    const { month, at } = await row(600);
    const all = await months();
    const cursor = async (order: 'asc' | 'desc', way: 'next' | 'previous') => {
      const { sealCursor } = await import('../../libs/http/index.ts');
      const scope = ['transactions of wallet', operator(), player(), 'EUR', order, '', '', '', ''];
      return planOf(page({ order, cursor: sealCursor(Buffer.from('00', 'hex'), scope, [way, 600, at.getTime(), '']) }));
    };
    const here = all.indexOf(month);
    const older = await cursor('desc', 'next');
    expect([older.rows, older.months]).toEqual([51, [...all.slice(0, here + 1), 'transaction_default'].toSorted()]);
    const newer = await cursor('desc', 'previous');
    expect([newer.rows, newer.months]).toEqual([51, all.filter((name) => all.indexOf(name) >= here)]);
    expect((await cursor('asc', 'next')).months).toEqual(newer.months);
    for (const { text } of [older, newer]) {
      expect(text).toMatch(/Subplans Removed: \d+/);
      expect(text).not.toMatch(SEQUENTIAL);
    }
  });

  it('for a time leaves out the months that are not of it', async () => {
    const { month, at } = await row(600);
    const to = new Date(at.getTime() + 1);
    const plan = await planOf(page({ from: at.toISOString(), to: to.toISOString() }));
    expect([plan.rows, plan.months]).toEqual([1, [month]]);
    expect(plan.text).not.toMatch(SEQUENTIAL);
  });

  it('for a reference goes by the key’s index, and into the one month of its ledger row', async () => {
    const { month } = await row(600);
    const request = { player: player(), reference: 'ref-599' };
    const plan = await planOf((reads) => new TransactionsByReferenceHandler(reads).execute(new TransactionsByReference({ operator: operator() }, request)));
    expect([plan.rows, plan.months]).toEqual([1, [month]]);
    expect(plan.text).toMatch(/Index Scan using transaction_key_pkey/);
    expectIndexed(plan);
    expect(plan.text).not.toMatch(SEQUENTIAL);
  });

  it('for a round reads the rows between its versions, and no others', async () => {
    const request = { player: player(), account: world.accounts[0]?.accountId as number, round: 'round-59' };
    const plan = await planOf((reads) => new RoundOfPlayerHandler(reads).execute(new RoundOfPlayer({ operator: operator() }, request)));
    expect(plan.rows).toBe(10);
    expect(plan.text).not.toMatch(SEQUENTIAL);
    expect(plan.months.length).toBe((await months()).length);
    expectIndexed(plan);
  });
});
