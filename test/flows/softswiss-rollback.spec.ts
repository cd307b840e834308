import { describe, expect, it } from '@jest/globals';
import { verify } from '../../src/wallet/verify.ts';
import { ground } from '../support/ground.ts';
import { bet, ids, said, seatAt, SOFTSWISS, undo, win, type Seat } from './softswiss-seat.ts';

/** SOFTSWISS' /rollback and /freespins, over the wire: 100.00 EUR is 10000. */
const here = ground({ players: { EUR: 60 }, dialects: [SOFTSWISS] });

const debtOf = async (seat: Seat): Promise<string> =>
  (await here.sql<{ debt: string }>('select debt::text from wallet where player_id = $1', [seat.player.id]))[0]?.debt ?? '';

/** Whose free rounds the issue is, as the operator wrote it down. */
const issue = (id: string, { player }: Seat) =>
  here.sql('insert into free_round_issue (operator_id, account_id, issue_id, player_id, currency) values ($1, $2, $3, $4, $5)',
    [player.operatorId, here.world.dialects[0]?.accountId, id, player.id, player.currency]);

describe('a rollback', () => {
  it('gives a bet back, in full and once, under whatever id it comes again', async () => {
    const seat = seatAt(here);
    await seat.play([bet('a1', 1_000)]);
    const first = await seat.rollback([undo('x1', 'a1')]);
    expect([said(first), first.body.game_id, first.body.transactions[0].action_id]).toEqual(['ok 10000', 'r1', 'x1']);
    expect(ids(first)[0]).not.toBe('');
    expect((await seat.rollback([undo('x1', 'a1')])).body).toEqual(first.body);
    const other = await seat.rollback([undo('x2', 'a1')]);
    expect([said(other), ids(other)]).toEqual(['ok 10000', ids(first)]);
  });

  it('needs neither currency nor round nor session', async () => {
    const seat = seatAt(here);
    await seat.play([bet('a1', 1_000)], { session_id: seat.session, finished: true });
    await here.sql(`update session set state = 'closed' where player_id = $1`, [seat.player.id]);
    expect(said(await seat.call('rollback', { user_id: seat.player.id, actions: [undo('x1', 'a1')] }))).toBe('ok 10000');
  });

  it('takes a win back, and its bet stays', async () => {
    const seat = seatAt(here);
    await seat.play([bet('a1', 1_000), win('a2', 2_500)]);
    expect(said(await seat.rollback([undo('x1', 'a2')]))).toBe('ok 9000');
    expect(said(await seat.rollback([undo('x1', 'a2')]))).toBe('ok 9000');
  });

  it('of a win that is spent is answered all the same: what is not there is owed', async () => {
    const seat = seatAt(here);
    await seat.play([win('a1', 5_000), bet('a2', 12_000)]);
    const reply = await seat.rollback([undo('x1', 'a1')]);
    expect([said(reply), await debtOf(seat)]).toEqual(['ok 0', '20000000']);
    expect((await seat.rollback([undo('x1', 'a1')])).body).toEqual(reply.body);
    expect(await debtOf(seat)).toBe('20000000');
  });

  it.each([['a1', 'a2'], ['a2', 'a1']])('of a round takes %s and %s back together, whichever is named first', async (first, second) => {
    const seat = seatAt(here);
    await seat.play([bet('a1', 1_000), win('a2', 2_500)], { finished: true });
    const reply = await seat.rollback([undo('x1', first), undo('x2', second)]);
    expect([said(reply), ids(reply).every((id) => id !== '')]).toEqual(['ok 10000', true]);
    expect((await seat.rollback([undo('x1', first), undo('x2', second)])).body).toEqual(reply.body);
  });

  it('of a bet whose round has been paid waits for the rollback of that win, and is told so as what passes', async () => {
    const seat = seatAt(here);
    await seat.play([bet('a1', 1_000), win('a2', 2_500)]);
    expect(said(await seat.rollback([undo('x1', 'a1')]))).toBe('503 503 11500');
    expect(said(await seat.rollback([undo('x2', 'a2')]))).toBe('ok 9000');
    expect(said(await seat.rollback([undo('x1', 'a1')]))).toBe('ok 10000');
  });

  it('of several does nothing where one of them cannot be done', async () => {
    const seat = seatAt(here);
    await seat.play([bet('a1', 1_000), bet('a2', 2_000)]);
    await seat.rollback([undo('x1', 'a1')]);
    expect(said(await seat.rollback([undo('x2', 'a2'), undo('x1', 'a2')]))).toBe('400 400 8000');
    expect(await seat.balance()).toBe(8_000);
    expect(said(await seat.rollback([undo('x2', 'a2'), undo('x1', 'a1')]))).toBe('ok 10000');
  });

  it('of what is not known is answered with an empty tx_id, and what comes later moves nothing and is answered so, too', async () => {
    const seat = seatAt(here);
    const before = await seat.rollback([undo('x1', 'a1')]);
    expect([said(before), ids(before)]).toEqual(['ok 10000', ['']]);
    expect((await seat.rollback([undo('x1', 'a1')])).body).toEqual(before.body);
    for (let times = 0; times < 2; times++) {
      const late = await seat.play([bet('a1', 1_000)]);
      expect([said(late), ids(late)]).toEqual(['ok 10000', ['']]);
    }
    expect(said(await seat.rollback([undo('x2', 'a1')]))).toBe('ok 10000');
    const pair = await seat.play([bet('a1', 1_000), win('a2', 300)]);
    expect([said(pair), ids(pair)[0], ids(pair)[1] === '']).toEqual(['ok 10300', '', false]);
  });

  it('of a win that is not known yet stops that win', async () => {
    const seat = seatAt(here);
    await seat.play([bet('a1', 1_000)]);
    await seat.rollback([undo('x1', 'a2')]);
    const late = await seat.play([win('a2', 9_000)]);
    expect([said(late), ids(late)]).toEqual(['ok 9000', ['']]);
  });

  it('of a bet that was refused has nothing to give back', async () => {
    const seat = seatAt(here);
    expect(said(await seat.play([bet('a1', 10_001)]))).toBe('412 100 10000');
    const reply = await seat.rollback([undo('x1', 'a1')]);
    expect([said(reply), ids(reply)]).toEqual(['ok 10000', ['']]);
  });

  it('of a bet leaves the player uncharged whichever comes first, 12 times at once', async () => {
    const seat = seatAt(here);
    await Promise.all(Array.from({ length: 12 }, (_, i) => i).flatMap((i) => {
      const calls = [() => seat.play([bet(`a${i}`, 100)]), () => seat.rollback([undo(`x${i}`, `a${i}`)])];
      return (i % 2 ? calls : calls.reverse()).map((call) => call());
    }));
    expect(await seat.balance()).toBe(10_000);
  });

  it('says nothing to another player: their action of the same id stays', async () => {
    const [seat, other] = [seatAt(here), seatAt(here)];
    await seat.play([bet('a1', 1_000)]);
    expect(ids(await other.rollback([undo('x1', 'a1')]))).toEqual(['']);
    expect([await seat.balance(), await other.balance()]).toEqual([9_000, 10_000]);
  });

  it('in another currency is 154 and does nothing', async () => {
    const seat = seatAt(here);
    await seat.play([bet('a1', 1_000)]);
    expect((await seat.rollback([undo('x1', 'a1')], { currency: 'JPY' })).body.code).toBe(154);
    expect(await seat.balance()).toBe(9_000);
  });
});

