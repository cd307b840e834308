/**
 * Runs a property in strands side by side, the seed printed always.
 * MODEL_SEED repeats a run, MODEL_RUNS makes each property's shorter or longer, MODEL_PART all of them by the same share; MODEL_SEED with MODEL_PATH, as a failure prints them,
 * repeats that one case and nothing else.
 */
import fc from 'fast-check';

const { MODEL_SEED, MODEL_RUNS, MODEL_PART = '1', MODEL_PATH } = process.env;

export interface Size {
  readonly runs: number;
  readonly strands: number;
  /** false where a failing case is more worth as it is */
  readonly shrink?: boolean;
}

/** `isWhole`: as many runs as wanted, not a part asked for by the environment */
export async function runProperty<T>(name: string, property: fc.IAsyncProperty<T>, size: Size): Promise<{ isWhole: boolean }> {
  const { runs, strands, shrink = true } = size;
  const [only, path] = MODEL_PATH?.split('/') ?? [name];
  if (only !== name) return { isWhole: false };
  const seed = Number(MODEL_SEED ?? Math.trunc(Math.random() * 2 ** 31));
  const wanted = Number(MODEL_RUNS ?? Math.ceil(runs * Number(MODEL_PART)));
  process.stdout.write(`model ${name}: MODEL_SEED=${seed} MODEL_RUNS=${wanted}\n`);
  const parameters = path === undefined
    ? Array.from({ length: strands }, (_, strand) => ({ seed: seed + strand, numRuns: Math.ceil(wanted / strands), endOnFailure: !shrink }))
    : [{ seed, path, numRuns: 1, endOnFailure: true }];
  const failures: string[] = [];
  await Promise.all(parameters.map(async (parameter) => {
    const detail = await fc.check(property, parameter);
    if (!detail.failed) return;
    const how = shrink ? `shrunk ${detail.numShrinks} times` : 'not shrunk';
    const what = detail.errorInstance instanceof Error ? detail.errorInstance.message : String(detail.errorInstance);
    const which = `MODEL_SEED=${detail.seed} MODEL_PATH=${name}/${detail.counterexamplePath} (run ${detail.numRuns} of its strand, ${how})`;
    failures.push(`model ${name}: ${which}\n${what}`);
  }));
  if (failures.length > 0) throw new Error(failures.join('\n\n'));
  return { isWhole: path === undefined && wanted >= runs };
}
