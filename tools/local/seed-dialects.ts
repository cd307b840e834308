/**
 * The demo's other providers: an account for each installed dialect but the native one, its games, and sessions for players that are
 * there already. Keys that a provider makes for itself are made here once and kept beside the data.
 */
import { createPublicKey, generateKeyPairSync, type Hmac } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type pg from 'pg';
import { tokenHash } from '../../libs/crypto/index.ts';
import { writePrivately } from './secrets.ts';

/** What a provider of a dialect needs to call the local run; beside it stands its secret, as its speaker wants it. */
export interface DemoDialect {
  readonly basePath: string;
  /** as named on its wire */
  readonly operator: string;
  readonly provider: string;
  readonly gameCodes: readonly string[];
  readonly players: readonly { readonly userId: string; readonly currency: string; readonly sessionToken: string }[];
  /** issues of free rounds that are known here, where a total names nothing else */
  readonly issues?: readonly { readonly issueId: string; readonly userId: string; readonly currency: string }[];
  readonly [secret: string]: unknown;
}

interface Kind {
  /** what its provider signs with, and what the operator keeps of it to verify */
  readonly secrets: (derived: (what: string) => Hmac, kept: Record<string, string>) => { readonly theirs: object; readonly ours: string };
  /** a total of free rounds may name its issue alone */
  readonly issues?: true;
}

const rsa = (name: string, header: string): Kind['secrets'] => (_derived, kept) => {
  const privateKeyPem = (kept[name] ??= generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs8', format: 'pem' }).toString());
  return { theirs: { privateKeyPem, header }, ours: createPublicKey(privateKeyPem).export({ type: 'spki', format: 'pem' }).toString() };
};

const KINDS: Readonly<Record<string, Kind>> = {
  hub88: { secrets: rsa('hub88', 'x-hub88-signature') },
  caleta: { secrets: rsa('caleta', 'x-auth-signature') },
  softswiss: {
    secrets: (derived) => {
      const authToken = derived('softswiss auth token').digest('base64url');
      return { theirs: { authToken }, ours: authToken };
    },
    issues: true,
  },
};

export interface Seats {
  readonly operatorId: string;
  readonly operator: string;
  readonly games: readonly { readonly id: string; readonly name: string }[];
  readonly players: readonly { readonly id: string; readonly externalId: string; readonly currency: string }[];
}

/** How a secret stands in its table. */
export type Seal = (secret: string, of: { readonly operatorId: string; readonly accountId: number }) => string | Promise<string>;

export interface Seeded {
  readonly accountId: number;
  readonly demo: DemoDialect;
}

/** Safe to repeat; sessions are prolonged each time. By dialect. */
export async function seedDialects(
  client: pg.Client, dataDir: string, derived: (what: string) => Hmac, seats: Seats, seal: Seal,
): Promise<Map<string, Seeded>> {
  const file = join(dataDir, 'provider-keys.json');
  const kept = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Record<string, string>) : {};
  const before = JSON.stringify(kept);
  const made = Object.entries(KINDS).map(([name, { secrets, issues }]) => ({ name, issues, ...secrets(derived, kept) }));
  if (JSON.stringify(kept) !== before) writePrivately(file, kept);
  const dialects = new Map<string, Seeded>();
  for (const { name, issues, theirs, ours } of made) {
    const accountId = await accountOf(client, seats, name);
    await keepSecret(client, seats.operatorId, accountId, `demo-${name}`, ours, seal);
    const tokenOf = (externalId: string) => derived(`session ${name} ${externalId}`).digest('base64url');
    await startSessions(client, seats, accountId, tokenOf);
    dialects.set(name, { accountId, demo: {
      basePath: `/providers/${accountId}`, operator: seats.operator, provider: `demo-${name}`, gameCodes: seats.games.map(({ id }) => id),
      players: seats.players.map(({ id, externalId, currency }) => ({ userId: id, currency, sessionToken: tokenOf(externalId) })), ...theirs,
      ...(issues && { issues: await giveIssues(client, seats, accountId) }),
    } });
  }
  return dialects;
}

async function accountOf(client: pg.Client, { operatorId, games }: Seats, dialect: string): Promise<number> {
  await client.query('insert into provider_account (operator_id, provider, dialect) values ($1, $2, $3) on conflict do nothing', [operatorId, `demo-${dialect}`, dialect]);
  const { rows } = await client.query<{ account_id: number }>(
    'select account_id from provider_account where operator_id = $1 and provider = $2', [operatorId, `demo-${dialect}`]);
  const accountId = rows[0]?.account_id as number;
  await client.query(
    `insert into game (account_id, operator_id, game_id, name) select $1, $2, id, name from unnest($3::text[], $4::text[]) g (id, name) on conflict do nothing`,
    [accountId, operatorId, games.map(({ id }) => id), games.map(({ name }) => name)]);
  return accountId;
}

async function keepSecret(
  client: pg.Client, operatorId: string, accountId: number, apiKey: string, secret: string, seal: Seal,
): Promise<void> {
  const { rowCount } = await client.query('select 1 from credential where account_id = $1', [accountId]);
  if (rowCount) return;
  await client.query('insert into credential (api_key, account_id, operator_id, secrets) values ($1, $2, $3, $4)',
    [apiKey, accountId, operatorId, [await seal(secret, { operatorId, accountId })]]);
}

/** One for each player. */
async function giveIssues(client: pg.Client, { operatorId, players }: Seats, accountId: number): Promise<NonNullable<DemoDialect['issues']>> {
  const issues = players.map(({ id, externalId, currency }) => ({ issueId: `free-rounds-${externalId}`, userId: id, currency }));
  await client.query(
    `insert into free_round_issue (operator_id, account_id, issue_id, player_id, currency)
     select $1, $2, issue, player, currency from unnest($3::text[], $4::uuid[], $5::text[]) new (issue, player, currency) on conflict do nothing`,
    [operatorId, accountId, issues.map(({ issueId }) => issueId), issues.map(({ userId }) => userId), issues.map(({ currency }) => currency)]);
  return issues;
}

/** Each runs for a month from now, whatever became of it before. */
export async function startSessions(client: pg.Client, { operatorId, players }: Pick<Seats, 'operatorId' | 'players'>, accountId: number, tokenOf: (externalId: string) => string): Promise<void> {
  await client.query(
    `insert into session (player_id, token_hash, operator_id, account_id, currency, expires_at, country, jurisdiction, language)
     select player, hash, $1, $2, currency, now() + interval '30 days', 'MT', 'MT', 'en' from unnest($3::uuid[], $4::bytea[], $5::text[]) new (player, hash, currency)
     on conflict (player_id, token_hash) do update set state = 'active', expires_at = excluded.expires_at`,
    [operatorId, accountId, players.map(({ id }) => id), players.map(({ externalId }) => Buffer.from(tokenHash(tokenOf(externalId)), 'hex')), players.map(({ currency }) => currency)]);
}
