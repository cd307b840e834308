/** `cli slow`: which statements cost a server most, by what pg_stat_statements has counted. */
import type pg from 'pg';
import { connect, sqlState } from '../../../libs/postgres/index.ts';

const MOST = 20;
/** Where the extension is commonly made once for a whole server. */
const ELSEWHERE = 'postgres';
const NOT_LOADED = '55000';

interface Counted {
  readonly role: string;
  /** null where the role that asks may not see it */
  readonly query: string | null;
  readonly calls: string;
  readonly rows: string;
  readonly totalMs: number;
  readonly meanMs: number;
}

/** args: database, how many · what maintains the server itself, and what only begins and ends, is nobody's question */
const listOf = (schema: string, by: 'total' | 'mean'): string => `
select coalesce(r.rolname, '-') as role, case when s.query = '<insufficient privilege>' then null else s.query end as query, s.calls::text, s.rows::text,
  s.total_exec_time as "totalMs", s.mean_exec_time as "meanMs"
from ${schema}.pg_stat_statements s join pg_database d on d.oid = s.dbid left join pg_roles r on r.oid = s.userid
where d.datname = $1 order by s.${by}_exec_time desc, s.queryid limit $2`;

type Tell = (line: string) => void;

/** Answers 0 where there was something to look at, else 2, with a sentence that says what to do. */
export async function listSlow(url: string, tell: Tell): Promise<number> {
  const database = decodeURIComponent(new URL(url).pathname.slice(1));
  for (const at of [database, ELSEWHERE]) {
    const client = await connect(at === database ? url : inDatabase(url, at), { name: 'croupier slow' }).catch((error: unknown) => {
      if (at === database) throw error;
      return undefined;
    });
    if (!client) break;
    try {
      const schema = await schemaOf(client);
      if (schema !== undefined) return await list(client, schema, database, tell);
    } finally {
      await client.end();
    }
  }
  tell(`pg_stat_statements is not there: set shared_preload_libraries = 'pg_stat_statements', start the server anew, and \`create extension pg_stat_statements\` in database ${database}.`);
  return 2;
}

async function list(client: pg.Client, schema: string, database: string, tell: Tell): Promise<number> {
  try {
    let hidden = false;
    for (const by of ['total', 'mean'] as const) {
      const { rows } = await client.query<Counted>(listOf(schema, by), [database, MOST]);
      tell(`${by === 'total' ? '' : '\n'}The ${rows.length} statements of database ${database} with the most time ${by === 'total' ? 'in all' : 'a call'}:`);
      tell(line('total', 'a call', 'calls', 'rows', 'role', 'statement'));
      for (const row of rows) tell(line(shown(row.totalMs), shown(row.meanMs), row.calls, row.rows, row.role, row.query === null ? '(not for this role)' : short(row.query)));
      hidden ||= rows.some(({ query }) => query === null);
    }
    if (hidden) tell('\nStatements of other roles are hidden from this one: `grant pg_read_all_stats to` it, or ask as a role that has it.');
    return 0;
  } catch (error) {
    if (sqlState(error) !== NOT_LOADED) throw error;
    tell("pg_stat_statements is made, and its library is not loaded: set shared_preload_libraries = 'pg_stat_statements' and start the server anew.");
    return 2;
  }
}

async function schemaOf(client: pg.Client): Promise<string | undefined> {
  const { rows } = await client.query<{ schema: string }>(
    "select quote_ident(n.nspname) as schema from pg_extension e join pg_namespace n on n.oid = e.extnamespace where e.extname = 'pg_stat_statements'");
  return rows[0]?.schema;
}

function inDatabase(url: string, name: string): string {
  const other = new URL(url);
  other.pathname = `/${name}`;
  return other.href;
}

const shown = (ms: number): string => (ms >= 10_000 ? `${(ms / 1_000).toFixed(1)} s` : `${ms.toFixed(ms < 10 ? 2 : 0)} ms`);
const SHOWN = 110;
const short = (query: string): string => {
  const words = query.replaceAll(/\s+/g, ' ').trim();
  return words.length > SHOWN ? `${words.slice(0, SHOWN)}…` : words;
};
const WIDTHS = [11, 11, 11, 12, 17];
const line = (...cells: readonly string[]): string => cells.map((cell, i) => (i < 4 ? `${cell.padStart((WIDTHS[i] ?? 0) - 2)}  ` : cell.padEnd(WIDTHS[i] ?? 0))).join('').trimEnd();
