import { describe, expect, it } from '@jest/globals';
import { lineOf, treeOf, wholeTree, type Tree } from './tree.ts';

// Nothing that is committed knows the machine it was written on: no absolute path of it, no host that packages came from.
// The patterns are written so that they do not find themselves.

const PATTERNS: readonly RegExp[] = [
  /(?<![\w.~$}/-])\/(?:hom[e]|roo[t]|wor[k]|User[s]|mn[t]|op[t]|sr[v]|farm)\/[\w.-]+/g,
  /\b[A-Z]:\\(?:User[s]|Program)/g,
  /\b(?:npm|yarn|registry|nexus|artifactory|verdaccio|pypi|proxy|deb|security)[.-][\w.-]*\b(?:npmjs|yarnpkg|debian|internal|lan|corp)\b/gi,
  /\b(?:10[.]\d{1,3}|192[.]168|172[.](?:1[6-9]|2\d|3[01]))(?:[.]\d{1,3}){2}\b(?![.]\d)/g,
];
/** A path inside an image of ours, or in a sentence about any machine. */
const MEANT: readonly { readonly path: RegExp; readonly text: RegExp; readonly reason: string }[] = [
  { path: /^docker\//, text: /^\/(?:op[t]|sr[v])\/croupier/, reason: 'a directory that the image makes itself' },
  { path: /^src\/providers\/hub88\/fixtures\/hub88-signatures[.]csv$/, text: /^10[.]0[.]0[.]39$/, reason: 'a published vector, signed as it stands' },
];

function traces(tree: Tree): string[] {
  return [...tree].flatMap(([path, text]) => PATTERNS.flatMap((pattern) => [...text.matchAll(pattern)]
    .filter((match) => !MEANT.some((meant) => meant.path.test(path) && meant.text.test(match[0])))
    .map((match) => `${path}:${lineOf(text, match.index)} ${match[0]}`)));
}

describe('no trace of a machine', () => {
  it('stands in a file', () => {
    expect(traces(wholeTree())).toEqual([]);
  });

  it('goes unseen', () => {
    const somewhere = ['', 'home', 'me', 'x'].join('/');
    const host = ['registry', 'npmjs', 'org'].join('.');
    const tree = treeOf({
      'a.ts': `import x from '${somewhere}.ts';`,
      '.npmrc': `registry=https://${host}/`,
      'Dockerfile': `RUN echo "deb http://${['deb', 'debian', 'org'].join('.')}/debian bookworm main"`,
      'b.md': `mounted at ${['', 'work', 'main'].join('/')} on ${[10, 0, 0, 7].join('.')}`,
      'fine.ts': "'/v1/wallet/bet', `${base}/home/x`, '../home/x', '/docs/openapi.json', '127.0.0.1', '/tmp', 'www.standardwebhooks.com'",
    });
    expect(traces(tree).map((line) => line.split(' ')[0])).toEqual(['a.ts:1', '.npmrc:1', 'Dockerfile:1', 'b.md:1', 'b.md:1']);
  });
});
