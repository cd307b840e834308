import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { lastWords } from '../../tools/local/child-log.ts';
import { freePort, startPostgres } from '../../tools/local/embedded-postgres.ts';
import { lockFileLines, serverOn } from '../../tools/local/foreign-server.ts';
import { findBinaries, POSTGRES_ENV, postgresIdentity } from '../../tools/local/postgres-binaries.ts';
import { listProcesses } from '../../tools/local/processes.ts';

// `npm start` where it cannot: one sentence that says what to do, exit code 1, and nothing left behind.

const ROOT = join(import.meta.dirname, '../..');
const LAUNCHER = join(process.env['TEST_DIST'] ?? join(ROOT, 'dist'), 'tools/local/start.js');
const NOBODY = 65534;
const weAreRoot = process.getuid?.() === 0;
/** Progress bears the time, the sentence does not. */
const PROGRESS = /^ *\d+\.\d s {2}/;

let home: string;
let port: number;

/** What `npm start` says last; fails unless it ends with 1, in one sentence, without a process or a lock of its own. */
async function refused(dataDir: string, args: readonly string[] = [], as: { uid?: number; gid?: number } = {}): Promise<{ sentence: string; progress: string }> {
  const env = { PATH: process.env['PATH'], DATA_DIR: dataDir, PORT: String(port) };
  const child = spawn(process.execPath, [LAUNCHER, '--no-traffic', ...args], { env, stdio: ['ignore', 'pipe', 'pipe'], cwd: '/', ...as });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (output += text));
  const code = await new Promise((resolve) => child.once('close', resolve));
  const lines = output.trimEnd().split('\n');
  const said = lines.filter((line) => !PROGRESS.test(line));
  expect({ code, said }).toEqual({ code: 1, said: [expect.any(String)] });
  expect(listProcesses().filter(({ command }) => command.includes(`-D ${dataDir}/`))).toEqual([]);
  const left = existsSync(dataDir) ? readdirSync(dataDir) : [];
  expect(left.filter((name) => /^(lock|demo\.json)|\.new-|\.\d+$/.test(name))).toEqual([]);
  return { sentence: said[0] ?? '', progress: lines.filter((line) => PROGRESS.test(line)).join('\n') };
}

const directory = (name: string): string => {
  const made = join(home, name);
  mkdirSync(made, { recursive: true });
  return made;
};

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'croupier-refused-'));
  chmodSync(home, 0o755); // PostgreSQL runs as another user where the test runs as root
  port = await freePort();
});
afterAll(() => rmSync(home, { recursive: true, force: true, maxRetries: 5 }));

describe('npm start says', () => {
  it('that the port is taken', async () => {
    const squatter = createServer().listen(port, '127.0.0.1');
    const { sentence } = await refused(join(home, 'port'));
    expect(sentence).toBe(`Port ${port} is taken: free it, or choose another with PORT=${port + 1} npm start.`);
    expect(readdirSync(join(home, 'port'))).toEqual([]);
    await new Promise((resolve) => squatter.close(resolve));
  });

  it('that the data is of another PostgreSQL', async () => {
    const data = join(home, 'old');
    mkdirSync(join(data, 'primary'), { recursive: true });
    writeFileSync(join(data, 'primary', 'PG_VERSION'), '16\n');
    const { sentence } = await refused(data);
    expect(sentence).toMatch(/old\/primary was made by PostgreSQL 16, this is PostgreSQL 18: move it away, or start with --fresh\.$/);
  });

  it('that the data directory is a file', async () => {
    const file = join(home, 'file');
    writeFileSync(file, 'kept');
    for (const dataDir of [`${file}/var`, `${file}/deep/var`]) {
      expect((await refused(dataDir)).sentence).toBe(`${file} is no directory: choose another directory with DATA_DIR=… npm start.`);
    }
    expect(readFileSync(file, 'utf8')).toBe('kept');
  });

  it('that it has no right to the data directory, to one above it, or to a file in it, and whose it is', async () => {
    // As root we have every right, so it is asked as somebody who has none.
    const as = weAreRoot ? { uid: NOBODY, gid: NOBODY } : {};
    const theirs = directory('theirs');
    chmodSync(theirs, weAreRoot ? 0o755 : 0o555);
    const why = weAreRoot ? 'it belongs to another user (uid 0): run npm start as that user' : 'its permissions keep us out: chmod it';
    const sentence = `We have no right to ${theirs}, ${why}, or choose another directory with DATA_DIR=… npm start.`;
    expect((await refused(theirs, [], as)).sentence).toBe(sentence);
    expect((await refused(join(theirs, 'deep/var'), [], as)).sentence).toBe(sentence);

    const open = directory('open');
    chmodSync(open, 0o777);
    writeFileSync(join(open, 'secrets.json'), '{}', { mode: weAreRoot ? 0o600 : 0o000 });
    expect((await refused(open, [], as)).sentence).toBe(sentence.replace(theirs, join(open, 'secrets.json')));
  });
});

