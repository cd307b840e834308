import { beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { MEANINGS } from '../../src/providers/native/refusals.ts';
import { ground, mediaType, said, type Action } from '../support/ground.ts';
import type { CallOptions, Reply } from '../support/provider.ts';

/** Every code of the published table has a real cause here, and says and remembers what the table promises. */
const PATIENT = { deadlineMs: 5_000 };
const here = ground(
  {
    players: { EUR: 70 },
    policies: [PATIENT, { deadlineMs: 100 }, { ...PATIENT, winAfterClose: 'refuse', spentWin: 'refuse' }, {}, { ...PATIENT, betsPerSecond: 1 }, PATIENT],
  },
  {},
  { proxied: true },
);

beforeAll(async () => {
  await here.sql(`update provider_account set addresses = '{198.51.100.0/24,::1/128}' where account_id = $1`, [here.account(5).accountId]);
  const { balance } = here.seat({ account: 5 });
  for (const until = performance.now() + 5_000; performance.now() < until && said(await balance()) !== 'FORBIDDEN';) await pause(20);
});

/** status · whether the same call again can help; `credit`: not for a bet, which remembers it */
const TABLE: Record<string, readonly [status: number, again: 'yes' | 'no' | 'credit']> = {
  REQUEST_INVALID: [400, 'no'], AMOUNT_INVALID: [400, 'no'], ROUTE_NOT_FOUND: [404, 'no'], METHOD_NOT_ALLOWED: [405, 'no'],
  BODY_TOO_LARGE: [413, 'no'], MEDIA_TYPE_UNSUPPORTED: [415, 'no'], KEY_UNKNOWN: [401, 'no'], SIGNATURE_INVALID: [401, 'no'], FORBIDDEN: [403, 'no'],
  TIMESTAMP_OUT_OF_RANGE: [401, 'yes'], PLAYER_NOT_FOUND: [404, 'yes'], BET_NOT_FOUND: [404, 'yes'],
  GAME_NOT_FOUND: [404, 'credit'], SESSION_NOT_FOUND: [404, 'credit'], CURRENCY_MISMATCH: [422, 'credit'],
  GAME_DISABLED: [422, 'credit'], TRANSACTION_CONFLICT: [409, 'no'], ROLLED_BACK: [409, 'no'], BET_ALREADY_SETTLED: [409, 'no'],
  ROUND_CLOSED: [409, 'credit'], INSUFFICIENT_FUNDS: [422, 'credit'], PLAYER_BLOCKED: [422, 'credit'], SESSION_EXPIRED: [422, 'credit'],
  SESSION_SUPERSEDED: [422, 'credit'],
  THROTTLED: [429, 'yes'], INTERNAL: [500, 'yes'], OVERLOADED: [503, 'yes'], UNAVAILABLE: [503, 'yes'], OUTCOME_UNKNOWN: [503, 'yes'],
};
const FIELDS = ['type', 'title', 'status', 'code', 'detail', 'requestId', 'retryable', 'balance', 'currency', 'actionIndex', 'errors'];
const produced = new Set<string>();

/** `balance`: what the problem says that the wallet holds; undefined where it names no wallet. */
function expectProblem(reply: Reply, code: string, { credit = false, balance }: { credit?: boolean; balance?: string } = {}): void {
  const [status, again] = TABLE[code] as [number, string];
  const { headers, body } = reply;
  expect([body.code, reply.status, body.status, mediaType(reply)]).toEqual([code, status, status, 'application/problem+json']);
  expect(body.retryable).toBe(again === 'yes' || (again === 'credit' && credit));
  expect(Object.keys(body).filter((field) => !FIELDS.includes(field))).toEqual([]);
  expect([typeof body.type, typeof body.title, typeof body.detail]).toEqual(['string', 'string', 'string']);
  expect(headers['x-request-id']).toBe(body.requestId);
  expect(body.balance).toBe(balance);
  expect(body.currency).toBe(balance === undefined ? undefined : 'EUR');
  expect(headers['x-wallet-version'] !== undefined).toBe(balance !== undefined);
  const passes = status === 503 || status === 429;
  expect(headers['retry-after'] !== undefined).toBe(passes);
  if (passes) expect(headers['retry-after']).toMatch(/^[1-9]\d*$/);
  expect(headers['x-server-time'] !== undefined).toBe(code === 'TIMESTAMP_OUT_OF_RANGE');
  produced.add(code);
}

describe('before any rule of money is asked', () => {
  const bet = { transactionId: 'b1', amount: '10', gameId: 'game-1', roundId: 'r1' };
  const cases: [code: string, fields: object, options: CallOptions][] = [
    ['REQUEST_INVALID', { ...bet, roundId: undefined }, {}],
    ['AMOUNT_INVALID', { ...bet, amount: '0.0000001' }, {}],
    ['ROUTE_NOT_FOUND', bet, { path: '/v1/wallet/wager' }],
    ['METHOD_NOT_ALLOWED', bet, { method: 'PUT' }],
    ['BODY_TOO_LARGE', { ...bet, padding: 'x'.repeat(64 * 1024) }, {}],
    ['MEDIA_TYPE_UNSUPPORTED', bet, { headers: { 'content-type': 'text/plain' } }],
    ['KEY_UNKNOWN', bet, { headers: { 'x-api-key': 'key_nobody' } }],
    ['SIGNATURE_INVALID', bet, { headers: { 'webhook-signature': `v1,${'A'.repeat(43)}=` } }],
    ['TIMESTAMP_OUT_OF_RANGE', bet, { timestampS: Math.floor(Date.now() / 1000) - 301 }],
  ];
  it.each(cases)('%s: nothing is done and nothing remembered', async (code, fields, options) => {
    const seat = here.seat();
    const before = await here.totals();
    expectProblem(await seat.call('bet', fields, options), code);
    expect(await here.totals()).toEqual(before);
    expect(said(await seat.bet('b1', '10'))).toBe('applied 90.00');
  });

  it('REQUEST_INVALID names each field', async () => {
    const { body } = await here.seat().call('bet', { ...bet, transactionId: '', amount: 10, roundId: undefined, closeRound: 'yes' });
    expect(body.errors.map(({ field }: { field: string }) => field).sort()).toEqual(['amount', 'closeRound', 'roundId', 'transactionId']);
    for (const { message } of body.errors) expect(message).toEqual(expect.any(String));
  });

  it('TIMESTAMP_OUT_OF_RANGE tells the server’s time, with which the same call is served', async () => {
    const { call } = here.seat();
    const refused = await call('balance', {}, { timestampS: 1 });
    expectProblem(refused, 'TIMESTAMP_OUT_OF_RANGE');
    expect(said(await call('balance', {}, { timestampS: Number(refused.headers['x-server-time']) }))).toBe('ok 100.00');
  });

  it('FORBIDDEN: from an address that the account does not list; within a second served again where it lists it', async () => {
    const seat = here.seat({ account: 5 });
    expectProblem(await seat.bet('b1', '10'), 'FORBIDDEN');
    expectProblem(await seat.call('bet', {}, { headers: { 'webhook-signature': 'v1,x' } }), 'FORBIDDEN');
    await here.sql(`update provider_account set addresses = '{198.51.100.0/24,127.0.0.0/8}' where account_id = $1`, [here.account(5).accountId]);
    for (const until = performance.now() + 5_000; performance.now() < until && said(await seat.balance()) === 'FORBIDDEN';) await pause(20);
    expect(said(await seat.bet('b1', '10'))).toBe('applied 90.00');
  });

  it('METHOD_NOT_ALLOWED says which is', async () => {
    expect((await here.seat().call('bet', bet, { method: 'GET' })).headers['allow']).toBe('POST');
  });
});

describe('refused and remembered by a bet', () => {
  it('INSUFFICIENT_FUNDS, PLAYER_BLOCKED, SESSION_EXPIRED, SESSION_SUPERSEDED: the same when the reason is gone', async () => {
    const { bet, win, player } = here.seat();
    expectProblem(await bet('b1', '101'), 'INSUFFICIENT_FUNDS', { balance: '100.00' });
    await here.sql(`update wallet set stop = 'blocked' where player_id = $1`, [player.id]);
    expectProblem(await bet('b2', '1'), 'PLAYER_BLOCKED', { balance: '100.00' });
    await here.sql(`update wallet set stop = 'none' where player_id = $1`, [player.id]);
    await here.sql('update session set expires_at = now() where player_id = $1', [player.id]);
    const session = { sessionToken: player.sessionToken };
    expectProblem(await bet('b3', '1', session), 'SESSION_EXPIRED', { balance: '100.00' });
    await here.sql(`update session set expires_at = now() + interval '1 day', state = 'superseded' where player_id = $1`, [player.id]);
    expectProblem(await bet('b5', '1', session), 'SESSION_SUPERSEDED', { balance: '100.00' });
    await here.sql(`update session set state = 'active' where player_id = $1`, [player.id]);
    await win('a1', '50', { type: 'jackpot' });
    expectProblem(await bet('b1', '101'), 'INSUFFICIENT_FUNDS', { balance: '150.00' });
    expectProblem(await bet('b2', '1'), 'PLAYER_BLOCKED', { balance: '150.00' });
    expectProblem(await bet('b3', '1', session), 'SESSION_EXPIRED', { balance: '150.00' });
    expectProblem(await bet('b5', '1', session), 'SESSION_SUPERSEDED', { balance: '150.00' });
    expect(said(await bet('b4', '101', session))).toBe('applied 49.00');
  });

  it('GAME_NOT_FOUND, SESSION_NOT_FOUND, CURRENCY_MISMATCH: the same when what was missing is there', async () => {
    const { bet, player } = here.seat();
    const later = { gameId: 'game-of-tomorrow', sessionToken: 'token of tomorrow' };
    expectProblem(await bet('b1', '1', { gameId: later.gameId }), 'GAME_NOT_FOUND', { balance: '100.00' });
    expectProblem(await bet('b2', '1', { sessionToken: later.sessionToken }), 'SESSION_NOT_FOUND', { balance: '100.00' });
    expectProblem(await bet('b3', '1', { currency: 'JPY' }), 'CURRENCY_MISMATCH');
    await here.sql(`insert into game (account_id, operator_id, game_id, name) values ($1, $2, 'game-of-tomorrow', 'Later')`,
      [here.account().accountId, here.account().operatorId]);
    await here.sql(
      `insert into session (player_id, token_hash, operator_id, account_id, currency, expires_at)
      values ($1, sha256('token of tomorrow'), $2, $3, 'EUR', now() + interval '1 day')`,
      [player.id, player.operatorId, here.account().accountId],
    );
    await here.sql(`insert into wallet (player_id, operator_id, currency, balance, version, at) values ($1, $2, 'JPY', 0, 0, now())`, [
      player.id,
      player.operatorId,
    ]);
    await pause(1_200); // the snapshot of the configuration follows within a second
    expectProblem(await bet('b1', '1', { gameId: later.gameId }), 'GAME_NOT_FOUND', { balance: '100.00' });
    expectProblem(await bet('b2', '1', { sessionToken: later.sessionToken }), 'SESSION_NOT_FOUND', { balance: '100.00' });
    expect(said(await bet('b3', '1', { currency: 'JPY' }))).toBe('CURRENCY_MISMATCH 0');
    expect(said(await bet('b4', '1', later))).toBe('applied 99.00');
  });

  it('GAME_DISABLED: the same when the game takes bets again', async () => {
    const { bet } = here.seat();
    const turn = async (on: boolean) => {
      await here.sql(`update game set bets_allowed = $1 where game_id = 'game-2' and account_id = $2`, [on, here.account().accountId]);
      await pause(1_200); // the snapshot of the configuration follows within a second
    };
    await turn(false);
    expectProblem(await bet('b1', '1', { gameId: 'game-2' }), 'GAME_DISABLED', { balance: '100.00' });
    await turn(true);
    expectProblem(await bet('b1', '1', { gameId: 'game-2' }), 'GAME_DISABLED', { balance: '100.00' });
    expect(said(await bet('b2', '1', { gameId: 'game-2' }))).toBe('applied 99.00');
  });

  it('ROUND_CLOSED', async () => {
    const { bet, closeRound } = here.seat();
    await bet('b1', '10');
    await closeRound();
    expectProblem(await bet('b2', '10'), 'ROUND_CLOSED', { balance: '90.00' });
    expectProblem(await bet('b2', '10'), 'ROUND_CLOSED', { balance: '90.00' });
  });
});

describe('refused and not remembered', () => {
  it('PLAYER_NOT_FOUND: the same call is served once there is one', async () => {
    const { provider } = here.seat();
    const playerId = randomUUID();
    const bet = { playerId, currency: 'EUR', transactionId: 'b1', amount: '1', gameId: 'game-1', roundId: 'r1' };
    const calls: [string, object][] = [
      ['bet', bet],
      ['balance', bet],
      ['win', bet],
      ['rollback', { ...bet, originalTransactionId: 'b0' }],
      ['close-round', bet],
      ['status', { ...bet, type: 'bet', reference: 'b1' }],
      ['play', { ...bet, actions: [{ type: 'bet', ...bet } as Action] }],
    ];
    for (const [operation, fields] of calls) expectProblem(await provider.call(operation, fields), 'PLAYER_NOT_FOUND', { credit: true });
    expectProblem(await provider.call('bet', { ...bet, playerId: 'anna' }), 'PLAYER_NOT_FOUND');
    await here.sql('insert into player (player_id, operator_id, external_id) values ($1, $2, $3)', [
      playerId,
      here.account().operatorId,
      playerId,
    ]);
    await here.sql(`insert into wallet (player_id, operator_id, currency, balance, version, at) values ($1, $2, 'EUR', 0, 0, now())`,
      [playerId, here.account().operatorId]);
    expect(said(await provider.call('win', { ...bet, transactionId: 'a1', type: 'jackpot' }))).toBe('applied 1.00');
    expect(said(await provider.call('bet', bet))).toBe('applied 0.00');
  });

  it('BET_NOT_FOUND: the same win is paid once its bet is there', async () => {
    const { bet, win } = here.seat();
    expectProblem(await win('w1', '5'), 'BET_NOT_FOUND', { balance: '100.00', credit: true });
    await bet('b1', '10');
    expect(said(await win('w1', '5'))).toBe('applied 95.00');
  });

  it('TRANSACTION_CONFLICT, ROLLED_BACK, BET_ALREADY_SETTLED', async () => {
    const { bet, win, rollback } = here.seat();
    await bet('b1', '10');
    expectProblem(await bet('b1', '11'), 'TRANSACTION_CONFLICT', { balance: '90.00' });
    await win('w1', '5', { betTransactionId: 'b1' });
    expectProblem(await rollback('k1', 'b1'), 'BET_ALREADY_SETTLED', { balance: '95.00' });
    await rollback('k2', 'w1');
    expect(said(await rollback('k1', 'b1'))).toBe('applied 100.00');
    expectProblem(await win('w2', '5', { betTransactionId: 'b1' }), 'ROLLED_BACK', { balance: '100.00' });
  });

  it('of a win or a rollback: CURRENCY_MISMATCH, ROUND_CLOSED, INSUFFICIENT_FUNDS say that it may come again', async () => {
    const { bet, win, rollback, closeRound } = here.seat({ account: 2 });
    expectProblem(await rollback('k1', 'b1', { currency: 'KWD' }), 'CURRENCY_MISMATCH', { credit: true });
    await bet('b1', '10');
    await win('w1', '50');
    await bet('b2', '140', { roundId: 'r2' });
    expectProblem(await rollback('k1', 'w1'), 'INSUFFICIENT_FUNDS', { balance: '0.00', credit: true });
    await closeRound();
    expectProblem(await win('w2', '5'), 'ROUND_CLOSED', { balance: '0.00', credit: true });
    await rollback('k2', 'b2');
    expect(said(await rollback('k1', 'w1'))).toBe('applied 90.00');
  });
});

it('THROTTLED: more bets than the account’s policy allows; the same bet is judged anew after Retry-After', async () => {
  const { bet, status } = here.seat({ account: 4 });
  await bet('b1', '10');
  const refused = await bet('b2', '10');
  expectProblem(refused, 'THROTTLED');
  expect(said(await status('bet', 'b2'))).toBe('unknown');
  await pause(1_000 * Number(refused.headers['retry-after']));
  expect(said(await bet('b2', '10'))).toBe('applied 80.00');
});

describe('faults', () => {
  it('INTERNAL: a call that the database will not have fails alone; the rest of its batch is served', async () => {
    const [one, ...others] = Array.from({ length: 12 }, () => here.seat());
    if (!one) throw new Error('no seat');
    await here.sql(`alter table transaction add constraint no_luck check (reference <> 'unlucky') not valid`);
    const answers = await here.whileHeld('lock table wallet in access exclusive mode', async (release) => {
      const sent = [one.bet('b1', '10'), one.bet('unlucky', '10'), one.bet('b3', '10'), ...others.map(({ bet }) => bet('b1', '10'))];
      await pause(100);
      await release();
      return await Promise.all(sent);
    });
    expectProblem(answers[1] as Reply, 'INTERNAL');
    expect(JSON.stringify(answers[1]?.body)).not.toMatch(/no_luck|constraint|transaction_/);
    expect(answers.filter(({ body }) => body.status === 'applied')).toHaveLength(13);
    expect(said(await one.status('bet', 'unlucky'))).toBe('unknown');
    await here.sql('alter table transaction drop constraint no_luck');
    expect(said(await one.bet('unlucky', '10'))).toBe('applied 70.00');
  });

  it('INTERNAL: a balance that would leave its range', async () => {
    const { win, player } = here.seat();
    await here.sql('update wallet set balance = 9223372036854775807 where player_id = $1', [player.id]);
    expectProblem(await win('a1', '0.000001', { type: 'jackpot' }), 'INTERNAL');
  });

  it('OVERLOADED: a call whose time is up before it was begun is never executed', async () => {
    const { bet, balance, status } = here.seat({ account: 1 });
    await here.whileHeld('lock table wallet in access exclusive mode', async () => expectProblem(await bet('b1', '10'), 'OVERLOADED'));
    await pause(400);
    expect(said(await balance())).toBe('ok 100.00');
    expect(said(await status('bet', 'b1'))).toBe('unknown');
    expect(said(await bet('b1', '10'))).toBe('applied 90.00');
  });

  it('UNAVAILABLE: a wallet that another session holds, while its neighbour is served', async () => {
    const [seat, neighbour] = [here.seat({ account: 3 }), here.seat({ account: 3 })];
    await here.whileHeld(`select 1 from wallet where player_id = '${seat.player.id}' for update`, async () => {
      const held = seat.bet('b1', '10');
      expect(said(await neighbour.bet('b1', '10'))).toBe('applied 90.00');
      expectProblem(await held, 'UNAVAILABLE');
    });
    expect(said(await seat.bet('b1', '10'))).toBe('applied 90.00');
  });

  it('UNAVAILABLE: no way to the database; normal again when there is one', async () => {
    const { bet, balance } = here.seat();
    here.proxy.cut();
    expectProblem(await bet('b1', '10'), 'UNAVAILABLE');
    expectProblem(await balance(), 'UNAVAILABLE');
    here.proxy.mend();
    expect(said(await bet('b1', '10'))).toBe('applied 90.00');
  });

  it('OUTCOME_UNKNOWN: committed, the answer lost and the database gone; the same call again finds it done, once', async () => {
    const { bet, balance } = here.seat({ account: 3 });
    const lost = here.proxy.strikeCommit('reply lost');
    const answer = bet('b1', '10');
    await lost;
    here.proxy.cut();
    expectProblem(await answer, 'OUTCOME_UNKNOWN');
    here.proxy.mend();
    expect(said(await bet('b1', '10'))).toBe('replayed 90.00');
    expect(said(await balance())).toBe('ok 90.00');
  });
});

it('every declared code was produced above, and no other', () => {
  expect([...produced].sort()).toEqual(Object.keys(MEANINGS).sort());
  expect(Object.keys(TABLE).sort()).toEqual(Object.keys(MEANINGS).sort());
});