describe('a result of free rounds', () => {
  it('is paid once to the player of its issue, whatever its status and however often it comes', async () => {
    const seat = seatAt(here);
    await issue('i1', seat);
    const first = await seat.freespins('i1', 1_250);
    expect([first.status, first.body]).toEqual([200, { balance: 11_250 }]);
    for (const status of ['finished', 'active', 'expired', 'canceled']) expect((await seat.freespins('i1', 1_250, { status })).body).toEqual({ balance: 11_250 });
    const many = await Promise.all(Array.from({ length: 10 }, () => seat.freespins('i1', 1_250)));
    expect(new Set(many.map(said))).toEqual(new Set(['ok 11250']));
  });

  it('of another total under the same issue is a bad request', async () => {
    const seat = seatAt(here);
    await issue('i2', seat);
    await seat.freespins('i2', 1_250);
    expect(said(await seat.freespins('i2', 1_251))).toBe('400 400 11250');
  });

  it('of nothing tells the balance, and leaves the issue to be paid', async () => {
    const seat = seatAt(here);
    await issue('i3', seat);
    expect((await seat.freespins('i3', 0, { status: 'active' })).body).toEqual({ balance: 10_000 });
    expect(said(await seat.freespins('i3', 500))).toBe('ok 10500');
    expect(said(await seat.freespins('i3', 0))).toBe('ok 10500');
  });

  it('of an issue that nobody gave is 610; one that names its player is paid without it', async () => {
    const seat = seatAt(here);
    expect(said(await seat.freespins('i4', 500))).toBe('412 610');
    expect(said(await seat.freespins('i4', 0))).toBe('412 610');
    expect(said(await seat.freespins('i4', 500, seat.who))).toBe('ok 10500');
    await issue('i4', seat);
    expect(said(await seat.freespins('i4', 500))).toBe('ok 10500');
  });

  it('goes to the player that it names, not to the one of the issue', async () => {
    const [seat, other] = [seatAt(here), seatAt(here)];
    await issue('i5', other);
    expect(said(await seat.freespins('i5', 500, { user_id: seat.player.id }))).toBe('ok 10500');
    expect([await seat.balance(), await other.balance()]).toEqual([10_500, 10_000]);
  });

  it('needs no session, and comes to a player who may not play', async () => {
    const seat = seatAt(here);
    await issue('i6', seat);
    await here.sql(`update session set state = 'closed' where player_id = $1`, [seat.player.id]);
    await here.sql(`update wallet set stop = 'closed' where player_id = $1`, [seat.player.id]);
    expect(said(await seat.freespins('i6', 500))).toBe('ok 10500');
  });

  it('bears an id of its own: an action of the same name is refused, and moves nothing', async () => {
    const seat = seatAt(here);
    await issue('i7', seat);
    await seat.freespins('i7', 500);
    expect(said(await seat.play([win('i7', 500)]))).toBe('400 400 10500');
  });
});

it('behind all of it every invariant holds', async () => {
  const wrong = (await verify(here.database.url('croupier_worker'))).flatMap(({ invariant, violations }) => violations.map(({ what }) => `${invariant} ${what}`));
  expect(wrong).toEqual([]);
});
