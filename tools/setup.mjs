// Makes a checkout ready to run: packages as the lock file has them, and a build of what is in the working tree.
// Runs on whatever Node is there, before there is any package, so: plain JavaScript, nothing imported but Node itself.
//   --no-build   packages only
//   --built      note that `nest build` has just made dist from what is there (after `npm run build`)
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

const OLDEST_NODE = 20;
const LONGEST_TURN_MS = 15 * 60_000;
const ROOT = fileURLToPath(new URL('..', import.meta.url));
const BIN = join(ROOT, 'node_modules', '.bin');
const INSTALLED = join(ROOT, 'node_modules', '.croupier-installed');
const BUILT = join(ROOT, 'dist', '.croupier-built');
// One at a time for a checkout; not inside it, where npm would clear it away.
const TURN = join(tmpdir(), `croupier-setup-${createHash('sha256').update(ROOT).digest('hex').slice(0, 16)}.pid`);
const SOURCES = ['src', 'libs', 'migrations', 'tools', 'nest-cli.json', 'tsconfig.json', '.swcrc', 'package-lock.json'];

if (Number(process.versions.node.split('.')[0]) < OLDEST_NODE) {
  fail(`Croupier needs Node ${OLDEST_NODE} or newer to set itself up; this is Node ${process.versions.node}.`);
}
if (process.argv.includes('--built')) markBuilt();
else if (!ready()) {
  await takeTurn();
  if (!installed()) await install();
  if (wantsBuild() && !built()) await build();
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
  const abandoned = holders.length > 0 ? !holders.some(alive) : age > 2_000;
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
  const how = await new Promise((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) => resolve(signal ? `was ended by ${signal}` : code === 0 ? '' : `ended with ${code}`));
  });
  if (how) fail(`${command === 'npm' ? 'npm ci' : 'nest build'} ${how}.`);
}

function seconds(began) {
  return ((Date.now() - began) / 1000).toFixed(1);
}

function fail(sentence) {
  console.error(sentence);
  process.exit(1);
}
