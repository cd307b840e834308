/** What a plan of PostgreSQL does, without what it costs: nodes, indexes with what they are entered by, tables. Partitions are told as the table that they are of. */
export interface Node {
  readonly 'Node Type': string;
  readonly Strategy?: string;
  readonly 'Join Type'?: string;
  readonly 'Relation Name'?: string;
  readonly Alias?: string;
  readonly 'Index Name'?: string;
  readonly 'Index Cond'?: string;
  readonly 'Function Name'?: string;
  readonly 'CTE Name'?: string;
  readonly 'Subplan Name'?: string;
  readonly Plans?: readonly Node[];
}

const PARTITION = /_(\d{4}_\d\d(_\d\d)?|default)(?=_|$)/;
export const tableOf = (name: string): string => name.replace(PARTITION, '');

/** Names that PostgreSQL numbers by the place of a partition among all are told without it. */
const unnumbered = (text: string): string => text.replaceAll(/\b([a-z]\w*?)_\d+\./g, '$1.');

function lineOf(node: Node): string {
  const { 'Index Name': index, 'Relation Name': relation, 'Index Cond': cond, 'CTE Name': cte, 'Function Name': called, 'Subplan Name': subplan } = node;
  const strategy = node['Node Type'] === 'Aggregate' ? ` ${node.Strategy?.toLowerCase()}` : '';
  const join = node['Join Type'] === undefined ? '' : ` ${node['Join Type'].toLowerCase()}`;
  return [
    subplan && `${subplan.replace(/ \d+\)?$/, '').replace(/\(returns.*/, '').trim()}: `, node['Node Type'], strategy, join, index && ` ${tableOf(index)}`, relation && ` on ${tableOf(relation)}`,
    cte && ` ${cte}`, called && ` ${called}`, cond && ` by ${unnumbered(cond)}`,
  ].filter(Boolean).join('');
}

/** By an index alone, by it and the table, or by a map of the table's pages made of it: which of these follows from how full pages are. */
const isMapped = (node: Node): boolean => node['Node Type'] === 'Bitmap Heap Scan' && node.Plans?.length === 1 && node.Plans[0]?.['Node Type'] === 'Bitmap Index Scan';
/** What only keeps, or passes on, what comes from below: where it pays follows from how much there is. */
const PASSES_ON = /^(Memoize|Materialize|Subquery Scan|Result)$/;
const passesOn = (node: Node): boolean => PASSES_ON.test(node['Node Type']) && node.Plans?.length === 1;
const plain = (node: Node): Node => (passesOn(node) ? plain({ ...(node.Plans?.[0] as Node), ...(node['Subplan Name'] !== undefined && { 'Subplan Name': node['Subplan Name'] }) }) : isMapped(node) ? { ...(node.Plans?.[0] as Node), ...node, 'Node Type': 'Index', Plans: [], 'Index Cond': node.Plans?.[0]?.['Index Cond'] }
  : { ...node, 'Node Type': node['Node Type'].replace(/^Index (Only )?Scan$/, 'Index') });

/**
 * A line a node, each below what asks it; of a table's partitions that are asked alike one stands for all, in a stated order. Parts with little in them
 * (`isSlight`) stand for nothing: one of their indexes is as good as another, and how much is in them follows from the hour or the day of the month.
 */
export function shapeOf(whole: Node, isSlight: (part: Node) => boolean = () => false): string[] {
  const node = plain(whole);
  const isOfParts = /Append$/.test(node['Node Type']);
  const full = isOfParts ? node.Plans?.filter((child) => !nodesOf(child).some(isSlight)) ?? [] : [];
  const below = (full.length > 0 ? full : node.Plans ?? []).map((child) => shapeOf(child, isSlight));
  const told = isOfParts ? [...new Map(below.map((lines) => [lines.join('\n'), lines])).values()].toSorted((one, other) => (one.join() < other.join() ? -1 : 1)) : below;
  return [lineOf(node), ...told.flat().map((line) => `  ${line}`)];
}

/** By the rows of each table: parts that hold less than half of what the fullest part of their table holds. */
export function slightParts(rowsOf: ReadonlyMap<string, number>): (part: Node) => boolean {
  const fullest = new Map<string, number>();
  for (const [name, rows] of rowsOf) if (tableOf(name) !== name) fullest.set(tableOf(name), Math.max(rows, fullest.get(tableOf(name)) ?? 0));
  return ({ 'Relation Name': part = '' }) => {
    const rows = rowsOf.get(part) ?? 0;
    return tableOf(part) !== part && (rows <= 0 || 2 * rows < (fullest.get(tableOf(part)) ?? 0));
  };
}

export const nodesOf = (node: Node): Node[] => [node, ...(node.Plans ?? []).flatMap(nodesOf)];
