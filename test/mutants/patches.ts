/**
 * A mutant is a file in `patches/`: what the bug is, which rule it breaks, which specification finds it, and a unified diff.
 * Line numbers are not looked at: the lines of a hunk must stand in the file exactly once, wherever that is.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Mutant {
  readonly name: string;
  readonly bug: string;
  /** of wallet-rules: `5`, or a name where the rules have no number for it */
  readonly rule: string;
  readonly killer: string;
  /** part of the name of the one test that finds it; without it the whole file runs */
  readonly test?: string;
  readonly files: ReadonlyMap<string, readonly Hunk[]>;
}

export interface Hunk {
  readonly before: string;
  readonly after: string;
}

const DIRECTORY = join(import.meta.dirname, 'patches');

export function allMutants(): Mutant[] {
  return readdirSync(DIRECTORY).filter((file) => file.endsWith('.patch')).toSorted()
    .map((file) => parse(file.slice(0, -'.patch'.length), readFileSync(join(DIRECTORY, file), 'utf8')));
}

/** Throws a sentence where the text is not such a patch. */
export function parse(name: string, text: string): Mutant {
  const [head = '', ...rest] = text.split(/^--- a\//m);
  const [bug = '', ...fields] = head.trim().split('\n');
  const field = (title: string) => fields.find((line) => line.startsWith(`${title}: `))?.slice(title.length + 2).trim();
  const [rule, killer, test] = [field('Rule'), field('Killer'), field('Test')];
  if (bug === '' || !rule || !killer) throw new Error(`${name}: says not what the bug is, its Rule and its Killer`);
  const files = new Map(rest.map((diff) => [diff.slice(0, diff.indexOf('\n')), hunksOf(diff)]));
  if (files.size === 0 || [...files.values()].some((hunks) => hunks.length === 0)) throw new Error(`${name}: changes nothing`);
  return { name, bug, rule, killer, ...(test && { test }), files };
}

function hunksOf(diff: string): Hunk[] {
  return diff.split(/^@@.*\n/m).slice(1).map((hunk) => {
    const lines = hunk.replace(/\n$/, '').split('\n').filter((line) => !line.startsWith('\\'));
    const side = (sign: string) => lines.filter(([first]) => first === ' ' || first === sign).map((line) => `${line.slice(1)}\n`).join('');
    return { before: side('-'), after: side('+') };
  });
}

/** The changed text; throws a sentence where a hunk does not fit. */
export function apply(text: string, hunks: readonly Hunk[]): string {
  return hunks.reduce((changed, { before, after }) => {
    const at = `\n${changed}`.indexOf(`\n${before}`);
    if (at < 0) throw new Error(`these lines are not there:\n${before}`);
    if (`\n${changed}`.includes(`\n${before}`, at + 1)) throw new Error(`these lines are there twice:\n${before}`);
    return changed.slice(0, at) + after + changed.slice(at + before.length);
  }, text);
}
