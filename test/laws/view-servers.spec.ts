import { describe, expect, it } from '@jest/globals';
import { lineOf, treeOf, wholeTree, type Tree } from './tree.ts';

// Law A: a view cannot name a server. Within src/views only reads.ts and what belongs to it open connections or know the primary from a
// replica; a view asks `reads.at(token)`. What is written for views and for exports is written on the primary, in the places named below.

const OWN = /^src\/views\/reads(\.ts$|\/)/;
/** What answers a question stays under the law wherever it stands. */
const ANSWERS = /(?:\.query|\.controller|projection)\.ts$/;
/** What a view may take from libs/postgres: a way to write a statement down. */
const HARMLESS = new Set(['statement', 'type Field', 'type Step', 'Field', 'Step']);

const OPENS = 'opens connections itself';
const KNOWS = 'knows a server’s address';
const TAKES = 'takes';

/** Who writes on the primary, or hands a server's address on, and what of the law does not hold for him. */
const EXCEPTED: readonly { readonly where: RegExp; readonly may: readonly string[]; readonly why: string }[] = [
  { where: /^src\/views\/views\.module\.ts$/, may: [KNOWS], why: 'hands the settings to reads.ts and does nothing else with them' },
  { where: /^src\/views\/feed\.module\.ts$/, may: [KNOWS, TAKES], why: 'opens what the feed writes through, as croupier_worker' },
  { where: /^src\/views\/feed\//, may: [OPENS, TAKES], why: 'writes the tables of the views, which only the primary takes; answers nobody' },
  { where: /^src\/views\/exports\.module\.ts$/, may: [KNOWS, TAKES], why: 'opens what exports are kept through, as croupier_worker, and hands the rest to reads.ts, which the reports ask' },
  { where: /^src\/views\/export-desk\.module\.ts$/, may: [KNOWS, TAKES], why: 'opens what exports are ordered through, as croupier_office' },
  { where: /^src\/views\/exports\/(?:claim|export-metrics|plan|queue|sweep|work)\.ts$/, may: [OPENS], why: 'writes an export’s row and pieces, or counts the rows, through the connections it is given; what is in them it asks of reads.ts' },
  { where: /^src\/views\/exports\/desk\.ts$/, may: [TAKES], why: 'writes an export’s row as its operator; an order is seen at once by whoever gave it, so it is read there too' },
];

const POSTGRES = /import\s+(?:type\s+)?\{([^}]*)\}\s+from\s+'[^']*libs\/postgres\/index\.ts'/g;
const BREACHES: readonly (readonly [string, RegExp])[] = [
  [OPENS, /(?:from|import)\s*\(?\s*'pg'/g],
  // But for slow.ts, which is told who asks and keeps what took long: it knows no server.
  ['reaches behind reads.ts', /(?:from|import)\s*\(?\s*'[^']*\/reads\/(?!slow\.ts')[^']*'/g],
  ['asks the money plane’s connections', /\bMoney(?:Reads|Writes)\b/g],
  ['asks whether it is a replica', /\bpg_(?:is_in_recovery|last_wal_replay_lsn|current_wal\w*)\b/g],
];
const SETTINGS = /\b(?:readUrl|replicaUrls|databaseUrl|officeUrl|workerUrl)\b/g;

interface Breach {
  readonly path: string;
  readonly line: number;
  /** one of those above, before what else there is to say */
  readonly what: string;
}

const said = ({ path, line, what }: Breach): string => `${path}:${line} ${what}`;
const excuses = ({ where, may }: (typeof EXCEPTED)[number], { path, what }: Breach): boolean =>
  where.test(path) && !ANSWERS.test(path) && may.some((breach) => what === breach || (breach === TAKES && what.startsWith(`${TAKES} `)));

function breaches(tree: Tree): Breach[] {
  const found: Breach[] = [];
  for (const [path, text] of tree) {
    if (!path.startsWith('src/views/') || path.endsWith('.spec.ts') || OWN.test(path)) continue;
    const say = (what: string, index: number) => found.push({ path, line: lineOf(text, index), what });
    for (const [what, pattern] of BREACHES) for (const match of text.matchAll(pattern)) say(what, match.index);
    for (const match of text.matchAll(SETTINGS)) say(KNOWS, match.index);
    for (const match of text.matchAll(POSTGRES)) {
      const taken = (match[1] as string).split(',').map((name) => name.trim()).filter((name) => name !== '' && !HARMLESS.has(name));
      if (taken.length > 0) say(`${TAKES} ${taken.join(' and ')} from libs/postgres`, match.index);
    }
  }
  return found;
}

const namedServers = (tree: Tree): string[] => breaches(tree).filter((breach) => !EXCEPTED.some((exception) => excuses(exception, breach))).map(said);

describe('a view', () => {
  it('names no server', () => {
    expect(namedServers(wholeTree())).toEqual([]);
    expect([...wholeTree().keys()].filter((path) => path.startsWith('src/views/') && !OWN.test(path)).length).toBeGreaterThan(5);
  });

  it('is excused only where there is something to excuse', () => {
    const found = breaches(wholeTree());
    const idle = EXCEPTED.flatMap(({ where, may, why }) => may.filter((one) => !found.some((breach) => excuses({ where, may: [one], why }, breach))).map((one) => `${where}: ${one}`));
    expect(idle).toEqual([]);
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
      'src/views/turnover/told.ts': "import { asking } from '../reads/slow.ts';",
      'src/views/turnover/own.ts': 'new Own(config.readUrl)',
      'src/views/turnover/money.ts': 'constructor(private readonly reads: MoneyReads) {}',
      'src/views/turnover/asks.ts': "statement('where', 'select pg_is_in_recovery()')",
      'src/views/feed/step.ts': "import type pg from 'pg'; import { connect } from '../../../libs/postgres/index.ts';",
      'src/views/feed/aside.ts': 'connect(config.replicaUrls[0])',
      'src/views/feed/lag.query.ts': "import type pg from 'pg';",
      'src/views/feed/behind.ts': "import { Server } from '../reads/server.ts';",
      'src/views/exports/claim.ts': "import type pg from 'pg'; import { connect } from '../../../libs/postgres/index.ts';",
      'src/views/exports/revenue.ts': "import type pg from 'pg';",
      'src/views/exports/exports.controller.ts': "import { TenantPool } from '../../../libs/postgres/index.ts';",
      'src/views/exports.module.ts': "import { pool } from '../../libs/postgres/index.ts'; pool(config.workerUrl)",
    });
    expect(namedServers(tree)).toEqual([
      'src/views/turnover/sly.ts:1 opens connections itself',
      'src/views/turnover/sly.ts:2 takes pool from libs/postgres',
      'src/views/turnover/deep.ts:1 reaches behind reads.ts',
      'src/views/turnover/late.ts:1 reaches behind reads.ts',
      'src/views/turnover/own.ts:1 knows a server’s address',
      'src/views/turnover/money.ts:1 asks the money plane’s connections',
      'src/views/turnover/asks.ts:1 asks whether it is a replica',
      'src/views/feed/aside.ts:1 knows a server’s address',
      'src/views/feed/lag.query.ts:1 opens connections itself',
      'src/views/feed/behind.ts:1 reaches behind reads.ts',
      'src/views/exports/claim.ts:1 takes connect from libs/postgres',
      'src/views/exports/revenue.ts:1 opens connections itself',
      'src/views/exports/exports.controller.ts:1 takes TenantPool from libs/postgres',
    ]);
  });
});
