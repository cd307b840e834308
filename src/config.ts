import { isIP } from 'node:net';
import { z } from 'zod';

/** What a process is for; `all` is every one of them in one process. `roles.ts` says what each mounts. */
export const ROLES = ['wallet', 'office', 'worker', 'all'] as const;
export type Role = (typeof ROLES)[number];

const DatabaseUrl = z.url({ protocol: /^postgres(ql)?$/, error: 'must be postgres://user:password@host:port/database' });

const isNetwork = (text: string): boolean => {
  const [address = '', bits = '', ...more] = text.split('/');
  const version = isIP(address);
  return version > 0 && more.length === 0 && /^\d{1,3}$/.test(bits) && Number(bits) <= (version === 4 ? 32 : 128);
};
const Networks = z.string().default('').transform((text) => text.split(',').map((network) => network.trim()).filter(Boolean))
  .pipe(z.array(z.string().refine(isNetwork, { error: 'must be networks such as 198.51.100.0/24, separated by commas' })));

/** Every setting of a process, read once. A missing, a bad or a misspelt one (`WALLET_…`, `DATABASE_…`, `LOCAL_PAGE_…`, `API_KEY_…`, `SECRETS_…`, `TRUSTED_…`, `REDIS_…`, `CALL_LOG_…`) stops it with a sentence that names it. */
const Settings = z.object({
  ROLE: z.enum(ROLES).default('wallet'),
  /** Where the primary is, as role croupier_money. */
  DATABASE_URL: DatabaseUrl.optional(),
  /** The primary as role croupier_office. */
  DATABASE_OFFICE_URL: DatabaseUrl.optional(),
  /** The primary as role croupier_worker. */
  DATABASE_WORKER_URL: DatabaseUrl.optional(),
  /** The primary as role croupier_read: where a read goes that no replica can answer. */
  DATABASE_READ_URL: DatabaseUrl.optional(),
  /** The replicas as role croupier_read, separated by commas; none: every read goes to the primary. */
  DATABASE_REPLICA_URLS: z.string().default('').transform((text) => text.split(',').map((url) => url.trim()).filter(Boolean)).pipe(z.array(DatabaseUrl)),
  /** A replica further behind than this answers a read only where nobody else can, or where the caller's token is satisfied. */
  READ_LAG_LIMIT_MS: z.coerce.number().int().min(100).max(3_600_000).default(5_000),
  /** A read of a view that takes longer than this is told in the log and counted. */
  SLOW_READ_MS: z.coerce.number().int().min(1).max(60_000).default(500),
  /** Where the job queues are kept, and what the cache of views has beyond its memory, `redis://…`; not set: queues in PostgreSQL, no second tier. What is in it may be lost at any time. */
  REDIS_URL: z.url({ protocol: /^rediss?$/, error: 'must be redis://user:password@host:port' }).optional(),
  PORT: z.coerce.number().int().min(0).max(65_535).default(3000),
  HOST: z.string().min(1).default('127.0.0.1'),
  LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
  /** Writer connections of the wallet. */
  WALLET_LANES: z.coerce.number().int().min(1).max(8).default(1),
  /** 1 writes every call by itself. */
  WALLET_BATCH: z.coerce.number().int().min(1).max(512).default(512),
  /** Calls a second of one API key, and of one address, that a process lets through; twice as many at once. */
  API_KEY_PER_SECOND: z.coerce.number().positive().max(1_000_000).default(200),
  API_IP_PER_SECOND: z.coerce.number().positive().max(1_000_000).default(400),
  /** Networks of the proxies before it, separated by commas: who calls through one of them is whom its X-Forwarded-For names. */
  TRUSTED_PROXIES: Networks,
  /** Master keys that providers' secrets are sealed with, a line each: `id:base64 of 32 bytes`, the newest first. */
  SECRETS_KEY_FILE: z.string().min(1).optional(),
  /** Mounts the page of the local run at `/`, which shows this operator's transactions to whoever opens it: only on a loopback address. */
  LOCAL_PAGE_OPERATOR: z.uuid().optional(),
  /** Where the page says that the keys and players of the demo stand. */
  LOCAL_PAGE_DEMO_FILE: z.string().min(1).default('var/demo.json'),
  /** Of the providers' calls that were accepted, the share that is kept in the call log; those refused or failed all are. 1: all. */
  CALL_LOG_SAMPLE: z.coerce.number().min(0).max(1).default(0.01),
  /** How many days the call log is kept. */
  CALL_LOG_DAYS: z.coerce.number().int().min(1).max(3_650).default(30),
  /** How long `ready` says 503 before the process stops taking calls, so that load balancers notice. */
  DRAIN_DELAY_MS: z.coerce.number().int().min(0).max(60_000).default(500),
});

/** Which databases a role speaks to. An unneeded one may be set: one environment serves all roles. */
export const NEEDED: Readonly<Record<Role, readonly `DATABASE_${string}`[]>> = {
  wallet: ['DATABASE_URL'],
  office: ['DATABASE_URL', 'DATABASE_OFFICE_URL', 'DATABASE_READ_URL'],
  worker: ['DATABASE_WORKER_URL', 'DATABASE_READ_URL'],
  all: ['DATABASE_URL', 'DATABASE_OFFICE_URL', 'DATABASE_WORKER_URL', 'DATABASE_READ_URL'],
};

