import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { setTimeout as pause } from 'node:timers/promises';
import { Seat } from '../support/ground.ts';
import { Provider } from '../support/provider.ts';
import { allRoles, Reader } from '../support/reader.ts';
import { startPair, type Pair, type Replica } from '../support/replica.ts';
import { serveHere, type InProcess } from '../support/server.ts';
import { createWorld, type World } from '../support/world.ts';

// A replica is promoted: first by mistake, beside a primary that lives; then the service goes over to it, as after a failover.
// Positions in the log of another timeline prove nothing; that a lane's batch is there does.

const TOKEN = 'x-consistency-token';
let pair: Pair;
/** follows the replica that is promoted */
let second: Replica;
let world: World;
let before: InProcess;
let after: InProcess | undefined;
const providers: Provider[] = [];
let references = 0;

const seatAt = (baseUrl: string) => {
  const provider = new Provider(baseUrl, world.accounts[0] as never);
  providers.push(provider);
  return new Seat(provider, world.players[0] as never);
};

beforeAll(async () => {
  pair = await startPair();
  world = await createWorld(pair.database, { players: { EUR: 2 }, balance: 10n ** 12n, policies: [{ deadlineMs: 5_000 }] });
  second = await pair.cascade();
  await pair.caughtUp(second);
  before = await serveHere(pair.database, allRoles(pair.database, [pair.replicated]));
}, 120_000);

afterAll(async () => {
  for (const provider of providers) provider.close();
  await after?.close();
  await before?.close();
  await pair?.stop();
}, 60_000);

async function pairsOf(count: number, seat: Seat, reader: Reader): Promise<{ right: number; replica: number }> {
  const served = async () => Number(/croupier_reads_total\{server="replica"\} (\d+)/.exec(await (await fetch(`${reader.baseUrl}/metrics`)).text())?.[1] ?? 0);
  const from = await served();
  let right = 0;
  for (let i = 0; i < count; i++) {
    const placed = await seat.bet(`b${references++}`, '0.01', { roundId: 'r' });
    const { status, body } = await reader.get(`/v1/transactions/${placed.body.transactionId}`, placed.headers[TOKEN]);
    if (status === 200 && body.walletVersion === placed.body.walletVersion) right++;
  }
  return { right, replica: (await served()) - from };
}

it('a replica that was promoted answers no read; what was written before, and is there, is found by its token after going over to it; what is not is refused', async () => {
  const operator = world.operators[0] as string;
  const old = seatAt(before.baseUrl);
  const oldReader = await Reader.of(operator, pair.database, before.baseUrl);
  const kept = await old.bet('kept', '1.00');
  const balance = await old.balance();
  await pair.caughtUp();
  await pair.caughtUp(second);

  await pair.replica.promote();
  const split = await pairsOf(100, old, oldReader);
  expect([split.right, split.replica]).toEqual([100, 0]);
  const { details } = (await (await fetch(`${before.baseUrl}/health/ready`)).json()) as { details: { replicas: { replicas: { state: string }[] } } };
  expect(details.replicas.replicas[0]?.state).toBe('no replica');
  // On the old timeline only.
  const lost = await old.bet('lost', '1.00');

  after = await serveHere(pair.replicated, allRoles(pair.replicated, [second.at(pair.database.name)]));
  const reader = await Reader.of(operator, pair.replicated, after.baseUrl);
  const list = `/v1/players/${old.player.id}/wallets/EUR/transactions?limit=1`;
  const read = (path: string, token: string | string[] | undefined) => reader.get(path, token);
  const found = await read(`/v1/transactions/${kept.body.transactionId}`, kept.headers[TOKEN]);
  const without = await read(list, balance.headers[TOKEN]);
  const refused = await read(list, lost.headers[TOKEN]);
  expect([found.status, found.body.reference, without.status, without.body.items[0].reference]).toEqual([200, 'kept', 200, 'kept']);
  expect([refused.status, refused.body.code, refused.body.errors[0].field]).toEqual([400, 'REQUEST_INVALID', TOKEN]);
  // The other way round: the old primary, still asked by somebody, does not know what was written since.
  const newer = await seatAt(after.baseUrl).bet('newer', '1.00');
  const seen = await reader.get(list, newer.headers[TOKEN]);
  const behind = await Promise.all([newer.headers[TOKEN], seen.headers[TOKEN]].map((token) => oldReader.get(list, token)));
  expect(behind.map(({ status }) => status)).toEqual([400, 400]);

  // Until it has written down which timeline it replays, the second replica is not believed; then it serves.
  const seat = seatAt(after.baseUrl);
  const first = await pairsOf(50, seat, reader);
  expect([first.right, first.replica]).toEqual([50, 0]);
  await pair.replica.sql('checkpoint');
  await pair.caughtUp(second, pair.replica);
  await second.sql('checkpoint');
  for (const until = performance.now() + 10_000; (await pairsOf(1, seat, reader)).replica === 0 && performance.now() < until; ) await pause(20);
  const then = await pairsOf(200, seat, reader);
  console.log(`after a promotion: ${JSON.stringify(split)} while split, ${JSON.stringify(first)} before the other replica knew its timeline, ${JSON.stringify(then)} then`);
  expect(then.right).toBe(200);
  expect(then.replica).toBeGreaterThan(100);
}, 60_000);
