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
    const sum = (...places: number[]) => places.reduce((total, place) => total + (fields[place] ?? 0), 0);
    return { pid: Number(pid), parent: sum(1), name: text.slice(text.indexOf('(') + 1, close), own: sum(11, 12), reaped: sum(13, 14) };
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
  const family = [parent, ...all().filter((times) => times.parent === pid)];
  return seconds(family.reduce((sum, { own, reaped }) => sum + own + reaped, 0));
}

/** Of our children that have ended: what a program that came and went has used. */
export function cpuOfEndedChildren(): number {
  return seconds(timesOf(process.pid)?.reaped ?? NaN);
}

export interface Census {
  readonly at: number;
  /** CPU seconds of the whole machine, and of this process with all its descendants */
  readonly machine: number;
  readonly ours: number;
  readonly others: ReadonlyMap<string, { readonly name: string; readonly own: number }>;
}

export interface Others {
  /** of cores, everything together: also what came and went, and the kernel's own work */
  readonly cores: number;
  readonly named: readonly { readonly name: string; readonly cores: number }[];
}

/** user, nice, system, irq, softirq and steal of the first line of /proc/stat */
const BUSY = [1, 2, 3, 6, 7, 8];

/** Who uses the machine: we with all our descendants, and everybody else by name. */
export function census(): Census {
  const found = all();
  const mine = new Set([process.pid]);
  for (let grown = 0; grown !== mine.size;) {
    grown = mine.size;
    for (const { pid, parent } of found) if (mine.has(parent)) mine.add(pid);
  }
  const fields = LINUX ? readFileSync('/proc/stat', 'utf8').split('\n', 1)[0]?.split(/\s+/).map(Number) : undefined;
  const others = found.filter(({ pid }) => !mine.has(pid));
  return {
    at: performance.now(), machine: seconds(BUSY.reduce((sum, place) => sum + (fields?.[place] ?? NaN), 0)),
    ours: seconds(found.filter(({ pid }) => mine.has(pid)).reduce((sum, { own, reaped }) => sum + own + reaped, 0)),
    others: new Map(others.map(({ pid, name, own }) => [`${pid} ${name}`, { name, own }])),
  };
}

/** What else ran since an earlier look; by name only who is still there. */
export function othersSince(before: Census): Others {
  const now = census();
  const elapsed = (now.at - before.at) / 1000;
  const byName = new Map<string, number>();
  for (const [key, { name, own }] of now.others) {
    byName.set(name, (byName.get(name) ?? 0) + seconds(own - (before.others.get(key)?.own ?? 0)) / elapsed);
  }
  const named = [...byName].map(([name, cores]) => ({ name, cores })).filter(({ cores }) => cores >= 0.01);
  const elsewhere = now.machine - before.machine - (now.ours - before.ours);
  return { cores: Math.max(0, elsewhere / elapsed), named: named.sort((a, b) => b.cores - a.cores).slice(0, 12) };
}
