// Makes a checkout ready to run: packages as the lock file has them, and a build of what is in the working tree.
// Runs on whatever Node is there, before there is any package, so: plain JavaScript, nothing imported but Node itself, and nothing that a
// Node 12.20 could not at least read, so that it can say that it is too old (named imports of newer functions, `await` at the top, `??`).
//   --no-build   packages only
//   --built      note that `nest build` has just made dist from what is there (after `npm run build`)
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

const { accessSync, constants, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } = fs;
const OLDEST_NODE = 20;
const WANTED_BYTES = 1e9;
const LONGEST_TURN_MS = 15 * 60 * 1000;
const ROOT = fileURLToPath(new URL('..', import.meta.url));
const BIN = join(ROOT, 'node_modules', '.bin');
const INSTALLED = join(ROOT, 'node_modules', '.croupier-installed');
const BUILT = join(ROOT, 'dist', '.croupier-built');
const NODE_PACKAGE = /^node_modules\/node(-bin)?-(?=(linux|darwin|win)\b)/;
// One at a time for a checkout; not inside it, where npm would clear it away.
const TURN = join(tmpdir(), `croupier-setup-${createHash('sha256').update(ROOT).digest('hex').slice(0, 16)}.pid`);
const SOURCES = ['src', 'libs', 'migrations', 'tools', 'nest-cli.json', 'tsconfig.json', '.swcrc', 'package-lock.json'];

if (Number(process.versions.node.split('.')[0]) < OLDEST_NODE) {
  fail(`Croupier needs Node ${OLDEST_NODE} or newer to set itself up, and this is Node ${process.versions.node}: install a newer one from nodejs.org.`);
}
setUp().catch((error) => fail(sentenceFor(error) || error.stack));

async function setUp() {
  if (process.argv.includes('--built')) return markBuilt();
  if (ready()) return undefined;
  mustHaveNode();
  accessSync(ROOT, constants.W_OK);
  await takeTurn();
  if (!installed()) await install();
  if (wantsBuild() && !built()) await build();
  return undefined;
}

function ready() {
  return installed() && (!wantsBuild() || built());
}

function wantsBuild() {
  return !process.argv.includes('--no-build');
}

function installed() {
  return contentOf(INSTALLED) === lockFingerprint();
}

function built() {
  return contentOf(BUILT) === sourceFingerprint();
}

function contentOf(file) {
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
}

function lockFingerprint() {
  return createHash('sha256')
    .update(readFileSync(join(ROOT, 'package-lock.json')))
    .update(`${process.platform} ${process.arch}`)
    .digest('hex');
}

/** Path, size and time of every source: also a file that was deleted or put back with its old time makes a difference. */
function sourceFingerprint() {
  const hash = createHash('sha256');
  const add = (path) => {
    const found = statSync(join(ROOT, path));
    if (!found.isDirectory()) hash.update(`${path} ${found.size} ${found.mtimeMs}\n`);
    else for (const name of readdirSync(join(ROOT, path)).sort()) add(join(path, name));
  };
  SOURCES.filter((path) => existsSync(join(ROOT, path))).forEach(add);
  return hash.digest('hex');
}

async function install() {
  const began = Date.now();
  console.log('Installing the packages of package-lock.json (half a minute or so, this once) …');
  // The mark goes first: an installation that is cut off leaves none, and so is done again.
  rmSync(INSTALLED, { force: true });
  // Without our own .bin on the path, or npm would run on the very Node that it is about to replace.
  const path = (process.env.PATH || '').split(delimiter).filter((entry) => !entry.endsWith(`node_modules${sep}.bin`));
  await run('npm', ['ci', '--include=dev', '--include=optional', '--no-audit', '--no-fund', '--loglevel=error'], path.join(delimiter));
  mustRunNode();
  writeFileSync(INSTALLED, lockFingerprint());
  console.log(`Installed in ${seconds(began)} s.`);
}

async function build() {
  const began = Date.now();
  console.log('Building …');
  rmSync(BUILT, { force: true });
  // Taken before the build: a file that is saved meanwhile makes the next start build again.
  const fingerprint = sourceFingerprint();
  await run(join(BIN, 'nest'), ['build'], `${BIN}${delimiter}${process.env.PATH}`);
  markBuilt(fingerprint);
  console.log(`Built in ${seconds(began)} s.`);
}

function markBuilt(fingerprint = sourceFingerprint()) {
  mkdirSync(join(ROOT, 'dist'), { recursive: true });
  writeFileSync(BUILT, fingerprint);
}

