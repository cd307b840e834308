import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { createHash, randomBytes, randomInt } from 'node:crypto';
import {
  chmodSync, chownSync, closeSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { basename, dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { CannotStart } from './cannot-start.ts';
import { endOf, lastLines, lastWords, openLog, type LogPart } from './child-log.ts';
import { dataDirectory, findBinaries, makeReachable, POSTGRES_ENV, postgresIdentity } from './postgres-binaries.ts';
import type { Binaries, Identity } from './postgres-binaries.ts';
import { lockFileLines, serverOn } from './foreign-server.ts';
import { processesMentioning, signalProcess, untilGone } from './processes.ts';

export interface PostgresOptions {
  /** The data directory; made by initdb when it is not there. */
  dir: string;
  /** A port that must be had; without it a free one is taken. */
  port?: number;
  /** Server settings, passed on the command line and so visible to `ps`: no secrets. */
  settings?: Record<string, string | number | boolean>;
  /** The superuser's password; without it the one in `<dir>.password`, made there when missing. */
  password?: string;
  /** `false` for throw-away clusters of tests: nothing is ever flushed. */
  sync?: boolean;
  readyWithinMs?: number;
  /** Gives a start up that nobody waits for any more, and leaves no process of it. */
  signal?: AbortSignal;
  progress?: (sentence: string) => void;
}

export interface RunningPostgres {
  port: number;
  pid: number;
  host: '127.0.0.1';
  /** Where the data really is, see `dataDirectory`. */
  dir: string;
  superuserUrl(database: string): string;
  /** Resolves when the server process has ended, whatever ended it. */
  exited: Promise<void>;
  /** The end of its log, of this launch only. */
  log(): string;
  stop(mode?: StopMode): Promise<void>;
  /** A crash: SIGKILL for the server and all its children, at once. */
  kill(): void;
}

export type StopMode = 'smart' | 'fast' | 'immediate';

const SUPERUSER = 'postgres';
const MOST_PORTS = 100;
const STOP_SIGNAL = { smart: 'SIGTERM', fast: 'SIGINT', immediate: 'SIGQUIT' } as const;
const UNSYNCED = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' };

/**
 * Nobody listens there now. Below the ports that Linux and macOS give to connections by themselves, so that none is given this one before whoever asked
 * listens on it.
 */
export async function freePort(): Promise<number> {
  for (let tries = 1; ; tries++) {
    const port = randomInt(16_384, 32_768);
    const probe = createServer();
    const error = await new Promise<NodeJS.ErrnoException | undefined>((resolve) => probe.once('error', resolve).listen(port, '127.0.0.1', () => resolve(undefined)));
    if (!error) {
      await new Promise((resolve) => probe.close(resolve));
      return port;
    }
    if (tries === MOST_PORTS || (error.code !== 'EADDRINUSE' && error.code !== 'EACCES')) throw error;
  }
}

/**
 * Starts the PostgreSQL of the npm package on `dir`, in a session of its own, so that a Ctrl-C reaches only the launcher.
 * Whatever an earlier launcher left on the directory (a server still running, a stale lock file) is cleared away first;
 * a caller who may have rivals on one directory takes a lock of his own before.
 */
export async function startPostgres(options: PostgresOptions): Promise<RunningPostgres> {
  const progress = options.progress ?? (() => {});
  const dir = dataDirectory(options.dir, progress);
  const identity = postgresIdentity(dir);
  const binaries = findBinaries(identity, progress);
  const password = options.password ?? keptPassword(dir);

  await stopLeftovers(dir);
  if (existsSync(join(dir, 'PG_VERSION'))) checkVersion(dir, binaries);
  else createCluster(dir, binaries, identity, password, options.sync !== false);

  // Somebody else may take a free port between the look and the start; then another one does as well.
  for (let attempt = 1; ; attempt++) {
    const port = options.port ?? (await freePort());
    const launched = launch(dir, port, binaries, identity, options);
    try {
      await untilReady(launched, dir, options);
      return running(launched, dir, port, password);
    } catch (error) {
      const portTaken = error instanceof CannotStart && error.message.includes('Address already in use');
      if (!portTaken || options.port !== undefined || attempt === 3) throw error;
    }
  }
}

/** Removes a cluster with its password and logs; nothing may run on it. */
export async function removePostgres(askedDir: string): Promise<void> {
  const dir = dataDirectory(askedDir);
  await stopLeftovers(dir);
  removeInterrupted(dir);
  for (const path of [dir, passwordFile(dir), `${dir}.log`, `${dir}.log.1`]) rmSync(path, { recursive: true, force: true });
}

/** Writes a file that only PostgreSQL's own user can read. */
export function writeForPostgres(path: string, text: string, identity: Identity): void {
  writeFileSync(path, text, { mode: 0o600 });
  giveTo(path, identity);
}

/** Makes an empty directory that PostgreSQL accepts as its own. */
export function makeDataDirectory(dir: string, identity: Identity): void {
  makeReachable(dirname(dir));
  mkdirSync(dir);
  chmodSync(dir, 0o700);
  giveTo(dir, identity);
}

function giveTo(path: string, { uid, gid }: Identity): void {
  if (uid !== undefined && gid !== undefined) chownSync(path, uid, gid);
}

function passwordFile(dir: string): string {
  return `${dir}.password`;
}

function keptPassword(dir: string): string {
  const file = passwordFile(dir);
  if (existsSync(file)) return readFileSync(file, 'utf8').trim();
  if (existsSync(join(dir, 'PG_VERSION'))) throw new CannotStart(`The superuser's password of ${dir} is gone: ${file} is missing.`);
  const password = randomBytes(24).toString('hex');
  makeReachable(dirname(file));
  writeFileSync(file, `${password}\n`, { mode: 0o600 });
  return password;
}

/** Appears in the command line of the server and of each of its children, so all of them can be found by it. */
function clusterName(dir: string): string {
  return `croupier-${createHash('sha256').update(dir).digest('hex').slice(0, 16)}`;
}

function processesOf(dir: string): { pid: number; command: string }[] {
  return processesMentioning(clusterName(dir));
}

async function stopLeftovers(dir: string): Promise<void> {
  const left = processesOf(dir);
  for (const { pid, command } of left) {
    // The children have rewritten their command lines; only the server itself still shows its arguments.
    if (command.includes(`cluster_name=${clusterName(dir)}`)) signalProcess(pid, STOP_SIGNAL.fast);
  }
  if (left.length > 0 && !(await untilGone(() => processesOf(dir), 20_000))) {
    killAll(dir);
    await untilGone(() => processesOf(dir), 5_000);
  }
  const foreign = serverOn(dir);
  if (foreign !== undefined) {
    throw new CannotStart(
      `A PostgreSQL that npm start did not start (process ${foreign}) uses ${dir}: stop it first, or choose another directory with DATA_DIR=… npm start.`,
    );
  }
  // Nothing runs here now, so a lock file is a dead server's. Its process id may since be somebody else's,
  // which PostgreSQL would take for a rival.
  rmSync(join(dir, 'postmaster.pid'), { force: true });
}

function killAll(dir: string): void {
  for (const { pid } of processesOf(dir)) signalProcess(pid, 'SIGKILL');
}

function checkVersion(dir: string, binaries: Binaries): void {
  const found = readFileSync(join(dir, 'PG_VERSION'), 'utf8').trim();
  if (found === binaries.majorVersion) return;
  const ours = `this is PostgreSQL ${binaries.majorVersion}`;
  throw new CannotStart(`The data directory ${dir} was made by PostgreSQL ${found}, ${ours}: move it away, or start with --fresh.`);
}

/** initdb into a directory aside, renamed when complete: one that was interrupted never passes for a cluster. */
function createCluster(dir: string, binaries: Binaries, identity: Identity, password: string, sync: boolean): void {
  if (existsSync(dir) && readdirSync(dir).length > 0) {
    throw new CannotStart(`The directory ${dir} holds something that is no PostgreSQL cluster.`);
  }
  removeInterrupted(dir);
  const aside = `${dir}.new-${randomBytes(4).toString('hex')}`;
  const passwordAside = `${aside}.password`;
  try {
    makeDataDirectory(aside, identity);
    writeForPostgres(passwordAside, password, identity);
    const made = spawnSync(
      binaries.initdb,
      [
        '-D', aside, '-U', SUPERUSER, '-A', 'scram-sha-256', `--pwfile=${passwordAside}`, '-E', 'UTF8',
        '--locale-provider=builtin', '--builtin-locale=C.UTF-8', '--data-checksums', '--no-instructions', ...(sync ? [] : ['--no-sync']),
      ],
      { ...identity, cwd: '/', env: POSTGRES_ENV, encoding: 'utf8' },
    );
    if (made.status !== 0) throw new CannotStart(`initdb failed in ${dir}: ${made.error?.message ?? lastLines(made.stderr)}`);
    rmSync(dir, { recursive: true, force: true });
    renameSync(aside, dir);
  } finally {
    rmSync(passwordAside, { force: true });
    rmSync(aside, { recursive: true, force: true });
  }
}

function removeInterrupted(dir: string): void {
  if (!existsSync(dirname(dir))) return;
  for (const name of readdirSync(dirname(dir))) {
    if (name.startsWith(`${basename(dir)}.new-`)) rmSync(join(dirname(dir), name), { recursive: true, force: true });
  }
}

interface Launched {
  child: ChildProcess;
  log: LogPart;
}

function launch(dir: string, port: number, binaries: Binaries, identity: Identity, options: PostgresOptions): Launched {
  const settings: Record<string, string | number | boolean> = {
    timezone: 'UTC',
    log_timezone: 'UTC',
    ...(options.sync === false ? UNSYNCED : {}),
    ...options.settings,
    cluster_name: clusterName(dir),
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    port,
  };
  const { file, part } = openLog(`${dir}.log`);
  const asArguments = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  try {
    const child = spawn(binaries.postgres, ['-D', dir, ...asArguments], {
      ...identity,
      cwd: '/',
      env: POSTGRES_ENV,
      detached: true,
      stdio: ['ignore', file, file],
    });
    child.unref();
    return { child, log: part };
  } finally {
    closeSync(file);
  }
}

/** The server itself keeps its state in the eighth line of its lock file; no connection is needed to see it. */
async function untilReady({ child, log }: Launched, dir: string, { readyWithinMs: withinMs = 120_000, signal }: PostgresOptions): Promise<void> {
  let failure: Error | undefined;
  child.once('error', (error) => (failure = error));
  const deadline = performance.now() + withinMs;
  while (!failure && child.exitCode === null && child.signalCode === null) {
    const [pid, , , , , , , state] = lockFileLines(dir);
    if (Number(pid) === child.pid && state?.trim() === 'ready') return;
    if (signal?.aborted) {
      killAll(dir);
      throw signal.reason;
    }
    if (performance.now() > deadline) {
      killAll(dir);
      throw new CannotStart(`PostgreSQL on ${dir} was not ready within ${withinMs / 1000} s: ${lastWords(log)}`);
    }
    await pause(15);
  }
  throw new CannotStart(`PostgreSQL did not start on ${dir}: ${failure?.message ?? lastWords(log)}`);
}

function running({ child, log }: Launched, dir: string, port: number, password: string): RunningPostgres {
  const pid = child.pid as number;
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  // A launcher that ends without a stop still takes its server along; the server needs no help to shut down.
  const onExit = (): void => signalProcess(pid, STOP_SIGNAL.fast);
  process.once('exit', onExit);
  void exited.then(() => process.removeListener('exit', onExit));

  return {
    port,
    pid,
    host: '127.0.0.1',
    dir,
    superuserUrl: (database) => `postgres://${SUPERUSER}:${encodeURIComponent(password)}@127.0.0.1:${port}/${database}`,
    exited,
    log: () => endOf(log),
    async stop(mode = 'fast') {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.ref();
      signalProcess(pid, STOP_SIGNAL[mode]);
      const patience = setTimeout(() => killAll(dir), 30_000);
      await exited;
      clearTimeout(patience);
    },
    kill() {
      child.ref();
      signalProcess(pid, 'SIGKILL'); // first the parent, or it would answer a child's death with a restart
      killAll(dir);
    },
  };
}
