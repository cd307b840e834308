/** A copy of the tree in which one mutant after the other is planted and its killer run. */
import { spawn, type ChildProcess } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const COPIED = ['src', 'libs', 'migrations', 'tools', 'test', 'package.json', 'tsconfig.json', 'jest.config.mjs', '.swcrc'];
const JEST = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning', 'node_modules/jest/bin/jest.js'];
const END_WITHIN_MS = 90_000;

export interface Run {
  readonly spec: string;
  /** parts of the names of the tests that run; all, where none is named */
  readonly tests: readonly string[];
  /** relative path → text in place of the tree's */
  readonly changed: ReadonlyMap<string, string>;
}

/** As the reporter writes it. */
type Result = { [part in 'failed' | 'message' | 'broken']?: string } & { passed?: number };

/** `failed` names the test that went red; `broken` says why nothing was tested. */
export type Outcome = { readonly passed: number } | { readonly failed: string } | { readonly broken: string };

export interface Slot {
  run(run: Run): Promise<Outcome>;
  /** ends what is running */
  stop(): void;
}

export function makeSlot(root: string, dir: string, superuserUrl: string): Slot {
  mkdirSync(dir, { recursive: true });
  for (const name of COPIED) cpSync(join(root, name), join(dir, name), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(dir, 'node_modules'));
  let child: ChildProcess | undefined;
  return {
    async run({ spec, tests, changed }) {
      for (const [path, text] of changed) writeFileSync(join(dir, path), text);
      const result = join(dir, 'result.json');
      rmSync(result, { force: true });
      // Where the schema itself is the mutant, a cluster migrated by it is needed; else the one that is there will do.
      const ownCluster = [...changed.keys()].some((path) => path.startsWith('migrations/'));
      const options = [
        '--config', ownCluster ? 'jest.config.mjs' : 'test/mutants/jest.config.mjs', '--cacheDirectory', join(dir, '../cache'),
        '--runInBand', '--watchman=false', '--runTestsByPath', spec, '--reporters', './test/mutants/first-failure.mjs',
        ...(tests.length > 0 ? ['--testNamePattern', tests.map(literally).join('|')] : []),
      ];
      const env = { ...process.env, TEST_SUPERUSER_URL: superuserUrl, MUTANT_RESULT: result };
      child = spawn(process.execPath, [...JEST, ...options], { cwd: dir, stdio: ['ignore', 'ignore', 'pipe'], env });
      const errors = await lastWords(child);
      for (const path of changed.keys()) writeFileSync(join(dir, path), readFileSync(join(root, path)));
      return outcomeOf(existsSync(result) ? readFileSync(result, 'utf8') : undefined, spec, errors);
    },
    stop() {
      child?.kill('SIGTERM');
    },
  };
}

/** Waits for its end, not for ever. */
async function lastWords(child: ChildProcess): Promise<string> {
  let errors = '';
  child.stderr?.on('data', (chunk: Buffer) => { errors += chunk.toString(); });
  const patience = setTimeout(() => child.kill('SIGKILL'), END_WITHIN_MS);
  await new Promise((resolve) => child.once('close', resolve));
  clearTimeout(patience);
  return errors.slice(-500);
}

/** A failure that does not lead to a line of the specification happened before any test: the mutant does not even run. */
function outcomeOf(written: string | undefined, spec: string, errors: string): Outcome {
  if (written === undefined) return { broken: `it ended without a result. ${errors}` };
  const { failed, message, broken, passed } = JSON.parse(written) as Result;
  if (broken) return { broken };
  if (failed) return message?.includes(spec) ? { failed } : { broken: message ?? failed };
  return passed ? { passed } : { broken: 'no test of that name' };
}

const literally = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
