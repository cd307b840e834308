/** A V8 CPU profile as tables: time by function, by where it belongs, and inclusive time of our functions and our packages'. */
import { pathToFileURL } from 'node:url';
import { DIST } from './built.ts';

interface Frame {
  readonly functionName: string;
  readonly url: string;
  readonly lineNumber: number;
}

export interface CpuProfile {
  readonly nodes: readonly { readonly id: number; readonly callFrame: Frame; readonly children?: readonly number[] }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

export interface Share {
  readonly name: string;
  readonly us: number;
}

export interface Summary {
  /** without the time in which the process waited */
  readonly busyUs: number;
  readonly idleUs: number;
  readonly self: readonly Share[];
  readonly groups: readonly Share[];
  readonly inclusive: readonly Share[];
}

const HOME = `${pathToFileURL(DIST).href}/`;
const PACKAGE = /node_modules\/(?!.*node_modules\/)(.*)$/;
/** Beginning and ending the profile is no part of the load. */
const isProfiler = ({ url }: Frame) => url === 'node:inspector' || url === 'node:inspector/promises' || url.endsWith('/bench/profiler.ts');

function placeOf({ functionName, url, lineNumber }: Frame): string {
  const name = functionName || '(anonymous)';
  if (url === '') return name;
  const short = url.startsWith(HOME) ? url.slice(HOME.length) : (PACKAGE.exec(url)?.[1] ?? url);
  return `${name} ${short}:${lineNumber + 1}`;
}

function groupOf({ functionName, url }: Frame): string {
  if (url.startsWith(HOME)) return `croupier ${url.slice(HOME.length)}`;
  const dependency = /node_modules\/(?!.*node_modules\/)((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1];
  if (dependency) return dependency;
  if (url.startsWith('node:')) return `node: ${url.slice('node:'.length).replace(/^internal\//, '').split('/')[0]}`;
  return functionName.startsWith('(') ? functionName : 'built in (JSON, regular expressions, native calls)';
}

const sorted = (times: Map<string, number>): Share[] => [...times].map(([name, us]) => ({ name, us })).sort((a, b) => b.us - a.us);
const add = (times: Map<string, number>, name: string, us: number) => times.set(name, (times.get(name) ?? 0) + us);

export function summarise({ nodes, samples, timeDeltas }: CpuProfile): Summary {
  const selfOf = new Map<number, number>();
  samples.forEach((id, i) => selfOf.set(id, (selfOf.get(id) ?? 0) + (timeDeltas[i] ?? 0)));
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const [self, groups, inclusive] = [new Map<string, number>(), new Map<string, number>(), new Map<string, number>()];
  let idleUs = 0;
  let busyUs = 0;
  const visit = (id: number, above: ReadonlySet<string>): number => {
    const node = byId.get(id);
    if (!node) return 0;
    const { callFrame } = node;
    if (isProfiler(callFrame)) return 0;
    const own = selfOf.get(id) ?? 0;
    const isIdle = callFrame.functionName === '(idle)';
    if (isIdle) idleUs += own;
    else {
      busyUs += own;
      add(self, placeOf(callFrame), own);
      add(groups, groupOf(callFrame), own);
    }
    const ours = callFrame.url.startsWith(HOME) || PACKAGE.test(callFrame.url) ? placeOf(callFrame) : undefined;
    const below = ours === undefined || above.has(ours) ? above : new Set(above).add(ours);
    const total = (node.children ?? []).reduce((sum, child) => sum + visit(child, below), own);
    if (ours !== undefined && !above.has(ours)) add(inclusive, ours, total);
    return total;
  };
  visit(nodes[0]?.id ?? 0, new Set());
  return { busyUs, idleUs, self: sorted(self), groups: sorted(groups), inclusive: sorted(inclusive) };
}
