// Mends package-lock.json after `npm install`: npm leaves out optional packages of other platforms when node_modules is there already,
// and writes down the registry it used. `npm ci` has to work on every platform and behind every registry.
//   node tools/lock-complete.mjs                  adds what is missing (asking npm for it) and takes the addresses out
//   node tools/lock-complete.mjs --check [file]   says what is wrong
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const CHECK = process.argv[2] === '--check';
const FILE = (CHECK && process.argv[3]) || fileURLToPath(new URL('../package-lock.json', import.meta.url));

/** Where Node would find `name` for the package at `path`: within it, or further up. */
function entryOf(packages, path, name) {
  const way = path.split(/(?:^|\/)node_modules\//).slice(1);
  for (let depth = way.length; depth >= 0; depth--) {
    const entry = packages[[...way.slice(0, depth), name].map((part) => `node_modules/${part}`).join('/')];
    if (entry) return entry;
  }
  return undefined;
}

/** Optional packages without an entry, and who wants them. */
function missing({ packages }) {
  return Object.entries(packages).flatMap(([path, { optionalDependencies = {} }]) => Object.entries(optionalDependencies)
    .filter(([name]) => !entryOf(packages, path, name))
    .map(([name, version]) => ({ name, version, path })));
}

/** A sentence for each thing that is wrong with a lock file. */
function faults(lock) {
  const entries = Object.entries(lock.packages).filter(([path]) => path !== '');
  return [
    ...missing(lock).map(({ name, path }) => `${name}, optional for ${path || 'the project itself'}, has no entry`),
    ...entries.filter(([, { resolved }]) => resolved !== undefined).map(([path]) => `${path} says where it was fetched from`),
    ...entries.filter(([, { integrity, link }]) => !integrity && !link).map(([path]) => `${path} has no integrity`),
  ];
}

/** What the registry knows of one version, as a lock entry. Only exact versions: a range would have to be resolved as npm does it. */
function ask(name, version, dev) {
  if (!/^\d+\.\d+\.\d+/.test(version)) throw new Error(`${name}@${version} is a range; install it on its own platform instead`);
  const { status, stdout, stderr } = spawnSync('npm', ['view', `${name}@${version}`, '--json', '--loglevel=error'], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`npm view ${name}@${version}: ${stderr.trim()}`);
  const { dist, scripts = {}, cpu, os, libc, license, engines, bin, dependencies, optionalDependencies } = JSON.parse(stdout);
  const hasInstallScript = ['preinstall', 'install', 'postinstall'].some((script) => script in scripts) || undefined;
  // What is undefined is not written.
  const { integrity } = dist;
  const about = { version, integrity, cpu, dev: dev || undefined, hasInstallScript, license, optional: true, os, libc, engines };
  return { ...about, bin, dependencies, optionalDependencies };
}

function mend(lock) {
  for (const entry of Object.values(lock.packages)) delete entry.resolved;
  // What is added may want optional packages itself.
  for (let open = missing(lock); open.length > 0; open = missing(lock)) {
    for (const { name, version, path } of open) {
      lock.packages[`node_modules/${name}`] = ask(name, version, lock.packages[path].dev === true);
    }
  }
  const sorted = Object.entries(lock.packages).toSorted(([a], [b]) => a.localeCompare(b, 'en'));
  return { ...lock, packages: Object.fromEntries(sorted) };
}

const read = () => JSON.parse(readFileSync(FILE, 'utf8'));
if (!CHECK) writeFileSync(FILE, `${JSON.stringify(mend(read()), undefined, 2)}\n`);
const wrong = faults(read());
for (const sentence of wrong) console.error(sentence);
process.exitCode = wrong.length === 0 ? 0 : 1;
