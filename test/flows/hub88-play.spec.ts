import { describe, expect, it } from '@jest/globals';
import { ground } from '../support/ground.ts';
import { fresh, HUB88, Hub88Seat, said, seatAt } from './hub88-seat.ts';

/** Hub88's methods, over the wire: 100.00 EUR is 10000000. */
const here = ground({ players: { EUR: 60, JPY: 1, KWD: 1, BTC: 1 }, dialects: [HUB88, { ...HUB88, policy: { deadlineMs: 300 } }] });

describe('a player', () => {
  it('has a balance, told to whoever holds a token of this account', async () => {
    const seat = seatAt(here);
    const body = seat.bodies.balance() as { request_uuid: string };
    const reply = await seat.call('balance', body);
    expect([reply.status, reply.headers['content-type']]).toEqual([200, 'application/json']);
    expect(reply.body).toEqual({ user: seat.player.id, status: 'RS_OK', request_uuid: body.request_uuid, currency: 'EUR', balance: 10_000_000 });
    expect([await seat.balance({ token: 'nobody’s' }), await seat.balance({ token: seatAt(here).token })]).toEqual(['INVALID_TOKEN', 'INVALID_TOKEN']);
  });

  it('is somebody, as the latest session says; without one here nobody', async () => {
    const seat = seatAt(here);
    const reply = await seat.call('info', { user: seat.player.id, request_uuid: 'q1' });
    expect(reply.body).toEqual({ user: seat.player.id, status: 'RS_OK', request_uuid: 'q1', country: 'MT' });
    const [stranger] = here.world.strangers;
    for (const user of [stranger?.id, fresh(), 'john12345']) expect(said(await seat.call('info', { user, request_uuid: 'q1' }))).toBe('INVALID_TOKEN');
  });
});

