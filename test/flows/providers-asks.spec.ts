import { describe, expect, it } from '@jest/globals';
import { expectTin, moved, TinGround } from '../support/tin-ground.ts';

/** What any dialect may ask, and whose call it then is: one that is nobody's, in cents, without a player or a currency where the session knows them. */
const tinned = new TinGround({ plain: { policy: { deadlineMs: 5_000 } }, other: {}, strict: { policy: { deadlineMs: 5_000, supersededOn: 'all' } } });
const { here, call, player, tokenOf } = tinned;

describe('each thing that may be asked', () => {
  it('is answered once: 100.00 − 10.00 + 2.50, both undone by play and rollback', async () => {
    const anna = player();
    const who = { user: anna.id, currency: 'EUR' };
    expect((await call('session', { token: tokenOf(anna) })).body).toMatchObject({ ok: true, player: anna.id, balance: '100000000', currency: 'EUR', token: tokenOf(anna) });
    expect(moved(await call('balance', who))).toEqual(['ok', '100000000']);
    expect(moved(await call('money/bet', { ...who, id: 'b1', amount: 1000 }))).toEqual(['applied', '90000000']);
    expect(moved(await call('money/win', { ...who, id: 'w1', amount: 250 }))).toEqual(['applied', '92500000']);
    expect(moved(await call('money/rollback', { ...who, id: 'k1', undo: 'w1' }))).toEqual(['applied', '90000000']);
    const played = await call('play', { ...who, actions: [{ kind: 'bet', id: 'b2', amount: 100 }, { kind: 'rollback', id: 'k2', undo: 'b1' }, { kind: 'win', id: 'w2', amount: 300 }] });
    expect([moved(played), played.body.receipts.length]).toEqual([['ok', '102000000'], 3]);
    expect(moved(await call('money/adjust', { ...who, id: 'a1', gain: -150 }))).toEqual(['applied', '100500000']);
    expect((await call('close', { ...who, round: 'r1' })).body).toMatchObject({ ok: true, state: 'closed', balance: '100500000' });
    expect((await call('cancel', { ...who, round: 'r9' })).body).toMatchObject({ ok: true, state: 'cancelled', balance: '100500000' });
    expect((await call('status', { ...who, id: 'b1', of: 'bet' })).body).toMatchObject({ ok: true, known: { reference: 'b1', amount: '10000000' } });
  });

  it('bears the wallet’s version and where in the database’s history it stands, and the caller’s own request id', async () => {
    const anna = player();
    const { headers, status } = await call('money/bet', { user: anna.id, currency: 'EUR', id: 'b1', amount: 1 });
    expect([status, headers['x-wallet-version'], headers['x-request-id'], headers['cache-control'], headers['content-type']]).toEqual([200, '2', 'id-1', 'no-store', 'application/json']);
    expect(headers['x-consistency-token']).toEqual(expect.any(String));
  });

  it('is refused in the dialect’s words, with what the core says of it', async () => {
    const anna = player();
    const reply = await call('money/bet', { user: anna.id, currency: 'EUR', id: 'b1', amount: 100_000 });
    expectTin(reply, 'no', 'INSUFFICIENT_FUNDS');
    expect(reply.body).toMatchObject({ balance: '100000000', asked: 'bet', player: anna.id });
    expect((await call('play', { user: anna.id, currency: 'EUR', actions: [{ kind: 'win', id: 'w1', amount: 1 }, { kind: 'bet', id: 'b2', amount: 100_000 }] })).body)
      .toMatchObject({ no: 'INSUFFICIENT_FUNDS', actionIndex: 1 });
  });
});

