import { describe, expect, it } from '@jest/globals';
import { verify } from '../../src/wallet/verify.ts';
import { officeGround } from '../support/office.ts';

/** Money in and out by the operator's own API, each command once. */
const here = officeGround({ players: { EUR: 12 } });

const move = (player: string, what: 'deposits' | 'withdrawals', amount: string, idempotencyKey?: string, currency = 'EUR') =>
  here.platform.post(`/v1/players/${player}/${what}`, { currency, amount }, idempotencyKey === undefined ? {} : { idempotencyKey });
const balance = async (player: string) => (await here.platform.get(`/v1/players/${player}/wallets`)).body.items[0].balance as string;

describe('a deposit', () => {
  it('of 25.50 on 100.00 makes 125.50, and its receipt says where', async () => {
    const player = here.player();
    const reply = await move(player.id, 'deposits', '25.50', 'd-1');
    expect(reply).toMatchObject({ status: 201, body: { reference: 'd-1', type: 'deposit', status: 'applied', amount: '25.50', currency: 'EUR', balance: '125.50', walletVersion: 2 } });
    expect(reply.headers).toMatchObject({ 'x-wallet-version': '2', 'x-consistency-token': expect.stringMatching(/^[\w-]+$/), 'cache-control': 'no-store' });
    expect(reply.headers['idempotent-replayed']).toBeUndefined();
    const [row] = await here.sql('select kind, amount, house, reference from transaction where player_id = $1 and version = 2', [player.id]);
    expect(row).toEqual({ kind: 'deposit', amount: '25500000', house: 4, reference: 'd-1' });
  });

  it('again is answered and not done again, also written in another way', async () => {
    const player = here.player();
    const first = await move(player.id, 'deposits', '5.00', 'd-2');
    for (const amount of ['5.00', '5', '5.0000000']) {
      const again = await move(player.id, 'deposits', amount, 'd-2');
      expect(again).toMatchObject({ status: 201, headers: { 'idempotent-replayed': 'true' }, body: { ...first.body, status: 'replayed' } });
    }
    expect(await balance(player.id)).toBe('105.00');
  });

  it('of another amount, to another player or as a withdrawal under the same key is a conflict', async () => {
    const [anna, bert] = [here.player(), here.player()];
    await move(anna.id, 'deposits', '5.00', 'd-3');
    for (const other of [move(anna.id, 'deposits', '6.00', 'd-3'), move(bert.id, 'deposits', '5.00', 'd-3'), move(anna.id, 'withdrawals', '5.00', 'd-3')]) {
      here.expectRefused(await other, 'TRANSACTION_CONFLICT', 409);
    }
    here.expectRefused(await here.platform.post('/v1/players', { externalId: 'x', currencies: ['EUR'] }, { idempotencyKey: 'd-3' }), 'TRANSACTION_CONFLICT', 409);
    expect([await balance(anna.id), await balance(bert.id)]).toEqual(['105.00', '100.00']);
  });

  it('sent twenty times at once under one key is one', async () => {
    const player = here.player();
    const replies = await Promise.all(Array.from({ length: 20 }, () => move(player.id, 'deposits', '1.00', 'd-4')));
    expect(replies.map(({ status }) => status)).toEqual(Array(20).fill(201));
    expect(new Set(replies.map(({ body }) => body.transactionId)).size).toBe(1);
    expect(replies.filter(({ body }) => body.status === 'applied')).toHaveLength(1);
    expect(await balance(player.id)).toBe('101.00');
  });

  it('under the same key of two operators is two', async () => {
    const [ours, theirs] = [here.player(), here.world.strangers[0] as { id: string }];
    await move(ours.id, 'deposits', '1.00', 'd-5');
    expect((await here.stranger.post(`/v1/players/${theirs.id}/deposits`, { currency: 'EUR', amount: '2.00' }, { idempotencyKey: 'd-5' })).body.status).toBe('applied');
  });

  it('that was claimed and never moved, because the process died in between, is done when it comes again', async () => {
    const player = here.player();
    await move(player.id, 'deposits', '1.00', 'd-6');
    // As the claim alone would have left it: the money path knows nothing of the reference.
    await here.sql("update office_command set idempotency_key = 'd-7' where idempotency_key = 'd-6'");
    const reply = await move(player.id, 'deposits', '1.00', 'd-7');
    expect(reply.body).toMatchObject({ status: 'applied', balance: '102.00' });
  });
});

describe('a withdrawal', () => {
  it('takes what is there and no more, and the same call may succeed later', async () => {
    const player = here.player();
    const refused = await move(player.id, 'withdrawals', '100.01', 'w-1');
    here.expectRefused(refused, 'INSUFFICIENT_FUNDS', 422);
    expect(refused.body).toMatchObject({ balance: '100.00', currency: 'EUR', retryable: true });
    expect(refused.headers['x-wallet-version']).toBe('1');
    await move(player.id, 'deposits', '0.01');
    expect((await move(player.id, 'withdrawals', '100.01', 'w-1')).body).toMatchObject({ status: 'applied', type: 'withdrawal', balance: '0.00', amount: '100.01' });
  });
});

describe('an amount', () => {
  it.each(['0', '0.00', '-1', '1e2', '01', '1.', '.5', ' 1', '1.0000001', '1000000000000', ''])('of %j is none', async (amount) => {
    const player = here.world.players[0] as { id: string };
    here.expectRefused(await move(player.id, 'deposits', amount), 'AMOUNT_INVALID', 400);
  });

  it('is no number, and its currency is one of the player’s', async () => {
    const player = here.world.players[0] as { id: string };
    const number = await here.platform.post(`/v1/players/${player.id}/deposits`, { currency: 'EUR', amount: 5 });
    here.expectRefused(number, 'REQUEST_INVALID', 400);
    expect(number.body.errors).toEqual([{ field: 'amount', message: expect.any(String) }]);
    here.expectRefused(await move(player.id, 'deposits', '1', undefined, 'JPY'), 'CURRENCY_MISMATCH', 422);
    here.expectRefused(await move(player.id, 'deposits', '1', undefined, 'XXX'), 'REQUEST_INVALID', 400);
  });
});

it('every invariant of the ledger holds at the end', async () => {
  const findings = await verify(here.database.url('croupier_worker'));
  expect(findings.filter(({ count }) => count > 0)).toEqual([]);
});
