/**
 * `npm run prove`: the long forms of what `npm test` runs, one after the other with the machine to themselves, and the benchmark. Each
 * leaves test/results/<name>.json with seed, commit and machine; the README quotes figures from there only.
 * `npm run prove -- races` runs only the proofs named.
 */
import { execFileSync, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, release, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { jest } from './stages.ts';

const RESULTS = 'test/results';
const seed = randomInt(2 ** 31 - 1);

/** What a long form is: a specification and the sizes it reads from its environment. */
const PROOFS: Readonly<Record<string, { readonly spec: string; readonly sizes: Readonly<Record<string, string>> }>> = {
  model: { spec: 'test/model/', sizes: { MODEL_RUNS: '20000', MODEL_SEED: String(seed) } },
  races: { spec: 'test/faults/races.spec.ts', sizes: { FAULT_RACES: '2000' } },
  'held-wallet': { spec: 'test/faults/held-wallet.spec.ts', sizes: {} },
  'ambiguous-commits': { spec: 'test/faults/ambiguous-commit.spec.ts', sizes: { FAULT_COMMITS: '20000', FAULT_SEED: String(seed) } },
  'crash-points': { spec: 'test/faults/crash-points.spec.ts', sizes: {} },
  feed: { spec: 'test/faults/feed-', sizes: { FAULT_WIPES: '20', FAULT_KILLS: '12', FAULT_POINTS: 'all' } },
  rounds: { spec: 'test/flows/rounds-model.spec.ts', sizes: { MODEL_HISTORIES: '2000', MODEL_SEED: String(seed) } },
  reports: { spec: 'test/flows/reports-histories.spec.ts', sizes: { CALLS: '2000' } },
  kills: { spec: 'test/faults/kill.spec.ts', sizes: { FAULT_KILLS: '12', FAULT_SEED: String(seed) } },
};

interface JestReport {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly testResults: readonly { readonly assertionResults: readonly { readonly fullName: string; readonly status: string; readonly duration: number }[] }[];
}

const run = (args: readonly string[], env: Readonly<Record<string, string>>): Promise<boolean> =>
  new Promise((resolve) => {
    spawn(process.execPath, args, { stdio: 'inherit', env: { ...process.env, ...env } }).once('exit', (code) => resolve(code === 0));
  });

function circumstances(): object {
  const git = (...args: string[]) => execFileSync('git', args, { encoding: 'utf8' }).trim();
  const changed = git('status', '--porcelain', '--untracked-files=no') === '' ? '' : ' with changes';
  const machine = `${cpus().length} × ${cpus()[0]?.model}, ${Math.round(totalmem() / 2 ** 30)} GiB, ${process.platform} ${release()}`;
  return { at: new Date().toISOString(), seed, commit: git('rev-parse', '--short=12', 'HEAD') + changed, machine, node: process.version };
}

async function prove(name: string, scratch: string): Promise<boolean> {
  const { spec, sizes } = PROOFS[name] as (typeof PROOFS)[string];
  const report = join(scratch, `${name}.json`);
  const began = performance.now();
  console.log(`\n── ${name}: ${spec} ${JSON.stringify(sizes)}`);
  const { node } = jest(name, '--runInBand', '--testTimeout=3600000', '--json', `--outputFile=${report}`, spec);
  const well = await run(node, sizes);
  const { numPassedTests: passed, numFailedTests: failed, testResults } = JSON.parse(readFileSync(report, 'utf8')) as JestReport;
  const tests = testResults.flatMap(({ assertionResults }) => assertionResults.map(({ fullName, status, duration }) => ({ test: fullName, status, ms: duration })));
  const seconds = Math.round((performance.now() - began) / 1000);
  writeFileSync(join(RESULTS, `${name}.json`), `${JSON.stringify({ proof: name, ...circumstances(), sizes, seconds, passed, failed, tests }, undefined, 2)}\n`);
  return well;
}

/** What a measurement asks of the benchmark. */
const MEASURES: Readonly<Record<string, readonly string[]>> = {
  bench: [], 'call-log': ['--call-log'], reads: ['--reads', '10m'], exports: ['--exports', '10m'], rebuild: ['--rebuild', '2m'],
};

const asked = process.argv.slice(2);
const unknown = asked.find((name) => !(name in PROOFS) && !(name in MEASURES));
if (unknown) {
  console.error(`There is no proof ${unknown}; there are ${Object.keys({ ...PROOFS, ...MEASURES }).join(', ')}.`);
  process.exit(1);
}
const isWanted = (name: string) => asked.length === 0 || asked.includes(name);
mkdirSync(RESULTS, { recursive: true });
const scratch = mkdtempSync(join(tmpdir(), 'croupier-prove-'));
const failures: string[] = [];
for (const name of Object.keys(PROOFS).filter(isWanted)) if (!(await prove(name, scratch))) failures.push(name);
for (const name of Object.keys(MEASURES).filter(isWanted)) {
  if (!(await run(['test/bench/run.ts', ...(MEASURES[name] ?? []), '--out', RESULTS, '--name', name], {}))) failures.push(name);
}
rmSync(scratch, { recursive: true, force: true });
console.log(failures.length === 0 ? '\nproven' : `\nnot proven: ${failures.join(', ')}`);
process.exitCode = failures.length === 0 ? 0 : 1;
