/** A second copy of a view's tables in schema `rebuild`, and how it differs from the live one. All as the schema's owner. */
import type pg from 'pg';

/** A view whose tables cannot be made a second time, in one sentence. */
export class NoSecondCopy extends Error {}

interface Shape {
  readonly kind: string;
  readonly options: string | null;
  readonly comment: string | null;
  readonly constraints: { name: string; definition: string; comment: string | null }[];
  readonly indexes: string[];
  readonly grants: { grantee: string; privilege: string }[];
  readonly keys: string[] | null;
}

/** What `like … including all` leaves out, or would name anew. args: table · answers one row where there is such a table */
const SHAPE = `
select c.relkind as kind, array_to_string(c.reloptions, ', ') as options, obj_description(c.oid, 'pg_class') as comment,
  (select coalesce(jsonb_agg(jsonb_build_object('name', conname, 'definition', pg_get_constraintdef(k.oid), 'comment', obj_description(k.oid, 'pg_constraint')) order by conname), '[]')
    from pg_constraint k where conrelid = c.oid and contype in ('p', 'u', 'f', 'x')) as constraints,
  (select coalesce(jsonb_agg(pg_get_indexdef(indexrelid) order by indexrelid), '[]') from pg_index i where indrelid = c.oid
    and not exists (select from pg_constraint where conindid = i.indexrelid)) as indexes,
  (select coalesce(jsonb_agg(jsonb_build_object('grantee', g.rolname, 'privilege', a.privilege_type)), '[]')
    from aclexplode(c.relacl) a join pg_roles g on g.oid = a.grantee where a.grantee <> c.relowner) as grants,
  (select array_agg(quote_ident(attname) order by array_position(i.indkey::int2[], attnum)) from pg_index i
    join pg_attribute on attrelid = c.oid and attnum = any(i.indkey) where i.indrelid = c.oid and i.indisprimary)::text[] as keys
from pg_class c where c.oid = to_regclass('public.' || quote_ident($1))`;

async function shapeOf(client: pg.ClientBase, table: string): Promise<Shape & { keys: string[] }> {
  const shape = (await client.query<Shape>(SHAPE, [table])).rows[0];
  if (!shape) throw new NoSecondCopy(`table ${table} is not there: run "cli migrate" first`);
  if (shape.kind !== 'r' || !shape.keys) throw new NoSecondCopy(`table ${table} is no plain table with a primary key`);
  return shape as Shape & { keys: string[] };
}

function name(text: string): string {
  return `"${text.replaceAll('"', '""')}"`;
}

export async function makeBeside(client: pg.ClientBase, tables: readonly string[]): Promise<void> {
  for (const table of tables) {
    const { options, comment, constraints, indexes, grants } = await shapeOf(client, table);
    const made = `rebuild.${name(table)}`;
    await client.query(`create table ${made} (like public.${name(table)} including all excluding indexes)${options ? ` with (${options})` : ''}`);
    for (const { name: its, definition, comment: said } of constraints) {
      await client.query(`alter table ${made} add constraint ${name(its)} ${definition}`);
      if (said !== null) await client.query(`comment on constraint ${name(its)} on ${made} is ${client.escapeLiteral(said)}`);
    }
    for (const index of indexes) await client.query(index.replace(/ ON (ONLY )?public\.\S+ USING /, ` ON ${made} USING `));
    if (comment !== null) await client.query(`comment on table ${made} is ${client.escapeLiteral(comment)}`);
    await client.query('select guard_view_table($1::regclass)', [made]);
    for (const { grantee, privilege } of grants) await client.query(`grant ${privilege} on ${made} to ${name(grantee)}`);
  }
}

export async function dropBeside(client: pg.ClientBase, view: string, tables: readonly string[]): Promise<void> {
  for (const table of tables) await client.query(`drop table if exists rebuild.${name(table)}`);
  await client.query('delete from projection where name = $1 and building', [view]);
}

/** What one row is in either copy, where they differ. */
export interface Differing {
  /** the primary key's columns */
  readonly row: Readonly<Record<string, string>>;
  /** column → live, rebuilt; null where there is no such row */
  readonly columns: Readonly<Record<string, readonly [live: string | null, rebuilt: string | null]>>;
}

export interface Difference {
  readonly table: string;
  /** rows that are in one only, or not the same in both */
  readonly rows: number;
  readonly first: readonly Differing[];
}

const NAMED = 5;

/** Row by row, both ways; empty where the copies are equal. They are counted first, which several processes can do at once. */
export async function compare(client: pg.ClientBase, tables: readonly string[]): Promise<Difference[]> {
  const found: Difference[] = [];
  for (const table of tables) {
    const { keys } = await shapeOf(client, table);
    const differing = `from public.${name(table)} l full join rebuild.${name(table)} r using (${keys.join(', ')}) where row(l.*) is distinct from row(r.*)`;
    const count = Number((await client.query<{ rows: string }>(`select count(*) as rows ${differing}`)).rows[0]?.rows);
    if (count === 0) continue;
    const { rows: first } = await client.query<Differing>(`
      with first as (select l, r ${differing} order by ${keys.join(', ')} limit ${NAMED}), named as (select to_jsonb(l) as l, to_jsonb(r) as r from first)
      select (select jsonb_object_agg(key, value) from jsonb_each_text(coalesce(l, r)) where quote_ident(key) = any($1)) as row,
        (select coalesce(jsonb_object_agg(key, jsonb_build_array(a.value, b.value)), '{}') from jsonb_each_text(l) a full join jsonb_each_text(r) b using (key)
          where a.value is distinct from b.value and not quote_ident(key) = any($1)) as columns
      from named`, [keys]);
    found.push({ table, rows: count, first });
  }
  return found;
}

/** The tables of the copy take the place of the live ones. Waits for whoever reads there, for as long as lock_timeout says. */
export async function takePlace(client: pg.ClientBase, tables: readonly string[]): Promise<void> {
  for (const table of tables) {
    await client.query(`drop table public.${name(table)}`);
    await client.query(`alter table rebuild.${name(table)} set schema public`);
  }
}
