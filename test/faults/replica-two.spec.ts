import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import { Registry } from '@prometheus-io/client';
import { statement } from '../../libs/postgres/index.ts';
import { Reads, type SeenReplica } from '../../src/views/reads.ts';
import { revenue } from '../../src/views/revenue/projection.ts';
import { fed } from '../support/feeding.ts';
import { Seat } from '../support/ground.ts';
import { Provider } from '../support/provider.ts';
import { startPair, type Pair, type Replica } from '../support/replica.ts';
import { serveHere, type InProcess } from '../support/server.ts';
import { createWorld, type World } from '../support/world.ts';

// Two replicas, the second one fed by the first. Reads of projected tables and of the ledger are right whatever becomes of them.

let pair: Pair;
let second: Replica;
let world: World;
let wallet: InProcess;
let provider: Provider;
let reads: Reads;
let registry: Registry;
let seat: Seat;
let placed = 0;

const bets = statement<[string]>('test_bets', 'select coalesce(sum(bets), 0)::int from revenue_day');
const version = statement<[string]>('test_version', 'select max(version) from wallet where player_id = $1::uuid');
/** Says which server answered, for the test only. */
const port = statement<[string]>('test_port', "select current_setting('port')");
const operator = () => world.operators[0] as string;

/** A bet, shown in its projection; its token and how many there are. */
async function bet(): Promise<string> {
  const reply = await seat.bet(`b${placed++}`, '0.01');
  expect(reply.status).toBe(200);
  await fed(pair.database, revenue);
  return reply.headers['x-consistency-token'] as string;
}

/** So many bets, each read with its token in both ways; answers how many of the reads each server answered. */
async function readRight(count: number): Promise<Map<string, number>> {
  const by = new Map<string, number>();
  for (let i = 0; i < count; i++) {
    const token = await bet();
    const [projected, ledger] = [
      await reads.at(token).projected(operator(), ['revenue'], [bets(), port()]), await reads.at(token).as(operator(), [version([seat.player.id]), port()]),
    ];
    expect([projected.rows[0][0]?.[0], ledger.rows[0][0]?.[0]]).toEqual([String(placed), String(placed + 1)]);
    for (const { rows } of [projected, ledger]) by.set(rows[1][0]?.[0] as string, (by.get(rows[1][0]?.[0] as string) ?? 0) + 1);
  }
  return by;
}
const portOf = (server: { postgres: { superuserUrl(name: string): string } }) => new URL(server.postgres.superuserUrl('x')).port;
const states = () => reads.seen().map(({ state }) => state);
async function until(...wanted: SeenReplica['state'][]): Promise<void> {
  for (const deadline = performance.now() + 15_000; states().join() !== wanted.join(); await pause(20)) {
    if (performance.now() > deadline) throw new Error(`not within 15 s: ${wanted.join()}, but ${states().join()}`);
  }
}

beforeAll(async () => {
  pair = await startPair();
  second = await pair.cascade();
  world = await createWorld(pair.database, { players: { EUR: 2 }, policies: [{ deadlineMs: 5_000 }] });
  wallet = await serveHere(pair.database, { ROLE: 'wallet' });
  provider = new Provider(wallet.baseUrl, world.accounts[0] as never);
  seat = new Seat(provider, world.players[0] as never);
  await fed(pair.database, revenue);
  await pair.caughtUp();
  await pair.caughtUp(second);
  registry = new Registry();
  const replicaUrls = [pair.replica, second].map((replica) => replica.at(pair.database.name).url('croupier_read'));
  reads = new Reads({ primaryUrl: pair.database.url('croupier_read'), replicaUrls, lagLimitMs: 1_500, registry });
  await reads.start();
}, 120_000);

afterAll(async () => {
  second?.thaw();
  pair?.replica.thaw();
  await reads?.close();
  provider?.close();
  await wallet?.close();
  await second?.stop().catch(() => undefined);
  await pair?.stop();
}, 60_000);

it('both following, reads behind a write come from replicas and are right', async () => {
  await until('following', 'following');
  const by = await readRight(20);
  expect((by.get(portOf(pair.replica)) ?? 0) + (by.get(portOf(second)) ?? 0)).toBeGreaterThan(30);
}, 30_000);

it('one paused by hand is taken out, the other one goes on; and it is back by itself', async () => {
  await pair.replica.pause();
  const by = await readRight(20);
  expect([by.get(portOf(pair.replica)), (by.get(portOf(second)) ?? 0) > 20]).toEqual([undefined, true]);
  const without = await reads.at().projected(operator(), ['revenue'], [bets(), port()]);
  expect([without.rows[0][0]?.[0], without.rows[1][0]?.[0]]).toEqual([String(placed), portOf(second)]);
  await pair.replica.resume();
  await until('following', 'following');
  const back = await readRight(20);
  expect(back.get(portOf(pair.replica)) ?? 0).toBeGreaterThan(0);
}, 60_000);

it('both paused, the primary answers; without a token too when the limit has passed', async () => {
  await Promise.all([pair.replica.pause(), second.pause()]);
  expect([...(await readRight(10)).keys()]).toEqual([portOf(pair.primary)]);
  await pause(1_600);
  const without = await reads.at().projected(operator(), ['revenue'], [bets(), port()]);
  expect([without.rows[0][0]?.[0], without.rows[1][0]?.[0]]).toEqual([String(placed), portOf(pair.primary)]);
  await Promise.all([pair.replica.resume(), second.resume()]);
  await until('following', 'following');
}, 60_000);

it('all of them down, the primary answers; and they are used again when they are back', async () => {
  const down = async () => { await second.stop(); await pair.replica.stop(); };
  const [by] = await Promise.all([readRight(15), down()]);
  expect(by.size).toBeGreaterThan(0);
  await until('gone', 'gone');
  expect([...(await readRight(5)).keys()]).toEqual([portOf(pair.primary)]);
  await pair.replica.startAgain();
  await second.startAgain();
  await until('following', 'following');
  expect([...(await readRight(10)).keys()].some((at) => at !== portOf(pair.primary))).toBe(true);
}, 90_000);

it('the role that reads may write nothing, on the primary neither, and no read takes longer than 2 s', async () => {
  const client = new pg.Client(pair.database.url('croupier_read'));
  await client.connect();
  try {
    const { rows } = await client.query<{ may: string[] | null }>(`
      select array_agg(format('%s.%s', table_schema, table_name)) as may from information_schema.tables where table_schema not in ('pg_catalog', 'information_schema')
        and has_table_privilege(format('%I.%I', table_schema, table_name), 'insert, update, delete, truncate')`);
    expect(rows[0]?.may).toBeNull();
    await client.query("set default_transaction_read_only = off; set croupier.operator = '00000000-0000-0000-0000-000000000000'");
    for (const text of ['delete from projection', 'update wallet set balance = 0', "insert into revenue_day (operator_id) values (gen_random_uuid())", 'create table mine (x int)']) {
      await expect(client.query(text)).rejects.toThrow(/permission denied/);
    }
  } finally {
    await client.end();
  }
  const sleep = statement('test_sleep', 'select pg_sleep(5)');
  const askedAt = performance.now();
  await expect(reads.at().projected(operator(), ['revenue'], [sleep()])).rejects.toThrow(/took too long|no database server/);
  expect(performance.now() - askedAt).toBeLessThan(2_500);
}, 20_000);
