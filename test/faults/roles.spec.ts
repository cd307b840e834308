import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { setTimeout as pause } from 'node:timers/promises';
import type { TestDatabase } from '../support/cluster.ts';
import { Provider } from '../support/provider.ts';
import { startPair, type Pair } from '../support/replica.ts';
import { ready, serveProcess, type Process } from '../support/server.ts';
import { createWorld, type World } from '../support/world.ts';
import { startService, type Place } from './composed.ts';
import { verified } from './fleet.ts';
import { Traffic } from './traffic.ts';
import { Witness } from './witness.ts';

// What docker/compose.yml starts, started here without an engine on one primary and its replica: every role in a process of its own.

const SEED = Number(process.env['FAULT_SEED'] ?? Math.trunc(Math.random() * 2 ** 31));
const OPENING = 100_000_000n;
const STRANDS = 16;
const say = (text: string) => process.stdout.write(`roles (FAULT_SEED=${SEED}): ${text}\n`);

let pair: Pair;
let place: Place;
let database: TestDatabase;
const running = new Map<string, Process>();

async function start(name: string, more: Record<string, string> = {}): Promise<Process> {
  const started = await startService(name, place, more);
  running.set(name, started);
  return started;
}

const named = (name: string) => running.get(name) as Process;
const get = async (name: string, path: string) => {
  const answer = await fetch(`${named(name).baseUrl}${path}`).catch(() => undefined);
  return { status: answer?.status ?? 0, text: (await answer?.text()) ?? '' };
};
const probes = async (name: string) => [(await get(name, '/health/live')).status, (await get(name, '/health/ready')).status];
const saysOf = async (name: string, probe: string) =>
  (JSON.parse((await get(name, '/health/ready')).text) as { info: Record<string, Record<string, unknown>> }).info[probe];

async function until(what: string, look: () => Promise<boolean>, withinMs = 45_000): Promise<void> {
  for (const deadline = performance.now() + withinMs; !(await look()); await pause(25)) {
    if (performance.now() > deadline) throw new Error(`not within ${withinMs / 1000} s: ${what}`);
  }
}

beforeAll(async () => {
  pair = await startPair();
  // The database that production's is called; it is there, and empty.
  place = { primary: pair.primary.at('croupier'), replica: pair.replica.at('croupier') };
  database = place.primary;
}, 60_000);

afterAll(async () => {
  for (const process of running.values()) process.kill('SIGKILL');
  await Promise.all([...running.values()].map(({ exited }) => exited));
  await pair?.stop();
});

const SERVING = ['wallet-1', 'wallet-2', 'office', 'worker'];

