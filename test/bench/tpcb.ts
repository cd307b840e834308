/** PostgreSQL's own short transaction: pgbench's TPC-B, or, where the machine has no pgbench, a stand-in that is never called S1. */
import { execFile, fork } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cpuOf, cpuOfEndedChildren, cpuOfFamily } from './cpu.ts';
import { listenTo } from './generators.ts';
import type { Ground } from './ground.ts';
import { makeTables } from './tpcb-tables.ts';

export interface TpcbSample {
  readonly clients: number;
  readonly perSecond: number;
  readonly latencyMs: number;
  readonly postgresUs: number;
  readonly loadUs: number;
}

export interface Tpcb {
  /** false: the stand-in */
  readonly genuine: boolean;
  readonly describes: string;
  run(clients: number, seconds: number): Promise<TpcbSample>;
}

const DATABASE = 'tpcb';
const DEBIAN = '/usr/lib/postgresql';

/** Debian's own path first: what stands on PATH there is a wrapper that costs CPU time. */
async function findPgbench(): Promise<{ program: string; version: string } | undefined> {
  const versions = existsSync(DEBIAN) ? readdirSync(DEBIAN).sort((a, b) => Number(b) - Number(a)) : [];
  for (const program of [...versions.map((version) => join(DEBIAN, version, 'bin/pgbench')), 'pgbench']) {
    const said = await promisify(execFile)(program, ['--version']).catch(() => undefined);
    if (said) return { program, version: said.stdout.trim() };
  }
  return undefined;
}

export async function prepareTpcb(ground: Ground, scale: number, seed: number): Promise<Tpcb> {
  const { postgres, superuser } = ground;
  await superuser.query(`create database ${DATABASE}`);
  const url = postgres.superuserUrl(DATABASE);
  const found = await findPgbench();
  const family = () => cpuOfFamily(postgres.pid);
  if (!found) {
    await makeTables(url, scale);
    const run = (clients: number, seconds: number) => standIn(url, scale, clients, seconds, family);
    return { genuine: false, describes: `stand-in through pg, scale ${scale}`, run };
  }
  const { username, password } = new URL(url);
  const env = { PATH: process.env['PATH'] ?? '', PGPASSWORD: decodeURIComponent(password) };
  const where = ['-h', postgres.host, '-p', String(postgres.port), '-U', username];
  const pgbench = async (args: readonly string[]) =>
    (await promisify(execFile)(found.program, [...where, ...args, DATABASE], { env })).stdout;
  await pgbench(['-i', '-q', '-I', 'dtGvp', '-s', String(scale)]);
  return {
    genuine: true,
    describes: `${found.version}, -M prepared, scale ${scale}`,
    async run(clients, seconds) {
      const before = { server: family(), ended: cpuOfEndedChildren() };
      const said = await pgbench(['-M', 'prepared', '-c', String(clients), '-j', '2', '-T', String(seconds), `--random-seed=${seed}`]);
      const number = (pattern: RegExp) => Number(pattern.exec(said)?.[1] ?? NaN);
      const transactions = number(/number of transactions actually processed: (\d+)/);
      return {
        clients, perSecond: number(/^tps = ([\d.]+)/m), latencyMs: number(/latency average = ([\d.]+)/),
        postgresUs: ((family() - before.server) * 1e6) / transactions, loadUs: ((cpuOfEndedChildren() - before.ended) * 1e6) / transactions,
      };
    },
  };
}

async function standIn(url: string, scale: number, clients: number, seconds: number, family: () => number): Promise<TpcbSample> {
  const child = fork(join(import.meta.dirname, 'tpcb-child.ts'), [JSON.stringify({ url, scale, clients, seconds })]);
  try {
    const said = listenTo(child);
    await said<'begun'>();
    const before = { server: family(), load: cpuOf(child.pid as number) };
    const { transactions, elapsed } = await said<{ transactions: number; elapsed: number }>();
    return {
      clients, perSecond: transactions / elapsed, latencyMs: (clients * elapsed * 1e3) / transactions,
      postgresUs: ((family() - before.server) * 1e6) / transactions,
      loadUs: ((cpuOf(child.pid as number) - before.load) * 1e6) / transactions,
    };
  } finally {
    child.kill('SIGKILL');
  }
}
