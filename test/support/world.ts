/** Operators, accounts, games and players for a test database, written as its owner, with balances that the ledger accounts for. */
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import pg from 'pg';
import { parsePolicy } from '../../src/providers/contract.ts';
import type { Account } from '../../src/wallet/contract.ts';
import { Lanes } from '../../src/wallet/lane.ts';
import { depositOf } from '../../src/wallet/movements.ts';
import { openWallets } from '../../src/wallet/money.ts';
import { verify } from '../../src/wallet/verify.ts';
import { asSuperuser, type TestDatabase } from './cluster.ts';

export interface WorldAccount {
  readonly accountId: number;
  readonly operatorId: string;
  readonly apiKey: string;
  readonly secret: string;
}

export interface WorldPlayer {
  readonly id: string;
  readonly operatorId: string;
  readonly currency: string;
  /** a session at the operator's first account */
  readonly sessionToken: string;
  /** by account: a session at each of the operator's accounts that speak another dialect */
  readonly tokens: Readonly<Record<number, string>>;
}

/** An account that does not speak the native dialect. */
export interface WorldDialect {
  readonly dialect: string;
  /** as the operator keeps them: newest first; one or none of them is sealed */
  readonly secrets: readonly string[];
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly policy?: Readonly<Record<string, unknown>>;
  /** whence it may call, `198.51.100.0/24`; default: from anywhere */
  readonly addresses?: readonly string[];
}

export interface WorldDialectAccount {
  readonly accountId: number;
  readonly operatorId: string;
  readonly dialect: string;
  /** `/providers/7/` */
  readonly basePath: string;
}

export interface World {
  readonly operators: readonly string[];
  /** one native account per policy, of the first operator, then one of the second operator */
  readonly accounts: readonly WorldAccount[];
  /** one per dialect that was asked for, of the first operator */
  readonly dialects: readonly WorldDialectAccount[];
  readonly players: readonly WorldPlayer[];
  readonly strangers: readonly WorldPlayer[];
  /** known to every account */
  readonly game: string;
}

export interface WorldOptions {
  /** players of the first operator per currency, with a wallet in that currency; default { EUR: 10 } */
  readonly players?: Readonly<Record<string, number>>;
  /** each player's opening balance in storage units; default 100.00 in a currency of scale 6 */
  readonly balance?: bigint;
  /** policy records of the first operator's accounts; default [{}] */
  readonly policies?: readonly Readonly<Record<string, unknown>>[];
  /** accounts of the first operator in other dialects, with the games of the others, and a session of each of its players; default [] */
  readonly dialects?: readonly WorldDialect[];
}

const CURRENCIES = `insert into currency (code, exponent, scale, max_amount) values
  ('EUR', 2, 6, 1000000000 * 10^6), ('JPY', 0, 6, 100000000000 * 10^6), ('KWD', 3, 6, 1000000000 * 10^6), ('BTC', 8, 8, 21000000 * 10^8)`;

const GAMES = `insert into game (account_id, operator_id, game_id, name) values ($1, $2, 'game-1', 'One'), ($1, $2, 'game-2', 'Two')`;

export async function createWorld(database: TestDatabase, options: WorldOptions = {}): Promise<World> {
  const { players: wanted = { EUR: 10 }, balance = 100_000_000n, policies = [{}], dialects = [] } = options;
  const owner = new pg.Client(database.url('croupier_owner'));
  await owner.connect();
  try {
    await owner.query(CURRENCIES);
    const operators = [await addOperator(owner, 'first'), await addOperator(owner, 'second')];
    const [first, second] = operators as [string, string];
    const accounts: WorldAccount[] = [];
    for (const [i, policy] of policies.entries()) accounts.push(await addAccount(owner, first, `studio ${i}`, policy));
    accounts.push(await addAccount(owner, second, 'studio', {}));
    const others: WorldDialectAccount[] = [];
    for (const [i, dialect] of dialects.entries()) others.push(await addDialect(owner, first, `${dialect.dialect} ${i}`, dialect));
    const cashiers = [await addCashier(owner, first), await addCashier(owner, second)] as const;
    const players: WorldPlayer[] = [];
    for (const [currency, count] of Object.entries(wanted)) players.push(...(await addPlayers(owner, accounts[0] as WorldAccount, others, currency, count)));
    const strangers = await addPlayers(owner, accounts.at(-1) as WorldAccount, [], 'EUR', 2);
    await fund(database, cashiers[0], players, balance);
    await fund(database, cashiers[1], strangers, balance);
    return { operators, accounts, dialects: others, players, strangers, game: 'game-1' };
  } finally {
    await owner.end();
  }
}

async function addOperator(owner: pg.Client, name: string): Promise<string> {
  const { rows } = await owner.query<{ operator_id: string }>('insert into operator (name) values ($1) returning operator_id', [name]);
  return rows[0]?.operator_id as string;
}

