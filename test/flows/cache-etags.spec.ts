import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { freshDatabase, type TestDatabase } from '../support/cluster.ts';
import { Seat } from '../support/ground.ts';
import { Provider } from '../support/provider.ts';
import { allRoles, Reader, type Read } from '../support/reader.ts';
import { serveHere, type InProcess } from '../support/server.ts';
import { createWorld, type World } from '../support/world.ts';

// ETags: whom they save an answer, what they name, and that who shows one is not answered from before it. Two processes serve the same database.

let database: TestDatabase;
let world: World;
let served: InProcess;
let other: InProcess;
let provider: Provider;
let reader: Reader;
let abroad: Reader;
let foreigner: Reader;
let powerless: Reader;
let seated = 0;
let placed = 0;

const list = ({ player }: Seat, query = '') => `/v1/players/${player.id}/wallets/EUR/transactions${query && `?${query}`}`;
const newest = ({ body }: Read): number => body.items[0].walletVersion;
const tagOf = ({ headers }: Read): string => headers.etag as string;
const knowing = (path: string, tag: string, by = reader, token?: string) => by.get(path, token, { 'if-none-match': tag });

/** A player with a bet, so that the wallet's version is 2. */
async function seat(): Promise<Seat> {
  const made = new Seat(provider, world.players[seated++] as never);
  await bet(made);
  return made;
}
async function bet(who: Seat): Promise<string> {
  const reply = await who.bet(`b${placed++}`, '0.01');
  expect(reply.status).toBe(200);
  return reply.headers['x-consistency-token'] as string;
}

beforeAll(async () => {
  database = await freshDatabase();
  world = await createWorld(database, { players: { EUR: 10 }, policies: [{ deadlineMs: 5_000 }] });
  served = await serveHere(database, allRoles(database));
  other = await serveHere(database, allRoles(database));
  provider = new Provider(served.baseUrl, world.accounts[0] as never);
  const [own = '', foreign = ''] = world.operators;
  reader = await Reader.of(own, database, served.baseUrl);
  abroad = await Reader.of(own, database, other.baseUrl);
  foreigner = await Reader.of(foreign, database, served.baseUrl);
  powerless = await Reader.of(own, database, served.baseUrl, []);
}, 60_000);

afterAll(async () => {
  provider?.close();
  await served?.close();
  await other?.close();
});

it('what is known is said only to who may see it; an answer is asked for again each time, and a refusal has no tag and is kept by nobody', async () => {
  const anna = await seat();
  const nothing = `/v1/players/${anna.player.id}/wallets/USD/transactions`;
  for (const tag of ['*', tagOf(await reader.get(list(anna)))]) {
    const refused = [
      await knowing(list(anna), tag, powerless), await knowing(list(anna), tag, new Reader(served.baseUrl, 'ck_forged')), await knowing(list(anna), tag, foreigner),
      await knowing(nothing, tag), await knowing(list(anna, 'limit=0'), tag), await knowing(list(anna, 'fields=nothing'), tag),
    ];
    expect(refused.map(({ status, headers }) => [status, headers.etag])).toEqual([403, 401, 404, 404, 400, 400].map((status) => [status, undefined]));
  }
  const [found, none] = [await reader.get(list(anna)), await reader.get(nothing)];
  expect([found.headers['cache-control'], found.headers.vary, none.headers['cache-control']])
    .toEqual(['private, no-cache', 'authorization, x-consistency-token, accept-encoding', 'no-store']);
});

it('each choice of fields has a tag of its own', async () => {
  const ben = await seat();
  const paths = [list(ben), list(ben, 'fields=items.amount'), list(ben, 'fields=items')];
  const tags = await Promise.all(paths.map(async (path) => tagOf(await reader.get(path))));
  for (const [i, path] of paths.entries()) {
    const statuses = await Promise.all(tags.map(async (tag) => (await knowing(path, tag)).status));
    expect([path, statuses]).toEqual([path, tags.map((_, j) => (i === j ? 304 : 200))]);
  }
});

it('who sends a tag along is not answered from before it', async () => {
  const cleo = await seat();
  for (let round = 0; round < 5; round++) {
    // What this process knows of the wallet is a moment old; the answer that the tag is of came from another process, and has seen more.
    await reader.get(list(cleo));
    const newer = await abroad.get(list(cleo), await bet(cleo));
    expect(newest(newer)).toBe(3 + round);
    const known = await knowing(list(cleo), tagOf(newer));
    expect([known.status, tagOf(known), known.body]).toEqual([304, tagOf(newer), undefined]);
    const longer = await knowing(list(cleo, 'limit=7'), tagOf(newer));
    expect([longer.status, newest(longer)]).toEqual([200, 3 + round]);
  }
});

it('a tag that nobody gave out is known to nobody, and no error; the token of the header stands for itself', async () => {
  const dora = await seat();
  const first = await reader.get(list(dora));
  const token = (text: string) => Buffer.from(text).toString('base64url');
  const [far, lost, hash] = [token('1 00000001 FFFFFFF/0 - -'), token('1 0000FFFF 0/1 - -'), 'A'.repeat(27)];
  for (const tag of [`W/"${hash}.${far}"`, `"${hash}.${lost}"`, `W/"${hash}.x"`, `"${hash}"`, '"', 'W/', ',,', `"${'.'.repeat(5_000)}"`, `"${hash}.${far}", "${hash}.${lost}"`]) {
    for (const path of [list(dora), `/v1/transactions/${first.body.items[0].transactionId}`]) {
      const { status, body } = await knowing(path, tag);
      expect([tag.slice(0, 60), status, body.code]).toEqual([tag.slice(0, 60), 200, undefined]);
    }
  }
  const both = await knowing(list(dora), tagOf(first), reader, far);
  expect([both.status, both.body.errors[0].field]).toEqual([400, 'x-consistency-token']);
});
