import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { PROJECTIONS } from '../../src/installed.ts';
import { dropBeside, makeBeside } from '../../src/views/feed/second-copy.ts';
import { asSuperuser, freshDatabase, type TestDatabase } from '../support/cluster.ts';
import { fed } from '../support/feeding.ts';
import { createWorld, type World } from '../support/world.ts';
import { Provider } from '../support/provider.ts';
import { serveHere } from '../support/server.ts';

// Every tenant's table, and each of its partitions, stands behind row-level security. Each role asks each table for all it has, without a
// where clause: office and read see one operator's rows and fail without an operator, money and worker see all tenants.

const TENANTS_TABLES = `
  select c.oid::regclass::text as name, c.relispartition as partition, c.relrowsecurity and c.relforcerowsecurity as guarded
  from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'operator_id' and not a.attisdropped
  where c.relnamespace in ('public'::regnamespace, 'rebuild'::regnamespace) and c.relkind in ('r', 'p') order by 1`;

interface Table {
  readonly name: string;
  readonly partition: boolean;
  readonly guarded: boolean;
}

const tables = (database: TestDatabase) => asSuperuser<Table>(database.url('superuser'), TENANTS_TABLES);

/** The operators whose rows a role sees in a table: `denied` where it may not read it, `no tenant` where it has to say for whom. */
async function seen(client: pg.Client, table: string, operator?: string): Promise<string> {
  await client.query('begin');
  try {
    if (operator) await client.query("select set_config('croupier.operator', $1, true)", [operator]);
    const { rows } = await client.query<{ operator: string }>(`select distinct operator_id as operator from ${table} order by 1`);
    return rows.map((row) => row.operator).join(' ');
  } catch (error) {
    const { code } = error as { code?: string };
    if (code === '42501') return 'denied';
    // Never set on this connection, or set for a transaction that is over.
    if (code === '42704' || code === '22P02') return 'no tenant';
    throw error;
  } finally {
    await client.query('rollback');
  }
}

/** What of the wall is missing, as sentences. Every table that holds rows of two operators is asked by every role. */
async function holes(database: TestDatabase, [one, other]: readonly [string, string]): Promise<string[]> {
  const found: string[] = [];
  const all = await tables(database);
  for (const { name, guarded } of all) if (!guarded) found.push(`${name} is not guarded`);
  const both = [one, other].sort().join(' ');
  const whole = new Map<string, string>();
  for (const { name } of all) whole.set(name, (await asSuperuser<{ all: string }>(database.url('superuser'),
    `select coalesce(string_agg(distinct operator_id::text, ' '), '') as all from ${name}`))[0]?.all ?? '');
  for (const role of ['croupier_office', 'croupier_read', 'croupier_money', 'croupier_worker'] as const) {
    const walled = role === 'croupier_office' || role === 'croupier_read';
    const client = new pg.Client(database.url(role));
    await client.connect();
    for (const { name } of all) {
      const told = await seen(client, name, one);
      if (told === 'denied') continue;
      if (walled && told !== one && told !== '') found.push(`${role} sees ${told === both ? 'both operators' : told} in ${name}`);
      if (walled && (await seen(client, name)) !== 'no tenant') found.push(`${role} is not asked for its tenant in ${name}`);
      if (!walled && told !== whole.get(name)) found.push(`${role} does not see all tenants in ${name}`);
    }
    await client.end();
  }
  return found;
}

