/** S4: one call at a time. A durable insert of one row through `pg`, a bet at the lane, a bet over HTTP, from one and the same process. */
import { fork } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { DATABASE } from './ground.ts';
import { listenTo } from './generators.ts';
import { uniform, type Field } from './peak.ts';
import { presign } from './presign.ts';
import type { Server } from './servers.ts';

export interface LoneSample {
  /** p50 in milliseconds */
  readonly insert: number;
  readonly lane: number;
  readonly http: number;
}

export type LoneKind = keyof LoneSample;

export async function lone(field: Field, server: Server, calls: number, order: readonly LoneKind[]): Promise<LoneSample> {
  const { ground } = field;
  const account = ground.accounts.kept;
  const requests = presign(join(ground.dir, 'bets-lone'), calls, uniform(field), field.random);
  const task: LoneTask = {
    insertUrl: ground.postgres.superuserUrl(DATABASE), moneyUrl: ground.moneyUrl, port: server.port, account,
    players: ground.players.slice(0, 1_000), requests, order,
  };
  const child = fork(join(import.meta.dirname, 'lone-child.ts'));
  try {
    const said = listenTo(child);
    child.send(task);
    return await said<LoneSample>();
  } finally {
    child.kill('SIGKILL');
    rmSync(requests.file);
  }
}

export interface LoneTask {
  readonly insertUrl: string;
  readonly moneyUrl: string;
  readonly port: number;
  readonly account: Field['ground']['accounts']['kept'];
  readonly players: readonly string[];
  readonly requests: ReturnType<typeof presign>;
  readonly order: readonly LoneKind[];
}