async function addAccount(owner: pg.Client, operatorId: string, provider: string, policy: object): Promise<WorldAccount> {
  const { rows } = await owner.query<{ account_id: number }>(
    `insert into provider_account (operator_id, provider, dialect, policy) values ($1, $2, 'native', $3) returning account_id`,
    [operatorId, provider, JSON.stringify(policy)]);
  const accountId = rows[0]?.account_id as number;
  const account = { accountId, operatorId, apiKey: `key_${randomUUID()}`, secret: `whsec_${randomBytes(32).toString('base64')}` };
  await owner.query('insert into credential (api_key, account_id, operator_id, secrets) values ($1, $2, $3, $4)', [account.apiKey, accountId, operatorId, [account.secret]]);
  await owner.query(GAMES, [accountId, operatorId]);
  return account;
}

async function addDialect(owner: pg.Client, operatorId: string, provider: string, of: WorldDialect): Promise<WorldDialectAccount> {
  const { dialect, secrets, settings = {}, policy = {}, addresses = [] } = of;
  const { rows } = await owner.query<{ account_id: number }>(
    `insert into provider_account (operator_id, provider, dialect, policy, settings, addresses) values ($1, $2, $3, $4, $5, $6::text[]::cidr[]) returning account_id`,
    [operatorId, provider, dialect, JSON.stringify(policy), JSON.stringify(settings), addresses]);
  const accountId = rows[0]?.account_id as number;
  if (secrets.length > 0) {
    await owner.query('insert into credential (api_key, account_id, operator_id, secrets) values ($1, $2, $3, $4)', [`key_${randomUUID()}`, accountId, operatorId, secrets]);
  }
  await owner.query(GAMES, [accountId, operatorId]);
  return { accountId, operatorId, dialect, basePath: `/providers/${accountId}/` };
}

async function addCashier(owner: pg.Client, operatorId: string): Promise<Account> {
  const { rows } = await owner.query<{ account_id: number }>(
    `insert into provider_account (operator_id, provider, dialect) values ($1, 'cashier', 'none') returning account_id`, [operatorId]);
  return { accountId: rows[0]?.account_id as number, operatorId, policy: parsePolicy({}), games: new Map() };
}

async function addPlayers(
  owner: pg.Client, account: WorldAccount, dialects: readonly WorldDialectAccount[], currency: string, count: number,
): Promise<WorldPlayer[]> {
  const newToken = () => randomBytes(24).toString('base64url');
  const players = Array.from({ length: count }, () => ({
    id: randomUUID(), operatorId: account.operatorId, currency, sessionToken: newToken(),
    tokens: Object.fromEntries(dialects.map(({ accountId }) => [accountId, newToken()])),
  }));
  const ids = players.map(({ id }) => id);
  await owner.query('insert into player (player_id, operator_id, external_id) select id, $2, id::text from unnest($1::uuid[]) id', [ids, account.operatorId]);
  const seats = [{ accountId: account.accountId, tokens: players.map(({ sessionToken }) => sessionToken) },
    ...dialects.map(({ accountId }) => ({ accountId, tokens: players.map(({ tokens }) => tokens[accountId] as string) }))];
  for (const { accountId, tokens } of seats) {
    await owner.query(
      `insert into session (player_id, token_hash, operator_id, account_id, currency, expires_at, country, language)
       select p, h, $3, $4, $5, now() + interval '1 day', 'MT', 'en' from unnest($1::uuid[], $2::bytea[]) x(p, h)`,
      [ids, tokens.map((token) => createHash('sha256').update(token).digest()), account.operatorId, accountId, currency]);
  }
  return players;
}

type Opened = Pick<WorldPlayer, 'id' | 'currency'>;

/** Wallets of players who come later, filled by their operator's cashier. */
export async function openFunded(database: TestDatabase, operatorId: string, players: readonly Opened[], balance: bigint): Promise<void> {
  const [cashier] = await asSuperuser<{ account_id: number }>(
    database.url('superuser'), `select account_id from provider_account where operator_id = $1 and provider = 'cashier'`, [operatorId]);
  await fund(database, { accountId: cashier?.account_id as number, operatorId, policy: parsePolicy({}), games: new Map() }, players, balance);
}

/** What `verify` finds: invariant, player, version and a sentence. */
export const brokenIn = async (database: TestDatabase): Promise<string[]> => (await verify(database.url('croupier_worker')))
  .flatMap(({ invariant, violations }) => violations.map(({ player, version, what }) => `${invariant} ${player} ${version} ${what}`));

/** Opens the wallets and deposits through the money path's own door, as production does. */
async function fund(database: TestDatabase, cashier: Account, players: readonly Opened[], balance: bigint): Promise<void> {
  const client = new pg.Client(database.url('croupier_money'));
  await client.connect();
  await openWallets(client, players.map(({ id, currency }) => ({ player: id, operator: cashier.operatorId, currency })));
  await client.end();
  const fail = (message: string, error: unknown) => { throw new Error(message, { cause: error }); };
  const lanes = new Lanes({
    url: database.url('croupier_money'), lanes: 1, watch: { batch: () => undefined, waited: () => undefined, shed: () => undefined }, alert: fail,
  });
  const deposit = (player: Opened) => lanes.submit({
    account: cashier, player: player.id, deadlineAt: performance.now() + 60_000,
    movement: depositOf({ reference: `opening ${player.id} ${player.currency}`, currency: player.currency, amount: balance }),
  });
  for (let i = 0; i < players.length; i += 2_000) await Promise.all(players.slice(i, i + 2_000).map(deposit));
  await lanes.close();
}
