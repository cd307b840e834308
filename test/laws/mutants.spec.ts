import { describe, expect, it } from '@jest/globals';
import { allMutants, apply, parse, type Mutant } from '../mutants/patches.ts';
import { treeOf, wholeTree, type Tree } from './tree.ts';

// Each rule of money has a planted bug that breaks it, and each planted bug still fits the code. `npm run mutants` kills them.

const RULES = ['1', '2', '3', '4', '5', '6', '7', '8', '9', '10', '11', '12', '13', '14', '15', '16', '18', '19', '20', '21', '22', '23', '24', '25'];

const withoutBug = (mutants: readonly Mutant[]): string[] => {
  const broken = new Set(mutants.flatMap(({ rule }) => rule.split(', ')));
  return RULES.filter((rule) => !broken.has(rule));
};

function outOfDate(tree: Tree, { name, killer, test, files }: Mutant): string[] {
  const spec = tree.get(killer);
  if (spec === undefined) return [`${name}: there is no ${killer}`];
  const wrong = test !== undefined && !spec.includes(test) ? [`${name}: ${killer} has no test ${test}`] : [];
  for (const [path, hunks] of files) {
    try {
      apply(tree.get(path) ?? '', hunks);
    } catch (error) {
      wrong.push(`${name}: ${path}, ${(error as Error).message}`);
    }
  }
  return wrong;
}

describe('the planted bugs', () => {
  const mutants = allMutants();

  it('break each rule at least once', () => {
    expect(withoutBug(mutants)).toEqual([]);
    expect(mutants.length).toBeGreaterThanOrEqual(20);
  });

  it('fit the tree, and so do the tests that find them', () => {
    const tree = wholeTree();
    expect(mutants.flatMap((mutant) => outOfDate(tree, mutant))).toEqual([]);
  });

  it('are found out where they do not', () => {
    const patch = (head: string) => `${head}\n\n--- a/src/a.ts\n+++ b/src/a.ts\n@@ -7,2 +7,2 @@\n one\n-two\n+three\n`;
    const fits = parse('fits', patch('A bug.\nRule: 1\nKiller: test/a.spec.ts\nTest: finds it'));
    const missing = parse('missing', patch('A bug.\nRule: 2\nKiller: test/b.spec.ts'));
    const tree = treeOf({ 'src/a.ts': 'zero\none\ntwo\n', 'test/a.spec.ts': "it('finds it')" });
    expect(outOfDate(tree, fits)).toEqual([]);
    expect(apply('zero\none\ntwo\nfour\n', fits.files.get('src/a.ts') ?? [])).toBe('zero\none\nthree\nfour\n');
    expect(outOfDate(tree, missing)).toEqual(['missing: there is no test/b.spec.ts']);
    expect(outOfDate(treeOf({ 'src/a.ts': 'one\nand two\n', 'test/a.spec.ts': '' }), fits)).toEqual([
      'fits: test/a.spec.ts has no test finds it', 'fits: src/a.ts, these lines are not there:\none\ntwo\n',
    ]);
    expect(outOfDate(treeOf({ 'src/a.ts': 'one\ntwo\none\ntwo\n', 'test/a.spec.ts': 'finds it' }), fits)).toEqual([
      'fits: src/a.ts, these lines are there twice:\none\ntwo\n',
    ]);
    expect(withoutBug([fits, missing])).toEqual(RULES.slice(2));
    expect(() => parse('bad', patch('A bug.\nKiller: test/a.spec.ts'))).toThrow('bad: says not what the bug is');
  });
});
