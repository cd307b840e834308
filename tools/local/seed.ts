/**
 * The demo's world: an operator, a provider account with its key, games, and players with money and a session each.
 * Keys and tokens are derived from one kept secret, so that seeding again finds, and does not double, what is there.
 */
import { createHash, createHmac, type Hmac } from 'node:crypto';
import type pg from 'pg';
import { formatAmount, parseAmount, type Currency } from '../../libs/money/index.ts';
import { connect } from '../../libs/postgres/index.ts';
import { makeKey } from '../../src/access/contract.ts';
import { parsePolicy } from '../../src/providers/contract.ts';
import { isRefusal, type Account } from '../../src/wallet/contract.ts';
import { Lanes } from '../../src/wallet/lane.ts';
import { openWallets } from '../../src/wallet/money.ts';
import { depositOf } from '../../src/wallet/movements.ts';
import { DIALECTS } from '../../src/installed.ts';
import { seedDialects, type DemoDialect, type Seal } from './seed-dialects.ts';
import { kitPlayers, layBets, startKitSessions, type KitGround, type KitSeats } from './seed-kit.ts';

export interface DemoWorld {
  operator: { id: string; apiKey: string };
  provider: { apiKey: string; secret: string };
  games: { id: string; name: string }[];
  players: { id: string; externalId: string; currency: string; balance: string; sessionToken: string }[];
  /** the conformance kit's own, of the native dialect; nobody else plays on them */
  conformance: KitSeats;
  dialects: Record<string, DemoDialect & { readonly conformance: KitSeats }>;
}

const OPERATOR = 'Demo Casino';
/** Deposits are the operator's own: an account without a key, so that nobody can call through it. */
const CASHIER = 'cashier';
const STUDIO = 'demo-studio';

const GAMES = [
  { id: 'harbour-lights', name: 'Harbour Lights' },
  { id: 'nine-lanterns', name: 'Nine Lanterns' },
  { id: 'paper-tigers', name: 'Paper Tigers' },
  { id: 'salt-and-silver', name: 'Salt and Silver' },
  { id: 'live-roulette-1', name: 'Live Roulette, table 1' },
  { id: 'live-blackjack-3', name: 'Live Blackjack, table 3' },
];

const unitsOf = (whole: bigint, scale: number) => whole * 10n ** BigInt(scale);

interface Purse {
  currency: Currency;
  players: number;
  /** What each of them begins with. */
  opening: string;
}

const PURSES: Purse[] = [
  { currency: { code: 'EUR', exponent: 2, scale: 6, maxAmount: unitsOf(100_000_000n, 6) }, players: 1_000, opening: '1000.00' },
  { currency: { code: 'JPY', exponent: 0, scale: 6, maxAmount: unitsOf(10_000_000_000n, 6) }, players: 50, opening: '150000' },
  { currency: { code: 'KWD', exponent: 3, scale: 6, maxAmount: unitsOf(100_000_000n, 6) }, players: 50, opening: '300.000' },
  { currency: { code: 'BTC', exponent: 8, scale: 8, maxAmount: unitsOf(21_000_000n, 8) }, players: 50, opening: '0.05000000' },
];

interface Player {
  readonly externalId: string;
  readonly currency: Currency;
  readonly opening: string;
}

/** `eur-0001` and so on: who plays, in which currency. */
const PLAYERS: readonly Player[] = PURSES.flatMap(({ currency, players, opening }) =>
  Array.from({ length: players }, (_, i) => ({
    externalId: `${currency.code.toLowerCase()}-${String(i + 1).padStart(4, '0')}`,
    currency,
    opening,
  })),
);

const CURRENCIES = new Map(PURSES.map(({ currency }) => [currency.code, currency]));

/** Of the kit's players: they begin with what others have. */
const asPlayer = ({ externalId, currency }: { readonly externalId: string; readonly currency: string }): Player => {
  const purse = PURSES.find((each) => each.currency.code === currency) as Purse;
  return { externalId, currency: purse.currency, opening: purse.opening };
};

/** Who plays at the other dialects' accounts too: 100 in EUR and ten in each other currency. */
const plays = ({ externalId }: { readonly externalId: string }): boolean => Number(externalId.slice(-4)) <= (externalId.startsWith('eur-') ? 100 : 10);

/**
 * Safe to repeat; sessions are prolonged each time. `owner` and `money` are URLs of the database as those roles; `seal`: how providers'
 * secrets are kept.
 */
