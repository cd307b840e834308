import { describe, expect, it } from '@jest/globals';
import { fingerprint } from '../../libs/crypto/index.ts';
import { ALONE, asked, Judged } from '../../test/support/judged.ts';

// Everybody starts with 100 at version 1.

describe('a total of free rounds', () => {
  const total = (player: Judged, reference: string, amount: bigint, campaign = 'spring') =>
    player.win(reference, amount, { operation: 'award', award: 'free_rounds', campaign, ...ALONE });

  it('is paid once for a campaign: the same again is its replay, whatever its id, another amount a conflict', () => {
    const player = new Judged({ freeRounds: 'total' });
    expect(total(player, 't1', 30n)).toBe('applied 130');
    const { transactionId } = player.receipt;
    expect([total(player, 't1', 30n), total(player, 't2', 30n), player.receipt.transactionId, player.receipt.reference]).toEqual(['replayed 130', 'replayed 130', transactionId, 't2']);
    expect([total(player, 't3', 31n), total(player, 't4', 31n, 'autumn')]).toEqual(['TRANSACTION_CONFLICT 130', 'applied 161']);
  });

  it('undone is not paid again under another id', () => {
    const player = new Judged({ freeRounds: 'total' });
    total(player, 't1', 30n);
    expect([player.rollback('k', 't1'), total(player, 't2', 30n), total(player, 't1', 30n)]).toEqual(['applied 100', 'ROLLED_BACK 100', 'replayed 100']);
  });

  it('bears its campaign’s number without meaning a transaction of that number', () => {
    const player = new Judged({ freeRounds: 'total', idScope: 'player' });
    expect([total(player, '17', 30n, '17'), player.bet('18', 1n), total(player, '19', 5n, '18')]).toEqual(['applied 130', 'applied 129', 'applied 134']);
  });

  it('is the win of no round on the native wire, unless the account’s policy knows none', () => {
    const [each, all] = [new Judged({ freeRounds: 'per-round' }), new Judged()];
    const native = (player: Judged, reference: string) => player.win(reference, 5n, { award: 'free_rounds', campaign: 'c', ...ALONE });
    expect([native(each, 't1'), native(each, 't2'), native(all, 't1'), native(all, 't2')]).toEqual(['applied 105', 'applied 110', 'applied 105', 'replayed 105']);
  });

  it('and the round by round form exclude each other where the policy names one', () => {
    const [each, all] = [new Judged({ freeRounds: 'per-round' }), new Judged({ freeRounds: 'total' })];
    for (const player of [each, all]) player.bet('f', 5n, { free: true, campaign: 'c' });
    expect([total(each, 't', 5n, 'c'), each.win('w', 5n, { campaign: 'c' })]).toEqual(['TRANSACTION_CONFLICT 100', 'applied 105']);
    expect([all.win('w', 5n, { campaign: 'c' }), all.win('w', 5n, { award: 'free_rounds', campaign: 'c' }), all.win('w', 5n)]).toEqual([
      'TRANSACTION_CONFLICT 100', 'TRANSACTION_CONFLICT 100', 'applied 105',
    ]);
  });
});

describe('free rounds of either form: the first of a campaign decides', () => {
  const total = (player: Judged, reference: string, amount: bigint) => player.win(reference, amount, { award: 'free_rounds', campaign: 'c', ...ALONE });
  const ofRound = (player: Judged, reference: string, amount: bigint, more: Partial<Parameters<Judged['win']>[2]> = {}) =>
    player.win(reference, amount, { award: 'free_rounds', campaign: 'c', ...more });

  it('round by round: each is paid and is its own replay, a total is a conflict, whatever its amount', () => {
    const player = new Judged();
    expect([ofRound(player, 'w1', 5n), ofRound(player, 'w2', 6n), ofRound(player, 'w1', 5n), total(player, 't', 11n), total(player, 't', 5n)]).toEqual([
      'applied 105', 'applied 111', 'replayed 111', 'TRANSACTION_CONFLICT 111', 'TRANSACTION_CONFLICT 111',
    ]);
    expect(ofRound(player, 'w3', 7n)).toBe('applied 118');
  });

  it('as a total: its resend is a replay, a win round by round a conflict, and neither is remembered', () => {
    const player = new Judged();
    expect([total(player, 't1', 30n), ofRound(player, 'w1', 5n), total(player, 't1', 30n), total(player, 't2', 30n), ofRound(player, 'w1', 5n)]).toEqual([
      'applied 130', 'TRANSACTION_CONFLICT 130', 'replayed 130', 'replayed 130', 'TRANSACTION_CONFLICT 130',
    ]);
    expect(player.state.keys.filter(({ key }) => key === fingerprint('w1'))).toEqual([]);
    expect(player.win('w1', 5n, { award: 'free_rounds', campaign: 'd' })).toBe('applied 135');
  });

  it('a win that is no award and says its campaign counts as one of its rounds, and still settles its bet', () => {
    const player = new Judged({ rollbackAfterWin: 'reverse' });
    player.bet('f', 5n, { free: true, campaign: 'c' });
    expect([player.win('w1', 5n, { bet: 'f', campaign: 'c' }), total(player, 't', 30n), player.win('w2', 6n, { bet: 'f', campaign: 'c' })]).toEqual([
      'applied 105', 'TRANSACTION_CONFLICT 105', 'applied 111',
    ]);
    expect(player.state.rounds).toMatchObject([{ won: 11n, bets: 1, named: 1 }]);
    expect(player.rollback('k', 'f')).toBe('applied 100');
  });

  it('a jackpot or a tournament’s prize that says the campaign is neither', () => {
    const player = new Judged();
    expect([player.win('j', 1n, { award: 'jackpot', campaign: 'c' }), player.win('p', 2n, { award: 'tournament', campaign: 'c', ...ALONE }), total(player, 't', 30n)]).toEqual([
      'applied 101', 'applied 103', 'applied 133',
    ]);
  });

  it('it stays decided when all that was paid is undone', () => {
    const [each, all] = [new Judged(), new Judged()];
    expect([ofRound(each, 'w1', 5n), each.rollback('k', 'w1'), total(each, 't', 5n), ofRound(each, 'w2', 6n)]).toEqual([
      'applied 105', 'applied 100', 'TRANSACTION_CONFLICT 100', 'applied 106',
    ]);
    expect([total(all, 't', 30n), all.rollback('k', 't'), ofRound(all, 'w', 5n), total(all, 't2', 30n), total(all, 't2', 31n)]).toEqual([
      'applied 130', 'applied 100', 'TRANSACTION_CONFLICT 100', 'ROLLED_BACK 100', 'TRANSACTION_CONFLICT 100',
    ]);
  });

  it('it is decided before the bet is asked for, and only by what was paid', () => {
    const player = new Judged();
    expect([player.win('w1', 5n, { campaign: 'c' }), total(player, 't', 30n), player.win('w1', 5n, { campaign: 'c' })]).toEqual([
      'BET_NOT_FOUND 100', 'applied 130', 'TRANSACTION_CONFLICT 130',
    ]);
  });

  it('a play that is refused decides nothing', () => {
    const player = new Judged();
    const free = (reference: string) => asked.win(reference, 5n, { award: 'free_rounds', campaign: 'c' });
    expect([player.play([free('w1'), asked.bet('b', 500n)]), total(player, 't', 30n), player.play([free('w1')])]).toEqual([
      'INSUFFICIENT_FUNDS [1] 100', 'applied 130', 'TRANSACTION_CONFLICT [0] 130',
    ]);
  });
});