describe('a bet', () => {
  it('takes its stake, and the same again takes nothing', async () => {
    const seat = seatAt(here);
    const body = seat.bodies.bet(fresh(), 356_000) as { request_uuid: string };
    const first = await seat.call('bet', body);
    expect(first.body).toEqual({ user: seat.player.id, status: 'RS_OK', request_uuid: body.request_uuid, currency: 'EUR', balance: 9_644_000 });
    expect((await seat.call('bet', body)).body).toEqual(first.body);
    expect(said(await seat.call('bet', { ...body, request_uuid: fresh(), bet: 'another story', meta: { n: 2 } }))).toBe('OK 9644000');
    expect(await seat.bet(fresh(), 44_000)).toBe('OK 9600000');
    expect(said(await seat.call('bet', body))).toBe('OK 9600000');
  });

  it.each([
    ['another amount', { amount: 100_001 }], ['another round', { round: 'r2' }], ['another game', { game_code: 'game-2' }], ['a free one', { is_free: true }],
  ])('of a known id with %s is a duplicate, and takes nothing', async (_what, more) => {
    const seat = seatAt(here);
    const id = fresh();
    await seat.bet(id, 100_000);
    expect([await seat.bet(id, 100_000, more), await seat.balance()]).toEqual(['DUPLICATE_TRANSACTION', 'OK 9900000']);
  });

  it('of another player’s id is a duplicate, whoever comes first, also at the same moment', async () => {
    const [one, other] = [seatAt(here), seatAt(here)];
    const id = fresh();
    expect([await one.bet(id, 100_000), await other.bet(id, 100_000), await other.balance()]).toEqual(['OK 9900000', 'DUPLICATE_TRANSACTION', 'OK 10000000']);
    const ids = Array.from({ length: 20 }, fresh);
    const answers = await Promise.all(ids.flatMap((each) => [one.bet(each, 1_000), other.bet(each, 1_000)]));
    expect(answers.filter((answer) => answer === 'DUPLICATE_TRANSACTION')).toHaveLength(20);
    const left = await Promise.all([one, other].map(async (seat) => Number((await seat.balance()).split(' ')[1])));
    expect(left.reduce((sum, each) => sum + each, 0)).toBe(9_900_000 + 10_000_000 - 20 * 1_000);
  });

  it('beyond the balance is refused with the balance, and stays refused', async () => {
    const seat = seatAt(here);
    const body = seat.bodies.bet(fresh(), 10_000_001) as { request_uuid: string };
    expect((await seat.call('bet', body)).body).toEqual({ user: seat.player.id, status: 'RS_ERROR_NOT_ENOUGH_MONEY', request_uuid: body.request_uuid, currency: 'EUR', balance: 10_000_000 });
    const bet = fresh();
    await seat.bet(bet, 100_000);
    await seat.win(fresh(), bet, 1_000_000);
    expect(said(await seat.call('bet', body))).toBe('NOT_ENOUGH_MONEY 10900000');
    expect(await seat.bet(fresh(), 10_900_000)).toBe('OK 0');
  });

  it('may be several in one round, and of several games in one session', async () => {
    const seat = seatAt(here);
    expect([await seat.bet(fresh(), 100_000), await seat.bet(fresh(), 100_000), await seat.bet(fresh(), 100_000, { game_code: 'game-2', round: 'r2' })]).toEqual(['OK 9900000', 'OK 9800000', 'OK 9700000']);
  });

  it('of nothing is one too; so is one of 0.00001 where the currency has no decimals', async () => {
    const seat = seatAt(here);
    expect([await seat.bet(fresh(), 0), await seat.bet(fresh(), 1), await seat.bet(fresh(), 100)]).toEqual(['OK 10000000', 'OK 9999999', 'OK 9999899']);
    // 100 yen, 100 dinars, 1 bitcoin
    for (const [currency, left] of [['JPY', 'OK 9999999'], ['KWD', 'OK 9999999'], ['BTC', 'OK 99999']] as const) {
      expect([currency, await new Hub88Seat(here, here.seat({ currency }).player).bet(fresh(), 1)]).toEqual([currency, left]);
    }
  });

  it('needs a game, a session of this player, and a currency of theirs', async () => {
    const seat = seatAt(here);
    expect([
      await seat.bet(fresh(), 1, { game_code: 'no game' }), await seat.bet(fresh(), 1, { token: 'nobody’s' }), await seat.bet(fresh(), 1, { token: seatAt(here).token }),
      await seat.bet(fresh(), 1, { token: seat.player.sessionToken }), await seat.bet(fresh(), 1, { currency: 'JPY' }), await seat.bet(fresh(), 1, { currency: 'schmeckles' }),
      await seat.bet(fresh(), 1, { user: fresh() }), await seat.bet(fresh(), 1, { user: here.world.strangers[0]?.id }), await seat.bet(fresh(), 1, { user: 'john12345' }),
    ]).toEqual(['INVALID_GAME', 'INVALID_TOKEN', 'INVALID_TOKEN', 'INVALID_TOKEN', 'WRONG_CURRENCY', 'WRONG_CURRENCY', 'INVALID_TOKEN', 'INVALID_TOKEN', 'INVALID_TOKEN']);
    expect(await seat.balance()).toBe('OK 10000000');
  });

  it('in a closed round, or after its own rollback, is one that its provider rolls back', async () => {
    const seat = seatAt(here);
    const [closing, late, undone] = [fresh(), fresh(), fresh()];
    expect([await seat.bet(closing, 100_000, { round_closed: true }), await seat.bet(late, 100_000), await seat.rollback(fresh(), late)]).toEqual(['OK 9900000', 'UNKNOWN', 'OK 9900000']);
    expect([await seat.rollback(fresh(), undone), await seat.bet(undone, 100_000, { round: 'r2' })]).toEqual(['OK 9900000', 'TRANSACTION_DOES_NOT_EXIST']);
  });

  it('that cannot be judged in time is one whose outcome is unknown, and is judged when it comes again', async () => {
    const seat = seatAt(here, 1);
    const [bet, id] = [fresh(), fresh()];
    expect(await seat.bet(bet, 100_000)).toBe('OK 9900000');
    const held = await here.whileHeld(`select 1 from wallet where player_id = '${seat.player.id}' for update`, () => Promise.all([seat.bet(id, 100_000), seat.win(fresh(), bet, 1), seat.rollback(fresh(), fresh())]));
    expect(held).toEqual(['UNKNOWN', 'UNKNOWN', 'UNKNOWN']);
    expect(await seat.bet(id, 100_000)).toBe('OK 9800000');
  });
});

