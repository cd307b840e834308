import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { DATABASE } from '../../tools/local/roles.ts';
import { asSuperuser, freshDatabase, type TestDatabase } from '../support/cluster.ts';

// What functions may do that run as the owner, and what the role of the read side may not do, as the catalogue of PostgreSQL and its answers say.

let database: TestDatabase;
beforeAll(async () => { database = await freshDatabase(); });
const sql = <Row = Record<string, unknown>>(text: string): Promise<Row[]> => asSuperuser<Row>(database.url('superuser'), text);

/** Who may call it: only the one whose work it is. */
const MAY: Readonly<Record<string, string>> = {
  'configuration_changed()': '', 'keep_call_days(kept integer, ahead integer)': 'croupier_worker', 'make_months(months integer)': 'croupier_worker', 'operator_named(operator_name text)': 'croupier_office',
};

const FUNCTIONS = `
select p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')' as name, p.prosrc as source, coalesce(array_to_string(p.proconfig, '; '), '') as settings,
  pg_get_userbyid(p.proowner) as owner,
  coalesce((select string_agg(r, ' ' order by r) from unnest(array['croupier_money', 'croupier_office', 'croupier_read', 'croupier_worker']) r
    where has_function_privilege(r, p.oid, 'execute') and has_schema_privilege(r, p.pronamespace, 'usage')), '') as callers
from pg_proc p where p.prosecdef and p.pronamespace not in ('pg_catalog'::regnamespace, 'information_schema'::regnamespace) order by 1`;

