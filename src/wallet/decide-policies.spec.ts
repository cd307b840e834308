import { describe, expect, it } from '@jest/globals';
import { fingerprint } from '../../libs/crypto/index.ts';
import { ALONE, asked, Judged, PLAYER } from '../../test/support/judged.ts';
import { claimOf, type Holder } from './state.ts';

// Everybody starts with 100 at version 1.

describe('how far a reference reaches', () => {
  it('`operation`: a bet, a win, an award, an adjustment and a rollback may share it', () => {
    const player = new Judged();
    expect([player.bet('x', 10n), player.win('x', 5n), player.win('x', 1n, { operation: 'award', award: 'jackpot', ...ALONE })]).toEqual(['applied 90', 'applied 95', 'applied 96']);
    expect([player.adjust('x', 2n), player.rollback('x', 'nobody')]).toEqual(['applied 98', 'tombstoned 98']);
  });

  it.each(['player', 'global'] as const)('`%s`: it is one thing of the player, also where that was refused, and a rollback’s own id counts', (idScope) => {
    const player = new Judged({ idScope });
    player.bet('x', 10n);
    for (const again of [() => player.win('x', 5n), () => player.adjust('x', 1n), () => player.rollback('x', 'nobody'), () => player.win('x', 1n, { award: 'jackpot', operation: 'award' })]) {
      expect(again()).toBe('TRANSACTION_CONFLICT 90');
    }
    expect(player.bet('x', 10n)).toBe('replayed 90');
    player.bet('poor', 91n);
    expect(player.win('poor', 5n)).toBe('TRANSACTION_CONFLICT 90');
    player.rollback('k', 'x');
    expect([player.bet('k', 1n), player.bet('k', 1n)]).toEqual(['TRANSACTION_CONFLICT 100', 'TRANSACTION_CONFLICT 100']);
    expect(player.state.keys.filter(({ operation, key }) => operation === 'bet' && key === fingerprint('k'))).toEqual([]);
  });

  it('`player`: a rollback that bears its original’s id undoes it, before and behind it', () => {
    const player = new Judged({ idScope: 'player' });
    player.bet('x', 10n);
    expect([player.rollback('x', 'x'), player.rollback('x', 'x')]).toEqual(['applied 100', 'replayed 100']);
    expect([player.rollback('y', 'y'), player.bet('y', 1n)]).toEqual(['tombstoned 100', 'ROLLED_BACK 100']);
  });

  it('`player`: a rollback of a bet by an id that is a win’s is a conflict and bars nothing', () => {
    const player = new Judged({ idScope: 'player', winNeeds: 'nothing' });
    player.win('x', 5n);
    expect(player.rollback('k', 'x', { originalType: 'bet' })).toBe('TRANSACTION_CONFLICT 105');
    expect(player.rollback('k', 'x', { originalType: 'win' })).toBe('applied 100');
  });

  it('`global`: what another player holds is a conflict, what the same player claimed for the same goes on', () => {
    const holder = (reference: string, of: Holder): [string, Holder] => [claimOf(7, fingerprint(reference)), of];
    const other = '0197f0c0-0000-7000-8000-000000000002';
    const player = new Judged({ idScope: 'global' }, { holders: new Map([
      holder('theirs', { player: other, operation: 'bet' }), holder('mine', { player: PLAYER, operation: 'bet' }), holder('my win', { player: PLAYER, operation: 'win' }),
    ]) });
    expect([player.bet('theirs', 1n), player.rollback('k', 'theirs'), player.bet('my win', 1n), player.bet('mine', 1n)]).toEqual([
      'TRANSACTION_CONFLICT 100', 'TRANSACTION_CONFLICT 100', 'TRANSACTION_CONFLICT 100', 'applied 99',
    ]);
    expect(player.rollback('k', 'my win')).toBe('tombstoned 99');
  });

  it('a play that meets a conflict leaves nothing behind', () => {
    const player = new Judged({ idScope: 'player' });
    player.bet('x', 10n);
    expect(player.play([asked.bet('b1', 1n), asked.win('x', 5n)])).toBe('TRANSACTION_CONFLICT [1] 90');
    expect(player.bet('b1', 1n)).toBe('applied 89');
  });

  it('a play that is refused for funds remembers none of its bets under an id that is something else', () => {
    const player = new Judged({ idScope: 'player' });
    player.win('x', 5n, { award: 'jackpot' });
    expect(player.play([asked.bet('b1', 200n), asked.bet('x', 1n)])).toBe('INSUFFICIENT_FUNDS [0] 105');
    expect(player.state.keys.map(({ operation, outcome }) => `${operation} ${outcome}`)).toEqual(['win applied', 'bet refused']);
  });
});