/** `npm start` and `npm test` may be called at once on a fresh clone; the second waits for the first. */
async function takeTurn() {
  for (let told = false; !turnTaken(); told = true) {
    const holders = (contentOf(TURN) || '').replace(' ', ' and ');
    if (!told) console.log(`Another set-up of this checkout is at work (process ${holders}); waiting for it …`);
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
  process.on('exit', () => rmSync(TURN, { force: true }));
}

function turnTaken() {
  try {
    writeFileSync(TURN, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
  }
  // Who was killed leaves the file behind. Its npm may live on, and is waited for; an empty file is just being written.
  const holders = (contentOf(TURN) || '').split(' ').filter(Boolean).map(Number);
  const age = existsSync(TURN) ? Date.now() - statSync(TURN).mtimeMs : 0;
  const abandoned = holders.length > 0 ? !holders.some(alive) : age > 2000;
  if (abandoned || age > LONGEST_TURN_MS) rmSync(TURN, { force: true });
  return false;
}

function alive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

async function run(command, args, path) {
  const child = spawn(command, args, { cwd: ROOT, stdio: 'inherit', env: { ...process.env, PATH: path } });
  if (child.pid) writeFileSync(TURN, `${process.pid} ${child.pid}`);
  const passOn = (signal) => child.kill(signal);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, passOn);
  const how = await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => resolve(signal ? `was ended by ${signal}` : code === 0 ? '' : `ended with ${code}`));
  });
  if (!how) return;
  const free = freeBytes();
  const scarce = free < WANTED_BYTES ? `; only ${Math.floor(free / 1e6)} MB are free on the disk that holds ${ROOT}, and it needs 1 GB` : '';
  fail(`${command === 'npm' ? 'npm ci' : 'nest build'} ${how}${scarce}.`);
}

function freeBytes() {
  const { bavail, bsize } = fs.statfsSync(ROOT);
  return bavail * bsize;
}

/** Croupier runs on the Node of the lock file where there is one for this machine, else on one that is new enough. */
function mustHaveNode() {
  if (existsSync(join(BIN, 'node')) || newEnough(process.versions.node)) return;
  const { packages } = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8'));
  const offered = Object.keys(packages).filter((path) => NODE_PACKAGE.test(path));
  if (offered.some((path) => path.endsWith(`-${process.platform}-${process.arch}`))) return;
  const machines = offered.map((path) => path.replace(NODE_PACKAGE, '').replace('-', ' on ')).join(', ');
  fail(
    `The lock file has no Node for ${process.platform} on ${process.arch} (it has: ${machines}), and this one is ${process.versions.node}: `
      + `install Node ${neededNode()} or newer from nodejs.org.`,
  );
}

/** Found out here, not by whoever starts something next. */
function mustRunNode() {
  const node = join(BIN, 'node');
  if (!existsSync(node)) return;
  const { error, status, stderr } = spawnSync(node, ['--version'], { encoding: 'utf8' });
  if (error || status !== 0) {
    const why = error ? error.message : (stderr.trim().split('\n')[0] || `it ended with ${status}`);
    fail(`The Node of the lock file does not run on this machine (${why}): use a Linux with glibc or macOS, on x64 or arm64.`);
  }
}

function neededNode() {
  return JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')).engines.node.replace(/[^\d.]/g, '');
}

function newEnough(version) {
  const [major, minor] = version.split('.').map(Number);
  const [neededMajor, neededMinor = 0] = neededNode().split('.').map(Number);
  return major > neededMajor || (major === neededMajor && minor >= neededMinor);
}

/** What a person can put right; empty for the rest. */
function sentenceFor({ code, path, syscall = '' }) {
  const place = path || ROOT;
  if (code === 'ENOENT' && syscall === 'spawn npm') return 'npm is not to be found: it comes with Node; put both on the PATH, or install them from nodejs.org.';
  if (code === 'ENOSPC' || code === 'EDQUOT') return `There is no space left on the disk that holds ${place}: free some, 1 GB or more.`;
  if (code === 'EROFS') return `${place} is on a file system that can only be read: copy the checkout to where it can be written.`;
  if (code === 'EACCES' || code === 'EPERM') return `We have no right to write to ${place}: does the checkout belong to another user?`;
  return '';
}

function seconds(began) {
  return ((Date.now() - began) / 1000).toFixed(1);
}

function fail(sentence) {
  console.error(sentence);
  process.exit(1);
}
