/** Currencies, accounts, credentials and games as the database has them at one moment, and what each account's dialect makes of its record. */
import { BlockList } from 'node:net';
import type pg from 'pg';
import type { StoredSecret } from '../../libs/crypto/index.ts';
import type { Currency } from '../../libs/money/index.ts';
import type { Policy } from '../wallet/contract.ts';
import { parsePolicy, type AnyDialect, type Client } from './contract.ts';

/** What an answer is made with, also where nobody is known, or his record cannot be read. */
export interface Voice {
  readonly dialect: AnyDialect;
  readonly policy: Policy;
  readonly settings: unknown;
  readonly currency: (code: string) => Currency | undefined;
}

/** An account that can be served. */
export interface Partner extends Voice {
  readonly client: Client;
  /** whence it may call; absent: from anywhere */
  readonly addresses?: BlockList;
}

/** An account that cannot: its voice is its dialect's, with nothing of its own. */
export interface Unusable {
  readonly voice: Voice | undefined;
  readonly reason: string;
}

export interface Snapshot {
  readonly version: string;
  readonly currencies: ReadonlyMap<string, Currency>;
  /** of native accounts, by their public key */
  readonly byKey: ReadonlyMap<string, Partner | Unusable>;
  /** of all others, by their id */
  readonly byAccount: ReadonlyMap<number, Partner | Unusable>;
  /** until when it may be used, on the clock of `Date.now()`: the first retired secret ends, or one that could not be opened now may be */
  readonly goodUntil: number;
}

export const isUsable = (found: Partner | Unusable): found is Partner => 'client' in found;

interface CurrencyRow {
  code: string;
  exponent: number;
  scale: number;
  max_amount: string;
}

interface AccountRow {
  account_id: number;
  operator_id: string;
  dialect: string;
  policy: unknown;
  settings: unknown;
  addresses: string[];
}

interface CredentialRow {
  api_key: string;
  account_id: number;
  operator_id: string;
  secrets: string[];
  retired: string[];
  retired_until: Date | null;
}

interface GameRow {
  account_id: number;
  game_id: string;
  open: boolean;
}

export interface Rows {
  readonly version: string;
  readonly currencies: readonly CurrencyRow[];
  readonly accounts: readonly AccountRow[];
  readonly credentials: readonly CredentialRow[];
  readonly games: readonly GameRow[];
}

const ACCOUNTS = `select account_id, operator_id, dialect, policy, settings, addresses::text[] as addresses from provider_account where dialect <> 'none'`;
/** A retired secret still verifies until its time has come: a provider retries for hours what it signed with it. */
const CREDENTIALS = `select c.api_key, c.account_id, c.operator_id, c.secrets, coalesce(r.secrets, '{}') as retired, r.until as retired_until
from credential c
left join lateral (select array_agg(secret order by verifies_until desc) as secrets, min(verifies_until) as until from retired_secret
  where retired_secret.api_key = c.api_key and verifies_until > now()) r on true order by c.account_id, c.api_key`;
const GAMES = `select g.account_id, g.game_id, g.bets_allowed and a.bets_allowed and o.bets_allowed as open
from game g join provider_account a using (account_id) join operator o on o.operator_id = a.operator_id`;

/** One snapshot of the database, so that its parts fit each other and its version. */
export async function readRows(pool: pg.Pool): Promise<Rows> {
  const client = await pool.connect();
  try {
    await client.query('begin isolation level repeatable read read only');
    const version = await client.query<{ version: string }>('select version from configuration');
    const currencies = await client.query<CurrencyRow>('select code, exponent, scale, max_amount from currency');
    const accounts = await client.query<AccountRow>(ACCOUNTS);
    const credentials = await client.query<CredentialRow>(CREDENTIALS);
    const games = await client.query<GameRow>(GAMES);
    await client.query('commit');
    return { version: version.rows[0]?.version ?? '', currencies: currencies.rows, accounts: accounts.rows, credentials: credentials.rows, games: games.rows };
  } catch (error) {
    await client.query('rollback').catch(() => undefined);
    throw error;
  } finally {
    client.release();
  }
}

export type OpenSecrets = (all: readonly StoredSecret[]) => Promise<readonly (string | Error)[]>;

/** A secret whose keeper could not be asked is asked for again so soon. */
const AGAIN_MS = 5_000;

/** A credential, its secrets opened: newest first. */
interface Credential extends CredentialRow {
  readonly opened: readonly (string | Error)[];
}

