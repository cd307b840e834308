import { expect, it } from '@jest/globals';
import { ground, said, Seat } from '../../support/ground.ts';

/** A provider of one operator names the player of another: to every call that could move money there is no such player. */
const here = ground({ players: { EUR: 2 } });

it('another operator’s player is nobody, whatever is asked of the wallet', async () => {
  const player = here.world.strangers[0];
  if (!player) throw new Error('the world has no strangers');
  const [own, foreign] = [new Seat(here.provider(-1), player), new Seat(here.provider(), player)];
  expect(said(await own.bet('b1', '10'))).toBe('applied 90.00');
  const before = await here.totals();
  const replies = await Promise.all([
    foreign.bet('b1', '10'), foreign.bet('b2', '10'), foreign.win('w1', '10', { type: 'jackpot' }), foreign.rollback('k1', 'b1'),
    foreign.rollback('k2', 'b3'), foreign.play([{ type: 'bet', transactionId: 'b4', amount: '1' }]), foreign.closeRound(),
    foreign.status('bet', 'b1'), foreign.balance(),
  ]);
  expect(new Set(replies.map(said))).toEqual(new Set(['PLAYER_NOT_FOUND']));
  expect(await here.totals()).toEqual(before);
});

it('both operators’ calls on one player in one batch are told apart', async () => {
  const player = here.world.strangers[1];
  if (!player) throw new Error('the world has no strangers');
  const [own, foreign] = [new Seat(here.provider(-1), player), new Seat(here.provider(), player)];
  const replies = await Promise.all([foreign.bet('b1', '10'), own.bet('b1', '10'), foreign.bet('b2', '10'), own.bet('b2', '10')]);
  expect(replies.map(said)).toEqual(['PLAYER_NOT_FOUND', 'applied 90.00', 'PLAYER_NOT_FOUND', 'applied 80.00']);
});
