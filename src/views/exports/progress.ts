/** How far an export is, told as it goes: server-sent events, one a change, and an end. */
import type { ServerResponse } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import type { ExportView } from './schema.ts';

export interface ProgressOptions {
  readonly read: () => Promise<ExportView>;
  /** the process ends, or the caller has gone */
  readonly signal: AbortSignal;
  readonly everyMs?: number;
}

const EVERY_MS = 500;
/** Proxies cut what is silent. */
const QUIET_MS = 15_000;
/** Then the caller asks anew, and is asked for its key. */
const LONGEST_MS = 10 * 60_000;

const ENDED = new Set<ExportView['state']>(['done', 'failed', 'cancelled', 'expired']);

/** Writes until the export has ended. One that cannot be read for a moment is asked for again. */
export async function tellProgress(response: Pick<ServerResponse, 'write' | 'end' | 'once' | 'off'>, first: ExportView, { read, signal, everyMs = EVERY_MS }: ProgressOptions): Promise<void> {
  const until = performance.now() + LONGEST_MS;
  let told = '';
  let toldAt = performance.now();
  const say = async (text: string) => {
    toldAt = performance.now();
    if (!response.write(text)) await drained(response, signal);
  };
  for (let view = first; !signal.aborted; ) {
    const data = JSON.stringify(view);
    const ended = ENDED.has(view.state);
    if (data !== told) await say(`event: ${ended ? 'end' : 'progress'}\ndata: ${data}\n\n`);
    else if (performance.now() - toldAt > QUIET_MS) await say(': still here\n\n');
    told = data;
    if (ended || performance.now() > until) break;
    await pause(everyMs, undefined, { signal }).catch(() => undefined);
    if (!signal.aborted) view = await read().catch(() => view);
  }
  response.end();
}

const drained = (response: Pick<ServerResponse, 'once' | 'off'>, signal: AbortSignal): Promise<void> => new Promise((resolve) => {
  const done = () => {
    response.off('drain', done);
    signal.removeEventListener('abort', done);
    resolve();
  };
  response.once('drain', done);
  signal.addEventListener('abort', done, { once: true });
  if (signal.aborted) done();
});
