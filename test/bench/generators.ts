/** Closed-loop load from a process of its own: wrk where the machine has it, else sockets of our own, or autocannon. All send what was signed before. */
import { execFile, fork, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cpuOf, cpuOfEndedChildren } from './cpu.ts';
import type { Requests } from './presign.ts';
import type { GeneratorName } from './settings.ts';

export interface Load {
  readonly port: number;
  readonly connections: number;
  readonly seconds: number;
  readonly requests: Requests;
  /** begins at the moment when load does */
  readonly onBegin: () => Promise<void>;
  readonly onEnd: () => Promise<void>;
}

export interface Loaded {
  /** answers of status 200 */
  readonly answered: number;
  /** other statuses, timeouts, broken connections */
  readonly failed: number;
  readonly seconds: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly meanMs: number;
  /** CPU seconds of the generator while it sent */
  readonly cpuSeconds: number;
}

export interface Generator {
  readonly name: GeneratorName;
  readonly describes: string;
  run(load: Load): Promise<Loaded>;
}

export function chooseGenerator(wanted: GeneratorName | undefined, dir: string): Generator {
  const version = spawnSync('wrk', ['-v'], { encoding: 'utf8' });
  const words = version.error ? undefined : /^wrk (.*?) (Copyright|$)/.exec(version.stdout)?.[1];
  if (wanted === 'wrk' && words === undefined) throw new Error('--generator wrk: there is no wrk on this machine');
  if ((wanted ?? 'wrk') === 'wrk' && words !== undefined) {
    return { name: 'wrk', describes: `wrk ${words}, one thread`, run: (load) => byWrk(load, dir) };
  }
  if (wanted === 'autocannon') return { name: wanted, describes: 'autocannon 9, one process', run: (load) => byChild('autocannon.ts', load) };
  return { name: 'sockets', describes: 'sockets of our own, one process', run: (load) => byChild('closed-loop-child.ts', load) };
}

export interface GeneratorResult {
  readonly answered: number;
  readonly failed: number;
  readonly seconds: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly meanMs: number;
}

async function byChild(file: string, { port, connections, seconds, requests, onBegin, onEnd }: Load): Promise<Loaded> {
  const child = fork(join(import.meta.dirname, file), [JSON.stringify({ port, connections, seconds, requests })]);
  try {
    const said = listenTo(child);
    await said<'begun'>();
    const before = cpuOf(child.pid as number);
    await onBegin();
    const result = await said<GeneratorResult>();
    await onEnd();
    return { ...result, cpuSeconds: cpuOf(child.pid as number) - before };
  } finally {
    child.kill('SIGKILL');
  }
}

/** What a child says, one message after the other; its end is an error. */
export function listenTo(child: ReturnType<typeof fork>): <Message>() => Promise<Message> {
  const messages: unknown[] = [];
  let wake = () => {};
  let how: string | undefined;
  let ended: string | undefined;
  // Its last words may still be on their way when it has gone: they have come once the channel is closed.
  const end = () => {
    if (how === undefined || child.connected) return;
    ended = `a child process ended with ${how}`;
    wake();
  };
  child.on('message', (message) => { messages.push(message); wake(); });
  child.on('exit', (code, signal) => { how = String(signal ?? code); end(); });
  child.on('disconnect', end);
  return async <Message>() => {
    while (messages.length === 0) {
      if (ended) throw new Error(ended);
      await new Promise<void>((resolve) => (wake = resolve));
    }
    return messages.shift() as Message;
  };
}

/** One thread: it is a fraction of what the server needs, and with two cores a second would only take turns with it. */
async function byWrk({ port, connections, seconds, requests, onBegin, onEnd }: Load, dir: string): Promise<Loaded> {
  const script = join(dir, 'bets.lua');
  writeFileSync(script, scriptOf(requests));
  const before = cpuOfEndedChildren();
  await onBegin();
  const args = ['-t', '1', '-c', String(connections), '-d', `${seconds}s`, '--timeout', '10s', '-s', script, `http://127.0.0.1:${port}`];
  const { stdout } = await promisify(execFile)('wrk', args);
  await onEnd();
  const line = /^RESULT (.*)$/m.exec(stdout)?.[1];
  if (line === undefined) throw new Error(`wrk said nothing of its result:\n${stdout}`);
  return { ...(JSON.parse(line) as GeneratorResult), cpuSeconds: cpuOfEndedChildren() - before };
}

/** The file is read as it is sent; at its end it begins again, which the wallet's own counters show. */
const scriptOf = ({ file, length }: Requests): string => `
local file = assert(io.open("${file}", "rb"))
file:setvbuf("full", 1048576)
request = function()
  local text = file:read(${length})
  if not text or #text < ${length} then
    file:seek("set", 0)
    text = file:read(${length})
  end
  return text
end
done = function(summary, latency)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  io.write(string.format('\\nRESULT {"answered":%d,"failed":%d,"seconds":%.6f,"p50Ms":%.3f,"p99Ms":%.3f,"meanMs":%.3f}\\n',
    summary.requests - errors.status, failed, summary.duration / 1e6, latency:percentile(50) / 1e3,
    latency:percentile(99) / 1e3, latency.mean / 1e3))
end
`;
