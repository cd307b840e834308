import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { setTimeout as pause } from 'node:timers/promises';
import { startPostgres, type RunningPostgres } from '../../tools/local/embedded-postgres.ts';
import { asSuperuser, cloneTemplate, startCluster, type TestCluster, type TestDatabase } from '../support/cluster.ts';
import { said, Seat } from '../support/ground.ts';
import { Provider, type Reply } from '../support/provider.ts';
import { ready, serveProcess, type Process } from '../support/server.ts';
import { createWorld, type World, type WorldPlayer } from '../support/world.ts';

/** A PostgreSQL of its own, stopped and started again under the service. Everybody starts with 100.00 EUR. */
const SETTINGS = { max_connections: 200, synchronous_commit: 'on' }; // the operating system stays up, so nothing has to be flushed
let cluster: TestCluster;
let postgres: RunningPostgres;
let database: TestDatabase;
let world: World;
let served: Process;
let provider: Provider;

beforeAll(async () => {
  cluster = await startCluster({ settings: SETTINGS });
  postgres = cluster.postgres;
  database = await cloneTemplate(postgres.superuserUrl('postgres'));
  world = await createWorld(database, { players: { EUR: 12 }, policies: [{}, { deadlineMs: 5_000 }] });
});

afterAll(async () => {
  provider?.close();
  served?.kill('SIGKILL');
  await served?.exited;
  await postgres.stop('immediate');
  await cluster.stop();
});

const restart = async () => {
  postgres = await startPostgres({ dir: cluster.postgres.dir, port: cluster.postgres.port, sync: false, settings: SETTINGS });
};
const probeOf = (name: string) => fetch(`${served.baseUrl}/health/${name}`).then(({ status }) => status, () => 0);
const probes = () => Promise.all(['live', 'ready', 'startup'].map(probeOf));
const seat = (index: number) => new Seat(provider, world.players[index] as WorldPlayer);

async function becomesReady(withinMs: number): Promise<void> {
  await ready(served, withinMs);
  expect(await probes()).toEqual([200, 200, 200]);
}

/** Every kind of call is answered in time as unavailable, and worth repeating. */
async function allUnavailable(): Promise<void> {
  const { bet, win, rollback, balance, status, provider: wire, player } = seat(0);
  const startedAt = performance.now();
  const replies = await Promise.all([
    bet('x', '1'),
    win('x', '1'),
    rollback('x', 'x'),
    balance(),
    status('bet', 'x'),
    wire.call('authenticate', { sessionToken: player.sessionToken }),
  ]);
  expect(performance.now() - startedAt).toBeLessThan(2_500);
  for (const { status: http, body, headers } of replies) {
    expect([http, body.code, body.retryable, headers['retry-after']]).toEqual([503, 'UNAVAILABLE', true, '1']);
  }
}

describe('no database', () => {
  it('at the start: the process lives, is not ready, and becomes so by itself', async () => {
    await postgres.stop('immediate');
    served = await serveProcess(database.url('croupier_money'), {}, { untilReady: false });
    provider = new Provider(served.baseUrl, world.accounts[0] as never);
    for (let i = 0; i < 100 && (await probes())[0] !== 200; i++) await pause(50);
    expect(await probes()).toEqual([200, 503, 503]);
    await allUnavailable();
    await restart();
    await becomesReady(8_000);
    expect(said(await seat(1).bet('b1', '10'))).toBe('applied 90.00');
  });

  it.each(['fast', 'immediate'] as const)('while it serves (stopped: %s): unavailable, then normal again by itself', async (mode) => {
    const player = mode === 'fast' ? 2 : 3;
    const before = await seat(player).bet('b1', '10');
    expect(said(before)).toBe('applied 90.00');
    await postgres.stop(mode);
    await allUnavailable();
    expect(await probes()).toEqual([200, 503, 200]);
    await restart();
    await becomesReady(8_000);
    expect(said(await seat(player).bet('b1', '10'))).toBe('replayed 90.00');
    expect(said(await seat(player).bet('b2', '10'))).toBe('applied 80.00');
    expect(said(await seat(0).status('bet', 'x'))).toBe('unknown'); // what was unavailable was not done
  });

  it('while calls are in flight: each is answered once, retryably where it was not done, and done once when it comes again', async () => {
    const seats = world.players.slice(4, 10).map((player) => new Seat(provider, player));
    const replies = [];
    for (let wave = 0; wave < 8; wave++) {
      replies.push(...seats.map((its) => its.bet(`wave-${wave}`, '1').then((reply) => ({ its, wave, reply }))));
      if (wave === 4) void postgres.stop('immediate');
      await pause(5);
    }
    const answers = await Promise.all(replies);
    for (const { reply } of answers) {
      if (reply.status !== 200) expect(reply.body).toMatchObject({ status: 503, retryable: true });
    }
    await postgres.exited;
    await restart();
    await becomesReady(8_000);
    for (const { its, wave } of answers) expect((await its.bet(`wave-${wave}`, '1')).status).toBe(200);
    for (const its of seats) expect((await its.balance()).body).toMatchObject({ balance: '92.00', walletVersion: 9 });
  });

  it('with a standby that does not confirm: a COMMIT whose wait was cancelled is no answer; the call goes again, and waits', async () => {
    const patient = new Provider(served.baseUrl, world.accounts[1] as never);
    const its = new Seat(patient, world.players[10] as WorldPlayer);
    const sql = (text: string) => asSuperuser<{ pid: number }>(postgres.superuserUrl('postgres'), text);
    const standby = async (names: string) => {
      await sql(`alter system set synchronous_standby_names = '${names}'`);
      await sql('select pg_reload_conf()');
    };
    /** The backend that waits for the standby, once there is another one than before. */
    const waits = async (other?: number): Promise<number> => {
      for (let i = 0; i < 100; i++) {
        const [row] = await sql(`select pid from pg_stat_activity where wait_event = 'SyncRep' and pid <> ${other ?? 0}`);
        if (row) return row.pid;
        await pause(10);
      }
      throw new Error('nobody waits for the standby');
    };
    await standby('nobody');
    let answered = true;
    let call = Promise.resolve({} as Reply);
    let bets = 0;
    while (answered) {
      // until the server has taken notice of its new setting
      answered = false;
      call = its.bet(`b${++bets}`, '1').finally(() => (answered = true));
      await Promise.race([call, pause(200)]);
    }
    const first = await waits();
    await sql(`select pg_cancel_backend(${first})`); // it commits, with a warning that no standby has it
    await waits(first);
    expect(answered).toBe(false);
    await standby('');
    const { body } = await call;
    expect(body).toMatchObject({ status: 'replayed', outcome: 'applied', balance: `${100 - bets}.00`, walletVersion: 1 + bets });
    patient.close();
  });

  it('has left no process and no promise behind: the service still ends with 0', async () => {
    served.kill('SIGTERM');
    expect(await served.exited).toBe(0);
  });
});
