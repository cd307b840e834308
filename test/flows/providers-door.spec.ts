import { describe, expect, it } from '@jest/globals';
import { Fault } from '../../src/wallet/contract.ts';
import { Lanes } from '../../src/wallet/lane.ts';
import { RawProvider } from '../support/provider.ts';
import { serveHere } from '../support/server.ts';
import { seen } from '../support/tin.ts';
import { expectTin, moved, TIN_AND_ALL, TinGround } from '../support/tin-ground.ts';

/** What the providers' door does for a dialect before and behind the wallet, whatever the dialect: one that is nobody's, in cents. */
const tinned = new TinGround({
  plain: { policy: { deadlineMs: 5_000 } },
  listed: { addresses: ['198.51.100.0/24', '::1/128'] },
  here: { addresses: ['127.0.0.0/8'], settings: { header: 'x-other' } },
  slow: { policy: { betsPerSecond: 0.001, betBurst: 1, readsPerSecond: 0.001, readBurst: 1, deadlineMs: 5_000 } },
  broken: { settings: { header: 7 } },
  keyless: { secrets: ['short'] },
  strange: { dialect: 'pewter' },
  exploding: { settings: { explode: true }, policy: { deadlineMs: 5_000 } },
  empty: { secrets: [] },
});
const { here, call, player } = tinned;

