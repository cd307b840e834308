/** The servers under load, each a process of its own: the wallet as production runs it, and its rivals. */
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { built, DIST } from './built.ts';
import { GAME, type Ground } from './ground.ts';

export interface Server {
  readonly name: string;
  /** every bet is new and is counted; else the same calls may come again */
  readonly counts: boolean;
  readonly port: number;
  readonly pid: number;
  readonly child: ChildProcess;
  stop(): Promise<void>;
}

const wordsOf = (text: string | undefined): string[] => text?.split(/\s+/).filter(Boolean) ?? [];

interface AsWallet {
  readonly name?: string;
  /** of Node */
  readonly flags?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** Role `wallet` alone. */
export function startWallet(ground: Ground, { name = 'wallet', flags = [], env = {} }: AsWallet = {}): Promise<Server> {
  const asked = Object.fromEntries(wordsOf(process.env['BENCH_SERVER_ENV']).map((word) => word.split('=', 2) as [string, string]));
  return start(ground, {
    name, counts: true, args: [...flags, join(DIST, 'src/main.js')], readyPath: '/health/ready',
    env: { DATABASE_URL: ground.moneyUrl, LOG_LEVEL: 'warn', DRAIN_DELAY_MS: '0', ...asked, ...env },
  });
}

/** A process of another role, as `env` says. */
export const startServer = (ground: Ground, { name, env }: { readonly name: string; readonly env: Readonly<Record<string, string>> }): Promise<Server> =>
  start(ground, { name, counts: false, args: [join(DIST, 'src/main.js')], readyPath: '/health/ready', env: { LOG_LEVEL: 'warn', DRAIN_DELAY_MS: '0', ...env } });

const rivalEnv = ({ accounts: { kept: { apiKey, secret } } }: Ground) =>
  ({ RIVAL_KEY: apiKey, RIVAL_SECRET: secret, ...(process.env['TEST_DIST'] && { TEST_DIST: process.env['TEST_DIST'] }) });

export function startBare(ground: Ground): Promise<Server> {
  return start(ground, { name: 'bare', counts: false, args: [join(import.meta.dirname, 'bare/main.ts')], readyPath: '/ready', env: rivalEnv(ground) });
}

/** `connections`: of its pool. */
export function startTextbook(ground: Ground, databaseUrl: string, connections: number): Promise<Server> {
  const { accountId, operatorId } = ground.accounts.kept;
  return start(ground, {
    name: 'textbook', counts: true, args: [join(import.meta.dirname, 'textbook/main.ts')], readyPath: '/ready',
    env: {
      ...rivalEnv(ground), DATABASE_URL: databaseUrl, TEXTBOOK_POOL: String(connections),
      TEXTBOOK_HOUSE: JSON.stringify({ accountId, operatorId, games: [GAME] }),
    },
  });
}

interface Start {
  readonly name: string;
  readonly counts: boolean;
  readonly args: readonly string[];
  readonly readyPath: string;
  readonly env: Readonly<Record<string, string>>;
}

/** What a server says goes to a file: a flood of lines would slow the terminal, and that the server. */
async function start(ground: Ground, { name, counts, args, readyPath, env }: Start): Promise<Server> {
  const { freePort } = await built<typeof import('../../tools/local/embedded-postgres.ts')>('tools/local/embedded-postgres');
  const port = await freePort();
  const log = join(ground.dir, `${name.replaceAll(' ', '-')}-${port}.log`);
  const output = openSync(log, 'w');
  const child = spawn(process.execPath, [...wordsOf(process.env['BENCH_SERVER_FLAGS']), ...args], {
    env: { PATH: process.env['PATH'] ?? '', NODE_ENV: 'production', PORT: String(port), ...env }, stdio: ['ignore', output, output],
  });
  closeSync(output);
  const goodbye = () => child.kill('SIGKILL');
  process.once('exit', goodbye);
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  let stopped: Promise<void> | undefined;
  const stop = () => (stopped ??= end());
  const end = async () => {
    process.removeListener('exit', goodbye);
    child.kill('SIGTERM');
    const patience = setTimeout(goodbye, 10_000);
    await exited;
    clearTimeout(patience);
    tell(name, log);
  };
  for (const deadline = performance.now() + 30_000; ; await pause(50)) {
    const up = await fetch(`http://127.0.0.1:${port}${readyPath}`).then((response) => response.ok, () => false);
    if (up) return { name, counts, port, pid: child.pid as number, child, stop };
    if (child.exitCode === null && performance.now() < deadline) continue;
    await stop();
    throw new Error(`the ${name} server did not become ready`);
  }
}

const SHOWN = 5;

function tell(name: string, log: string): void {
  const lines = readFileSync(log, 'utf8').split('\n').filter(Boolean);
  if (lines.length === 0) return;
  console.log(`the ${name} server said ${lines.length} lines, of which the last:`);
  for (const line of lines.slice(-SHOWN)) console.log(`  ${line.slice(0, 400)}`);
}

export interface Counters {
  readonly applied: number;
  /** bets that came to anything else */
  readonly other: number;
  readonly batches: number;
  readonly movements: number;
}

/** What a server itself counts, from its /metrics. */
export async function countersOf(server: Server): Promise<Counters> {
  const text = await (await fetch(`http://127.0.0.1:${server.port}/metrics`)).text();
  const lines = text.matchAll(/^(\w+)(?:\{(.*)\})? ([\d.e+-]+)$/gm);
  const samples = [...lines].map(([, name, labels, value]) => ({ name, labels: labels ?? '', value: Number(value) }));
  const sum = (name: string, fits: (labels: string) => boolean = () => true) =>
    samples.filter((sample) => sample.name === name && fits(sample.labels)).reduce((total, sample) => total + sample.value, 0);
  // In another dialect its name stands before the operation, and a bet may be a play that answers `ok`.
  const isBet = (labels: string) => /command="(\w+ )?(bet|play)"/.test(labels);
  const isApplied = (labels: string) => /code="(applied|ok)"/.test(labels);
  return {
    applied: sum('croupier_outcomes_total', (labels) => isBet(labels) && isApplied(labels)),
    other: sum('croupier_outcomes_total', (labels) => isBet(labels) && !isApplied(labels)),
    batches: sum('croupier_batch_movements_count'),
    movements: sum('croupier_batch_movements_sum'),
  };
}
