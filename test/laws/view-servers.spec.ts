import { describe, expect, it } from '@jest/globals';
import { lineOf, treeOf, wholeTree, type Tree } from './tree.ts';

// Law A: a view cannot name a server. Within src/views only reads.ts and what belongs to it open connections or know the primary from a
// replica; a view asks `reads.at(token)`. The module hands over the settings and does nothing else with them.

const OWN = /^src\/views\/reads(\.ts$|\/)/;
const MODULE = 'src/views/views.module.ts';
/** What a view may take from libs/postgres: a way to write a statement down. */
const HARMLESS = new Set(['statement', 'type Field', 'type Step', 'Field', 'Step']);

const POSTGRES = /import\s+(?:type\s+)?\{([^}]*)\}\s+from\s+'[^']*libs\/postgres\/index\.ts'/g;
const BREACHES: readonly (readonly [string, RegExp])[] = [
  ['opens connections itself', /(?:from|import)\s*\(?\s*'pg'/g],
  ['reaches behind reads.ts', /(?:from|import)\s*\(?\s*'[^']*\/reads\/[^']*'/g],
  ['asks the money plane’s connections', /\bMoney(?:Reads|Writes)\b/g],
  ['asks whether it is a replica', /\bpg_(?:is_in_recovery|last_wal_replay_lsn|current_wal\w*)\b/g],
];
const SETTINGS = /\b(?:readUrl|replicaUrls|databaseUrl|officeUrl|workerUrl)\b/g;

function namedServers(tree: Tree): string[] {
  const found: string[] = [];
  for (const [path, text] of tree) {
    if (!path.startsWith('src/views/') || path.endsWith('.spec.ts') || OWN.test(path)) continue;
    const say = (what: string, index: number) => found.push(`${path}:${lineOf(text, index)} ${what}`);
    for (const [what, pattern] of BREACHES) for (const match of text.matchAll(pattern)) say(what, match.index);
    for (const match of path === MODULE ? [] : text.matchAll(SETTINGS)) say('knows a server’s address', match.index);
    for (const match of text.matchAll(POSTGRES)) {
      const taken = (match[1] as string).split(',').map((name) => name.trim()).filter((name) => name !== '' && !HARMLESS.has(name));
      if (taken.length > 0) say(`takes ${taken.join(' and ')} from libs/postgres`, match.index);
    }
  }
  return found;
}

describe('a view', () => {
  it('names no server', () => {
    expect(namedServers(wholeTree())).toEqual([]);
    expect([...wholeTree().keys()].filter((path) => path.startsWith('src/views/') && !OWN.test(path)).length).toBeGreaterThan(5);
  });

  it('is found out where it does', () => {
    const tree = treeOf({
      'src/views/reads.ts': "import { Server } from './reads/server.ts';",
      'src/views/reads/server.ts': "import pg from 'pg'; import { flush } from '../../../libs/postgres/index.ts';",
      'src/views/views.module.ts': 'new Reads({ primaryUrl: config.readUrl, replicaUrls: config.replicaUrls })',
      'src/views/turnover/turnover.query.ts': "import { statement, type Step } from '../../../libs/postgres/index.ts';",
      'src/views/turnover/sly.ts': "import pg from 'pg';\nimport { pool, statement } from '../../../libs/postgres/index.ts';",
      'src/views/turnover/deep.ts': "import { Server } from '../reads/server.ts';",
      'src/views/turnover/late.ts': "const { Server } = await import('../reads/server.ts');",
      'src/views/turnover/own.ts': 'new Own(config.readUrl)',
      'src/views/turnover/money.ts': 'constructor(private readonly reads: MoneyReads) {}',
      'src/views/turnover/asks.ts': "statement('where', 'select pg_is_in_recovery()')",
    });
    expect(namedServers(tree)).toEqual([
      'src/views/turnover/sly.ts:1 opens connections itself',
      'src/views/turnover/sly.ts:2 takes pool from libs/postgres',
      'src/views/turnover/deep.ts:1 reaches behind reads.ts',
      'src/views/turnover/late.ts:1 reaches behind reads.ts',
      'src/views/turnover/own.ts:1 knows a server’s address',
      'src/views/turnover/money.ts:1 asks the money plane’s connections',
      'src/views/turnover/asks.ts:1 asks whether it is a replica',
    ]);
  });
});
