import { describe, expect, it } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { planted, ROOT, wholeTree } from './tree.ts';

// `npm run check` runs dependency-cruiser over the tree itself; here a tree that breaks each of its rules once.

const imported = (path: string): string => `import './${path}.ts';`;

const TREE = {
  'package.json': JSON.stringify({ type: 'module', dependencies: { pg: '*', zod: '*' }, devDependencies: { 'fast-check': '*' } }),
  'src/main.ts': "import './app.module.ts';",
  'src/app.module.ts': ['wallet/lane', 'wallet/sly', 'providers/door', 'providers/reach', 'office/mail', 'conformance/kit'].map(imported).join('\n'),
  'src/wallet/commands.ts': 'export class PlaceBet {}',
  'src/wallet/contract.ts': 'export type Refusal = string;',
  'src/wallet/lane.ts': "import pg from 'pg'; import { rule } from '../../libs/money/index.ts'; export const lane = [pg, rule];",
  'src/wallet/sly.ts': "import '../office/entity.ts'; import '../main.ts';",
  'src/providers/door.ts': "import '../wallet/commands.ts'; import type { Refusal } from '../wallet/contract.ts'; export type A = Refusal;",
  'src/providers/reach.ts': "import { lane } from '../wallet/lane.ts'; import '../views/balance.query.ts'; export const b = lane;",
  'src/views/balance.query.ts': 'export const query = 1;',
  'src/conformance/kit.ts': "import '../wallet/contract.ts'; import '../providers/native/simulator.ts'; import '../../libs/money/index.ts';",
  'src/providers/native/simulator.ts': 'export const speaker = 1;',
  'src/office/entity.ts': "import '@mikro-orm/core'; import '../../migrations/index.ts'; import './office.module.ts';",
  'src/office/office.module.ts': 'export class OfficeModule {}',
  'migrations/index.ts': 'export const migrate = 1;',
  'src/office/mail.ts': "import './post.ts'; import 'fast-check'; import '../../test/support/world.ts'; import './nowhere.ts';",
  'src/office/post.ts': "import './mail.ts';",
  'src/office/forgotten.ts': 'export const dust = 1;',
  'libs/money/index.ts': "export { rule } from './rule.ts';",
  'libs/money/rule.ts': "import { part } from '../postgres/part.ts'; import '../../src/wallet/commands.ts'; export const rule = part;",
  'libs/postgres/index.ts': "export { part } from './part.ts';",
  'libs/postgres/part.ts': 'export const part = 1;',
  'test/support/world.ts': "import '../../libs/money/rule.ts'; import '../../libs/postgres/index.ts';",
  'test/model/model.ts': "import { formatAmount } from '../../libs/money/index.ts'; export { formatAmount };",
  'test/model/model.spec.ts': "import './model.ts'; import { lane } from '../../src/wallet/lane.ts'; export { lane };",
};

const BREACHES = [
  'features-by-their-messages: src/conformance/kit.ts → src/providers/native/simulator.ts',
  'features-by-their-messages: src/providers/reach.ts → src/wallet/lane.ts',
  'features-by-their-messages: src/wallet/sly.ts → src/office/entity.ts',
  'kit-on-its-own: src/conformance/kit.ts → libs/money/index.ts',
  'kit-on-its-own: src/conformance/kit.ts → src/providers/native/simulator.ts',
  'kit-on-its-own: src/conformance/kit.ts → src/wallet/contract.ts',
  'lib-by-its-index-among-libs: libs/money/rule.ts → libs/postgres/part.ts',
  'lib-by-its-index: test/support/world.ts → libs/money/rule.ts',
  'libs-stand-alone: libs/money/rule.ts → src/wallet/commands.ts',
  'model-on-its-own: test/model/model.ts → libs/money/index.ts',
  'model-spec-from-outside: test/model/model.spec.ts → src/wallet/lane.ts',
  'money-without-orm-or-cache: src/wallet/sly.ts → @mikro-orm/core/index.js',
  'money-without-replica: src/providers/reach.ts → src/views/balance.query.ts',
  'money-without-replica: src/wallet/sly.ts → src/views/balance.query.ts',
  'no-cycle: src/app.module.ts → src/wallet/sly.ts',
  'no-cycle: src/office/mail.ts → src/office/post.ts',
  'nothing-imports-the-entry: src/wallet/sly.ts → src/main.ts',
  'nothing-left-over: src/office/forgotten.ts → src/office/forgotten.ts',
  'parts-by-their-roles: src/office/entity.ts → src/office/office.module.ts',
  'production-packages: src/office/entity.ts → @mikro-orm/core/index.js',
  'production-packages: src/office/mail.ts → fast-check/lib/cjs/fast-check.d.ts',
  'production-without-tests: src/office/mail.ts → test/support/world.ts',
  'resolvable: src/office/mail.ts → ./nowhere.ts',
  'server-never-migrates: src/main.ts → migrations/index.ts',
  'simulators-by-what-is-installed: src/conformance/kit.ts → src/providers/native/simulator.ts',
];

interface Violation {
  readonly rule: { readonly name: string };
  readonly from: string;
  readonly to: string;
}

function cruise(dir: string): string[] {
  const command = join(ROOT, 'node_modules/.bin/depcruise');
  const options = ['--config', '.dependency-cruiser.mjs', '--output-type', 'json', 'src', 'libs', 'test'];
  const env = { PATH: process.env['PATH'] ?? '' };
  const { stdout, stderr } = spawnSync(process.execPath, [command, ...options], { cwd: dir, encoding: 'utf8', env });
  if (!stdout.startsWith('{')) throw new Error(stderr);
  return (JSON.parse(stdout) as { summary: { violations: Violation[] } }).summary.violations
    .map(({ rule, from, to }) => `${rule.name}: ${from} → ${to.replace(/.*node_modules\//, '')}`).toSorted();
}

describe('boundaries', () => {
  it('each catch what breaks them, and nothing else', () => {
    using tree = planted(TREE, ['.dependency-cruiser.mjs', 'tsconfig.json']);
    expect(cruise(tree.dir)).toEqual(BREACHES);
  }, 60_000);

  it('are all broken by that tree', () => {
    const names = [...(wholeTree().get('.dependency-cruiser.mjs') ?? '').matchAll(/ name: '([a-z-]+)'/g)].map((match) => match[1]);
    expect([...new Set(BREACHES.map((breach) => breach.split(':')[0]))].toSorted()).toEqual(names.toSorted());
  });
});
