import { describe, expect, it } from '@jest/globals';
import { ground } from '../support/ground.ts';
import { CALETA, fresh, said, seatAt, STRANGE, type Hub88Seat } from './hub88-seat.ts';

/**
 * Caleta's list of cases, as its public re-telling names them, with what must come of each here: 100.00 EUR is 10000000.
 * Seven of the 58 come out otherwise, by the rules of this wallet and not by its dialect: why stands beside each, behind "Otherwise".
 */
const here = ground({ players: { EUR: 90 }, dialects: [CALETA] });
const free = () => ({ is_free: true, campaign_uuid: fresh(), reward_uuid: fresh() });
const tokenOf = async (seat: Hub88Seat, token?: string): Promise<string> => (await seat.check(token)).body.token as string;
const block = (seat: Hub88Seat) => here.sql(`update wallet set stop = 'blocked' where player_id = $1`, [seat.player.id]);

/** A bet of 1.00, its answer, and its id. */
async function placed(seat: Hub88Seat, more: object = {}): Promise<readonly [string, string]> {
  const id = fresh();
  return [id, await seat.bet(id, 100_000, more)];
}

/** Tokens as `wallet/check` gives them: the last is in use, the one before it superseded. */
async function superseded(seat: Hub88Seat): Promise<string> {
  const first = await tokenOf(seat);
  await seat.balance({ token: first });
  const second = await tokenOf(seat, first);
  expect(said(await seat.call('bet', seat.bodies.bet(fresh(), 0, { token: second })))).toBe('OK 10000000');
  return first;
}

describe('check', () => {
  it('gives a token: Test_Check, Test_Check_New_Session', async () => {
    const seat = seatAt(here);
    const first = await tokenOf(seat);
    expect((await seat.check()).body).toEqual({ token: first });
    const second = await tokenOf(seat, first);
    expect(new Set([seat.token, first, second]).size).toBe(3);
    expect((await seat.check()).body).toEqual({ status: 'RS_ERROR_TOKEN_EXPIRED', request_uuid: '' });
    expect(await seat.balance({ token: second })).toBe('OK 10000000');
  });

  it('gives none for a token that is none: Test_Check_Invalid_Session', async () => {
    expect((await seatAt(here).check('invalid-session')).body).toEqual({ status: 'RS_ERROR_INVALID_TOKEN', request_uuid: '' });
  });
});

describe('balance', () => {
  it('is told for a token of the player only: Test_Balance, Test_Balance_Invalid_Session, Test_Balance_Invalid_Signature', async () => {
    const seat = seatAt(here);
    const body = seat.bodies.balance() as { request_uuid: string };
    expect((await seat.call('balance', body)).body).toEqual({ user: seat.player.id, status: 'RS_OK', request_uuid: body.request_uuid, currency: 'EUR', balance: 10_000_000 });
    expect(await seat.balance({ token: 'invalid-session' })).toBe('INVALID_TOKEN');
    expect((await seat.call('balance', body, { pair: STRANGE })).body).toEqual({ status: 'RS_ERROR_INVALID_SIGNATURE', request_uuid: body.request_uuid });
  });

  it('is the token’s player’s where the call names nobody', async () => {
    const seat = seatAt(here);
    const reply = await seat.call('balance', seat.bodies.balance({ supplier_user: null }));
    expect([reply.body.user, said(reply)]).toEqual([seat.player.id, 'OK 10000000']);
    expect(await seat.balance({ supplier_user: null, token: 'invalid-session' })).toBe('INVALID_TOKEN');
  });
});