/** `unusable` hears of each account that cannot be used. */
export async function snapshotOf(
  rows: Rows, dialects: ReadonlyMap<string, AnyDialect>, openSecrets: OpenSecrets, unusable: (account: number, reason: string) => void,
): Promise<Snapshot> {
  const currencies = new Map(rows.currencies.map((row) => [row.code, {
    code: row.code, exponent: row.exponent, scale: row.scale, maxAmount: BigInt(row.max_amount),
  }]));
  const currency = (code: string) => currencies.get(code);
  const games = gamesOf(rows.games);
  const credentials = await opened(rows.credentials, openSecrets);
  const byKey = new Map<string, Partner | Unusable>();
  const byAccount = new Map<number, Partner | Unusable>();
  for (const row of rows.accounts) {
    const dialect = dialects.get(row.dialect);
    const its = credentials.get(row.account_id) ?? [];
    const partner = (of: readonly Credential[]): Partner | Unusable => {
      try {
        return partnerOf(row, dialect, of.flatMap((each) => each.opened), games.get(row.account_id) ?? new Map<string, boolean>(), currency);
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        unusable(row.account_id, reason);
        return { reason, voice: dialect && voiceOf(dialect, currency) };
      }
    };
    if (row.dialect === 'native') for (const each of its) byKey.set(each.api_key, partner([each]));
    else byAccount.set(row.account_id, partner(its));
  }
  const passing = [...credentials.values()].flat().some((each) => each.opened.some((secret) => secret instanceof Error && secret.cause !== undefined));
  const goodUntil = Math.min(passing ? Date.now() + AGAIN_MS : Infinity, ...rows.credentials.map((row) => row.retired_until?.getTime() ?? Infinity));
  return { version: rows.version, currencies, byKey, byAccount, goodUntil };
}

/** Of a dialect where no account says otherwise. */
export const voiceOf = (dialect: AnyDialect, currency: Voice['currency']): Voice =>
  ({ dialect, policy: parsePolicy({}, dialect.policy), settings: dialect.settings.parse({}), currency });

/** Throws a sentence that says why it cannot be used, and quotes no secret. */
function partnerOf(
  row: AccountRow, dialect: AnyDialect | undefined, secrets: readonly (string | Error)[], games: ReadonlyMap<string, boolean>, currency: Voice['currency'],
): Partner {
  if (!dialect) throw new Error(`the dialect ${JSON.stringify(row.dialect)} is not installed`);
  const policy = parsePolicy(row.policy, dialect.policy);
  const settings = dialect.settings.safeParse(row.settings);
  if (!settings.success) throw new Error(settings.error.issues.map((issue) => `settings ${issue.path.join('.')}: ${issue.message}`).join('; '));
  const keys = secrets.map((secret): never => {
    if (secret instanceof Error) throw secret;
    return dialect.key(secret) as never;
  });
  const account = { accountId: row.account_id, operatorId: row.operator_id, policy, games };
  return {
    dialect, policy, settings: settings.data, currency, client: { account, settings: settings.data, keys },
    ...(row.addresses.length > 0 && { addresses: listOf(row.addresses) }),
  };
}

function gamesOf(rows: readonly GameRow[]): Map<number, Map<string, boolean>> {
  const games = new Map<number, Map<string, boolean>>();
  for (const { account_id: account, game_id: game, open } of rows) {
    const known = games.get(account);
    if (known) known.set(game, open);
    else games.set(account, new Map([[game, open]]));
  }
  return games;
}

/** By account. */
async function opened(rows: readonly CredentialRow[], openSecrets: OpenSecrets): Promise<Map<number, Credential[]>> {
  const stored = rows.flatMap((row) => [...row.secrets, ...row.retired].map((secret) => ({ stored: secret, operatorId: row.operator_id, accountId: row.account_id })));
  const secrets = await openSecrets(stored);
  const credentials = new Map<number, Credential[]>();
  let next = 0;
  for (const row of rows) {
    const count = row.secrets.length + row.retired.length;
    const credential = { ...row, opened: secrets.slice(next, next += count) };
    const known = credentials.get(row.account_id);
    if (known) known.push(credential);
    else credentials.set(row.account_id, [credential]);
  }
  return credentials;
}

/** `198.51.100.0/24`, `2001:db8::/32`, as `cidr` is written. */
function listOf(addresses: readonly string[]): BlockList {
  const list = new BlockList();
  for (const each of addresses) {
    const [network = '', bits] = each.split('/');
    const family = network.includes(':') ? 'ipv6' : 'ipv4';
    list.addSubnet(network, bits === undefined ? (family === 'ipv6' ? 128 : 32) : Number(bits), family);
  }
  return list;
}
