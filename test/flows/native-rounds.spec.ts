import { describe, expect, it } from '@jest/globals';
import { ground, said } from '../support/ground.ts';

/** Every player starts with 100.00 EUR at wallet version 1. Numbers in brackets: the rule of money that a story tells. */
const here = ground({ players: { EUR: 40 }, policies: [{ deadlineMs: 5_000 }, { deadlineMs: 5_000 }] });

describe('a win', () => {
  it('(11) needs a bet in its round, or the one it names, and may come again when the bet has come', async () => {
    const { bet, win } = here.seat();
    expect(said(await win('w1', '5'))).toBe('BET_NOT_FOUND 100.00');
    expect(said(await win('w2', '5', { betTransactionId: 'b1' }))).toBe('BET_NOT_FOUND 100.00');
    await bet('b1', '10');
    expect(said(await win('w1', '5'))).toBe('applied 95.00');
    expect(said(await win('w2', '5', { betTransactionId: 'b1' }))).toBe('applied 100.00');
  });

  it('(11) finds no bet in one that was refused', async () => {
    const { bet, win } = here.seat();
    await bet('b1', '150');
    expect(said(await win('w1', '5'))).toBe('BET_NOT_FOUND 100.00');
    expect(said(await win('w2', '5', { betTransactionId: 'b1' }))).toBe('BET_NOT_FOUND 100.00');
  });

  it('(12) for an undone bet, or a round of undone bets, is refused', async () => {
    const { bet, win, rollback } = here.seat();
    await bet('b1', '10');
    await rollback('k1', 'b1');
    expect(said(await win('w1', '5', { betTransactionId: 'b1' }))).toBe('ROLLED_BACK 100.00');
    expect(said(await win('w2', '5'))).toBe('ROLLED_BACK 100.00');
    await bet('b2', '10');
    expect(said(await win('w2', '5'))).toBe('applied 95.00');
  });

  it('(9, 14) is counted on its bet however many there are: the 65,536th leaves it as settled as the first', async () => {
    const { bet, win, rollback, player } = here.seat();
    await bet('b1', '10');
    await win('w1', '1', { betTransactionId: 'b1' });
    for (const wins of [32_767, 65_535]) {
      await here.sql(`update transaction_key set wins = $2 where player_id = $1 and operation = 'bet'`, [player.id, wins]);
      expect((await win(`w${wins}`, '1', { betTransactionId: 'b1' })).body).toMatchObject({ status: 'applied' });
      expect(said(await rollback(`k${wins}`, 'b1'))).toMatch(/^BET_ALREADY_SETTLED /);
    }
  });

  it('(13) of zero is a row of its own and settles the bet it names', async () => {
    const { bet, win, rollback } = here.seat();
    await bet('b1', '10');
    expect((await win('w1', '0', { betTransactionId: 'b1' })).body).toMatchObject({ status: 'applied', amount: '0.00', walletVersion: 3 });
    expect(said(await rollback('k1', 'b1'))).toBe('BET_ALREADY_SETTLED 90.00');
    expect(said(await bet('b2', '10'))).toBe('applied 80.00'); // the round is open still
  });

  it('(14) may be one of several on a bet', async () => {
    const { bet, win } = here.seat();
    await bet('b1', '10');
    for (const [id, balance] of [['w1', '95.00'], ['w2', '100.00'], ['w3', '105.00']] as const) {
      expect(said(await win(id, '5', { betTransactionId: 'b1' }))).toBe(`applied ${balance}`);
    }
  });

  it('a jackpot, a prize or a total of free rounds needs no bet, round or game', async () => {
    const { call } = here.seat();
    for (const [i, type] of ['jackpot', 'free_rounds', 'tournament'].entries()) {
      const { body } = await call('win', { transactionId: `a${i}`, amount: '5', type, campaignId: 'c1' });
      expect(body).toMatchObject({ status: 'applied', type: 'win', amount: '5.00', balance: `${105 + 5 * i}.00` });
    }
  });

  it('a prize settles no bet of the round it names', async () => {
    const { bet, win, rollback } = here.seat();
    await bet('b1', '10');
    await win('a1', '5', { type: 'tournament' });
    expect(said(await rollback('k1', 'b1'))).toBe('applied 105.00');
    expect(said(await rollback('k2', 'a1', { originalType: 'award' }))).toBe('applied 100.00');
  });
});

