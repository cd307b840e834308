import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Judged, asked } from '../../test/support/judged.ts';

// Everybody starts with 100. `60 owes 40`: a balance of 60 and a debt of 40.

describe('a win that is taken back after it was spent', () => {
  const spent = (policy = {}) => {
    const player = new Judged(policy);
    player.bet('b1', 10n);
    player.win('w1', 50n, { bet: 'b1' });
    player.bet('b2', 120n, { round: 'r2' });
    player.rows();
    return player;
  };

  it('takes the 20 that are left and owes the other 30, in one row', () => {
    const player = spent();
    expect(player.rollback('k1', 'w1')).toBe('applied 0');
    expect([player.receipt.amount, player.receipt.debt, player.holds, player.rows()]).toEqual([20n, 30n, '0 owes 30', ['rollback -20 owes 30']]);
  });

  it('says so again under its own id, and under another', () => {
    const player = spent();
    player.rollback('k1', 'w1');
    player.win('w2', 70n, { round: 'r2' });
    expect(player.rollback('k1', 'w1')).toBe('replayed 70');
    expect([player.receipt.amount, player.receipt.debt]).toEqual([20n, 30n]);
    expect(player.rollback('k2', 'w1')).toBe('replayed 70');
    expect([player.receipt.amount, player.receipt.debt, player.holds]).toEqual([20n, 30n, '70 owes 30']);
  });

  it('keeps the player from withdrawing anything, not from betting, winning or depositing', () => {
    const player = spent();
    player.rollback('k1', 'w1');
    expect(player.deposit('d1', 80n)).toBe('applied 80');
    expect(player.withdraw('o1', 1n)).toBe('INSUFFICIENT_FUNDS 80');
    expect(player.bet('b3', 10n, { round: 'r3' })).toBe('applied 70');
    expect(player.win('w3', 40n, { round: 'r3' })).toBe('applied 110');
    expect([player.withdraw('o1', 1n), player.holds]).toEqual(['INSUFFICIENT_FUNDS 110', '110 owes 30']);
  });

  it('is refused where the policy says so, not remembered, and taken once the money is there', () => {
    const player = spent({ spentWin: 'refuse' });
    expect(player.rollback('k1', 'w1')).toBe('INSUFFICIENT_FUNDS 20');
    player.deposit('d1', 30n);
    expect([player.rollback('k1', 'w1'), player.holds, player.rows()]).toEqual(['applied 0', '0', ['deposit 30', 'rollback -50']]);
  });

  it('owes nothing where the balance is exactly enough', () => {
    const player = spent();
    player.deposit('d1', 30n);
    expect([player.rollback('k1', 'w1'), player.receipt.debt, player.holds]).toEqual(['applied 0', undefined, '0']);
  });

  it('of a jackpot, too', () => {
    const player = new Judged();
    player.win('j', 50n, { award: 'jackpot' });
    player.bet('b', 140n);
    expect([player.rollback('k', 'j', { originalType: 'award' }), player.holds]).toEqual(['applied 0', '0 owes 40']);
  });
});

describe('an adjustment', () => {
  it('gives and takes without a bet, a round or a session, and replays', () => {
    const player = new Judged({ session: 'required' });
    expect(player.adjust('a1', 25n)).toBe('applied 125');
    expect(player.adjust('a2', -5n, { round: 'nowhere', game: 'g' })).toBe('applied 120');
    expect([player.adjust('a2', -5n, { round: 'nowhere', game: 'g' }), player.receipt.amount]).toEqual(['replayed 120', 5n]);
    expect(player.adjust('a2', -6n, { round: 'nowhere', game: 'g' })).toBe('TRANSACTION_CONFLICT 120');
    expect(player.rows()).toEqual(['adjustment 25', 'adjustment -5']);
  });

  it('counts in no round and is taken in a closed one', () => {
    const player = new Judged();
    player.bet('b', 10n);
    player.close();
    expect(player.adjust('a', -3n, { round: 'r' })).toBe('applied 87');
    expect(player.state.rounds).toMatchObject([{ staked: 10n, won: 0n, bets: 1, state: 'closed', lastVersion: 4 }]);
  });

  it('beyond the balance owes the rest; undone, it forgives that first', () => {
    const player = new Judged();
    expect([player.adjust('a', -130n), player.receipt.debt, player.holds]).toEqual(['applied 0', 30n, '0 owes 30']);
    expect([player.rollback('k', 'a', { originalType: 'adjustment' }), player.holds]).toEqual(['applied 100', '100']);
    expect(player.rows()).toEqual(['adjustment -100 owes 30', 'rollback 100 owes -30']);
  });

  it('undone forgives no more than is owed still, and gives the rest', () => {
    const player = new Judged();
    player.adjust('a', -130n);
    player.state.wallets[0] = { ...(player.state.wallets[0] as (typeof player.state.wallets)[0]), debt: 10n };
    expect([player.rollback('k', 'a', { originalType: 'adjustment' }), player.holds]).toEqual(['applied 120', '120']);
  });

  it('beyond the balance is refused where the policy says so, and may come again', () => {
    const player = new Judged({ spentWin: 'refuse' });
    expect(player.adjust('a', -101n)).toBe('INSUFFICIENT_FUNDS 100');
    player.deposit('d', 1n);
    expect(player.adjust('a', -101n)).toBe('applied 0');
  });

  it('is not meant by a rollback that names no type', () => {
    const player = new Judged();
    player.adjust('a', 5n);
    expect([player.rollback('k1', 'a'), player.holds]).toEqual(['tombstoned 105', '105']);
    expect(player.rollback('k2', 'a', { originalType: 'adjustment' })).toBe('applied 100');
  });

  it('that its rollback overtook is refused', () => {
    const player = new Judged();
    player.rollback('k', 'a', { originalType: 'adjustment' });
    expect(player.adjust('a', 5n)).toBe('ROLLED_BACK 100');
  });
});

