import { describe, expect, it } from '@jest/globals';
import { ground, said, type Seat } from '../support/ground.ts';
import type { CallOptions, Reply } from '../support/provider.ts';

/** Bodies and fields that are wrong, or look so: each has its documented answer, and changes nothing. Everybody starts with 100.00 EUR. */
const here = ground({ players: { EUR: 40 } });

const expectCode = (reply: Reply, code: string, status?: number) => here.expectTurnedAway(reply, code, status);
const unmoved = (during: () => Promise<void>) => here.unmoved(during);
const bodyOf = (seat: Seat, fields: object = {}) => ({
  operation: 'bet',
  transactionId: 'b1',
  playerId: seat.player.id,
  currency: 'EUR',
  amount: '10',
  gameId: 'game-1',
  roundId: 'r1',
  ...fields,
});
const raw = (seat: Seat, body: string | Buffer, options: CallOptions = {}) => seat.provider.call('bet', {}, { raw: body, ...options });

describe('a body that is no request', () => {
  it('malformed JSON', () => unmoved(async () => {
    const seat = here.seat();
    const good = JSON.stringify(bodyOf(seat));
    const bodies = [
      '',
      ' ',
      '{',
      good.slice(0, -1),
      `${good}}`,
      `${good}${good}`,
      good.replaceAll('"', "'"),
      good.replace('}', ',}'),
      good.replace('"10"', 'NaN'),
      good.replace('"10"', '010'),
      good.replace('"10"', '"1\n0"'),
      `\ufeff${good}`, `/* */${good}`, 'bet', 'undefined', '{"operation":}', '\u0000',
    ];
    for (const body of bodies) expectCode(await raw(seat, body), 'REQUEST_INVALID');
  }));

  it('bytes that are not UTF-8', () => unmoved(async () => {
    const seat = here.seat();
    const [before, behind] = JSON.stringify(bodyOf(seat, { transactionId: '#' })).split('#') as [string, string];
    const wrong = [[0xff], [0xc3, 0x28], [0xc0, 0xaf], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0x80], [0xe2, 0x82]];
    for (const bytes of wrong)
      expectCode(await raw(seat, Buffer.concat([Buffer.from(before), Buffer.from(bytes), Buffer.from(behind)])), 'REQUEST_INVALID');
    for (const encoding of ['utf16le', 'latin1'] as const) {
      expectCode(await raw(seat, Buffer.from(JSON.stringify(bodyOf(seat, { transactionId: 'é' })), encoding)), 'REQUEST_INVALID');
    }
  }));

  it('JSON of another kind', () => unmoved(async () => {
    const seat = here.seat();
    for (const body of ['[]', 'null', '"bet"', '7', 'true', '{}', `[${JSON.stringify(bodyOf(seat))}]`])
      expectCode(await raw(seat, body), 'REQUEST_INVALID');
  }));

  it('10 MB of it, and the first byte too many', () => unmoved(async () => {
    const seat = here.seat();
    const padded = (bytes: number) => {
      const body = JSON.stringify(bodyOf(seat, { padding: '' }));
      return body.replace('"padding":""', `"padding":"${'x'.repeat(bytes - body.length)}"`);
    };
    expectCode(await raw(seat, padded(65_537)), 'BODY_TOO_LARGE', 413);
    const reply = await raw(seat, padded(10_000_000));
    expectCode(reply, 'BODY_TOO_LARGE', 413);
    expect(reply.headers.connection).toBe('close'); // what is still on its way is not waited for
  }));

  it('64 KiB is a request still', async () => {
    const seat = here.seat();
    const length = JSON.stringify(bodyOf(seat, { padding: '' })).length;
    expect(said(await raw(seat, JSON.stringify(bodyOf(seat, { padding: 'x'.repeat(65_536 - length) }))))).toBe('applied 90.00');
  });

  it('nested 20,000 deep, as the body, in a field and in metadata', () => unmoved(async () => {
    const seat = here.seat();
    const nest = (open: string, close: string, times: number) => `${open.repeat(times)}1${close.repeat(times)}`;
    // Objects whose keys are indexes take another way through V8 than the rest.
    const shapes = [nest('[', ']', 20_000), nest('{"a":', '}', 9_000), nest('{"0":', '}', 9_000), nest('{"0":[', ']}', 6_000)];
    const [before, behind] = JSON.stringify(bodyOf(seat, { '#': 0 })).split('"#":0') as [string, string];
    for (const body of shapes) expectCode(await raw(seat, body), 'REQUEST_INVALID');
    for (const field of ['metadata', 'closeRound', 'free', 'sessionToken']) {
      for (const value of shapes) expectCode(await raw(seat, `${before}"${field}":${value}${behind}`), 'REQUEST_INVALID');
    }
    for (const value of shapes) expectCode(await raw(seat, `${before}"metadata":{"deep":${value}}${behind}`), 'REQUEST_INVALID');
  }));

  it('nested 20,000 deep in a field that nobody asked for: ignored like any other', async () => {
    const seat = here.seat();
    const [before, behind] = JSON.stringify(bodyOf(seat, { '#': 0 })).split('"#":0') as [string, string];
    expect(said(await raw(seat, `${before}"unknown":${'['.repeat(20_000)}${']'.repeat(20_000)}${behind}`))).toBe('applied 90.00');
  });
});

