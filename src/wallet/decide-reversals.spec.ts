import { describe, expect, it } from '@jest/globals';
import { asked, Judged } from '../../test/support/judged.ts';

// Everybody starts with 100 at version 1.

describe('`rollbackAfterWin: reverse`', () => {
  const settled = (policy = {}) => {
    const player = new Judged({ rollbackAfterWin: 'reverse', ...policy });
    player.bet('b1', 10n);
    player.win('w1', 30n, { bet: 'b1' });
    player.win('w2', 5n, { bet: 'b1' });
    player.rows();
    return player;
  };

  it('undoes the wins of 5 and 30, the newest first, then the bet of 10: three rows, and only the bet’s is the answer', () => {
    const player = settled();
    expect([player.rollback('k', 'b1'), player.receipt.amount]).toEqual(['applied 100', 10n]);
    expect(player.entries.map(({ reference, version }) => [reference, version])).toEqual([[undefined, 5], [undefined, 6], ['k', 7]]);
    expect(player.rows()).toEqual(['rollback -5', 'rollback -30', 'rollback 10']);
    expect(player.state.rounds).toMatchObject([{ staked: 0n, won: 0n, bets: 1, undone: 1, named: 0, lastVersion: 7 }]);
  });

  it('leaves out a win that was undone before, and all of it once it is done', () => {
    const player = settled();
    player.rollback('k1', 'w2');
    player.rows();
    player.rollback('k2', 'b1');
    expect(player.rows()).toEqual(['rollback -30', 'rollback 10']);
    expect([player.rollback('k2', 'b1'), player.rollback('k3', 'b1'), player.rollback('k4', 'w1')]).toEqual(['replayed 100', 'replayed 100', 'replayed 100']);
    expect(player.win('w3', 1n, { bet: 'b1' })).toBe('ROLLED_BACK 100');
    expect(player.rows()).toEqual([]);
  });

  it('owes what of the wins is spent, and gives the stake back in full', () => {
    const player = settled();
    player.bet('b2', 120n, { round: 'r2' });
    player.rows();
    expect([player.rollback('k', 'b1'), player.holds]).toEqual(['applied 10', '10 owes 30']);
    expect(player.rows()).toEqual(['rollback -5', 'rollback 0 owes 30', 'rollback 10']);
  });

  it('refuses all of it where the policy refuses one', () => {
    const player = settled({ spentWin: 'refuse' });
    player.bet('b2', 120n, { round: 'r2' });
    player.rows();
    expect([player.rollback('k', 'b1'), player.holds, player.rows()]).toEqual(['INSUFFICIENT_FUNDS 5', '5', []]);
  });

  it('does not undo a win that names the round alone: nobody can tell which of its bets it was for', () => {
    const player = settled();
    player.win('w3', 1n);
    expect(player.rollback('k', 'b1')).toBe('BET_ALREADY_SETTLED 126');
    player.rollback('k3', 'w3');
    expect(player.rollback('k', 'b1')).toBe('applied 100');
  });

  it('does not undo wins that were never linked to their bet', () => {
    const player = settled();
    const bet = player.state.keys.findIndex(({ operation }) => operation === 'bet');
    player.state.keys[bet] = { ...(player.state.keys[bet] as (typeof player.state.keys)[0]), lastWin: undefined };
    expect(player.rollback('k', 'b1')).toBe('BET_ALREADY_SETTLED 125');
  });

  it('is not the default', () => {
    expect(settled({ rollbackAfterWin: 'refuse' }).rollback('k', 'b1')).toBe('BET_ALREADY_SETTLED 125');
  });
});

describe('a round that is cancelled', () => {
  it('gives its open bets back, the newest first, keeps what is settled, and takes no more', () => {
    const player = new Judged();
    player.bet('b1', 10n);
    player.win('w1', 30n, { bet: 'b1' });
    player.bet('b2', 20n);
    player.bet('b3', 40n);
    player.rows();
    expect([player.cancel(), player.rows()]).toEqual(['cancelled 120', ['rollback 40', 'rollback 20', 'cancel 0']]);
    expect(player.state.rounds).toMatchObject([{ state: 'cancelled', staked: 10n, won: 30n, bets: 3, undone: 2, lastVersion: 8 }]);
    expect([player.bet('b4', 1n), player.bet('b4', 1n), player.win('w2', 5n)]).toEqual(['ROLLED_BACK 120', 'ROLLED_BACK 120', 'ROLLED_BACK 120']);
    expect([player.cancel(), player.close(), player.rows()]).toEqual(['cancelled 120', 'cancelled 120', []]);
    expect([player.rollback('k', 'b2'), player.rollback('k', 'b2')]).toEqual(['replayed 120', 'replayed 120']);
  });

  it('is cancelled before anything of it was seen: the bet that comes later is refused and remembered, its rollback ignored', () => {
    const player = new Judged();
    expect([player.cancel('new'), player.state.wallets[0]?.version]).toEqual(['cancelled 100', 2]);
    expect([player.bet('b', 10n, { round: 'new' }), player.win('w', 5n, { round: 'new' })]).toEqual(['ROLLED_BACK 100', 'ROLLED_BACK 100']);
    expect([player.rollback('k', 'b'), player.receipt.ignoredBecause]).toEqual(['ignored 100', 'refused']);
    expect(player.win('j', 5n, { round: 'new', award: 'jackpot' })).toBe('applied 105');
  });

  it('that is closed gives back what was lost in it, unless the policy keeps what is closed', () => {
    const [one, other] = [new Judged(), new Judged({ rollbackAfterClose: 'refuse' })];
    for (const player of [one, other]) player.bet('b', 10n, { closeRound: true });
    expect([one.cancel(), other.cancel(), other.rollback('k', 'b')]).toEqual(['cancelled 100', 'ROUND_CLOSED 90', 'ROUND_CLOSED 90']);
    expect(other.rollback('k2', 'nobody')).toBe('tombstoned 90');
  });

  it('of an account without rounds is unknown', () => {
    const player = new Judged({ rounds: 'none', winNeeds: 'bet' });
    player.bet('b', 10n);
    expect(player.cancel()).toBe('unknown 90');
  });

  it('is a fault where its bets were not all found, and no half of it is done', () => {
    const player = new Judged();
    player.bet('b', 10n);
    player.state.keys.length = 0;
    expect(() => player.cancel()).toThrow('not all loaded');
  });
});

