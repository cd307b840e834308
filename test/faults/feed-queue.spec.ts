import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { setTimeout as pause } from 'node:timers/promises';
import { PROJECTIONS } from '../../src/installed.ts';
import { rebuild } from '../../src/views/feed/rebuild.ts';
import { Ground, type Seat } from '../support/ground.ts';
import { ready, serveHere, serveProcess, type InProcess, type Process } from '../support/server.ts';
import { BACKENDS, OwnRedis, until, type Kept } from './feed-backends.ts';
import { expectRevenueOfLedger } from './feed-witness.ts';
import { verified } from './fleet.ts';

// The queue that wakes the views is emptied under load, its worker is killed, Redis goes away: every view comes up to the ledger by itself, each
// transaction in it once. FAULT_WIPES says how often the queue is emptied, FAULT_KILLS how often a worker is killed.

const WIPES = Number(process.env['FAULT_WIPES'] ?? 20);
const KILLS = Number(process.env['FAULT_KILLS'] ?? 3);
const CAUGHT_UP_MS = 15_000;
const STARTED_MS = 90_000;

class Fed extends Ground {
  readonly workers: Process[] = [];
  private readonly inside: InProcess[] = [];
  kept!: Kept;
  private betting: { over: boolean; strands: Promise<void>[] } | undefined;
  private named = 0;
  private seats: Seat[] = [];

  async start(keep: () => Promise<Kept>): Promise<void> {
    await this.open();
    this.kept = await keep();
    this.seats = Array.from({ length: 4 }, () => this.seat());
  }

  async worker(): Promise<Process> {
    const url = this.database.url('croupier_worker');
    const worker = await serveProcess(url, { ROLE: 'worker', DATABASE_WORKER_URL: url, DATABASE_READ_URL: this.database.url('croupier_read'), ...this.kept.env }, { untilReady: false });
    this.workers.push(worker);
    await ready(worker, STARTED_MS);
    return worker;
  }

  /** One inside this process, which costs less to begin. */
  async workerHere(): Promise<InProcess> {
    const worker = await serveHere(this.database, { ROLE: 'worker', DATABASE_WORKER_URL: this.database.url('croupier_worker'), DATABASE_READ_URL: this.database.url('croupier_read'), ...this.kept.env });
    this.inside.push(worker);
    return worker;
  }

  async closeInside(): Promise<void> {
    await Promise.all(this.inside.splice(0).map((worker) => worker.close()));
  }

  /** Four players bet until it is over. */
  bet(): void {
    const betting = { over: false, strands: [] as Promise<void>[] };
    betting.strands = this.seats.map(async (seat) => {
      while (!betting.over) {
        expect((await seat.bet(`bet-${this.named++}`, '0.01')).status).toBe(200);
        await pause(10);
      }
    });
    this.betting = betting;
  }

  async rest(): Promise<void> {
    if (this.betting) this.betting.over = true;
    await Promise.all(this.betting?.strands ?? []);
    this.betting = undefined;
  }

  async behind(): Promise<string[]> {
    return (await this.sql<{ name: string }>(`select name from projection p where not caught_up or exists (select from lane l
      left join unnest(p.lanes, p.batches) x(lane, batch) using (lane) where l.retired_at is null and l.batch > coalesce(x.batch, 0))`)).map(({ name }) => name);
  }

  async caughtUp(): Promise<void> {
    let behind: string[] = ['all'];
    await until('the views come up to the ledger', async () => (behind = await this.behind()).length === 0, CAUGHT_UP_MS).catch((error: unknown) => {
      throw new Error(`${(error as Error).message}: ${behind.join(', ')}\n${this.workers.map((worker) => worker.output()).join('\n')}`);
    });
    await expectRevenueOfLedger(this.database);
  }

  async end(): Promise<void> {
    await this.rest();
    await this.closeInside();
    for (const worker of this.workers) worker.kill('SIGKILL');
    await Promise.all(this.workers.map(({ exited }) => exited));
    await this.close();
    await this.kept?.close();
  }
}

