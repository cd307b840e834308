/** A server under closed-loop load, with what it cost: calls a second, and CPU time a call of each of the three parties. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { cpuOf, cpuOfFamily } from './cpu.ts';
import type { Generator } from './generators.ts';
import type { BenchAccount, Ground } from './ground.ts';
import { presign } from './presign.ts';
import type { Random } from './random.ts';
import { countersOf, type Counters, type Server } from './servers.ts';

export interface Sample {
  readonly connections: number;
  readonly perSecond: number;
  readonly answered: number;
  readonly failed: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
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

/** More than any server of one thread has answered here; grows by itself where it does not suffice. */
let mostPerSecond = 16_000;
const MOST_ON_FILE = 1_500_000;

const NO_COUNTERS: Counters = { applied: 0, other: 0, batches: 0, movements: 0 };

/** Every bet is new and must be applied; the bare server may be sent the same ones again. */
export async function peak(field: Field, server: Server, account: BenchAccount, connections: number, seconds: number): Promise<Sample> {
  const isWallet = server.name === 'wallet';
  const count = isWallet ? Math.min(MOST_ON_FILE, Math.ceil(mostPerSecond * 1.5 * (seconds + 1))) : 60_000;
  const file = join(field.ground.dir, `bets-${server.name}`);
  const requests = presign(file, Math.ceil(count / connections) * connections, account, field.ground.players, field.random);
  const read = async () => ({
    counters: isWallet ? await countersOf(server) : NO_COUNTERS, node: cpuOf(server.pid), postgres: cpuOfFamily(field.ground.postgres.pid),
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
  if (isWallet && other > 0 && applied + other >= requests.count) {
    mostPerSecond *= 2;
    return peak(field, server, account, connections, seconds);
  }
  if (answered === 0) throw new Error(`${server.name}: no call was answered with 200, ${failed} failed`);
  if (isWallet) mostPerSecond = Math.max(mostPerSecond, answered / loaded.seconds);
  const calls = isWallet ? applied : answered;
  const batches = after.counters.batches - before.counters.batches;
  return {
    connections, perSecond: answered / loaded.seconds, answered, failed: failed + other, p50Ms: loaded.p50Ms, p99Ms: loaded.p99Ms,
    nodeUs: perCall(after.node - before.node, calls), postgresUs: isWallet ? perCall(after.postgres - before.postgres, calls) : 0,
    loadUs: perCall(cpuSeconds, answered), batch: batches > 0 ? (after.counters.movements - before.counters.movements) / batches : 0,
  };
}

const perCall = (cpuSeconds: number, calls: number) => (cpuSeconds * 1e6) / calls;

export const best = (samples: readonly Sample[]): Sample => samples.reduce((a, b) => (b.perSecond > a.perSecond ? b : a));
