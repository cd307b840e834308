import { describe, expect, it } from '@jest/globals';
import { setTimeout as pause } from 'node:timers/promises';
import { ground, said } from '../support/ground.ts';

/** One provider account per policy record; every player starts with 100.00 EUR at wallet version 1. */
const POLICIES = {
  default: {},
  first: { duplicateAnswer: 'first' },
  exists: { duplicateAnswer: 'exists' },
  needsBet: { winNeeds: 'bet' },
  needsNothing: { winNeeds: 'nothing' },
  oneWin: { winsPerBet: 'one' },
  noneAfterClose: { winAfterClose: 'refuse' },
  noRounds: { rounds: 'none', winNeeds: 'bet' },
} as const;
const here = ground({ players: { EUR: 40 }, policies: Object.values(POLICIES).map((policy) => ({ deadlineMs: 5_000, ...policy })) });
const seatUnder = (policy: keyof typeof POLICIES) => here.seat({ account: Object.keys(POLICIES).indexOf(policy) });

describe('what a repeated call is answered with', () => {
  it('`first`: the balance and version of the first time', async () => {
    const { bet, win, rollback, balance } = seatUnder('first');
    const first = await bet('b1', '10');
    await win('w1', '25');
    const again = await bet('b1', '10');
    expect(again.body).toEqual({ ...first.body, status: 'replayed' });
    expect(again.headers['x-wallet-version']).toBe('2');
    const undone = await rollback('k1', 'w1');
    await bet('b2', '1');
    expect((await rollback('k1', 'w1')).body).toEqual({ ...undone.body, status: 'replayed' });
    expect(said(await balance())).toBe('ok 89.00');
  });

  it('`exists`: an error that says so and does nothing', async () => {
    const { bet, win, play, balance } = seatUnder('exists');
    await bet('b1', '10');
    const again = await bet('b1', '10');
    expect([again.status, said(again)]).toEqual([409, 'TRANSACTION_CONFLICT 90.00']);
    expect(again.body.detail).toMatch(/already/);
    await win('w1', '5');
    expect(said(await win('w1', '5'))).toBe('TRANSACTION_CONFLICT 95.00');
    expect(said(await play([{ type: 'bet', transactionId: 'b1', amount: '10' }]))).toBe('TRANSACTION_CONFLICT 95.00');
    expect(
      (
        await play([
          { type: 'bet', transactionId: 'b1', amount: '10' },
          { type: 'bet', transactionId: 'b2', amount: '5' },
        ])
      ).body.balance,
    ).toBe('90.00');
    expect(said(await balance())).toBe('ok 90.00');
  });
});

describe('what a win needs', () => {
  it('`bet`: the bet it names; a bet in its round is not enough', async () => {
    const { bet, win } = seatUnder('needsBet');
    await bet('b1', '10');
    expect(said(await win('w1', '5'))).toBe('BET_NOT_FOUND 90.00');
    expect(said(await win('w1', '5', { betTransactionId: 'b2' }))).toBe('BET_NOT_FOUND 90.00');
    expect(said(await win('w1', '5', { betTransactionId: 'b1' }))).toBe('applied 95.00');
  });

  it('`nothing`: neither bet nor round; one whose bets are all undone is still refused', async () => {
    const { bet, win, rollback } = seatUnder('needsNothing');
    expect(said(await win('w1', '5'))).toBe('applied 105.00');
    expect(said(await win('w2', '5', { betTransactionId: 'nobody' }))).toBe('applied 110.00');
    await bet('b1', '10', { roundId: 'r2' });
    await rollback('k1', 'b1');
    expect(said(await win('w3', '5', { roundId: 'r2' }))).toBe('ROLLED_BACK 110.00');
  });

  it('under every policy an award needs neither', async () => {
    for (const policy of ['default', 'needsBet', 'needsNothing', 'noRounds'] as const) {
      expect(said(await seatUnder(policy).call('win', { transactionId: 'a1', amount: '5', type: 'jackpot' }))).toBe('applied 105.00');
    }
  });
});