describe('whatever comes, in whatever order', () => {
  const amount = fc.bigInt({ min: 0n, max: 80n });
  const step = fc.oneof(
    fc.record({ do: fc.constant('bet'), amount }), fc.record({ do: fc.constant('win'), amount }), fc.record({ do: fc.constant('award'), amount }),
    fc.record({ do: fc.constant('adjust'), amount: fc.bigInt({ min: -150n, max: 80n }) }), fc.record({ do: fc.constant('undo'), target: fc.nat(30) }),
    fc.record({ do: fc.constant('cancel'), target: fc.nat(3) }), fc.record({ do: fc.constant('play'), target: fc.nat(30), amount }),
  ) as fc.Arbitrary<{ do: string; amount?: bigint; target?: number }>;

  it('balance and debt are the sums of the rows and never negative, and each undone thing is undone in full by one row', () => {
    fc.assert(fc.property(fc.constantFrom({}, { rollbackAfterWin: 'reverse' as const }, { spentWin: 'refuse' as const }), fc.array(step, { maxLength: 40 }), (policy, steps) => {
      const player = new Judged(policy);
      const original = (target = 0): [string, { originalType?: 'bet' | 'win' | 'adjustment' }] => {
        const entry = player.entries.filter(({ kind, reference }) => reference && ['bet', 'win', 'promo_win', 'adjustment'].includes(kind)).at(-1 - target % 8);
        return [entry?.reference ?? 'nobody', entry ? { originalType: entry.kind === 'promo_win' ? 'win' : entry.kind as 'bet' } : {}];
      };
      for (const [i, { do: what, amount: of = 0n, target = 0 }] of steps.entries()) {
        if (what === 'bet') player.bet(`b${i}`, of, { round: `r${i % 3}` });
        else if (what === 'win') player.win(`w${i}`, of, { round: `r${i % 3}`, ...(i % 2 && { bet: `b${i - 1}` }) });
        else if (what === 'award') player.win(`w${i}`, of, { award: 'jackpot' });
        else if (what === 'adjust') player.adjust(`a${i}`, of);
        else if (what === 'undo') player.rollback(`k${i}`, ...original(target));
        else if (what === 'cancel') player.cancel(`r${target}`);
        else player.play([asked.bet(`b${i}`, of), asked.rollback(`k${i}`, ...original(target))]);
        const wallet = player.state.wallets[0] as (typeof player.state.wallets)[0];
        const sum = (read: (entry: (typeof player.entries)[0]) => bigint | undefined) => player.entries.reduce((total, entry) => total + (read(entry) ?? 0n), 0n);
        expect([wallet.balance, wallet.debt]).toEqual([100n + sum((entry) => entry.amount), sum((entry) => entry.debt)]);
        expect(wallet.balance >= 0n && wallet.debt >= 0n).toBe(true);
      }
      const undoing = player.entries.filter(({ undoes }) => undoes !== undefined);
      expect(new Set(undoing.map(({ undoes }) => undoes)).size).toBe(undoing.length);
      for (const { undoes, amount: back, debt = 0n } of undoing) {
        const undone = player.entries.find(({ transactionId }) => transactionId === undoes);
        expect(back - debt).toBe((undone?.debt ?? 0n) - (undone?.amount ?? 0n));
      }
    }), { numRuns: 300 });
  });
});