describe('bet', () => {
  it.each([
    ['Test_Bet', 100_000, 9_900_000], ['Test_Bet_One_Cent', 1_000, 9_999_000], ['Test_Bet_One_Milli', 100, 9_999_900], ['Test_Bet_Ten_Micro', 1, 9_999_999],
  ])('%s: %i leaves %i', async (_name, amount, left) => {
    expect(await seatAt(here).bet(fresh(), amount)).toBe(`OK ${left}`);
  });

  it('may be several in a round: Test_Bet_Multiple', async () => {
    const seat = seatAt(here);
    expect([await seat.bet(fresh(), 100_000), await seat.bet(fresh(), 100_000), await seat.bet(fresh(), 100_000)]).toEqual(['OK 9900000', 'OK 9800000', 'OK 9700000']);
  });

  it('is refused: Test_Bet_Invalid_Session, Test_Bet_Negative, Test_Bet_Exceeding_Balance, Test_Bet_Blatantly_Exceeding_Balance, Test_Bet_Invalid_Game, Test_Bet_Wrong_Currency, Test_Bet_Invalid_Currency, Test_Bet_Invalid_Signature', async () => {
    const seat = seatAt(here);
    expect([
      await seat.bet(fresh(), 100_000, { token: 'invalid-session' }), await seat.bet(fresh(), -100_000), await seat.bet(fresh(), 10_000_001), await seat.bet(fresh(), 2_147_483_647),
      await seat.bet(fresh(), 100_000, { game_code: 'invalid game' }), await seat.bet(fresh(), 100_000, { currency: 'USD' }), await seat.bet(fresh(), 100_000, { currency: 'schmeckles' }),
      said(await seat.call('bet', seat.bodies.bet(fresh(), 100_000), { pair: STRANGE })), await seat.balance(),
    ]).toEqual(['INVALID_TOKEN', 'WRONG_TYPES', 'NOT_ENOUGH_MONEY 10000000', 'NOT_ENOUGH_MONEY 10000000', 'INVALID_GAME', 'WRONG_CURRENCY', 'WRONG_CURRENCY', 'INVALID_SIGNATURE', 'OK 10000000']);
  });

  // Otherwise, both: there a token is over when its successor is asked for; here when that is first used, because the answer that bore it may be lost.
  it('of a token whose successor is in use: TOKEN_EXPIRED: Test_Bet_Expired_Session, Test_PromoBet_Expired_Session', async () => {
    const seat = seatAt(here);
    const token = await superseded(seat);
    expect([await seat.bet(fresh(), 100_000, { token }), await seat.bet(fresh(), 100_000, { token, ...free() }), await seat.balance({ token })]).toEqual(['TOKEN_EXPIRED', 'TOKEN_EXPIRED', 'OK 10000000']);
  });

  it('of a token whose successor nobody has used is taken: the answer that bore it may be lost', async () => {
    const seat = seatAt(here);
    await tokenOf(seat);
    expect(await seat.bet(fresh(), 100_000)).toBe('OK 9900000');
  });

  it('of a known id is a duplicate: Test_Bet_Duplicate_TransactionId, Test_Bet_Duplicate_TransactionId_For_Different_Users', async () => {
    const [seat, other] = [seatAt(here), seatAt(here)];
    const id = fresh();
    expect([await seat.bet(id, 100_000, { round: 'a' }), await seat.bet(id, 100_000, { round: 'b' }), await other.bet(id, 100_000, { round: 'c' })]).toEqual(['OK 9900000', 'DUPLICATE_TRANSACTION', 'DUPLICATE_TRANSACTION']);
  });
});

describe('promo bet', () => {
  // Otherwise, the second: a free bet needs no funds here. A purse of promotions, which could be exceeded, is the provider's to keep.
  it('moves no cash, whatever its face: Test_PromoBet, and Test_PromoBet_Exceeding_Balance where no promo purse is kept', async () => {
    const seat = seatAt(here);
    expect([await seat.bet(fresh(), 100_000, free()), await seat.bet(fresh(), 1_000_001_000, free())]).toEqual(['OK 10000000', 'OK 10000000']);
  });

  it('needs the right currency: Test_PromoBet_Wrong_Currency, Test_PromoBet_Invalid_Currency', async () => {
    const seat = seatAt(here);
    expect([await seat.bet(fresh(), 100_000, { ...free(), currency: 'USD' }), await seat.bet(fresh(), 100_000, { ...free(), currency: 'schmeckles' })]).toEqual(['WRONG_CURRENCY', 'WRONG_CURRENCY']);
  });
});

