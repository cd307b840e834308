/** A position in the ledger is a lane's batch for each lane; what lies between two positions is a range. Pure. */

/** lane → batch: everything up to it */
export type Position = ReadonlyMap<number, number>;

export interface Range {
  readonly lanes: readonly number[];
  /** exclusive, inclusive; as many as `lanes` */
  readonly after: readonly number[];
  readonly upto: readonly number[];
}

export const batchesIn = ({ after, upto }: Range): number => upto.reduce((sum, batch, i) => sum + batch - (after[i] as number), 0);

/** What lies past `from`, at most so many batches of it, in the order of the lanes of `to`. */
export function rangeBetween(from: Position, to: Position, most: number): Range {
  const [lanes, after, upto]: number[][] = [[], [], []] as [number[], number[], number[]];
  let left = most;
  for (const [lane, batch] of to) {
    const begun = from.get(lane) ?? 0;
    const taken = Math.min(batch - begun, left);
    if (taken <= 0) continue;
    (lanes).push(lane);
    (after).push(begun);
    (upto).push(begun + taken);
    left -= taken;
  }
  return { lanes, after, upto };
}

export function behind(from: Position, { lanes, upto }: Range): Position {
  const moved = new Map(from);
  lanes.forEach((lane, i) => moved.set(lane, upto[i] as number));
  return moved;
}

export const positionOf = (lanes: readonly number[], batches: readonly number[]): Position => new Map(lanes.map((lane, i) => [lane, batches[i] as number]));

/** A lane that stands lower than it stood, or is gone: the ledger was rewound. */
export function rewound(from: Position, to: Position): number | undefined {
  for (const [lane, batch] of from) if ((to.get(lane) ?? -1) < batch) return lane;
  return undefined;
}
