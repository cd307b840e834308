import type pg from 'pg';

/** The database cannot be used by this process as it is set up: a person has to change something. */
export class UnfitDatabase extends Error {}

/** Which setting the database comes from, and the role it is meant for; what a person is told to change. */
export interface Purpose {
  readonly setting: string;
  readonly role: string;
}

const MONEY: Purpose = { setting: 'DATABASE_URL', role: 'croupier_money' };

/**
 * Refuses an owner or a superuser (row-level security and grants would not hold for it), any other role than the one meant (a role of
 * all tenants where one tenant's rows are read), and a schema older than this build needs.
 * Says so too where commits are not durable, which no role check can see.
 */
export async function checkDatabase(pool: pg.Pool, schemaNeeded: string, { setting, role }: Purpose = MONEY): Promise<{ durable: boolean }> {
  const { rows } = await pool.query<{ role: string; super: boolean; owner: boolean | null; durable: boolean; schema: string | null }>(`
    select current_user as role, r.rolsuper or r.rolbypassrls as super, pg_has_role(current_user, c.relowner, 'member') as owner,
      current_setting('synchronous_commit') <> 'off' and current_setting('fsync') = 'on' as durable, to_regclass('schema_migration')::text as schema
    from pg_roles r left join pg_class c on c.oid = to_regclass('wallet') where r.rolname = current_user`);
  const found = rows[0];
  if (!found) throw new Error('the database did not say who we are');
  if (found.super) throw new UnfitDatabase(`${setting} connects as ${found.role}, a superuser; use role ${role}`);
  if (found.owner) throw new UnfitDatabase(`${setting} connects as ${found.role}, who owns the schema; use role ${role}`);
  if (found.role !== role) throw new UnfitDatabase(`${setting} connects as ${found.role}; use role ${role}`);
  const done = found.schema === null ? [] : (await pool.query<{ name: string }>('select name from schema_migration')).rows;
  if (!done.some(({ name }) => name === schemaNeeded)) {
    throw new Error(`the schema is older than this build needs (${schemaNeeded}): run "cli migrate" as its owner`);
  }
  return { durable: found.durable };
}