describe('a play with rollbacks', () => {
  it('does them in order, all or nothing', () => {
    const player = new Judged();
    player.bet('b1', 60n);
    expect(player.play([asked.rollback('k1', 'b1'), asked.bet('b2', 90n), asked.win('w2', 5n)])).toBe('applied,applied,applied 15');
    expect(player.play([asked.rollback('k2', 'w2'), asked.bet('b3', 11n)])).toBe('INSUFFICIENT_FUNDS [1] 15');
    expect(player.rollback('k2', 'w2')).toBe('applied 10');
    expect(player.bet('b3', 1n)).toBe('TRANSACTION_CONFLICT 10');
  });

  it('that holds nothing else undoes wins before bets, and answers in the order asked; beside a bet all go as they stand', () => {
    const player = new Judged();
    player.bet('b1', 10n);
    player.win('w1', 30n);
    player.rows();
    expect(player.play([asked.rollback('k1', 'b1'), asked.rollback('k2', 'w1'), asked.bet('b2', 1n)])).toBe('BET_ALREADY_SETTLED [0] 120');
    expect(player.play([asked.rollback('k1', 'b1'), asked.rollback('k2', 'w1')])).toBe('applied,applied 100');
    expect(player.rows()).toEqual(['rollback -30', 'rollback 10']);
    const { receipts } = player.last.answer as unknown as { receipts: { reference: string }[] };
    expect(receipts.map(({ reference }) => reference)).toEqual(['k1', 'k2']);
  });

  it('leaves a tombstone for what is unknown; a play refused later leaves none', () => {
    const player = new Judged();
    expect(player.play([asked.rollback('k1', 'x'), asked.bet('b', 101n)])).toBe('INSUFFICIENT_FUNDS [1] 100');
    expect(player.bet('x', 1n)).toBe('applied 99');
    expect(player.play([asked.rollback('k2', 'y')])).toBe('tombstoned 99');
    expect(player.win('y', 1n)).toBe('ROLLED_BACK 99');
  });

  it('closes its round with a row of its own where nothing of it is in the round', () => {
    const player = new Judged();
    player.bet('b1', 10n);
    player.rows();
    expect([player.play([asked.rollback('k1', 'b1')], true), player.rows()]).toEqual(['applied 100', ['rollback 10', 'close 0']]);
    expect(player.bet('b2', 1n)).toBe('ROUND_CLOSED 100');
  });

  it.each(['refuse', 'skip'] as const)('with an action that its rollback overtook: %s', (tombstonedAction) => {
    const player = new Judged({ tombstonedAction });
    player.rollback('k', 'b1');
    const answer = player.play([asked.bet('b1', 10n), asked.bet('b2', 20n), asked.win('w2', 5n)]);
    if (tombstonedAction === 'refuse') {
      expect([answer, player.bet('b2', 20n)]).toEqual(['ROLLED_BACK [0] 100', 'applied 80']);
      return;
    }
    expect(answer).toBe('ignored,applied,applied 85');
    const { receipts } = player.last.answer as unknown as { receipts: object[] };
    expect(receipts[0]).toMatchObject({ transactionId: '', outcome: 'ignored', ignoredBecause: 'undone', amount: 0n, balance: 100n, reference: 'b1' });
    expect(player.bet('b1', 10n)).toBe('ROLLED_BACK 85');
  });
});

describe('a rollback without a currency', () => {
  it('means its original’s, else the session’s, else the first of the player’s wallets', () => {
    const player = new Judged();
    player.bet('b', 10n, { currency: 'JPY' });
    player.rollback('k1', 'b');
    expect(player.receipt).toMatchObject({ currency: 'JPY', balance: 100n, amount: 10n });
    for (const [i, session] of ['JPY', 'KWD', undefined].entries()) {
      player.rollback(`k${i}x`, `nobody ${i}`, {}, session);
      expect(player.receipt.currency).toBe(i === 0 ? 'JPY' : 'EUR');
    }
    expect(player.rollback('k2', 'b', { currency: 'KWD' })).toBe('CURRENCY_MISMATCH -');
  });
});
