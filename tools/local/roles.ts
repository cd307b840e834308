import pg from 'pg';

/** The owner migrates; a process connects as one of the others. */
export const LOGIN_ROLES = ['croupier_owner', 'croupier_money', 'croupier_office', 'croupier_worker', 'croupier_read'] as const;
export type LoginRole = (typeof LOGIN_ROLES)[number];

export const DATABASE = 'croupier';
export const REPLICATION_ROLE = 'croupier_replication';

/** Makes each role, or gives it its password again, and the database that `croupier_owner` owns. Safe to repeat. */
export async function prepareDatabase(
  superuserUrl: (database: string) => string,
  passwords: Record<LoginRole, string>,
  replicationPassword: string,
): Promise<void> {
  const client = new pg.Client(superuserUrl('postgres'));
  client.on('error', () => undefined); // a server that ends fails the query that waits for it
  await client.connect();
  try {
    for (const role of LOGIN_ROLES) await ensureRole(client, role, passwords[role], 'noreplication');
    await ensureRole(client, REPLICATION_ROLE, replicationPassword, 'replication');
    const existing = await client.query('select 1 from pg_database where datname = $1', [DATABASE]);
    if (existing.rowCount === 0) await client.query(`create database ${DATABASE} owner croupier_owner`);
    await client.query(`revoke all on database ${DATABASE} from public`);
    await client.query(`grant connect on database ${DATABASE} to ${LOGIN_ROLES.join(', ')}`);
    await client.query('create extension if not exists pg_stat_statements');
  } finally {
    await client.end();
  }
}

async function ensureRole(client: pg.Client, role: string, password: string, replication: 'replication' | 'noreplication'): Promise<void> {
  const existing = await client.query('select 1 from pg_roles where rolname = $1', [role]);
  const attributes = `login nosuperuser nocreatedb nocreaterole nobypassrls ${replication} password ${client.escapeLiteral(password)}`;
  await client.query(`${existing.rowCount === 0 ? 'create' : 'alter'} role ${role} ${attributes}`);
}