/** A row of each operator in every table that a tenant has. */
async function fill(database: TestDatabase): Promise<World> {
  const world = await createWorld(database, { players: { EUR: 1 } });
  const served = await serveHere(database);
  for (const [account, player] of [[world.accounts[0], world.players[0]], [world.accounts.at(-1), world.strangers[0]]] as const) {
    if (!account || !player) throw new Error('the world has both');
    const provider = new Provider(served.baseUrl, account);
    const call = { playerId: player.id, currency: 'EUR', gameId: 'game-1', roundId: 'r1' };
    await provider.call('bet', { ...call, transactionId: 'b1', amount: '1.00' });
    await provider.call('bet', { ...call, transactionId: 'b2', amount: '9000.00' });
    provider.close();
  }
  await served.close();
  await asSuperuser(database.url('superuser'), `
    insert into retired_secret (api_key, operator_id, secret, verifies_until) select api_key, operator_id, 'whsec_retired', now() from credential;
    insert into api_key (operator_id, name, secret_hash, expires_at) select operator_id, 'a key', sha256('x'), now() from operator;
    insert into office_command (operator_id, idempotency_key, digest, status, answer) select operator_id, 'a command', sha256('x'), 200, '{}' from operator;
    insert into free_round_issue (operator_id, account_id, issue_id, player_id, currency)
      select operator_id, min(account_id), 'an issue', (select player_id from player p where p.operator_id = a.operator_id limit 1), 'EUR' from provider_account a group by 1;
    insert into global_reference (account_id, reference, player_id, operator_id, operation)
      select account_id, uuidv4(), player_id, operator_id, operation from transaction_key where operation = 'bet';
    insert into locked_day (operator_id, day, lanes, batches) select operator_id, '2026-01-31', '{}', '{}' from operator;
    insert into export_schedule (operator_id, idempotency_key, digest, name, report, format, filters, period, at, keep_days, next_day, next_at)
      select operator_id, 'a schedule', sha256('x'), 'a schedule', 'transactions', 'csv', '{}', 'yesterday', '06:30', 7, '2026-01-31', now() + interval '1 day' from operator;
    insert into export (operator_id, report, format, filters, keep_days, state, pieces) select operator_id, 'transactions', 'csv', '{}', 7, 'done', 1 from operator;
    insert into export_piece (export_id, operator_id, place, bytes) select export_id, operator_id, 0, 'x' from export`);
  await fed(database, ...PROJECTIONS);
  return world;
}

describe('the wall between tenants', () => {
  let database: TestDatabase;
  let world: World;

  beforeAll(async () => {
    database = await freshDatabase();
    world = await fill(database);
  });

  const operators = () => world.operators as [string, string];
  const plant = (statements: string) => asSuperuser(database.url('superuser'), statements);
  afterAll(async () => plant('drop table if exists bonus'));

  it('has rows of two operators in every table that it guards', async () => {
    const empty: string[] = [];
    for (const { name, partition } of await tables(database)) {
      const [count] = await plant(`select count(distinct operator_id)::int as operators from ${name}`) as { operators: number }[];
      if (!partition && count?.operators !== 2) empty.push(name);
    }
    expect(empty).toEqual([]);
  });

  it('stands around every table and every partition, for every role', async () => {
    expect((await tables(database)).filter(({ partition }) => partition).length).toBeGreaterThanOrEqual(2 * 25);
    expect(await holes(database, operators())).toEqual([]);
  });

  it('stands around what a rebuild makes beside the live tables, too', async () => {
    const owner = new pg.Client(database.url('croupier_owner'));
    await owner.connect();
    const own = PROJECTIONS.flatMap((projection) => projection.tables);
    await makeBeside(owner, own);
    for (const table of own) await plant(`insert into rebuild.${table} select * from ${table}`);
    const beside = (await tables(database)).map((table) => table.name).filter((table) => table.startsWith('rebuild.'));
    expect(beside.toSorted()).toEqual(own.map((table) => `rebuild.${table}`).toSorted());
    await plant(`alter table rebuild.${own[0]} no force row level security`);
    expect(await holes(database, operators())).toEqual([`rebuild.${own[0]} is not guarded`]);
    await dropBeside(owner, 'all of them', own);
    await owner.end();
  });

  it('lets nobody write a row of another operator', async () => {
    const client = new pg.Client(database.url('croupier_office'));
    await client.connect();
    const [one, other] = operators();
    await client.query("begin; select set_config('croupier.operator', '" + one + "', true)");
    await expect(client.query("insert into player (operator_id, external_id) values ($1, 'theirs')", [other])).rejects.toThrow(/row-level security/);
    await client.end();
  });

  it('has a hole where a table is planted without it, and where a policy lets everybody through', async () => {
    const [one, other] = operators();
    await plant(`create table bonus (operator_id uuid not null); insert into bonus values ('${one}'), ('${other}'); grant select on bonus to croupier_read`);
    expect(await holes(database, operators())).toEqual([
      'bonus is not guarded', 'croupier_read sees both operators in bonus', 'croupier_read is not asked for its tenant in bonus',
    ]);
    await plant('drop table bonus; create policy everybody on wallet to croupier_office using (true)');
    expect(await holes(database, operators())).toEqual(expect.arrayContaining(['croupier_office sees both operators in wallet']));
    await plant('drop policy everybody on wallet; drop policy all_tenants on round');
    expect(await holes(database, operators())).toContain('croupier_money does not see all tenants in round');
  });
});
