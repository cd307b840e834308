import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import { asSuperuser, freshDatabase, type TestDatabase } from '../support/cluster.ts';
import { Platform, plantKey, rolesOn } from '../support/office.ts';
import { Proxy } from '../support/proxy.ts';
import type { Reply } from '../support/provider.ts';
import { serveHere, type InProcess } from '../support/server.ts';
import { createWorld, type World } from '../support/world.ts';

/** The office's database is away, holds something, or loses an answer; many send the same command at once; somebody calls too often. */
let database: TestDatabase;
let world: World;
let proxy: Proxy;
let served: InProcess;
let platform: Platform;

beforeAll(async () => {
  database = await freshDatabase();
  world = await createWorld(database, { players: { EUR: 2 } });
  proxy = await Proxy.before(database.url('croupier_office'));
  served = await serveHere(database, { ...rolesOn(database, 'office'), DATABASE_OFFICE_URL: proxy.through(database.url('croupier_office')) });
  platform = new Platform(served.baseUrl, await plantKey(database, world.operators[0] as string));
});
afterAll(async () => {
  await served?.close();
  await proxy?.close();
});

const operator = () => world.operators[0] as string;
const players = async (externalId: string) => (await asSuperuser(database.url('superuser'), 'select 1 from player where operator_id = $1 and external_id = $2', [operator(), externalId])).length;
const create = (externalId: string, idempotencyKey: string) => platform.post('/v1/players', { externalId, currencies: ['EUR'] }, { idempotencyKey });

/** With a key that was looked up just now, so that the next COMMIT is the command's and no look-up's. */
async function knownJustNow(): Promise<void> {
  const key = await plantKey(database, operator());
  platform = new Platform(served.baseUrl, key);
  expect((await again(() => platform.get('/v1/operator'))).status).toBe(200);
}

/** Calls until it is served again. */
async function again(ask: () => Promise<Reply>): Promise<Reply> {
  for (const deadline = performance.now() + 10_000; ;) {
    const reply = await ask();
    if (reply.status < 500 || performance.now() > deadline) return reply;
    await pause(50);
  }
}

describe('a database that is away', () => {
  it('makes no answer but 503, which is not "no such key", and serves again by itself', async () => {
    expect((await platform.get('/v1/operator')).status).toBe(200);
    proxy.cut();
    for (let i = 0; i < 5; i++) {
      const reply = await platform.get('/v1/operator');
      expect([reply.status, reply.body.code, reply.body.retryable, reply.headers['retry-after']]).toEqual([503, 'UNAVAILABLE', true, '1']);
    }
    proxy.mend();
    expect((await again(() => platform.get('/v1/operator'))).status).toBe(200);
  });
});

describe('a COMMIT whose answer is lost', () => {
  it.each(['reply lost', 'request lost'] as const)('(%s) is an unknown outcome, and the same key comes to one effect', async (fault) => {
    await knownJustNow();
    const struck = proxy.strikeCommit(fault);
    const first = await create(`struck ${fault}`, `key ${fault}`);
    if (fault === 'reply lost') await struck;
    expect([first.status, first.body.code, first.body.retryable]).toEqual([503, 'OUTCOME_UNKNOWN', true]);
    const second = await again(() => create(`struck ${fault}`, `key ${fault}`));
    expect([second.status, second.headers['idempotent-replayed']]).toEqual([201, fault === 'reply lost' ? 'true' : undefined]);
    expect(await players(`struck ${fault}`)).toBe(1);
  });
});

describe('connections', () => {
  it('that are lost in a COMMIT ten times do not run out', async () => {
    for (let i = 0; i < 10; i++) {
      await knownJustNow();
      void proxy.strikeCommit('reply lost');
      expect((await create(`lost ${i}`, `lost ${i}`)).body.code).toBe('OUTCOME_UNKNOWN');
    }
    expect((await again(() => create('lost 9', 'lost 9'))).headers['idempotent-replayed']).toBe('true');
  });

  it('that are lost in the midst of a transaction do not run out either', async () => {
    const waiting = "select 1 from pg_stat_activity where datname = $1 and application_name = 'croupier office' and wait_event_type = 'Lock'";
    for (let i = 0; i < 6; i++) {
      await knownJustNow();
      const holder = new pg.Client(database.url('superuser'));
      await holder.connect();
      await holder.query('begin; lock table player in access exclusive mode');
      const asked = platform.get('/v1/players');
      while ((await asSuperuser(database.url('superuser'), waiting, [database.name])).length === 0) await pause(5);
      proxy.cut();
      const reply = await asked;
      proxy.mend();
      await holder.end();
      expect(reply.status).toBe(503);
    }
    expect((await again(() => platform.get('/v1/players'))).status).toBe(200);
  });
});

