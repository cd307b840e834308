import { expect, it } from '@jest/globals';
import { verify } from '../../src/wallet/verify.ts';
import { laneGround } from '../support/lanes.ts';

// Two processes serve one wallet; another session holds it until both of them wait for it. Everybody starts with 100 EUR.
const here = laneGround([{ rollbackAfterWin: 'reverse', freeRounds: 'total', deadlineMs: 10_000 }, { deadlineMs: 10_000 }], 60);
const EITHER = 1;
const TIMES = 4;

it('a bet that is reversed while another win of it comes is undone with both, or with the one that was there', async () => {
  for (let i = 0; i < TIMES; i++) {
    const seat = here.seat();
    await seat.bet('b', 10);
    await seat.win('w1', 30, { bet: 'b' });
    const [win, rollback] = await here.race(seat, ({ win: pay }) => pay('w2', 5, { bet: 'b' }), ({ rollback: undo }) => undo('k', 'b'));
    expect([['applied 125', 'applied 100'], ['ROLLED_BACK 100', 'applied 100']]).toContainEqual([win, rollback]);
    expect([await seat.win('w3', 5, { bet: 'b' }), await seat.rollback('k', 'b')]).toEqual(['ROLLED_BACK 100', 'replayed 100']);
  }
});

it('a total and its resend at once, under one id or two, are paid once', async () => {
  for (let i = 0; i < TIMES; i++) {
    const seat = here.seat();
    const answers = await here.race(seat, ({ total }) => total('t1', 30, 'spring'), ({ total }) => total(i % 2 ? 't1' : 't2', 30, 'spring'));
    expect(answers.toSorted()).toEqual(['applied 130', 'replayed 130']);
  }
});

it('two totals of one campaign that differ at once: one is paid, the other a conflict', async () => {
  const answers = await here.race(here.seat(), ({ total }) => total('t1', 30, 'spring'), ({ total }) => total('t2', 31, 'spring'));
  expect([['TRANSACTION_CONFLICT 130', 'applied 130'], ['TRANSACTION_CONFLICT 131', 'applied 131']]).toContainEqual(answers.toSorted());
});

it('a total and a win of one of its rounds at once: whichever is first is paid and decides the form, for good', async () => {
  for (let i = 0; i < TIMES; i++) {
    const seat = here.seat(EITHER);
    const [total, win] = await here.race(seat, ({ total: pay }) => pay('t', 30, 'spring'), ({ win: pay }) => pay('w', 5, { award: 'free_rounds', campaign: 'spring' }));
    expect([['applied 130', 'TRANSACTION_CONFLICT 130'], ['TRANSACTION_CONFLICT 105', 'applied 105']]).toContainEqual([total, win]);
    const isTotal = total === 'applied 130';
    expect([await seat.total('t', 30, 'spring'), await seat.at(here.two).win('w', 5, { award: 'free_rounds', campaign: 'spring' })])
      .toEqual(isTotal ? ['replayed 130', 'TRANSACTION_CONFLICT 130'] : ['TRANSACTION_CONFLICT 105', 'replayed 105']);
  }
});

it('the first two wins of a campaign round by round at once are both paid, and keep its total off', async () => {
  for (let i = 0; i < TIMES; i++) {
    const seat = here.seat(EITHER);
    const pay = (reference: string, amount: number) => ({ win }: typeof seat) => win(reference, amount, { award: 'free_rounds', campaign: 'spring' });
    const answers = await here.race(seat, pay('w1', 5), pay('w2', 6));
    expect([['applied 105', 'applied 111'], ['applied 106', 'applied 111']]).toContainEqual(answers.toSorted());
    expect(await seat.total('t', 11, 'spring')).toBe('TRANSACTION_CONFLICT 111');
  }
});

it('a round that is cancelled while a bet of it is under way leaves the player uncharged', async () => {
  for (let i = 0; i < TIMES; i++) {
    const seat = here.seat();
    await seat.bet('b1', 10);
    const [bet, cancel] = await here.race(seat, ({ bet: stake }) => stake('b2', 20), ({ cancel: stop }) => stop());
    expect([['applied 70', 'cancelled 100'], ['ROLLED_BACK 100', 'cancelled 100']]).toContainEqual([bet, cancel]);
    expect(await seat.bet('b2', 20)).toBe(bet === 'applied 70' ? 'replayed 100' : 'ROLLED_BACK 100');
  }
});

it('a win that is taken back while it is being spent: the rest is owed, or the bet is refused', async () => {
  for (let i = 0; i < TIMES; i++) {
    const seat = here.seat();
    await seat.win('j', 50, { award: 'jackpot' });
    const [bet, rollback] = await here.race(seat, ({ bet: stake }) => stake('b', 140), ({ rollback: undo }) => undo('k', 'j'));
    expect([['applied 10', 'applied 0 owes 40'], ['INSUFFICIENT_FUNDS 100', 'applied 100']]).toContainEqual([bet, rollback]);
    expect(await seat.rollback('k', 'j')).toBe(rollback === 'applied 100' ? 'replayed 100' : 'replayed 0 owes 40');
  }
});

it('an adjustment and its rollback at once end where they began', async () => {
  const seat = here.seat();
  const answers = await here.race(seat, ({ adjust }) => adjust('a', -130), ({ rollback }) => rollback('k', 'a', { originalType: 'adjustment' }));
  expect([['applied 0 owes 30', 'applied 100'], ['ROLLED_BACK 100', 'tombstoned 100']]).toContainEqual(answers);
});

it('all of it is well afterwards', async () => {
  const wrong = (await verify(here.database.url('croupier_worker'))).flatMap(({ invariant, violations }) => violations.map(({ what }) => `${invariant} ${what}`));
  expect([wrong, here.alerts]).toEqual([[], []]);
});
