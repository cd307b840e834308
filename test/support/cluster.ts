/** A PostgreSQL cluster for tests with the roles of production, and databases cloned from one migrated template. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, chmodSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { migrate } from '../../migrations/index.ts';
import { startPostgres, type PostgresOptions, type RunningPostgres } from '../../tools/local/embedded-postgres.ts';
import { LOGIN_ROLES, prepareDatabase, type LoginRole } from '../../tools/local/roles.ts';

export const TEMPLATE = 'croupier_template';
const PASSWORD = 'of-a-test';

export interface TestDatabase {
  readonly name: string;
  /** as the given role; the cluster's superuser for hand edits */
  url(role: LoginRole | 'superuser'): string;
}

export interface TestCluster {
  readonly postgres: RunningPostgres;
  stop(): Promise<void>;
}

/** Starts a cluster in a directory of its own and migrates the template. `sync: true` for tests that kill it. */
export async function startCluster(options: Pick<PostgresOptions, 'settings' | 'sync'> = {}): Promise<TestCluster> {
  const base = mkdtempSync(join(tmpdir(), 'croupier-test-'));
  chmodSync(base, 0o755);
  const postgres = await startPostgres({ dir: join(base, 'pg'), sync: false, ...options, settings: { max_connections: 200, ...options.settings } });
  await prepareDatabase(postgres.superuserUrl, Object.fromEntries(LOGIN_ROLES.map((role) => [role, PASSWORD])) as Record<LoginRole, string>, PASSWORD);
  await asSuperuser(postgres.superuserUrl('postgres'), `create database ${TEMPLATE} owner croupier_owner`);
  await migrate(databaseAt(postgres.superuserUrl('x'), TEMPLATE).url('croupier_owner'));
  const stop = async () => {
    await postgres.stop('immediate');
    rmSync(base, { recursive: true, force: true });
  };
  return { postgres, stop };
}

export function databaseAt(superuserUrl: string, name: string): TestDatabase {
  return {
    name,
    url(role) {
      const url = new URL(superuserUrl);
      url.pathname = `/${name}`;
      if (role !== 'superuser') {
        url.username = role;
        url.password = PASSWORD;
      }
      return url.href;
    },
  };
}

export async function cloneTemplate(superuserUrl: string): Promise<TestDatabase> {
  const name = `test_${randomBytes(6).toString('hex')}`;
  await asSuperuser(superuserUrl, `create database ${name} template ${TEMPLATE} owner croupier_owner strategy wal_log`);
  return databaseAt(superuserUrl, name);
}

/** A fresh database in the cluster that `global-setup.ts` started. */
export function freshDatabase(): Promise<TestDatabase> {
  const url = process.env['TEST_SUPERUSER_URL'];
  if (!url) throw new Error('the test cluster is not running: run through jest');
  return cloneTemplate(url);
}

/** One connection, some statements; the last one's rows. */
export async function asSuperuser<Row = Record<string, unknown>>(url: string, text: string, values?: unknown[]): Promise<Row[]> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    const result = await client.query(text, values);
    return (Array.isArray(result) ? result.at(-1) : result).rows as Row[];
  } finally {
    await client.end();
  }
}
