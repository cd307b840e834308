import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { request, type IncomingHttpHeaders } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { makeKey } from '../../src/access/contract.ts';
import { PROJECTIONS } from '../../src/installed.ts';
import { Reads } from '../../src/views/reads.ts';
import { Server } from '../../src/views/reads/server.ts';
import { asSuperuser, freshDatabase, type TestDatabase } from '../support/cluster.ts';
import { fed } from '../support/feeding.ts';
import { Seat } from '../support/ground.ts';
import { Provider } from '../support/provider.ts';
import { allRoles } from '../support/reader.ts';
import { serveHere, type InProcess } from '../support/server.ts';
import { createWorld, type World } from '../support/world.ts';

// Cached read models as their callers see them: right, fast, and sent only where they are not known already. Two processes serve the same database.

let database: TestDatabase;
let world: World;
let served: InProcess;
let other: InProcess;
let provider: Provider;
let keys: string[];
let seated = 0;

interface Got { readonly status: number; readonly headers: IncomingHttpHeaders; readonly bytes: Buffer; readonly body: any }

/** By the key of that operator. */
const get = (path: string, { headers = {}, of = 0, from = served }: { headers?: Record<string, string>; of?: number; from?: InProcess } = {}) =>
  new Promise<Got>((resolve, reject) => {
    const outgoing = request(new URL(path, from.baseUrl), { headers: { authorization: `Bearer ${keys[of] as string}`, ...headers } });
    outgoing.once('error', reject);
    outgoing.once('response', (incoming) => {
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
      incoming.once('end', () => {
        const bytes = Buffer.concat(chunks);
        const plain = incoming.headers['content-encoding'] === 'br' ? brotliDecompressSync(bytes) : incoming.headers['content-encoding'] === 'gzip' ? gunzipSync(bytes) : bytes;
        resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, bytes, body: plain.length > 0 ? JSON.parse(plain.toString()) : undefined });
      });
    });
    outgoing.end();
  });
const seat = () => new Seat(provider, world.players[seated++] as never);
const list = ({ player }: Seat, query = '') => `/v1/players/${player.id}/wallets/EUR/transactions${query && `?${query}`}`;
/** The part of an ETag that is of what is shown; what the answer had seen stands behind it. */
const shownBy = ({ headers }: Got): string => (headers.etag as string).split('.')[0] as string;
const versions = ({ body }: Got): number[] => body.items.map(({ walletVersion }: { walletVersion: number }) => walletVersion);

async function bets(who: Seat, count: number, name = 'b'): Promise<string> {
  let token = '';
  for (let i = 0; i < count; i++) {
    const placed = await who.bet(`${name}${i}-${who.player.id}`, '0.01');
    expect(placed.status).toBe(200);
    token = placed.headers['x-consistency-token'] as string;
  }
  return token;
}

async function counted(from = served): Promise<(name: string) => number> {
  const text = await (await fetch(`${from.baseUrl}/metrics`)).text();
  return (result) => Number(new RegExp(`^croupier_view_cache_total\\{view="transactions of wallet",result="${result}"\\} (\\S+)$`, 'm').exec(text)?.[1] ?? 0);
}

/** How often each named statement of a read was sent to a server. */
async function statements<T>(during: () => Promise<T>): Promise<[T, Map<string, number>]> {
  const sent = new Map<string, number>();
  const whole = Server.prototype.read;
  Server.prototype.read = function counting(question, ms) {
    for (const { name } of question.steps) sent.set(name, (sent.get(name) ?? 0) + 1);
    return whole.call(this, question, ms);
  };
  try {
    return [await during(), sent];
  } finally {
    Server.prototype.read = whole;
  }
}

async function keyOf(operator: string, roles: readonly string[]): Promise<string> {
  const { id, key, hash } = makeKey(operator);
  await asSuperuser(database.url('superuser'),
    `insert into api_key (api_key_id, operator_id, name, secret_hash, roles, expires_at) values ($1, $2, 'a reader', $3, $4, now() + interval '1 hour')`, [id, operator, hash, roles]);
  return key;
}

beforeAll(async () => {
  database = await freshDatabase();
  world = await createWorld(database, { players: { EUR: 30 }, policies: [{ deadlineMs: 5_000 }, { deadlineMs: 5_000 }] });
  served = await serveHere(database, allRoles(database));
  other = await serveHere(database, allRoles(database));
  provider = new Provider(served.baseUrl, world.accounts[0] as never);
  keys = [await keyOf(world.operators[0] as string, ['auditor']), await keyOf(world.operators[1] as string, ['auditor']), await keyOf(world.operators[0] as string, [])];
}, 60_000);

