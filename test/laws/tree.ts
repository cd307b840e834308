/** The repository as the laws see it: path → text, of every file that is or would be committed. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

export type Tree = ReadonlyMap<string, string>;

export const ROOT = join(import.meta.dirname, '../..');

/** Read by git, so that what it ignores is no file here; a release without its history has nothing to hide either. */
export function wholeTree(): Tree {
  const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: ROOT, encoding: 'utf8' });
  const paths = listed.split('\0').filter((path) => path !== '' && existsSync(join(ROOT, path)));
  return new Map(paths.map((path) => [path, readFileSync(join(ROOT, path), 'utf8')]));
}

export const treeOf = (files: Readonly<Record<string, string>>): Tree => new Map(Object.entries(files));

/** The line a match stands on, from 1. */
export const lineOf = (text: string, index: number): number => text.slice(0, index).split('\n').length;

/** Writes a tree with our packages and configuration beside it, for tools that read files; gone when disposed of. */
export function planted(files: Readonly<Record<string, string>>, configuration: readonly string[]): { dir: string } & Disposable {
  const dir = mkdtempSync(join(tmpdir(), 'croupier-law-'));
  symlinkSync(join(ROOT, 'node_modules'), join(dir, 'node_modules'));
  for (const name of configuration) writeFileSync(join(dir, name), readFileSync(join(ROOT, name)));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(dir, path)), { recursive: true });
    writeFileSync(join(dir, path), text);
  }
  return { dir, [Symbol.dispose]: () => rmSync(dir, { recursive: true, force: true }) };
}
