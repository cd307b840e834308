import { describe, expect, it } from '@jest/globals';
import { setTimeout as pause } from 'node:timers/promises';
import { ground, mediaType, said, type Action } from '../support/ground.ts';
import type { Reply } from '../support/provider.ts';

/** How often an account and its players may bet and read. Where nothing else is said nothing flows in while a test lasts. Everybody has 100.00 EUR. */
const SLOWLY = 1 / 1_000;
const POLICIES = {
  account: { betsPerSecond: SLOWLY, betBurst: 3 },
  player: { playerBetsPerSecond: SLOWLY, playerBetBurst: 2 },
  quick: { betsPerSecond: 1 },
  plays: { betsPerSecond: SLOWLY, betBurst: 5 },
  reads: { readsPerSecond: SLOWLY, readBurst: 2 },
  forged: { betsPerSecond: SLOWLY, betBurst: 1, readsPerSecond: SLOWLY, readBurst: 1 },
  once: { playerBetsPerSecond: SLOWLY, playerBetBurst: 1 },
  owed: { betsPerSecond: SLOWLY, betBurst: 1, playerBetsPerSecond: SLOWLY, playerBetBurst: 1 },
} as const;
const here = ground({ players: { EUR: 30 }, policies: Object.values(POLICIES).map((policy) => ({ deadlineMs: 5_000, ...policy })) });
const seatUnder = (policy: keyof typeof POLICIES) => here.seat({ account: Object.keys(POLICIES).indexOf(policy) });
const bets = (...ids: string[]): Action[] => ids.map((transactionId) => ({ type: 'bet', transactionId, amount: '1' }));

/** A problem that says when to come again, with the header fields of the limit that was met. */
function expectThrottled(reply: Reply, limit: string): void {
  const { status, body, headers } = reply;
  expect([body.code, status, mediaType(reply), body.retryable]).toEqual(['THROTTLED', 429, 'application/problem+json', true]);
  expect(headers['x-request-id']).toBe(body.requestId);
  const [name, quota, window, left, again] = limit.split(' ');
  expect([headers['ratelimit-policy'], headers['ratelimit'], headers['retry-after']]).toEqual([
    `"${name}";q=${quota};w=${window}`, `"${name}";r=${left};t=${again}`, again,
  ]);
}

describe('bets', () => {
  it('of an account: three go, the fourth is told so, whosever it is, and none of another account', async () => {
    const [anna, ben, other] = [seatUnder('account'), seatUnder('account'), seatUnder('player')];
    expect([said(await anna.bet('b1', '1')), said(await ben.bet('b1', '1')), said(await anna.bet('b2', '1'))]).toEqual([
      'applied 99.00', 'applied 99.00', 'applied 98.00',
    ]);
    expectThrottled(await anna.bet('b3', '1'), 'bets 3 3000 0 1000');
    expectThrottled(await ben.bet('b3', '1'), 'bets 3 3000 0 1000');
    expect(said(await other.bet('b1', '1'))).toBe('applied 99.00');
  });

  it('of a player: two go; another player of the account goes on', async () => {
    const [anna, ben] = [seatUnder('player'), seatUnder('player')];
    await anna.bet('b1', '1');
    await anna.bet('b2', '1');
    expectThrottled(await anna.bet('b3', '1'), 'player-bets 2 2000 0 1000');
    expect(said(await ben.bet('b1', '1'))).toBe('applied 99.00');
  });

  it('that were throttled are not remembered: the same id is judged anew, with other content too', async () => {
    const { bet, status } = seatUnder('quick');
    expect(said(await bet('b1', '1'))).toBe('applied 99.00');
    const throttled = await bet('b2', '500');
    expectThrottled(throttled, 'bets 1 1 0 1');
    expect(said(await status('bet', 'b2'))).toBe('unknown');
    await pause(1_000 * Number(throttled.headers['retry-after']));
    expect(said(await bet('b2', '7'))).toBe('applied 92.00');
  });

  it('count where they are repeated, too, and where they are refused', async () => {
    const { bet, status } = seatUnder('once');
    expect(said(await bet('b1', '500'))).toBe('INSUFFICIENT_FUNDS 100.00');
    expectThrottled(await bet('b1', '500'), 'player-bets 1 1000 0 1000');
    expect(said(await status('bet', 'b1'))).toBe('INSUFFICIENT_FUNDS 100.00');
  });

  it('with a signature that does not fit count for nobody', async () => {
    const anna = seatUnder('forged');
    const forged = { headers: { 'webhook-signature': `v1,${'A'.repeat(43)}=` } };
    const bet = { transactionId: 'b1', amount: '1', gameId: 'game-1', roundId: 'r1' };
    for (let i = 0; i < 3; i++) expect(said(await anna.call('bet', bet, forged))).toBe('SIGNATURE_INVALID');
    for (let i = 0; i < 3; i++) expect(said(await anna.call('balance', {}, forged))).toBe('SIGNATURE_INVALID');
    expect([said(await anna.bet('b1', '1')), said(await anna.balance())]).toEqual(['applied 99.00', 'ok 99.00']);
    expectThrottled(await anna.bet('b2', '1'), 'bets 1 1000 0 1000');
  });
});

