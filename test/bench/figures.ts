/** Medians and spreads of a few rounds. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? (sorted[middle] as number) : ((sorted[middle - 1] ?? NaN) + (sorted[middle] ?? NaN)) / 2;
}

export const spreadOf = (values: readonly number[]): Spread =>
  ({ median: median(values), min: Math.min(...values), max: Math.max(...values) });

/** Three significant digits, thousands apart; a dash for what could not be measured. */
export function show(value: number): string {
  if (!Number.isFinite(value)) return '–';
  if (Math.abs(value) >= 1_000) return Math.round(value).toLocaleString('en');
  if (value !== 0 && Math.abs(value) < 0.001) return value.toExponential(1);
  return String(Number(value.toPrecision(3)));
}

export const showSpread = ({ median: middle, min, max }: Spread): string =>
  (show(min) === show(max) ? show(middle) : `${show(middle)} (${show(min)}…${show(max)})`);
