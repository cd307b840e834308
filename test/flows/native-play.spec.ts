import { describe, expect, it } from '@jest/globals';
import { ground, said, type Action } from '../support/ground.ts';

/** Rule 16: several bets and wins in one call. Every player starts with 100.00 EUR at wallet version 1. */
const here = ground({ players: { EUR: 30 } });

const bet = (transactionId: string, amount: string, more: object = {}): Action => ({ type: 'bet', transactionId, amount, ...more });
const win = (transactionId: string, amount: string, more: object = {}): Action => ({ type: 'win', transactionId, amount, ...more });

describe('a play', () => {
  it('applies its actions in order, each with a receipt of its own', async () => {
    const { play, balance } = here.seat();
    const { status, body } = await play([bet('b1', '10'), win('w1', '25', { betTransactionId: 'b1' }), bet('b2', '2.50'), win('w2', '0')]);
    expect(status).toBe(200);
    expect(body).toMatchObject({ balance: '112.50', walletVersion: 5 });
    expect(
      body.receipts.map(
        (receipt: { reference: string; type: string; status: string; amount: string; balance: string; walletVersion: number }) => [
          receipt.reference, receipt.type, receipt.status, receipt.amount, receipt.balance, receipt.walletVersion,
        ],
      ),
    ).toEqual([
      ['b1', 'bet', 'applied', '10.00', '90.00', 2],
      ['w1', 'win', 'applied', '25.00', '115.00', 3],
      ['b2', 'bet', 'applied', '2.50', '112.50', 4],
      ['w2', 'win', 'applied', '0.00', '112.50', 5],
    ]);
    expect((await balance()).body).toMatchObject({ balance: '112.50', walletVersion: 5 });
  });

  it('is not netted: a bet must be covered before its win', async () => {
    const { play, balance } = here.seat();
    const refused = await play([bet('b1', '150'), win('w1', '200')]);
    expect([said(refused), refused.body.actionIndex]).toEqual(['INSUFFICIENT_FUNDS 100.00', 0]);
    expect((await balance()).body).toMatchObject({ balance: '100.00', walletVersion: 1 });
  });

  it('refused by one action applies none, and remembers every new bet of it as refused with that code', async () => {
    const seat = here.seat();
    const refused = await seat.play([bet('b1', '10'), win('w1', '5'), bet('b2', '99'), bet('b3', '1')]);
    expect([refused.status, said(refused), refused.body.actionIndex]).toEqual([422, 'INSUFFICIENT_FUNDS 100.00', 2]);
    for (const [id, amount] of [['b1', '10'], ['b2', '99'], ['b3', '1']] as const) {
      expect(said(await seat.bet(id, amount))).toBe('INSUFFICIENT_FUNDS 100.00');
    }
    expect(said(await seat.status('win', 'w1'))).toBe('unknown');
    expect(said(await seat.bet('b4', '10'))).toBe('applied 90.00');
    expect(said(await seat.win('w1', '5'))).toBe('applied 95.00');
  });

  it('refused for a win remembers its new bets with that code, too', async () => {
    const seat = here.seat();
    const refused = await seat.play([bet('b1', '10'), win('w1', '5', { betTransactionId: 'elsewhere' })]);
    expect([said(refused), refused.body.actionIndex]).toEqual(['BET_NOT_FOUND 100.00', 1]);
    expect(said(await seat.bet('b1', '10'))).toBe('BET_NOT_FOUND 100.00');
  });

  it('again replays what it knows and applies what is new', async () => {
    const seat = here.seat();
    await seat.bet('b1', '10');
    const mixed = await seat.play([bet('b1', '10'), win('w1', '5', { betTransactionId: 'b1' })]);
    expect(mixed.body.receipts.map((receipt: { status: string }) => receipt.status)).toEqual(['replayed', 'applied']);
    expect(mixed.body.balance).toBe('95.00');
    const again = await seat.play([bet('b1', '10'), win('w1', '5', { betTransactionId: 'b1' })]);
    expect(again.body.receipts.map((receipt: { status: string }) => receipt.status)).toEqual(['replayed', 'replayed']);
    expect(again.body).toMatchObject({ balance: '95.00', walletVersion: 3 });
    expect(said(await seat.win('w1', '5', { betTransactionId: 'b1' }))).toBe('replayed 95.00');
  });

  it('refused is refused again alike when it is sent again', async () => {
    const seat = here.seat();
    const actions = [bet('b1', '10'), bet('b2', '99')];
    expect((await seat.play(actions)).body).toMatchObject({ code: 'INSUFFICIENT_FUNDS', actionIndex: 1 });
    await seat.win('a1', '50', { type: 'jackpot' });
    expect((await seat.play(actions)).body).toMatchObject({ code: 'INSUFFICIENT_FUNDS', balance: '150.00' });
    expect(said(await seat.balance())).toBe('ok 150.00');
  });

  it('with an action that was rolled back before it came is refused, and remembers nothing', async () => {
    const seat = here.seat();
    await seat.rollback('k1', 'b2');
    const refused = await seat.play([bet('b1', '10'), bet('b2', '10')]);
    expect([said(refused), refused.body.actionIndex]).toEqual(['ROLLED_BACK 100.00', 1]);
    expect(said(await seat.bet('b1', '10'))).toBe('applied 90.00');
  });

  it('with a known action of other content is a conflict, and remembers nothing', async () => {
    const seat = here.seat();
    await seat.bet('b1', '10');
    const refused = await seat.play([bet('b2', '10'), bet('b1', '11')]);
    expect([said(refused), refused.body.actionIndex]).toEqual(['TRANSACTION_CONFLICT 90.00', 1]);
    expect(said(await seat.bet('b2', '10'))).toBe('applied 80.00');
  });

  it('closes its round when it applies, not when it is refused and not when it is sent again', async () => {
    const seat = here.seat();
    await seat.play([bet('b1', '150')], { closeRound: true });
    expect(said(await seat.bet('b2', '10'))).toBe('applied 90.00');
    await seat.play([bet('b2', '10')], { closeRound: true });
    expect(said(await seat.bet('b3', '10'))).toBe('applied 80.00');
    const closing = await seat.play([bet('b4', '10'), win('w4', '10')], { closeRound: true });
    expect(closing.body).toMatchObject({ balance: '80.00', walletVersion: 5 });
    expect(said(await seat.bet('b5', '10'))).toBe('ROUND_CLOSED 80.00');
  });

  it('may hold a free bet beside a paid one', async () => {
    const seat = here.seat();
    const { body } = await seat.play([bet('f1', '500', { free: { campaignId: 'c1' } }), bet('b1', '10')]);
    expect(body.receipts.map((receipt: { amount: string }) => receipt.amount)).toEqual(['0.00', '10.00']);
    expect(body.balance).toBe('90.00');
  });

  it('carries its session for its bets: one that is over refuses it', async () => {
    const seat = here.seat();
    expect((await seat.play([bet('b1', '10')], { sessionToken: seat.player.sessionToken })).status).toBe(200);
    await here.sql('update session set expires_at = now() where player_id = $1', [seat.player.id]);
    const refused = await seat.play([win('w1', '5'), bet('b2', '10')], { sessionToken: seat.player.sessionToken });
    expect(refused.body).toMatchObject({ code: 'SESSION_EXPIRED', actionIndex: 1, balance: '90.00' });
    expect((await seat.play([win('w1', '5')], { sessionToken: seat.player.sessionToken })).body.balance).toBe('95.00');
  });

  it('of 100 actions is one call and one commit, of 101 or none is not a request', async () => {
    const seat = here.seat();
    const actions = Array.from({ length: 100 }, (_, i) => bet(`b${i}`, '0.10'));
    const full = await seat.play(actions);
    expect(full.body).toMatchObject({ balance: '90.00', walletVersion: 101 });
    const [{ batches }] = (await here.sql(
      'select count(distinct (lane, batch))::int as batches from transaction where player_id = $1 and kind = $2',
      [seat.player.id, 'bet'],
    )) as [{ batches: number }];
    expect(batches).toBe(1);
    expect(said(await seat.play([...actions, bet('b100', '0.10')]))).toBe('REQUEST_INVALID');
    expect(said(await seat.play([]))).toBe('REQUEST_INVALID');
  });

  it('with one reference twice for one operation is not a request; a bet and a win may share one', async () => {
    const seat = here.seat();
    const doubled = await seat.play([bet('x', '1'), win('w', '0'), bet('x', '1')]);
    expect([doubled.status, doubled.body.code, doubled.body.errors[0].field]).toEqual([400, 'REQUEST_INVALID', 'actions.2.transactionId']);
    expect((await seat.play([bet('x', '1'), win('x', '2', { betTransactionId: 'x' })])).body.balance).toBe('101.00');
  });
});