describe('a round', () => {
  it('(15) takes no bet once it is closed, and still pays, gives back and closes again', async () => {
    const { bet, win, rollback, closeRound } = here.seat();
    await bet('b1', '10');
    await bet('b2', '10');
    const closed = await closeRound();
    expect(closed.body).toEqual({ roundId: 'r1', state: 'closed', balance: '80.00', walletVersion: 4 });
    expect((await closeRound()).body).toEqual(closed.body);
    expect(said(await bet('b3', '10'))).toBe('ROUND_CLOSED 80.00');
    expect(said(await win('w1', '25', { betTransactionId: 'b1' }))).toBe('applied 105.00');
    expect(said(await rollback('k2', 'b2'))).toBe('applied 115.00');
    expect(said(await bet('b1', '10'))).toBe('replayed 115.00');
  });

  it('(15) that nobody knows is unknown, and stays open for the bet that comes', async () => {
    const { bet, closeRound } = here.seat();
    expect((await closeRound()).body).toEqual({ roundId: 'r1', state: 'unknown', balance: '100.00', walletVersion: 1 });
    expect(said(await bet('b1', '10'))).toBe('applied 90.00');
  });

  it('(15) may be closed by its own bet and still win', async () => {
    const { bet, win } = here.seat();
    expect(said(await bet('b1', '10', { closeRound: true }))).toBe('applied 90.00');
    expect(said(await bet('b2', '10'))).toBe('ROUND_CLOSED 90.00');
    expect(said(await win('w1', '5'))).toBe('applied 95.00');
  });

  it('(15) is closed by the win that says so, without a version of its own', async () => {
    const { bet, win, closeRound } = here.seat();
    await bet('b1', '10');
    expect((await win('w1', '0', { closeRound: true })).body.walletVersion).toBe(3);
    expect(said(await bet('b2', '10'))).toBe('ROUND_CLOSED 90.00');
    expect((await closeRound()).body.walletVersion).toBe(3);
  });

  it('is a player’s own: another player’s of the same id stays open', async () => {
    const [one, two] = [here.seat(), here.seat()];
    await one.bet('b1', '10', { closeRound: true });
    expect(said(await two.bet('b1', '10'))).toBe('applied 90.00');
  });
});

describe('a free bet', () => {
  it('moves nothing, needs no funds, counts as a bet and gives nothing back', async () => {
    const { bet, win, rollback } = here.seat();
    const free = await bet('f1', '500', { free: { campaignId: 'c1' } });
    expect(free.body).toMatchObject({ status: 'applied', amount: '0.00', balance: '100.00', walletVersion: 2 });
    expect(said(await win('w1', '7', { betTransactionId: 'f1' }))).toBe('applied 107.00');
    await bet('f2', '500', { free: { campaignId: 'c1' }, roundId: 'r2' });
    expect((await rollback('k2', 'f2', { amount: '500' })).body).toMatchObject({ status: 'applied', amount: '0.00', balance: '107.00' });
  });

  it('may be of zero', async () => {
    expect(said(await here.seat().bet('f1', '0', { free: { campaignId: 'c1' } }))).toBe('applied 100.00');
  });
});