describe.each(BACKENDS)('views whose queue is in %s', (_, keep) => {
  const here = new Fed({ players: { EUR: 4 } });
  beforeAll(() => here.start(keep), 60_000);
  afterEach(() => here.rest());
  afterAll(() => here.end(), 60_000);

  it(`come up to the ledger though it is emptied ${WIPES} times under load`, async () => {
    await Promise.all([here.workerHere(), here.workerHere()]);
    here.bet();
    let found = 0;
    for (let i = 0; i < WIPES; i++) {
      await pause(40);
      found += await here.kept.size(here.database);
      await here.kept.wipe(here.database);
    }
    expect(found).toBeGreaterThan(0);
    await here.rest();
    await here.caughtUp();
    await here.closeInside();
  }, 60_000);

  it(`come up to the ledger though a worker is killed ${KILLS} times under load, whatever it was at`, async () => {
    await Promise.all(Array.from({ length: KILLS + 1 }, () => here.worker()));
    here.bet();
    for (let i = 0; i < KILLS; i++) {
      await pause(300 + 37 * i);
      here.workers.splice(0, 1).forEach((worker) => worker.kill('SIGKILL'));
    }
    await here.rest();
    await here.caughtUp();
  }, STARTED_MS + 30_000);

  it('are, made anew, equal to what was fed through all this, row by row; and the ledger verifies', async () => {
    for (const view of PROJECTIONS) {
      const { swapped, differences } = await rebuild(view, { ownerUrl: here.database.url('croupier_owner'), replace: false, progress: () => undefined });
      expect([view.name, swapped, differences]).toEqual([view.name, true, []]);
    }
    expect(await verified(here.database)).toMatch(/All \d+ invariants hold/);
  }, 60_000);

  it('are let go of on SIGTERM, under load, by a process that ends well', async () => {
    here.bet();
    await pause(200);
    const [worker] = here.workers.splice(0, 1);
    worker?.kill('SIGTERM');
    expect(await Promise.race([worker?.exited, pause(10_000, 'still there', { ref: false })])).toBe(0);
    await here.workerHere();
    await here.rest();
    await here.caughtUp();
  }, 60_000);
});

// eslint-disable-next-line no-restricted-syntax -- needs a redis-server, which not every machine has; said on stdout
const onRedis = OwnRedis.there ? describe : describe.skip;
if (!OwnRedis.there) process.stdout.write('feed: there is no redis-server on this machine, so what is to be shown with Redis is not (Debian: apt-get install redis-server)\n');

onRedis('views whose queue is in a Redis that goes away', () => {
  const here = new Fed({ players: { EUR: 4 } });
  let redis: OwnRedis;
  beforeAll(() => here.start(async () => (redis = await OwnRedis.start())), 60_000);
  afterAll(() => here.end(), 60_000);

  const health = async ({ baseUrl }: InProcess) => {
    const answer = await fetch(`${baseUrl}/health/ready`);
    const { details } = (await answer.json()) as { details: Record<string, { degraded?: string }> };
    return [answer.status, details['queue']?.degraded];
  };

  it('are fed meanwhile, ready says that it is degraded, and when it is back all goes on, though it has forgotten everything', async () => {
    const worker = await here.workerHere();
    here.bet();
    await until('a view is fed', async () => (await here.sql<{ n: string }>('select sum(bets) as n from revenue_day'))[0]?.n !== null);
    await redis.down();
    expect(await health(worker)).toEqual([200, 'Redis is not there']);
    await pause(1_500);
    await here.rest();
    await here.caughtUp();
    await redis.up();
    await until('it is well', async () => JSON.stringify(await health(worker)) === '[200,null]');
    here.bet();
    await until('the queue is used again', async () => (await redis.size()) > 0);
    await here.rest();
    await here.caughtUp();
  }, 60_000);

  it('end while it is away, on SIGTERM, and begin without it, and are fed', async () => {
    const process = await here.worker();
    await redis.down();
    await here.closeInside();
    process.kill('SIGTERM');
    expect(await Promise.race([process.exited, pause(15_000, 'still there', { ref: false })])).toBe(0);
    const worker = await here.workerHere();
    here.bet();
    await pause(300);
    await here.rest();
    await here.caughtUp();
    expect(await health(worker)).toEqual([200, 'Redis is not there']);
  }, STARTED_MS + 30_000);
});
