/** A copy of this checkout for a walk of `docs/extending/`: its commands are run in it as they stand there. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

const ROOT = join(import.meta.dirname, '../..');
const NOT_COPIED = new Set(['node_modules', 'dist', 'var', '.git']);
const INSTALLED = '.croupier-installed';
const run = promisify(execFile);

export interface Typed {
  readonly status: number;
  readonly output: string;
}

export class Checkout {
  private readonly before: ReadonlyMap<string, string>;

  private constructor(readonly dir: string) {
    this.before = contents(dir);
  }

  static async copied(): Promise<Checkout> {
    const dir = mkdtempSync(join(tmpdir(), 'croupier-new-'));
    chmodSync(dir, 0o755);
    const { stdout } = await run('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: ROOT, maxBuffer: 1e8 });
    for (const path of stdout.split('\0').filter((each) => each !== '' && !each.startsWith('test/results/') && existsSync(join(ROOT, each)))) {
      mkdirSync(dirname(join(dir, path)), { recursive: true });
      cpSync(join(ROOT, path), join(dir, path));
    }
    linkPackages(dir);
    return new Checkout(dir);
  }

  remove(): void {
    rmSync(this.dir, { recursive: true, force: true });
  }

  /** What a reader would type: whole lines of a block, in one shell. */
  async typed(script: string): Promise<Typed> {
    // Without what Jest hands on: the reader has no Jest around him.
    const { NODE_OPTIONS: _, JEST_WORKER_ID: __, ...env } = process.env;
    try {
      const { stdout, stderr } = await run('bash', ['-ec', script], { cwd: this.dir, env, maxBuffer: 1e8 });
      return { status: 0, output: stdout + stderr };
    } catch (error) {
      const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
      return { status: code, output: stdout + stderr };
    }
  }

  /** Paths of what is new or other than it was, and of what is gone, in order. */
  touched(): { readonly changed: readonly string[]; readonly gone: readonly string[] } {
    const after = contents(this.dir);
    return {
      changed: [...after].filter(([path, hash]) => this.before.get(path) !== hash).map(([path]) => path).toSorted(),
      gone: [...this.before.keys()].filter((path) => !after.has(path)),
    };
  }

  path(name: string): string {
    return join(this.dir, name);
  }
}

/**
 * A folder of its own with a link to each package, never a link to the folder: `npm ci` empties what it finds there, and through a link that would be
 * the packages of this checkout. With the note of tools/setup.mjs that they are there, so that it installs none.
 */
function linkPackages(dir: string): void {
  const packages = join(dir, 'node_modules');
  mkdirSync(packages);
  for (const name of readdirSync(join(ROOT, 'node_modules')).filter((each) => each !== INSTALLED)) symlinkSync(join(ROOT, 'node_modules', name), join(packages, name));
  const lock = readFileSync(join(ROOT, 'package-lock.json'));
  writeFileSync(join(packages, INSTALLED), createHash('sha256').update(lock).update(`${process.platform} ${process.arch}`).digest('hex'));
}

/** The shell blocks of a page of `docs/extending/`. */
export const blocksOf = (page: string): readonly string[] =>
  [...readFileSync(join(ROOT, 'docs/extending', page), 'utf8').matchAll(/^```sh\n(.*?)^```$/gms)].map(([, script]) => script as string);

const files = (dir: string, below = ''): string[] => readdirSync(join(dir, below)).flatMap((name) => {
  const path = join(below, name);
  if (NOT_COPIED.has(path)) return [];
  return statSync(join(dir, path)).isDirectory() ? files(dir, path) : [path];
});
const contents = (dir: string) => new Map(files(dir).map((path) => [path, createHash('sha256').update(readFileSync(join(dir, path))).digest('hex')]));
