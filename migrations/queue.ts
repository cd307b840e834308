import pg from 'pg';
import { LATEST_SCHEMA_VERSION, runMigrations } from 'bullmq';
import { QUEUE_SCHEMA } from './needed.ts';

/** What the functions of the queue touch, they touch as their caller; its ledger of steps is only read. */
const GRANTS = `
grant usage on schema ${QUEUE_SCHEMA} to croupier_worker;
grant select, insert, update, delete on all tables in schema ${QUEUE_SCHEMA} to croupier_worker;
grant usage on all sequences in schema ${QUEUE_SCHEMA} to croupier_worker;
revoke insert, update, delete on ${QUEUE_SCHEMA}.migration from croupier_worker;`;

/** BullMQ's own schema, by BullMQ's own steps, as the schema's owner. Answers with one name where there was something to do. */
export async function migrateQueue(ownerUrl: string): Promise<string[]> {
  const client = new pg.Client({ connectionString: ownerUrl, application_name: 'croupier migrate' });
  await client.connect();
  try {
    const before = await versionOf(client);
    await runMigrations(client, QUEUE_SCHEMA);
    await client.query(GRANTS);
    return before === LATEST_SCHEMA_VERSION ? [] : [`BullMQ${String(LATEST_SCHEMA_VERSION).padStart(4, '0')}`];
  } finally {
    await client.end();
  }
}

async function versionOf(client: pg.Client): Promise<number> {
  const there = await client.query<{ there: boolean }>(`select to_regclass('${QUEUE_SCHEMA}.migration') is not null as there`);
  if (!there.rows[0]?.there) return 0;
  return (await client.query<{ version: number }>(`select coalesce(max(version), 0)::int as version from ${QUEUE_SCHEMA}.migration`)).rows[0]?.version ?? 0;
}