describe('a round', () => {
  it('is told apart by its game only where the policy says so', () => {
    for (const [roundScope, answer] of [['account', 'ROUND_CLOSED 90'], ['game', 'applied 80']] as const) {
      const player = new Judged({ roundScope });
      player.bet('b1', 10n, { game: 'g', closeRound: true });
      expect(player.bet('b2', 10n, { game: 'h' })).toBe(answer);
    }
  });

  it('under `game` is closed, cancelled and won by its game', () => {
    const player = new Judged({ roundScope: 'game' });
    for (const game of ['g', 'h']) player.bet(`b ${game}`, 10n, { game });
    expect([player.close('r', 'g'), player.cancel('r', 'h'), player.close('r')]).toEqual(['closed 80', 'cancelled 90', 'unknown 90']);
    expect([player.win('w1', 5n, { game: 'g' }), player.win('w2', 5n, { game: 'h' })]).toEqual(['applied 95', 'ROLLED_BACK 95']);
    expect(player.play([asked.bet('b3', 1n, { game: 'g' })])).toBe('ROUND_CLOSED [0] 95');
  });

  it('bears the bytes of its id alone otherwise', () => {
    const player = new Judged();
    player.bet('b1', 10n);
    expect(player.state.rounds.map(({ key }) => key)).toEqual([fingerprint('r')]);
  });
});

describe('`winAfterRollback`', () => {
  const undone = (winAfterRollback: 'accept' | 'refuse', winNeeds: 'bet' | 'round' = 'round') => {
    const player = new Judged({ winAfterRollback, winNeeds });
    player.bet('b1', 10n);
    player.rollback('k1', 'b1');
    player.rollback('k2', 'late');
    return player;
  };

  it.each([['refuse', 'ROLLED_BACK 100'], ['accept', 'applied 105']] as const)('%s: of an undone bet, of one that its rollback overtook, of a round of undone bets', (policy, answer) => {
    for (const about of [{ bet: 'b1' }, { bet: 'late', round: 'r2' }, {}]) expect(undone(policy).win('w', 5n, about)).toBe(answer);
  });

  it('accepts none for a bet that never was', () => {
    expect(undone('accept').win('w', 5n, { bet: 'nobody' })).toBe('BET_NOT_FOUND 100');
    expect(undone('accept', 'bet').win('w', 5n)).toBe('BET_NOT_FOUND 100');
  });

  it('settles nothing with it: the next bet of the round may be undone, and so may the win', () => {
    const player = undone('accept');
    player.win('w', 5n, { bet: 'b1' });
    player.bet('b2', 10n);
    expect(player.state.rounds).toMatchObject([{ bets: 2, undone: 1, named: 0 }]);
    expect([player.rollback('k3', 'b2'), player.rollback('k4', 'w')]).toEqual(['applied 105', 'applied 100']);
  });
});

describe('a refused bet', () => {
  it('is judged again under its own id where the policy says so, and its rollback undoes it then', () => {
    const player = new Judged({ refusedBet: 'judge-again' });
    expect([player.bet('b', 150n), player.bet('b', 150n)]).toEqual(['INSUFFICIENT_FUNDS 100', 'INSUFFICIENT_FUNDS 100']);
    player.deposit('d', 50n);
    expect([player.bet('b', 149n), player.bet('b', 150n), player.bet('b', 150n)]).toEqual(['TRANSACTION_CONFLICT 150', 'applied 0', 'replayed 0']);
    expect(player.state.keys.filter(({ operation }) => operation === 'bet')).toMatchObject([{ outcome: 'applied', amount: -150n }]);
    expect(player.rollback('k', 'b')).toBe('applied 150');
  });

  it('is final by default, in a play too', () => {
    const [final, again] = [new Judged(), new Judged({ refusedBet: 'judge-again' })];
    for (const player of [final, again]) {
      player.bet('b', 150n);
      player.deposit('d', 50n);
    }
    expect([final.play([asked.bet('b', 150n)]), again.play([asked.bet('b', 150n)])]).toEqual(['INSUFFICIENT_FUNDS [0] 150', 'applied 0']);
  });
});

describe('the amount sent along with a rollback', () => {
  it.each([['must-match', 'TRANSACTION_CONFLICT 90'], ['ignore', 'applied 100']] as const)('%s', (rollbackAmount, answer) => {
    const player = new Judged({ rollbackAmount });
    player.bet('b', 10n);
    expect(player.rollback('k', 'b', { amount: 9n })).toBe(answer);
  });
});