describe('the same command', () => {
  it('sent twelve times at once is done once, and all are told the same', async () => {
    const replies = await Promise.all(Array.from({ length: 12 }, () => again(() => create('at once', 'one key'))));
    expect(replies.map(({ status }) => status)).toEqual(Array(12).fill(201));
    expect(new Set(replies.map(({ body }) => body.playerId)).size).toBe(1);
    expect(replies.filter(({ headers }) => headers['idempotent-replayed'] === undefined)).toHaveLength(1);
    expect(await players('at once')).toBe(1);
  });

  it('that was refused left nothing, and its key is free', async () => {
    const refused = await platform.post('/v1/players', { externalId: 'later', currencies: ['XXX'] }, { idempotencyKey: 'free' });
    expect(refused.status).toBe(400);
    expect((await create('later', 'free')).status).toBe(201);
  });

  it('is another one under another path or with another body', async () => {
    await create('known', 'known');
    for (const reply of [await create('other', 'known'), await platform.post('/v1/operators', { name: 'known' }, { idempotencyKey: 'known' })]) {
      expect([reply.status, reply.body.code]).toEqual([409, 'TRANSACTION_CONFLICT']);
    }
    expect(await players('other')).toBe(0);
  });

  it('waits for one that is held by nobody who answers no longer than two seconds, and says so', async () => {
    const holder = new pg.Client(database.url('superuser'));
    await holder.connect();
    await holder.query(`begin; insert into office_command (operator_id, idempotency_key, digest, status, answer) values ('${operator()}', 'held', sha256('x'), 0, '{}')`);
    const reply = await create('held', 'held');
    expect([reply.status, reply.body.code]).toEqual([503, 'UNAVAILABLE']);
    await holder.query('rollback');
    await holder.end();
    expect((await create('held', 'held')).status).toBe(201);
  });
});

describe('a player that could not be given a wallet', () => {
  it('is not there', async () => {
    await asSuperuser(database.url('superuser'), 'revoke insert on wallet from croupier_money');
    expect((await create('without', 'without')).status).toBeGreaterThanOrEqual(500);
    await asSuperuser(database.url('superuser'), 'grant insert on wallet to croupier_money');
    expect(await players('without')).toBe(0);
    expect((await create('without', 'without')).status).toBe(201);
  });
});

describe('who calls too often', () => {
  let throttled: InProcess;
  beforeAll(async () => {
    throttled = await serveHere(database, { ...rolesOn(database, 'office'), API_KEY_PER_SECOND: '1', API_IP_PER_SECOND: '25' });
  });
  afterAll(() => throttled?.close());

  it('with one key is told when to come again, and another key is not held up by it', async () => {
    const [one, two] = [new Platform(throttled.baseUrl, await plantKey(database, operator())), new Platform(throttled.baseUrl, await plantKey(database, operator()))];
    const first = await one.get('/v1/operator');
    expect([first.status, first.headers['ratelimit-policy'], first.headers['ratelimit']]).toEqual([200, '"key";q=2;w=2', '"key";r=1;t=1']);
    await one.get('/v1/operator');
    const third = await one.get('/v1/operator');
    expect([third.status, third.body.code, third.body.retryable]).toEqual([429, 'THROTTLED', true]);
    expect(third.headers).toMatchObject({ 'retry-after': '1', ratelimit: '"key";r=0;t=1', 'ratelimit-policy': '"key";q=2;w=2' });
    expect((await two.get('/v1/operator')).status).toBe(200);
  });

  it('with keys that are none comes to its address’s end ten times as soon', async () => {
    const fresh = await serveHere(database, { ...rolesOn(database, 'office'), API_IP_PER_SECOND: '10' });
    const nobody = new Platform(fresh.baseUrl, 'ck_nothing');
    const codes: string[] = [];
    const began = performance.now();
    while (!codes.includes('THROTTLED')) codes.push((await nobody.get('/v1/operator')).body.code);
    const refilled = ((performance.now() - began) / 1_000) * 10;
    const reply = await new Platform(fresh.baseUrl, platform.key).get('/v1/operator');
    await fresh.close();
    // 20 at once for calls that are let in; 2 for calls that are not, and a last one with what is left or was filled again.
    expect(codes.filter((code) => code === 'KEY_UNKNOWN').length).toBeLessThanOrEqual(2 + 1 + Math.ceil(refilled));
    expect([reply.status, reply.headers['ratelimit-policy']]).toEqual([429, '"address";q=20;w=2']);
  });
});