afterAll(async () => {
  provider?.close();
  await served?.close();
  await other?.close();
});

describe('a page of a wallet', () => {
  it('is read once while nothing changes, and again after each transaction', async () => {
    const anna = seat();
    const token = await bets(anna, 3);
    const before = await counted();
    const [first, read] = await statements(() => get(list(anna), { headers: { 'x-consistency-token': token } }));
    expect([versions(first), read.get('view_wallet_older')]).toEqual([[4, 3, 2, 1], 1]);
    const [again, nothing] = await statements(() => get(list(anna)));
    expect([versions(again), nothing.get('view_wallet_older')]).toEqual([[4, 3, 2, 1], undefined]);
    const next = await bets(anna, 1, 'n');
    const [changed, anew] = await statements(() => get(list(anna), { headers: { 'x-consistency-token': next } }));
    expect([versions(changed), anew.get('view_wallet_older')]).toEqual([[5, 4, 3, 2, 1], 1]);
    const after = await counted();
    expect(['hit', 'miss'].map((result) => after(result) - before(result))).toEqual([1, 2]);
  });

  it('asked for by 100 at once, is read once, and its version once', async () => {
    const ben = seat();
    await bets(ben, 2);
    await pause(300);
    const askedAt = performance.now();
    const [all, read] = await statements(() => Promise.all(Array.from({ length: 100 }, () => get(list(ben)))));
    expect(new Set(all.map((got) => JSON.stringify(got.body.items))).size).toBe(1);
    expect(new Set(all.map(({ status }) => status))).toEqual(new Set([200]));
    // Its version again with the page, and every quarter of a second for as long as the answers take to go out.
    const most = 2 + Math.ceil((performance.now() - askedAt) / 250);
    expect([read.get('view_wallet_older'), (read.get('view_wallet_version') ?? 0) <= most]).toEqual([1, true]);
  });

  it('shows what another process wrote within a second, and at once to who wrote it', async () => {
    const carl = seat();
    const abroad = new Seat(new Provider(other.baseUrl, world.accounts[0] as never), carl.player);
    await bets(carl, 1);
    expect(versions(await get(list(carl)))).toEqual([2, 1]);
    for (let round = 0; round < 5; round++) {
      const token = await bets(abroad, 1, `x${round}-`);
      const writtenAt = performance.now();
      expect(versions(await get(list(carl), { headers: { 'x-consistency-token': token } }))[0]).toBe(3 + 2 * round);
      await bets(abroad, 1, `y${round}-`);
      while (versions(await get(list(carl)))[0] !== 4 + 2 * round) expect(performance.now() - writtenAt).toBeLessThan(1_000);
    }
    abroad.provider.close();
  });

  it('is each operator’s own, also under the same question', async () => {
    const dora = seat();
    await bets(dora, 1);
    expect((await get(list(dora))).status).toBe(200);
    const foreign = await get(list(dora), { of: 1 });
    expect([foreign.status, foreign.body.code]).toEqual([404, 'NOT_FOUND']);
  });

  it('leads on and back as if it were read each time, also for cursors of before a change', async () => {
    const emil = seat();
    await bets(emil, 6);
    const first = await get(list(emil, 'limit=3'));
    await bets(emil, 2, 'later');
    const second = await get(list(emil, `limit=3&cursor=${first.body.nextCursor}`));
    expect([versions(first), versions(second)]).toEqual([[7, 6, 5], [4, 3, 2]]);
    expect(versions(await get(list(emil, `limit=3&cursor=${first.body.nextCursor}`)))).toEqual([4, 3, 2]);
    expect((await get(list(emil, `limit=3&kind=bet&cursor=${first.body.nextCursor}`))).status).toBe(400);
  });

  it('is never older than a cursor has seen, where another server told of an older version', async () => {
    const fay = seat();
    await bets(fay, 4);
    const first = await get(list(fay, 'limit=2'), { from: other });
    const reads = other.app.get(Reads);
    const seen = reads.at(first.headers['x-consistency-token'] as string);
    expect((await seen.projected(world.operators[0] as string, [], [])).covers(first.headers['x-consistency-token'] as string)).toBe(true);
    const [second, read] = await statements(() => get(list(fay, `limit=2&cursor=${first.body.nextCursor}`)));
    expect([versions(second), (read.get('view_wallet_version') ?? 0) > 0]).toEqual([[3, 2], true]);
  });
});

