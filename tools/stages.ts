/**
 * Runs commands one after the other, shows what they print, and adds up what they counted. A stage writes its counts as JSON to the
 * file named in STAGE_COUNTS; one that writes none counts as one, passed or failed as it ended.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parentsOfAll, signalProcess, startedAt } from './local/processes.ts';

export interface Stage {
  readonly name: string;
  /** arguments of this Node: its own options, a script, the script's arguments */
  readonly node: readonly string[];
}

export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

const END_WITHIN_MS = 5_000;

const JEST = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning', 'node_modules/jest/bin/jest.js'];
/** They come last: this option takes whatever follows it. */
const REPORTERS = ['--reporters', 'default', './test/support/reporter.mjs'];

export const jest = (name: string, ...options: string[]): Stage => ({ name, node: [...JEST, ...options, ...REPORTERS] });

/** Runs them all, also behind one that failed; the last line printed is the sum. Resolves to the exit code. */
export async function runStages(stages: readonly Stage[]): Promise<number> {
  // What a test leaves behind when it is cut off goes with this directory. PostgreSQL runs as another user where we are root.
  const scratch = mkdtempSync(join(tmpdir(), 'croupier-stages-'));
  chmodSync(scratch, 0o755);
  let running: ChildProcess | undefined;
  let stopped: NodeJS.Signals | undefined;
  let ending: Promise<void> | undefined;
  const stop = (signal: NodeJS.Signals): void => {
    stopped ??= signal;
    ending ??= running && end(running);
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop);

  const counts: Counts[] = [];
  for (const [i, stage] of stages.entries()) {
    if (stopped) break;
    const began = performance.now();
    const title = `── ${i + 1} of ${stages.length}: ${stage.name}`;
    console.log(`\n${title} …`);
    const file = join(scratch, `counts-${i}.json`);
    const env = { ...process.env, TMPDIR: scratch, STAGE_COUNTS: file };
    running = spawn(process.execPath, stage.node, { stdio: ['ignore', 'inherit', 'inherit'], env });
    const counted = countsOf(await ended(running), file);
    running = undefined;
    counts.push(counted);
    console.log(`${title}: ${said(counted)} in ${Math.round((performance.now() - began) / 1000)} s`);
  }
  await ending;
  rmSync(scratch, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  if (stopped) console.log(`\nstopped by ${stopped} after ${counts.length} of ${stages.length} stages`);
  console.log(`\n${said(sum(counts))}`);
  return stopped || counts.some(({ failed }) => failed > 0) ? 1 : 0;
}

const total = (counts: readonly Counts[], of: keyof Counts): number => counts.reduce((soFar, one) => soFar + one[of], 0);
const sum = (counts: readonly Counts[]): Counts =>
  ({ passed: total(counts, 'passed'), failed: total(counts, 'failed'), skipped: total(counts, 'skipped') });
const said = ({ passed, failed, skipped }: Counts): string => `${passed} passed, ${failed} failed, ${skipped} skipped`;

function ended(child: ChildProcess): Promise<boolean> {
  return new Promise((resolve) => {
    child.once('error', () => resolve(false));
    child.once('exit', (code) => resolve(code === 0));
  });
}

/** A stage that ended badly has a failure, whatever it wrote. */
function countsOf(well: boolean, file: string): Counts {
  if (!existsSync(file)) return { passed: well ? 1 : 0, failed: well ? 0 : 1, skipped: 0 };
  const counts = JSON.parse(readFileSync(file, 'utf8')) as Counts;
  return { ...counts, failed: well ? counts.failed : Math.max(counts.failed, 1) };
}

/** Asks a stage to end, and after a while ends what is left of it: test servers and databases, which may be in sessions of their own. */
async function end(child: ChildProcess): Promise<void> {
  const family = descendantsOf(child.pid as number).map((pid) => ({ pid, since: startedAt(pid) }));
  const left = () => family.filter(({ pid, since }) => since !== '' && startedAt(pid) === since);
  child.kill('SIGTERM');
  for (const deadline = performance.now() + END_WITHIN_MS; left().length > 0 && performance.now() < deadline; ) await pause(50);
  for (const { pid } of left()) signalProcess(pid, 'SIGKILL');
}

function descendantsOf(root: number): number[] {
  const parents = parentsOfAll();
  const found = [root];
  for (const parent of found) for (const [pid, its] of parents) if (its === parent) found.push(pid);
  return found;
}
