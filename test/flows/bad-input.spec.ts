import { describe, expect, it } from '@jest/globals';
import { ground, mediaType, said, type Seat } from '../support/ground.ts';
import type { CallOptions, Reply } from '../support/provider.ts';

/** Input that is wrong, or looks so: each has its documented answer, and changes and gives away nothing. Everybody starts with 100.00 EUR. */
const here = ground({ players: { EUR: 60 } });

const INSIDE = /node_modules|\.ts\b|\bat \S+ \(|postgres|select |insert into|stack|croupier_money/i;

/** Turned away with this code; what answers is a problem that shows nothing of the inside. */
function expectCode(reply: Reply, code: string, status = 400): void {
  expect([reply.body.code ?? reply.body, reply.status, mediaType(reply)]).toEqual([code, status, 'application/problem+json']);
  const text = JSON.stringify([reply.body, reply.headers]);
  expect(text).not.toMatch(INSIDE);
  expect(text).not.toContain(here.account().secret.slice(6));
}

/** The database is as it was before. */
async function unmoved(during: () => Promise<void>): Promise<void> {
  const before = await here.totals();
  await during();
  expect(await here.totals()).toEqual(before);
}

const bodyOf = (seat: Seat, fields: object = {}) =>
  ({ operation: 'bet', transactionId: 'b1', playerId: seat.player.id, currency: 'EUR', amount: '10', gameId: 'game-1', roundId: 'r1', ...fields });
const raw = (seat: Seat, body: string | Buffer, options: CallOptions = {}) => seat.provider.call('bet', {}, { raw: body, ...options });

describe('a body that is no request', () => {
  it('malformed JSON', () => unmoved(async () => {
    const seat = here.seat();
    const good = JSON.stringify(bodyOf(seat));
    const bodies = [
      '', ' ', '{', good.slice(0, -1), `${good}}`, `${good}${good}`, good.replaceAll('"', "'"), good.replace('}', ',}'), good.replace('"10"', 'NaN'),
      good.replace('"10"', '010'), good.replace('"10"', '"1\n0"'), `\ufeff${good}`, `/* */${good}`, 'bet', 'undefined', '{"operation":}', '\u0000',
    ];
    for (const body of bodies) expectCode(await raw(seat, body), 'REQUEST_INVALID');
  }));

  it('bytes that are not UTF-8', () => unmoved(async () => {
    const seat = here.seat();
    const [before, behind] = JSON.stringify(bodyOf(seat, { transactionId: '#' })).split('#') as [string, string];
    const wrong = [[0xff], [0xc3, 0x28], [0xc0, 0xaf], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0x80], [0xe2, 0x82]];
    for (const bytes of wrong) expectCode(await raw(seat, Buffer.concat([Buffer.from(before), Buffer.from(bytes), Buffer.from(behind)])), 'REQUEST_INVALID');
    for (const encoding of ['utf16le', 'latin1'] as const) {
      expectCode(await raw(seat, Buffer.from(JSON.stringify(bodyOf(seat, { transactionId: 'é' })), encoding)), 'REQUEST_INVALID');
    }
  }));

  it('JSON of another kind', () => unmoved(async () => {
    const seat = here.seat();
    for (const body of ['[]', 'null', '"bet"', '7', 'true', '{}', `[${JSON.stringify(bodyOf(seat))}]`]) expectCode(await raw(seat, body), 'REQUEST_INVALID');
  }));

  it('10 MB of it, and the first byte too many', () => unmoved(async () => {
    const seat = here.seat();
    const padded = (bytes: number) => {
      const body = JSON.stringify(bodyOf(seat, { padding: '' }));
      return body.replace('"padding":""', `"padding":"${'x'.repeat(bytes - body.length)}"`);
    };
    expectCode(await raw(seat, padded(65_537)), 'BODY_TOO_LARGE', 413);
    expectCode(await raw(seat, padded(10_000_000)), 'BODY_TOO_LARGE', 413);
  }));

  it('64 KiB is a request still', async () => {
    const seat = here.seat();
    const length = JSON.stringify(bodyOf(seat, { padding: '' })).length;
    expect(said(await raw(seat, JSON.stringify(bodyOf(seat, { padding: 'x'.repeat(65_536 - length) }))))).toBe('applied 90.00');
  });

  it('nested 20,000 deep, as the body, in a field and in metadata', () => unmoved(async () => {
    const seat = here.seat();
    const deep = `${'['.repeat(20_000)}${']'.repeat(20_000)}`;
    const objects = `${'{"a":'.repeat(9_000)}1${'}'.repeat(9_000)}`;
    const [before, behind] = JSON.stringify(bodyOf(seat, { '#': 0 })).split('"#":0') as [string, string];
    for (const body of [deep, objects]) expectCode(await raw(seat, body), 'REQUEST_INVALID');
    for (const field of ['metadata', 'closeRound', 'free', 'sessionToken']) {
      for (const value of [deep, objects]) expectCode(await raw(seat, `${before}"${field}":${value}${behind}`), 'REQUEST_INVALID');
    }
    for (const value of [deep, objects]) expectCode(await raw(seat, `${before}"metadata":{"deep":${value}}${behind}`), 'REQUEST_INVALID');
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
    for (const operation of ['win', 'BET', 'bet ', '', 'bets', '__proto__']) expectCode(await raw(seat, JSON.stringify(bodyOf(seat, { operation }))), 'REQUEST_INVALID');
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

describe('amounts', () => {
  const WRONG = [
    '-1', '-0', '+1', '1e2', '1E2', '1e400', '1e-400', '0x10', '0b1', '1_000', '1,000.00', '1,5', '.5', '5.', '1.', '00', '01', '007.00', ' 1', '1 ', '1\n', '',
    ' ', 'NaN', 'Infinity', '-Infinity', 'ten', '１０', '١٠', '1.0.0', '1..0', '0.0000001', '1.00000000001', '1000000000.000001', '999999999999999',
    '9999999999999999', '1'.repeat(400), `0.${'1'.repeat(400)}`, '9223372036854.775808', '1\u0000',
  ];

  it.each(['bet', 'win'] as const)('of a %s that are none, too fine or too large', (operation) => unmoved(async () => {
    const seat = here.seat();
    for (const amount of WRONG) {
      expectCode(await seat[operation]('x', amount), 'AMOUNT_INVALID');
      expectCode(await seat.play([{ type: operation, transactionId: 'x', amount }]), 'AMOUNT_INVALID');
    }
  }));

  it('sent along with a rollback are judged alike', () => unmoved(async () => {
    const { rollback } = here.seat();
    for (const amount of WRONG) expectCode(await rollback('k', 'b', { amount }), 'AMOUNT_INVALID');
  }));

  it('that are JSON numbers, of whatever size', () => unmoved(async () => {
    const seat = here.seat();
    for (const number of ['10', '10.00', '0.1', '-5', '1e400', '1e2', '12345678901234567890', '0.30000000000000004']) {
      expectCode(await raw(seat, JSON.stringify(bodyOf(seat)).replace('"10"', number)), 'REQUEST_INVALID');
    }
  }));

  it('of zero are no bet, unless it is free; a win of zero is one', async () => {
    const { bet, play, win } = here.seat();
    await unmoved(async () => {
      for (const zero of ['0', '0.0', '0.00', '0.0000000000']) {
        expectCode(await bet('b1', zero), 'AMOUNT_INVALID');
        expectCode(await play([{ type: 'bet', transactionId: 'b1', amount: '1' }, { type: 'bet', transactionId: 'b2', amount: zero }]), 'AMOUNT_INVALID');
      }
    });
    expect(said(await bet('b1', '0', { free: { campaignId: 'c' } }))).toBe('applied 100.00');
    expect(said(await win('w1', '0'))).toBe('applied 100.00');
  });

  it('finer than stored are refused to a player’s credit, too: nothing is rounded', () => unmoved(async () => {
    expectCode(await here.seat().win('w1', '0.3333333', { type: 'jackpot' }), 'AMOUNT_INVALID');
  }));
});

describe('ids', () => {
  const WRONG = ['', 'x'.repeat(129), 'x'.repeat(1_000), 'x'.repeat(30_000), '🎰'.repeat(129), '\u0000', 'a\u0000b', 'a\nb', 'a\tb', '\u001b[31m', 'a\u007f', 'a\u0085', '\ud800', 'a\udfff', '\udc00\ud800'];
  const FINE = [
    'x'.repeat(128), '🎰'.repeat(128), "Robert'); drop table wallet; --", '"; \'; `; \\', '{"a":1}', '%00', '%s%n', '../../etc/passwd', '<script>alert(1)</script>',
    '${7*7}', '東京', 'עברית', 'Ελληνικά', 'e\u0301', '\u00e9', '\u202eabc', '\ufeff', 'null', '__proto__', '0', ' ', '🧑‍🧑‍🧒', '\\N', '\\x00', 'NULL',
  ];

  it('too short, too long, with control characters or half a character', () => unmoved(async () => {
    const seat = here.seat();
    for (const id of WRONG) {
      for (const field of ['transactionId', 'gameId', 'roundId', 'playerId', 'sessionToken']) expectCode(await raw(seat, JSON.stringify(bodyOf(seat, { [field]: id }))), 'REQUEST_INVALID');
      expectCode(await seat.bet('b1', '1', { free: { campaignId: id } }), 'REQUEST_INVALID');
      expectCode(await seat.win('w1', '1', { betTransactionId: id }), 'REQUEST_INVALID');
      expectCode(await seat.rollback('k1', id), 'REQUEST_INVALID');
      expectCode(await seat.status('bet', id), 'REQUEST_INVALID');
      expectCode(await seat.play([{ type: 'bet', transactionId: id, amount: '1' }]), 'REQUEST_INVALID');
      expectCode(await seat.provider.call('authenticate', { sessionToken: id }), 'REQUEST_INVALID');
    }
  }));

  it('of up to 128 characters in any script come back byte for byte, and no two are the same', async () => {
    const seat = here.seat();
    for (const [i, id] of FINE.entries()) {
      const reply = await seat.bet(id, '1', { roundId: id });
      expect([said(reply), reply.body.reference]).toEqual([`applied ${99 - i}.00`, id]);
      expect((await seat.status('bet', id)).body).toMatchObject({ status: 'replayed', reference: id });
    }
    const stored = await here.sql<{ reference: string; round: string }>('select reference, round from transaction where player_id = $1 and kind = $2 order by version',
      [seat.player.id, 'bet']);
    expect(stored).toEqual(FINE.map((id) => ({ reference: id, round: id })));
    expect(said(await seat.rollback('k', FINE[2] as string))).toBe(`applied ${101 - FINE.length}.00`);
  });

  it('of players, games and currencies that nobody knows', async () => {
    const seat = here.seat();
    await unmoved(async () => {
      for (const playerId of ['x', '0', seat.player.id.toUpperCase(), ` ${seat.player.id}`, `{${seat.player.id}}`, seat.player.id.replaceAll('-', ''),
        '00000000-0000-0000-0000-000000000000', "' or ''='", ...FINE.slice(2, 6)]) {
        expectCode(await seat.bet('b1', '1', { playerId }), 'PLAYER_NOT_FOUND', 404);
        expectCode(await seat.balance({ playerId }), 'PLAYER_NOT_FOUND', 404);
      }
      for (const currency of ['XXX', 'eur', 'Eur', 'EU', '', 'EURO', 'E€R', 'X'.repeat(11), 'EUR ', '__proto__']) expectCode(await seat.bet('b1', '1', { currency }), 'REQUEST_INVALID');
    });
    for (const [i, gameId] of ['game-0', 'GAME-1', 'game-1 ', '__proto__', ...FINE.slice(2, 6)].entries()) {
      const reply = await seat.bet(`g${i}`, '1', { gameId });
      expect([reply.status, said(reply)]).toEqual([404, 'GAME_NOT_FOUND 100.00']);
    }
    for (const token of FINE.slice(0, 8)) expect((await seat.provider.call('authenticate', { sessionToken: token })).body.code).toBe('SESSION_NOT_FOUND');
  });
});
