import { afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import type pg from 'pg';
import { asSuperuser, freshDatabase, type TestDatabase } from '../../test/support/cluster.ts';
import { Proxy } from '../../test/support/proxy.ts';
import { connect, flush, run, sqlState, statement } from './index.ts';

let database: TestDatabase;
let client: pg.Client;

const begin = statement('begin', 'begin');
const commit = statement('commit', 'commit');
const lock = statement<[string]>('lock', 'select worth from thing where id = $1 for update');
const read = statement<[string]>('read', 'select worth from thing where id = $1');
const write = statement('write', 'update thing set worth = $2 where id = $1');
const echo = statement<[string | null, string | null, string]>('echo', 'select $1::int::text, $2::text, $3::bytea::text');
const divide = statement<[string]>('divide', 'select 1 / $1::int');

beforeAll(async () => {
  database = await freshDatabase();
  await asSuperuser(database.url('superuser'), 'create table thing (id int primary key, worth int)');
});
beforeEach(async () => {
  await asSuperuser(database.url('superuser'), 'truncate thing; insert into thing values (1, 10), (2, 20)');
  client = await connect(database.url('superuser'), { name: 'flush' });
});
afterEach(() => client.end());

describe('a flush', () => {
  it('answers with the rows of each step, as text, in order', async () => {
    expect(await run(client, [read([1]), read([2]), read([3]), write([1, 11]), read([1])])).toEqual([[['10']], [['20']], [], [], [['11']]]);
    expect((await flush(client, [read([1]), write([2, 5]), commit()])).tags).toEqual(['SELECT 1', 'UPDATE 1', 'COMMIT']);
  });

  it('takes numbers, texts, bytes and null', async () => {
    expect(await run(client, [echo([-7, 'é 🎰', Buffer.from([0, 255])]), echo([null, null, Buffer.alloc(0)])]))
      .toEqual([[['-7', 'é 🎰', '\\x00ff']], [[null, null, '\\x']]]);
  });

  it('puts what a COPY among the steps says into the memory that it was given, to the byte, however many reads it comes in', async () => {
    const bytes = randomBytes(700_000);
    await asSuperuser(database.url('superuser'), "create table heap (id int, bytes bytea); alter table heap alter bytes set storage external");
    await client.query('insert into heap values (1, $1)', [bytes]);
    const choose = statement('choose', "select set_config('croupier.chosen', $1, false)");
    const copy = statement('copy', "copy (select bytes from heap where id = current_setting('croupier.chosen')::int) to stdout (format binary)");
    const memory = Buffer.alloc(bytes.length + 27);
    for (let time = 0; time < 3; time++) {
      expect(await flush(client, [choose([1]), copy(), read([1])], memory.fill(0))).toMatchObject({ copied: memory.length, tags: ['SELECT 1', 'COPY 1', 'SELECT 1'], rows: [[['1']], [], [['10']]] });
      expect(memory.subarray(25, -2).equals(bytes)).toBe(true);
    }
    // Of no row there are only the form's header and its end.
    expect(await flush(client, [choose([2]), copy()], memory)).toMatchObject({ copied: 21, tags: ['SELECT 1', 'COPY 0'] });
    expect(await run(client, [read([2])])).toEqual([[['20']]]);
  });

  it('gives each step a snapshot of its own: what is read behind a lock is younger than the lock', async () => {
    const other = await connect(database.url('superuser'), { name: 'other' });
    await other.query('begin; update thing set worth = 99 where id = 1');
    const waiting = run(client, [begin(), lock([1]), read([1]), commit()]);
    // until the other one stands behind the lock
    await other.query(`do $$ begin
      while not exists (select from pg_locks where not granted) loop perform pg_sleep(0.01); end loop; end $$`);
    await other.query('update thing set worth = 100 where id = 1; commit');
    expect(await waiting).toEqual([[], [['100']], [['100']], []]);
    await other.end();
  });

  it('keeps the order of several that are sent at once', async () => {
    const all = [1, 2, 3, 4, 5].map((worth) => run(client, [write([1, worth]), read([1])]));
    expect((await Promise.all(all)).map(([, rows]) => rows)).toEqual([[['1']], [['2']], [['3']], [['4']], [['5']]]);
  });
});

describe('an error', () => {
  it('in one step skips the rest, tells how far it came, and undoes what had no transaction of its own', async () => {
    const { tags, error } = await flush(client, [write([1, 11]), divide([0]), write([2, 21])]);
    expect([tags, sqlState(error)]).toEqual([['UPDATE 1'], '22012']);
    expect(await run(client, [read([1]), read([2])])).toEqual([[['10']], [['20']]]);
  });

  it('leaves its statements usable, also those that were new in that flush', async () => {
    await expect(run(client, [divide([0]), echo([1, 'x', Buffer.alloc(0)])])).rejects.toThrow('division by zero');
    expect(await run(client, [divide([1]), echo([1, 'x', Buffer.alloc(0)])])).toEqual([[['1']], [['1', 'x', '\\x']]]);
  });

  it('in an open transaction makes its COMMIT a ROLLBACK, which only the tag tells', async () => {
    await flush(client, [begin(), write([1, 11]), divide([0]), commit()]);
    const { tags, error } = await flush(client, [commit()]);
    expect([tags, error]).toEqual([['ROLLBACK'], undefined]);
    expect(await run(client, [read([1])])).toEqual([[['10']]]);
  });

  it('of a broken connection has no SQLSTATE, and comes at once for what was sent and what comes later', async () => {
    const proxy = await Proxy.before(database.url('superuser'));
    const broken = await connect(proxy.through(database.url('superuser')), { name: 'broken' });
    expect(await run(broken, [read([1])])).toEqual([[['10']]]);
    const struck = proxy.strikeCommit('reply lost');
    const { tags, error } = await flush(broken, [begin(), write([1, 12]), commit()]);
    await struck;
    expect([tags.includes('COMMIT'), error instanceof Error, sqlState(error)]).toEqual([false, true, undefined]);
    await expect(run(broken, [read([1])])).rejects.toThrow();
    expect(await run(client, [read([1])])).toEqual([[['12']]]); // committed, and nobody was told
    await proxy.close();
  });
});
