import { describe, expect, it } from '@jest/globals';
import { createHmac, randomUUID } from 'node:crypto';
import { connect } from 'node:net';
import { gzipSync } from 'node:zlib';
import { ground, mediaType, said } from '../support/ground.ts';
import type { Reply } from '../support/provider.ts';

/** HTTP that is wrong, or only unusual. Everybody starts with 100.00 EUR. */
const here = ground({ players: { EUR: 40 } });

const expectCode = (reply: Reply, code: string, status: number) => here.expectTurnedAway(reply, code, status);

const bet = { transactionId: 'b1', amount: '10', gameId: 'game-1', roundId: 'r1' };

interface RawReply {
  readonly status: number;
  readonly text: string;
}

/** Bytes on a socket as they are; the answer up to its end or a second of silence. */
function onSocket(...parts: (string | Buffer)[]): Promise<RawReply> {
  const { hostname, port } = new URL(here.served.baseUrl);
  return new Promise((resolve, reject) => {
    let text = '';
    const socket = connect({ host: hostname, port: Number(port) });
    const done = () => {
      socket.destroy();
      resolve({ status: Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 0), text });
    };
    socket.setTimeout(1_000, done);
    socket.once('error', reject).once('close', done);
    socket.on('data', (chunk: Buffer) => {
      text += chunk;
      if (/\r\n\r\n.*\}$/s.test(text)) done();
    });
    for (const part of parts) socket.write(part);
  });
}

/** Request line and headers of a signed call, all but the ones that say how long its body is. */
function signedHead(operation: string, body: string, more: Record<string, string> = {}): string {
  const { apiKey, secret } = here.account();
  const [id, timestamp] = [randomUUID(), String(Math.floor(Date.now() / 1000))];
  const mac = createHmac('sha256', Buffer.from(secret.slice(6), 'base64')).update(`${id}.${timestamp}.${body}`).digest('base64');
  const headers = {
    host: 'croupier', 'content-type': 'application/json', 'x-api-key': apiKey, 'webhook-id': id, 'webhook-timestamp': timestamp,
    'webhook-signature': `v1,${mac}`, ...more,
  };
  return `POST /v1/wallet/${operation} HTTP/1.1\r\n${Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`;
}

const balanceBody = () => JSON.stringify({ operation: 'balance', playerId: here.world.players[0]?.id, currency: 'EUR' });

describe('paths and methods', () => {
  it.each(['GET', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])('%s on an operation is not allowed', async (method) => {
    const reply = await here.seat().call('bet', bet, { method });
    expectCode(reply, 'METHOD_NOT_ALLOWED', 405);
    expect(reply.headers['allow']).toBe('POST');
  });

  it('HEAD says so without a body', async () => {
    const reply = await here.seat().call('bet', bet, { method: 'HEAD' });
    expect([reply.status, reply.body]).toEqual([405, '']);
  });

  it('that lead nowhere are not found', async () => {
    const { call } = here.seat();
    const before = await here.totals();
    const nowhere = [
      '/', '/v1', '/v1/wallet', '/v1/wallet/', '/v1/wallet/bets', '/v1/wallet/bet/', '/v1/wallet//bet', '/v1/wallet/bet/1',
      '/v1/wallet/BET', '/V1/wallet/bet', '/v2/wallet/bet', '/v1/wallet/__proto__', '/v1/wallet/constructor',
      '/v1/wallet/toString', '/v1/wallet/bet%00', '/v1/wallet/%00', '/v1/wallet/bet%2f', '/v1/wallet/..%2f..%2fmetrics',
      '/v1/wallet/bet;v=1', `/v1/wallet/${'x'.repeat(150)}`, `/v1/wallet/${'x'.repeat(2_000)}`, '/providers/1/bet', '/admin',
      '/.env', '/health', '/health/nothing',
    ];
    for (const path of nowhere) expectCode(await call('bet', bet, { path }), 'ROUTE_NOT_FOUND', 404);
    expect(await here.totals()).toEqual(before);
  });

  it('that are no paths are refused', async () => {
    const { call } = here.seat();
    for (const path of ['/v1/wallet/%', '/v1/wallet/%ff', '/v1/wallet/%e2%82', '/v1/wallet/%zz']) {
      const reply = await call('bet', bet, { path });
      expect([400, 404]).toContain(reply.status);
      expect(mediaType(reply)).toBe('application/problem+json');
    }
  });

  it('with a query are the same paths', async () => {
    const { call } = here.seat();
    expect(said(await call('bet', bet, { path: '/v1/wallet/bet?operation=win&amount=1000' }))).toBe('applied 90.00');
    expectCode(await call('bet', bet, { path: '/v1/wallet/bet?operation=win', method: 'GET' }), 'METHOD_NOT_ALLOWED', 405);
  });
});