describe('the services of the compose file', () => {
  let world: World;
  let traffic: Traffic;
  const witness = new Witness();
  let providers: Map<string, Provider>;
  afterAll(() => providers?.forEach((provider) => provider.close()));

  const providerAt = (name: string) => new Provider(named(name).baseUrl, world.accounts[0] as never);

  it('are alive and not ready before the schema is there, and become ready when `migrate` has made it', async () => {
    await Promise.all(SERVING.map((name) => start(name)));
    await until('all are alive', async () => (await Promise.all(SERVING.map((name) => probes(name)))).every(([live]) => live === 200));
    expect(await Promise.all(SERVING.map((name) => probes(name)))).toEqual(SERVING.map(() => [200, 503]));
    const migrate = await start('migrate');
    expect([await migrate.exited, migrate.output()]).toEqual([0, expect.stringMatching(/^(applied \w+\n)+\d+ done\n$/)]);
    await Promise.all(SERVING.map((name) => ready(named(name), 45_000)));
    const again = await start('migrate');
    expect([await again.exited, again.output()]).toEqual([0, 'nothing to do: the schema is up to date\n']);
  }, 120_000);

  it('serve, each, metrics and health of their own', async () => {
    const samples = Object.fromEntries(await Promise.all(SERVING.map(async (name) => [name, (await get(name, '/metrics')).text])));
    for (const name of SERVING) expect(samples[name]).toContain('process_resident_memory_bytes');
    for (const [sample, who] of [['croupier_writer_connections', ['wallet-1', 'wallet-2', 'office']], ['croupier_months_missing', ['worker']]] as const) {
      expect([sample, SERVING.filter((name) => samples[name]?.includes(`\n${sample} `))]).toEqual([sample, who]);
    }
    const unsigned = { method: 'POST', body: '{}', headers: { 'content-type': 'application/json' } };
    const routes = await Promise.all(SERVING.map(async (name) => (await fetch(`${named(name).baseUrl}/v1/wallet/bet`, unsigned)).status));
    expect(routes).toEqual([401, 401, 404, 404]);
  });

  it('lose nothing that was acknowledged when a wallet is killed under load; the other goes on', async () => {
    world = await createWorld(database, { players: { EUR: 40 }, balance: OPENING, policies: [{ deadlineMs: 2_000 }] });
    traffic = new Traffic(world.players, SEED, 'r');
    await pause(1_000); // the configuration is read every half a second
    providers = new Map(['wallet-1', 'wallet-2'].map((name) => [name, providerAt(name)]));
    let over = false;
    let killed = false;
    const meanwhile: number[] = [];
    const strand = async (i: number) => {
      while (!over) {
        const name = i % 2 === 0 ? 'wallet-1' : 'wallet-2';
        const sentAt = performance.now();
        const definite = await witness.ask(traffic.next(), ({ operation, fields }) => (providers.get(name) as Provider).call(operation, fields, { timeoutMs: 5_000 }));
        if (killed && name === 'wallet-2') meanwhile.push(performance.now() - sentAt);
        if (!definite) await pause(20);
      }
    };
    const strands = Array.from({ length: STRANDS }, (_, i) => strand(i));
    try {
      await until('it is a load', () => Promise.resolve(witness.acknowledged > 500));
      named('wallet-1').kill('SIGKILL');
      killed = true;
      expect(await named('wallet-1').exited).toBe('SIGKILL');
      await until('the other answers hundreds of calls', () => Promise.resolve(meanwhile.length > 400));
      providers.get('wallet-1')?.close();
      await start('wallet-1');
      await ready(named('wallet-1'), 45_000);
      providers.set('wallet-1', providerAt('wallet-1'));
      const before = witness.acknowledged;
      await until('both answer', () => Promise.resolve(witness.acknowledged > before + 500));
    } finally {
      over = true;
      await Promise.all(strands);
    }
    await until('every call has its answer', async () => {
      await Promise.all(witness.open.map((command) => witness.ask(command, ({ operation, fields }) => (providers.get('wallet-2') as Provider).call(operation, fields))));
      return witness.open.length === 0;
    });
    const sorted = meanwhile.toSorted((a, b) => a - b);
    const p99 = sorted[Math.floor(sorted.length * 0.99)] ?? Infinity;
    say(`${witness.acknowledged} answers; with one wallet dead the other answered ${sorted.length} calls, p99 ${p99.toFixed(0)} ms; ` +
      `not answered at once: ${[...witness.undecided].map(([kind, count]) => `${count} ${kind}`).join(', ')}`);
    expect(p99).toBeLessThan(2_000);
    expect([...witness.undecided.keys()].filter((kind) => !/^ECONN|^socket hang up|^503/.test(kind))).toEqual([]);
    expect((await witness.broken(database)).map(({ what }) => what)).toEqual([]);
    expect(await witness.wrongBalances(database, OPENING)).toEqual([]);
    expect(await verified(database)).toMatch(/All \d+ invariants hold/);
  }, 150_000);

  it('stay ready while the replica is behind, and while it is gone: the office says so, the wallets need none', async () => {
    named('office').kill('SIGTERM');
    expect(await named('office').exited).toBe(0);
    await start('office', { READ_LAG_LIMIT_MS: '200' });
    await ready(named('office'), 45_000);
    await until('the replica follows', async () => !('degraded' in (await saysOf('office', 'replicas') as object)));
    const degraded = async (name: string) => {
      await until('the office knows', async () => 'degraded' in (await saysOf('office', 'replicas') as object));
      say(`replica ${name}: ${JSON.stringify((await saysOf('office', 'replicas'))?.['degraded'])}`);
      expect(await Promise.all(SERVING.map((one) => probes(one)))).toEqual(SERVING.map(() => [200, 200]));
    };
    await pair.replica.pause();
    const { player, provider } = { player: world.players[0], provider: providers.get('wallet-2') };
    const bet = await provider?.call('bet', { playerId: player?.id, currency: 'EUR', transactionId: 'lagging', amount: '0.01', gameId: 'game-1', roundId: 'lag' });
    expect(bet?.status).toBe(200);
    await degraded('behind');
    await pair.replica.resume();
    await until('the replica follows again', async () => !('degraded' in (await saysOf('office', 'replicas') as object)));
    await pair.replica.stop();
    await degraded('gone');
    await pair.replica.startAgain();
    await until('the replica is back', async () => !('degraded' in (await saysOf('office', 'replicas') as object)));
  }, 150_000);

  it.each(SERVING)('end in order on SIGTERM: %s answers what comes until callers have seen that it is not ready', async (name) => {
    const wallet = name.startsWith('wallet');
    const answers: string[] = [];
    let open = true;
    let n = 0;
    // As behind a load balancer: calls are sent for as long as ready says 200.
    const caller = async (i: number) => {
      while (open) {
        const call = wallet
          ? (providers.get(name) as Provider).call('balance', { playerId: world.players[i]?.id, currency: 'EUR' }).then(({ status }) => status)
          : get(name, i % 2 === 0 ? '/metrics' : '/health/live').then(({ status }) => status);
        answers.push(String(await call.catch((error: Error) => error.message)));
        n++;
      }
    };
    const watch = async () => {
      while (open) {
        if ((await get(name, '/health/ready')).status !== 200) open = false;
        await pause(50);
      }
    };
    const callers = [watch(), ...Array.from({ length: 4 }, (_, i) => caller(i))];
    await pause(300);
    const before = n;
    named(name).kill('SIGTERM');
    await Promise.all(callers);
    expect(n).toBeGreaterThan(before);
    expect(answers.filter((answer) => answer !== '200')).toEqual([]);
    expect(await Promise.race([named(name).exited, pause(10_000, 'still there')])).toBe(0);
    say(`${name}: ${answers.length} calls, ${n - before} of them behind SIGTERM`);
  }, 30_000);
});

