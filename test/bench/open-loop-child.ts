/** The open loop's process: calls are begun by the clock alone. */
import { readFileSync } from 'node:fs';
import { latencyOf, LOST, openLines, type Line } from './lines.ts';
import type { OpenOutcome, OpenTask } from './open-loop.ts';

/** How long answers are waited for behind the last call's moment, and how long calls that found no connection may still begin. */
const PATIENCE_MS = 5_000;
const MOST_LATE_MS = 1_000;

const { port, connections, perSecond, settleSeconds, seconds, requests } = JSON.parse(process.argv[2] as string) as OpenTask;
const bytes = readFileSync(requests.file);
const total = Math.floor(perSecond * (settleSeconds + seconds));
const intervalMs = 1_000 / perSecond;
const [from, to] = [settleSeconds * 1_000, (settleSeconds + seconds) * 1_000];

/** by call: when it was begun and answered, behind the first call's moment, and how */
const begunMs = new Float64Array(total).fill(NaN);
const answeredMs = new Float64Array(total).fill(NaN);
const statuses = new Uint16Array(total).fill(LOST);
const codes = new Map<number, string>();

/** Lines take turns, so that as many connections are in use as were asked for. */
let free: Line[] = [];
let firstFree = 0;
let startedAt = Infinity;
let next = 0;
let outstanding = 0;
const now = () => performance.now() - startedAt;

/** Whatever is due, as long as a connection is free; the rest begins when one is, late. */
function sendDue(): void {
  const due = Math.min(total, Math.floor(now() / intervalMs) + 1);
  while (next < due && firstFree < free.length) {
    const line = free[firstFree++] as Line;
    const call = next++;
    outstanding++;
    begunMs[call] = now();
    line.send(call, bytes.subarray(call * requests.length, (call + 1) * requests.length));
  }
  if (firstFree > 8_192) {
    free = free.slice(firstFree);
    firstFree = 0;
  }
}

const opened = openLines(port, connections, {
  free(line) {
    free.push(line);
    if (now() >= 0) sendDue();
  },
  gone(line) {
    free = free.slice(firstFree).filter((other) => other !== line);
    firstFree = 0;
  },
  answered(call, status, code) {
    statuses[call] = status;
    if (code) codes.set(call, code);
    answeredMs[call] = now();
    outstanding--;
  },
});

function outcome(): OpenOutcome {
  const byAnswer = new Map<string, number[]>();
  const [all, late]: [number[], number[]] = [[], []];
  const counts = { served: 0, lost: 0, unbegun: 0 };
  for (let call = 0; call < total; call++) {
    const intended = call * intervalMs;
    const [status, begun, answered] = [statuses[call] as number, begunMs[call] as number, answeredMs[call] as number];
    if (status === 200 && answered >= from && answered < to) counts.served++;
    if (intended < from) continue;
    const latency = answered - intended;
    all.push(status === 200 ? latency : PATIENCE_MS);
    late.push(Number.isNaN(begun) ? PATIENCE_MS : begun - intended);
    if (Number.isNaN(begun)) counts.unbegun++;
    else if (status === LOST) counts.lost++;
    else {
      const answer = [status, codes.get(call)].join(' ').trim();
      const same = byAnswer.get(answer);
      if (same) same.push(latency);
      else byAnswer.set(answer, [latency]);
    }
  }
  return {
    servedPerSecond: counts.served / seconds, lost: counts.lost, unbegun: counts.unbegun, all: latencyOf(all), late: latencyOf(late),
    byAnswer: Object.fromEntries([...byAnswer].map(([answer, values]) => [answer, latencyOf(values)] as const)),
  };
}

await opened;
startedAt = performance.now();
// Said by one clock: a machine that stood still would let two timers go off in any order.
const marks = [{ word: 'begun', at: from }, { word: 'sent', at: to }];
const clock = setInterval(() => {
  while (marks[0] && now() >= marks[0].at) process.send?.(marks.shift()?.word);
  if (now() >= to + MOST_LATE_MS) next = total;
  else sendDue();
  const isOver = now() >= to && next >= total && outstanding === 0;
  if (!isOver && now() < to + PATIENCE_MS) return;
  clearInterval(clock);
  process.send?.(outcome(), () => process.exit(0));
}, 1);
