/**
 * `npm run mutants`: plants each bug of `patches/` into a copy of the tree and runs the specification that has to find it.
 * A mutant that survives, does not apply or does not compile is a failure; so is a specification that is red without any.
 * `npm run mutants -- rollback` runs those whose name holds the word. MUTANTS_ONE_IN=3 draws a third of them, others at each run.
 */
import { createHash, randomInt } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startCluster } from '../support/cluster.ts';
import { allMutants, apply, type Mutant } from './patches.ts';
import { makeSlot, type Outcome, type Slot } from './slot.ts';
import { typeChecker } from './types.ts';

const SLOTS = 2;
const ROOT = join(import.meta.dirname, '../..');

interface Verdict {
  readonly mutant: string;
  readonly rule: string;
  readonly killed: boolean;
  /** the test that went red, or why none did */
  readonly by: string;
  readonly seconds: number;
}

const typeErrors = typeChecker(ROOT);

function planted({ files }: Mutant): Map<string, string> {
  return new Map([...files].map(([path, hunks]) => [path, apply(readFileSync(join(ROOT, path), 'utf8'), hunks)]));
}

async function judge(slot: Slot, mutant: Mutant): Promise<Omit<Verdict, 'seconds'>> {
  const { name, rule, killer, test } = mutant;
  const verdict = (killed: boolean, by: string) => ({ mutant: name, rule, killed, by });
  let changed: Map<string, string>;
  try {
    changed = planted(mutant);
  } catch (error) {
    return verdict(false, `does not apply: ${(error as Error).message}`);
  }
  const [wrong] = typeErrors(changed);
  if (wrong) return verdict(false, `does not compile: ${wrong}`);
  const outcome = await slot.run({ spec: killer, tests: test ? [test] : [], changed });
  return verdict('failed' in outcome, said(killer, outcome));
}

function said(spec: string, outcome: Outcome): string {
  if ('failed' in outcome) return `${spec.split('/').at(-1)} › ${outcome.failed}`;
  return 'broken' in outcome ? `did not run: ${outcome.broken}` : `SURVIVED ${spec}`;
}

/** What kills must be green where nothing is planted, or its red would mean nothing. */
async function control(slot: Slot, spec: string, mutants: readonly Mutant[]): Promise<Omit<Verdict, 'seconds'>> {
  const tests = mutants.map(({ test }) => test ?? '');
  const outcome = await slot.run({ spec, tests: tests.includes('') ? [] : [...new Set(tests)], changed: new Map() });
  const green = 'passed' in outcome;
  return { mutant: '(nothing planted)', rule: '-', killed: green, by: green ? `${spec.split('/').at(-1)} is green` : said(spec, outcome) };
}

type Task = (slot: Slot) => Promise<Omit<Verdict, 'seconds'>>;

async function work(slots: readonly Slot[], tasks: Task[]): Promise<Verdict[]> {
  const verdicts: Verdict[] = [];
  const stop = (): void => {
    tasks.length = 0;
    for (const slot of slots) slot.stop();
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, stop);
  await Promise.all(slots.map(async (slot) => {
    for (let task = tasks.shift(); task; task = tasks.shift()) {
      const began = performance.now();
      const verdict = { ...(await task(slot)), seconds: Math.round((performance.now() - began) / 100) / 10 };
      verdicts.push(verdict);
      show(verdict);
    }
  }));
  return verdicts;
}

const show = ({ mutant, rule, killed, by, seconds }: Verdict): void =>
  console.log(`${killed ? ' ' : '✗'} ${mutant.padEnd(44)} ${rule.padEnd(12)} ${seconds.toFixed(1).padStart(5)} s  ${by}`);

/** One in so many, by a seed that is printed: MUTANTS_SEED draws the same again. */
function drawn(mutants: readonly Mutant[]): Mutant[] {
  const oneIn = Number(process.env['MUTANTS_ONE_IN'] ?? 1);
  const seed = process.env['MUTANTS_SEED'] ?? String(randomInt(2 ** 31));
  if (oneIn > 1) console.log(`one in ${oneIn} of ${mutants.length} (MUTANTS_SEED=${seed}); all: npm run mutants`);
  return mutants.filter(({ name }) => createHash('sha256').update(`${seed} ${name}`).digest().readUInt32BE() % oneIn === 0);
}

async function main(): Promise<number> {
  const word = process.argv[2] ?? '';
  const mutants = drawn(allMutants().filter(({ name }) => name.includes(word)));
  const base = mkdtempSync(join(tmpdir(), 'croupier-mutants-'));
  chmodSync(base, 0o755);
  const cluster = await startCluster();
  try {
    const url = cluster.postgres.superuserUrl('postgres');
    const slots = Array.from({ length: SLOTS }, (_, i) => makeSlot(ROOT, join(base, `slot-${i}`), url));
    const killers = Map.groupBy(mutants, ({ killer }) => killer);
    console.log(`${mutants.length} mutants, ${killers.size} specifications`);
    console.log(`  ${'mutant'.padEnd(44)} ${'rule'.padEnd(12)}    time  killed by`);
    const verdicts = await work(slots, [
      ...mutants.map((mutant): Task => (slot) => judge(slot, mutant)),
      ...[...killers].map(([spec, its]): Task => (slot) => control(slot, spec, its)),
    ]);
    return report(verdicts);
  } finally {
    await cluster.stop();
    rmSync(base, { recursive: true, force: true });
  }
}

function report(verdicts: readonly Verdict[]): number {
  const failed = verdicts.filter(({ killed }) => !killed).length;
  const counts = { passed: verdicts.length - failed, failed, skipped: 0 };
  mkdirSync(join(ROOT, 'var'), { recursive: true });
  const inOrder = verdicts.toSorted((a, b) => a.mutant.localeCompare(b.mutant));
  writeFileSync(join(ROOT, 'var/mutants.json'), `${JSON.stringify(inOrder, undefined, 2)}\n`);
  const file = process.env['STAGE_COUNTS'];
  if (file) writeFileSync(file, JSON.stringify(counts));
  console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
  return failed > 0 ? 1 : 0;
}

process.exitCode = await main();