it('a play counts its bets, goes with all of them or does nothing; without a bet it always goes', async () => {
  const { play, bet, status, balance } = seatUnder('plays');
  expect(said(await play([...bets('b1', 'b2', 'b3'), { type: 'win', transactionId: 'w1', amount: '2' }]))).toBe('ok 99.00');
  await here.unmoved(async () => {
    expectThrottled(await play([{ type: 'win', transactionId: 'w2', amount: '2' }, ...bets('b4', 'b5', 'b6')], { closeRound: true }), 'bets 5 5000 2 1000');
  });
  expect([said(await status('win', 'w2')), said(await status('bet', 'b4'))]).toEqual(['unknown', 'unknown']);
  expect(said(await play(bets('b4', 'b5')))).toBe('ok 97.00');
  expectThrottled(await bet('b6', '1'), 'bets 5 5000 0 1000');
  expect(said(await play([{ type: 'win', transactionId: 'w2', amount: '2' }]))).toBe('ok 99.00');
  expect(said(await balance())).toBe('ok 99.00');
});

it('what a player is owed is never throttled: wins, rollbacks, plays of wins, closing; nor is asking what became of a call', async () => {
  const { bet, win, rollback, play, closeRound, status } = seatUnder('owed');
  expect(said(await bet('b1', '10'))).toBe('applied 90.00');
  expectThrottled(await bet('b2', '1'), 'player-bets 1 1000 0 1000');
  for (let i = 1; i <= 5; i++) {
    expect(said(await win(`w${i}`, '2'))).toBe(`applied ${91 + i}.00`);
    expect(said(await play([{ type: 'win', transactionId: `p${i}`, amount: '1' }]))).toBe(`ok ${92 + i}.00`);
    expect(said(await rollback(`k${i}`, `w${i}`))).toBe(`applied ${90 + i}.00`);
    expect(said(await status('win', `w${i}`))).toMatch(/^replayed/);
    expect(said(await closeRound(`r${i + 1}`))).toMatch(/^unknown/);
  }
});

it('balances and authentications are throttled together, where the policy says so', async () => {
  const anna = seatUnder('reads');
  const authenticate = () => anna.provider.call('authenticate', { sessionToken: 'nobody’s' });
  expect([said(await anna.balance()), said(await authenticate())]).toEqual(['ok 100.00', 'SESSION_NOT_FOUND']);
  expectThrottled(await anna.balance(), 'reads 2 2000 0 1000');
  expectThrottled(await authenticate(), 'reads 2 2000 0 1000');
  expect([said(await anna.bet('b1', '1')), said(await anna.status('bet', 'b1'))]).toEqual(['applied 99.00', 'replayed 99.00']);
});
