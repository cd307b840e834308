import { readFileSync, readlinkSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { listProcesses } from './processes.ts';

/**
 * The process id of a PostgreSQL that runs on this data directory, by the lock file that it keeps there; undefined when there is none,
 * though the id may since have been given to somebody else. Whom we started ourselves and have stopped is gone from the list.
 */
export function serverOn(dir: string): number | undefined {
  const pid = Math.abs(Number(lockFileLines(dir)[0])); // negative: a server in single-user mode
  const running = pid > 0 ? listProcesses().find((found) => found.pid === pid) : undefined;
  if (!running) return undefined;
  const here = workingDirectory(pid);
  const isServer = here === undefined ? /postgres|postmaster/.test(running.command) : here === realpathSync(dir);
  return isServer ? pid : undefined;
}

/** A PostgreSQL server works in its data directory. Undefined where this machine does not say. */
function workingDirectory(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return undefined;
  }
}

/** What a running server writes into its directory about itself; the eighth line is its state. Empty where there is none. */
export function lockFileLines(dir: string): string[] {
  try {
    return readFileSync(join(dir, 'postmaster.pid'), 'utf8').split('\n');
  } catch {
    return [];
  }
}
