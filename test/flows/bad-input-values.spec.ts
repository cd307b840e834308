import { describe, expect, it } from '@jest/globals';
import { ground, said, type Seat } from '../support/ground.ts';
import type { CallOptions, Reply } from '../support/provider.ts';

/** Amounts and ids that are wrong, or look so: each has its documented answer, and changes nothing. Everybody starts with 100.00 EUR. */
const here = ground({ players: { EUR: 20 } });

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

describe('amounts', () => {
  const WRONG = [
    '-1', '-0', '+1', '1e2', '1E2', '1e400', '1e-400', '0x10', '0b1', '1_000', '1,000.00', '1,5', '.5', '5.', '1.', '00', '01',
    '007.00', ' 1', '1 ', '1\n', '', ' ', 'NaN', 'Infinity', '-Infinity', 'ten', '１０', '١٠', '1.0.0', '1..0', '0.0000001',
    '1.00000000001', '1000000000.000001', '999999999999999', '9999999999999999', '1'.repeat(400), `0.${'1'.repeat(400)}`,
    '9223372036854.775808', '1\u0000',
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
        expectCode(
          await play([
            { type: 'bet', transactionId: 'b1', amount: '1' },
            { type: 'bet', transactionId: 'b2', amount: zero },
          ]),
          'AMOUNT_INVALID',
        );
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
  const WRONG = [
    '', 'x'.repeat(129), 'x'.repeat(1_000), 'x'.repeat(30_000), '🎰'.repeat(129), '\u0000', 'a\u0000b', 'a\nb', 'a\tb',
    '\u001b[31m', 'a\u007f', 'a\u0085', '\ud800', 'a\udfff', '\udc00\ud800',
  ];
  const FINE = [
    'x'.repeat(128), '🎰'.repeat(128), "Robert'); drop table wallet; --", '"; \'; `; \\', '{"a":1}', '%00', '%s%n',
    '../../etc/passwd', '<script>alert(1)</script>', '${7*7}', '東京', 'עברית', 'Ελληνικά', 'e\u0301', '\u00e9', '\u202eabc',
    '\ufeff', 'null', '__proto__', '0', ' ', '🧑‍🧑‍🧒', '\\N', '\\x00', 'NULL',
  ];

  it('too short, too long, with control characters or half a character', () => unmoved(async () => {
    const seat = here.seat();
    for (const id of WRONG) {
      for (const field of ['transactionId', 'gameId', 'roundId', 'playerId', 'sessionToken'])
        expectCode(await raw(seat, JSON.stringify(bodyOf(seat, { [field]: id }))), 'REQUEST_INVALID');
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
    const stored = await here.sql<{ reference: string; round: string }>(
      'select reference, round from transaction where player_id = $1 and kind = $2 order by version',
      [seat.player.id, 'bet'],
    );
    expect(stored).toEqual(FINE.map((id) => ({ reference: id, round: id })));
    expect(said(await seat.rollback('k', FINE[2] as string))).toBe(`applied ${101 - FINE.length}.00`);
  });

  it('of players, games and currencies that nobody knows', async () => {
    const seat = here.seat();
    await unmoved(async () => {
      for (const playerId of [
        'x',
        '0',
        seat.player.id.toUpperCase(),
        ` ${seat.player.id}`,
        `{${seat.player.id}}`,
        seat.player.id.replaceAll('-', ''),
        '00000000-0000-0000-0000-000000000000',
        "' or ''='",
        ...FINE.slice(2, 6),
      ]) {
        expectCode(await seat.bet('b1', '1', { playerId }), 'PLAYER_NOT_FOUND', 404);
        expectCode(await seat.balance({ playerId }), 'PLAYER_NOT_FOUND', 404);
      }
      for (const currency of ['XXX', 'eur', 'Eur', 'EU', '', 'EURO', 'E€R', 'X'.repeat(11), 'EUR ', '__proto__'])
        expectCode(await seat.bet('b1', '1', { currency }), 'REQUEST_INVALID');
    });
    for (const [i, gameId] of ['game-0', 'GAME-1', 'game-1 ', '__proto__', ...FINE.slice(2, 6)].entries()) {
      const reply = await seat.bet(`g${i}`, '1', { gameId });
      expect([reply.status, said(reply)]).toEqual([404, 'GAME_NOT_FOUND 100.00']);
    }
    for (const token of FINE.slice(0, 8))
      expect((await seat.provider.call('authenticate', { sessionToken: token })).body.code).toBe('SESSION_NOT_FOUND');
  });
});
