import { z } from 'zod';

/** Every setting of a process, read once. A missing, a bad or a misspelt one (`WALLET_…`) stops it with a sentence that names it. */
const Settings = z.object({
  /** Where the primary is, as role croupier_money. */
  DATABASE_URL: z.url({ protocol: /^postgres(ql)?$/, error: 'must be postgres://user:password@host:port/database' }),
  PORT: z.coerce.number().int().min(0).max(65_535).default(3000),
  HOST: z.string().min(1).default('127.0.0.1'),
  LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
  /** Writer connections of the wallet. */
  WALLET_LANES: z.coerce.number().int().min(1).max(8).default(1),
  /** 1 writes every call by itself. */
  WALLET_BATCH: z.coerce.number().int().min(1).max(512).default(512),
  /** How long `ready` says 503 before the process stops taking calls, so that load balancers notice. */
  DRAIN_DELAY_MS: z.coerce.number().int().min(0).max(60_000).default(500),
});

export interface Config {
  readonly databaseUrl: string;
  readonly port: number;
  readonly host: string;
  readonly logLevel: z.infer<typeof Settings>['LOG_LEVEL'];
  readonly lanes: number;
  readonly batch: number;
  readonly drainDelayMs: number;
}

/** Throws one sentence a setting that is missing or wrong; never quotes a value, which may hold a password. */
export function readConfig(env: NodeJS.ProcessEnv = process.env): Config {
  const unknown = Object.keys(env).find((name) => name.startsWith('WALLET_') && !(name in Settings.shape));
  if (unknown) throw new Error(`setting ${unknown}: there is none of this name`);
  const parsed = Settings.safeParse(env);
  if (!parsed.success) {
    throw new Error(parsed.error.issues.map((issue) => `setting ${issue.path.join('.')}: ${issue.message}`).join('\n'));
  }
  const s = parsed.data;
  return {
    databaseUrl: s.DATABASE_URL, port: s.PORT, host: s.HOST, logLevel: s.LOG_LEVEL, lanes: s.WALLET_LANES, batch: s.WALLET_BATCH,
    drainDelayMs: s.DRAIN_DELAY_MS,
  };
}

/** Where the commands of `cli.ts` find a database; a server needs none of these but DATABASE_URL. */
export function readCommandSettings(env: NodeJS.ProcessEnv = process.env): { ownerUrl?: string; databaseUrl?: string; dataDir?: string } {
  return { ownerUrl: env['DATABASE_OWNER_URL'], databaseUrl: env['DATABASE_URL'], dataDir: env['DATA_DIR'] };
}
