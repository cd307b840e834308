import { closeSync, existsSync, openSync, readSync, renameSync, statSync } from 'node:fs';

const LIMIT_BYTES = 8 << 20;

/** One launch's part of a log file that later launches append to. */
export interface LogPart {
  path: string;
  from: number;
}

/** Opens a log for appending, the old one put aside when it has grown; the caller closes `file` once a child has it. */
export function openLog(path: string): { file: number; part: LogPart } {
  if (existsSync(path) && statSync(path).size > LIMIT_BYTES) renameSync(path, `${path}.1`);
  const file = openSync(path, 'a', 0o600);
  return { file, part: { path, from: statSync(path).size } };
}

/** The last lines of this launch, for the sentence that says why it failed. */
export function lastWords({ path, from }: LogPart): string {
  const file = openSync(path, 'r');
  try {
    const text = Buffer.alloc(Math.max(0, statSync(path).size - from));
    readSync(file, text, 0, text.length, from);
    return lastLines(text.toString('utf8'));
  } finally {
    closeSync(file);
  }
}

export function lastLines(text: string): string {
  return text.trim().split('\n').slice(-6).join(' | ') || 'it said nothing';
}