describe('a win', () => {
  it('is paid on its bet, once however often it comes, and more than one on a bet', async () => {
    const seat = seatAt(here);
    const [bet, win] = [fresh(), fresh()];
    await seat.bet(bet, 1_000_000);
    expect([await seat.win(win, bet, 2_500_000), await seat.win(win, bet, 2_500_000), await seat.win(win, bet, 2_500_001)]).toEqual(['OK 11500000', 'OK 11500000', 'DUPLICATE_TRANSACTION']);
    expect([await seat.win(fresh(), bet, 1), await seat.win(fresh(), bet, 0, { round_closed: true }), await seat.bet(fresh(), 1)]).toEqual(['OK 11500001', 'OK 11500001', 'UNKNOWN']);
    expect(await seat.win(fresh(), bet, 500_000)).toBe('OK 12000001');
  });

  it('of no bet, of a refused one or of another player’s is paid to nobody', async () => {
    const [seat, other] = [seatAt(here), seatAt(here)];
    const [refused, theirs] = [fresh(), fresh()];
    await seat.bet(refused, 99_000_000);
    await other.bet(theirs, 100_000);
    expect([await seat.win(fresh(), fresh(), 100), await seat.win(fresh(), refused, 100), await seat.win(fresh(), theirs, 100)]).toEqual(Array(3).fill('TRANSACTION_DOES_NOT_EXIST'));
    expect(await seat.balance()).toBe('OK 10000000');
  });

  it('of a bet that was rolled back is paid to nobody: Hub88 says that such a bet cannot be found', async () => {
    const seat = seatAt(here);
    const [bet, unknown] = [fresh(), fresh()];
    await seat.bet(bet, 100_000);
    expect([await seat.rollback(fresh(), bet), await seat.win(fresh(), bet, 100)]).toEqual(['OK 10000000', 'TRANSACTION_DOES_NOT_EXIST']);
    expect([await seat.rollback(fresh(), unknown), await seat.win(fresh(), unknown, 100), await seat.balance()]).toEqual(['OK 10000000', 'TRANSACTION_DOES_NOT_EXIST', 'OK 10000000']);
  });

  it('under an id that was anything else before is a duplicate', async () => {
    const [seat, other] = [seatAt(here), seatAt(here)];
    const [bet, undone, undoing, theirs] = [fresh(), fresh(), fresh(), fresh()];
    for (const id of [bet, undone]) await seat.bet(id, 100_000);
    await seat.rollback(undoing, undone);
    await other.bet(theirs, 100_000);
    expect([await seat.win(bet, bet, 1), await seat.win(undone, bet, 1), await seat.win(theirs, bet, 1)]).toEqual(Array(3).fill('DUPLICATE_TRANSACTION'));
    expect(await seat.balance()).toBe('OK 9900000');
  });

  it('in another currency is not paid', async () => {
    const seat = seatAt(here);
    const bet = fresh();
    await seat.bet(bet, 100_000);
    expect([await seat.win(fresh(), bet, 1, { currency: 'JPY' }), await seat.win(fresh(), bet, 1, { currency: 'schmeckles' }), await seat.balance()]).toEqual(['WRONG_CURRENCY', 'WRONG_CURRENCY', 'OK 9900000']);
  });
});

describe('a rollback', () => {
  it('gives the stake back, once, under its own id or another', async () => {
    const seat = seatAt(here);
    const [bet, undo] = [fresh(), fresh()];
    await seat.bet(bet, 356_000);
    expect([await seat.rollback(undo, bet), await seat.rollback(undo, bet), await seat.rollback(fresh(), bet)]).toEqual(['OK 10000000', 'OK 10000000', 'OK 10000000']);
    expect([await seat.bet(bet, 356_000), await seat.balance()]).toEqual(['OK 10000000', 'OK 10000000']);
  });

  it('of what is unknown is fine, and keeps its bet out', async () => {
    const seat = seatAt(here);
    const bet = fresh();
    expect([await seat.rollback(fresh(), bet), await seat.bet(bet, 100_000), await seat.balance()]).toEqual(['OK 10000000', 'TRANSACTION_DOES_NOT_EXIST', 'OK 10000000']);
  });

  it('of one of two bets leaves the round to the other', async () => {
    const seat = seatAt(here);
    const [first, second] = [fresh(), fresh()];
    await seat.bet(first, 100_000);
    await seat.bet(second, 100_000);
    expect([await seat.rollback(fresh(), first, { round_closed: true }), await seat.win(fresh(), second, 300_000), await seat.bet(fresh(), 100_000)]).toEqual(['OK 9900000', 'OK 10200000', 'OK 10100000']);
  });

  it('of a win is of nothing, and behind a win is for people', async () => {
    const seat = seatAt(here);
    const [bet, win] = [fresh(), fresh()];
    await seat.bet(bet, 100_000);
    await seat.win(win, bet, 300_000);
    expect([await seat.rollback(fresh(), bet), await seat.balance()]).toEqual(['DUPLICATE_TRANSACTION', 'OK 10200000']);
    expect([await seat.rollback(fresh(), win), await seat.balance()]).toEqual(['DUPLICATE_TRANSACTION', 'OK 10200000']);
  });

  it('that names another round, or another player’s bet, gives nothing to anybody', async () => {
    const [seat, other] = [seatAt(here), seatAt(here)];
    const bet = fresh();
    await seat.bet(bet, 100_000);
    expect([await other.rollback(fresh(), bet), await other.balance(), await seat.balance(), await seat.rollback(fresh(), bet)]).toEqual(['DUPLICATE_TRANSACTION', 'OK 10000000', 'OK 9900000', 'OK 10000000']);
  });

  it('under an id that was something else before is a duplicate', async () => {
    const seat = seatAt(here);
    const [bet, win, undone, undoing] = [fresh(), fresh(), fresh(), fresh()];
    await seat.bet(bet, 100_000);
    await seat.win(win, bet, 100_000);
    await seat.bet(undone, 100_000);
    expect([await seat.rollback(bet, undone), await seat.rollback(win, undone)]).toEqual(['DUPLICATE_TRANSACTION', 'DUPLICATE_TRANSACTION']);
    expect([await seat.rollback(undoing, undone), await seat.bet(undoing, 1), await seat.win(undoing, bet, 1), await seat.balance()]).toEqual(['OK 10000000', 'DUPLICATE_TRANSACTION', 'DUPLICATE_TRANSACTION', 'OK 10000000']);
  });
});

