import { checkDatabase, pool, UnfitDatabase, type Purpose } from '../../libs/postgres/index.ts';
import { SCHEMA_NEEDED } from '../../migrations/needed.ts';
import { NEEDED, type Config } from '../config.ts';

/** A database that a process speaks to. */
export interface Wanted extends Purpose {
  readonly url: string;
  /** a replica that is away, or behind, is no reason to send no calls */
  readonly replica: boolean;
}

const AGAIN_MS = 2_000;

/** The databases of a role, each as the role of PostgreSQL that it is meant for. */
export function databasesOf(config: Config): Wanted[] {
  const primaries: Readonly<Record<string, readonly [string, string]>> = {
    DATABASE_URL: ['croupier_money', config.databaseUrl], DATABASE_OFFICE_URL: ['croupier_office', config.officeUrl],
    DATABASE_WORKER_URL: ['croupier_worker', config.workerUrl], DATABASE_READ_URL: ['croupier_read', config.readUrl],
  };
  const needed = NEEDED[config.role];
  const wanted = Object.entries(primaries).filter(([setting]) => needed.some((name) => name === setting))
    .map(([setting, [role, url]]) => ({ setting, role, url, replica: false }));
  const replicas = needed.includes('DATABASE_READ_URL') ? config.replicaUrls : [];
  return [...wanted, ...replicas.map((url) => ({ setting: 'DATABASE_REPLICA_URLS', role: 'croupier_read', url, replica: true }))];
}

/** Looks at each database until it was found fit once: the right role, and a schema that is new enough. */
export class Databases {
  private unchecked: readonly Wanted[];
  private readonly told = new Map<Wanted, string>();
  private unfit: UnfitDatabase | undefined;
  private timer: NodeJS.Timeout | undefined;
  private started = false;
  private stopped = false;

  constructor(
    wanted: readonly Wanted[],
    private readonly report: (message: string, error: unknown) => void,
  ) {
    this.unchecked = wanted;
  }

  /** Throws where a person must act; what passes by itself is reported once and looked at again. */
  async start(): Promise<void> {
    await this.look();
    if (this.unfit) throw this.unfit;
    this.started = true;
    this.lookAgain();
  }

  stop(): void {
    this.stopped = true;
    clearTimeout(this.timer);
  }

  /** Rejects while there is a database that nothing may be served from. */
  async check(): Promise<void> {
    if (this.unfit) throw this.unfit;
    const missing = this.unchecked.find(({ replica }) => !replica);
    if (missing) throw new Error(`${missing.setting}: not there, or too old`);
  }

  private async look(): Promise<void> {
    const fit = await Promise.all(this.unchecked.map((one) => this.isFit(one)));
    this.unchecked = this.unchecked.filter((_, i) => !fit[i]);
  }

  private async isFit(one: Wanted): Promise<boolean> {
    const connection = pool(one.url, { name: 'croupier check' }, 1);
    try {
      await checkDatabase(connection, SCHEMA_NEEDED, one);
      return true;
    } catch (error) {
      if (error instanceof UnfitDatabase) this.unfit = error;
      // At the start it is what the process ends with.
      if (this.unfit && !this.started) return false;
      const sentence = error instanceof Error ? error.message : String(error);
      if (this.told.get(one) !== sentence) this.report(`${one.setting} cannot be used`, error);
      this.told.set(one, sentence);
      return false;
    } finally {
      await connection.end();
    }
  }

  private lookAgain(): void {
    if (this.stopped || this.unchecked.length === 0) return;
    this.timer = setTimeout(() => void this.look().finally(() => this.lookAgain()), AGAIN_MS);
    this.timer.unref();
  }
}
