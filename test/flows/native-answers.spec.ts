import { describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { OPERATIONS, type OperationName } from '../../src/providers/native/schema.ts';
import { ground, mediaType, said } from '../support/ground.ts';
import type { Reply } from '../support/provider.ts';

/** The answers word for word: names, order of magnitude of nothing left open, headers. */
const here = ground({ players: { EUR: 20, JPY: 1, KWD: 1, BTC: 1 }, balance: 100_000_000n });

const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** Exactly the fields of the published answer, no more. */
function fits(operation: OperationName, reply: Reply): void {
  expect([reply.status, mediaType(reply)]).toEqual([200, 'application/json']);
  expect(OPERATIONS[operation].answer.parse(reply.body)).toEqual(reply.body);
}

function bearsMoneyHeaders({ headers, body }: Reply): void {
  expect(headers['x-wallet-version']).toBe(String(body.walletVersion));
  expect(headers['x-consistency-token']).toMatch(/^[\w-]{16,}$/);
}

describe('an answer', () => {
  it('of authenticate says whose session it is', async () => {
    const { provider, player } = here.seat();
    const reply = await provider.call('authenticate', { sessionToken: player.sessionToken });
    fits('authenticate', reply);
    bearsMoneyHeaders(reply);
    expect(reply.body).toEqual({
      playerId: player.id,
      currency: 'EUR',
      balance: '100.00',
      walletVersion: 1,
      country: 'MT',
      language: 'en',
      sessionToken: player.sessionToken,
    });
  });

  it('of balance says what the wallet holds', async () => {
    const { balance, player } = here.seat();
    const reply = await balance();
    fits('balance', reply);
    bearsMoneyHeaders(reply);
    expect(reply.body).toEqual({ playerId: player.id, currency: 'EUR', balance: '100.00', walletVersion: 1 });
  });

  it('of bet, win and rollback is a receipt', async () => {
    const { bet, win, rollback } = here.seat();
    const before = Date.now();
    const replies = [await bet('b1', '12.5'), await win('w1', '0.00001'), await rollback('k1', 'w1')] as const;
    for (const [i, reply] of replies.entries()) {
      fits(['bet', 'win', 'rollback'][i] as OperationName, reply);
      bearsMoneyHeaders(reply);
      expect(reply.body.transactionId).toMatch(UUID_V7);
      expect(Math.abs(Date.parse(reply.body.processedAt) - before)).toBeLessThan(5_000);
    }
    const [{ transactionId, processedAt }, ...rest] = replies.map(({ body }) => body);
    expect(replies[0].body).toEqual({
      transactionId,
      reference: 'b1',
      type: 'bet',
      status: 'applied',
      outcome: 'applied',
      amount: '12.50',
      currency: 'EUR',
      balance: '87.50',
      walletVersion: 2,
      processedAt,
    });
    expect(rest.map(({ type, amount, balance, walletVersion }) => [type, amount, balance, walletVersion]))
      .toEqual([['win', '0.00001', '87.50001', 3], ['rollback', '0.00001', '87.50', 4]]);
  });

  it('of play and close-round carry the wallet beside what they did', async () => {
    const { play, closeRound } = here.seat();
    const played = await play([{ type: 'bet', transactionId: 'b1', amount: '10' }]);
    fits('play', played);
    bearsMoneyHeaders(played);
    expect(Object.keys(played.body)).toEqual(['balance', 'walletVersion', 'receipts']);
    const closed = await closeRound();
    fits('close-round', closed);
    bearsMoneyHeaders(closed);
  });

  it('of status is the receipt, the remembered refusal, or unknown; it moves nothing', async () => {
    const { bet, win, rollback, status, player } = here.seat();
    const unknown = await status('bet', 'b1');
    fits('status', unknown);
    expect([unknown.body, unknown.headers['x-wallet-version']]).toEqual([{ status: 'unknown' }, '1']);
    const done = [await bet('b1', '10'), await win('w1', '5'), await rollback('k1', 'w1')];
    for (const [i, reference] of ['b1', 'w1', 'k1'].entries()) {
      const known = await status(['bet', 'win', 'rollback'][i] as string, reference);
      fits('status', known);
      expect(known.body).toEqual({ ...done[i]?.body, status: 'replayed', balance: '90.00', walletVersion: 4 });
    }
    await bet('b2', '500');
    const refused = await status('bet', 'b2');
    fits('status', refused);
    expect(refused.body).toEqual({
      status: 'refused', code: 'INSUFFICIENT_FUNDS', reference: 'b2', type: 'bet', currency: 'EUR', balance: '90.00', walletVersion: 4,
    });
    await rollback('k2', 'b9');
    expect((await status('rollback', 'k2')).body).toMatchObject({ status: 'replayed', outcome: 'tombstoned', amount: '0.00' });
    expect((await status('win', 'w9')).body).toEqual({ status: 'unknown' });
    expect(await here.sql('select balance::text, version::text from wallet where player_id = $1', [player.id])).toEqual([
      { balance: '90000000', version: '4' },
    ]);
  });

  it('echoes webhook-id as x-request-id, in refusals in the body too', async () => {
    const { call } = here.seat();
    const [ok, refused, invalid] = ['call one', 'call-two', 'call.three'].map(() => randomUUID()) as [string, string, string];
    expect((await call('balance', {}, { id: ok })).headers['x-request-id']).toBe(ok);
    const bet = { transactionId: 'b1', amount: '500', gameId: 'game-1', roundId: 'r1' };
    for (const [id, fields] of [[refused, bet], [invalid, { ...bet, amount: 500 }]] as const) {
      const reply = await call('bet', fields, { id });
      expect([reply.headers['x-request-id'], reply.body.requestId]).toEqual([id, id]);
    }
  });

  it('of a refusal that read the wallet carries its headers, too', async () => {
    const { bet, player } = here.seat();
    const reply = await bet('b1', '500');
    const { headers, body } = reply;
    expect([mediaType(reply), headers['x-wallet-version']]).toEqual(['application/problem+json', '1']);
    expect(headers['x-consistency-token']).toEqual(expect.any(String));
    expect(body).toEqual({
      type: 'urn:croupier:problem:insufficient-funds',
      title: expect.any(String),
      status: 422,
      code: 'INSUFFICIENT_FUNDS',
      detail: expect.any(String),
      requestId: headers['x-request-id'],
      retryable: false,
      balance: '100.00',
      currency: 'EUR',
    });
    expect(JSON.stringify(body)).not.toContain(player.id);
  });

  it('gives each position in the database’s history a token of its own', async () => {
    const { bet } = here.seat();
    const tokens = [await bet('b1', '1'), await bet('b2', '1')].map(({ headers }) => headers['x-consistency-token']);
    expect(new Set(tokens).size).toBe(2);
  });
});

describe('amounts', () => {
  it.each([
    ['EUR', '100.00', '12.5', '12.50', '87.50'],
    ['EUR', '100.00', '12.50001', '12.50001', '87.49999'],
    ['EUR', '100.00', '0.000001', '0.000001', '99.999999'],
    ['EUR', '100.00', '7', '7.00', '93.00'],
    ['JPY', '100', '30', '30', '70'],
    ['KWD', '100.000', '1.25', '1.250', '98.750'],
    ['BTC', '1.00000000', '0.00000001', '0.00000001', '0.99999999'],
  ])('in %s: %s less %s is a bet of %s and leaves %s', async (currency, opening, sent, amount, left) => {
    const { bet, balance, rollback } = here.seat({ currency });
    expect((await balance()).body.balance).toBe(opening);
    const id = `b ${sent}`;
    expect((await bet(id, sent)).body).toMatchObject({ status: 'applied', amount, balance: left, currency });
    expect((await rollback(`k ${sent}`, id)).body).toMatchObject({ status: 'applied', balance: opening });
  });

  it('may carry zeros beyond what is stored, up to ten digits', async () => {
    const { bet } = here.seat();
    expect((await bet('b1', '1.5000000000')).body).toMatchObject({ amount: '1.50', balance: '98.50' });
  });

  it('of a win may be as large as the currency allows, and no larger', async () => {
    const { bet, win } = here.seat();
    await bet('b1', '10');
    expect(said(await win('w1', '1000000000.000001'))).toBe('AMOUNT_INVALID');
    expect(said(await win('w1', '1000000000'))).toBe('applied 1000000090.00');
  });
});

describe('two players', () => {
  it('with one reference are two transactions', async () => {
    const [one, two] = [here.seat(), here.seat()];
    const answers = await Promise.all([one.bet('same', '10'), two.bet('same', '20'), one.bet('same', '10')]);
    expect(answers.map(({ body }) => body.balance)).toEqual(['90.00', '80.00', '90.00']);
    expect(said(await one.rollback('k', 'same'))).toBe('applied 100.00');
    expect(said(await two.balance())).toBe('ok 80.00');
  });

  it('of two operators do not see each other', async () => {
    const stranger = here.world.strangers[0];
    const { provider } = here.seat();
    expect(said(await provider.call('balance', { playerId: stranger?.id, currency: 'EUR' }))).toBe('PLAYER_NOT_FOUND');
    expect(said(await provider.call('authenticate', { sessionToken: stranger?.sessionToken }))).toBe('SESSION_NOT_FOUND');
    expect(said(await here.provider(-1).call('balance', { playerId: stranger?.id, currency: 'EUR' }))).toBe('ok 100.00');
  });

  it('of two operators, named by both in the same moment, move only for their own', async () => {
    const seat = here.seat();
    const foreign = here.provider(-1);
    const bet = { playerId: seat.player.id, currency: 'EUR', amount: '1', gameId: 'game-1', roundId: 'r1' };
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        i % 2 === 0 ? seat.bet(`b${i}`, '1') : foreign.call('bet', { ...bet, transactionId: `b${i}` }),
      ),
    );
    expect(answers.map(({ body }) => (body.status === 'applied' ? 'own' : body.code))).toEqual(
      answers.map((_, i) => (i % 2 === 0 ? 'own' : 'PLAYER_NOT_FOUND')),
    );
    expect(said(await seat.balance())).toBe('ok 90.00');
  });
});
