import { describe, expect, it } from '@jest/globals';
import { wholeTree } from './tree.ts';

// Every package of the lock file comes under a licence that a casino's lawyers have no question about.

const ALLOWED = /^(MIT|ISC|BSD-2-Clause|BSD-3-Clause|Apache-2\.0|0BSD|BlueOak-1\.0\.0|CC0-1\.0|PostgreSQL|Unicode-(3\.0|DFS-2016))$/;

interface Package {
  readonly license?: string;
  readonly dev?: boolean;
}

/** One package, one licence, one reason each. `dev`: holds only as long as it is not shipped. */
const EXCEPTIONS: readonly { readonly name: string; readonly licence: string; readonly dev: boolean; readonly reason: string }[] = [
  { name: 'argparse', licence: 'Python-2.0', dev: false, reason: 'permissive, with its notice kept; js-yaml of @nestjs/swagger needs it' },
  { name: 'caniuse-lite', licence: 'CC-BY-4.0', dev: true, reason: 'a table of browsers that only the test runner reads; data, not code' },
  { name: 'fast-sha256', licence: 'Unlicense', dev: true, reason: 'public domain; the reference signer of the tests needs it' },
  { name: 'pako', licence: 'Zlib', dev: true, reason: 'permissive; the load generator needs it' },
];

/** `A`, `(A OR B)`, `A AND B`: of alternatives one must do, of a sum all. Nothing deeper occurs. */
function allows(licence: string, isAllowed: (one: string) => boolean): boolean {
  const bare = licence.replace(/^\((.*)\)$/, '$1');
  if (bare.includes(' OR ')) return bare.split(' OR ').some((part) => allows(part, isAllowed));
  return bare.split(' AND ').every(isAllowed);
}

function questionable(packages: Readonly<Record<string, Package>>): string[] {
  return Object.entries(packages).filter(([path]) => path !== '').flatMap(([path, { license, dev }]) => {
    const name = path.split('node_modules/').at(-1);
    const excused = EXCEPTIONS.filter((exception) => exception.name === name && (!exception.dev || dev === true));
    const fine = license !== undefined && allows(license, (one) => ALLOWED.test(one) || excused.some(({ licence }) => licence === one));
    return fine ? [] : [`${name}: ${license ?? 'no licence'}${dev ? ' (dev)' : ''}`];
  });
}

describe('licences', () => {
  const { packages } = JSON.parse(wholeTree().get('package-lock.json') ?? '') as { packages: Record<string, Package> };

  it('are all of the list, or excused one by one', () => {
    expect(questionable(packages)).toEqual([]);
  });

  it('have no excuse left over', () => {
    const present = new Set(Object.keys(packages).map((path) => path.split('node_modules/').at(-1)));
    expect(EXCEPTIONS.filter(({ name, reason }) => !present.has(name) || reason === '')).toEqual([]);
  });

  it('are found out where they are not', () => {
    expect(questionable({
      '': { license: 'UNLICENSED' },
      'node_modules/a': { license: 'MIT' },
      'node_modules/b': { license: '(GPL-3.0-only OR ISC)' },
      'node_modules/c': { license: 'MIT AND GPL-3.0-only' },
      'node_modules/d': {},
      'node_modules/e/node_modules/caniuse-lite': { license: 'CC-BY-4.0', dev: true },
      'node_modules/caniuse-lite': { license: 'CC-BY-4.0' },
      'node_modules/@f/g': { license: 'AGPL-3.0-or-later', dev: true },
    })).toEqual(['c: MIT AND GPL-3.0-only', 'd: no licence', 'caniuse-lite: CC-BY-4.0', '@f/g: AGPL-3.0-or-later (dev)']);
  });
});