describe('a process', () => {
  const right = () => ({
    DATABASE_URL: database.url('croupier_money'), DATABASE_OFFICE_URL: database.url('croupier_office'), DATABASE_WORKER_URL: database.url('croupier_worker'),
    DATABASE_READ_URL: database.url('croupier_read'), DATABASE_REPLICA_URLS: place.replica.url('croupier_read'),
  });
  const CASES = [
    ['wallet', 'DATABASE_URL', 'superuser'], ['wallet', 'DATABASE_URL', 'croupier_owner'], ['office', 'DATABASE_URL', 'croupier_owner'],
    ['office', 'DATABASE_OFFICE_URL', 'superuser'], ['office', 'DATABASE_OFFICE_URL', 'croupier_owner'], ['office', 'DATABASE_READ_URL', 'croupier_owner'],
    ['office', 'DATABASE_READ_URL', 'croupier_worker'], ['office', 'DATABASE_REPLICA_URLS', 'superuser'], ['worker', 'DATABASE_WORKER_URL', 'superuser'],
    ['worker', 'DATABASE_WORKER_URL', 'croupier_owner'], ['all', 'DATABASE_WORKER_URL', 'croupier_owner'],
  ] as const;

  it.each(CASES)('of role %s refuses to start where %s is %s', async (role, setting, user) => {
    const url = (setting === 'DATABASE_REPLICA_URLS' ? place.replica : database).url(user);
    const started = await serveProcess('', { ...right(), ROLE: role, [setting]: url }, { untilReady: false });
    running.set('refused', started);
    expect(await Promise.race([started.exited, pause(30_000, 'still there')])).toBe(1);
    const who = user === 'superuser' ? 'postgres' : user;
    expect(started.output()).toMatch(new RegExp(`Croupier cannot start: ${setting} connects as ${who}[^\\n]*; use role croupier_\\w+\\n`));
    expect(started.output()).not.toContain(new URL(url).password);
  }, 45_000);

  it('of role all becomes ready with every part in it', async () => {
    const started = await serveProcess('', { ...right(), ROLE: 'all' }, { untilReady: false });
    running.set('all', started);
    await ready(started, 45_000);
    const { info } = JSON.parse((await get('all', '/health/ready')).text) as { info: object };
    expect(Object.keys(info).toSorted()).toEqual(['configuration', 'databases', 'feed', 'lane', 'months', 'queue', 'replicas']);
    started.kill('SIGTERM');
    expect(await Promise.race([started.exited, pause(10_000, 'still there')])).toBe(0);
  }, 60_000);
});
