import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { setTimeout as pause } from 'node:timers/promises';
import { QueryBus } from '@nestjs/cqrs';
import { Server } from '../../src/views/reads/server.ts';
import { TransactionById } from '../../src/views/transactions/transaction.query.ts';
import { Seat } from '../support/ground.ts';
import { Provider, type Reply } from '../support/provider.ts';
import { Proxy } from '../support/proxy.ts';
import { allRoles, Reader, type Read } from '../support/reader.ts';
import { startPair, type Pair } from '../support/replica.ts';
import { serveHere, type InProcess } from '../support/server.ts';
import { createWorld, type World } from '../support/world.ts';

// Reads from a real streaming replica never go back in time, whatever becomes of it; the share that the primary serves is printed.

const PAIRS = 1_000;
const AT_ONCE = 8;
const TOKEN = 'x-consistency-token';
const LAG_LIMIT_MS = 1_500;

let pair: Pair;
let world: World;
let served: InProcess;
let reader: Reader;
let provider: Provider;
/** between the service and the primary, for reads only */
let proxy: Proxy;
let references = 0;

const seat = (i: number) => new Seat(provider, world.players[i % world.players.length] as never);
const transaction = ({ body }: Reply) => `/v1/transactions/${body.transactionId}`;
const tokenOf = ({ headers }: Reply | Read) => headers[TOKEN] as string;

beforeAll(async () => {
  pair = await startPair();
  world = await createWorld(pair.database, { players: { EUR: 40 }, balance: 10n ** 12n, policies: [{ deadlineMs: 5_000 }] });
  await pair.caughtUp();
  proxy = await Proxy.before(pair.database.url('croupier_read'));
  const env = { ...allRoles(pair.database, [pair.replicated]), READ_LAG_LIMIT_MS: String(LAG_LIMIT_MS) };
  served = await serveHere(pair.database, { ...env, DATABASE_READ_URL: proxy.through(pair.database.url('croupier_read')) });
  reader = await Reader.of(world.operators[0] as string, pair.database, served.baseUrl);
  provider = new Provider(served.baseUrl, world.accounts[0] as never);
}, 120_000);

afterAll(async () => {
  pair?.replica.thaw();
  provider?.close();
  await served?.close();
  await proxy?.close();
  await pair?.stop();
}, 60_000);

/** A bet; that it was taken, whatever becomes of replicas, is part of every test here. */
async function bet(i: number): Promise<Reply> {
  const reply = await seat(i).bet(`b${references++}`, '0.01', { roundId: `r${i}` });
  expect([reply.status, reply.body.status]).toEqual([200, 'applied']);
  return reply;
}

interface Counts { right: number; older: number; refused: number; wrong: number; slowestMs: number }

