/** CPU time of processes, from Linux' own accounts. Elsewhere there is none to be had, and the table shows a dash. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

const LINUX = process.platform === 'linux';
const TICKS_A_SECOND = LINUX ? Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' })) : NaN;

interface Times {
  readonly pid: number;
  readonly parent: number;
  readonly name: string;
  readonly own: number;
  /** of its children that have ended */
  readonly reaped: number;
}

function timesOf(pid: number | string): Times | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const close = text.lastIndexOf(')');
    const fields = text.slice(close + 2).split(' ').map(Number);
    const [parent, utime, stime, cutime, cstime] = [1, 11, 12, 13, 14].map((i) => fields[i] ?? 0) as [number, number, number, number, number];
    return { pid: Number(pid), parent, name: text.slice(text.indexOf('(') + 1, close), own: utime + stime, reaped: cutime + cstime };
  } catch {
    return undefined; // it has ended
  }
}

const seconds = (ticks: number) => ticks / TICKS_A_SECOND;

function all(): Times[] {
  if (!LINUX) return [];
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map(timesOf).filter((times) => times !== undefined);
}

export function cpuOf(pid: number): number {
  return seconds(timesOf(pid)?.own ?? 0);
}

/** A process with its children, also those that have ended: a PostgreSQL server with all its sessions and workers. */
export function cpuOfFamily(pid: number): number {
  const parent = timesOf(pid);
  if (!parent) return NaN;
  return seconds(all().filter((times) => times.parent === pid).reduce((sum, child) => sum + child.own + child.reaped, parent.own + parent.reaped));
}

/** Of our children that have ended: what a program that came and went has used. */
export function cpuOfEndedChildren(): number {
  return seconds(timesOf(process.pid)?.reaped ?? NaN);
}

export type Census = ReadonlyMap<string, { readonly name: string; readonly own: number }>;

/** Every process that is neither ours nor a descendant of ours, with the CPU time it has used. */
export function othersNow(): Census {
  const found = all();
  const ours = new Set([process.pid]);
  for (let grown = 0; grown !== ours.size;) {
    grown = ours.size;
    for (const { pid, parent } of found) if (ours.has(parent)) ours.add(pid);
  }
  return new Map(found.filter(({ pid }) => !ours.has(pid)).map(({ pid, name, own }) => [`${pid} ${name}`, { name, own }]));
}

/** Who else used the machine between two looks, by share of one core; a process that came and went between them is not seen. */
export function othersSince(before: Census, elapsedSeconds: number): { name: string; cores: number }[] {
  const byName = new Map<string, number>();
  for (const [key, { name, own }] of othersNow()) {
    const used = seconds(own - (before.get(key)?.own ?? 0));
    byName.set(name, (byName.get(name) ?? 0) + used / elapsedSeconds);
  }
  return [...byName].map(([name, cores]) => ({ name, cores })).filter(({ cores }) => cores >= 0.01).sort((a, b) => b.cores - a.cores).slice(0, 12);
}