/** What the page of the local run shows, see src/ops/page. */
export interface LocalPage {
  readonly operator: string;
  readonly demoFile: string;
}

/** Whether only this machine reaches what listens there. */
export const isLoopback = (host: string): boolean => /^(localhost|127(\.\d{1,3}){3}|::1)$/.test(host);

export interface Config {
  readonly role: Role;
  /** The primary, as croupier_money; the other URLs likewise. Empty where the role does not need it. */
  readonly databaseUrl: string;
  readonly officeUrl: string;
  readonly workerUrl: string;
  readonly readUrl: string;
  readonly replicaUrls: readonly string[];
  readonly readLagLimitMs: number;
  readonly slowReadMs: number;
  /** Set where queues, and the second tier of the cache, are in Redis. */
  readonly redisUrl?: string;
  readonly port: number;
  readonly host: string;
  readonly logLevel: z.infer<typeof Settings>['LOG_LEVEL'];
  readonly lanes: number;
  readonly batch: number;
  readonly drainDelayMs: number;
  readonly keyPerSecond: number;
  readonly ipPerSecond: number;
  /** `198.51.100.0/24`; an address that calls from there is believed whom it calls for */
  readonly trustedProxies: readonly string[];
  readonly secretsKeyFile?: string;
  readonly callLogSample: number;
  readonly callLogDays: number;
  /** Set in the local run only. */
  readonly localPage?: LocalPage;
}

/** Throws one sentence a setting that is missing or wrong; never quotes a value, which may hold a password. */
export function readConfig(env: NodeJS.ProcessEnv = process.env): Config {
  const unknown = Object.keys(env).find((name) => /^(WALLET|DATABASE|LOCAL_PAGE|API_KEY|API_IP|SECRETS|TRUSTED|REDIS|CALL_LOG)_/.test(name) && !(name in Settings.shape) && name !== 'DATABASE_OWNER_URL');
  if (unknown) throw new Error(`setting ${unknown}: there is none of this name`);
  const role = ROLES.find((name) => name === env['ROLE']) ?? 'wallet';
  const missing = NEEDED[role].filter((name) => env[name] === undefined).map((name) => `setting ${name}: needed by ROLE=${role}`);
  const parsed = Settings.safeParse(env);
  const wrong = parsed.success ? pageFaults(parsed.data) : parsed.error.issues.map((issue) => `setting ${issue.path.join('.')}: ${issue.message}`);
  if (!parsed.success || missing.length + wrong.length > 0) throw new Error([...missing, ...wrong].join('\n'));
  const s = parsed.data;
  const { DATABASE_URL = '', DATABASE_OFFICE_URL = '', DATABASE_WORKER_URL = '', DATABASE_READ_URL = '' } = s;
  return {
    role: s.ROLE, databaseUrl: DATABASE_URL, officeUrl: DATABASE_OFFICE_URL, workerUrl: DATABASE_WORKER_URL, readUrl: DATABASE_READ_URL,
    replicaUrls: s.DATABASE_REPLICA_URLS, readLagLimitMs: s.READ_LAG_LIMIT_MS, slowReadMs: s.SLOW_READ_MS, port: s.PORT, host: s.HOST, logLevel: s.LOG_LEVEL, lanes: s.WALLET_LANES, batch: s.WALLET_BATCH,
    drainDelayMs: s.DRAIN_DELAY_MS, keyPerSecond: s.API_KEY_PER_SECOND, ipPerSecond: s.API_IP_PER_SECOND, trustedProxies: s.TRUSTED_PROXIES,
    callLogSample: s.CALL_LOG_SAMPLE, callLogDays: s.CALL_LOG_DAYS,
    ...(s.REDIS_URL !== undefined && { redisUrl: s.REDIS_URL }),
    ...(s.SECRETS_KEY_FILE !== undefined && { secretsKeyFile: s.SECRETS_KEY_FILE }),
    ...(s.LOCAL_PAGE_OPERATOR && { localPage: { operator: s.LOCAL_PAGE_OPERATOR, demoFile: s.LOCAL_PAGE_DEMO_FILE } }),
  };
}

/** The page asks nobody who he is: only this machine may open it, and only the process of the local run has it. */
function pageFaults(s: z.infer<typeof Settings>): string[] {
  if (!s.LOCAL_PAGE_OPERATOR) return [];
  const faults = [!isLoopback(s.HOST) && 'HOST is no loopback address', s.ROLE !== 'all' && 'ROLE is not all'].filter((fault) => fault !== false);
  return faults.map((fault) => `setting LOCAL_PAGE_OPERATOR: the page is for the local run, and ${fault}`);
}

/** Where the commands of `cli.ts` find a database. */
export function readCommandSettings(env: NodeJS.ProcessEnv = process.env): {
  ownerUrl?: string; officeUrl?: string; databaseUrl?: string; workerUrl?: string; dataDir?: string; secretsKeyFile?: string;
} {
  return { ownerUrl: env['DATABASE_OWNER_URL'], officeUrl: env['DATABASE_OFFICE_URL'], databaseUrl: env['DATABASE_URL'], workerUrl: env['DATABASE_WORKER_URL'], dataDir: env['DATA_DIR'], secretsKeyFile: env['SECRETS_KEY_FILE'] };
}
