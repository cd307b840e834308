import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type pg from 'pg';
import { feed, feedOf } from '../../../test/faults/feed-witness.ts';
import { Ground } from '../../../test/support/ground.ts';
import type { Projection } from '../contract.ts';
import { advance } from '../feed/advance.ts';
import { rebuild } from '../feed/rebuild.ts';
import { makeRows } from '../feed/rows.ts';
import { rounds } from './projection.ts';

// A round of several games counts for the first of them by name. It is counted where it was seen first, and taken out of there when more of it comes:
// what is left there is a row of nothing, which no history that is read at once has.

describe('rounds that are counted by day and game', () => {
  const ground = new Ground({ players: { EUR: 8 } });
  let client: pg.Client;
  beforeAll(async () => {
    await ground.open();
    client = await feedOf(ground.database);
    await makeRows(client, [rounds]);
  });
  afterAll(async () => {
    await client?.end();
    await ground.close();
  });
  beforeEach(async () => {
    await ground.sql('truncate played_round, round_day');
    await ground.sql("update projection set lanes = '{}', batches = '{}', caught_up = false, tail_from = '-infinity'");
  });

  const counted = async () => (await ground.sql<{ said: string }>("select format('%s: %s opened, %s ended', game_id, opened, ended) as said from round_day order by game_id")).map(({ said }) => said);
  /** One transaction a step; what was counted after each. */
  async function stepByStep(): Promise<string[]> {
    const seen: string[] = [];
    for (let came = ''; came !== 'current';) {
      ({ came } = await advance(client, rounds, { most: 1 }));
      const now = (await counted()).join('; ');
      if (now !== (seen.at(-1) ?? '')) seen.push(now);
    }
    return seen;
  }

  it('that turn out to be of another game leave nothing where they were, in the same step', async () => {
    const [one, other] = [ground.seat(), ground.seat()];
    for (const seat of [one, other]) expect((await seat.bet(`two-${seat.player.id}`, '1.00', { gameId: 'game-2', roundId: 'x' })).status).toBe(200);
    await one.bet('one', '1.00', { gameId: 'game-1', roundId: 'x' });
    await other.bet('other', '1.00', { gameId: 'game-1', roundId: 'x' });
    expect(await stepByStep()).toEqual([
      'game-2: 1 opened, 0 ended', 'game-2: 2 opened, 0 ended', 'game-1: 1 opened, 0 ended; game-2: 1 opened, 0 ended', 'game-1: 2 opened, 0 ended',
    ]);
    expect(await rebuild(rounds, { ownerUrl: ground.database.url('croupier_owner'), replace: false, progress: () => undefined })).toMatchObject({ swapped: true, differences: [] });
  });

  it('and the same for those that have ended: a round that is closed and then found to be of an earlier game is opened and ended there alone', async () => {
    const seat = ground.seat();
    await seat.bet('b1', '1.00', { gameId: 'game-2', roundId: 'y' });
    await seat.win('w1', '0.50', { gameId: 'game-2', roundId: 'y', closeRound: true });
    expect(await feed(client, rounds)).toBe('current');
    expect(await counted()).toContain('game-2: 1 opened, 1 ended');
    await seat.win('w2', '0.50', { gameId: 'game-1', roundId: 'y' });
    expect(await feed(client, rounds)).toBe('current');
    expect((await counted()).filter((row) => row.startsWith('game-2'))).toEqual([]);
  });

  it('leave such a row where the view does not delete it, which this test would see; the next step of one that does takes it away, whoever left it', async () => {
    const forgetful: Projection = { ...rounds, applies: rounds.applies.slice(0, -1) };
    const seat = ground.seat();
    await seat.bet('f1', '1.00', { gameId: 'game-2', roundId: 'z' });
    expect(await feed(client, forgetful)).toBe('current');
    await seat.bet('f2', '1.00', { gameId: 'game-1', roundId: 'z' });
    expect(await feed(client, forgetful)).toBe('current');
    expect(await counted()).toContain('game-2: 0 opened, 0 ended');
    const differing = await rebuild(forgetful, { ownerUrl: ground.database.url('croupier_owner'), replace: false, progress: () => undefined });
    expect([differing.swapped, differing.differences.map(({ table }) => table)]).toEqual([false, ['round_day']]);
    await seat.bet('f3', '1.00', { gameId: 'game-1', roundId: 'z' });
    expect(await feed(client, rounds)).toBe('current');
    expect((await counted()).filter((row) => row.includes('0 opened, 0 ended'))).toEqual([]);
  });
});
