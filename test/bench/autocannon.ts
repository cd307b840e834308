/** A load generator's process: autocannon with requests that are signed and framed already. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { GeneratorResult } from './generators.ts';
import type { Requests } from './presign.ts';

interface Task {
  readonly port: number;
  readonly connections: number;
  readonly seconds: number;
  readonly requests: Requests;
}

/** The part of autocannon (pinned in package.json) that walks through a connection's requests; it has no way to give it finished bytes. */
interface Client {
  requestIterator: { requests: { requestBuffer: Buffer }[]; currentRequest: { requestBuffer: Buffer }; currentRequestIndex: number };
  on(event: 'response', listener: (status: number) => void): void;
}

interface Outcome {
  errors: number;
  timeouts: number;
  latency: { p50: number; p99: number; mean: number };
}

const { port, connections, seconds, requests } = JSON.parse(process.argv[2] as string) as Task;
const bytes = readFileSync(requests.file);
const whole = (index: number) => ({ requestBuffer: bytes.subarray(index * requests.length, (index + 1) * requests.length) });
const share = Math.floor(requests.count / connections);

let given = 0;
let answered = 0;
let refused = 0;

function setupClient(client: Client): void {
  const first = given++ * share;
  const mine = Array.from({ length: share }, (_, i) => whole(first + i));
  Object.assign(client.requestIterator, { requests: mine, currentRequest: mine[0], currentRequestIndex: 0 });
  client.on('response', (status) => { if (status === 200) answered++; else refused++; });
}

const autocannon = createRequire(import.meta.url)('autocannon') as (
  options: object, done: (error: Error | null, result: Outcome) => void) => { on(event: 'start', listener: () => void): void };

let begunAt = 0;
const run = autocannon({ url: `http://127.0.0.1:${port}`, connections, duration: seconds, timeout: 10, setupClient }, (error, result) => {
  if (error) throw error;
  const elapsed = (performance.now() - begunAt) / 1000;
  const { errors, timeouts, latency } = result;
  const failed = refused + errors + timeouts;
  process.send?.({ answered, failed, seconds: elapsed, p50Ms: latency.p50, p99Ms: latency.p99, meanMs: latency.mean } satisfies GeneratorResult);
});
run.on('start', () => {
  begunAt = performance.now();
  process.send?.('begun');
});
