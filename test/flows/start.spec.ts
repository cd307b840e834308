import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import { freePort } from '../../tools/local/embedded-postgres.ts';
import { listProcesses, parentsOfAll, startedAt } from '../../tools/local/processes.ts';

// `npm start` as it is: the built launcher, real processes, real databases, a data directory of its own.

const LAUNCHER = join(process.cwd(), 'dist/tools/local/start.js');
const COME_UP_WITHIN_MS = 30_000;

interface Demo {
  baseUrl: string;
  provider: { apiKey: string; secret: string };
  players: { id: string; externalId: string; currency: string; balance: string; sessionToken: string }[];
  operator: { id: string; apiKey: string };
  conformance: Record<string, object[]>;
  dialects: Record<string, { conformance: Record<string, object[]> }>;
  databaseUrl: string;
  replicaUrl: string;
}

/** Seats that the conformance kit has for itself: players of their own. */
const ofTheKit = ({ conformance, dialects }: Demo): number =>
  [conformance, ...Object.values(dialects).map((each) => each.conformance)].flatMap((lists) => Object.values(lists).flat()).length;

interface Member {
  pid: number;
  startedAt: string;
  command: string;
}

let home: string;
let port: number;
const launched: Run[] = [];

/** One `npm start` and every process that came of it. */
class Run {
  output = '';
  readonly exited: Promise<number | null>;
  private readonly child: ChildProcess;

  constructor(
    readonly dataDir: string,
    ...args: string[]
  ) {
    const env = { ...process.env, DATA_DIR: dataDir, PORT: String(port), DATABASE_URL: '', NODE_OPTIONS: '' };
    this.child = spawn(process.execPath, [LAUNCHER, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    this.child.stdout?.on('data', (text) => (this.output += text));
    this.child.stderr?.on('data', (text) => (this.output += text));
    this.exited = new Promise((resolve) => this.child.once('exit', resolve));
    launched.push(this);
  }

  get running(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  async ready(): Promise<Demo> {
    const file = join(this.dataDir, 'demo.json');
    const deadline = Date.now() + COME_UP_WITHIN_MS;
    while (!existsSync(file) || !this.output.includes('Croupier is ready')) {
      if (!this.running || Date.now() > deadline) throw new Error(`did not come up:\n${this.output}`);
      await pause(25);
    }
    return JSON.parse(readFileSync(file, 'utf8')) as Demo;
  }

  /** The launcher and all its descendants. */
  family(): Member[] {
    const parents = parentsOfAll();
    const found = [this.child.pid as number];
    for (const pid of found) for (const [child, parent] of parents) if (parent === pid) found.push(child);
    const commands = new Map(listProcesses().map(({ pid, command }) => [pid, command]));
    return found.map((pid) => ({ pid, startedAt: startedAt(pid), command: commands.get(pid) ?? '' })).filter(isAlive);
  }

  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }
}

const isAlive = (member: Member): boolean => member.startedAt !== '' && startedAt(member.pid) === member.startedAt;

function killAll(family: Member[]): void {
  for (const { pid } of family.filter(isAlive)) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // its parent's death was enough
    }
  }
}

async function gone(family: Member[], withinMs: number): Promise<Member[]> {
  const deadline = Date.now() + withinMs;
  while (family.some(isAlive) && Date.now() < deadline) await pause(25);
  return family.filter(isAlive);
}

async function ask(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

const modeOf = (file: string): string => (statSync(file).mode & 0o777).toString(8);
const systemOf = async (url: string) => (await ask(url, 'select system_identifier::text from pg_control_system()'))[0];

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'croupier-start-'));
  chmodSync(home, 0o755); // PostgreSQL runs as another user where the test runs as root
  port = await freePort();
});

afterAll(async () => {
  for (const run of launched) killAll(run.family());
  await pause(100);
  rmSync(home, { recursive: true, force: true, maxRetries: 5 });
});

