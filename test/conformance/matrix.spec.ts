/**
 * The kit judged by itself: a little wallet without a fault passes every case; with one fault planted it fails. Every fault is found by a
 * case of its category at least, and every case outside the happy path finds a fault of its category that the happy path does not. The
 * matrix is printed.
 */
import { beforeAll, describe, expect, it } from '@jest/globals';
import { CATEGORIES } from '../../src/conformance/case.ts';
import { CASES } from '../../src/conformance/cases.ts';
import type { Speaker } from '../../src/conformance/contract.ts';
import { runCases } from '../../src/conformance/run.ts';
import { nativeSpeaker } from '../../src/providers/native/simulator.ts';
import { matrix, table, type Matrix } from './matrix.ts';
import { serveLittle } from './serve.ts';

const happy = new Set(CASES.filter(({ category }) => category === 'happy path').map(({ name }) => name));
let found: Matrix;

beforeAll(async () => {
  const began = performance.now();
  found = await matrix('own');
  process.stdout.write(`\n${table(found, 'own', performance.now() - began)}\n\n`);
}, 600_000);

describe('the kit', () => {
  it('has 60 cases and more, each with a sentence of its own, in all categories', () => {
    expect(new Set(CASES.map(({ name }) => name)).size).toBe(CASES.length);
    expect(CASES.length).toBeGreaterThanOrEqual(60);
    expect([...new Set(CASES.map(({ category }) => category))]).toEqual(CATEGORIES);
  });

  it('passes a wallet without a fault in every case, and leaves none out', async () => {
    const little = await serveLittle(nativeSpeaker as Speaker, []);
    const results = await runCases(CASES, little.setting).finally(() => little.close());
    expect(results.filter(({ result }) => result !== 'passed').map(({ name, reason }) => `${name}: ${reason}`)).toEqual([]);
  });

  it('finds every fault', () => {
    expect(found.size).toBeGreaterThanOrEqual(25);
    expect([...found].filter(([, names]) => names.size === 0).map(([fault]) => fault)).toEqual([]);
  });

  it('has no case outside the happy path that finds only what the happy path finds too', () => {
    const subtle = [...found.values()].filter((names) => ![...names].some((name) => happy.has(name)));
    const idle = CASES.filter(({ name }) => !happy.has(name) && !subtle.some((names) => names.has(name)));
    expect(idle.map(({ name }) => name)).toEqual([]);
  });
});
