import { beforeEach, describe, expect, it } from '@jest/globals';
import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import type { PinoLogger } from 'nestjs-pino';
import { keepCallDays } from '../../src/ops/jobs/call-days.ts';
import { asSuperuser, freshDatabase, type TestDatabase } from '../support/cluster.ts';
import { rolesOn } from '../support/office.ts';
import { serveHere } from '../support/server.ts';

// The days of the call log are made ahead and dropped when they are old, by a job of the worker; a day that is missing is made good.

const OPERATOR = '01890000-0000-7000-8000-0000000000a1';
let database: TestDatabase;
beforeEach(async () => { database = await freshDatabase(); });

const sql = <Row>(text: string): Promise<Row[]> => asSuperuser<Row>(database.url('superuser'), text);
const silent = { info: () => undefined, error: () => undefined } as unknown as PinoLogger;
const day = (offset: number) => new Date(Date.now() + offset * 86_400_000).toISOString().slice(0, 10);
const partition = (offset: number, table = 'call_log') => `${table}_${day(offset).replaceAll('-', '_')}`;
const days = async (table = 'call_log') =>
  (await sql<{ name: string }>(`select c.relname as name from pg_inherits i join pg_class c on c.oid = i.inhrelid where i.inhparent = '${table}'::regclass order by 1`)).map(({ name }) => name);
const row = (offset: number, times = 1) => sql(`insert into call_log (at, operator_id, call_id, account_id, status, result, request_key, request_id, code, dialect, method, path, request_headers,
  answer_headers, answer_body, answer_bytes) select '${day(offset)}T12:00:00Z', '${OPERATOR}', uuidv4(), 1, 200, 'accepted', uuidv4(), 'r', 'applied', 'native', 'POST', 'bet', '{}', '{}', '', 0
  from generate_series(1, ${times})`);

async function keep(kept = 30) {
  const pool = new pg.Pool({ connectionString: database.url('croupier_worker'), max: 1, statement_timeout: 2_000 });
  try {
    return await keepCallDays(pool, kept, silent);
  } finally {
    await pool.end();
  }
}

describe('the days of the call log', () => {
  it('are there from today on, seven ahead, in both of its tables, each behind the wall of its tenants', async () => {
    for (const table of ['call_log', 'call_reference']) expect(await days(table)).toEqual([...Array.from({ length: 8 }, (_, i) => partition(i, table)), `${table}_default`].toSorted());
    await sql(`drop table ${partition(7)}; drop table ${partition(3, 'call_reference')}`);
    expect(await keep()).toEqual([]);
    for (const table of ['call_log', 'call_reference']) expect(await days(table)).toHaveLength(9);
    const open = await sql(`select relname from pg_class where relname ~ '^call_(log|reference)' and relkind in ('r', 'p') and not (relrowsecurity and relforcerowsecurity)`);
    expect(open).toEqual([]);
  });

  it('that were missing take their calls out of the default partition', async () => {
    await sql(`drop table ${partition(0)}`);
    await row(0, 3);
    expect(await sql('select count(*)::int as calls from call_log_default')).toEqual([{ calls: 3 }]);
    expect(await keep()).toEqual([]);
    expect(await sql(`select (select count(*)::int from call_log_default) as other, (select count(*)::int from ${partition(0)}) as its`)).toEqual([{ other: 0, its: 3 }]);
  });

  it('are dropped when they began more than so many days ago, and not before', async () => {
    for (const offset of [-31, -30, -2, -1]) {
      const bounds = `from ('${day(offset)}T00:00:00Z') to ('${day(offset + 1)}T00:00:00Z')`;
      for (const table of ['call_log', 'call_reference']) await sql(`create table ${partition(offset, table)} partition of ${table} for values ${bounds}`);
    }
    await row(-40, 2);
    await row(-20, 2);
    expect(await keep()).toEqual([]);
    expect(await days()).toEqual([...[-30, -2, -1, 0, 1, 2, 3, 4, 5, 6, 7].map((offset) => partition(offset)), 'call_log_default'].toSorted());
    expect(await sql('select count(*)::int as calls from call_log_default')).toEqual([{ calls: 2 }]);
    expect(await keep(1)).toEqual([]);
    for (const table of ['call_log', 'call_reference']) expect((await days(table))[0]).toBe(partition(-1, table));
    expect(await sql('select count(*)::int as calls from call_log_default')).toEqual([{ calls: 0 }]);
  });

  it('are made later where somebody holds the log, and say so', async () => {
    await sql(`drop table ${partition(7)}`);
    const holder = new pg.Client(database.url('superuser'));
    await holder.connect();
    await holder.query('begin; lock table call_log in row exclusive mode; lock table call_log_default in row exclusive mode');
    expect(await keep()).toEqual([{ table: 'call_log', day: day(7), cameTo: 'busy: later' }]);
    await holder.end();
    expect(await keep()).toEqual([]);
    expect(await days()).toContain(partition(7));
  });

  it('that are so many that there is no time to wait for each are told, and are made later', async () => {
    const all = ['call_log', 'call_reference'].flatMap((table) => Array.from({ length: 8 }, (_, i) => ({ table, day: day(i), cameTo: 'busy: later' })));
    for (const { table, day: of } of all) await sql(`drop table ${table}_${of.replaceAll('-', '_')}`);
    const holder = new pg.Client(database.url('superuser'));
    await holder.connect();
    await holder.query('begin; lock table call_log_default, call_reference_default in access share mode');
    // 16 times a quarter of a second, of which a statement has two seconds.
    expect(await keep()).toEqual(all);
    await holder.end();
    expect(await keep()).toEqual([]);
    for (const table of ['call_log', 'call_reference']) expect(await days(table)).toHaveLength(9);
  });

  it('with more calls in the default partition than are moved at once stay there, and say so', async () => {
    await sql(`drop table ${partition(0)}`);
    await row(0, 10_001);
    expect(await keep()).toEqual([{ table: 'call_log', day: day(0), cameTo: 'in the default partition' }]);
    expect(await sql('select count(*)::int as calls from call_log')).toEqual([{ calls: 10_001 }]);
  });

  it('are kept by nobody but the worker', async () => {
    for (const role of ['croupier_money', 'croupier_office', 'croupier_read'] as const) {
      await expect(asSuperuser(database.url(role), 'select keep_call_days(0, 0)')).rejects.toThrow(/permission denied/);
    }
  });

  it('are kept by the worker by itself, for as long as its setting says, and so are the minutes of providers', async () => {
    await sql(`create table ${partition(-5)} partition of call_log for values from ('${day(-5)}T00:00:00Z') to ('${day(-4)}T00:00:00Z')`);
    await sql(`insert into operator (operator_id, name) values ('${OPERATOR}', 'one');
      insert into provider_minute select '${OPERATOR}', 1, now() - d * interval '1 day', uuidv4(), 0, 0, 0, 0, 0, 0, 0, array_fill(0, array[11]) from unnest(array[399, 401]) d`);
    const served = await serveHere(database, { ...rolesOn(database, 'worker'), CALL_LOG_DAYS: '3' });
    try {
      for (const deadline = performance.now() + 30_000; (await days()).includes(partition(-5)); await pause(100)) if (performance.now() > deadline) throw new Error('the day is still there');
      expect(await sql("select round(extract(epoch from now() - minute) / 86400)::int as age from provider_minute")).toEqual([{ age: 399 }]);
    } finally {
      await served.close();
    }
  }, 60_000);
});
