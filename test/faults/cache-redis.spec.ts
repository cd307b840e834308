import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { setTimeout as pause } from 'node:timers/promises';
import { createClient } from '@keyv/redis';
import { freshDatabase, type TestDatabase } from '../support/cluster.ts';
import { Seat } from '../support/ground.ts';
import { Provider } from '../support/provider.ts';
import { allRoles, Reader } from '../support/reader.ts';
import { serveHere, type InProcess } from '../support/server.ts';
import { createWorld, type World } from '../support/world.ts';
import { OwnRedis, until } from './feed-backends.ts';

// The tier of the cache that processes share, in a real Redis, which is killed and falls silent: reads stay right and quick, and none fails.

if (!OwnRedis.there) process.stdout.write('cache: there is no redis-server on this machine, so its shared tier is not shown (Debian: apt-get install redis-server)\n');

// eslint-disable-next-line no-restricted-syntax -- it needs a program of the machine’s, and says above where there is none
(OwnRedis.there ? describe : describe.skip)('cached views in Redis', () => {
  let database: TestDatabase;
  let world: World;
  let redis: OwnRedis;
  let here: InProcess;
  let there: InProcess;
  let readers: Reader[];
  let foreigner: Reader;
  let provider: Provider;
  let seated = 0;

  beforeAll(async () => {
    redis = await OwnRedis.start();
    database = await freshDatabase();
    world = await createWorld(database, { players: { EUR: 20 }, policies: [{ deadlineMs: 5_000 }, { deadlineMs: 5_000 }] });
    // Role office has no jobs: in this Redis is nothing but what the cache puts there.
    const env = { ...allRoles(database), ROLE: 'office', ...redis.env };
    [here, there] = [await serveHere(database, env), await serveHere(database, env)];
    const money = await serveHere(database, { ROLE: 'wallet' });
    closing.push(money);
    provider = new Provider(money.baseUrl, world.accounts[0] as never);
    readers = await Promise.all([here, there].map(({ baseUrl }) => Reader.of(world.operators[0] as string, database, baseUrl)));
    foreigner = await Reader.of(world.operators[1] as string, database, here.baseUrl);
  }, 60_000);
  const closing: InProcess[] = [];

  afterAll(async () => {
    provider?.close();
    for (const served of [here, there, ...closing]) await served?.close();
    await redis?.close();
  });

  const seat = () => new Seat(provider, world.players[seated++] as never);
  const list = ({ player }: Seat) => `/v1/players/${player.id}/wallets/EUR/transactions`;
  const newest = async (reader: Reader | undefined, who: Seat, token?: string) => {
    const { status, body } = await (reader as Reader).get(list(who), token);
    return [status, body.items?.[0]?.walletVersion];
  };
  const bet = async (who: Seat, name: string) => {
    const placed = await who.bet(`${name}-${who.player.id}`, '0.01');
    expect(placed.status).toBe(200);
    return placed.headers['x-consistency-token'] as string;
  };
  async function counts({ baseUrl }: InProcess) {
    const text = await (await fetch(`${baseUrl}/metrics`)).text();
    const of = (name: string) => Number(new RegExp(`^${name.replaceAll(/[{}]/g, '\\$&')} (\\S+)$`, 'm').exec(text)?.[1] ?? 0);
    return { missed: of('croupier_view_cache_total{view="transactions of wallet",result="miss"}'), shared: of('croupier_view_cache_redis_total{result="hit"}') };
  }

  it('what one process has read the other one finds, under its operator’s key and no other', async () => {
    const anna = seat();
    const token = await bet(anna, 'a');
    expect(await newest(readers[0], anna, token)).toEqual([200, 2]);
    const before = await counts(there);
    expect(await newest(readers[1], anna, token)).toEqual([200, 2]);
    const after = await counts(there);
    expect([after.missed - before.missed, after.shared - before.shared]).toEqual([0, 1]);
    expect((await foreigner.get(list(anna))).status).toBe(404);
    const client = createClient({ url: redis.env['REDIS_URL'] as string });
    await client.connect();
    const keys = await client.keys('*');
    const ttl = await client.pTTL(keys[0] as string);
    client.destroy();
    expect([keys.length > 0, keys.every((key) => key.includes(` transactions of wallet `) && key.includes(world.operators[0] as string))]).toEqual([true, true]);
    expect([ttl > 0, ttl <= 60_000]).toEqual([true, true]);
  });

  it('a change by one is seen through the other within a second', async () => {
    const ben = seat();
    expect(await newest(readers[0], ben)).toEqual([200, 1]);
    expect(await newest(readers[1], ben)).toEqual([200, 1]);
    await bet(ben, 'b');
    const changedAt = performance.now();
    for (const reader of readers) while ((await newest(reader, ben))[1] !== 2) expect(performance.now() - changedAt).toBeLessThan(1_000);
  });

  it.each(['killed', 'silent'])('%s half-way, it is passed by: every read is answered, right and in time; and it is used again when it is back', async (how) => {
    const carl = seat();
    const client = createClient({ url: redis.env['REDIS_URL'] as string });
    client.on('error', () => undefined);
    await client.connect();
    const pid = Number(/process_id:(\d+)/.exec(await client.info('server'))?.[1]);
    client.destroy();
    let slowestMs = 0;
    let reads = 0;
    const work = async (reader: Reader | undefined, name: string) => {
      for (let i = 0; i < 15; i++) {
        const token = await bet(carl, `${how}-${name}-${i}`);
        const askedAt = performance.now();
        expect((await newest(reader, carl, token))[0]).toBe(200);
        slowestMs = Math.max(slowestMs, performance.now() - askedAt);
        reads++;
      }
    };
    const working = Promise.all([work(readers[0], 'one'), work(readers[1], 'two')]);
    await pause(100);
    if (how === 'killed') await redis.down();
    else process.kill(pid, 'SIGSTOP');
    await working;
    const token = await bet(carl, `${how}-last`);
    const versions = await Promise.all(readers.map((reader) => newest(reader, carl, token)));
    expect(versions).toEqual([[200, 32], [200, 32]]);
    console.log(`Redis ${how}: ${reads} reads, each behind its bet, the slowest ${Math.round(slowestMs)} ms`);
    expect(slowestMs).toBeLessThan(1_500);
    if (how === 'killed') await redis.up();
    else process.kill(pid, 'SIGCONT');
    await until('it is used again', async () => {
      const dora = seat();
      await newest(readers[0], dora);
      const before = await counts(there);
      await newest(readers[1], dora);
      seated--;
      await bet(dora, `${how}-again-${performance.now()}`);
      return (await counts(there)).shared > before.shared;
    });
    seated++;
  }, 40_000);
});