it('a port that is chosen for a server is none that Linux or macOS, as they are installed, give to connections', async () => {
  const chosen = await Promise.all(Array.from({ length: 200 }, freePort));
  expect(chosen.filter((port) => port < 1_024 || port >= 32_768)).toEqual([]);
});

describe('a PostgreSQL that somebody else has started on the data', () => {
  let data: string;
  let foreign: ChildProcess;

  beforeAll(async () => {
    data = directory('foreign');
    const dir = join(data, 'primary');
    await (await startPostgres({ dir, sync: false })).stop();
    const identity = postgresIdentity(dir);
    const { postgres } = findBinaries(identity, () => {});
    const args = ['-D', dir, '-c', `port=${await freePort()}`, '-c', 'listen_addresses=127.0.0.1', '-c', 'unix_socket_directories='];
    foreign = spawn(postgres, args, { ...identity, cwd: '/', env: POSTGRES_ENV, stdio: 'ignore' });
    for (let i = 0; i < 400 && lockFileLines(dir)[7]?.trim() !== 'ready'; i++) await pause(25);
  });
  afterAll(async () => {
    foreign.kill('SIGQUIT');
    await new Promise((resolve) => (foreign.exitCode === null ? foreign.once('exit', resolve) : resolve(0)));
  });

  it.each([[[]], [['--fresh']]])('is named and left alone, with its lock and its data: npm start %j', async (args) => {
    const dir = join(data, 'primary');
    const lock = readFileSync(join(dir, 'postmaster.pid'), 'utf8');
    const child = spawn(process.execPath, [LAUNCHER, ...args], { env: { PATH: process.env['PATH'], DATA_DIR: data, PORT: String(port) }, stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    child.stderr.on('data', (text) => (said += text));
    expect(await new Promise((resolve) => child.once('close', resolve))).toBe(1);
    expect(said).toBe(`A PostgreSQL that npm start did not start (process ${foreign.pid}) uses ${dir}: stop it first, or choose another directory with DATA_DIR=… npm start.\n`);
    expect(readFileSync(join(dir, 'postmaster.pid'), 'utf8')).toBe(lock);
    expect([foreign.exitCode, existsSync(join(dir, 'PG_VERSION')), existsSync(join(data, 'lock'))]).toEqual([null, true, false]);
  });

  it('is told from a process that was only given the id of a dead one', () => {
    const stale = directory('stale');
    writeFileSync(join(stale, 'postmaster.pid'), `${process.pid}\n${stale}\n`);
    expect([serverOn(join(data, 'primary')), serverOn(stale), serverOn(home)]).toEqual([foreign.pid, undefined, undefined]);
  });
});

describe('a disk', () => {
  const mounted: string[] = [];
  /** A file system of its own in memory; where nobody may mount one, the tests below say so in their names and look at the rest. */
  const mount = (at: string, options: string): boolean => {
    if (spawnSync('mount', ['-t', 'tmpfs', '-o', `${options},mode=755`, 'tmpfs', at]).status !== 0) return false;
    mounted.push(at);
    return true;
  };
  const probe = mkdtempSync(join(tmpdir(), 'croupier-mount-'));
  const mayMount = mount(probe, 'size=1m');
  const unless = mayMount ? '' : ' — NOT SEEN HERE: mounting a small file system takes root and the right to mount';

  afterAll(() => {
    for (const at of mounted) spawnSync('umount', [at]);
    rmSync(probe, { recursive: true, force: true });
  });

  it(`without any space has it told before the lock is taken${unless}`, async () => {
    const full = directory('full');
    if (!mayMount || !mount(full, 'size=4k')) return;
    writeFileSync(join(full, 'all-there-was'), 'x');
    expect((await refused(join(full, 'var'))).sentence).toMatch(/^There is no space left on the disk that holds .*\/full\/var: free some/);
  });

  // Where it gets to: the first file of ours, initdb, the copy for the replica, the first migration.
  it.each([['4k'], ['20m'], ['60m'], ['116m']])(`of %s that fills up is warned of and told as such${unless}`, async (size) => {
    const small = directory(`disk-${size}`);
    if (!mayMount || !mount(small, `size=${size}`)) return;
    const { sentence, progress } = await refused(join(small, 'var'));
    expect(sentence).toBe(`There is no space left on the disk that holds ${small}/var: free some, 1 GB or more, or choose another directory with DATA_DIR=… npm start.`);
    expect(progress).toMatch(new RegExp(`warning: only \\d+ MB are free on the disk that holds ${small}/var; a run may need 1 GB`));
  }, 90_000);

  it(`that can only be read is told as such${unless}`, async () => {
    const still = directory('still');
    if (!mayMount || !mount(still, 'size=1m')) return;
    spawnSync('mount', ['-o', 'remount,ro', still]);
    expect((await refused(join(still, 'var'))).sentence).toBe(`${still} is on a file system that can only be read: choose another directory with DATA_DIR=… npm start.`);
  });
});

describe('a server that refuses to start', () => {
  it('has its reason told, also where its log went on behind it', () => {
    const path = join(home, 'server.log');
    const lines = Array.from({ length: 300 }, (_, i) => `{"msg":"Mapped route ${i}"}`);
    writeFileSync(path, ['{"msg":"before"}', 'Croupier cannot start: setting PORT: too small', 'setting HOST: too short', ...lines, ''].join('\n'));
    expect(lastWords({ path, from: 0 })).toBe('Croupier cannot start: setting PORT: too small; setting HOST: too short');
    writeFileSync(path, 'one\ntwo\n');
    expect(lastWords({ path, from: 0 })).toBe('one | two');
  });
});

describe('the set-up, on whatever Node there is', () => {
  let checkout: string;

  beforeAll(() => {
    checkout = directory('checkout');
    mkdirSync(join(checkout, 'tools'));
    for (const file of ['tools/setup.mjs', 'package.json', 'package-lock.json']) cpSync(join(ROOT, file), join(checkout, file));
  });

  interface Pretence { node?: string; platform?: string; path?: string; uid?: number }

  /** tools/setup.mjs of the checkout, in a Node that takes itself for another one. */
  const setUp = ({ node = process.versions.node, platform = process.platform, path = '/nowhere', uid }: Pretence) => {
    const pretence = `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '${node}' } });
      Object.defineProperty(process, 'platform', { value: '${platform}' });`;
    const args = ['--import', `data:text/javascript,${encodeURIComponent(pretence)}`, join(checkout, 'tools/setup.mjs')];
    const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8', env: { PATH: path }, ...(uid !== undefined && { uid, gid: uid }) });
    return { status, stderr };
  };

  it.each([['18.20.8'], ['16.0.0'], ['12.22.12']])('says that Node %s is too old', (node) => {
    expect(setUp({ node })).toEqual({
      status: 1, stderr: `Croupier needs Node 20 or newer to set itself up, and this is Node ${node}: install a newer one from nodejs.org.\n`,
    });
  });

  it('says that npm is missing', () => {
    expect(setUp({})).toEqual({ status: 1, stderr: 'npm is not to be found: it comes with Node; put both on the PATH, or install them from nodejs.org.\n' });
  });

  it('says that the lock file has no Node for this machine, unless the one that is there will do', () => {
    const { status, stderr } = setUp({ node: '22.1.0', platform: 'sunos' });
    expect([status, stderr]).toEqual([1, expect.stringMatching(
      /^The lock file has no Node for sunos on \w+ \(it has: darwin on arm64, darwin on x64, linux on arm64, linux on x64\), and this one is 22\.1\.0: install Node 24\.18 or newer from nodejs\.org\.\n$/)]);
    expect(setUp({ node: '24.18.0', platform: 'sunos' }).stderr).toMatch(/^npm is not to be found/);
    expect(setUp({ node: '24.17.9', platform: 'sunos' }).stderr).toMatch(/^The lock file has no Node/);
  });

  it('says that the Node of the lock file does not run here', () => {
    const bin = directory('bin');
    const broken = '#!/bin/sh\necho "libc.so.6: version GLIBC_2.28 not found" >&2\nexit 127\n';
    const npm = `#!/bin/sh\nmkdir -p node_modules/.bin\nprintf '%s' '${broken}' > node_modules/.bin/node\nchmod 755 node_modules/.bin/node\n`;
    writeFileSync(join(bin, 'npm'), npm, { mode: 0o755 });
    expect(setUp({ path: `${bin}:/usr/bin:/bin` })).toEqual({
      status: 1,
      stderr: 'The Node of the lock file does not run on this machine (libc.so.6: version GLIBC_2.28 not found): use a Linux with glibc or macOS, on x64 or arm64.\n',
    });
    expect(existsSync(join(checkout, 'node_modules/.croupier-installed'))).toBe(false);
    rmSync(join(checkout, 'node_modules'), { recursive: true });
  });

  it('says that npm failed, with how', () => {
    const bin = directory('failing');
    writeFileSync(join(bin, 'npm'), '#!/bin/sh\nexit 7\n', { mode: 0o755 });
    expect(setUp({ path: `${bin}:/usr/bin:/bin` })).toEqual({ status: 1, stderr: expect.stringMatching(/^npm ci ended with 7(; only .*)?\.\n$/) });
  });

  it('says that the checkout cannot be written to', () => {
    if (!weAreRoot) chmodSync(checkout, 0o555);
    const { status, stderr } = setUp({ uid: weAreRoot ? NOBODY : undefined });
    if (!weAreRoot) chmodSync(checkout, 0o755);
    expect([status, stderr]).toEqual([1, `We have no right to write to ${checkout}/: does the checkout belong to another user?\n`]);
  });
});
