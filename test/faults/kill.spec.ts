import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import { startPostgres, type RunningPostgres } from '../../tools/local/embedded-postgres.ts';
import { cloneTemplate, startCluster, type TestCluster, type TestDatabase } from '../support/cluster.ts';
import type { Provider, Reply } from '../support/provider.ts';
import { createWorld, type World } from '../support/world.ts';
import { launch, verified, type Fleet } from './fleet.ts';
import { dice, Traffic, type Command } from './traffic.ts';
import { Witness } from './witness.ts';

// Processes and the database die at any moment under load, and are started again; callers repeat what was not answered.
// FAULT_KILLS says how often each death is died, FAULT_SEED which calls are made and when.

const KILLS = Number(process.env['FAULT_KILLS'] ?? 3);
const SEED = Number(process.env['FAULT_SEED'] ?? Math.trunc(Math.random() * 2 ** 31));
const STRANDS = 24;
const OPENING = 100_000_000n;
const DEFINITE_WITHIN_MS = 30_000;
/** What is not flushed by a commit itself is not flushed by anybody else in time: a commit that does not wait for the disk is found out. */
const LAZY = {
  wal_writer_delay: '10s', wal_writer_flush_after: '1GB', wal_buffers: '64MB', checkpoint_timeout: '1h', autovacuum: 'off',
  bgwriter_lru_maxpages: 0,
};
const PASSING = /^503 (OUTCOME_UNKNOWN|OVERLOADED|UNAVAILABLE)$|^E[A-Z]+$/;

type Settings = Readonly<Record<string, string | number>>;

/** A cluster of its own, two wallet processes, a provider that remembers. */
class Ground {
  readonly witness = new Witness();
  readonly roll = dice(SEED);
  database!: TestDatabase;
  fleet!: Fleet;
  private cluster!: TestCluster;
  private postgres!: RunningPostgres;
  private world!: World;
  private traffic!: Traffic;

  constructor(
    private readonly settings: Settings,
  ) {}

  async open(): Promise<void> {
    this.cluster = await startCluster({ sync: true, settings: this.settings });
    this.postgres = this.cluster.postgres;
    this.database = await cloneTemplate(this.postgres.superuserUrl('postgres'));
    this.world = await createWorld(this.database, { players: { EUR: 40 }, balance: OPENING });
    this.traffic = new Traffic(this.world.players, SEED, 'k');
    // The world itself is no part of what may be lost.
    await this.superuser((client) => client.query('checkpoint'));
    await this.startWallets();
  }

  async close(): Promise<void> {
    await this.fleet?.close();
    await this.postgres?.stop('immediate');
    await this.cluster?.stop();
  }

  /** What a test that failed has left lying. */
  async revive(): Promise<void> {
    if (await Promise.race([this.postgres.exited.then(() => true), pause(0, false)])) await this.startDatabase();
    if (this.fleet.processes.some(({ child }) => child.exitCode !== null || child.signalCode !== null)) {
      await this.killWallets();
      await this.startWallets();
    }
  }

  async startWallets(): Promise<void> {
    this.fleet = await launch(this.database, this.world.accounts[0] as never, 2);
  }

  async killWallets(): Promise<void> {
    for (const process of this.fleet.processes) process.kill('SIGKILL');
    await this.fleet.close();
  }

  killDatabase(): Promise<void> {
    this.postgres.kill();
    return this.postgres.exited;
  }

  /** The database first: whatever a wallet still says after that was not made durable by it. */
  async killAll(): Promise<void> {
    await Promise.all([this.killDatabase(), this.killWallets()]);
  }

  async startDatabase(): Promise<void> {
    const { dir, port } = this.postgres;
    this.postgres = await startPostgres({ dir, port, settings: { max_connections: 200, ...this.settings } });
  }

  send({ operation, fields }: Command, strand: number): Promise<Reply> {
    const provider = this.fleet.providers[strand % this.fleet.providers.length] as Provider;
    return provider.call(operation, fields, { timeoutMs: 5_000 });
  }

  /** Calls from many sides at once, until `end` is over and what was under way is answered or lost. */
  async load(during: () => Promise<void>): Promise<void> {
    let over = false;
    const strand = async (i: number) => {
      while (!over) {
        const definite = await this.witness.ask(this.traffic.next(), (command) => this.send(command, i));
        if (!definite) await pause(20);
      }
    };
    const strands = Array.from({ length: STRANDS }, (_, i) => strand(i));
    try {
      await during();
    } finally {
      over = true;
      await Promise.all(strands);
    }
  }

  /** What a provider does with a call that was not answered: the same again, until it is. */
  async repeatUnanswered(): Promise<number> {
    const deadline = performance.now() + DEFINITE_WITHIN_MS;
    const count = this.witness.open.length;
    for (let open = this.witness.open; open.length > 0; open = this.witness.open) {
      if (performance.now() > deadline) throw new Error(`${open.length} calls have no answer after ${DEFINITE_WITHIN_MS / 1000} s`);
      const next = [...open];
      await Promise.all(Array.from({ length: STRANDS }, async (_, i) => {
        for (let command = next.shift(); command; command = next.shift()) {
          if (!(await this.witness.ask(command, (one) => this.send(one, i)))) await pause(50);
        }
      }));
    }
    return count;
  }

