import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readFileSync, writeFileSync } from 'node:fs';
import { blocksOf, Checkout } from '../support/checkout.ts';

// The walk through docs/extending/view.md, done in a copy of this checkout: its commands as they stand there.

const blocks = blocksOf('view.md');
const SPEC = 'NODE_OPTIONS=--experimental-vm-modules npx jest src/views/acme';
let copy: Checkout;

beforeAll(async () => {
  copy = await Checkout.copied();
}, 60_000);
afterAll(() => copy?.remove());

const passed = (output: string): readonly string[] => [...output.matchAll(/^\s+✓ (.*?)(?: \(\d+ m?s\))?$/gm)].map(([, name]) => name as string);
const failed = (output: string): readonly string[] => [...output.matchAll(/^\s+✕ (.*?)(?: \(\d+ m?s\))?$/gm)].map(([, name]) => name as string);

describe('a new view', () => {
  it('is made by one command, which touches the lines that install it', async () => {
    expect(blocks.length).toBe(2);
    expect(await copy.typed(blocks[0] as string)).toMatchObject({ status: 0 });
    const { changed, gone } = copy.touched();
    const migration = changed.find((path) => /^migrations\/m\d{4}-acme\.ts$/.test(path)) as string;
    const made = ['acme.controller.ts', 'acme.query.ts', 'acme.spec.ts', 'projection.ts'].map((name) => `src/views/acme/${name}`);
    expect({ changed, gone }).toEqual({ changed: ['migrations/index.ts', migration, 'migrations/needed.ts', 'src/installed.ts', ...made, 'src/views/views.module.ts'].toSorted(), gone: [] });
  }, 120_000);

  it('compiles, lints, and keeps the boundaries, as it is', async () => {
    writeFileSync(copy.path('tsconfig.acme.json'), JSON.stringify({ extends: './tsconfig.json', include: [], files: ['src/views/views.module.ts', 'src/views/acme/acme.spec.ts', 'migrations/index.ts'] }));
    const checks = ['tsc --noEmit -p tsconfig.acme.json', 'eslint src/views/acme src/installed.ts migrations', 'depcruise --config .dependency-cruiser.mjs src libs migrations tools test'];
    for (const check of checks) expect(await copy.typed(`node_modules/.bin/${check}`)).toMatchObject({ status: 0 });
  }, 240_000);

  it('passes its own spec', async () => {
    const { status, output } = await copy.typed(blocks[1] as string);
    expect({ status, output, passed: passed(output).length }).toMatchObject({ status: 0, passed: 6 });
  }, 240_000);

  it('whose sums replace each other is found out by it', async () => {
    const projection = copy.path('src/views/acme/projection.ts');
    const good = readFileSync(projection, 'utf8');
    const bad = good.replace('d.transactions + excluded.transactions', 'excluded.transactions');
    expect(bad).not.toBe(good);
    writeFileSync(projection, bad);
    const { status, output } = await copy.typed(SPEC);
    writeFileSync(projection, good);
    expect(status).toBe(1);
    expect(failed(output)).toContain('made anew, it is the same');
  }, 240_000);

  it.each([['a name that is none', 'view Acme-2', /small letters and digits/], ['a name that is taken', 'view rounds', /there already/], ['a name of the core', 'view reads', /there already/],
    ['nothing to make', 'view', /npm run new view/]])('is refused for %s, and leaves nothing behind', async (_, words, sentence) => {
    const before = copy.touched();
    const { status, output } = await copy.typed(`npm run --silent new ${words}`);
    expect([status, sentence.test(output), copy.touched()]).toEqual([1, true, before]);
  }, 60_000);
});