describe('fields', () => {
  it('that nobody asked for are ignored, whatever their name', async () => {
    const { bet } = here.seat();
    const unknown = { balance: '1000000', operatorId: 'x', walletVersion: 1, constructor: 1, toString: 'x', hasOwnProperty: null, '': 0 };
    expect(said(await bet('b1', '10', unknown))).toBe('applied 90.00');
  });

  it('called __proto__, constructor or prototype change no other object', async () => {
    const seat = here.seat();
    const good = JSON.stringify(bodyOf(seat));
    const proto = '"__proto__":{"amount":"1","free":{"campaignId":"c"},"isAdmin":true},"constructor":{"prototype":{"isAdmin":true}}';
    expect(said(await raw(seat, good.replace('{', `{${proto},`)))).toBe('applied 90.00');
    expect(said(await raw(seat, good.replace('"b1"', '"b2"').replace('{', `{"metadata":{${proto}},`)))).toBe('applied 80.00');
    await unmoved(async () => expectCode(await raw(seat, good.replace('"amount":"10"', proto)), 'REQUEST_INVALID'));
    expect(({} as { isAdmin?: boolean }).isAdmin).toBeUndefined();
  });

  it('missing, null or of another type are named, each', () => unmoved(async () => {
    const seat = here.seat();
    for (const field of ['transactionId', 'playerId', 'currency', 'amount', 'gameId', 'roundId', 'operation']) {
      for (const value of [undefined, null, 7, true, [], {}, ['x'], { toString: 'x' }]) {
        const reply = await raw(seat, JSON.stringify(bodyOf(seat, { [field]: value })));
        expectCode(reply, 'REQUEST_INVALID');
        expect(reply.body.errors).toEqual([{ field, message: expect.any(String) }]);
      }
    }
    const more = { closeRound: 'true', sessionToken: 5, free: true, metadata: 'x' };
    const reply = await raw(seat, JSON.stringify(bodyOf(seat, more)));
    expect(reply.body.errors.map(({ field }: { field: string }) => field).sort()).toEqual(Object.keys(more).sort());
  }));

  it('operation: must be the path’s', () => unmoved(async () => {
    const seat = here.seat();
    for (const operation of ['win', 'BET', 'bet ', '', 'bets', '__proto__'])
      expectCode(await raw(seat, JSON.stringify(bodyOf(seat, { operation }))), 'REQUEST_INVALID');
  }));

  it('metadata: an object of up to 2 KiB', async () => {
    const { bet } = here.seat();
    const metadata = (bytes: number) => ({ note: 'é'.repeat((bytes - JSON.stringify({ note: '' }).length) / 2) });
    await unmoved(async () => {
      for (const wrong of [[], null, 'x', 1, metadata(2_050)]) expectCode(await bet('b1', '10', { metadata: wrong }), 'REQUEST_INVALID');
    });
    expect(said(await bet('b1', '10', { metadata: metadata(2_048) }))).toBe('applied 90.00');
    expect(said(await bet('b1', '10', { metadata: { nul: 'a\u0000b', lone: '\ud800' } }))).toBe('replayed 90.00');
  });
});
