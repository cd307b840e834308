import { describe, expect, it } from '@jest/globals';
import { createHmac, randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { Webhook } from 'standardwebhooks';
import { ground, mediaType, said } from '../support/ground.ts';
import type { CallOptions, Reply } from '../support/provider.ts';

/** Standard Webhooks 1.0, judged by the published library and by bytes changed one at a time. */
const here = ground({ players: { EUR: 20 } });

const now = () => Math.floor(Date.now() / 1000);
const balanceOf = (playerId: string) => JSON.stringify({ operation: 'balance', playerId, currency: 'EUR' });

/** Headers as the published library makes them. */
function libraryHeaders(secret: string, body: string, id = randomUUID()): Record<string, string> {
  const at = new Date();
  return {
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
    'webhook-signature': new Webhook(secret).sign(id, at, body),
  };
}

const signature = (secret: string, id: string, timestamp: string, body: string | Buffer): string =>
  `v1,${createHmac('sha256', Buffer.from(secret.slice(6), 'base64')).update(`${id}.${timestamp}.`).update(body).digest('base64')}`;

function expectTurnedAway(reply: Reply, code = 'SIGNATURE_INVALID'): void {
  expect([reply.status, reply.body.code, mediaType(reply)]).toEqual([
    code === 'REQUEST_INVALID' ? 400 : 401,
    code,
    'application/problem+json',
  ]);
}

/** Sends exactly this, nothing signed for it. */
const send = (operation: string, body: string | Buffer, headers: CallOptions['headers']) =>
  here.provider().call(operation, {}, { raw: body, headers });

describe('the published library', () => {
  it('signs calls that are accepted, whatever script the body is in', async () => {
    const seat = here.seat();
    const { secret } = here.account();
    for (const [i, id] of ['plain', 'Łódź', '東京 🎰', '\\"quoted\\"'].entries()) {
      const body = JSON.stringify({
        operation: 'bet',
        transactionId: id,
        playerId: seat.player.id,
        currency: 'EUR',
        amount: '1',
        gameId: 'game-1',
        roundId: 'r1',
      });
      expect(said(await send('bet', body, libraryHeaders(secret, body)))).toBe(`applied ${99 - i}.00`);
    }
  });

  it('and a body with blanks and line ends between its parts is verified as it was sent', async () => {
    const { player } = here.seat();
    const body = `\r\n{ "playerId" : "${player.id}",\n\t"currency":"EUR", "operation":"balance" }\n`;
    expect(said(await send('balance', body, libraryHeaders(here.account().secret, body)))).toBe('ok 100.00');
  });
});

describe('several secrets', () => {
  it('may be live at once, and several signatures stand in one header: any pair that fits will do', async () => {
    const { player } = here.seat();
    const [first, second, never] = [here.account().secret, ...[1, 2].map(() => `whsec_${randomBytes(32).toString('base64')}`)] as [
      string,
      string,
      string,
    ];
    const body = balanceOf(player.id);
    expectTurnedAway(await send('balance', body, libraryHeaders(second, body)));
    await here.sql('update credential set secrets = $2 where api_key = $1', [here.account().apiKey, [second, first]]);
    await pause(1_200); // the snapshot of the configuration follows within a second
    for (const secret of [first, second]) expect(said(await send('balance', body, libraryHeaders(secret, body)))).toBe('ok 100.00');
    expectTurnedAway(await send('balance', body, libraryHeaders(never, body)));

    const id = randomUUID();
    const signed = (secret: string) => signature(secret, id, String(now()), body);
    const together = (...parts: string[]) => send('balance', body,
      { 'webhook-id': id, 'webhook-timestamp': String(now()), 'webhook-signature': parts.join(' ') });
    expect(said(await together(signed(never), signed(second)))).toBe('ok 100.00');
    expect(said(await together('v1a,AAAA', 'v2,what', signed(first)))).toBe('ok 100.00');
    expectTurnedAway(await together(signed(never), signed(never)));
  });

  it('a secret that was taken back stops within a second or so', async () => {
    const { player } = here.seat();
    const { apiKey, secret } = here.account();
    const body = balanceOf(player.id);
    const second = `whsec_${randomBytes(32).toString('base64')}`;
    await here.sql('update credential set secrets = $2 where api_key = $1', [apiKey, [second]]);
    await pause(1_200);
    expectTurnedAway(await send('balance', body, libraryHeaders(secret, body)));
    await here.sql('update credential set secrets = $2 where api_key = $1', [apiKey, [secret]]);
    await pause(1_200);
    expect(said(await send('balance', body, libraryHeaders(secret, body)))).toBe('ok 100.00');
  });

  it('of another account do not open this one', async () => {
    const { player } = here.seat();
    const body = balanceOf(player.id);
    expectTurnedAway(await send('balance', body, libraryHeaders(here.account(-1).secret, body)));
  });
});

describe('a body that is not the signed one', () => {
  it('is refused whichever byte was changed, dropped or added', async () => {
    const seat = here.seat();
    const before = await here.totals();
    const fields = { transactionId: 'b1', playerId: seat.player.id, currency: 'EUR', amount: '1.00', gameId: 'game-1', roundId: 'r1' };
    const body = Buffer.from(JSON.stringify({ operation: 'bet', ...fields }));
    const changed = Array.from(body, (byte, i) => Buffer.concat([body.subarray(0, i), Buffer.from([byte ^ 1]), body.subarray(i + 1)]));
    const others = [
      body.subarray(0, -1),
      body.subarray(1),
      Buffer.concat([body, Buffer.from(' ')]),
      Buffer.concat([Buffer.from('\ufeff'), body]),
      Buffer.alloc(0),
    ];
    for (const reply of await Promise.all([...changed, ...others].map((tampered) => seat.provider.call('bet', fields, { tampered }))))
      expectTurnedAway(reply);
    expect(await here.totals()).toEqual(before);
    expect(said(await seat.provider.call('bet', fields))).toBe('applied 99.00');
  });

  it('is refused although it says the same: serialised again, its fields in another order', async () => {
    const { provider, player } = here.seat();
    const fields = { playerId: player.id, currency: 'EUR' };
    const same = [
      JSON.stringify({ operation: 'balance', ...fields }, null, 2),
      JSON.stringify({ ...fields, operation: 'balance' }),
      JSON.stringify({ operation: 'balance', ...fields }).replace('EUR', '\\u0045UR'),
    ];
    for (const tampered of same) expectTurnedAway(await provider.call('balance', fields, { tampered }));
  });
});

describe('a captured call', () => {
  it('cannot be replayed on another path: a bet sent to /win is not a request', async () => {
    const { provider, bet, win, balance, player } = here.seat();
    await bet('b1', '10');
    const captured = { transactionId: 'b2', playerId: player.id, currency: 'EUR', amount: '10', gameId: 'game-1', roundId: 'r1' };
    for (const operation of ['win', 'rollback', 'balance', 'status', 'play', 'close-round', 'authenticate']) {
      const reply = await provider.call('bet', captured, { path: `/v1/wallet/${operation}` });
      expectTurnedAway(reply, 'REQUEST_INVALID');
      expect(reply.body.errors.map(({ field }: { field: string }) => field)).toContain('operation');
    }
    expect(said(await balance())).toBe('ok 90.00');
    expect(said(await win('b2', '10'))).toBe('applied 100.00');
  });

  it('sent again as it was is harmless', async () => {
    const { provider, player } = here.seat();
    const body = JSON.stringify({
      operation: 'bet',
      transactionId: 'b1',
      playerId: player.id,
      currency: 'EUR',
      amount: '10',
      gameId: 'game-1',
      roundId: 'r1',
    });
    const headers = libraryHeaders(here.account().secret, body);
    const twice = [await provider.call('bet', {}, { raw: body, headers }), await provider.call('bet', {}, { raw: body, headers })];
    expect(twice.map(said)).toEqual(['applied 90.00', 'replayed 90.00']);
  });
});

describe('headers', () => {
  const signed = (headers: (good: Record<string, string>) => CallOptions['headers']) => {
    const body = balanceOf(here.world.players[0]?.id ?? '');
    const good = libraryHeaders(here.account().secret, body);
    return send('balance', body, { ...good, ...headers(good) });
  };

  it.each(['webhook-id', 'webhook-timestamp', 'webhook-signature'])(
    'without %s, or with it empty or twice, it is not signed',
    async (name) => {
      expectTurnedAway(await signed(() => ({ [name]: undefined })));
      expectTurnedAway(await signed(() => ({ [name]: '' })));
      expectTurnedAway(await signed((good) => ({ [name]: [good[name] as string, good[name] as string] })));
    },
  );

  it('with an x-api-key that is none, nobody is known', async () => {
    for (const key of [undefined, '', 'key_unknown', `key_${'x'.repeat(4_000)}`, '__proto__', 'constructor', "' or true --"]) {
      expectTurnedAway(await signed(() => ({ 'x-api-key': key })), 'KEY_UNKNOWN');
    }
  });

  it('with x-api-key twice nobody is known', async () => {
    expectTurnedAway(await signed(() => ({ 'x-api-key': [here.account().apiKey, here.account().apiKey] })), 'KEY_UNKNOWN');
  });

  it.each([
    ['another id', (good: Record<string, string>) => ({ 'webhook-id': `${good['webhook-id']}x` })],
    ['another time', (good: Record<string, string>) => ({ 'webhook-timestamp': String(Number(good['webhook-timestamp']) + 1) })],
    ['a signature of another length', (good: Record<string, string>) => ({ 'webhook-signature': good['webhook-signature']?.slice(0, -4) })],
    ['a signature with more behind it', (good: Record<string, string>) => ({ 'webhook-signature': `${good['webhook-signature']}AAAA` })],
    [
      'another version before it',
      (good: Record<string, string>) => ({ 'webhook-signature': good['webhook-signature']?.replace('v1,', 'v2,') }),
    ],
    ['no version before it', (good: Record<string, string>) => ({ 'webhook-signature': good['webhook-signature']?.slice(3) })],
    ['the version twice', (good: Record<string, string>) => ({ 'webhook-signature': `v1,${good['webhook-signature']}` })],
    [
      'the signature in hex',
      (good: Record<string, string>) => ({
        'webhook-signature': `v1,${Buffer.from(good['webhook-signature']?.slice(3) ?? '', 'base64').toString('hex')}`,
      }),
    ],
    ['no base64 at all', () => ({ 'webhook-signature': `v1,${'*'.repeat(44)}` })],
    [
      'hundreds of signatures that do not fit',
      () => ({ 'webhook-signature': Array.from({ length: 250 }, () => `v1,${'A'.repeat(43)}=`).join(' ') }),
    ],
  ])('with %s it does not fit', async (_, change) => {
    expectTurnedAway(await signed(change));
  });
});

describe('the time', () => {
  const { call } = {
    call: (timestampS: number) => here.provider().call('balance', { playerId: here.world.players[0]?.id, currency: 'EUR' }, { timestampS }),
  };

  it('may be 300 seconds off either way, and not 302', async () => {
    for (const offset of [-299, 299]) expect((await call(now() + offset)).status).toBe(200);
    for (const offset of [-302, 302, -86_400, 1e9]) {
      const reply = await call(now() + offset);
      expectTurnedAway(reply, 'TIMESTAMP_OUT_OF_RANGE');
      expect(reply.body.retryable).toBe(true);
      expect(Math.abs(Number(reply.headers['x-server-time']) - now())).toBeLessThanOrEqual(1);
    }
  });

  it.each(['', 'soon', '-1', '1.5', '1e9', '0x10', '9'.repeat(30), '1763700000abc'])(
    'written as %p is refused, although signed so',
    async (timestamp) => {
      const body = balanceOf(here.world.players[0]?.id ?? '');
      const reply = await send('balance', body, {
        'webhook-id': 'x',
        'webhook-timestamp': timestamp,
        'webhook-signature': signature(here.account().secret, 'x', timestamp, body),
      });
      expect([reply.status, /^(SIGNATURE_INVALID|TIMESTAMP_OUT_OF_RANGE)$/.test(reply.body.code)]).toEqual([401, true]);
    },
  );

  it('is told only to who holds the key', async () => {
    const body = balanceOf(here.world.players[0]?.id ?? '');
    const reply = await send('balance', body, { 'webhook-timestamp': '1', 'webhook-signature': `v1,${'A'.repeat(43)}=` });
    expectTurnedAway(reply);
    expect(reply.headers['x-server-time']).toBeUndefined();
  });
});

it('an answer gives away neither secret nor signature', async () => {
  const { secret } = here.account();
  const body = balanceOf(here.world.players[0]?.id ?? '');
  const good = libraryHeaders(secret, body);
  for (const change of [{ 'webhook-id': 'other' }, { 'x-api-key': 'nobody' }, { 'webhook-timestamp': '1' }]) {
    const headers: Record<string, string> = Object.assign({}, good, change);
    const reply = await send('balance', body, headers);
    const text = JSON.stringify([reply.headers, reply.body]);
    const right = signature(secret, headers['webhook-id'] as string, headers['webhook-timestamp'] as string, body).slice(3);
    for (const hidden of [secret, secret.slice(6), right, good['webhook-signature']?.slice(3) as string])
      expect(text).not.toContain(hidden);
  }
});
