import { describe, expect, it } from '@jest/globals';
import { setTimeout as pause } from 'node:timers/promises';
import { ground } from '../support/ground.ts';
import { bet, ids, said, Seat, seatAt, SOFTSWISS, undo, win } from './softswiss-seat.ts';

/** SOFTSWISS' /play, over the wire: 100.00 EUR is 10000. */
const here = ground({ players: { EUR: 40, JPY: 1, KWD: 1, BTC: 1 }, dialects: [SOFTSWISS, { ...SOFTSWISS, policy: { deadlineMs: 300 } }, { ...SOFTSWISS, policy: { session: 'none' } }, { ...SOFTSWISS, policy: { session: 'required' } }] });
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-/;

describe('a play', () => {
  it('without actions tells the balance', async () => {
    const seat = seatAt(here);
    expect((await seat.call('play', seat.who)).body).toEqual({ balance: 10_000, transactions: [] });
    expect((await seat.play([])).body).toEqual({ balance: 10_000, game_id: 'r1', transactions: [] });
  });

  it('applies its bet and its win in order, each with a transaction', async () => {
    const seat = seatAt(here);
    const reply = await seat.play([bet('a1', 1_000), win('a2', 2_500)], { finished: true });
    expect([reply.status, reply.headers['content-type'], reply.body.balance, reply.body.game_id]).toEqual([200, 'application/json', 11_500, 'r1']);
    expect(reply.body.transactions.map(({ action_id: id }: { action_id: string }) => id)).toEqual(['a1', 'a2']);
    for (const { tx_id: id, processed_at: at } of reply.body.transactions) {
      expect(id).toMatch(UUID);
      expect(new Date(at as string).toISOString()).toBe(at);
    }
    expect(new Set(ids(reply)).size).toBe(2);
    expect(await seat.balance()).toBe(11_500);
  });

  it('takes several bets, and pays more than one win', async () => {
    const reply = await seatAt(here).play([bet('a1', 4_000), bet('a2', 6_000), win('a3', 1), win('a4', 0)]);
    expect([said(reply), ids(reply).length]).toEqual(['ok 1', 4]);
  });

  it('is not netted: a bet must be covered before its win', async () => {
    const seat = seatAt(here);
    expect(said(await seat.play([bet('a1', 15_000), win('a2', 20_000)]))).toBe('412 100 10000');
    expect(said(await seat.play([win('a3', 5_000), bet('a4', 15_000)]))).toBe('ok 0');
  });

  it('refused by one action applies none, and each of its bets stays refused', async () => {
    const seat = seatAt(here);
    expect(said(await seat.play([bet('a1', 1_000), win('a2', 500), bet('a3', 9_900)]))).toBe('412 100 10000');
    expect(said(await seat.play([bet('a1', 1_000)]))).toBe('412 100 10000');
    expect(said(await seat.play([win('a2', 500)]))).toBe('ok 10500');
    expect(said(await seat.play([bet('a4', 1_000)]))).toBe('ok 9500');
  });

  it('closes its round when it says so, with actions or without; wins still come in', async () => {
    const seat = seatAt(here);
    await seat.play([bet('a1', 100)], { finished: true });
    expect(said(await seat.play([bet('a2', 100)]))).toBe('400 400 9900');
    expect(said(await seat.play([win('a3', 300)]))).toBe('ok 10200');
    await seat.play([bet('b1', 100)], { game_id: 'r2' });
    const closing = await seat.play(undefined, { game_id: 'r2', finished: true });
    expect(closing.body).toEqual({ balance: 10_100, game_id: 'r2', transactions: [] });
    expect(said(await seat.play([bet('b2', 100)], { game_id: 'r2' }))).toBe('400 400 10100');
    expect(said(await seat.play([], { game_id: 'never seen', finished: true }))).toBe('ok 10100');
  });

  it('of the same round id in another game is another round', async () => {
    const seat = seatAt(here);
    await seat.play([bet('a1', 100)], { finished: true });
    expect(said(await seat.play([bet('a2', 100)], { game: 'game-2' }))).toBe('ok 9800');
  });

  it('pays a win that has no bet in its round, and a jackpot, and records nothing at all', async () => {
    const seat = seatAt(here);
    expect(said(await seat.play([win('a1', 700)], { game_id: 'of free rounds' }))).toBe('ok 10700');
    expect(said(await seat.play([win('a2', 300, { jackpot_win: 250 })], { game: 'a game that is not listed' }))).toBe('ok 11000');
    const nothing = await seat.play([bet('a3', 0, { jackpot_contribution: 0.01 }), win('a4', 0)]);
    expect([said(nothing), ids(nothing).every((id) => UUID.test(id))]).toEqual(['ok 11000', true]);
  });

  it.each([['JPY', 100, 90], ['KWD', 100_000, 99_990], ['BTC', 100_000_000, 99_999_990]])('counts %s in its subunits: %i less 10 is %i', async (currency, before, after) => {
    const seat = new Seat(here, here.seat({ currency }).player);
    expect(await seat.balance()).toBe(before);
    expect(said(await seat.play([bet('a1', 10)]))).toBe(`ok ${after}`);
  });
});

