/**
 * Who may call, and under which policy: a snapshot of currency, operator, account, credential and game that knows its age. It follows the
 * table `configuration` within a second; older than ten it is not used any more, and calls are answered as unavailable.
 */
import type pg from 'pg';
import { decodeSecret } from '../../libs/crypto/index.ts';
import type { Currency } from '../../libs/money/index.ts';
import { UnfitDatabase } from '../../libs/postgres/index.ts';
import { Fault, type Account } from '../wallet/contract.ts';
import { parsePolicy } from './contract.ts';

/** Twice as often as promised: what is revoked stops within a second. */
const POLL_MS = 500;
const TOO_OLD_MS = 10_000;

export interface Credential {
  readonly account: Account;
  readonly keys: readonly Buffer[];
}

interface Snapshot {
  readonly version: string;
  readonly currencies: ReadonlyMap<string, Currency>;
  /** an account whose policy cannot be read has no credential here but its reason in `unusable` */
  readonly credentials: ReadonlyMap<string, Credential>;
  readonly unusable: ReadonlyMap<string, string>;
  /** when the first of its retired secrets ends, on the clock of `Date.now()` */
  readonly goodUntil: number;
}

type Report = (message: string, error: unknown) => void;

export class Configuration {
  private snapshot: Snapshot | undefined;
  private readAt = -Infinity;
  private timer: NodeJS.Timeout | undefined;
  private stopped = false;
  private checked = false;

  constructor(
    private readonly pool: pg.Pool,
    /** must pass once before anything is read: nothing is served from a database that is not fit */
    private readonly check: () => Promise<void>,
    private readonly report: Report,
  ) {}

  /** Reads it once and keeps following. Throws where a person must act; what passes by itself is reported and tried again. */
  async start(): Promise<void> {
    try {
      await this.poll();
    } catch (error) {
      if (error instanceof UnfitDatabase) throw error;
      this.report('the configuration could not be read', error);
    }
    this.pollLater();
  }

  stop(): void {
    this.stopped = true;
    clearTimeout(this.timer);
  }

  get fresh(): boolean {
    return this.snapshot !== undefined && performance.now() - this.readAt < TOO_OLD_MS;
  }

  /** The credential of a public key; undefined where there is none. Throws a `Fault` where nobody can say. */
  credential(apiKey: string): Credential | undefined {
    const snapshot = this.current();
    const found = snapshot.credentials.get(apiKey);
    if (!found && snapshot.unusable.has(apiKey)) throw new Fault('UNAVAILABLE', 'the provider account is not configured rightly');
    return found;
  }

  currency(code: string): Currency | undefined {
    return this.current().currencies.get(code);
  }

  private current(): Snapshot {
    if (!this.snapshot || !this.fresh) throw new Fault('UNAVAILABLE', 'the configuration is too old to be used');
    return this.snapshot;
  }

  private async poll(): Promise<void> {
    const askedAt = performance.now();
    if (!this.checked) await this.check();
    this.checked = true;
    const { rows } = await this.pool.query<{ version: string }>('select version from configuration');
    if (!this.snapshot || this.snapshot.version !== rows[0]?.version || Date.now() >= this.snapshot.goodUntil) this.snapshot = await this.read();
    this.readAt = askedAt;
  }

  private pollLater(): void {
    if (this.stopped) return;
    this.timer = setTimeout(() => {
      this.poll().catch((error: unknown) => this.report('the configuration could not be read', error)).finally(() => this.pollLater());
    }, POLL_MS);
    this.timer.unref();
  }

  /** One snapshot of the database, so that its parts fit each other and its version. */
  private async read(): Promise<Snapshot> {
    const client = await this.pool.connect();
    try {
      await client.query('begin isolation level repeatable read read only');
      const version = await client.query<{ version: string }>('select version from configuration');
      const currencies = await client.query<CurrencyRow>('select code, exponent, scale, max_amount from currency');
      const credentials = await client.query<CredentialRow>(CREDENTIALS);
      const games = await client.query<GameRow>(GAMES);
      await client.query('commit');
      return this.build(version.rows[0]?.version ?? '', currencies.rows, credentials.rows, games.rows);
    } catch (error) {
      await client.query('rollback').catch(() => undefined);
      throw error;
    } finally {
      client.release();
    }
  }

  private build(version: string, currencyRows: CurrencyRow[], credentialRows: CredentialRow[], gameRows: GameRow[]): Snapshot {
    const games = new Map<number, Map<string, boolean>>();
    for (const { account_id: account, game_id: game, open } of gameRows) {
      const known = games.get(account);
      if (known) known.set(game, open);
      else games.set(account, new Map([[game, open]]));
    }
    const credentials = new Map<string, Credential>();
    const unusable = new Map<string, string>();
    for (const row of credentialRows) {
      try {
        const account = {
          accountId: row.account_id, operatorId: row.operator_id, policy: parsePolicy(row.policy), games: games.get(row.account_id) ?? new Map<string, boolean>(),
        };
        credentials.set(row.api_key, { account, keys: [...row.secrets, ...row.retired].map(decodeSecret) });
      } catch (error) {
        unusable.set(row.api_key, String(error));
        this.report(`provider account ${row.account_id} cannot be used`, error);
      }
    }
    const currencies = new Map(currencyRows.map((row) => [row.code, {
      code: row.code, exponent: row.exponent, scale: row.scale, maxAmount: BigInt(row.max_amount),
    }]));
    const goodUntil = Math.min(...credentialRows.map((row) => row.retired_until?.getTime() ?? Infinity));
    return { version, currencies, credentials, unusable, goodUntil };
  }
}

interface CurrencyRow {
  code: string;
  exponent: number;
  scale: number;
  max_amount: string;
}

/** A retired secret still verifies until its time has come: a provider retries for hours what it signed with it. */
const CREDENTIALS = `select c.api_key, c.secrets, a.account_id, a.operator_id, a.policy,
  coalesce(r.secrets, '{}') as retired, r.until as retired_until
from credential c join provider_account a using (account_id)
left join lateral (select array_agg(secret) as secrets, min(verifies_until) as until from retired_secret
  where retired_secret.api_key = c.api_key and verifies_until > now()) r on true
where a.dialect = 'native'`;
const GAMES = `select g.account_id, g.game_id, g.bets_allowed and a.bets_allowed and o.bets_allowed as open
from game g join provider_account a using (account_id) join operator o on o.operator_id = a.operator_id`;

interface CredentialRow {
  api_key: string;
  secrets: string[];
  retired: string[];
  retired_until: Date | null;
  account_id: number;
  operator_id: string;
  policy: unknown;
}

interface GameRow {
  account_id: number;
  game_id: string;
  open: boolean;
}
