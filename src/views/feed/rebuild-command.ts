/** `cli rebuild <view>`: what it did, in sentences. Exit codes: 0 swapped, the copies were equal or --replace was said · 1 they differ, or it cannot be done. */
import type { Projection } from '../contract.ts';
import { NoSecondCopy, type Difference, type Differing } from './second-copy.ts';
import { CannotRebuild, rebuild } from './rebuild.ts';

const seconds = (ms: number): string => (ms / 1_000).toFixed(2);

interface Tell {
  readonly line: (text: string) => void;
  readonly progress: (sentence: string) => void;
}

export async function rebuildCommand(ownerUrl: string, projection: Projection, replace: boolean, tell: Tell): Promise<number> {
  const { name } = projection;
  try {
    const { swapped, differences, applied, ms, stillMs, comparedMs } = await rebuild(projection, { ownerUrl, replace, progress: tell.progress });
    for (const difference of differences) describe(difference).forEach((sentence) => tell.line(sentence));
    const made = `${applied} transactions in ${(ms / 1_000).toFixed(1)} s`;
    if (!swapped) {
      tell.line(`view ${name} was rebuilt (${made}) and differs from the live one, which was left as it is; --replace puts the rebuilt one in its place`);
      return 1;
    }
    const equal = differences.length === 0 ? 'equal to the live one row by row' : 'not equal to the live one, as said above';
    tell.line(`view ${name} was rebuilt (${made}), ${equal}, and took its place; the view stood still for ${seconds(stillMs)} s; compared in ${seconds(comparedMs)} s, while it went on`);
    return 0;
  } catch (error) {
    if (!(error instanceof CannotRebuild || error instanceof NoSecondCopy)) throw error;
    tell.line(`view ${name} was not rebuilt: ${error.message}`);
    return 1;
  }
}

function describe({ table, rows, first }: Difference): string[] {
  return [`${table}: ${rows} ${rows === 1 ? 'row differs' : 'rows differ'}`, ...first.map((row) => `  ${sentenceOf(row)}`), ...(rows > first.length ? [`  … and ${rows - first.length} more`] : [])];
}

function sentenceOf({ row, columns }: Differing): string {
  const which = Object.entries(row).map(([column, value]) => `${column} ${value || "''"}`).join(', ');
  return `${which}: ${Object.entries(columns).map(([column, [live, rebuilt]]) => `${column} live ${live ?? '-'}, rebuilt ${rebuilt ?? '-'}`).join('; ')}`;
}
