import { expect, it } from '@jest/globals';
import { parsePolicy } from '../../../src/providers/contract.ts';
import type { BetRequest, WinRequest } from '../../../src/wallet/commands.ts';
import type { Account } from '../../../src/wallet/contract.ts';
import { betOf, winOf } from '../../../src/wallet/movements.ts';
import { ground, said } from '../../support/ground.ts';

/** What makes a call known, and that a known one is asked nothing more. Everybody starts with 100.00 EUR. */
const here = ground({ players: { EUR: 4 } });

const account: Account = {
  accountId: 1, operatorId: '', games: new Map([['g', true]]),
  policy: parsePolicy({}),
};
const bet: BetRequest = { kind: 'bet', reference: 'b', currency: 'EUR', amount: 1n, free: false, game: 'g', round: 'r', closeRound: false };
const win: WinRequest = { kind: 'win', reference: 'w', currency: 'EUR', amount: 1n, game: 'g', round: 'r', closeRound: false };

it('an applied bet is replayed when its session is over and its player blocked', async () => {
  const { bet: place, player } = here.seat();
  const session = { sessionToken: player.sessionToken };
  expect(said(await place('b1', '10', session))).toBe('applied 90.00');
  await here.sql(`update session set expires_at = now() - interval '1 second' where player_id = $1`, [player.id]);
  expect(said(await place('b1', '10', session))).toBe('replayed 90.00');
  expect(said(await place('b2', '10', session))).toBe('SESSION_EXPIRED 90.00');
  await here.sql(`update wallet set stop = 'blocked' where player_id = $1`, [player.id]);
  expect(said(await place('b1', '10', session))).toBe('replayed 90.00');
});

it('two calls that read alike when their fields are run together differ', () => {
  const digests = [
    betOf(account, bet), betOf(account, { ...bet, round: 'rg', game: '' }), betOf(account, { ...bet, amount: 11n, currency: 'EUR' }),
    winOf(account, { ...win, bet: 'b1', campaign: 'c' }), winOf(account, { ...win, bet: 'b', campaign: '1c' }), winOf(account, { ...win, bet: 'b1c' }),
    winOf(account, { ...win, campaign: 'b1c' }), winOf(account, { ...win, game: 'gb', bet: '1c' }),
  ].map(({ digest }) => digest);
  expect(new Set(digests).size).toBe(digests.length);
});

it('ids of 128 characters that differ in one, wherever it stands, differ', () => {
  const ids = Array.from({ length: 128 }, (_, i) => `${'x'.repeat(i)}y${'x'.repeat(127 - i)}`);
  expect(new Set(ids.map((reference) => betOf(account, { ...bet, reference }).key)).size).toBe(128);
  expect(new Set(ids.map((round) => betOf(account, { ...bet, round }).roundKey)).size).toBe(128);
});
