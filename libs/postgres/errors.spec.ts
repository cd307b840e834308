import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type pg from 'pg';
import { freshDatabase, type TestDatabase } from '../../test/support/cluster.ts';
import { classify, connect, sqlState } from './index.ts';

let database: TestDatabase;
let client: pg.Client;

beforeAll(async () => {
  database = await freshDatabase();
  client = await connect(database.url('superuser'), { name: 'errors' });
  await client.query('create table thing (id int primary key, worth int check (worth >= 0)); insert into thing values (1, 1)');
});
afterAll(() => client.end());

const failure = (text: string, on = client): Promise<unknown> => on.query(text).then(() => undefined, (error: unknown) => error);

describe('what PostgreSQL says of a failed batch', () => {
  it.each([
    ['23505', 'insert into thing values (1, 1)'],
    ['23514', 'update thing set worth = -1'],
    ['22012', 'select 1 / (case when count(*) = 2 then 1 else 0 end) from thing'],
    ['22P02', `select 'x'::uuid`],
    ['P0001', `do $$ begin raise exception 'no'; end $$`],
    ['42P01', 'select * from nothing'],
    ['22021', `select convert_from('\\x00', 'UTF8')`],
  ])('%s is poison: something in it cannot be written', async (state, text) => {
    const error = await failure(text);
    expect([sqlState(error), classify(error)]).toEqual([state, 'poison']);
  });

  it('55P03, a lock that did not come in time, is worth the same again', async () => {
    const other = await connect(database.url('superuser'), { name: 'other', settings: { lock_timeout: '30ms' } });
    await client.query('begin; update thing set worth = 2');
    const error = await failure('update thing set worth = 3', other);
    await client.query('rollback');
    await other.end();
    expect([sqlState(error), classify(error)]).toEqual(['55P03', 'again']);
  });

  it('23514 of a row whose partition was attached while it waited for the default one is worth the same again', async () => {
    const other = await connect(database.url('superuser'), { name: 'other' });
    await client.query('create table month (at int) partition by range (at); create table month_default partition of month default');
    await client.query('begin; lock table month_default in access exclusive mode');
    const waiting = failure('insert into month values (1)', other);
    for (let blocked = 0; blocked === 0; ) {
      blocked = (await client.query("select 1 from pg_locks where relation = 'month_default'::regclass and not granted")).rows.length;
    }
    await client.query('create table month_1 (like month); alter table month attach partition month_1 for values from (1) to (2); commit');
    const error = await waiting;
    expect([sqlState(error), classify(error)]).toEqual(['23514', 'again']);
    expect(await failure('insert into month values (1)', other)).toBeUndefined();
    await other.end();
  });

  it('57014, a statement that took too long, and 25P03 and 57P01, a session that was ended, are gone', async () => {
    const slow = await connect(database.url('superuser'), { name: 'slow', settings: { statement_timeout: '30ms' } });
    const cancelled = await failure('select pg_sleep(1)', slow);
    expect([sqlState(cancelled), classify(cancelled)]).toEqual(['57014', 'gone']);
    await slow.end();

    const victim = await connect(database.url('superuser'), { name: 'victim' });
    const { rows } = await victim.query<{ pid: number }>('select pg_backend_pid() as pid');
    const ended = failure('select pg_sleep(5)', victim);
    await client.query('select pg_terminate_backend($1)', [rows[0]?.pid]);
    expect(classify(await ended)).toBe('gone');
  });

  it.each([
    ['40001', 'again'], ['40P01', 'again'], ['55P03', 'again'], ['25P03', 'gone'], ['25006', 'gone'], ['57P01', 'gone'],
    ['57P03', 'gone'], ['57014', 'gone'], ['53300', 'gone'], ['53100', 'gone'], ['08006', 'gone'], ['58030', 'gone'],
    ['XX000', 'gone'], ['22003', 'poison'], ['23502', 'poison'], ['P0004', 'poison'],
  ])('%s: %s', (code, kind) => {
    expect(classify(Object.assign(new Error(), { code }))).toBe(kind);
  });

  it('a connection that broke has no SQLSTATE, and is gone', () => {
    for (const error of [
      new Error('Connection terminated unexpectedly'),
      Object.assign(new Error(), { code: 'ECONNRESET' }),
      Object.assign(new Error(), { code: 'EPIPE' }),
      undefined,
      'x',
    ]) {
      expect([sqlState(error), classify(error)]).toEqual([undefined, 'gone']);
    }
  });
});
