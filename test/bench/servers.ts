/** The servers under load, each a process of its own: the wallet as production runs it, and the bare one. */
import { spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { built, DIST } from './built.ts';
import type { BenchAccount, Ground } from './ground.ts';

export interface Server {
  readonly name: string;
  readonly port: number;
  readonly pid: number;
  readonly child: ChildProcess;
  stop(): Promise<void>;
}

const wordsOf = (text: string | undefined): string[] => text?.split(/\s+/).filter(Boolean) ?? [];

/** Role `wallet` alone. `flags` are Node's. */
export function startWallet(ground: Ground, flags: readonly string[] = [], env: Readonly<Record<string, string>> = {}): Promise<Server> {
  const asked = Object.fromEntries(wordsOf(process.env['BENCH_SERVER_ENV']).map((word) => word.split('=', 2) as [string, string]));
  return start('wallet', [...wordsOf(process.env['BENCH_SERVER_FLAGS']), ...flags, join(DIST, 'src/main.js')], '/health/ready', {
    DATABASE_URL: ground.moneyUrl, LOG_LEVEL: 'warn', DRAIN_DELAY_MS: '0', ...asked, ...env,
  });
}

export function startBare(account: BenchAccount): Promise<Server> {
  const { apiKey, secret } = account;
  const env = { BARE_KEY: apiKey, BARE_SECRET: secret, ...(process.env['TEST_DIST'] && { TEST_DIST: process.env['TEST_DIST'] }) };
  return start('bare', [...wordsOf(process.env['BENCH_SERVER_FLAGS']), join(import.meta.dirname, 'bare/main.ts')], '/ready', env);
}

async function start(name: string, args: readonly string[], readyPath: string, env: Readonly<Record<string, string>>): Promise<Server> {
  const { freePort } = await built<typeof import('../../tools/local/embedded-postgres.ts')>('tools/local/embedded-postgres');
  const port = await freePort();
  const child = spawn(process.execPath, args, {
    env: { PATH: process.env['PATH'] ?? '', NODE_ENV: 'production', PORT: String(port), ...env }, stdio: ['ignore', 'inherit', 'inherit'],
  });
  const goodbye = () => child.kill('SIGKILL');
  process.once('exit', goodbye);
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const stop = async () => {
    process.removeListener('exit', goodbye);
    child.kill('SIGTERM');
    const patience = setTimeout(goodbye, 10_000);
    await exited;
    clearTimeout(patience);
  };
  for (const deadline = performance.now() + 30_000; ; await pause(50)) {
    const up = await fetch(`http://127.0.0.1:${port}${readyPath}`).then((response) => response.ok, () => false);
    if (up) return { name, port, pid: child.pid as number, child, stop };
    if (child.exitCode === null && performance.now() < deadline) continue;
    await stop();
    throw new Error(`the ${name} server did not become ready`);
  }
}

export interface Counters {
  readonly applied: number;
  /** bets that came to anything else */
  readonly other: number;
  readonly batches: number;
  readonly movements: number;
}

/** What the wallet itself counts, from its /metrics. */
export async function countersOf(server: Server): Promise<Counters> {
  const text = await (await fetch(`http://127.0.0.1:${server.port}/metrics`)).text();
  const lines = text.matchAll(/^(\w+)(?:\{(.*)\})? ([\d.e+-]+)$/gm);
  const samples = [...lines].map(([, name, labels, value]) => ({ name, labels: labels ?? '', value: Number(value) }));
  const sum = (name: string, fits: (labels: string) => boolean = () => true) =>
    samples.filter((sample) => sample.name === name && fits(sample.labels)).reduce((total, sample) => total + sample.value, 0);
  const isBet = (labels: string) => labels.includes('command="bet"');
  const isApplied = (labels: string) => labels.includes('code="applied"');
  return {
    applied: sum('croupier_outcomes_total', (labels) => isBet(labels) && isApplied(labels)),
    other: sum('croupier_outcomes_total', (labels) => isBet(labels) && !isApplied(labels)),
    batches: sum('croupier_batch_movements_count'),
    movements: sum('croupier_batch_movements_sum'),
  };
}
