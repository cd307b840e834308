/** S4's process. The three kinds take turns in blocks, so that a moment's noise meets them all. */
import { readFileSync } from 'node:fs';
import pg from 'pg';
import { built } from './built.ts';
import { CURRENCY, GAME } from './ground.ts';
import type { LoneKind, LoneTask } from './lone.ts';
import { openConnection } from './socket.ts';
import { median } from './figures.ts';

const BLOCK = 50;

const task = await new Promise<LoneTask>((resolve) => process.once('message', (message) => resolve(message as LoneTask)));
const { account, players, requests } = task;
const { Lanes } = await built<typeof import('../../src/wallet/lane.ts')>('src/wallet/lane');
const { betOf } = await built<typeof import('../../src/wallet/movements.ts')>('src/wallet/movements');
const { parsePolicy } = await built<typeof import('../../src/providers/contract.ts')>('src/providers/contract');

const playerOf = (i: number) => players[i % players.length] as string;

const client = new pg.Client(task.insertUrl);
await client.connect();
const INSERT = 'insert into bench_insert (player_id, amount) values ($1, $2)';
const insert = async (i: number): Promise<void> => {
  await client.query({ name: 'insert', text: INSERT, values: [playerOf(i), '1000000'] });
};

const alert = (message: string, error: unknown) => { throw new Error(message, { cause: error }); };
const lanes = new Lanes({ url: task.moneyUrl, lanes: 1, watch: { batch() {}, waited() {}, shed() {} }, alert });
await lanes.ready();
const known = { accountId: account.accountId, operatorId: account.operatorId, policy: parsePolicy(account.policy), games: new Map([[GAME, true]]) };
const run = `lane ${process.pid} ${Date.now()}`;
const betAtLane = async (i: number): Promise<void> => {
  const movement = betOf(known, {
    kind: 'bet', reference: `${run} ${i}`, currency: CURRENCY, amount: 1_000_000n, free: false, game: GAME, round: `round ${run} ${i}`,
    closeRound: false,
  });
  const { answer } = await lanes.submit({ account: known, player: playerOf(i), movement, deadlineAt: performance.now() + 10_000 });
  if ('refused' in answer) throw new Error(`a bet at the lane was refused: ${answer.refused}`);
};

const bytes = readFileSync(requests.file);
const connection = await openConnection(task.port);
const betOverHttp = async (i: number): Promise<void> => {
  const status = await connection.call(bytes.subarray(i * requests.length, (i + 1) * requests.length));
  if (status !== 200) throw new Error(`a bet over HTTP was answered with ${status}`);
};

/** Code that has run a few hundred times is compiled; a server is, and so is what stands for one here. */
const warmUp = Math.min(300, requests.count >> 2);
const calls: Record<LoneKind, (i: number) => Promise<void>> = { insert, lane: betAtLane, http: betOverHttp };
const times: Record<LoneKind, number[]> = { insert: [], lane: [], http: [] };
for (let first = 0; first < requests.count; first += BLOCK) {
  for (const kind of task.order) {
    for (let i = first; i < Math.min(first + BLOCK, requests.count); i++) {
      const begunAt = performance.now();
      await calls[kind](i);
      if (i >= warmUp) times[kind].push(performance.now() - begunAt);
    }
  }
}
connection.close();
await lanes.close();
await client.end();
process.send?.({ insert: median(times.insert), lane: median(times.lane), http: median(times.http) });
