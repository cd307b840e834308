/** A closed loop's process: each connection sends its next call when the last is answered. */
import { readFileSync } from 'node:fs';
import type { GeneratorResult } from './generators.ts';
import { latencyOf, openLines, type Line } from './lines.ts';
import type { Requests } from './presign.ts';

interface Task {
  readonly port: number;
  readonly connections: number;
  readonly seconds: number;
  readonly requests: Requests;
}

const { port, connections, seconds, requests } = JSON.parse(process.argv[2] as string) as Task;
const bytes = readFileSync(requests.file);
const waiting: Line[] = [];
const begunMs: number[] = [];
const latencies: number[] = [];
let next = 0;
let failed = 0;
let startedAt = 0;
let over = false;

/** At the end of what was signed it begins again, which the wallet's own counters show. */
function send(line: Line): void {
  const call = next++;
  begunMs[call] = performance.now();
  const at = (call % requests.count) * requests.length;
  line.send(call, bytes.subarray(at, at + requests.length));
}

await openLines(port, connections, {
  free(line) {
    if (startedAt === 0) waiting.push(line);
    else if (!over) send(line);
  },
  gone(line) {
    const at = waiting.indexOf(line);
    if (at >= 0) waiting.splice(at, 1);
  },
  answered(call, status) {
    if (over) return;
    if (status === 200) latencies.push(performance.now() - (begunMs[call] as number));
    else failed++;
  },
});
startedAt = performance.now();
process.send?.('begun');
for (const line of waiting.splice(0)) send(line);
setTimeout(() => {
  over = true;
  const { calls, p50, p99 } = latencyOf(latencies);
  const result: GeneratorResult = {
    answered: calls, failed, seconds: (performance.now() - startedAt) / 1_000, p50Ms: p50, p99Ms: p99,
    meanMs: latencies.reduce((sum, ms) => sum + ms, 0) / calls,
  };
  process.send?.(result);
}, seconds * 1_000);