/** What is wrong with those that run as somebody else, as sentences. */
async function wrong(): Promise<string[]> {
  const found = await sql<{ name: string; source: string; settings: string; owner: string; callers: string }>(FUNCTIONS);
  return found.flatMap(({ name, source, settings, owner, callers }) => {
    const statements = [...source.matchAll(/\bexecute\s+(\w+)?\s*\(?\s*('(?:[^']|'')*')?/gi)];
    return [
      ...(/(^|; )search_path=public, pg_temp(;|$)/.test(settings) ? [] : [`${name} is looked up by its caller's search_path`]),
      ...(owner === 'croupier_owner' ? [] : [`${name} runs as ${owner}`]),
      ...(callers === MAY[name] ? [] : [`${name} is called by ${callers || 'nobody'}`]),
      ...statements.filter(([, by, format]) => by !== 'format' || format === undefined || format.includes('%s')).map(([text]) => `${name} executes ${text}`),
    ];
  });
}

describe('a function that runs as the owner', () => {
  it('looks nothing up where its caller says, is called by nobody who need not, and executes no text of its caller’s', async () => {
    expect((await sql<{ name: string }>(FUNCTIONS)).map(({ name }) => name)).toEqual(Object.keys(MAY));
    expect(await wrong()).toEqual([]);
  });

  it('is found where one of these is planted', async () => {
    await sql(`create function planted(name text) returns void language plpgsql security definer as $$ begin execute 'drop table ' || name; execute format('drop table %s', name); end $$`);
    expect(await wrong()).toEqual([
      "planted(name text) is looked up by its caller's search_path", `planted(name text) runs as ${(await sql<{ me: string }>('select current_user as me'))[0]?.me}`,
      'planted(name text) is called by croupier_money croupier_office croupier_read croupier_worker', "planted(name text) executes execute 'drop table '",
      "planted(name text) executes execute format('drop table %s'",
    ].toSorted((one, other) => (one.includes('executes') ? 1 : 0) - (other.includes('executes') ? 1 : 0)));
    await sql('drop function planted');
  });

  it('cannot be put behind a table of somebody’s own', async () => {
    // Who makes a trigger needs the right to call its function; whom it fires for does not.
    for (const role of ['croupier_money', 'croupier_office', 'croupier_read', 'croupier_worker'] as const) {
      await expect(asSuperuser(database.url(role), 'create temp table own (a int); create trigger t after insert on own execute function configuration_changed()')).rejects.toThrow(/permission denied/);
    }
  });
});

describe('croupier_read', () => {
  let reader: pg.Client;
  beforeAll(async () => {
    reader = new pg.Client(database.url('croupier_read'));
    await reader.connect();
  });
  afterAll(() => reader?.end());

  /** Relations of every schema, partitions among them. */
  const RIGHTS = `
    select c.oid::regclass::text as name, string_agg(may, ' ' order by may) as may from pg_class c
    cross join unnest(case when c.relkind = 'S' then array['usage', 'update'] else array['insert', 'update', 'delete', 'truncate', 'references', 'trigger', 'maintain'] end) may
    where c.relkind in ('r', 'p', 'v', 'm', 'S', 'f') and c.relnamespace not in ('pg_catalog'::regnamespace, 'information_schema'::regnamespace, 'pg_toast'::regnamespace)
      and case when c.relkind = 'S' then has_sequence_privilege('croupier_read', c.oid, may) else has_table_privilege('croupier_read', c.oid, may)
        or (may in ('insert', 'update', 'references') and has_any_column_privilege('croupier_read', c.oid, may)) end
    group by 1 order by 1`;

  it('has no right to write to any table, column or sequence, and none to make anything', async () => {
    expect(await sql(RIGHTS)).toEqual([]);
    const rights = `select n.nspname as name from pg_namespace n where has_schema_privilege('croupier_read', n.oid, 'create')`;
    expect(await sql(rights)).toEqual([]);
    expect(await sql(`select rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls from pg_roles where rolname = 'croupier_read'`)).toEqual([
      { rolsuper: false, rolcreaterole: false, rolcreatedb: false, rolreplication: false, rolbypassrls: false }]);
    expect(await sql(`select 1 from pg_auth_members m join pg_roles r on r.oid = m.member where r.rolname = 'croupier_read'`)).toEqual([]);
    // Of the database that is prepared as production's is.
    expect(await sql(`select right_of from unnest(array['temp', 'create']) right_of where has_database_privilege('croupier_read', '${DATABASE}', right_of)`)).toEqual([]);
  });

  it('may call nothing of ours that writes, and nothing that runs as somebody else', async () => {
    const callable = await sql<{ name: string }>(`
      select p.oid::regprocedure::text as name from pg_proc p join pg_namespace n on n.oid = p.pronamespace
      where n.nspname not in ('pg_catalog', 'information_schema') and has_schema_privilege('croupier_read', n.oid, 'usage') and has_function_privilege('croupier_read', p.oid, 'execute')
        and (p.provolatile = 'v' or p.prosecdef) and p.prorettype <> 'trigger'::regtype
        and not exists (select from pg_depend d where d.objid = p.oid and d.deptype = 'e') order by 1`);
    expect(callable).toEqual([]);
  });

  it('is refused when it tries, table by table, in a transaction that may write', async () => {
    const tables = await sql<{ name: string; first: string }>(`
      select c.oid::regclass::text as name, (select quote_ident(attname) from pg_attribute where attrelid = c.oid and attnum > 0 and attidentity = '' and not attisdropped order by attnum limit 1) as first
      from pg_class c
      where c.relkind in ('r', 'p') and c.relnamespace = 'public'::regnamespace order by 1`);
    expect(tables.length).toBeGreaterThan(100);
    const done: string[] = [];
    for (const { name, first } of tables) {
      for (const statement of [`insert into ${name} default values`, `update ${name} set ${first} = ${first}`, `delete from ${name}`, `truncate ${name}`, `lock table ${name} in share row exclusive mode`]) {
        await reader.query("begin read write; select set_config('croupier.operator', uuidv4()::text, true)");
        const came = await reader.query(statement).then(() => 'done', ({ code }: { code: string }) => code);
        await reader.query('rollback');
        if (came !== '42501') done.push(`${statement}: ${came}`);
      }
    }
    expect(done).toEqual([]);
  }, 60_000);

  it('is found out where it has such a right', async () => {
    await sql('grant update (won) on played_round to croupier_read; grant truncate on round_day to croupier_read');
    expect(await sql(RIGHTS)).toEqual([{ name: 'played_round', may: 'update' }, { name: 'round_day', may: 'truncate' }]);
    await sql('revoke update (won) on played_round from croupier_read; revoke truncate on round_day from croupier_read');
  });
});
