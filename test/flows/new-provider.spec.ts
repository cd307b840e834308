import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readFileSync, writeFileSync } from 'node:fs';
import { blocksOf, Checkout } from '../support/checkout.ts';

// The walk through docs/extending/provider.md, done in a copy of this checkout: its commands as they stand there.

const blocks = blocksOf('provider.md');
let copy: Checkout;

beforeAll(async () => {
  copy = await Checkout.copied();
}, 60_000);
afterAll(() => copy?.remove());

describe('a new dialect', () => {
  it('is made by one command, which touches one line of the core', async () => {
    expect(blocks.length).toBe(3);
    expect(await copy.typed(blocks[0] as string)).toMatchObject({ status: 0 });
    const made = ['acme.spec.ts', 'adapter.ts', 'refusals.ts', 'schema.ts', 'simulator.ts'].map((name) => `src/providers/acme/${name}`);
    expect(copy.touched()).toEqual({ changed: ['src/installed.ts', ...made], gone: [] });
  }, 120_000);

  it('compiles, lints, and keeps the boundaries, as it is', async () => {
    writeFileSync(copy.path('tsconfig.acme.json'), JSON.stringify({ extends: './tsconfig.json', include: [], files: ['src/installed.ts'] }));
    const checks = ['tsc --noEmit -p tsconfig.acme.json', 'eslint src/providers/acme src/installed.ts', 'depcruise --config .dependency-cruiser.mjs src libs migrations tools test'];
    for (const check of checks) expect(await copy.typed(`node_modules/.bin/${check}`)).toMatchObject({ status: 0 });
  }, 240_000);

  it('is served and passes the kit', async () => {
    const { status, output } = await copy.typed(blocks[1] as string);
    expect(output).toContain('a wallet that speaks it passes every case that can be said in it');
    expect({ status, output }).toMatchObject({ status: 0 });
    expect((await copy.typed(blocks[2] as string)).output).toContain('acme');
  }, 240_000);

  it('that breaks a rule is found out by its own spec', async () => {
    const adapter = copy.path('src/providers/acme/adapter.ts');
    const good = readFileSync(adapter, 'utf8');
    const bad = good.replace("idScope: 'player'", "idScope: 'operation'");
    expect(bad).not.toBe(good);
    writeFileSync(adapter, bad);
    const { status, output } = await copy.typed('NODE_OPTIONS=--experimental-vm-modules npx jest src/providers/acme');
    writeFileSync(adapter, good);
    expect([status, /✕ a wallet that speaks it passes/.test(output)]).toEqual([1, true]);
  }, 240_000);

  it.each([['a name that is none', 'provider Acme-2', /small letters and digits/], ['a name that is taken', 'provider hub88', /there already/], ['nothing to make', 'casino acme', /npm run new provider/]])(
    'is refused for %s', async (_, words, sentence) => {
      const { status, output } = await copy.typed(`npm run --silent new ${words}`);
      expect([status, sentence.test(output)]).toEqual([1, true]);
    }, 60_000);
});