/** Bets, each followed at once by a read of it with its token. */
async function pairs(count: number, readers = reader): Promise<Counts> {
  const counts = { right: 0, older: 0, refused: 0, wrong: 0, slowestMs: 0 };
  let next = 0;
  const work = async () => {
    for (let i = next++; i < count; i = next++) {
      const placed = await bet(i);
      const askedAt = performance.now();
      const read = await readers.get(transaction(placed), tokenOf(placed));
      counts.slowestMs = Math.max(counts.slowestMs, Math.round(performance.now() - askedAt));
      if (read.status === 200 && read.body.walletVersion === placed.body.walletVersion) counts.right++;
      else if (read.status === 404) counts.older++;
      else if (read.status === 503) counts.refused++;
      else counts.wrong++;
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return counts;
}

/** How many reads each kind of server has answered. */
async function shares(baseUrl = served.baseUrl): Promise<{ replica: number; primary: number; waits: number }> {
  const text = await (await fetch(`${baseUrl}/metrics`)).text();
  const value = (name: string) => Number(new RegExp(`^${name.replace(/[{}]/g, '\\$&')} (\\S+)$`, 'm').exec(text)?.[1] ?? 0);
  return { replica: value('croupier_reads_total{server="replica"}'), primary: value('croupier_reads_total{server="primary"}'), waits: value('croupier_read_waits_total') };
}

async function shared<T>(what: string, during: () => Promise<T>): Promise<[T, { replica: number; primary: number; waits: number }]> {
  const before = await shares();
  const result = await during();
  const after = await shares();
  const share = { replica: after.replica - before.replica, primary: after.primary - before.primary, waits: after.waits - before.waits };
  const percent = Math.round((1_000 * share.primary) / Math.max(1, share.primary + share.replica)) / 10;
  console.log(`${what}: ${JSON.stringify(result)}; served by the primary: ${share.primary} of ${share.primary + share.replica} (${percent} %), waits ${share.waits}`);
  return [result, share];
}

async function until(what: string, holds: () => Promise<boolean>, withinMs = 15_000): Promise<void> {
  for (const deadline = performance.now() + withinMs; !(await holds()); await pause(20)) {
    if (performance.now() > deadline) throw new Error(`not within ${withinMs} ms: ${what}`);
  }
}

const health = async (baseUrl = served.baseUrl): Promise<{ status: number; replicas: any }> => {
  const response = await fetch(`${baseUrl}/health/ready`);
  return { status: response.status, replicas: ((await response.json()) as any).details.replicas };
};
const following = () => until('the replica follows again', async () => (await health()).replicas.replicas[0].state === 'following', 20_000);

describe('with the replica running', () => {
  beforeEach(following);

  it(`${PAIRS} reads, each behind its bet with its token, are never older, and most come from the replica`, async () => {
    const [counts, share] = await shared('replica running', () => pairs(PAIRS));
    expect(counts).toMatchObject({ right: PAIRS, older: 0, refused: 0, wrong: 0 });
    expect(share.replica).toBeGreaterThan(PAIRS / 2);
  }, 60_000);

  it('without the check in front of each query older answers are counted: the test can fail', async () => {
    await pair.replica.sql("alter system set recovery_min_apply_delay = '20ms'");
    await pair.replica.sql('select pg_reload_conf()');
    const whole = Server.prototype.read;
    Server.prototype.read = async function unchecked(...args) {
      const found = await whole.apply(this, args);
      return found.standing.recovering ? { ...found, standing: { ...found.standing, lsn: 2n ** 63n } } : found;
    };
    const [unchecked] = await shared('20 ms behind, unchecked', () => pairs(200)).finally(() => { Server.prototype.read = whole; });
    expect(unchecked.older).toBeGreaterThan(0);
    const [checked, share] = await shared('20 ms behind, checked', () => pairs(200));
    expect(checked).toMatchObject({ right: 200, older: 0 });
    expect([share.replica > 100, share.waits > 0]).toEqual([true, true]);
    await pair.replica.sql('alter system reset recovery_min_apply_delay');
    await pair.replica.sql('select pg_reload_conf()');
  }, 60_000);
});

describe('with replay paused', () => {
  beforeAll(async () => {
    await following();
    await pair.replica.pause();
  });
  afterAll(() => pair.replica.resume());

  it('answers without a token say until when they are complete, and are', async () => {
    const placed: { at: number; version: number }[] = [];
    let behind = 0;
    const askedAt = performance.now();
    while (performance.now() - askedAt < LAG_LIMIT_MS / 2) {
      const { body } = await bet(7);
      placed.push({ at: Date.now(), version: body.walletVersion });
      const read = await reader.get(`/v1/players/${seat(7).player.id}/wallets/EUR/transactions?limit=100`);
      const newest = read.body.items[0].walletVersion as number;
      expect([read.status, read.headers['x-as-of']]).toEqual([200, read.body.asOf]);
      expect(placed.filter(({ at, version }) => at <= Date.parse(read.body.asOf) && version > newest)).toEqual([]);
      if (newest < body.walletVersion) behind++;
    }
    console.log(`paused, without a token: ${placed.length} bets, each read at once; ${behind} answers did not have the last one and said so by asOf`);
    expect(behind).toBeGreaterThan(placed.length / 2);
  });

  it(`${PAIRS} reads, each behind its bet with its token, are never older, and come from the primary`, async () => {
    const [counts, share] = await shared('replay paused', () => pairs(PAIRS));
    expect(counts).toMatchObject({ right: PAIRS, older: 0, refused: 0, wrong: 0 });
    expect(share.replica).toBe(0);
    // Nothing is waited for that does not move.
    expect(share.waits).toBeLessThan(AT_ONCE * 10);
  }, 60_000);

  it('for longer than the limit, it answers without a token neither, and health says so without leaving the rotation', async () => {
    await until('it is paused in health', async () => /paused/.test((await health()).replicas.degraded));
    const { body } = await bet(3);
    await until('the limit has passed', async () => ((await health()).replicas.replicas[0].lagMs as number) > LAG_LIMIT_MS);
    const [read, share] = await shared('paused for longer than the limit', async () => (await reader.get(`/v1/transactions/${body.transactionId}`)).status);
    expect([read, share]).toMatchObject([200, { primary: 1, replica: 0 }]);
    expect((await health()).status).toBe(200);
    const metrics = await (await fetch(`${served.baseUrl}/metrics`)).text();
    expect(metrics).toMatch(/^croupier_replica_progressing\{replica="127.0.0.1:\d+"\} 0$/m);
    expect(Number(/^croupier_replica_lag_bytes\{.*\} (\d+)$/m.exec(metrics)?.[1])).toBeGreaterThan(1_000);
    expect(Number(/^croupier_replica_lag_seconds\{.*\} (\S+)$/m.exec(metrics)?.[1])).toBeGreaterThan(LAG_LIMIT_MS / 1_000);
  });

  it('and the primary gone too, the paused replica answers with the time until when it is complete; with a token it does not', async () => {
    const placed = await bet(4);
    const list = `/v1/players/${seat(4).player.id}/wallets/EUR/transactions?limit=1`;
    const known = await reader.get(list, tokenOf(placed));
    proxy.cut();
    try {
      await until('the primary is known to be gone', async () => (await reader.get(transaction(placed), tokenOf(placed))).status === 503);
      const refused = await reader.get(transaction(placed), tokenOf(placed));
      expect([refused.body.code, refused.headers['retry-after'], refused.body.retryable]).toEqual(['UNAVAILABLE', '1', true]);
      const [read, share] = await shared('paused, and the primary gone', async () => {
        // A question that no cache has an answer to, of a wallet of which this process has not seen more than the replica has.
        const { status, body } = await reader.get(`/v1/players/${seat(0).player.id}/wallets/EUR/transactions?limit=2`);
        return { status, asOf: body.asOf };
      });
      expect([read.status, share.primary, share.replica > 0]).toEqual([200, 0, true]);
      expect(Date.parse(read.asOf)).toBeLessThan(Date.parse(known.body.asOf));
    } finally {
      proxy.mend();
    }
    await until('the primary is back', async () => (await reader.get(transaction(placed), tokenOf(placed))).status === 200);
  });

  it('and the primary gone, a question is answered as of before what this process has seen: to who has shown nothing newer, and said to be late', async () => {
    const who = seat(9);
    const list = (query: string) => `/v1/players/${who.player.id}/wallets/EUR/transactions?${query}`;
    await bet(9);
    const placed = await bet(9);
    const known = await reader.get(list('limit=1'), tokenOf(placed));
    const { body: { walletVersion: newest } } = placed;
    expect([known.status, known.body.items[0].walletVersion]).toEqual([200, newest]);
    proxy.cut();
    try {
      // At once, while what was learnt from the primary is believed; and when it is known to be gone.
      for (const [i, behind] of [0, 1_000].entries()) {
        await pause(behind);
        const late = await reader.get(list(`limit=${20 + i}`));
        expect([late.status, late.body.items?.[0].walletVersion < newest, late.body.asOf < known.body.asOf, late.headers.warning?.slice(0, 3), Number(late.headers.age) >= 0])
          .toEqual([200, true, true, '111', true]);
        const shown: [string, string | undefined, object?][] = [
          [list(`limit=${30 + i}`), tokenOf(known)], [list(`limit=${30 + i}&cursor=${known.body.nextCursor}`), undefined],
          [list(`limit=${30 + i}`), undefined, { 'if-none-match': known.headers['etag'] }],
        ];
        for (const [path, token, headers] of shown) {
          const { status, body } = await reader.get(path, token, headers);
          expect([path, status, body.code]).toEqual([path, 503, 'UNAVAILABLE']);
        }
        // What is kept is newer than what the replica has, and does for everybody.
        for (const token of [undefined, tokenOf(known)]) {
          const again = await reader.get(list('limit=1'), token);
          expect([again.status, again.body.items[0].walletVersion]).toEqual([200, newest]);
        }
      }
    } finally {
      proxy.mend();
    }
    await until('the primary is back', async () => (await reader.get(list('limit=5'), tokenOf(placed))).status === 200);
    const back = await reader.get(list('limit=6'), tokenOf(placed));
    expect([back.body.items[0].walletVersion, back.headers.warning]).toEqual([newest, undefined]);
  }, 20_000);
});

describe('with the replica gone', () => {
  const disturbed = async (what: string, count = 100) => {
    const [[counts, plain]] = await shared(what, () => Promise.all([
      pairs(count), Promise.all(Array.from({ length: 20 }, async (_, i) => (await reader.get(`/v1/players/${seat(i).player.id}/wallets/EUR/transactions?limit=1`)).status)),
    ]));
    expect(counts).toMatchObject({ right: count, older: 0, wrong: 0, refused: 0 });
    expect(new Set(plain)).toEqual(new Set([200]));
    expect(counts.slowestMs).toBeLessThan(1_700);
  };
  const back = async () => {
    await following();
    const [counts, share] = await shared('back', () => pairs(100));
    expect(counts).toMatchObject({ right: 100, older: 0 });
    expect(share.replica).toBeGreaterThan(50);
  };

  it('silent, as a machine that hangs, reads come from the primary within their time, and from the replica again when it is back', async () => {
    await following();
    pair.replica.freeze();
    await disturbed('replica frozen');
    expect((await health()).replicas.degraded).toMatch(/is gone$/);
    pair.replica.thaw();
    await back();
  }, 60_000);

  it('shut down and started again, it is the same', async () => {
    const stopping = pair.replica.stop();
    await disturbed('replica shutting down');
    await stopping;
    await disturbed('replica shut down');
    await pair.replica.startAgain();
    await back();
  }, 90_000);
});

describe('with the primary gone', () => {
  it.each(['silent', 'refusing'])('%s, reads without a token go on from the replica, and those with one that it has replayed', async (how) => {
    await following();
    const placed = await bet(5);
    await pair.caughtUp();
    if (how === 'silent') proxy.freeze();
    else proxy.cut();
    const statuses: number[] = [];
    try {
      // Beyond the lag limit: by then nobody knows any more how far behind the replica is.
      for (const until = performance.now() + LAG_LIMIT_MS + 1_500; performance.now() < until; await pause(50)) {
        statuses.push((await reader.get(transaction(placed))).status, (await reader.get(transaction(placed), tokenOf(placed))).status);
      }
    } finally {
      proxy.mend();
    }
    expect([statuses.length > 20, new Set(statuses)]).toEqual([true, new Set([200])]);
    await following();
    expect((await pairs(50)).right).toBe(50);
  }, 30_000);

  it('with its whole server, reads are answered; of bets nothing is decided, and nothing is decided from a replica', async () => {
    const placed = await bet(6);
    await pair.caughtUp();
    pair.primary.freeze();
    const queries = served.app.get(QueryBus);
    const asker = { operator: world.operators[0] as string };
    try {
      for (const until = performance.now() + LAG_LIMIT_MS + 1_000; performance.now() < until; await pause(100)) {
        const { body } = await queries.execute(new TransactionById(asker, placed.body.transactionId));
        expect(body?.walletVersion).toBe(placed.body.walletVersion);
      }
      expect((await seat(6).bet(`b${references++}`, '0.01')).status).toBe(503);
    } finally {
      pair.primary.thaw();
    }
    await following();
    await until('bets are taken again', async () => (await seat(6).bet(`b${references++}`, '0.01')).status === 200);
  }, 30_000);
});