describe('content types', () => {
  it.each([
    undefined, 'text/plain', 'text/json', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x',
    'application/problem+json', 'application/jsonp', 'application/xml', '*/*', 'json', '///', 'application/json, text/plain',
  ])('%p is not application/json', async (type) => {
    const { call } = here.seat();
    expectCode(await call('bet', bet, { headers: { 'content-type': type } }), 'MEDIA_TYPE_UNSUPPORTED', 415);
  });

  it.each([
    'application/json', 'application/json; charset=utf-8', 'Application/JSON', 'application/json;charset=UTF-8',
    'application/json ; x=y',
  ])('%p is', async (type) => {
    expect(said(await here.provider().call('balance', {}, { raw: balanceBody(), headers: { 'content-type': type } }))).toBe('ok 100.00');
  });
});

describe('bodies on the wire', () => {
  it('none at all is no request', async () => {
    expectCode(await here.provider().call('bet', {}, { raw: '' }), 'REQUEST_INVALID', 400);
    const { status, text } = await onSocket(signedHead('bet', ''));
    expect([status, text.includes('REQUEST_INVALID')]).toEqual([400, true]);
  });

  it('in chunks is the same request', async () => {
    const body = balanceBody();
    const chunks = [body.slice(0, 3), body.slice(3, 50), body.slice(50)].map((part) => `${part.length.toString(16)}\r\n${part}\r\n`);
    const { status, text } = await onSocket(signedHead('balance', body, { 'transfer-encoding': 'chunked' }), ...chunks, '0\r\n\r\n');
    expect([status, text.includes('"balance":"100.00"')]).toEqual([200, true]);
  });

  it('in chunks beyond 64 KiB is too large', async () => {
    const chunk = `4000\r\n${'x'.repeat(0x4000)}\r\n`;
    const { status, text } = await onSocket(
      signedHead('balance', '', { 'transfer-encoding': 'chunked' }),
      ...Array.from({ length: 5 }, () => chunk),
    );
    expect([status, text.includes('BODY_TOO_LARGE')]).toEqual([413, true]);
  });

  it('of another length than announced is never taken for the signed one', async () => {
    const body = balanceBody();
    const short = await onSocket(signedHead('balance', body, { 'content-length': String(body.length - 1) }), body.slice(0, -1));
    expect([short.status, short.text.includes('SIGNATURE_INVALID')]).toEqual([401, true]);
    const long = await onSocket(signedHead('balance', body, { 'content-length': String(body.length + 1) }), body);
    expect(long.status).toBe(0); // it waits for the rest
  });

  it('with a length and in chunks at once is refused', async () => {
    const body = balanceBody();
    const { status } = await onSocket(
      signedHead('balance', body, { 'content-length': String(body.length), 'transfer-encoding': 'chunked' }),
      body,
    );
    expect(status).toBe(400);
  });

  it('compressed is not JSON', async () => {
    const reply = await here.provider().call('balance', {}, { raw: gzipSync(balanceBody()), headers: { 'content-encoding': 'gzip' } });
    expectCode(reply, 'REQUEST_INVALID', 400);
  });

  it('that is not HTTP is refused', async () => {
    for (const bytes of [
      'hello\r\n\r\n',
      Buffer.from([0x16, 0x03, 0x01, 0x00, 0x05]),
      'POST /v1/wallet/bet\r\n\r\n',
      'FLY /v1/wallet/bet HTTP/1.1\r\nhost: x\r\n\r\n',
    ]) {
      const { status, text } = await onSocket(bytes);
      expect([400, 405, 415]).toContain(status);
      expect(text).not.toMatch(/node_modules|\.ts\b/);
    }
  });

  it('with more headers than fit is refused', async () => {
    const { status } = await onSocket(`POST /v1/wallet/bet HTTP/1.1\r\nhost: x\r\n${`x-padding: ${'x'.repeat(1_000)}\r\n`.repeat(40)}\r\n`);
    expect(status).toBe(431);
  });
});

describe('the request id', () => {
  it('is the caller’s where it can stand in a header, else one of ours', async () => {
    const { call } = here.seat();
    for (const [id, echoed] of [
      ['abc-123', true],
      ['x'.repeat(128), true],
      ['x'.repeat(129), false],
      ['a b', false],
      ['é', false],
      ['"quoted"', true],
    ] as const) {
      const reply = await call('nothing', {}, { id, path: '/v1/wallet/nothing' });
      expect(reply.headers['x-request-id'] === id).toBe(echoed);
      expect(reply.headers['x-request-id']).toMatch(/^[\x21-\x7e]{1,128}$/);
      expect(reply.body.requestId).toBe(reply.headers['x-request-id']);
    }
  });
});

it('after all of it the service is well', async () => {
  expect(said(await here.seat().call('bet', bet))).toBe('applied 90.00');
  expect((await fetch(`${here.served.baseUrl}/health/ready`)).status).toBe(200);
});