describe('the same again', () => {
  it('is answered with the transactions and times of the first, and the balance of now', async () => {
    const seat = seatAt(here);
    const actions = [bet('a1', 1_000), win('a2', 500)];
    const first = await seat.play(actions, { finished: true });
    await seat.play([win('a9', 1)], { game_id: 'r9' });
    const again = await seat.play(actions, { finished: true });
    expect(again.body).toEqual({ ...first.body, balance: 9_501 });
    const mixed = await seat.play([bet('a1', 1_000), win('a3', 5)]);
    expect([said(mixed), ids(mixed)[0]]).toEqual(['ok 9506', ids(first)[0]]);
  });

  it('twenty times at once has one effect', async () => {
    const seat = seatAt(here);
    const replies = await Promise.all(Array.from({ length: 20 }, () => seat.play([bet('a1', 1_000), win('a2', 500)])));
    expect(new Set(replies.map(({ body }) => JSON.stringify(body))).size).toBe(1);
    expect(await seat.balance()).toBe(9_500);
  });

  it('with other content, or as another action, is a bad request, and moves nothing', async () => {
    const seat = seatAt(here);
    await seat.play([bet('a1', 1_000)]);
    await here.unmoved(async () => {
      for (const action of [bet('a1', 1_001), win('a1', 1_000)]) expect(said(await seat.play([action]))).toBe('400 400 9000');
      expect(said(await seat.play([bet('a1', 1_000)], { game_id: 'r2' }))).toBe('400 400 9000');
      expect(said(await seat.rollback([undo('a1', 'a9')]))).toBe('400 400 9000');
    });
    expect(said(await seatAt(here).play([bet('a1', 7)]))).toBe('ok 9993');
  });

  it('with an id that differs in a blank, a capital or its spelling is another action', async () => {
    const seat = seatAt(here);
    for (const [i, id] of ['é', 'e\u0301', 'É', 'é ', ' é'].entries()) expect(said(await seat.play([bet(id, 10)]))).toBe(`ok ${9_990 - 10 * i}`);
  });

  it('of a bet that was applied is never told anything for good', async () => {
    const seat = seatAt(here);
    const first = await seat.play([bet('a1', 1_000)], { session_id: seat.session });
    await here.sql(`update session set state = 'closed' where player_id = $1`, [seat.player.id]);
    await here.sql(`update wallet set stop = 'blocked' where player_id = $1`, [seat.player.id]);
    await seat.play([], { finished: true });
    expect(said(await seat.play([bet('a2', 1_000)], { session_id: seat.session }))).not.toMatch(/^ok/);
    expect((await seat.play([bet('a1', 1_000)], { session_id: seat.session })).body).toEqual(first.body);
  });

  it('that was too late for its wallet did nothing, is a 503, and is applied when it comes again', async () => {
    const seat = seatAt(here, 1);
    await here.whileHeld(`select 1 from wallet where player_id = '${seat.player.id}' for update`, async (release) => {
      const late = await seat.play([bet('a1', 1_000)]);
      expect([late.status, late.body.code, late.headers['retry-after']]).toEqual([503, 503, '1']);
      await release();
    });
    expect(said(await seat.play([bet('a1', 1_000)]))).toBe('ok 9000');
  });
});

