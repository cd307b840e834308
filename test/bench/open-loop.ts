/**
 * Open-loop load from a process of its own: calls begin at moments fixed beforehand, however slowly the earlier ones are answered, and a
 * call's latency counts from the moment it was *meant* to begin. (autocannon's `overallRate` waits for the answer on each connection and
 * makes up for that with guesses; it also keeps no latency of what is refused.)
 */
import { fork } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { cpuOf, cpuOfFamily } from './cpu.ts';
import { listenTo } from './generators.ts';
import type { Field } from './peak.ts';
import { presign, type Asked, type Requests } from './presign.ts';
import type { Server } from './servers.ts';

export interface OpenTask {
  readonly port: number;
  readonly connections: number;
  readonly perSecond: number;
  /** not counted, at the beginning */
  readonly settleSeconds: number;
  readonly seconds: number;
  readonly requests: Requests;
}

/** Milliseconds; NaN where there was nothing. */
export interface Latency {
  readonly calls: number;
  readonly p50: number;
  readonly p99: number;
  readonly most: number;
}

export interface OpenOutcome {
  /** answers of status 200 that came while load lasted, whenever their calls began */
  readonly servedPerSecond: number;
  /** of the calls that were meant to begin while load lasted, by status of the answer and a problem's code */
  readonly byAnswer: Readonly<Record<string, Latency>>;
  /** no whole answer, or none within the patience behind the last call */
  readonly lost: number;
  /** no connection was free, up to a second behind the last call's moment */
  readonly unbegun: number;
  /** all of them, where one that was not served counts as the patience's whole length */
  readonly all: Latency;
  /** how late calls were begun: the generator's own share of the latency, and of waiting for a free connection */
  readonly late: Latency;
}

export interface OpenSample extends OpenOutcome {
  readonly connections: number;
  readonly perSecond: number;
  readonly nodeUs: number;
  readonly postgresUs: number;
  readonly loadUs: number;
}

const SETTLE_SECONDS = 1;

export async function openLoop(
  field: Field, server: Server, asked: Asked, load: { connections: number; perSecond: number; seconds: number },
): Promise<OpenSample> {
  const { connections, seconds } = load;
  const perSecond = Math.max(1, Math.round(load.perSecond));
  const file = join(field.ground.dir, 'calls-open');
  const requests = presign(file, Math.ceil(perSecond * (seconds + SETTLE_SECONDS)) + 1, asked, field.random);
  const task: OpenTask = { port: server.port, connections, perSecond, settleSeconds: SETTLE_SECONDS, seconds, requests };
  const child = fork(join(import.meta.dirname, 'open-loop-child.ts'), [JSON.stringify(task)]);
  try {
    const said = listenTo(child);
    await said<'begun'>();
    const read = () => ({ node: cpuOf(server.pid), postgres: cpuOfFamily(field.ground.postgres.pid), load: cpuOf(child.pid as number) });
    const before = read();
    await said<'sent'>();
    const after = read();
    const outcome = await said<OpenOutcome>();
    const perCall = (cpuSeconds: number) => (cpuSeconds * 1e6) / (perSecond * seconds);
    return {
      connections, perSecond, ...outcome, nodeUs: perCall(after.node - before.node),
      postgresUs: perCall(after.postgres - before.postgres), loadUs: perCall(after.load - before.load),
    };
  } finally {
    child.kill('SIGKILL');
    rmSync(file);
  }
}