describe('how many wins a bet may have', () => {
  it('`one`: the second that names it is refused, until the first is undone', async () => {
    const { bet, win, rollback } = seatUnder('oneWin');
    await bet('b1', '10');
    expect(said(await win('w1', '5', { betTransactionId: 'b1' }))).toBe('applied 95.00');
    expect(said(await win('w2', '5', { betTransactionId: 'b1' }))).toBe('BET_ALREADY_SETTLED 95.00');
    await rollback('k1', 'w1');
    expect(said(await win('w2', '5', { betTransactionId: 'b1' }))).toBe('applied 95.00');
  });

  it('`one`: a win that names none settles the round, until a bet comes after it', async () => {
    const { bet, win } = seatUnder('oneWin');
    await bet('b1', '10');
    expect(said(await win('w1', '5'))).toBe('applied 95.00');
    expect(said(await win('w2', '5'))).toBe('BET_ALREADY_SETTLED 95.00');
    expect(said(await win('w3', '5', { betTransactionId: 'b1' }))).toBe('BET_ALREADY_SETTLED 95.00');
    await bet('b2', '10');
    expect(said(await win('w2', '5'))).toBe('applied 90.00');
  });

  it('`one` does not count awards', async () => {
    const { bet, win } = seatUnder('oneWin');
    await bet('b1', '10');
    await win('w1', '5', { betTransactionId: 'b1' });
    expect(said(await win('a1', '5', { betTransactionId: 'b1', type: 'jackpot' }))).toBe('applied 100.00');
  });
});

it('`winAfterClose: refuse`: a closed round pays no more wins, but awards', async () => {
  const { bet, win, rollback, closeRound } = seatUnder('noneAfterClose');
  await bet('b1', '10');
  await closeRound();
  const refused = await win('w1', '5');
  expect([said(refused), refused.body.retryable]).toEqual(['ROUND_CLOSED 90.00', true]);
  expect(said(await win('a1', '5', { type: 'jackpot' }))).toBe('applied 95.00');
  expect(said(await rollback('k1', 'b1'))).toBe('applied 105.00');
});

describe('`rounds: none`', () => {
  it('keeps no round row and still settles by name', async () => {
    const { bet, win, rollback, player } = seatUnder('noRounds');
    await bet('b1', '10');
    await bet('b2', '10');
    expect(said(await win('w1', '5', { betTransactionId: 'b1' }))).toBe('applied 85.00');
    expect(said(await rollback('k1', 'b1'))).toBe('BET_ALREADY_SETTLED 85.00');
    expect(said(await rollback('k2', 'b2'))).toBe('applied 95.00');
    expect(await here.sql('select 1 from round where player_id = $1', [player.id])).toEqual([]);
  });

  it('closes nothing: every round is unknown', async () => {
    const { bet, closeRound } = seatUnder('noRounds');
    await bet('b1', '10', { closeRound: true });
    expect(said(await closeRound())).toBe('unknown 90.00');
    expect(said(await bet('b2', '10'))).toBe('applied 80.00');
  });
});

it('two accounts of one operator share the player and the wallet, and no reference or round', async () => {
  const one = here.seat({ account: 0 });
  const two = here.provider(4);
  const who = { playerId: one.player.id, currency: 'EUR', transactionId: 'b1', amount: '10', gameId: 'game-1', roundId: 'r1' };
  await one.bet('b1', '10', { closeRound: true });
  expect(said(await two.call('bet', who))).toBe('applied 80.00');
  expect(said(await two.call('rollback', { ...who, transactionId: 'k1', originalTransactionId: 'b1' }))).toBe('applied 90.00');
  expect(said(await one.status('bet', 'b1'))).toBe('replayed 90.00');
});

it('a policy that contradicts itself stops that account’s calls until it is mended, and nobody else’s', async () => {
  const { accountId } = here.account(6);
  const [wrong, other] = [here.seat({ account: 6 }), here.seat()];
  const becomes = async (policy: object) => {
    await here.sql('update provider_account set policy = $2 where account_id = $1', [accountId, JSON.stringify(policy)]);
    await pause(1_200); // the snapshot of the configuration follows within a second
  };
  await becomes({ rounds: 'none', winNeeds: 'round' });
  const refused = await wrong.bet('b1', '10');
  expect(refused.body).toMatchObject({ code: 'UNAVAILABLE', status: 503, retryable: true });
  expect(said(await other.bet('b1', '10'))).toBe('applied 90.00');
  await becomes({ winNeeds: 'round' });
  expect(said(await wrong.bet('b1', '10'))).toBe('applied 90.00');
});
