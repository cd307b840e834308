/**
 * Faults × cases: which case finds which fault. `node test/conformance/matrix.ts` prints it whole. The specification asks each fault's own
 * category and the happy path alone, which is all that it judges by. `… 0 2 own` does every second fault and writes what it found as JSON, so
 * that two processes can be at it.
 */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { CATEGORIES, type Case, type Category } from '../../src/conformance/case.ts';
import { CASES } from '../../src/conformance/cases.ts';
import type { Speaker } from '../../src/conformance/contract.ts';
import { runCases } from '../../src/conformance/run.ts';
import { built } from '../bench/built.ts';
import { FAULTS, type Fault } from './faults.ts';
import { serveLittle } from './serve.ts';

export type Matrix = ReadonlyMap<Fault, ReadonlySet<string>>;

const NAMES = [...FAULTS.keys()];
const AT_ONCE = 2;
// What signs comes out of the build: Node reads the rest as it is, but not every file of ours.
const speaker = async (): Promise<Speaker> =>
  (await built<typeof import('../../src/providers/native/simulator.ts')>('src/providers/native/simulator')).nativeSpeaker as Speaker;
const ME = fileURLToPath(import.meta.url);

export type Asked = 'own' | 'all';

/** Those that a wallet with this fault is asked. */
const casesFor = (fault: Fault, asked: Asked): readonly Case[] =>
  (asked === 'all' ? CASES : CASES.filter(({ category }) => category === 'happy path' || category === FAULTS.get(fault)));

/** Names of the cases that a wallet with this fault fails. */
async function findersOf(fault: Fault, asked: Asked): Promise<string[]> {
  // What is to meet in one moment must not wait behind other cases' calls.
  const atOnce = FAULTS.get(fault) === 'concurrency' ? 2 : 16;
  const little = await serveLittle(await speaker(), [fault], { atOnce });
  try {
    return (await runCases(casesFor(fault, asked), little.setting)).filter(({ result }) => result === 'failed').map(({ name }) => name);
  } finally {
    await little.close();
  }
}

async function part(index: number, parts: number, asked: Asked): Promise<[Fault, string[]][]> {
  const mine = NAMES.filter((_, i) => i % parts === index);
  const found: [Fault, string[]][] = [];
  const work = async (): Promise<void> => {
    for (let fault = mine.shift(); fault !== undefined; fault = mine.shift()) found.push([fault, await findersOf(fault, asked)]);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return found;
}

function inChild(index: number, parts: number, asked: Asked): Promise<[Fault, string[]][]> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', ME, String(index), String(parts), asked], {
      env: process.env, stdio: ['ignore', 'pipe', 'inherit'],
    });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => { output += chunk; });
    child.once('error', reject);
    child.once('close', (code) => (code === 0 ? resolve(JSON.parse(output) as [Fault, string[]][]) : reject(new Error(`the matrix ended with ${code}`))));
  });
}

export async function matrix(asked: Asked, parts = 2): Promise<Matrix> {
  const found = (await Promise.all(Array.from({ length: parts }, (_, index) => inChild(index, parts, asked)))).flat();
  const finders = new Map(found);
  return new Map(NAMES.map((fault) => [fault, new Set(finders.get(fault))]));
}

/** How many cases of each category find each fault; blank where none was asked. */
export function table(found: Matrix, asked: Asked, ms: number): string {
  const rows = [...found].map(([fault, names]) => {
    const its = new Set(casesFor(fault, asked).map(({ category }) => category));
    const count = (category: Category) => CASES.filter((each) => each.category === category && names.has(each.name)).length;
    const counts = CATEGORIES.map((category) => (its.has(category) ? String(count(category) || '·') : '').padStart(5));
    return `${fault.padEnd(30)}${counts.join('')}`;
  });
  const head = `${'found by so many cases of'.padEnd(30)}${CATEGORIES.map((category) => category.slice(0, 4).padStart(5)).join('')}`;
  return `${head}\n${rows.join('\n')}\n${found.size} faults × ${CASES.length} cases in ${(ms / 1000).toFixed(0)} s`;
}

if (process.argv[1] === ME) {
  const [index, parts, asked] = process.argv.slice(2);
  if (asked !== undefined) process.stdout.write(JSON.stringify(await part(Number(index), Number(parts), asked as Asked)));
  else {
    const began = performance.now();
    const found = await matrix('all');
    process.stdout.write(`${table(found, 'all', performance.now() - began)}\n`);
  }
}
