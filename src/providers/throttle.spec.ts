import { describe, expect, it } from '@jest/globals';
import type { Account } from '../wallet/contract.ts';
import { parsePolicy } from './contract.ts';
import { Throttle } from './throttle.ts';

/** An account by its policy record, and a clock that is set by hand, in milliseconds. */
function throttled(record: object, accountId = 7) {
  const time = { now: 0 };
  const throttle = new Throttle({ clock: () => time.now });
  const account: Account = { accountId, operatorId: 'o', policy: parsePolicy(record), games: new Map() };
  const bets = (player: string, count = 1) => throttle.bets(account, player, count)?.headers['ratelimit'] ?? 'go';
  return { time, throttle, account, bets };
}

describe('bets', () => {
  it('are as many as come where the policy sets no limit', () => {
    const { bets } = throttled({});
    expect(new Set(Array.from({ length: 10_000 }, () => bets('anna')))).toEqual(new Set(['go']));
  });

  it('of an account: 3 a second by 3 at once, whoever’s they are', () => {
    const { time, bets } = throttled({ betsPerSecond: 3 });
    expect([bets('anna'), bets('ben'), bets('anna'), bets('carl')]).toEqual(['go', 'go', 'go', '"bets";r=0;t=1']);
    time.now += 334;
    expect([bets('carl'), bets('carl')]).toEqual(['go', '"bets";r=0;t=1']);
  });

  it('of a player: one does not wait for another, and each account counts for itself', () => {
    const { throttle, account, bets } = throttled({ playerBetsPerSecond: 1, playerBetBurst: 2 });
    expect([bets('anna'), bets('anna'), bets('anna'), bets('ben')]).toEqual(['go', 'go', '"player-bets";r=0;t=1', 'go']);
    expect(throttle.bets({ ...account, accountId: 8 }, 'anna', 1)).toBe(undefined);
  });

  it('that the account’s limit stops are not counted for the player, nor the other way round', () => {
    const { time, bets } = throttled({ betsPerSecond: 10, betBurst: 4, playerBetsPerSecond: 1 / 100, playerBetBurst: 3 });
    expect([bets('anna', 3), bets('anna'), bets('anna')]).toEqual(['go', '"player-bets";r=0;t=100', '"player-bets";r=0;t=100']);
    expect([bets('ben', 1), bets('ben', 2), bets('ben', 2)]).toEqual(['go', '"bets";r=0;t=1', '"bets";r=0;t=1']);
    time.now += 1_000;
    expect([bets('ben', 2), bets('ben', 1)]).toEqual(['go', '"player-bets";r=0;t=100']);
  });

  it('of one call go together or not at all', () => {
    const { bets } = throttled({ betsPerSecond: 1 / 10, betBurst: 5 });
    expect([bets('anna', 3), bets('anna', 3), bets('anna', 2)]).toEqual(['go', '"bets";r=2;t=10', 'go']);
  });
});

it('reads have a bucket of their own', () => {
  const { throttle, account, bets } = throttled({ readsPerSecond: 2, betsPerSecond: 1 });
  const read = () => throttle.reads(account)?.headers;
  expect([read(), read()]).toEqual([undefined, undefined]);
  expect(read()).toEqual({ 'ratelimit-policy': '"reads";q=2;w=1', ratelimit: '"reads";r=0;t=1', 'retry-after': '1' });
  expect([bets('anna'), bets('anna')]).toEqual(['go', '"bets";r=0;t=1']);
  expect(throttled({}).throttle.reads(account)).toBe(undefined);
});

describe('the policy record', () => {
  it('sets a rate, and with it how much comes at once: a second’s worth unless it says so', () => {
    expect(parsePolicy({ betsPerSecond: 250, playerBetsPerSecond: 2.5, readsPerSecond: 1 / 2, readBurst: 10 })).toMatchObject({
      bets: { perSecond: 250, burst: 250 }, playerBets: { perSecond: 2.5, burst: 3 }, reads: { perSecond: 1 / 2, burst: 10 },
    });
    expect(parsePolicy({})).toMatchObject({ bets: undefined, playerBets: undefined, reads: undefined });
  });

  it.each([
    [{ betsPerSecond: 0 }, 'betsPerSecond'], [{ betsPerSecond: -1 }, 'betsPerSecond'], [{ playerBetsPerSecond: '5' }, 'playerBetsPerSecond'],
    [{ betsPerSecond: 1e9 }, 'betsPerSecond'], [{ betsPerSecond: 5, betBurst: 0 }, 'betBurst'], [{ betsPerSecond: 5, betBurst: 1.5 }, 'betBurst'],
    [{ betBurst: 5 }, 'betBurst'], [{ betsPerSecond: 5, playerBetBurst: 5 }, 'playerBetBurst'], [{ readBurst: 5 }, 'readBurst'],
  ])('%j is refused by name', (record, field) => {
    expect(() => parsePolicy(record)).toThrow(new RegExp(`policy ${field}: `));
  });
});
