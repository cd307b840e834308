import { describe, expect, it } from '@jest/globals';
import { OPERATIONS, type OperationName } from '../../src/providers/native/schema.ts';
import { ground, said } from '../support/ground.ts';
import type { Reply } from '../support/provider.ts';

/** What the native dialect says since there are others: adjustments, cancelled rounds, rollbacks within plays. Everybody has 100.00 EUR. */
const PATIENT = { deadlineMs: 5_000 };
const here = ground({
  players: { EUR: 40 },
  policies: [PATIENT, { ...PATIENT, rollbackUnknown: 'not-found', rollbackOfRefused: 'not-found' }, { ...PATIENT, rollbackUnknown: 'empty', rollbackOfRefused: 'failed' }],
});

/** As published: every field, and no other. */
function fits(operation: OperationName, reply: Reply): void {
  expect([reply.status, OPERATIONS[operation].answer.parse(reply.body)]).toEqual([200, reply.body]);
  expect(reply.headers['x-wallet-version']).toBe(String(reply.body.walletVersion));
}

describe('an adjustment', () => {
  it('gives and takes: 100.00 + 2.50 − 12.50 = 90.00; once, and known by status', async () => {
    const { call, status } = here.seat();
    const given = await call('adjust', { transactionId: 'j1', amount: '2.50', gameId: 'game-1', roundId: 'r1' });
    fits('adjust', given);
    expect([said(given), given.body.type, given.body.reference]).toEqual(['applied 102.50', 'adjustment', 'j1']);
    expect(said(await call('adjust', { transactionId: 'j2', amount: '-12.50' }))).toBe('applied 90.00');
    expect(said(await call('adjust', { transactionId: 'j2', amount: '-12.50' }))).toBe('replayed 90.00');
    expect(said(await call('adjust', { transactionId: 'j2', amount: '12.50' }))).toBe('TRANSACTION_CONFLICT 90.00');
    expect(said(await status('adjustment', 'j2'))).toBe('replayed 90.00');
  });

  it('can be undone, by its type', async () => {
    const { call, rollback } = here.seat();
    await call('adjust', { transactionId: 'j1', amount: '-10' });
    expect(said(await rollback('k1', 'j1', { originalType: 'adjustment' }))).toBe('applied 100.00');
  });

  it('beyond the balance leaves a debt, which the answer names: 100.00 − 130.00 is 0.00 and 30.00', async () => {
    const { call } = here.seat();
    const reply = await call('adjust', { transactionId: 'j1', amount: '-130' });
    fits('adjust', reply);
    expect([said(reply), reply.body.debt]).toEqual(['applied 0.00', '30.00']);
  });

  it.each(['', '-', '--1', '+1', '1e2', '- 1', '-0.0000001', '-1.', '-01', '-1000000000.000001', 'x'])('of %j is none', async (amount) => {
    const { call } = here.seat();
    await here.unmoved(async () => here.expectTurnedAway(await call('adjust', { transactionId: 'j1', amount }), 'AMOUNT_INVALID'));
  });

  it('needs its fields, and its name in the body', async () => {
    const { call } = here.seat();
    const reply = await call('adjust', { transactionId: '', amount: -1 });
    here.expectTurnedAway(reply, 'REQUEST_INVALID');
    expect(reply.body.errors.map(({ field }: { field: string }) => field)).toEqual(['transactionId', 'amount']);
    here.expectTurnedAway(await call('adjust', { transactionId: 'j1', amount: '1', operation: 'win' }), 'REQUEST_INVALID');
  });
});

describe('a round that is cancelled', () => {
  it('gives its open bets back and takes no more', async () => {
    const { call, bet, win, status } = here.seat();
    await bet('b1', '10');
    await bet('b2', '20');
    const cancelled = await call('cancel-round', { roundId: 'r1' });
    fits('cancel-round', cancelled);
    expect(cancelled.body).toMatchObject({ roundId: 'r1', state: 'cancelled', balance: '100.00' });
    expect(said(await bet('b3', '1'))).toBe('ROLLED_BACK 100.00');
    expect(said(await win('w1', '5'))).toBe('ROLLED_BACK 100.00');
    expect((await status('bet', 'b1')).body).toMatchObject({ status: 'replayed', outcome: 'applied' });
    expect((await call('cancel-round', { roundId: 'r1' })).body).toMatchObject({ state: 'cancelled', balance: '100.00' });
  });
});

describe('a play', () => {
  it('may undo what came before it: −10.00, +10.00, −1.00, +3.00', async () => {
    const { bet, play } = here.seat();
    expect(said(await bet('b1', '10'))).toBe('applied 90.00');
    const reply = await play([
      { type: 'rollback', transactionId: 'k1', originalTransactionId: 'b1' } as never,
      { type: 'bet', transactionId: 'b2', amount: '1' }, { type: 'win', transactionId: 'w1', amount: '3' },
    ]);
    fits('play', reply);
    expect([said(reply), reply.body.receipts.map(({ type, balance }: Record<string, string>) => `${type} ${balance}`)])
      .toEqual(['ok 102.00', ['rollback 100.00', 'bet 99.00', 'win 102.00']]);
  });

  it('without a bet may come again where it is refused, with one it may not', async () => {
    const { play, closeRound } = here.seat();
    await play([{ type: 'bet', transactionId: 'b1', amount: '1' }]);
    await closeRound();
    const undo = { type: 'rollback', transactionId: 'k1', originalTransactionId: 'b1', amount: '7' } as never;
    expect((await play([undo])).body).toMatchObject({ code: 'TRANSACTION_CONFLICT', actionIndex: 0 });
    expect((await play([{ type: 'win', transactionId: 'w1', amount: '1' }], { roundId: 'nowhere' })).body).toMatchObject({ code: 'BET_NOT_FOUND', retryable: true });
    expect((await play([{ type: 'bet', transactionId: 'b2', amount: '1' }])).body).toMatchObject({ code: 'ROUND_CLOSED', retryable: false });
  });

  it.each([
    [{ type: 'rollback', transactionId: 'k1' }, 'actions.0.originalTransactionId'], [{ type: 'bet', transactionId: 'b1' }, 'actions.0.amount'],
    [{ type: 'close', transactionId: 'b1', amount: '1' }, 'actions.0.type'],
  ])('with %j names the field that is wrong', async (action, field) => {
    const reply = await here.seat().play([action as never]);
    here.expectTurnedAway(reply, 'REQUEST_INVALID');
    expect(reply.body.errors.map((error: { field: string }) => error.field)).toEqual([field]);
  });
});

describe('a rollback of what is unknown or was refused', () => {
  it('is answered as its account wants it, and comes to the same: nothing moves, and the bet behind it is refused', async () => {
    for (const [account, unknown, refused] of [[0, 'tombstoned', 'ignored'], [1, 'BET_NOT_FOUND', 'BET_NOT_FOUND'], [2, 'tombstoned', 'BET_NOT_FOUND']] as const) {
      const { bet, rollback } = here.seat({ account });
      const first = await rollback('k1', 'b1');
      expect([account, said(first), (await rollback('k1', 'b1')).status]).toEqual([account, `${unknown} 100.00`, first.status]);
      if (first.status !== 200) expect(first.body).toMatchObject({ status: 404, retryable: true });
      expect(said(await bet('b1', '1'))).toBe('ROLLED_BACK 100.00');
      await bet('b2', '500');
      expect([account, said(await rollback('k2', 'b2'))]).toEqual([account, `${refused} 100.00`]);
    }
  });
});
