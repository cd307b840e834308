import { describe, expect, it } from '@jest/globals';
import { ground, said } from '../support/ground.ts';

/** Every player starts with 100.00 EUR at wallet version 1. Numbers in brackets: the rule of money that a story tells. */
const here = ground({ players: { EUR: 60 } });

describe('a call again', () => {
  it('(1) is answered by the same receipt with the current balance, and moves nothing', async () => {
    const { bet, win, balance } = here.seat();
    const first = await bet('b1', '10');
    await win('w1', '25', { betTransactionId: 'b1' });
    const again = await bet('b1', '10');
    expect([said(first), said(again)]).toEqual(['applied 90.00', 'replayed 115.00']);
    expect(again.body).toEqual({ ...first.body, status: 'replayed', balance: '115.00', walletVersion: 3 });
    expect(said(await win('w1', '25', { betTransactionId: 'b1' }))).toBe('replayed 115.00');
    expect((await balance()).body).toMatchObject({ balance: '115.00', walletVersion: 3 });
  });

  it('(1) is the same call whatever session, metadata or closeRound come along', async () => {
    const { bet, closeRound, player } = here.seat();
    await bet('b1', '10', { sessionToken: player.sessionToken });
    expect(said(await bet('b1', '10', { metadata: { table: 7 }, closeRound: true }))).toBe('replayed 90.00');
    expect(said(await bet('b2', '10'))).toBe('applied 80.00'); // the replay did not close the round
    expect(said(await closeRound())).toBe('closed 80.00');
  });

  it.each([
    ['amount', { amount: '10.01' }],
    ['round', { roundId: 'r2' }],
    ['game', { gameId: 'game-2' }],
    ['being free', { free: { campaignId: 'c' } }],
  ])('(2) with another %s is a conflict', async (_, change) => {
    const { bet } = here.seat();
    await bet('b1', '10');
    expect(said(await bet('b1', '10', change))).toBe('TRANSACTION_CONFLICT 90.00');
    expect(said(await bet('b1', '10'))).toBe('replayed 90.00');
  });

  it('(2) written as another decimal of the same value is the same amount', async () => {
    const { bet } = here.seat();
    await bet('b1', '10');
    expect(said(await bet('b1', '10.00'))).toBe('replayed 90.00');
  });

  it('(2) of a win under another type conflicts instead of paying twice', async () => {
    const { bet, win } = here.seat();
    await bet('b1', '10');
    expect(said(await win('w1', '5'))).toBe('applied 95.00');
    expect(said(await win('w1', '5', { type: 'jackpot' }))).toBe('TRANSACTION_CONFLICT 95.00');
  });

  it('(3) of a refused bet is refused alike, whatever has happened since; a new id is judged anew', async () => {
    const { bet, win } = here.seat();
    expect(said(await bet('b1', '150'))).toBe('INSUFFICIENT_FUNDS 100.00');
    await win('j1', '100', { type: 'jackpot' });
    expect(said(await bet('b1', '150'))).toBe('INSUFFICIENT_FUNDS 200.00');
    expect(said(await bet('b1', '150.01'))).toBe('TRANSACTION_CONFLICT 200.00');
    expect(said(await bet('b2', '150'))).toBe('applied 50.00');
  });

  it('one id is one thing per operation: a bet, a win and a rollback may share it', async () => {
    const { bet, win, rollback } = here.seat();
    expect(said(await bet('x', '10'))).toBe('applied 90.00');
    expect(said(await win('x', '4'))).toBe('applied 94.00');
    expect(said(await rollback('x', 'x', { originalType: 'win' }))).toBe('applied 90.00');
  });

  it('ids differ by every byte: case, blanks, an accent written in two ways', async () => {
    const { bet } = here.seat();
    for (const [i, id] of ['b', 'B', ' b', 'b ', '\u00e9', 'e\u0301'].entries())
      expect(said(await bet(id, '1'))).toBe(`applied ${99 - i}.00`);
  });
});

