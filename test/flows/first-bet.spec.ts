import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { freshDatabase } from '../support/cluster.ts';
import { Provider } from '../support/provider.ts';
import { serveHere, type InProcess } from '../support/server.ts';
import { createWorld, type World } from '../support/world.ts';

describe('a first bet', () => {
  let world: World;
  let served: InProcess;
  let provider: Provider;

  beforeAll(async () => {
    const database = await freshDatabase();
    world = await createWorld(database);
    served = await serveHere(database);
    provider = new Provider(served.baseUrl, world.accounts[0] as never);
  });
  afterAll(async () => {
    provider?.close();
    await served?.close();
  });

  it('of 1.50 out of 100.00 leaves 98.50, once, however often it is sent', async () => {
    const bet = { transactionId: 'b1', playerId: world.players[0]?.id, currency: 'EUR', amount: '1.50', gameId: 'game-1', roundId: 'r1' };
    const first = await provider.call('bet', bet);
    expect([first.status, first.body.status, first.body.balance]).toEqual([200, 'applied', '98.50']);
    const again = await provider.call('bet', bet);
    expect([again.status, again.body.status, again.body.balance]).toEqual([200, 'replayed', '98.50']);
    expect(again.body.transactionId).toBe(first.body.transactionId);
  });
});