export async function seed(owner: string, money: string, secret: string, dataDir: string, seal: Seal): Promise<DemoWorld> {
  const derived = (what: string) => createHmac('sha256', secret).update(what);
  const provider = {
    apiKey: `demo_${derived('api key').digest('hex').slice(0, 24)}`,
    secret: `whsec_${derived('secret').digest('base64')}`,
  };
  const tokenOf: TokenOf = (externalId) => derived(`session ${externalId}`).digest('base64url');

  const client = await connect(owner, { name: 'croupier seed' });
  try {
    await client.query('begin');
    const { operatorId, studio, cashier } = await seedProvider(client, provider, seal);
    const apiKey = await seedKey(client, operatorId, derived);
    await seedPlayers(client, operatorId, studio, tokenOf);
    const seated = (await readPlayers(client, operatorId, tokenOf)).filter(plays);
    const dialects = await seedDialects(client, dataDir, derived, { operatorId, operator: OPERATOR, games: GAMES, players: seated }, seal);
    const accounts = new Map([['native', accountAs(studio, operatorId, 'native')], ...[...dialects].map(([name, { accountId }]) => [name, accountAs(accountId, operatorId, name)] as const)]);
    const kit = kitPlayers([...accounts.keys()]);
    const ids = await openPlayers(client, operatorId, kit.map(asPlayer));
    const ground: KitGround = { operatorId, currencies: CURRENCIES, accounts, ids, derived };
    await startKitSessions(client, ground, kit);
    await client.query('commit');
    const seats = await inLanes(money, async (lanes) => {
      await makeDeposits(client, lanes, { accountId: cashier, operatorId, policy: parsePolicy({}), games: new Map() }, [...PLAYERS, ...kit.map(asPlayer)]);
      return layBets(client, lanes, ground, kit);
    });
    const seatsOf = (name: string) => seats.get(name) as KitSeats;
    return {
      operator: { id: operatorId, apiKey }, provider, games: GAMES, players: await readPlayers(client, operatorId, tokenOf), conformance: seatsOf('native'),
      dialects: Object.fromEntries([...dialects].map(([name, { demo }]) => [name, { ...demo, conformance: seatsOf(name) }])),
    };
  } finally {
    await client.end();
  }
}

const accountAs = (accountId: number, operatorId: string, dialect: string): Account =>
  ({ accountId, operatorId, policy: parsePolicy({}, DIALECTS.find(({ name }) => name === dialect)?.policy), games: new Map(GAMES.map(({ id }) => [id, true])) });