describe('a bet', () => {
  it('needs no session; one that is named must be its player’s and live, and of this account', async () => {
    const [seat, other] = [seatAt(here), seatAt(here)];
    expect(said(await seat.play([bet('a1', 100)], { session_id: null }))).toBe('ok 9900');
    expect(said(await seat.play([bet('a2', 100)], { session_id: seat.session }))).toBe('ok 9800');
    for (const [i, session_id] of ['', 'unknown', other.session, seat.player.sessionToken, 's'.repeat(3_000)].entries()) {
      expect(said(await seat.play([bet(`b${i}`, 100)], { session_id }))).toBe('412 101 9800');
      expect(said(await seat.play([win(`c${i}`, 0)], { session_id }))).toBe('ok 9800');
    }
    await here.sql('update session set expires_at = now() where player_id = $1', [seat.player.id]);
    expect(said(await seat.play([win('d1', 0), bet('d2', 100)], { session_id: seat.session }))).toBe('412 101 9800');
  });

  it('is not asked for its session where the account says so, and must have one where it says that', async () => {
    const [none, required] = [seatAt(here, 2), seatAt(here, 3)];
    expect(said(await none.play([bet('a1', 100)], { session_id: 'the aggregator’s own' }))).toBe('ok 9900');
    expect(said(await required.play([bet('a1', 100)]))).toBe('412 101 10000');
    expect(said(await required.play([bet('a2', 100)], { session_id: required.session }))).toBe('ok 9900');
    expect(said(await required.play([win('a3', 100)]))).toBe('ok 10000');
  });

  it('of a player who is stopped is 110, in a game that is closed 107 and in one that is not there 405; what is owed is paid', async () => {
    const seat = seatAt(here);
    expect(said(await seat.play([bet('a1', 100)], { game: 'no such game' }))).toBe('405 405 10000');
    const account = here.world.dialects[0]?.accountId;
    await here.sql(`update wallet set stop = 'blocked' where player_id = $1`, [seat.player.id]);
    expect(said(await seat.play([bet('a2', 100)]))).toBe('412 110 10000');
    expect(said(await seat.play([win('a3', 100)]))).toBe('ok 10100');
    await here.sql(`insert into game (account_id, operator_id, game_id, name, bets_allowed) values ($1, $2, 'closed', 'Closed', false)`, [account, seat.player.operatorId]);
    const other = seatAt(here);
    let reply = await other.play([bet('b0', 100)], { game: 'closed' });
    // The list of games follows the table within a second.
    for (let i = 1; i < 50 && said(reply) === '405 405 10000'; i++) {
      await pause(100);
      reply = await other.play([bet(`b${i}`, 100)], { game: 'closed' });
    }
    expect(said(reply)).toBe('412 107 10000');
  });
});

describe('a currency', () => {
  it('that is not the player’s, or none at all, is 154, for bets, wins and balances', async () => {
    const seat = seatAt(here);
    for (const currency of ['JPY', 'XXX', 'eur']) {
      for (const actions of [[bet('a1', 1)], [win('a2', 1)], []]) expect((await seat.play(actions, { currency })).body).toMatchObject({ code: 154 });
    }
    expect(await seat.balance()).toBe(10_000);
  });
});
