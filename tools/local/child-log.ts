import { closeSync, copyFileSync, existsSync, openSync, readSync, statSync, truncateSync } from 'node:fs';

const LIMIT_BYTES = 32 << 20;
const LAST_BYTES = 64 << 10;
/** What a server says that refuses to start. Its log, written in the background, may go on for a few lines behind it. */
const REFUSAL = /^Croupier cannot start: [^]*?(?=\n\{|\n*$(?![^]))/m;

/** One launch's part of a log file that later launches append to. */
export interface LogPart {
  path: string;
  from: number;
}

/** Opens a log for appending; the caller closes `file` once a child has it. */
export function openLog(path: string): { file: number; part: LogPart } {
  keepShort(path);
  const file = openSync(path, 'a', 0o600);
  return { file, part: { path, from: statSync(path).size } };
}

/** Puts a log that has grown aside, as `.1`; its writer appends, and so goes on at the beginning. */
export function keepShort(path: string): void {
  if (!existsSync(path) || statSync(path).size < LIMIT_BYTES) return;
  copyFileSync(path, `${path}.1`);
  truncateSync(path);
}

/** The last lines of this launch, for the sentence that says why it failed. */
export function lastWords(part: LogPart): string {
  const text = endOf(part);
  return REFUSAL.exec(text)?.[0].replaceAll('\n', '; ') ?? lastLines(text);
}

/** What was written in this launch, or the end of it. */
export function endOf({ path, from }: LogPart): string {
  const file = openSync(path, 'r');
  try {
    const { size } = statSync(path);
    const begin = Math.max(from <= size ? from : 0, size - LAST_BYTES);
    const text = Buffer.alloc(size - begin);
    readSync(file, text, 0, text.length, begin);
    return text.toString('utf8');
  } finally {
    closeSync(file);
  }
}

export function lastLines(text: string): string {
  return text.trim().split('\n').slice(-6).join(' | ') || 'it said nothing';
}