describe('npm start, one data directory through its life', () => {
  let data: string;
  let first: Demo;
  let run: Run;

  beforeAll(() => {
    data = join(home, 'var');
  });

  it('comes up from nothing, studio and all', async () => {
    run = new Run(data);
    first = await run.ready();
    expect(first).toMatchObject({ baseUrl: `http://127.0.0.1:${port}`, staff: [], dialects: {} });
    expect(first.provider).toEqual({ apiKey: expect.any(String), secret: expect.stringMatching(/^whsec_/) });
    const count = (currency: string) => first.players.filter((player) => player.currency === currency).length;
    expect(count('EUR')).toBeGreaterThanOrEqual(1_000);
    for (const currency of ['JPY', 'KWD', 'BTC']) expect(count(currency)).toBeGreaterThan(0);
    expect(modeOf(join(data, 'demo.json'))).toBe('600');
    expect(modeOf(join(data, 'secrets.json'))).toBe('600');
    expect((await fetch(`${first.baseUrl}/health/ready`)).status).toBe(200);
    expect(run.output).toContain(`${first.baseUrl}/docs`);
    expect(run.output).toContain('a simulated studio plays');
    expect(run.output).toContain(`See it at       ${first.baseUrl}/`);
    const page = await fetch(`${first.baseUrl}/local/feed`);
    expect(await page.json()).toMatchObject({ demoFile: join(data, 'demo.json'), ledger: { stale: false, from: 'replica', entries: expect.any(Array) } });
  }, 60_000);

  it('takes the bet of the README as it stands there, and replays it', async () => {
    const readme = readFileSync(join(import.meta.dirname, '../../README.md'), 'utf8');
    const [, script] = /```sh\n(ref=[\s\S]*?)```/.exec(readme) ?? [];
    if (!script) throw new Error('the README shows no bet by hand');
    const answers = execFileSync('bash', ['-c', `${script}\necho\n${script.slice(script.indexOf('\n') + 1)}`], { cwd: home, encoding: 'utf8' });
    const [placed, again] = answers.trim().split('\n').map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(placed).toMatchObject({ status: 'applied', amount: '1.50', currency: 'EUR' });
    expect(again).toMatchObject({ status: 'replayed', transactionId: placed?.['transactionId'] });
  });

  it('gives each role no more than its due, and a replica that cannot be written to', async () => {
    const roles = await ask(first.databaseUrl, `select rolname, rolsuper or rolbypassrls or rolcreaterole or rolcreatedb as mighty
      from pg_roles where rolname like 'croupier\\_%' and rolname <> 'croupier_replication' order by 1`);
    const names = ['croupier_money', 'croupier_office', 'croupier_owner', 'croupier_read', 'croupier_worker'];
    expect(roles).toEqual(names.map((rolname) => ({ rolname, mighty: false })));
    expect(await ask(first.databaseUrl, 'select current_user')).toEqual([{ current_user: 'croupier_owner' }]);
    const settings = await ask(first.databaseUrl, `select name, setting from pg_settings
      where name in ('fsync', 'full_page_writes', 'synchronous_commit', 'data_checksums')`);
    expect(settings.map((row) => row['setting'])).toEqual(['on', 'on', 'on', 'on']);
    expect(await ask(first.replicaUrl, 'select current_user, pg_is_in_recovery()'))
      .toEqual([{ current_user: 'croupier_read', pg_is_in_recovery: true }]);
    const asTenant = `${first.replicaUrl}?options=-c%20croupier.operator%3D${first.operator.id}`;
    expect(await ask(asTenant, 'select count(*)::int as players from player')).toEqual([{ players: first.players.length + ofTheKit(first) }]);
    await expect(ask(asTenant, 'delete from wallet')).rejects.toThrow(/permission denied|read-only/);
  });

  it('lets nobody else into the data directory meanwhile', async () => {
    const rival = new Run(data);
    expect(await rival.exited).toBe(1);
    expect(rival.output).toMatch(/Another npm start \(process \d+\) uses .*var/);
    expect((await fetch(`${first.baseUrl}/health/ready`)).status).toBe(200);
  });

  it('stops on SIGTERM from the top down and leaves no process', async () => {
    const family = run.family();
    expect(family.length).toBeGreaterThan(10); // launcher, server, studio, two databases with their children
    run.signal('SIGTERM');
    expect(await run.exited).toBe(0);
    expect(family.filter(isAlive)).toEqual([]);
    expect(listProcesses().filter(({ command }) => command.includes(data))).toEqual([]);
    const order = ['studio stopped', 'server stopped', 'replica database stopped', 'primary database stopped'];
    const places = order.map((sentence) => run.output.indexOf(sentence));
    expect(places).toEqual(places.toSorted((a, b) => a - b));
    expect(places[0]).toBeGreaterThan(0);
  }, 20_000);

  it('finds everything again at the second start, and after SIGKILL of all of it, the databases included', async () => {
    run = new Run(data, '--no-traffic');
    const second = await run.ready();
    expect(second.provider).toEqual(first.provider);
    expect(second.players.map((player) => player.id)).toEqual(first.players.map((player) => player.id));
    const system = await systemOf(second.databaseUrl);

    const family = run.family();
    killAll(family);
    expect(await gone(family, 5_000)).toEqual([]);

    run = new Run(data, '--no-traffic');
    const third = await run.ready();
    expect(third.players).toEqual(second.players);
    expect(await systemOf(third.databaseUrl)).toEqual(system);
    expect(run.output).not.toContain('made anew');
  }, 60_000);

  it('ends server and studio when only the launcher is killed, and the next start clears the databases away', async () => {
    run.signal('SIGTERM');
    await run.exited;
    run = new Run(data);
    await run.ready();
    const family = run.family();
    const children = family.filter(({ command }) => /(main|studio)\.js/.test(command));
    expect(children).toHaveLength(2);
    run.signal('SIGKILL');
    expect(await gone(children, 10_000)).toEqual([]);
    expect(family.filter(isAlive)).not.toEqual([]);

    run = new Run(data, '--no-traffic');
    await run.ready();
    expect(family.filter(isAlive)).toEqual([]);
  }, 60_000);

  it('takes a Ctrl-C, and a second one, for one stop', async () => {
    const family = run.family();
    run.signal('SIGINT');
    await pause(100);
    run.signal('SIGINT');
    expect(await run.exited).toBe(0);
    expect(family.filter(isAlive)).toEqual([]);
  }, 20_000);

  it('stops the rest and says so when a part dies', async () => {
    run = new Run(data, '--no-traffic');
    await run.ready();
    const family = run.family();
    const primary = Number(readFileSync(join(data, 'primary', 'postmaster.pid'), 'utf8').split('\n')[0]);
    process.kill(primary, 'SIGKILL');
    expect(await run.exited).toBe(1);
    expect(run.output).toContain('the primary database ended by itself');
    expect(await gone(family, 2_000)).toEqual([]);
  }, 60_000);
});