/** The operator's key to its own API: the same one each time, good for another year. */
async function seedKey(client: pg.Client, operatorId: string, derived: (what: string) => Hmac): Promise<string> {
  const id = derived('operator key id').digest('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*$/, '$1-$2-$3-$4-$5');
  const { key, hash } = makeKey(operatorId, { id, secret: derived('operator key').digest() });
  await client.query(`insert into api_key (api_key_id, operator_id, name, secret_hash, roles, expires_at)
    values ($1, $2, 'demo', $3, '{administrator}', now() + interval '365 days')
    on conflict (api_key_id) do update set expires_at = excluded.expires_at`, [id, operatorId, hash]);
  return key;
}

interface Provider {
  operatorId: string;
  studio: number;
  cashier: number;
}

async function seedProvider(client: pg.Client, provider: DemoWorld['provider'], seal: Seal): Promise<Provider> {
  await client.query('insert into operator (name) values ($1) on conflict do nothing', [OPERATOR]);
  const operator = await client.query<{ operator_id: string }>('select operator_id from operator where name = $1', [OPERATOR]);
  const operatorId = operator.rows[0]?.operator_id as string;
  for (const { currency } of PURSES) {
    const { code, exponent, scale, maxAmount } = currency;
    const row = [code, exponent, scale, maxAmount];
    await client.query('insert into currency (code, exponent, scale, max_amount) values ($1, $2, $3, $4) on conflict do nothing', row);
  }
  const studio = await accountOf(client, operatorId, STUDIO, 'native');
  const cashier = await accountOf(client, operatorId, CASHIER, 'none');
  const credential = [provider.apiKey, studio, operatorId, [await seal(provider.secret, { operatorId, accountId: studio })]];
  await client.query('insert into credential (api_key, account_id, operator_id, secrets) values ($1, $2, $3, $4) on conflict do nothing', credential);
  for (const { id, name } of GAMES) {
    const game = [studio, operatorId, id, name];
    await client.query('insert into game (account_id, operator_id, game_id, name) values ($1, $2, $3, $4) on conflict do nothing', game);
  }
  return { operatorId, studio, cashier };
}

async function accountOf(client: pg.Client, operatorId: string, provider: string, dialect: string): Promise<number> {
  const row = [operatorId, provider, dialect];
  await client.query('insert into provider_account (operator_id, provider, dialect) values ($1, $2, $3) on conflict do nothing', row);
  const named = 'select account_id from provider_account where operator_id = $1 and provider = $2';
  const { rows } = await client.query<{ account_id: number }>(named, [operatorId, provider]);
  return rows[0]?.account_id as number;
}

type TokenOf = (externalId: string) => string;

async function seedPlayers(client: pg.Client, operatorId: string, studio: number, tokenOf: TokenOf): Promise<void> {
  const ids = await openPlayers(client, operatorId, PLAYERS);
  const names = PLAYERS.map((player) => player.externalId);
  const players = PLAYERS.map((player) => ids.get(player.externalId) as string);
  const currencies = PLAYERS.map((player) => player.currency.code);
  await client.query(
    `insert into session (player_id, token_hash, operator_id, account_id, currency, expires_at, country, jurisdiction, language)
     select player, hash, $1, $2, currency, now() + interval '30 days', 'MT', 'MT', 'en'
     from unnest($3::uuid[], $4::bytea[], $5::text[]) new (player, hash, currency)
     on conflict (player_id, token_hash) do update set state = 'active', expires_at = excluded.expires_at`,
    [operatorId, studio, players, names.map((name) => createHash('sha256').update(tokenOf(name)).digest()), currencies],
  );
}

/** Each with a wallet; answers their ids by their external ones. */
async function openPlayers(client: pg.Client, operatorId: string, players: readonly Player[]): Promise<Map<string, string>> {
  const names = players.map((player) => player.externalId);
  await client.query('insert into player (operator_id, external_id) select $1, name from unnest($2::text[]) name on conflict do nothing', [operatorId, names]);
  const named = 'select external_id, player_id from player where operator_id = $1 and external_id = any($2)';
  const { rows } = await client.query<{ external_id: string; player_id: string }>(named, [operatorId, names]);
  const ids = new Map(rows.map((row) => [row.external_id, row.player_id]));
  await openWallets(client, players.map(({ externalId, currency }) => ({ player: ids.get(externalId) as string, operator: operatorId, currency: currency.code })));
  return ids;
}

async function inLanes<T>(money: string, work: (lanes: Lanes) => Promise<T>): Promise<T> {
  const lanes = new Lanes({ url: money, lanes: 1, watch: { batch() {}, waited() {}, shed() {} }, alert: () => {} });
  try {
    return await work(lanes);
  } finally {
    await lanes.close();
  }
}

/** Through the same door as all money. Only wallets that nothing has touched: in an old world there is nothing to send. */
async function makeDeposits(client: pg.Client, lanes: Lanes, cashier: Account, players: readonly Player[]): Promise<void> {
  const { rows } = await client.query<{ player_id: string; external_id: string }>(
    `select player_id, external_id from wallet join player using (player_id) where player.operator_id = $1 and version = 0`,
    [cashier.operatorId],
  );
  const untouched = new Map(rows.map((row) => [row.external_id, row.player_id]));
  const deposit = async ({ externalId, currency, opening }: Player): Promise<void> => {
    const player = untouched.get(externalId);
    if (player === undefined) return;
    const movement = depositOf({ reference: `opening-${externalId}`, currency: currency.code, amount: parseAmount(opening, currency) as bigint });
    const { answer } = await lanes.submit({ account: cashier, player, movement, deadlineAt: performance.now() + 60_000 });
    if (isRefusal(answer)) throw new Error(`the opening deposit of ${externalId} was refused: ${answer.refused}`);
  };
  await Promise.all(players.map(deposit));
}

async function readPlayers(client: pg.Client, operatorId: string, tokenOf: TokenOf): Promise<DemoWorld['players']> {
  const { rows } = await client.query<{ external_id: string; player_id: string; currency: string; balance: string }>(
    `select external_id, player_id, currency, balance from player join wallet using (player_id)
     where player.operator_id = $1 and external_id = any($2) order by array_position($2::text[], external_id)`,
    [operatorId, PLAYERS.map((player) => player.externalId)],
  );
  return rows.map((row) => ({
    id: row.player_id,
    externalId: row.external_id,
    currency: row.currency,
    balance: formatAmount(BigInt(row.balance), CURRENCIES.get(row.currency) as Currency),
    sessionToken: tokenOf(row.external_id),
  }));
}