describe('what does not get as far as the wallet', () => {
  it('is said in the dialect’s own words, each failure once, and nothing moves', async () => {
    const anna = player();
    const bet = { user: anna.id, currency: 'EUR', id: 'b1', amount: 1 };
    await here.unmoved(async () => {
      expectTin(await call('money/bet', bet, { secret: 'another' }), 'fail', 'SIGNATURE_INVALID');
      expectTin(await call('money/bet', { ...bet, amount: '1' }), 'fail', 'REQUEST_INVALID');
      expectTin(await call('money/bet', { ...bet, amount: -1 }), 'fail', 'AMOUNT_INVALID');
      expectTin(await call('money/bets', bet), 'fail', 'ROUTE_NOT_FOUND');
      expectTin(await call('money/bet', bet, { account: 'listed' }), 'fail', 'FORBIDDEN');
      for (const type of [undefined, 'text/plain', 'application/x-www-form-urlencoded', 'application/vnd.tin+json']) {
        expectTin(await call('money/bet', bet, { headers: { 'content-type': type } }), 'fail', 'MEDIA_TYPE_UNSUPPORTED');
      }
      expectTin(await call('money/bet', 'x'.repeat(70_000)), 'fail', 'BODY_TOO_LARGE');
      for (const method of ['GET', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']) {
        const reply = await call('money/bet', bet, { method });
        expectTin(reply, 'fail', 'METHOD_NOT_ALLOWED');
        expect(reply.headers['allow']).toBe('POST');
      }
      expect((await call('money/bet', bet, { method: 'HEAD' })).status).toBe(400);
    });
  });

  it('is a call from another address than its account lists; through a trusted proxy the address is the one that it forwards for', async () => {
    const who = { user: player().id, currency: 'EUR' };
    const from = (address: string, at = tinned.raw) => call('balance', who, { account: 'listed', headers: { 'x-forwarded-for': address }, at });
    expect(moved(await call('balance', who, { account: 'here' }))).toEqual(['ok', '100000000']);
    expectTin(await from('198.51.100.3'), 'fail', 'FORBIDDEN');
    const behind = await serveHere(here.database, { TRUSTED_PROXIES: '127.0.0.0/8, 203.0.113.0/24' }, TIN_AND_ALL);
    const proxied = new RawProvider(behind.baseUrl);
    for (const address of ['198.51.100.3', '9.9.9.9, 198.51.100.3', '198.51.100.255, 203.0.113.7', '::1', '::ffff:198.51.100.3']) {
      expect([address, moved(await from(address, proxied))]).toEqual([address, ['ok', '100000000']]);
    }
    for (const address of ['9.9.9.9', '198.51.100.3, 9.9.9.9', '198.51.100.3, unknown', '198.51.101.0', '::2', '']) {
      expect([address, moved(await from(address, proxied))[0]]).toEqual([address, 'FORBIDDEN']);
    }
    proxied.close();
    await behind.close();
  });

  it('names the fields, and has the body where one could be read', async () => {
    const wrong = { user: 1, id: '', amount: 'x' };
    expect((await call('money/bet', wrong)).body).toEqual({ fail: 'REQUEST_INVALID', fields: ['user', 'id', 'amount'], body: wrong });
    for (const body of ['', '{', '[1', 'null x', Buffer.from([0x22, 0xff, 0x22]), '{"a":1}{"a":1}', `${'['.repeat(30_000)}`]) {
      const reply = await call('money/bet', body);
      expectTin(reply, 'fail', 'REQUEST_INVALID');
      expect(reply.body).not.toHaveProperty('body');
    }
    for (const body of ['null', '[]', '7', '"x"', `${'['.repeat(30_000)}${']'.repeat(30_000)}`]) expect((await call('close', body)).body.fail).toBe('REQUEST_INVALID');
  });

  it('is a path of no operation, however it is written', async () => {
    const bet = { user: player().id, currency: 'EUR', id: 'b1', amount: 1 };
    const base = `/providers/${tinned.idOf('plain')}`;
    await here.unmoved(async () => {
      for (const path of [
        '', '/', '/money', '/money/', '/money/bet/', '//money/bet', '/money//bet', '/./money/bet', '/money/../money/bet', '/money/%62et', '/money%2fbet', '/Money/bet', '/money/bet%00',
        '/money/bet;a=1', '/%', '/%zz', '/__proto__', '/constructor', `/${'x'.repeat(5_000)}`, '/money/bet#x',
      ]) expectTin(await call('money/bet', bet, { instead: `${base}${path}` }), 'fail', 'ROUTE_NOT_FOUND');
    });
    expect(moved(await call('money/bet', bet, { query: 'a=%zz&b=//' }))).toEqual(['applied', '99990000']);
  });

  it('is no account’s: a problem, whatever the method', async () => {
    const native = here.account().accountId;
    for (const id of ['0', '999999', `0${tinned.idOf('plain')}`, '1e1', '-1', '', 'tin', `${tinned.idOf('plain')}x`, '9'.repeat(40), String(native), `%3${tinned.idOf('plain') % 10}`]) {
      for (const method of ['POST', 'GET']) {
        const reply = await call('money/bet', {}, { instead: `/providers/${id}/money/bet`, method });
        expect([id, reply.status, reply.body.code, reply.headers['content-type']]).toEqual([id, 404, 'ROUTE_NOT_FOUND', 'application/problem+json']);
      }
    }
    expect((await call('money/bet', {}, { instead: '/providers' })).body.code).toBe('ROUTE_NOT_FOUND');
  });

  it('is an account that cannot be used: its calls come again, in its own words where it has any', async () => {
    expectTin(await call('balance', {}, { account: 'broken' }), 'later', 'UNAVAILABLE');
    expectTin(await call('balance', {}, { account: 'keyless' }), 'later', 'UNAVAILABLE');
    expect((await call('balance', {}, { account: 'strange' })).body).toMatchObject({ code: 'UNAVAILABLE', retryable: true, status: 503 });
    expectTin(await call('balance', {}, { account: 'empty' }), 'fail', 'SIGNATURE_INVALID');
  });
});

describe('a signature', () => {
  it('is judged over the bytes as they came, with method, path and query, before anything reads them', async () => {
    const bytes = Buffer.from([0x7b, 0x00, 0xff, 0xfe, 0xc3, 0x28, 0x0d, 0x0a, 0x20, 0x7d]);
    await call('money/bet', bytes, { query: 'a=%20b&a=2&&c' });
    expect({ ...seen.call, headers: undefined }).toEqual({ method: 'POST', path: 'money/bet', query: 'a=%20b&a=2&&c', headers: undefined, body: bytes });
    expectTin(await call('money/bet', bytes), 'fail', 'REQUEST_INVALID');
    expectTin(await call('money/bet', bytes, { secret: 'x' }), 'fail', 'SIGNATURE_INVALID');
  });

  it('fits under each secret that is live, and under no other account’s', async () => {
    const who = { user: player().id, currency: 'EUR' };
    expect(moved(await call('balance', who, { secret: 'an older secret' }))).toEqual(['ok', '100000000']);
    await here.sql(`update credential set secrets = $2 where account_id = $1`, [tinned.idOf('here'), ['a secret of its own']]);
    await expect(eventually(async () => (await call('balance', who, { account: 'here' })).body.fail)).resolves.toBe('SIGNATURE_INVALID');
    expect(moved(await call('balance', who, { account: 'here', secret: 'a secret of its own' }))).toEqual(['ok', '100000000']);
  });
});

/** The first answer that is something. */
async function eventually<T>(ask: () => Promise<T | undefined>): Promise<T | undefined> {
  for (const until = performance.now() + 5_000; performance.now() < until;) {
    const found = await ask();
    if (found !== undefined) return found;
  }
  return undefined;
}

describe('too much', () => {
  it('is throttled behind the signature: one bet, one read, and what is owed always', async () => {
    const who = { user: player().id, currency: 'EUR' };
    const account = 'slow';
    expectTin(await call('money/bet', { ...who, id: 'b0', amount: 1 }, { account, secret: 'x' }), 'fail', 'SIGNATURE_INVALID');
    expect(moved(await call('money/bet', { ...who, id: 'b1', amount: 1 }, { account }))).toEqual(['applied', '99990000']);
    const throttled = await call('money/bet', { ...who, id: 'b2', amount: 1 }, { account });
    expectTin(throttled, 'later', 'THROTTLED');
    expect(throttled.headers['retry-after']).toEqual(expect.any(String));
    expectTin(await call('play', { ...who, actions: [{ kind: 'bet', id: 'b3', amount: 1 }] }, { account }), 'later', 'THROTTLED');
    expect(moved(await call('balance', who, { account }))).toEqual(['ok', '99990000']);
    expectTin(await call('balance', who, { account }), 'later', 'THROTTLED');
    expectTin(await call('session', { token: 'x' }, { account }), 'later', 'THROTTLED');
    expect(moved(await call('money/win', { ...who, id: 'w1', amount: 1, round: 'r2' }, { account }))).toEqual(['applied', '100000000']);
    expect(moved(await call('play', { ...who, actions: [{ kind: 'rollback', id: 'k1', undo: 'b1' }] }, { account }))).toEqual(['ok', '100010000']);
  });

  it('is shed by its path before the body is read: reads and bets first, in the dialect’s words', async () => {
    const lanes = here.served.app.get(Lanes);
    const { admits } = lanes;
    const asked: unknown[] = [];
    lanes.admits = (...its: Parameters<typeof admits>) => {
      asked.push(its.slice(0, 2));
      return its[0] === 'credit';
    };
    try {
      seen.call = undefined;
      expectTin(await call('money/bet', 'never read'), 'later', 'OVERLOADED');
      expectTin(await call('balance', 'never read'), 'later', 'OVERLOADED');
      expect(seen.call).toBeUndefined();
      expect(asked).toEqual([['bet', 5_000], ['read', 5_000]]);
    } finally {
      lanes.admits = admits;
    }
  });
});

describe('a fault', () => {
  it('is the dialect’s retryable answer: no way to the database', async () => {
    const who = { user: player().id, currency: 'EUR' };
    here.proxy.cut();
    expectTin(await call('money/bet', { ...who, id: 'b1', amount: 1 }), 'later', 'UNAVAILABLE');
    here.proxy.mend();
    expect(moved(await call('money/bet', { ...who, id: 'b1', amount: 1 }))).toEqual(['applied', '99990000']);
  });

  it('of which nobody knows whether anything was done is said so', async () => {
    const who = { user: player().id, currency: 'EUR' };
    const lost = here.proxy.strikeCommit('reply lost');
    const answer = call('money/bet', { ...who, id: 'b1', amount: 1 });
    await lost;
    here.proxy.cut();
    expectTin(await answer, 'later', 'OUTCOME_UNKNOWN');
    here.proxy.mend();
    expect(moved(await call('money/bet', { ...who, id: 'b1', amount: 1 }))).toEqual(['replayed', '99990000']);
  });

  it('while the answer is written: it may be done, so nothing else is said of it', async () => {
    const who = { user: player().id, currency: 'EUR' };
    expectTin(await call('money/bet', { ...who, id: 'b1', amount: 1 }, { account: 'exploding' }), 'later', 'OUTCOME_UNKNOWN');
    expect(moved(await call('status', { ...who, id: 'b1', of: 'bet' }, { account: 'exploding' }))[0]).toBe('OUTCOME_UNKNOWN');
    expect(await here.sql(`select amount::text from transaction where player_id = $1 and kind = 'bet'`, [who.user])).toEqual([{ amount: '-10000' }]);
  });

  it('that is ours shows nothing of its inside', async () => {
    const lanes = here.served.app.get(Lanes);
    const { submit } = lanes;
    lanes.submit = () => { throw new Fault('INTERNAL', 'select secrets from /src/wallet.ts'); };
    try {
      const reply = await call('money/win', { user: player().id, currency: 'EUR', id: 'w1', amount: 1 });
      expectTin(reply, 'later', 'INTERNAL');
      expect(JSON.stringify(reply.body)).not.toContain('secrets');
    } finally {
      lanes.submit = submit;
    }
  });
});
