/**
 * Who may call, and under which policy: a snapshot of currency, operator, account, credential and game that knows its age. It follows the
 * table `configuration` within a second; older than ten it is not used any more, and calls are answered as unavailable.
 */
import type pg from 'pg';
import { UnfitDatabase } from '../../libs/postgres/index.ts';
import { Fault } from '../wallet/contract.ts';
import type { AnyDialect } from './contract.ts';
import { isUsable, readRows, snapshotOf, voiceOf, type OpenSecrets, type Partner, type Snapshot, type Unusable, type Voice } from './snapshot.ts';

/** Twice as often as promised: what is revoked stops within a second. */
const POLL_MS = 500;
const TOO_OLD_MS = 10_000;
/** What is still as it was is said so often. */
const SAY_AGAIN_MS = 60_000;

type Report = (message: string, reason: string) => void;

export interface ConfigurationOptions {
  readonly pool: pg.Pool;
  readonly dialects: readonly AnyDialect[];
  readonly openSecrets: OpenSecrets;
  /** must pass once before anything is read: nothing is served from a database that is not fit */
  readonly check: () => Promise<void>;
  readonly report: Report;
}

export class Configuration {
  private readonly dialects: ReadonlyMap<string, AnyDialect>;
  private readonly voices: ReadonlyMap<string, Voice>;
  private readonly told = new Map<string, { readonly reason: string; readonly at: number }>();
  private snapshot: Snapshot | undefined;
  private readAt = -Infinity;
  private timer: NodeJS.Timeout | undefined;
  private stopped = false;
  private checked = false;

  constructor(private readonly options: ConfigurationOptions) {
    this.dialects = new Map(options.dialects.map((dialect) => [dialect.name, dialect]));
    if (this.dialects.size < options.dialects.length) throw new Error('src/installed.ts: two dialects of one name');
    this.voices = new Map(options.dialects.map((dialect) => [dialect.name, voiceOf(dialect, (code) => this.snapshot?.currencies.get(code))]));
  }

  /** Reads it once and keeps following. Throws where a person must act; what passes by itself is reported and tried again. */
  async start(): Promise<void> {
    try {
      await this.poll();
    } catch (error) {
      if (error instanceof UnfitDatabase) throw error;
      this.failed(error);
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

  /** The native account of a public key; undefined where there is none. Throws a `Fault` where nobody can say. */
  client(apiKey: string): Partner | undefined {
    return usable(this.current().byKey.get(apiKey));
  }

  /** Any other account; undefined where there is none. Throws a `Fault` where nobody can say. */
  clientOf(accountId: number): Partner | undefined {
    return usable(this.current().byAccount.get(accountId));
  }

  /** In which form an account is answered, whatever else is the matter with it, and however old that knowledge is. Undefined: nobody knows. */
  voiceOf(accountId: number): Voice | undefined {
    const found = this.snapshot?.byAccount.get(accountId);
    return found && (isUsable(found) ? found : found.voice);
  }

  /** Whether there is such an account, also where nothing can be made of it. */
  knows(accountId: number): boolean {
    return this.snapshot?.byAccount.has(accountId) === true;
  }

  /** Of a dialect, where no account is known. */
  voice(dialect: string): Voice {
    return this.voices.get(dialect) as Voice;
  }

  private current(): Snapshot {
    if (!this.snapshot || !this.fresh) throw new Fault('UNAVAILABLE', 'the configuration is too old to be used');
    return this.snapshot;
  }

  private async poll(): Promise<void> {
    const { pool, check, openSecrets } = this.options;
    const askedAt = performance.now();
    if (!this.checked) await check();
    this.checked = true;
    const { rows } = await pool.query<{ version: string }>('select version from configuration');
    if (!this.snapshot || this.snapshot.version !== rows[0]?.version || Date.now() >= this.snapshot.goodUntil) {
      this.snapshot = await snapshotOf(await readRows(pool), this.dialects, openSecrets, (account, reason) => {
        this.report(`provider account ${account} cannot be used`, reason);
      });
    }
    this.readAt = askedAt;
    this.told.delete(NOT_READ);
  }

  private pollLater(): void {
    if (this.stopped) return;
    this.timer = setTimeout(() => {
      this.poll().catch((error: unknown) => this.failed(error)).finally(() => this.pollLater());
    }, POLL_MS);
    this.timer.unref();
  }

  private failed(error: unknown): void {
    this.report(NOT_READ, error instanceof Error ? error.message : String(error));
  }

  /** Once, and each minute as long as it lasts; at once where the reason is another. */
  private report(message: string, reason: string): void {
    const now = performance.now();
    const told = this.told.get(message);
    if (told?.reason === reason && now - told.at < SAY_AGAIN_MS) return;
    this.told.set(message, { reason, at: now });
    this.options.report(message, reason);
  }
}

const NOT_READ = 'the configuration could not be read';

function usable(found: Partner | Unusable | undefined): Partner | undefined {
  if (found && !isUsable(found)) throw new Fault('UNAVAILABLE', `the provider account is not configured rightly: ${found.reason}`);
  return found;
}
