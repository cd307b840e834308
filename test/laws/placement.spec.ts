import { describe, expect, it } from '@jest/globals';
import { treeOf, wholeTree, type Tree } from './tree.ts';

// Every file stands where a reader looks for it. A new kind of place is added here, with its line in ARCHITECTURE or an ADR.

const PLACES: readonly RegExp[] = [
  /^(README|ARCHITECTURE|CONTRIBUTING|CHANGELOG)\.md$|^(LICENSE|NOTICE)$/,
  /^(package|package-lock|nest-cli|tsconfig)\.json$|^(jest|eslint)\.config\.mjs$/,
  /^\.(dependency-cruiser\.mjs|editorconfig|gitattributes|gitignore|swcrc|env\.example|dockerignore|nvmrc|npmrc)$/,
  /^\.ci\/run$|^\.github\//,
  /^src\/(main|cli|app|app\.module|config|roles|installed)(\.spec)?\.ts$/,
  /^src\/(wallet|limits|sessions|games|notify|office|access|ops|conformance|own)\/([a-z0-9-]+\/)*[a-z0-9.-]+\.(ts|html)$/,
  /^src\/(providers|views)\/([a-z0-9-]+\/)?[a-z0-9.-]+\.(ts|json)$|^src\/providers\/[a-z0-9-]+\/fixtures\//,
  /^libs\/(money|postgres|http|crypto)\/[a-z0-9.-]+\.ts$/,
  /^migrations\/(index|needed|partitions|queue|m\d{4}-[a-z0-9-]+)(\.spec)?\.ts$/,
  /^test\/(support|model|mutants|flows|faults|laws|bench|results|conformance|plans)\//,
  /^tools\/([a-z0-9.-]+\.(ts|mjs)|local\/[a-z0-9.-]+\.(ts|mjs)|templates\/.+)$/,
  /^docker\//,
  /^docs\//,
];
const NO_NAME = /(^|\/|[.-])(utils?|common|shared|core|helpers?|misc|manager)([.-]|\/|$)/i;

function misplaced(tree: Tree): string[] {
  const found: string[] = [];
  for (const path of tree.keys()) {
    if (!PLACES.some((place) => place.test(path))) found.push(`${path} is in no known place`);
    if (/^(src|libs|tools|migrations|test)\//.test(path) && NO_NAME.test(path)) found.push(`${path} has a name that says nothing`);
    if (/^src\/.*\bindex\.ts$/.test(path)) found.push(`${path} is a barrel`);
  }
  const libs = new Set([...tree.keys()].flatMap((path) => /^libs\/([^/]+)\//.exec(path)?.[1] ?? []));
  for (const lib of libs) if (!tree.has(`libs/${lib}/index.ts`)) found.push(`libs/${lib} has no index.ts`);
  return found;
}

describe('every file', () => {
  it('is in its place', () => {
    expect(misplaced(wholeTree())).toEqual([]);
  });

  it('is found out of it', () => {
    const tree = treeOf({
      'README.md': '', 'src/wallet/decide.ts': '', 'libs/money/index.ts': '', 'migrations/m0002-more.ts': '', 'test/flows/win.spec.ts': '',
      'notes.txt': '', 'src/helper.ts': '', 'src/wallet/utils/sum.ts': '', 'src/wallet/index.ts': '', 'libs/crypto/sign.ts': '',
      'migrations/more.ts': '', 'scripts/x.sh': '',
    });
    expect(misplaced(tree)).toEqual([
      'notes.txt is in no known place',
      'src/helper.ts is in no known place',
      'src/helper.ts has a name that says nothing',
      'src/wallet/utils/sum.ts has a name that says nothing',
      'src/wallet/index.ts is a barrel',
      'migrations/more.ts is in no known place',
      'scripts/x.sh is in no known place',
      'libs/crypto has no index.ts',
    ]);
  });
});
