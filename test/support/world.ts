/** Operators, accounts, games and players for a test database, written as its owner, with balances that the ledger accounts for. */
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import pg from 'pg';
import { parsePolicy } from '../../src/providers/contract.ts';
import type { Account } from '../../src/wallet/contract.ts';
import { Lanes } from '../../src/wallet/lane.ts';
import { depositOf } from '../../src/wallet/movements.ts';
import { openWallets } from '../../src/wallet/money.ts';
import type { TestDatabase } from './cluster.ts';

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
}

export interface World {
  readonly operators: readonly string[];
  /** one native account per policy, of the first operator, then one of the second operator */
  readonly accounts: readonly WorldAccount[];
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
}

const CURRENCIES = `insert into currency (code, exponent, scale, max_amount) values
  ('EUR', 2, 6, 1000000000 * 10^6), ('JPY', 0, 6, 100000000000 * 10^6), ('KWD', 3, 6, 1000000000 * 10^6), ('BTC', 8, 8, 21000000 * 10^8)`;

export async function createWorld(database: TestDatabase, options: WorldOptions = {}): Promise<World> {
  const { players: wanted = { EUR: 10 }, balance = 100_000_000n, policies = [{}] } = options;
  const owner = new pg.Client(database.url('croupier_owner'));
  await owner.connect();
  try {
    await owner.query(CURRENCIES);
    const operators = [await addOperator(owner, 'first'), await addOperator(owner, 'second')];
    const [first, second] = operators as [string, string];
    const accounts: WorldAccount[] = [];
    for (const [i, policy] of policies.entries()) accounts.push(await addAccount(owner, first, `studio ${i}`, policy));
    accounts.push(await addAccount(owner, second, 'studio', {}));
    const cashiers = [await addCashier(owner, first), await addCashier(owner, second)] as const;
    const players: WorldPlayer[] = [];
    for (const [currency, count] of Object.entries(wanted)) players.push(...(await addPlayers(owner, accounts[0] as WorldAccount, currency, count)));
    const strangers = await addPlayers(owner, accounts.at(-1) as WorldAccount, 'EUR', 2);
    await fund(database, cashiers[0], players, balance);
    await fund(database, cashiers[1], strangers, balance);
    return { operators, accounts, players, strangers, game: 'game-1' };
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
  await owner.query(`insert into game (account_id, operator_id, game_id, name) values ($1, $2, 'game-1', 'One'), ($1, $2, 'game-2', 'Two')`, [accountId, operatorId]);
  return account;
}

async function addCashier(owner: pg.Client, operatorId: string): Promise<Account> {
  const { rows } = await owner.query<{ account_id: number }>(
    `insert into provider_account (operator_id, provider, dialect) values ($1, 'cashier', 'none') returning account_id`, [operatorId]);
  return { accountId: rows[0]?.account_id as number, operatorId, policy: parsePolicy({}), games: new Map() };
}

async function addPlayers(owner: pg.Client, account: WorldAccount, currency: string, count: number): Promise<WorldPlayer[]> {
  const players = Array.from({ length: count }, () => ({
    id: randomUUID(), operatorId: account.operatorId, currency, sessionToken: randomBytes(24).toString('base64url'),
  }));
  const ids = players.map(({ id }) => id);
  await owner.query('insert into player (player_id, operator_id, external_id) select id, $2, id::text from unnest($1::uuid[]) id', [ids, account.operatorId]);
  await owner.query(
    `insert into session (player_id, token_hash, operator_id, account_id, currency, expires_at, country, language)
     select p, h, $3, $4, $5, now() + interval '1 day', 'MT', 'en' from unnest($1::uuid[], $2::bytea[]) x(p, h)`,
    [ids, players.map(({ sessionToken }) => createHash('sha256').update(sessionToken).digest()), account.operatorId, account.accountId, currency]);
  return players;
}

/** Opens the wallets and deposits through the money path's own door, as production does. */
async function fund(database: TestDatabase, cashier: Account, players: readonly WorldPlayer[], balance: bigint): Promise<void> {
  const client = new pg.Client(database.url('croupier_money'));
  await client.connect();
  await openWallets(client, players.map(({ id, operatorId, currency }) => ({ player: id, operator: operatorId, currency })));
  await client.end();
  const fail = (message: string, error: unknown) => { throw new Error(message, { cause: error }); };
  const lanes = new Lanes({
    url: database.url('croupier_money'), lanes: 1, watch: { batch: () => undefined, waited: () => undefined, shed: () => undefined }, alert: fail,
  });
  const deposit = (player: WorldPlayer) => lanes.submit({
    account: cashier, player: player.id, deadlineAt: performance.now() + 60_000,
    movement: depositOf({ reference: `opening ${player.id}`, currency: player.currency, amount: balance }),
  });
  for (let i = 0; i < players.length; i += 2_000) await Promise.all(players.slice(i, i + 2_000).map(deposit));
  await lanes.close();
}
