import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

// The walk through docs/extending/provider.md, done in a copy of this checkout: its commands as they stand there.

const ROOT = join(import.meta.dirname, '../..');
const run = promisify(execFile);
let copy: string;
let before: Map<string, string>;

const files = (dir: string, below = ''): string[] => readdirSync(join(dir, below)).flatMap((name) => {
  const path = join(below, name);
  if (['node_modules', 'dist', 'var', '.git'].includes(path)) return [];
  return statSync(join(dir, path)).isDirectory() ? files(dir, path) : [path];
});
const contents = (dir: string) => new Map(files(dir).map((path) => [path, createHash('sha256').update(readFileSync(join(dir, path))).digest('hex')]));

beforeAll(async () => {
  copy = mkdtempSync(join(tmpdir(), 'croupier-new-'));
  chmodSync(copy, 0o755);
  const { stdout } = await run('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: ROOT, maxBuffer: 1e8 });
  for (const path of stdout.split('\0').filter((each) => each !== '' && !each.startsWith('test/results/'))) {
    mkdirSync(dirname(join(copy, path)), { recursive: true });
    cpSync(join(ROOT, path), join(copy, path));
  }
  symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'));
  before = contents(copy);
}, 60_000);
afterAll(() => rmSync(copy, { recursive: true, force: true }));

/** What a reader would type: whole lines of a block, in one shell. */
async function typed(script: string): Promise<{ status: number; output: string }> {
  // Without what Jest hands on: the reader has no Jest around him.
  const { NODE_OPTIONS: _, JEST_WORKER_ID: __, ...env } = process.env;
  try {
    const { stdout, stderr } = await run('bash', ['-ec', script], { cwd: copy, env, maxBuffer: 1e8 });
    return { status: 0, output: stdout + stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { status: code, output: stdout + stderr };
  }
}

const walk = readFileSync(join(ROOT, 'docs/extending/provider.md'), 'utf8');
const blocks = [...walk.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, script]) => script as string);

describe('a new dialect', () => {
  it('is made by one command, which touches one line of the core', async () => {
    expect(blocks.length).toBe(3);
    expect(await typed(blocks[0] as string)).toMatchObject({ status: 0 });
    const after = contents(copy);
    const changed = [...after].filter(([path, hash]) => before.get(path) !== hash).map(([path]) => path);
    const made = ['acme.spec.ts', 'adapter.ts', 'refusals.ts', 'schema.ts', 'simulator.ts'].map((name) => `src/providers/acme/${name}`);
    expect(changed.toSorted()).toEqual(['src/installed.ts', ...made]);
    expect([...before.keys()].filter((path) => !after.has(path))).toEqual([]);
  }, 120_000);

  it('compiles, lints, and keeps the boundaries, as it is', async () => {
    writeFileSync(join(copy, 'tsconfig.acme.json'), JSON.stringify({ extends: './tsconfig.json', include: [], files: ['src/installed.ts'] }));
    const checks = ['tsc --noEmit -p tsconfig.acme.json', 'eslint src/providers/acme src/installed.ts', 'depcruise --config .dependency-cruiser.mjs src libs migrations tools test'];
    for (const check of checks) expect(await typed(`node_modules/.bin/${check}`)).toMatchObject({ status: 0 });
  }, 240_000);

  it('is served and passes the kit', async () => {
    const { status, output } = await typed(blocks[1] as string);
    expect(output).toContain('a wallet that speaks it passes every case that can be said in it');
    expect({ status, output }).toMatchObject({ status: 0 });
    expect((await typed(blocks[2] as string)).output).toContain('acme');
  }, 240_000);

  it('that breaks a rule is found out by its own spec', async () => {
    const adapter = join(copy, 'src/providers/acme/adapter.ts');
    const good = readFileSync(adapter, 'utf8');
    const bad = good.replace("idScope: 'player'", "idScope: 'operation'");
    expect(bad).not.toBe(good);
    writeFileSync(adapter, bad);
    const { status, output } = await typed('NODE_OPTIONS=--experimental-vm-modules npx jest src/providers/acme');
    writeFileSync(adapter, good);
    expect([status, /✕ a wallet that speaks it passes/.test(output)]).toEqual([1, true]);
  }, 240_000);

  it.each([['a name that is none', 'provider Acme-2', /small letters and digits/], ['a name that is taken', 'provider hub88', /there already/], ['nothing to make', 'casino acme', /npm run new provider/]])(
    'is refused for %s', async (_, words, sentence) => {
      const { status, output } = await typed(`npm run --silent new ${words}`);
      expect([status, sentence.test(output)]).toEqual([1, true]);
    }, 60_000);
});
