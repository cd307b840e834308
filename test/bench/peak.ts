/** A server under closed-loop load, with what it cost: calls a second, and CPU time a call of each of the three parties. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { cpuOf, cpuOfFamily } from './cpu.ts';
import { drawOf } from './draws.ts';
import type { Generator } from './generators.ts';
import type { Ground } from './ground.ts';
import { presign, type Asked } from './presign.ts';
import type { Random } from './random.ts';
import { countersOf, type Counters, type Server } from './servers.ts';

export interface Sample {
  readonly connections: number;
  readonly perSecond: number;
  readonly answered: number;
  readonly failed: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly meanMs: number;
  /** CPU µs a call */
  readonly nodeUs: number;
  readonly postgresUs: number;
  readonly loadUs: number;
  /** movements a batch, from the wallet's own count; 0 for a server without batches */
  readonly batch: number;
}

export interface Field {
  readonly ground: Ground;
  readonly generator: Generator;
  readonly random: Random;
}

/** More than any server of one thread has answered here; of each server it follows what that one did, and grows where it does not suffice. */
const MOST_PER_SECOND = 16_000;
const mostPerSecond = new Map<string, number>();
const MOST_ON_FILE = 1_500_000;
/** of calls that may come again */
const ENOUGH = 60_000;

const NO_COUNTERS: Counters = { applied: 0, other: 0, batches: 0, movements: 0 };

export const uniform = ({ ground, random }: Field, operation: Asked['operation'] = 'bet', account = ground.accounts.kept): Asked =>
  ({ operation, account, draw: drawOf('uniform', ground.players, random) });

/** Every bet is new and must be applied; reads, and bets of the bare server, may be sent again. */
export async function peak(field: Field, server: Server, asked: Asked, connections: number, seconds: number): Promise<Sample> {
  const isNew = server.counts && asked.operation === 'bet';
  const most = mostPerSecond.get(server.name) ?? MOST_PER_SECOND;
  const count = isNew ? Math.min(MOST_ON_FILE, Math.ceil(most * 1.5 * (seconds + 1))) : ENOUGH;
  const file = join(field.ground.dir, 'calls');
  const requests = presign(file, Math.ceil(count / connections) * connections, asked, field.random);
  const read = async () => ({
    counters: isNew ? await countersOf(server) : NO_COUNTERS, node: cpuOf(server.pid), postgres: cpuOfFamily(field.ground.postgres.pid),
  });
  let before = await read();
  let after = before;
  const loaded = await field.generator.run({
    port: server.port, connections, seconds, requests,
    onBegin: async () => { before = await read(); }, onEnd: async () => { after = await read(); },
  });
  rmSync(file);
  const { answered, failed, cpuSeconds } = loaded;
  const applied = after.counters.applied - before.counters.applied;
  const other = after.counters.other - before.counters.other;
  if (isNew && other > 0 && applied + other >= requests.count) {
    mostPerSecond.set(server.name, most * 2);
    return peak(field, server, asked, connections, seconds);
  }
  if (answered === 0) throw new Error(`${server.name}: no call was answered with 200, ${failed} failed`);
  // A server that has shown what it does needs no more calls signed than that, and some.
  if (isNew) mostPerSecond.set(server.name, Math.max(mostPerSecond.get(server.name) ?? 2_000, (answered / loaded.seconds) * 1.5));
  const calls = isNew ? applied : answered;
  const batches = after.counters.batches - before.counters.batches;
  return {
    connections, perSecond: answered / loaded.seconds, answered, failed: failed + other,
    p50Ms: loaded.p50Ms, p99Ms: loaded.p99Ms, meanMs: loaded.meanMs,
    nodeUs: perCall(after.node - before.node, calls),
    postgresUs: server.name === 'bare' ? 0 : perCall(after.postgres - before.postgres, calls),
    loadUs: perCall(cpuSeconds, answered), batch: batches > 0 ? (after.counters.movements - before.counters.movements) / batches : 0,
  };
}

const perCall = (cpuSeconds: number, calls: number) => (cpuSeconds * 1e6) / calls;

export const best = (samples: readonly Sample[]): Sample => samples.reduce((a, b) => (b.perSecond > a.perSecond ? b : a));
