import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { keepShort, lastWords, openLog } from './child-log.ts';
import { processesMentioning, signalProcess, untilGone, type RunningProcess } from './processes.ts';

export interface ChildOptions {
  /** The module it runs. */
  file: URL;
  args?: string[];
  env: NodeJS.ProcessEnv;
  /** Where its output goes; without it, to ours. */
  logFile?: string;
  /** Names the run it belongs to, see `markOf`. */
  mark: string;
}

export interface Child {
  /** Resolves when it has ended, with how: `ended with 1`, `was ended by SIGKILL`. */
  exited: Promise<string>;
  stop(): Promise<void>;
  /** The end of its output, where that goes to a file. */
  lastWords(): string;
}

const STOP_WITHIN_MS = 35_000;
const LEASH = new URL('./leash.js', import.meta.url);

/** Stands in the command line of every process of a run on this directory, so that a later run finds what is left of it. */
export function markOf(dataDir: string): string {
  return `run=${createHash('sha256').update(dataDir).digest('hex').slice(0, 16)}`;
}

/** A Node process of ours, in a session of its own: Ctrl-C reaches only the launcher, which ends the rest in order. */
export function startChild({ file, args = [], env, logFile, mark }: ChildOptions): Child {
  const log = logFile === undefined ? undefined : openLog(logFile);
  const output = log?.file ?? 'inherit';
  const child = spawn(process.execPath, ['--import', `${LEASH.href}?${mark}`, fileURLToPath(file), ...args], {
    env,
    detached: true,
    stdio: ['ignore', output, output, 'ipc'],
  });
  if (log) closeSync(log.file);
  // A run may be left alone for weeks, and the server writes a line a call.
  const tidying = log && setInterval(() => keepShort(log.part.path), 60_000).unref();

  const exited = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(`could not be started (${error.message})`));
    child.once('exit', (code, signal) => {
      clearInterval(tidying);
      resolve(signal ? `was ended by ${signal}` : `ended with ${code}`);
    });
  });
  return {
    exited,
    lastWords: () => (log ? lastWords(log.part) : ''),
    async stop() {
      child.kill('SIGTERM');
      const patience = setTimeout(() => child.kill('SIGKILL'), STOP_WITHIN_MS);
      await exited;
      clearTimeout(patience);
    },
  };
}

/** Ends what an earlier launcher that was killed has left behind; normally its children are on their way out already. */
export async function stopLeftChildren(mark: string): Promise<void> {
  const left = (): RunningProcess[] => processesMentioning(`${LEASH.pathname.split('/').at(-1)}?${mark}`);
  for (const { pid } of left()) signalProcess(pid, 'SIGTERM');
  if (await untilGone(left, STOP_WITHIN_MS)) return;
  for (const { pid } of left()) signalProcess(pid, 'SIGKILL');
}
