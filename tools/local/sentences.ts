import { accessSync, constants, existsSync, statfsSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { CannotStart } from './cannot-start.ts';

/** What Node, initdb and PostgreSQL call the same thing. */
const NO_SPACE = /ENOSPC|EDQUOT|No space left on device|Disk quota exceeded|Check free disk space/;
const DISK_FULL = '53100';
const READ_ONLY = /EROFS|Read-only file system/;
const DENIED = /Permission denied|has wrong ownership/;

const WANTED_BYTES = 1_000_000_000;
const ELSEWHERE = 'choose another directory with DATA_DIR=… npm start.';

/**
 * One sentence about what the person at the terminal can put right, and how; undefined where it is none of that. `said`: what the
 * databases of this run wrote last, because who speaks to them learns only that the connection broke.
 */
export function sentenceFor(reason: unknown, dataDir: string, said: readonly string[] = []): string | undefined {
  const { code = '', path = dataDir, message } = reason as NodeJS.ErrnoException;
  const place = path.startsWith(dataDir) ? dataDir : path;
  if (ranOutOfSpace(reason, said)) return `There is no space left on the disk that holds ${place}: free some, 1 GB or more, or ${ELSEWHERE}`;
  if (READ_ONLY.test(`${code} ${message}`)) return `${place} is on a file system that can only be read: ${ELSEWHERE}`;
  if (code === 'EACCES' || code === 'EPERM') return denied(path);
  if (!(reason instanceof CannotStart)) return undefined;
  return DENIED.test(message) ? denied(dataDir) : message;
}

export function ranOutOfSpace(reason: unknown, said: readonly string[]): boolean {
  const { code = '', message } = reason as NodeJS.ErrnoException;
  return code === DISK_FULL || NO_SPACE.test([code, message, ...said].join('\n'));
}

/** Looked at before anything is begun, so that it is told at once. */
export function mustBeWritable(dataDir: string): void {
  const there = nearest(dataDir);
  if (!statSync(there).isDirectory()) throw new CannotStart(`${there} is no directory: ${ELSEWHERE}`);
  accessSync(there, constants.R_OK | constants.W_OK | constants.X_OK);
}

/** A sentence where a run may run out of space, else undefined. `dir`: where the databases are. */
export function spaceWarning(dir: string): string | undefined {
  const { bavail, bsize } = statfsSync(nearest(dir));
  const free = bavail * bsize;
  if (free >= WANTED_BYTES) return undefined;
  return `only ${Math.floor(free / 1_000_000)} MB are free on the disk that holds ${dir}; a run may need 1 GB, and stops where there is no more`;
}

function denied(path: string): string {
  const there = nearest(path);
  const owner = statSync(there).uid;
  const [why, remedy] = owner === process.getuid?.() ? ['its permissions keep us out', 'chmod it'] : [`it belongs to another user (uid ${owner})`, 'run npm start as that user'];
  return `We have no right to ${there}, ${why}: ${remedy}, or ${ELSEWHERE}`;
}

/** The path, or what there is of it. */
const nearest = (path: string): string => (existsSync(path) || dirname(path) === path ? resolve(path) : nearest(dirname(path)));