describe('a rollback', () => {
  it('(4) gives the stake back once, under any id, and its retry says the same', async () => {
    const { bet, rollback, balance } = here.seat();
    await bet('b1', '10');
    const first = await rollback('k1', 'b1');
    expect([said(first), first.body.amount, first.body.type]).toEqual(['applied 100.00', '10.00', 'rollback']);
    const retry = await rollback('k1', 'b1');
    expect(retry.body).toEqual({ ...first.body, status: 'replayed' });
    const other = await rollback('k2', 'b1'); // (5)
    expect(other.body).toEqual({ ...first.body, status: 'replayed', reference: 'k2' });
    expect((await rollback('k2', 'b1')).body).toEqual(other.body);
    expect((await balance()).body).toMatchObject({ balance: '100.00', walletVersion: 3 });
  });

  it('(4) with the amount that moved is welcome, with another one a conflict', async () => {
    const { bet, rollback } = here.seat();
    await bet('b1', '10');
    expect(said(await rollback('k1', 'b1', { amount: '9.99' }))).toBe('TRANSACTION_CONFLICT 90.00');
    expect(said(await rollback('k1', 'b1', { amount: '10' }))).toBe('applied 100.00');
  });

  it('(4) of a win takes it back; (10) what is spent of it is owed, and its retry says the same', async () => {
    const { bet, win, rollback, balance } = here.seat();
    await bet('b1', '10');
    await win('w1', '50', { betTransactionId: 'b1' });
    await win('w0', '1', { betTransactionId: 'b1' });
    expect(said(await rollback('k0', 'w0'))).toBe('applied 140.00');
    await bet('b2', '120', { roundId: 'r2' });
    const first = await rollback('k1', 'w1');
    expect([said(first), first.body.amount, first.body.debt]).toEqual(['applied 0.00', '20.00', '30.00']);
    await win('w2', '40', { roundId: 'r2' }); // no win pays a debt by itself
    expect((await rollback('k1', 'w1')).body).toEqual({ ...first.body, status: 'replayed', balance: '40.00', walletVersion: 8 });
    expect((await rollback('k2', 'w1')).body).toMatchObject({ status: 'replayed', reference: 'k2', amount: '20.00', debt: '30.00' });
    expect(said(await balance())).toBe('ok 40.00');
  });

  it('(4) of an id that a bet and a win bear means the bet, unless it says win', async () => {
    const { bet, win, rollback } = here.seat();
    await bet('x', '10', { roundId: 'r1' });
    await bet('y', '1', { roundId: 'r2' });
    await win('x', '5', { roundId: 'r2' });
    expect((await rollback('k1', 'x')).body).toMatchObject({ status: 'applied', amount: '10.00', balance: '104.00' });
    expect((await rollback('k2', 'x', { originalType: 'win' })).body).toMatchObject({
      status: 'applied',
      amount: '5.00',
      balance: '99.00',
    });
  });

  it('(6) of what is unknown bars it for good, whatever it brings', async () => {
    const { bet, win, rollback } = here.seat();
    const tombstone = await rollback('k1', 'late');
    expect([said(tombstone), tombstone.body.amount, tombstone.body.walletVersion]).toEqual(['tombstoned 100.00', '0.00', 1]);
    for (const amount of ['10', '11', '500']) expect(said(await bet('late', amount))).toBe('ROLLED_BACK 100.00');
    expect(said(await win('late', '5', { type: 'jackpot' }))).toBe('ROLLED_BACK 100.00');
    const again = await rollback('k1', 'late');
    expect(again.body).toEqual({ ...tombstone.body, status: 'replayed', outcome: 'tombstoned' });
    expect((await rollback('k2', 'late')).body).toEqual({ ...again.body, reference: 'k2' });
  });

  it('(6) that names a type bars only that', async () => {
    const { bet, win, rollback } = here.seat();
    await rollback('k1', 'x', { originalType: 'win' });
    expect(said(await bet('x', '10'))).toBe('applied 90.00');
    expect(said(await win('x', '5'))).toBe('ROLLED_BACK 90.00');
    expect(said(await rollback('k2', 'y', { originalType: 'adjustment' }))).toBe('tombstoned 90.00');
    expect(said(await bet('y', '10'))).toBe('applied 80.00');
  });

  it('(7) sent together with its bet, ten times over, leaves every player uncharged', async () => {
    const seats = Array.from({ length: 10 }, () => here.seat());
    const answers = await Promise.all(seats.flatMap(({ bet, rollback }) => [bet('b1', '10'), rollback('k1', 'b1')]));
    for (const { status } of answers) expect([200, 409]).toContain(status);
    for (const { bet, rollback, balance } of seats) {
      expect((await balance()).body.balance).toBe('100.00');
      expect((await rollback('k1', 'b1')).body.status).toBe('replayed');
      expect(['replayed', 'ROLLED_BACK']).toContain(said(await bet('b1', '10')).split(' ')[0]);
    }
  });

  it('(8) of a refused bet is accepted and does nothing', async () => {
    const { bet, rollback } = here.seat();
    await bet('b1', '150');
    const ignored = await rollback('k1', 'b1');
    expect(ignored.body).toMatchObject({
      status: 'ignored',
      outcome: 'ignored',
      ignoredBecause: 'refused',
      amount: '0.00',
      balance: '100.00',
    });
    expect((await rollback('k1', 'b1')).body).toEqual({ ...ignored.body, status: 'replayed' });
    expect(said(await bet('b1', '150'))).toBe('INSUFFICIENT_FUNDS 100.00');
  });

  it('(9) of a settled bet is refused until its win is undone', async () => {
    const { bet, win, rollback } = here.seat();
    await bet('b1', '10');
    await win('w1', '30', { betTransactionId: 'b1' });
    expect(said(await rollback('k1', 'b1'))).toBe('BET_ALREADY_SETTLED 120.00');
    expect(said(await rollback('k2', 'w1'))).toBe('applied 90.00');
    expect(said(await rollback('k1', 'b1'))).toBe('applied 100.00');
  });

  it('(9) a win that names no bet settles the bets before it in its round, not those after it', async () => {
    const { bet, win, rollback } = here.seat();
    await bet('b1', '10');
    await win('w1', '0');
    await bet('b2', '10');
    expect(said(await rollback('k1', 'b1'))).toBe('BET_ALREADY_SETTLED 80.00');
    expect(said(await rollback('k2', 'b2'))).toBe('applied 90.00');
  });
});