describe('an answer', () => {
  it('that the caller has already is not sent again, until it is another', async () => {
    const gus = seat();
    const token = await bets(gus, 2);
    const first = await get(list(gus), { headers: { 'x-consistency-token': token } });
    const etag = first.headers.etag as string;
    expect([first.headers['cache-control'], first.headers.vary?.split(/, */).toSorted()]).toEqual(['private, no-cache', ['accept-encoding', 'authorization', 'x-consistency-token']]);
    for (const asked of [etag, etag.replace('W/', ''), `"other", ${etag}`, '*']) {
      const known = await get(list(gus), { headers: { 'if-none-match': asked } });
      expect([known.status, known.bytes.length, shownBy(known), known.headers['x-as-of'] !== undefined, known.headers['x-consistency-token'] !== undefined])
        .toEqual([304, 0, shownBy(first), true, true]);
      if (asked !== '*') expect(known.headers.etag).toBe(etag);
      expect([known.headers['cache-control'], known.headers.vary]).toEqual([first.headers['cache-control'], first.headers.vary]);
    }
    expect((await get(list(gus), { headers: { 'if-none-match': etag }, from: other })).status).toBe(304);
    const asked = { 'if-none-match': etag };
    expect((await get(list(gus, 'limit=1'), { headers: asked })).status).toBe(200);
    expect((await get(list(gus), { headers: asked, of: 1 })).status).toBe(404);
    expect((await get(list(gus), { headers: asked, of: 2 })).status).toBe(403);
    expect((await get(list(gus), { headers: { ...asked, authorization: 'Bearer nobody' } })).status).toBe(401);
    const next = await bets(gus, 1, 'n');
    const changed = await get(list(gus), { headers: { ...asked, 'x-consistency-token': next } });
    expect([changed.status, versions(changed), changed.headers.etag === etag]).toEqual([200, [4, 3, 2, 1], false]);
  });

  it('of a report is each operator’s own, under the same address and version', async () => {
    await fed(database, ...PROJECTIONS);
    const day = (ahead: number) => new Date(Date.now() + ahead * 86_400_000).toISOString().slice(0, 10);
    const days = `/v1/reports/revenue?from=${day(-1)}&to=${day(1)}`;
    const [ours, others] = [await get(days), await get(days, { of: 1 })];
    // Each has had its own players' deposits that day, 100.00 each, and not as many of them.
    expect((ours.body['items'] as object[]).length).toBeGreaterThan(0);
    expect(others.body['items']).not.toEqual(ours.body['items']);
    for (const path of ['/v1/reports/revenue?from=2026-01-01&to=2026-01-31', '/v1/reports/dashboard']) {
      const [mine, again] = [await get(path), await get(path)];
      const theirs = await get(path, { of: 1, headers: { 'if-none-match': mine.headers.etag as string } });
      expect([path, mine.status, shownBy(again) === shownBy(mine), theirs.status, shownBy(theirs) === shownBy(mine)]).toEqual([path, 200, true, 200, false]);
      expect((await get(path, { headers: { 'if-none-match': mine.headers.etag as string } })).status).toBe(304);
      expect(Object.keys((await get(`${path}${path.includes('?') ? '&' : '?'}fields=asOf`)).body)).toEqual(['asOf']);
    }
  });

  it('whose version nobody can say is known by its content', async () => {
    const hal = seat();
    const placed = await hal.bet(`h-${hal.player.id}`, '1.00');
    const path = `/v1/transactions/${placed.body.transactionId}`;
    const first = await get(path);
    await bets(hal, 1);
    expect([first.status, (await get(path, { headers: { 'if-none-match': first.headers.etag as string } })).status]).toEqual([200, 304]);
    const found = `/v1/players/${hal.player.id}/transactions?reference=h-${hal.player.id}`;
    const before = await get(found);
    expect((await get(found, { headers: { 'if-none-match': before.headers.etag as string } })).status).toBe(304);
    await hal.rollback(`hr-${hal.player.id}`, `h-${hal.player.id}`);
    expect((await get(found, { headers: { 'if-none-match': before.headers.etag as string } })).status).toBe(200);
  });

  it('has only the fields that were asked for, and refuses those it has not', async () => {
    const ida = seat();
    await bets(ida, 2);
    const { body } = await get(list(ida, 'fields=items.amount,items.walletVersion,asOf'));
    expect([Object.keys(body), body.items]).toEqual([['items', 'asOf'], [{ walletVersion: 3, amount: '-0.01' }, { walletVersion: 2, amount: '-0.01' }, { walletVersion: 1, amount: '100.00' }]]);
    expect(Object.keys((await get(list(ida, 'fields=items'))).body.items[0]).length).toBeGreaterThan(8);
    for (const wrong of ['amount', 'items.nothing', 'items.amount.more', 'items.', '', 'asOf,,items', '__proto__', 'items.constructor']) {
      const refused = await get(list(ida, `fields=${wrong}`));
      expect([wrong, refused.status, refused.body.code, refused.body.errors[0].field]).toEqual([wrong, 400, 'REQUEST_INVALID', 'fields']);
    }
    expect((await get(list(ida, 'fields=items&fields=asOf'))).status).toBe(400);
    const [{ transactionId }] = (await get(list(ida))).body.items;
    expect(Object.keys((await get(`/v1/transactions/${transactionId}?fields=amount,kind`)).body)).toEqual(['kind', 'amount']);
    expect((await get(`/v1/transactions/${transactionId}?field=amount`)).body.errors[0].field).toBe('field');
  });

  it('that is kept goes out as the one that was read: the same bytes but for its age, whatever is in it, whole or in part', async () => {
    const lea = seat();
    const token = await bets(lea, 2);
    // Beyond Latin letters, with what JSON escapes.
    expect((await lea.bet(`l-${lea.player.id}`, '1.00', { roundId: '轮 "7" \\ é 🎲' })).status).toBe(200);
    const before = await counted();
    const read = await get(list(lea, 'limit=3'), { headers: { 'x-consistency-token': token } });
    const kept = await get(list(lea, 'limit=3'));
    const after = await counted();
    expect([read.status, kept.status, ['hit', 'miss'].map((result) => after(result) - before(result))]).toEqual([200, 200, [1, 1]]);
    const ageless = ({ bytes }: Got) => bytes.toString().replace(/"asOf":"[^"]*"/, '');
    expect([ageless(kept), Object.keys(kept.body), kept.body.asOf]).toEqual([ageless(read), ['items', 'nextCursor', 'asOf'], kept.headers['x-as-of']]);
    expect([kept.headers['content-type'], kept.headers['content-length']]).toEqual(['application/json; charset=utf-8', String(kept.bytes.length)]);
    const { body: part } = await get(list(lea, 'limit=3&fields=items.walletVersion,asOf'));
    expect([part.items, Object.keys(part)]).toEqual([[4, 3, 2].map((walletVersion) => ({ walletVersion })), ['items', 'asOf']]);
  });

  it('is compressed where it is long and the caller can read that, and never on a money route', async () => {
    const jo = seat();
    await bets(jo, 30);
    const path = list(jo, 'limit=30');
    const plain = await get(path);
    expect(plain.headers['content-encoding']).toBeUndefined();
    for (const encoding of ['br', 'gzip']) {
      const got = await get(path, { headers: { 'accept-encoding': encoding } });
      expect([got.headers['content-encoding'], got.bytes.length * 3 < plain.bytes.length]).toEqual([encoding, true]);
      expect(got.body.items).toEqual(plain.body.items);
    }
    const short = await get(list(jo, 'limit=1'), { headers: { 'accept-encoding': 'gzip' } });
    expect([short.status, short.headers['content-encoding']]).toEqual([200, undefined]);
    const play = await jo.play(Array.from({ length: 30 }, (_, i) => ({ type: 'bet' as const, transactionId: `long-${i}-${'x'.repeat(60)}`, amount: '0.01' })), {});
    expect([play.status, play.headers['content-encoding'], JSON.stringify(play.body).length > 2_000]).toEqual([200, undefined, true]);
  });

  it('has no null in it', async () => {
    const kim = seat();
    await bets(kim, 2);
    const placed = await kim.bet(`k-${kim.player.id}`, '1.00', { roundId: 'k' });
    for (const path of [list(kim), `/v1/transactions/${placed.body.transactionId}`, `/v1/players/${kim.player.id}/transactions?reference=k-${kim.player.id}`,
      `/v1/players/${kim.player.id}/rounds/${world.accounts[0]?.accountId}/k`]) {
      const { status, bytes } = await get(path);
      expect([path, status, /:null|\[null|,null/.test(bytes.toString())]).toEqual([path, 200, false]);
    }
  });
});