describe('whose call it is', () => {
  it('the session says where the call does not, and in which currency', async () => {
    const anna = player();
    const token = tokenOf(anna);
    expect((await call('balance', { token })).body).toMatchObject({ player: anna.id, currency: 'EUR', balance: '100000000' });
    expect(moved(await call('money/bet', { token, id: 'b1', amount: 1000 }))).toEqual(['applied', '90000000']);
    expect(moved(await call('money/win', { token, id: 'w1', amount: 500 }))).toEqual(['applied', '95000000']);
    expect(moved(await call('money/rollback', { token, id: 'k1', undo: 'w1' }))).toEqual(['applied', '90000000']);
    expect(moved(await call('money/rollback', { token, id: 'k2', undo: 'never' }))).toEqual(['tombstoned', '90000000']);
  });

  it('also when the session is over: what is owed is paid, and a bet is refused', async () => {
    const anna = player();
    const token = tokenOf(anna);
    await call('money/bet', { token, id: 'b1', amount: 1000 });
    await here.sql(`update session set state = 'closed' where player_id = $1`, [anna.id]);
    expect(moved(await call('money/win', { token, id: 'w1', amount: 500 }))).toEqual(['applied', '95000000']);
    expectTin(await call('money/bet', { token, id: 'b2', amount: 1 }), 'no', 'SESSION_EXPIRED');
    expectTin(await call('session', { token }), 'no', 'SESSION_EXPIRED');
  });

  it('a token that is superseded may not even read, where the account says so', async () => {
    const anna = player();
    for (const account of ['strict', 'plain'] as const) {
      const token = tokenOf(anna, account);
      expect(moved(await call('balance', { token }, { account }))).toEqual(['ok', '100000000']);
      await here.sql(`update session set state = 'superseded' where player_id = $1 and account_id = $2`, [anna.id, tinned.idOf(account)]);
      expect(moved(await call('balance', { token }, { account }))[0]).toBe(account === 'strict' ? 'SESSION_SUPERSEDED' : 'ok');
      expect(moved(await call('status', { token, id: 'b1', of: 'bet' }, { account }))[0]).toBe(account === 'strict' ? 'SESSION_SUPERSEDED' : 'ok');
      expectTin(await call('money/bet', { token, id: 'b1', amount: 1 }, { account }), 'no', 'SESSION_SUPERSEDED');
      expect(moved(await call('money/win', { token, id: 'w1', amount: 1, round: 'r2' }, { account }))[0]).toBe('applied');
      await call('money/rollback', { token, id: 'k1', undo: 'w1' }, { account });
    }
  });

  it('nobody’s token is refused where no player is named, and ignored where what is owed names one', async () => {
    const anna = player();
    for (const path of ['balance', 'money/bet', 'money/win', 'session']) expectTin(await call(path, { token: 'nobody', id: 'x', amount: 1 }), 'no', 'SESSION_NOT_FOUND');
    expectTin(await call('balance', {}), 'no', 'SESSION_NOT_FOUND');
    const who = { user: anna.id, token: 'nobody', currency: 'EUR' };
    expect(moved(await call('money/win', { ...who, id: 'w1', amount: 1 }))).toEqual(['applied', '100010000']);
    expectTin(await call('money/bet', { ...who, id: 'b1', amount: 1 }), 'no', 'SESSION_NOT_FOUND');
    expectTin(await call('money/bet', { user: anna.id, token: 'nobody', id: 'b2', amount: 1 }), 'no', 'SESSION_NOT_FOUND');
  });

  it('another player’s token, or another account’s, is no session of this one', async () => {
    const [anna, ben] = [player(), player()];
    for (const token of [tokenOf(ben), anna.sessionToken, tokenOf(anna, 'other')]) {
      expectTin(await call('money/bet', { user: anna.id, token, currency: 'EUR', id: `b ${token}`, amount: 1 }), 'no', 'SESSION_NOT_FOUND');
      expectTin(await call('session', { user: anna.id, token }), 'no', 'SESSION_NOT_FOUND');
    }
    await call('money/bet', { user: anna.id, currency: 'EUR', id: 'b1', amount: 1000 });
    await call('money/bet', { user: ben.id, currency: 'EUR', id: 'b1', amount: 3000 });
    expectTin(await call('money/win', { user: anna.id, token: tokenOf(ben), id: 'w1', amount: 500 }), 'no', 'SESSION_NOT_FOUND');
    expect(moved(await call('money/win', { user: anna.id, token: tokenOf(ben), currency: 'EUR', id: 'w1', amount: 500, round: 'r2' }))).toEqual(['applied', '95000000']);
    expect(moved(await call('money/rollback', { user: anna.id, token: tokenOf(ben), id: 'k1', undo: 'b1' }))).toEqual(['applied', '105000000']);
    expect(moved(await call('balance', { token: tokenOf(ben) }))).toEqual(['ok', '70000000']);
    expect((await here.sql(`select 1 from session where player_id = $1 and state <> 'active'`, [ben.id])).length).toBe(0);
  });

  it('a currency that neither says is asked for; one that is none is a wallet that is not there', async () => {
    const anna = player();
    const reply = await call('balance', { user: anna.id });
    expectTin(reply, 'fail', 'REQUEST_INVALID');
    expect(reply.body.fields).toEqual(['currency']);
    expectTin(await call('balance', { user: anna.id, currency: 'XYZ' }), 'no', 'CURRENCY_MISMATCH');
    expectTin(await call('balance', { token: tokenOf(anna), currency: 'XYZ' }), 'no', 'CURRENCY_MISMATCH');
    expectTin(await call('money/bet', { token: tokenOf(anna), currency: 'BTC', id: 'b1', amount: 10 }), 'no', 'CURRENCY_MISMATCH');
  });

  it('cannot be told while sessions cannot be read: that is a fault and comes again', async () => {
    const anna = player();
    await here.whileHeld('lock table session in access exclusive mode', async () => {
      expectTin(await call('balance', { token: tokenOf(anna, 'other') }, { account: 'other' }), 'later', 'UNAVAILABLE');
    });
    expect(moved(await call('balance', { token: tokenOf(anna, 'other') }, { account: 'other' }))).toEqual(['ok', '100000000']);
  });
});

describe('amounts', () => {
  it('finer than the currency is kept are invalid in a bet, and owed in a win', async () => {
    const who = { user: (here.world.players.at(-1) as { id: string }).id, currency: 'BTC' };
    expect(moved(await call('money/bet', { ...who, id: 'b1', amount: 20 }))).toEqual(['applied', '99999998']);
    await here.unmoved(async () => {
      expectTin(await call('money/bet', { ...who, id: 'b2', amount: 25 }), 'fail', 'AMOUNT_INVALID');
      expectTin(await call('money/win', { ...who, id: 'w1', amount: 25 }), 'later', 'AMOUNT_TOO_FINE');
    });
  });

  it('beyond what a float holds keep every digit, and with a point they are none', async () => {
    const who = { user: player().id, currency: 'EUR' };
    expectTin(await call('money/win', `{"user":"${who.user}","currency":"EUR","id":"w1","amount":9007199254740993}`), 'fail', 'AMOUNT_INVALID');
    for (const amount of ['1.0', '1e2', '0.5', '12345678901234567890']) {
      expectTin(await call('money/win', `{"user":"${who.user}","currency":"EUR","id":"w1","amount":${amount}}`), 'fail', 'AMOUNT_INVALID');
    }
    expect(moved(await call('money/win', `{"user":"${who.user}","currency":"EUR","id":"w1","amount":100000000000}`))).toEqual(['applied', '1000000100000000']);
  });
});
