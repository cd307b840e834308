import { beforeAll, describe, expect, it } from '@jest/globals';
import { asSuperuser, freshDatabase, type TestDatabase } from '../support/cluster.ts';

// Every row of a tenant bears its operator: each table has `operator_id not null`, or stands here with the reason why it has none.

const WITHOUT: Readonly<Record<string, string>> = {
  currency: 'the same for all tenants',
  house_account: 'the same for all tenants: names of the sides of a transfer',
  configuration: 'one row: the version of the whole configuration',
  lane: 'belongs to a writer connection; its batches hold many tenants',
  projection: 'how far each view has come in the ledger: of all tenants at once',
  schema_migration: 'what the schema itself is',
};

const TABLES = `
  select c.relname as name, a.attnotnull as held
  from pg_class c left join pg_attribute a on a.attrelid = c.oid and a.attname = 'operator_id' and not a.attisdropped
  where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition order by 1`;

async function tablesWithoutOperator(database: TestDatabase): Promise<string[]> {
  const tables = await asSuperuser<{ name: string; held: boolean | null }>(database.url('superuser'), TABLES);
  const unheld = tables.filter(({ name, held }) => held !== true && !(name in WITHOUT)).map(({ name }) => name);
  const idle = Object.keys(WITHOUT).filter((name) => !tables.some((table) => table.name === name));
  return [...unheld, ...idle.map((name) => `${name} is excused and not there`)];
}

describe('tables of tenants', () => {
  let database: TestDatabase;

  beforeAll(async () => {
    database = await freshDatabase();
  });

  it('bear the operator in every row', async () => {
    expect(await tablesWithoutOperator(database)).toEqual([]);
  });

  it('are found out without it, or where it may be missing', async () => {
    const changes = 'create table bonus (id int); create table gift (operator_id uuid); drop table house_account';
    await asSuperuser(database.url('superuser'), changes);
    const found = await tablesWithoutOperator(database);
    expect(found).toEqual(expect.arrayContaining(['bonus', 'gift', 'house_account is excused and not there']));
  });
});