describe('who may bet', () => {
  it('(18) a blocked player bets no more, and is still paid and given back', async () => {
    const { bet, win, rollback, closeRound, player } = here.seat();
    await bet('b1', '10');
    await bet('b2', '10');
    await here.sql(`update wallet set stop = 'blocked' where player_id = $1`, [player.id]);
    expect(said(await bet('b3', '10'))).toBe('PLAYER_BLOCKED 80.00');
    expect(said(await win('w1', '25', { betTransactionId: 'b1' }))).toBe('applied 105.00');
    expect(said(await win('a1', '5', { type: 'jackpot' }))).toBe('applied 110.00');
    expect(said(await rollback('k2', 'b2'))).toBe('applied 120.00');
    expect(said(await closeRound())).toBe('closed 120.00');
    expect(said(await bet('b1', '10'))).toBe('replayed 120.00'); // known before anything is asked of the player
    await here.sql(`update wallet set stop = 'none' where player_id = $1`, [player.id]);
    expect(said(await bet('b3', '10'))).toBe('PLAYER_BLOCKED 120.00');
    expect(said(await bet('b4', '10', { roundId: 'r2' }))).toBe('applied 110.00');
  });

  it('(18) a session that is over takes no bet; (20) one of another player or account is not found', async () => {
    const [{ bet, player }, other] = [here.seat(), here.seat()];
    expect(said(await bet('b0', '10', { sessionToken: other.player.sessionToken }))).toBe('SESSION_NOT_FOUND 100.00');
    expect(said(await bet('b1', '10', { sessionToken: player.sessionToken }))).toBe('applied 90.00');
    const atAnother = here.seat({ account: 1 });
    expect(said(await atAnother.bet('b1', '10', { sessionToken: atAnother.player.sessionToken }))).toBe('SESSION_NOT_FOUND 100.00');
    await here.sql(`update session set expires_at = now() where player_id = $1`, [player.id]);
    expect(said(await bet('b2', '10', { sessionToken: player.sessionToken }))).toBe('SESSION_EXPIRED 90.00');
    await here.sql(`update session set expires_at = now() + interval '1 day', state = 'closed' where player_id = $1`, [player.id]);
    expect(said(await bet('b3', '10', { sessionToken: player.sessionToken }))).toBe('SESSION_EXPIRED 90.00');
    expect(said(await bet('b1', '10', { sessionToken: player.sessionToken }))).toBe('replayed 90.00');
  });

  it('(20) a currency without a wallet, or other than the round’s or the original’s, is a mismatch', async () => {
    const { bet, win, rollback, closeRound, player } = here.seat();
    await bet('b1', '10');
    expect(said(await bet('b2', '10', { currency: 'JPY' }))).toBe('CURRENCY_MISMATCH');
    await here.sql(`insert into wallet (player_id, operator_id, currency, balance, version, at) values ($1, $2, 'JPY', 0, 0, now())`,
      [player.id, player.operatorId]);
    expect(said(await bet('b3', '10', { currency: 'JPY' }))).toBe('CURRENCY_MISMATCH 0');
    expect(said(await win('w1', '10', { currency: 'JPY' }))).toBe('CURRENCY_MISMATCH 0');
    expect(said(await win('w2', '10', { currency: 'JPY', betTransactionId: 'b1', roundId: 'r2' }))).toBe('CURRENCY_MISMATCH 0');
    expect(said(await rollback('k1', 'b1', { currency: 'JPY' }))).toBe('CURRENCY_MISMATCH 0');
    expect(said(await closeRound('r1', { currency: 'JPY' }))).toBe('CURRENCY_MISMATCH 0');
    expect(said(await bet('b4', '10', { currency: 'JPY', roundId: 'r3', sessionToken: player.sessionToken }))).toBe('CURRENCY_MISMATCH 0');
    expect(said(await rollback('k1', 'b1'))).toBe('applied 100.00');
  });

  it('(21) a bet is covered by the balance to the last unit', async () => {
    const { bet } = here.seat();
    expect(said(await bet('b1', '100.000001'))).toBe('INSUFFICIENT_FUNDS 100.00');
    expect(said(await bet('b2', '100'))).toBe('applied 0.00');
    expect(said(await bet('b3', '0.000001'))).toBe('INSUFFICIENT_FUNDS 0.00');
  });

  it('(23) fifty bets of one player at once stand in one order, with no version left out', async () => {
    const { bet, balance } = here.seat();
    const answers = await Promise.all(Array.from({ length: 50 }, (_, i) => bet(`b${i}`, '3')));
    const applied = answers.filter(({ status }) => status === 200).map(({ body }) => body.walletVersion as number).sort((a, b) => a - b);
    expect(applied).toEqual(Array.from({ length: 33 }, (_, i) => i + 2));
    expect(answers.filter(({ body }) => body.code === 'INSUFFICIENT_FUNDS')).toHaveLength(17);
    expect(said(await balance())).toBe('ok 1.00');
  });
});
