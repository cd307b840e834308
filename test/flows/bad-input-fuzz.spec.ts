import { afterAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { MEANINGS, type Code } from '../../src/providers/native/refusals.ts';
import { OPERATIONS, type OperationName } from '../../src/providers/native/schema.ts';
import { ground, mediaType } from '../support/ground.ts';
import type { Reply } from '../support/provider.ts';

/**
 * Signed calls whose fields hold anything that JSON can say, mixed with what is right, so that many get far.
 * Whatever comes: the published answer or a problem with a declared code, never a fault, and the books are right afterwards.
 */
const here = ground({ players: { EUR: 8, JPY: 1 } });
const RUNS_AN_OPERATION = 200;
const told = new Map<string, number>();

const anything = fc.oneof(
  fc.jsonValue({ maxDepth: 3 }),
  fc.string({ unit: 'binary', maxLength: 140 }),
  fc.constantFrom<unknown>(
    '', ' ', '\u0000', '\ud800', '__proto__', 'x'.repeat(129), 1e400, -0,
    Number.MAX_SAFE_INTEGER + 2,
    [],
    {},
    null,
    true,
  ),
);
/** Mostly one of these, sometimes anything at all, sometimes nothing. */
const mostly = (...right: unknown[]) => fc.oneof(
  { arbitrary: fc.constantFrom(...right), weight: 40 },
  { arbitrary: anything, weight: 1 },
  { arbitrary: fc.constant(undefined), weight: 1 },
);
const rarely = (...right: unknown[]) =>
  fc.oneof({ arbitrary: fc.constant(undefined), weight: 3 }, { arbitrary: mostly(...right), weight: 1 });

const ids = ['a', 'b', 'c', 'd'];
const amounts = ['1', '0', '0.5', '2.25', '1000', '0.0000001', '-1'];

function fieldsOf(operation: OperationName): fc.Arbitrary<Record<string, unknown>> {
  const [player, other] = here.world.players;
  const who = { playerId: mostly(...here.world.players.map(({ id }) => id)), currency: mostly('EUR', 'EUR', 'EUR', 'JPY') };
  const session = rarely(player?.sessionToken, other?.sessionToken);
  const free = rarely({ campaignId: 'c' }, { campaignId: '' }, {});
  const play = { gameId: mostly('game-1', 'game-2'), roundId: mostly('r1', 'r2', 'r3'), closeRound: rarely(false, false, true) };
  const bearing = { transactionId: mostly(...ids), ...who, amount: mostly(...amounts) };
  const action = fc.record({
    type: mostly('bet', 'bet', 'win', 'rollback'),
    originalTransactionId: mostly(...ids),
    transactionId: mostly(...Array.from({ length: 40 }, (_, i) => `p${i}`)),
    amount: mostly('1', '1', '1', '0.5', '0', '-1'),
    betTransactionId: rarely(...ids),
    free,
  });
  const models: Record<OperationName, Record<string, fc.Arbitrary<unknown>>> = {
    authenticate: { sessionToken: mostly(player?.sessionToken, 'nobody') },
    balance: who,
    bet: { ...bearing, ...play, sessionToken: session, free, metadata: rarely({ table: 1 }, []) },
    win: {
      ...bearing,
      ...play,
      betTransactionId: rarely(...ids),
      type: rarely('win', 'jackpot', 'free_rounds', 'tournament'),
      campaignId: rarely('c'),
    },
    rollback: {
      ...who,
      transactionId: mostly(...ids),
      originalTransactionId: mostly(...ids, 'z'),
      originalType: rarely('bet', 'win', 'award', 'adjustment'),
      roundId: rarely('r1'),
      amount: rarely('1', '2'),
      reason: rarely('because'),
    },
    play: {
      ...who,
      ...play,
      sessionToken: session,
      actions: fc.oneof({ arbitrary: fc.array(action, { maxLength: 3 }), weight: 10 }, { arbitrary: anything, weight: 1 }),
    },
    adjust: { ...bearing, amount: mostly(...amounts, '-0.5', '--1', '-'), gameId: rarely('game-1'), roundId: rarely('r1') },
    'close-round': { ...who, roundId: play.roundId },
    'cancel-round': { ...who, roundId: play.roundId },
    status: { ...who, reference: mostly(...ids, 'z'), type: mostly('bet', 'win', 'rollback', 'adjustment') },
  };
  return fc.record({
    operation: fc.oneof({ arbitrary: fc.constant<unknown>(operation), weight: 30 }, { arbitrary: anything, weight: 1 }),
    ...models[operation],
  });
}

function expectPublished(operation: OperationName, reply: Reply): void {
  const { status, body } = reply;
  const answer = `${operation} ${body.code ?? 200}`;
  told.set(answer, (told.get(answer) ?? 0) + 1);
  if (status === 200) {
    expect(OPERATIONS[operation].answer.parse(body)).toEqual(body);
    return;
  }
  expect(mediaType(reply)).toBe('application/problem+json');
  expect(Object.keys(MEANINGS)).toContain(body.code);
  expect([status, status < 500]).toEqual([MEANINGS[body.code as Code].status, true]);
}

describe('anything in any field', () => {
  it.each(Object.keys(OPERATIONS) as OperationName[])('of %s is answered as published', async (operation) => {
    const provider = here.provider();
    await fc.assert(
      fc.asyncProperty(fieldsOf(operation), async (fields) => {
        expectPublished(operation, await provider.call(operation, {}, { raw: JSON.stringify(fields) }));
      }),
      { numRuns: RUNS_AN_OPERATION },
    );
  });

  it('and any byte of a good body changed before it is signed', async () => {
    const body = Buffer.from(
      JSON.stringify({
        operation: 'bet',
        transactionId: 'bytes',
        playerId: here.world.players[7]?.id,
        currency: 'EUR',
        amount: '0.01',
        gameId: 'game-1',
        roundId: 'r1',
        closeRound: false,
      }),
    );
    const provider = here.provider();
    await fc.assert(
      fc.asyncProperty(fc.nat(body.length - 1), fc.nat(255), async (at, byte) => {
        const raw = Buffer.from(body);
        raw[at] = byte;
        expectPublished('bet', await provider.call('bet', {}, { raw }));
      }),
      { numRuns: 300 },
    );
  });
});

afterAll(async () => {
  // The arbitraries would be too wild, or too tame, if not both kinds of answers came.
  const seen = [...told.keys()];
  for (const operation of Object.keys(OPERATIONS))
    expect(seen).toEqual(expect.arrayContaining([`${operation} 200`, `${operation} REQUEST_INVALID`]));
  const books = await here.sql(`select 1 from wallet w,
    lateral (select coalesce(sum(amount), 0) as money, count(*) as rows from transaction t
      where t.player_id = w.player_id and t.currency = w.currency) t
    where balance <> money or version <> rows`);
  expect(books).toEqual([]);
});