describe('win', () => {
  it.each([
    ['Test_Win', 200_000, 10_100_000], ['Test_Win_One_Cent', 1_000, 9_901_000], ['Test_Win_One_Milli', 100, 9_900_100], ['Test_Win_Ten_Micro', 1, 9_900_001],
  ])('%s: 1.00 less and %i more is %i', async (_name, amount, left) => {
    const seat = seatAt(here);
    const [bet] = await placed(seat);
    expect(await seat.win(fresh(), bet, amount, { round_closed: true })).toBe(`OK ${left}`);
  });

  it('is refused: Test_Win_Missing_Bet, Test_Win_Negative, Test_Win_Wrong_Currency, Test_Win_Invalid_Currency, Test_Win_Invalid_Signature, Test_Win_Duplicate_TransactionId, Test_Win_Duplicate_TransactionId_For_Different_Users', async () => {
    const [seat, other] = [seatAt(here), seatAt(here)];
    const [bet] = await placed(seat);
    expect([
      await seat.win(fresh(), fresh(), 100_000), await seat.win(fresh(), bet, -100_000), await seat.win(fresh(), bet, 100_000, { currency: 'USD' }), await seat.win(fresh(), bet, 100_000, { currency: 'schmeckles' }),
      said(await seat.call('win', seat.bodies.win(fresh(), bet, 100_000), { pair: STRANGE })), await seat.win(bet, bet, 100_000), await other.win(bet, bet, 100_000),
    ]).toEqual(['TRANSACTION_DOES_NOT_EXIST', 'WRONG_TYPES', 'WRONG_CURRENCY', 'WRONG_CURRENCY', 'INVALID_SIGNATURE', 'DUPLICATE_TRANSACTION', 'DUPLICATE_TRANSACTION']);
    expect([await seat.balance(), await other.balance()]).toEqual(['OK 9900000', 'OK 10000000']);
  });

  // Otherwise: games are asked of new bets alone. What a bet has won is owed, and INVALID_GAME would freeze the round for people.
  it('is owed whatever game it names: Test_Win_Invalid_Game', async () => {
    const seat = seatAt(here);
    const [bet] = await placed(seat);
    expect(await seat.win(fresh(), bet, 100_000, { game_code: 'invalid game' })).toBe('OK 10000000');
  });
});

describe('promo win', () => {
  // Otherwise, as the two below: what a free bet wins is the player's cash here; there it stays in a purse of promotions.
  it('is cash: Test_PromoWin', async () => {
    const seat = seatAt(here);
    const more = free();
    const [bet] = await placed(seat, more);
    expect(await seat.win(fresh(), bet, 200_000, more)).toBe('OK 10200000');
  });

  it('is refused: Test_PromoWin_Wrong_Currency, Test_PromoWin_Invalid_Currency, Test_PromoWin_Missing_Bet', async () => {
    const seat = seatAt(here);
    const [bet] = await placed(seat);
    expect([await seat.win(fresh(), bet, 1, { ...free(), currency: 'USD' }), await seat.win(fresh(), bet, 1, { ...free(), currency: 'schmeckles' }), await seat.win(fresh(), fresh(), 1, free())])
      .toEqual(['WRONG_CURRENCY', 'WRONG_CURRENCY', 'TRANSACTION_DOES_NOT_EXIST']);
  });
});

