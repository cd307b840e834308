import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import { freshDatabase, type TestDatabase } from '../support/cluster.ts';
import { Provider } from '../support/provider.ts';
import { serveHere, type InProcess } from '../support/server.ts';
import { createWorld, type World, type WorldPlayer } from '../support/world.ts';

// One wallet is held for long; another, again and again, for 10 ms, as a second process holds it while it writes.

let database: TestDatabase;
let world: World;
let served: InProcess;
let provider: Provider;

beforeAll(async () => {
  database = await freshDatabase();
  world = await createWorld(database, { players: { EUR: 2 } });
  served = await serveHere(database);
  provider = new Provider(served.baseUrl, world.accounts[0] as never);
});
afterAll(async () => {
  provider?.close();
  await served?.close();
});

const bet = (player: WorldPlayer, transactionId: string) =>
  provider.call('bet', { transactionId, playerId: player.id, currency: 'EUR', amount: '0.01', gameId: 'game-1', roundId: 'r1' });

async function holding<T>(player: WorldPlayer, work: (release: () => Promise<unknown>) => Promise<T>): Promise<T> {
  const client = new pg.Client(database.url('superuser'));
  await client.connect();
  await client.query('begin');
  await client.query('select 1 from wallet where player_id = $1 for update', [player.id]);
  try {
    return await work(() => client.query('commit'));
  } finally {
    await client.end();
  }
}

it('a wallet that is held for 10 ms does not wait for one that is held for long', async () => {
  const [long, brief] = world.players as [WorldPlayer, WorldPlayer];
  const times: number[] = [];
  await holding(long, async () => {
    for (let i = 0; i < 30; i++) {
      const aside = bet(long, `long ${i}`);
      await pause(30);
      await holding(brief, async (release) => {
        const sentAt = performance.now();
        const answer = bet(brief, `brief ${i}`).then(() => times.push(performance.now() - sentAt));
        await pause(10);
        await release();
        await answer;
      });
      void aside.catch(() => undefined);
    }
  });
  process.stdout.write(`held for 10 ms beside one held for long: ${times.map(Math.round).toSorted((a, b) => a - b).join(' ')} ms\n`);
  // A machine that stands still for a moment makes a few late; one that waits for the other wallet's 250 ms makes all of them.
  expect(times.filter((ms) => ms > 100).length).toBeLessThan(times.length / 3);
  expect(times).toHaveLength(30);
}, 60_000);
