/** A cluster of the bench's own, set as `npm start` sets its primary, and players with money in it. */
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import type { RunningPostgres } from '../../tools/local/embedded-postgres.ts';
import type { LoginRole } from '../../tools/local/roles.ts';
import type { Speaker } from '../../src/conformance/contract.ts';
import { built } from './built.ts';
import type { Sizes } from './settings.ts';

export interface BenchAccount {
  readonly accountId: number;
  readonly operatorId: string;
  readonly apiKey: string;
  readonly secret: string;
  readonly policy: object;
}

/** A provider of another dialect, and its players' sessions. */
export interface BenchDialect {
  readonly name: string;
  readonly basePath: string;
  readonly speaker: Speaker;
  readonly secret: unknown;
  readonly players: readonly string[];
  readonly tokenOf: (player: string) => string;
}

export interface Ground {
  /** for files of this run */
  readonly dir: string;
  readonly postgres: RunningPostgres;
  readonly superuser: pg.Client;
  readonly moneyUrl: string;
  urlOf(role: LoginRole): string;
  /** Starts a replica that follows; `urlOf` of it, and what ends it. */
  follow(): Promise<{ urlOf(role: LoginRole): string; pid: number; stop(): Promise<void> }>;
  /** by whether they keep round rows; `over` is sent more than can be served */
  readonly accounts: { readonly kept: BenchAccount; readonly none: BenchAccount; readonly over: BenchAccount };
  readonly dialects: readonly BenchDialect[];
  readonly players: readonly string[];
  stop(): Promise<void>;
}

export const CURRENCY = 'EUR';
export const GAME = 'game-1';
export const DATABASE = 'croupier';
/** Enough for a player who alone takes every bet of a run. */
export const OPENING = 10_000_000n * 1_000_000n;
const AT_ONCE = 2_000;
/** of the players, with a session at each dialect's account */
const SEATED = 20_000;

