import { describe, expect, it } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { planted } from './tree.ts';

// `npm run check` runs ESLint over the tree itself; here a tree that breaks each rule of the house once.

const lines = (count: number, line: string) => Array.from({ length: count }, () => line).join('\n');

const TREE = {
  'src/config.ts': 'export const url = process.env.DATABASE_URL;',
  'src/wallet/fine.ts': [
    'export const version = (row: { version: string; balance: bigint }) => Number(row.version);',
    '// eslint-disable-next-line no-restricted-syntax -- a share of time, not of money',
    'export const half = 0.5;',
  ].join('\n'),
  'src/wallet/float.ts': [
    'export const a = (x: string) => parseFloat(x);',
    'export const b = (x: string) => Number.parseFloat(x);',
    'export const c = (row: { balance: string }) => Number(row.balance);',
    'export const d = (units: string) => +units;',
    'export const e = (x: bigint) => Number(x);',
    'export const f = (x: number) => x.toFixed(2);',
    'export const g = (x: number) => Math.round(x);',
    'export const h = 0.01;',
  ].join('\n'),
  'libs/money/float.ts': 'export const a = (x: string) => parseFloat(x);',
  'src/ops/environment.ts': [
    'export const a = process.env.HOME;',
    "export const b = process['env'];",
    'export const { env } = process;',
    "import { env as c } from 'node:process'; export { c };",
  ].join('\n'),
  'src/ops/unexplained.ts': '// eslint-disable-next-line no-console\nconsole.log(1);',
  'src/ops/barrel.ts': "export * from './environment.ts';",
  'src/ops/knot.ts': "import { forwardRef } from '@nestjs/common'; export const a = forwardRef(() => String);",
  'src/ops/later.ts': '// TO' + 'DO: write it\nexport const a = 1;',
  'src/ops/floating.ts': 'export const a = () => { Promise.resolve(1); };',
  'src/ops/forgotten.ts': "export const a = (x: 'one' | 'two') => { switch (x) { case 'one': return 1; } };",
  'libs/http/long.ts': lines(301, 'export {};'),
  'tools/long.ts': `export function long() {\n${lines(71, '  String(1);')}\n}`,
  'migrations/long.ts': `${lines(200, '// why\n')}\n${lines(150, 'export {};')}`,
  'test/flows/some.spec.ts': "import { it } from '@jest/globals';\nit.skip('one', () => {});\nit.only('two', () => {});\nit.todo('three');",
};

const BREACHES = [
  'libs/http/long.ts:301 max-lines',
  'libs/money/float.ts:1 no-restricted-syntax',
  'src/ops/barrel.ts:1 no-restricted-syntax',
  'src/ops/environment.ts:1 no-restricted-syntax',
  'src/ops/environment.ts:2 no-restricted-syntax',
  'src/ops/environment.ts:3 no-restricted-syntax',
  'src/ops/environment.ts:4 no-restricted-imports',
  'src/ops/floating.ts:1 @typescript-eslint/no-floating-promises',
  'src/ops/forgotten.ts:1 @typescript-eslint/switch-exhaustiveness-check',
  'src/ops/knot.ts:1 no-restricted-imports',
  'src/ops/later.ts:1 no-warning-comments',
  'src/ops/unexplained.ts:1 house/disable-has-reason',
  ...[1, 2, 3, 4].map((line) => `src/wallet/float.ts:${line} no-restricted-syntax`),
  'src/wallet/float.ts:5 house/no-number-of-bigint',
  ...[6, 7, 8].map((line) => `src/wallet/float.ts:${line} no-restricted-syntax`),
  ...[2, 3, 4].map((line) => `test/flows/some.spec.ts:${line} no-restricted-syntax`),
  'tools/long.ts:1 max-lines-per-function',
];

interface FileResult {
  readonly filePath: string;
  readonly messages: readonly { readonly ruleId: string | null; readonly line: number; readonly message: string }[];
}

function lint(dir: string): string[] {
  const { stdout, stderr } = spawnSync(process.execPath, ['node_modules/.bin/eslint', '--format', 'json', '.'], {
    cwd: dir, encoding: 'utf8', env: { PATH: process.env['PATH'] ?? '' },
  });
  if (!stdout.startsWith('[')) throw new Error(stderr);
  return (JSON.parse(stdout) as FileResult[]).flatMap(({ filePath, messages }) => {
    const path = filePath.slice(dir.length + 1);
    return messages.map(({ line, ruleId, message }) => `${path}:${line} ${ruleId ?? message}`);
  }).toSorted();
}

describe('the rules of the house', () => {
  it('each catch what breaks them, and nothing else', () => {
    using tree = planted(TREE, ['eslint.config.mjs', 'tsconfig.json']);
    expect(lint(tree.dir)).toEqual(BREACHES);
  }, 60_000);
});