describe('a session', () => {
  it('is needed by a bet where the policy requires one, and by nothing else', () => {
    const player = new Judged({ session: 'required' }, { sessions: [Judged.session('s')] });
    expect([player.bet('b1', 1n), player.betIn('s', 'b2', 1n), player.win('w', 5n), player.rollback('k', 'w')]).toEqual([
      'SESSION_NOT_FOUND 100', 'applied 99', 'applied 104', 'applied 99',
    ]);
  });

  it('is not looked at where the policy wants none', () => {
    expect(new Judged({ session: 'none' }).bet('b', 1n, { sessionToken: 'any' })).toBe('applied 99');
    expect(new Judged().bet('b', 1n, { sessionToken: 'any' })).toBe('SESSION_NOT_FOUND 100');
  });

  it('that is superseded is another refusal than one that is over', () => {
    const player = new Judged({}, { sessions: [Judged.session('s', { standing: 'superseded' }), Judged.session('o', { standing: 'over' })] });
    expect([player.betIn('s', 'b1', 1n), player.betIn('o', 'b2', 1n), player.betIn('o', 'b2', 1n)]).toEqual(['SESSION_SUPERSEDED 100', 'SESSION_EXPIRED 100', 'SESSION_EXPIRED 100']);
  });

  it('ends the one that it replaces when it is first used, also in the same batch and by a bet that is refused', () => {
    const player = new Judged({}, { sessions: [Judged.session('old'), Judged.session('new', { replaces: 'old' })] });
    expect([player.betIn('old', 'b1', 1n), player.last.draft?.superseded]).toEqual(['applied 99', []]);
    expect([player.betIn('new', 'b2', 100n), player.last.draft?.superseded]).toEqual(['INSUFFICIENT_FUNDS 99', ['old']]);
    expect([player.betIn('old', 'b3', 1n), player.betIn('new', 'b4', 1n), player.last.draft?.superseded]).toEqual(['SESSION_SUPERSEDED 99', 'applied 98', []]);
  });

  it('has its expiry moved by the first bet that is accepted, and only by it', () => {
    const player = new Judged({}, { sessions: [Judged.session('s', { slides: true })] });
    const slid = (reference: string, amount: bigint) => [player.betIn('s', reference, amount), player.last.draft?.slid];
    expect([slid('b1', 101n), slid('b2', 1n), slid('b3', 1n)]).toEqual([['INSUFFICIENT_FUNDS 100', []], ['applied 99', ['s']], ['applied 98', []]]);
  });
});

describe('a play that closes its round', () => {
  const open = (policy: ConstructorParameters<typeof Judged>[0] = {}) => {
    const player = new Judged(policy);
    player.bet('b', 10n);
    return player;
  };
  const closing = (player: Judged, ...actions: Parameters<Judged['play']>[0]) => [player.play(actions, true), player.state.rounds.map(({ state }) => state).join()];

  it('does so with a tombstone, with a second rollback of what is undone, and with one of what was refused: all are new', () => {
    expect(closing(open(), asked.rollback('k', 'late'))).toEqual(['tombstoned 90', 'closed']);
    const [undone, refused] = [open(), open()];
    undone.rollback('k1', 'b');
    expect(closing(undone, asked.rollback('k2', 'b'))).toEqual(['replayed 100', 'closed']);
    refused.bet('poor', 500n);
    expect(closing(refused, asked.rollback('k', 'poor'))).toEqual(['ignored 90', 'closed']);
  });

  it('does nothing when it comes again, also where the round was unknown the first time', () => {
    const player = new Judged();
    expect(closing(player, asked.rollback('k', 'late'))).toEqual(['tombstoned 100', '']);
    player.bet('b', 10n);
    expect(closing(player, asked.rollback('k', 'late'))).toEqual(['replayed 90', 'open']);
  });

  it('does nothing with actions that are skipped alone: they are known, and so is their repetition', () => {
    const player = open({ tombstonedAction: 'skip' });
    player.rollback('k', 'late');
    expect(closing(player, asked.bet('late', 1n))).toEqual(['ignored 90', 'open']);
    expect(closing(player, asked.bet('late', 1n), asked.bet('b2', 1n))).toEqual(['ignored,applied 89', 'closed']);
  });

  it('finds it by the game that it names, where rounds are told apart by it, and writes that down', () => {
    const player = open({ roundScope: 'game' });
    player.rows();
    expect([player.play([asked.rollback('k1', 'late')], true, 'h'), player.state.rounds[0]?.state]).toEqual(['tombstoned 90', 'open']);
    expect([player.play([asked.rollback('k2', 'b')], true, 'g'), player.state.rounds[0]?.state]).toEqual(['applied 100', 'closed']);
    expect(player.entries.map(({ kind, game }) => `${kind} ${game}`)).toEqual(['rollback undefined', 'close g']);
  });
});

it('a play that bars a bet and then places it is refused for that, and remembers nothing', () => {
  const player = new Judged();
  const asks = () => player.play([asked.rollback('k', 'b'), asked.bet('b', 10n)]);
  expect([asks(), asks()]).toEqual(['ROLLED_BACK [1] 100', 'ROLLED_BACK [1] 100']);
  expect(player.state.keys).toEqual([]);
});