export async function prepareGround(
  { players: playerCount, overDeadlineMs }: Pick<Sizes, 'players' | 'overDeadlineMs'>, progress: (sentence: string) => void,
): Promise<Ground> {
  const { startPrimary, preparePrimary, startStreaming } = await built<typeof import('../../tools/local/databases.ts')>('tools/local/databases');
  const { keptSecrets } = await built<typeof import('../../tools/local/secrets.ts')>('tools/local/secrets');
  const { removePostgres } = await built<typeof import('../../tools/local/embedded-postgres.ts')>('tools/local/embedded-postgres');
  const { migrate } = await built<typeof import('../../migrations/index.ts')>('migrations/index');
  const dir = mkdtempSync(join(tmpdir(), 'croupier-bench-'));
  chmodSync(dir, 0o755);
  const secrets = keptSecrets(dir);
  const postgres = await startPrimary(dir, secrets, progress);
  const superuser = new pg.Client(postgres.superuserUrl('postgres'));
  const stop = async () => {
    await superuser.end().catch(() => undefined);
    await postgres.stop('immediate');
    await removePostgres(postgres.dir);
    rmSync(dir, { recursive: true, force: true });
  };
  try {
    await preparePrimary(postgres, secrets);
    await superuser.connect();
    superuser.on('error', () => undefined);
    await superuser.query('create extension if not exists pg_walinspect');
    const urlAt = ({ host, port }: RunningPostgres) => (role: LoginRole) => `postgres://${role}:${secrets.roles[role]}@${host}:${port}/${DATABASE}`;
    const urlOf = urlAt(postgres);
    const follow = async () => {
      const replica = await startStreaming(dir, postgres, secrets, progress);
      return { urlOf: urlAt(replica), pid: replica.pid, stop: async () => { await replica.stop('immediate'); await removePostgres(replica.dir); } };
    };
    await migrate(urlOf('croupier_owner'));
    progress(`seeding ${playerCount} players`);
    const world = await seed(urlOf('croupier_owner'), urlOf('croupier_money'), playerCount, overDeadlineMs);
    return { dir, postgres, superuser, moneyUrl: urlOf('croupier_money'), urlOf, follow, ...world, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function seed(
  ownerUrl: string, moneyUrl: string, playerCount: number, overDeadlineMs: number,
): Promise<Pick<Ground, 'accounts' | 'dialects' | 'players'>> {
  const owner = new pg.Client(ownerUrl);
  await owner.connect();
  try {
    await owner.query(`insert into currency (code, exponent, scale, max_amount) values ('${CURRENCY}', 2, 6, 1000000000000000)`);
    const operators = await owner.query<{ operator_id: string }>(`insert into operator (name) values ('bench') returning operator_id`);
    const operatorId = operators.rows[0]?.operator_id as string;
    const accounts = {
      kept: await addAccount(owner, operatorId, 'rounds kept', {}),
      none: await addAccount(owner, operatorId, 'no rounds', { rounds: 'none', winNeeds: 'bet' }),
      over: await addAccount(owner, operatorId, 'more than can be served', { deadlineMs: overDeadlineMs }),
    };
    const cashier = await addAccount(owner, operatorId, 'cashier', {}, 'none');
    const { rows } = await owner.query<{ player_id: string }>(
      `insert into player (operator_id, external_id) select $1, 'player ' || n from generate_series(1, $2::int) n returning player_id`,
      [operatorId, playerCount]);
    const players = rows.map((row) => row.player_id);
    await fund(owner, moneyUrl, cashier, players);
    const dialects = await addDialects(owner, operatorId, players.slice(0, SEATED));
    await owner.query(`create table bench_insert (
      id bigint generated always as identity primary key, player_id uuid not null, amount bigint not null)`);
    await owner.query('vacuum analyze');
    return { accounts, dialects, players };
  } finally {
    await owner.end();
  }
}

const SECRETS: Readonly<Record<string, () => { readonly theirs: object; readonly ours: string }>> = {
  hub88: () => rsa('x-hub88-signature'),
  caleta: () => rsa('x-auth-signature'),
  softswiss: () => {
    const authToken = randomBytes(32).toString('base64url');
    return { theirs: { authToken }, ours: authToken };
  },
};

function rsa(header: string): { theirs: object; ours: string } {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return { theirs: { privateKeyPem: privateKey.export({ type: 'pkcs8', format: 'pem' }), header }, ours: publicKey.export({ type: 'spki', format: 'pem' }).toString() };
}

async function addDialects(owner: pg.Client, operatorId: string, players: readonly string[]): Promise<BenchDialect[]> {
  const { SPEAKERS } = await built<typeof import('../../src/installed.ts')>('src/installed');
  const dialects: BenchDialect[] = [];
  for (const speaker of SPEAKERS) {
    const made = SECRETS[speaker.name]?.();
    if (!made) continue;
    const { accountId } = await addAccount(owner, operatorId, speaker.name, {}, speaker.name, made.ours);
    const tokenOf = (player: string) => `bench-${speaker.name}-${player}`;
    await owner.query(
      `insert into session (player_id, token_hash, operator_id, account_id, currency, expires_at)
       select player, sha256(convert_to($4 || player, 'UTF8')), $1, $2, $5, now() + interval '1 day' from unnest($3::uuid[]) player`,
      [operatorId, accountId, players, tokenOf(''), CURRENCY]);
    dialects.push({ name: speaker.name, basePath: `/providers/${accountId}`, speaker, secret: speaker.secret(made.theirs), players, tokenOf });
  }
  return dialects;
}

async function addAccount(
  owner: pg.Client, operatorId: string, provider: string, policy: object, dialect = 'native', given?: string,
): Promise<BenchAccount> {
  const { rows } = await owner.query<{ account_id: number }>(
    'insert into provider_account (operator_id, provider, dialect, policy) values ($1, $2, $3, $4) returning account_id',
    [operatorId, provider, dialect, JSON.stringify(policy)]);
  const accountId = rows[0]?.account_id as number;
  const [apiKey, secret] = [`bench_${randomBytes(12).toString('hex')}`, given ?? `whsec_${randomBytes(32).toString('base64')}`];
  await owner.query('insert into credential (api_key, account_id, operator_id, secrets) values ($1, $2, $3, $4)', [apiKey, accountId, operatorId, [secret]]);
  await owner.query('insert into game (account_id, operator_id, game_id, name) values ($1, $2, $3, $3)', [accountId, operatorId, GAME]);
  return { accountId, operatorId, apiKey, secret, policy };
}

/** Through the door that all money takes, so that the ledger accounts for every balance. */
async function fund(owner: pg.Client, moneyUrl: string, cashier: BenchAccount, players: readonly string[]): Promise<void> {
  const { Lanes } = await built<typeof import('../../src/wallet/lane.ts')>('src/wallet/lane');
  const { openWallets } = await built<typeof import('../../src/wallet/money.ts')>('src/wallet/money');
  const { depositOf } = await built<typeof import('../../src/wallet/movements.ts')>('src/wallet/movements');
  const { parsePolicy } = await built<typeof import('../../src/providers/contract.ts')>('src/providers/contract');
  const account = { accountId: cashier.accountId, operatorId: cashier.operatorId, policy: parsePolicy({}), games: new Map<string, boolean>() };
  const alert = (message: string, error: unknown) => { throw new Error(message, { cause: error }); };
  const lanes = new Lanes({ url: moneyUrl, lanes: 1, watch: { batch() {}, waited() {}, shed() {} }, alert });
  try {
    for (let i = 0; i < players.length; i += AT_ONCE) {
      const some = players.slice(i, i + AT_ONCE);
      await openWallets(owner, some.map((player) => ({ player, operator: cashier.operatorId, currency: CURRENCY })));
      await Promise.all(some.map((player) => lanes.submit({
        account, player, movement: depositOf({ reference: `opening ${player}`, currency: CURRENCY, amount: OPENING }), deadlineAt: performance.now() + 60_000,
      })));
    }
  } finally {
    await lanes.close();
  }
}