  /** Some time under load, never the same, and never before the load is one. */
  async moment(): Promise<void> {
    const enough = this.witness.acknowledged + 300;
    for (const deadline = performance.now() + DEFINITE_WITHIN_MS; this.witness.acknowledged < enough; await pause(10)) {
      if (performance.now() > deadline) throw new Error(`no load: ${[...this.witness.undecided].join(' · ')}`);
    }
    await pause(this.roll() * 400);
  }

  async superuser<T>(work: (client: pg.Client) => Promise<T>): Promise<T> {
    const client = new pg.Client(this.database.url('superuser'));
    await client.connect();
    try {
      return await work(client);
    } finally {
      await client.end();
    }
  }
}

const say = (text: string) => process.stdout.write(`kill (FAULT_SEED=${SEED}): ${text}\n`);

/** Every acknowledged command is there once, what was refused is not there, and the books balance. */
async function expectTold(ground: Ground): Promise<void> {
  expect((await ground.witness.broken(ground.database)).map(({ what }) => what)).toEqual([]);
  expect(await ground.witness.wrongBalances(ground.database, OPENING)).toEqual([]);
  expect(await verified(ground.database)).toMatch(/All \d+ invariants hold/);
  expect([...ground.witness.undecided.keys()].filter((kind) => !PASSING.test(kind))).toEqual([]);
}

describe('under load', () => {
  const ground = new Ground(LAZY);
  beforeAll(() => ground.open(), 60_000);
  beforeEach(() => ground.revive(), 60_000);
  afterAll(() => ground.close());

  const deaths = Array.from({ length: KILLS }, (_, i) => i + 1);

  it.each(deaths)('wallets and database are killed, and nothing that was acknowledged is lost or done twice: %i', async () => {
    await ground.load(async () => {
      await ground.moment();
      await ground.killAll();
    });
    const acknowledged = ground.witness.acknowledged;
    await ground.startDatabase();
    // Before anybody repeats anything, which would heal it.
    expect((await ground.witness.broken(ground.database)).map(({ what }) => what)).toEqual([]);
    await ground.startWallets();
    const repeated = await ground.repeatUnanswered();
    say(`wallets and database killed: ${acknowledged} answers so far, ${repeated} calls repeated`);
    expect(repeated).toBeGreaterThan(0);
    await expectTold(ground);
  }, 60_000);

  it.each(deaths)('the wallets are killed: %i', async () => {
    await ground.load(async () => {
      await ground.moment();
      await ground.killWallets();
    });
    await ground.startWallets();
    say(`wallets killed: ${await ground.repeatUnanswered()} calls repeated`);
    await expectTold(ground);
  }, 60_000);

  it('the database is killed and comes back: the wallets go on by themselves', async () => {
    await ground.load(async () => {
      await ground.moment();
      await ground.killDatabase();
      await pause(300);
      await ground.startDatabase();
      await pause(1_000);
    });
    say(`database killed: ${await ground.repeatUnanswered()} calls repeated`);
    for (const { child } of ground.fleet.processes) expect([child.exitCode, child.signalCode]).toEqual([null, null]);
    await expectTold(ground);
  }, 60_000);

  it('connections that write are cut by the server, again and again', async () => {
    const before = ground.witness.acknowledged;
    let cut = 0;
    await ground.load(() => ground.superuser(async (client) => {
      for (let i = 0; i < 8 * KILLS; i++) {
        await pause(40 + ground.roll() * 80);
        const { rowCount } = await client.query(`select pg_terminate_backend(pid) from pg_stat_activity
          where application_name like 'croupier lane%' or application_name like 'croupier side%' order by random() limit 1`);
        cut += rowCount ?? 0;
      }
    }));
    const repeated = await ground.repeatUnanswered();
    say(`${cut} connections cut: ${ground.witness.acknowledged - before} answers, ${repeated} calls repeated`);
    expect(cut).toBeGreaterThan(KILLS);
    await expectTold(ground);
  }, 60_000);
});

describe('with synchronous_commit = off', () => {
  const ground = new Ground({ ...LAZY, synchronous_commit: 'off' });
  beforeAll(() => ground.open(), 60_000);
  afterAll(() => ground.close());

  it('the same loses what was acknowledged: this test would see it', async () => {
    const lost: number[] = [];
    for (let i = 0; i < KILLS; i++) {
      await ground.load(async () => {
        await ground.moment();
        await ground.killAll();
      });
      await ground.startDatabase();
      const broken = await ground.witness.broken(ground.database);
      lost.push(broken.length);
      // The provider does not know that they are lost; asked again, they are done again.
      for (const { command } of broken) ground.witness.forget(command);
      await ground.startWallets();
      await ground.repeatUnanswered();
    }
    say(`synchronous_commit = off lost ${lost.join(', ')} acknowledged commands`);
    expect(Math.max(...lost)).toBeGreaterThan(0);
    await expectTold(ground);
  }, 30_000 * (KILLS + 1));
});