describe('rollback', () => {
  it('gives the stake back: Test_Rollback', async () => {
    const seat = seatAt(here);
    const [bet, answer] = await placed(seat);
    expect([answer, await seat.rollback(fresh(), bet, { round_closed: true })]).toEqual(['OK 9900000', 'OK 10000000']);
    const unnamed = await seat.call('rollback', { ...seat.bodies.rollback(fresh(), bet), user: undefined });
    expect([unnamed.body.user, said(unnamed)]).toEqual([seat.player.id, 'OK 10000000']);
  });

  it('of one of several bets leaves the others: Test_Rollback_Multiple_Bet', async () => {
    const seat = seatAt(here);
    const [[first], [second]] = [await placed(seat), await placed(seat)];
    expect([await seat.rollback(fresh(), first), await seat.win(fresh(), second, 100_000)]).toEqual(['OK 9900000', 'OK 10000000']);
  });

  it('of what is unknown is fine: Test_Rollback_Missing_Referenced_Transaction; its bet comes too late', async () => {
    const seat = seatAt(here);
    const bet = fresh();
    expect([await seat.rollback(fresh(), bet, { round_closed: true }), await seat.bet(bet, 100_000), await seat.balance()]).toEqual(['OK 10000000', 'TRANSACTION_ROLLED_BACK', 'OK 10000000']);
  });

  it('and then a win: Test_Rollback_Then_Win, Test_PromoRollback, Test_PromoRollback_Then_Win', async () => {
    for (const more of [{}, free()]) {
      const seat = seatAt(here);
      const [bet] = await placed(seat, more);
      expect([await seat.rollback(fresh(), bet, more), await seat.win(fresh(), bet, 100_000, more), await seat.balance()]).toEqual(['OK 10000000', 'TRANSACTION_ROLLED_BACK', 'OK 10000000']);
    }
  });
});

describe('an expired session', () => {
  // Otherwise, the promo win: it is accepted as there, and is cash.
  it('still gets its wins and rollbacks: Test_Win_Using_Expired_Session, Test_PromoWin_Using_Expired_Session, Test_PromoRollback_Using_Expired_Session', async () => {
    const seat = seatAt(here);
    const more = free();
    const [[bet], [promo], [undone]] = [await placed(seat), await placed(seat, more), await placed(seat, more)];
    await here.sql(`update session set expires_at = now() - interval '1 hour' where player_id = $1`, [seat.player.id]);
    expect([await seat.win(fresh(), bet, 200_000), await seat.win(fresh(), promo, 200_000, more), await seat.rollback(fresh(), undone, more), await seat.bet(fresh(), 1)])
      .toEqual(['OK 10100000', 'OK 10300000', 'OK 10300000', 'TOKEN_EXPIRED']);
  });

  it('that is superseded does too', async () => {
    const seat = seatAt(here);
    const [bet] = await placed(seat, { amount: 0 });
    const token = await superseded(seat);
    expect([await seat.win(fresh(), bet, 200_000, { token }), await seat.rollback(fresh(), fresh(), { token, user: undefined })]).toEqual(['OK 10200000', 'OK 10200000']);
  });
});

describe('a blocked player', () => {
  // Otherwise, the promo win: it is accepted as there, and is cash.
  it('bets no more, and still gets wins and rollbacks: Test_Bet_Blocked, Test_PromoBet_Blocked, Test_Win_Not_Blocked, Test_PromoWin_Not_Blocked, Test_Rollback_Not_Blocked, Test_PromoRollback_Not_Blocked', async () => {
    const seat = seatAt(here);
    const more = free();
    const [[won], [promoWon], [undone], [promoUndone]] = [await placed(seat), await placed(seat, more), await placed(seat), await placed(seat, more)];
    await block(seat);
    expect([await seat.bet(fresh(), 100_000), await seat.bet(fresh(), 100_000, free())]).toEqual(['USER_DISABLED', 'USER_DISABLED']);
    expect([await seat.win(fresh(), won, 200_000), await seat.win(fresh(), promoWon, 200_000, more), await seat.rollback(fresh(), undone), await seat.rollback(fresh(), promoUndone, more)])
      .toEqual(['OK 10000000', 'OK 10200000', 'OK 10300000', 'OK 10300000']);
  });
});
