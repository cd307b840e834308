import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { asSuperuser, freshDatabase, type TestDatabase } from '../../test/support/cluster.ts';
import { Proxy } from '../../test/support/proxy.ts';
import { checkDatabase, connect, pool, statement, TenantPool, UnfitDatabase } from './index.ts';

let database: TestDatabase;

beforeAll(async () => {
  database = await freshDatabase();
});

describe('a connection', () => {
  it('runs with its settings from its first statement on, under its name', async () => {
    const client = await connect(database.url('croupier_money'), {
      name: 'of a test',
      settings: { statement_timeout: '1234ms', enable_seqscan: 'off' },
    });
    const { rows } = await client.query(
      `select current_setting('statement_timeout') as t, current_setting('enable_seqscan') as s, current_setting('application_name') as n`,
    );
    expect(rows).toEqual([{ t: '1234ms', s: 'off', n: 'of a test' }]);
    await client.end();
  });

  it('that nobody answers is given up in time', async () => {
    const proxy = await Proxy.before(database.url('croupier_money'));
    proxy.freeze();
    const startedAt = performance.now();
    await expect(connect(proxy.through(database.url('croupier_money')), { name: 'silent', connectMs: 200 })).rejects.toThrow();
    expect(performance.now() - startedAt).toBeLessThan(2_000);
    await proxy.close();
  });
});

describe('a connection of a pool', () => {
  const sleep = statement('sleep', 'select pg_sleep(3)');
  const now = statement('now', 'select 1');

  it('that is lost while it is handed out fails what runs on it, and nothing else', async () => {
    const proxy = await Proxy.before(database.url('croupier_read'));
    const tenants = new TenantPool(pool(proxy.through(database.url('croupier_read')), { name: 'to be lost' }, 1));
    await tenants.as(randomUUID(), [now()]);
    const lost = expect(tenants.as(randomUUID(), [sleep()])).rejects.toThrow();
    const asleep = "select 1 from pg_stat_activity where application_name = 'to be lost' and query like '%pg_sleep%' and state = 'active'";
    while ((await asSuperuser(database.url('superuser'), asleep)).length === 0);
    proxy.cut();
    await lost;
    proxy.mend();
    expect(await tenants.as(randomUUID(), [now()])).toEqual([[['1']]]);
    await tenants.close();
    await proxy.close();
  });

  it('forgets its time-out with the answer', async () => {
    const tenants = new TenantPool(pool(database.url('croupier_read'), { name: 'timed' }, 1));
    const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
    await tenants.as(randomUUID(), [now()]);
    const before = timers();
    for (let i = 0; i < 20; i++) await tenants.as(randomUUID(), [now()]);
    expect(timers()).toBeLessThan(before + 5);
    await tenants.close();
  });
});

describe('a database', () => {
  const check = async (role: Parameters<TestDatabase['url']>[0], needed = 'M0001Money') => {
    const reads = pool(database.url(role), { name: 'check' }, 1);
    return await checkDatabase(reads, needed).finally(() => reads.end());
  };

  it('is fit for the roles that own nothing, and says whether its commits last', async () => {
    const [settings] = await asSuperuser<{ durable: boolean }>(
      database.url('superuser'),
      `select current_setting('synchronous_commit') <> 'off' and current_setting('fsync') = 'on' as durable`,
    );
    expect(await check('croupier_money')).toEqual(settings);
  });

  it('is not fit for its owner or a superuser, nor for who may become the owner', async () => {
    await expect(check('croupier_owner')).rejects.toThrow(UnfitDatabase);
    await expect(check('superuser')).rejects.toThrow(UnfitDatabase);
    await asSuperuser(database.url('superuser'), `create role deputy login password 'of-a-test' in role croupier_owner`);
    const url = new URL(database.url('croupier_money'));
    url.username = 'deputy';
    const reads = pool(url.href, { name: 'deputy' }, 1);
    await expect(checkDatabase(reads, 'M0001Money').finally(() => reads.end())).rejects.toThrow(/deputy, who owns the schema/);
  });

  it('of an older schema is waited for, not refused', async () => {
    const refused = check('croupier_money', 'M9999Later');
    await expect(refused).rejects.toThrow(/cli migrate/);
    await expect(refused).rejects.not.toBeInstanceOf(UnfitDatabase);
  });

  afterAll(() => asSuperuser(database.url('superuser'), 'drop role if exists deputy'));
});
