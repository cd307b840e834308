import { afterAll, beforeAll, describe, it } from '@jest/globals';
import fc from 'fast-check';
import { sequenceOf } from './commands.ts';
import { openGround, POLICIES, type Ground } from './ground.ts';
import { walk } from './walk.ts';

/** sequences that run side by side, each on a player of its own */
const STRANDS = 16;
const RUNS = Number(process.env['MODEL_RUNS'] ?? 2_000);
const SEED = Number(process.env['MODEL_SEED'] ?? Math.trunc(Math.random() * 2 ** 31));
const PATH = process.env['MODEL_PATH'];

describe('the running system and the model of its rules', () => {
  let ground: Ground;
  beforeAll(async () => {
    ground = await openGround();
  });
  afterAll(() => ground?.close());

  it(`give the same answers and end in the same books, ${RUNS} sequences of 5 to 25 commands`, async () => {
    const strands = PATH === undefined ? STRANDS : 1;
    process.stdout.write(`model sequences: MODEL_SEED=${SEED} MODEL_RUNS=${RUNS}\n`);
    const property = fc.asyncProperty(sequenceOf(POLICIES.length, { minLength: 5, maxLength: 25 }), (sequence) => walk(ground, sequence));
    const details = await Promise.all(Array.from({ length: strands }, (_, strand) => fc.check(property, {
      seed: SEED + strand, numRuns: Math.ceil(RUNS / strands), ...(PATH === undefined ? {} : { path: PATH }), endOnFailure: PATH !== undefined,
    })));
    console.log([...(globalThis as any).tally].sort().map(([k,v]: any)=>k+' '+v).join('\n'));
    const failures = details.filter((detail) => detail.failed).map((detail) =>
      `MODEL_SEED=${detail.seed} MODEL_PATH=${detail.counterexamplePath} (run ${detail.numRuns} of its strand), shrunk to:\n${(detail.errorInstance as Error).message}`);
    if (failures.length > 0) throw new Error(failures.join('\n\n'));
  }, 600_000);
});
