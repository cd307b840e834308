import { describe, expect, it } from '@jest/globals';
import { wholeTree } from './tree.ts';

// On a fresh clone every script works: its `pre` hook sets the checkout up first. And each file that a script names is there.

type Scripts = Readonly<Record<string, string>>;

const isHook = (name: string, scripts: Scripts): boolean => /^(pre|post)./.test(name) && name.replace(/^(pre|post)/, '') in scripts;

function unprepared(scripts: Scripts): string[] {
  const prepared = (name: string) => /^node tools\/setup\.mjs(\s|$)/.test(scripts[`pre${name}`] ?? '');
  return Object.keys(scripts).filter((name) => !isHook(name, scripts) && !prepared(name));
}

/** Files of ours that scripts name; what is built is looked for by its source. */
function namedFiles(scripts: Scripts): string[] {
  const named = Object.values(scripts).flatMap((command) => command.match(/(?<=^|\s)[\w./-]+\.(?:js|mjs|ts)(?=$|\s)/g) ?? []);
  return named.map((path) => path.replace(/^\.\//, '').replace(/^dist\/(.*)\.js$/, '$1.ts'));
}

describe('public scripts', () => {
  const scripts = (JSON.parse(wholeTree().get('package.json') ?? '') as { scripts: Scripts }).scripts;

  it('set the checkout up before they run', () => {
    expect(unprepared(scripts)).toEqual([]);
  });

  it('name files that are there', () => {
    const tree = wholeTree();
    expect(namedFiles(scripts).filter((path) => !tree.has(path))).toEqual([]);
  });

  it('are found out without their hook', () => {
    const setup = 'node tools/setup.mjs';
    const some = { prestart: setup, start: 'a', prebench: 'ls', bench: 'b', verify: 'c', prepare: 'd', preprepare: `${setup} --no-build` };
    expect(unprepared(some)).toEqual(['bench', 'verify']);
    expect(namedFiles({ a: 'exec node dist/tools/test.js --all', b: 'node tools/x.mjs && node ./test/y.ts' }))
      .toEqual(['tools/test.ts', 'tools/x.mjs', 'test/y.ts']);
  });
});
