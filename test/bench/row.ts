/** A row of the one table: a ratio or a cost within this run, against its goal. */
import { spreadOf, type Spread } from './figures.ts';

export interface Row {
  readonly id: string;
  readonly what: string;
  readonly value: Spread;
  readonly unit: string;
  /** undefined where nothing is promised */
  readonly goal: { readonly least?: number; readonly most?: number } | undefined;
  readonly from: string;
}

/** Undefined also where nothing of the kind happened. */
export const met = ({ value, goal }: Row): boolean | undefined =>
  goal && !Number.isNaN(value.median) ? (goal.least === undefined || value.median >= goal.least) && (goal.most === undefined || value.median <= goal.most) : undefined;

/** One figure of each round, or of each sample. */
export const over = <Item>(items: readonly Item[], pick: (item: Item) => number): Spread => spreadOf(items.map(pick));