describe('promotions', () => {
  it('let a free bet move no cash, nor its rollback, and its win pay it', async () => {
    const seat = seatAt(here);
    const [free, undone] = [fresh(), fresh()];
    const more = { is_free: true, reward_uuid: fresh() };
    expect([await seat.bet(free, 99_000_000, more), await seat.bet(undone, 500_000, more), await seat.rollback(fresh(), undone)]).toEqual(['OK 10000000', 'OK 10000000', 'OK 10000000']);
    expect([await seat.win(fresh(), undone, 100, more), await seat.win(fresh(), free, 250_000, more)]).toEqual(['TRANSACTION_DOES_NOT_EXIST', 'OK 10250000']);
  });

  it('of a supplier come as a bet of nothing and a prize that names it, long after the session is over', async () => {
    const seat = seatAt(here);
    await here.sql(`update session set state = 'closed' where player_id = $1`, [seat.player.id]);
    const bet = fresh();
    const more = { is_supplier_promo: true, is_free: true, round: 'prize', meta: { supplier_promo_info: { promo_reference: 'summer' } } };
    expect([await seat.bet(fresh(), 0), await seat.bet(bet, 0, more), await seat.win(fresh(), bet, 5_000_000, { ...more, round_closed: true })]).toEqual(['TOKEN_EXPIRED', 'OK 10000000', 'OK 15000000']);
    expect(await here.sql('select kind::text, amount::text from transaction where player_id = $1 order by version desc limit 1', [seat.player.id])).toEqual([{ kind: 'promo_win', amount: '50000000' }]);
  });
});

describe('a player who may not bet', () => {
  it('for an ended session hears TOKEN_EXPIRED, for a block USER_DISABLED; wins and rollbacks still come', async () => {
    for (const [stop, code] of [['session', 'TOKEN_EXPIRED'], ['player', 'USER_DISABLED']] as const) {
      const seat = seatAt(here);
      const [won, undone, again] = [fresh(), fresh(), fresh()];
      for (const id of [won, undone, again]) await seat.bet(id, 100_000);
      if (stop === 'session') await here.sql(`update session set expires_at = now() - interval '1 minute' where player_id = $1`, [seat.player.id]);
      else await here.sql(`update wallet set stop = 'blocked' where player_id = $1`, [seat.player.id]);
      const refused = fresh();
      expect([await seat.bet(refused, 100_000), await seat.bet(fresh(), 100_000, { is_free: true })]).toEqual([code, code]);
      expect([await seat.bet(again, 100_000), await seat.win(fresh(), won, 300_000), await seat.rollback(fresh(), undone), await seat.balance()]).toEqual(['OK 9700000', 'OK 10000000', 'OK 10100000', 'OK 10100000']);
      expect(await seat.rollback(fresh(), refused)).toBe('OK 10100000');
    }
  });

  it('in a game that takes no bets hears INVALID_GAME; its win comes in', async () => {
    const seat = seatAt(here);
    const bet = fresh();
    await seat.bet(bet, 100_000);
    expect([await seat.bet(fresh(), 1, { game_code: 'gone' }), await seat.win(fresh(), bet, 100_000, { game_code: 'gone' })]).toEqual(['INVALID_GAME', 'OK 10000000']);
  });
});
