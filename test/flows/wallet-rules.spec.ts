import { describe, expect, it } from '@jest/globals';
import { tokenHash } from '../../libs/crypto/index.ts';
import { verify } from '../../src/wallet/verify.ts';
import { asked } from '../support/judged.ts';
import { laneGround, type LaneSeat } from '../support/lanes.ts';

// What the rules say, through the lanes and out of the tables again. Everybody starts with 100 EUR at version 1.
const POLICIES = {
  native: {}, reverse: { rollbackAfterWin: 'reverse' }, again: { refusedBet: 'judge-again' }, game: { roundScope: 'game' }, total: { freeRounds: 'total' },
  required: { session: 'required' }, late: { winAfterRollback: 'accept' }, skip: { tombstonedAction: 'skip' },
} as const;
const here = laneGround(Object.values(POLICIES).map((policy) => ({ deadlineMs: 10_000, ...policy })), 60);
const under = (policy: keyof typeof POLICIES) => here.seat(Object.keys(POLICIES).indexOf(policy));
const EUR = 1_000_000n;
const bet = (reference: string, amount: number) => asked.bet(reference, BigInt(amount) * EUR, { game: 'game-1' });
const ledger = async ({ player }: LaneSeat) => (await here.sql<{ row: string }>(
  `select concat_ws(' ', kind, (amount / 1000000)::int, 'owes ' || (debt / 1000000)::int) as row from transaction where player_id = $1 and version > 1 order by version`,
  [player])).map(({ row }) => row);

describe('debts', () => {
  it('outlive the batch: a spent win is owed, said again, and keeps withdrawals off', async () => {
    const seat = under('native');
    await seat.bet('b1', 10);
    await seat.win('w1', 50, { bet: 'b1' });
    await seat.bet('b2', 120, { round: 'r2' });
    expect([await seat.rollback('k1', 'w1'), await seat.rollback('k1', 'w1'), await seat.rollback('k2', 'w1')]).toEqual([
      'applied 0 owes 30', 'replayed 0 owes 30', 'replayed 0 owes 30',
    ]);
    expect([await seat.deposit('d', 50), await seat.withdraw('o', 1), await seat.bet('b3', 5, { round: 'r3' })]).toEqual(['applied 50', 'INSUFFICIENT_FUNDS 50', 'applied 45']);
    expect((await ledger(seat)).slice(3)).toEqual(['rollback -20 owes 30', 'deposit 50', 'bet -5']);
  });

  it('made and undone within one batch', async () => {
    const seat = under('native');
    const answers = await Promise.all([
      seat.win('j', 50, { award: 'jackpot' }), seat.bet('b', 140), seat.rollback('k', 'j'), seat.adjust('a', -20), seat.rollback('ka', 'a', { originalType: 'adjustment' }),
      seat.rollback('k2', 'j'),
    ]);
    expect(answers).toEqual(['applied 150', 'applied 10', 'applied 0 owes 40', 'applied 0 owes 20', 'applied 0', 'replayed 0 owes 40']);
    expect(await seat.rollback('k3', 'j')).toBe('replayed 0 owes 40');
  });

  it('of an adjustment are forgiven with it, batches later', async () => {
    const seat = under('native');
    expect([await seat.adjust('a', -130), await seat.adjust('a', -130), await seat.rollback('k', 'a', { originalType: 'adjustment' })]).toEqual([
      'applied 0 owes 30', 'replayed 0 owes 30', 'applied 100',
    ]);
    expect(await ledger(seat)).toEqual(['adjustment -100 owes 30', 'rollback 100 owes -30']);
  });
});

describe('reversals', () => {
  it('find the wins of a bet, each in a batch of its own and in other rounds, and leave out the undone', async () => {
    const seat = under('reverse');
    await seat.bet('b', 10);
    for (const [i, round] of ['r', 'r2', 'r', 'r3'].entries()) await seat.win(`w${i}`, 5, { bet: 'b', round });
    await seat.rollback('kw', 'w2');
    expect([await seat.rollback('k', 'b'), await seat.rollback('k', 'b'), await seat.rollback('k2', 'w0')]).toEqual(['applied 100', 'replayed 100', 'replayed 100']);
    expect((await ledger(seat)).slice(5)).toEqual(['rollback -5', 'rollback -5', 'rollback -5', 'rollback -5', 'rollback 10']);
  });

  it('within one batch', async () => {
    const seat = under('reverse');
    expect(await Promise.all([seat.bet('b', 10), seat.win('w', 30, { bet: 'b' }), seat.rollback('k', 'b'), seat.win('w2', 1, { bet: 'b' })])).toEqual([
      'applied 90', 'applied 120', 'applied 100', 'ROLLED_BACK 100',
    ]);
  });

  it('cancel a round with bets of several batches and of this one, once', async () => {
    const seat = under('native');
    await seat.bet('b1', 10);
    await seat.bet('other', 1, { round: 'r2' });
    await seat.bet('b2', 20);
    await seat.win('w2', 5, { bet: 'b2' });
    await seat.rollback('k1', 'b1');
    expect(await Promise.all([seat.bet('b3', 30), seat.cancel(), seat.bet('b4', 1), seat.cancel()])).toEqual(['applied 54', 'cancelled 84', 'ROLLED_BACK 84', 'cancelled 84']);
    expect((await ledger(seat)).slice(5)).toEqual(['bet -30', 'rollback 30', 'cancel 0']);
    expect([await seat.rollback('k3', 'b3'), await seat.rollback('k4', 'b4')]).toEqual(['replayed 84', 'ignored 84']);
  });

  it('cancel a round that nobody has seen, and keep it cancelled', async () => {
    const seat = under('native');
    expect([await seat.cancel('new'), await seat.bet('b', 1, { round: 'new' }), await seat.bet('b', 1, { round: 'new' }), await seat.close('new')]).toEqual([
      'cancelled 100', 'ROLLED_BACK 100', 'ROLLED_BACK 100', 'cancelled 100',
    ]);
  });
});

describe('keys', () => {
  it('of a refused bet that is judged again become those of an applied one, in later batches and in the same', async () => {
    const [seat, other] = [under('again'), under('again')];
    expect([await seat.bet('b', 150), await seat.deposit('d', 60), await seat.bet('b', 150), await seat.bet('b', 150), await seat.win('w', 5, { bet: 'b' })]).toEqual([
      'INSUFFICIENT_FUNDS 100', 'applied 160', 'applied 10', 'replayed 10', 'applied 15',
    ]);
    expect(await Promise.all([other.bet('b', 150), other.deposit('d', 60), other.bet('b', 150), other.rollback('k', 'b')])).toEqual([
      'INSUFFICIENT_FUNDS 100', 'applied 160', 'applied 10', 'applied 160',
    ]);
    const again = under('again');
    await again.bet('b', 150);
    expect(await Promise.all([again.deposit('d', 60), again.bet('b', 150), again.win('w', 5, { bet: 'b' }), again.rollback('k', 'w')])).toEqual([
      'applied 160', 'applied 10', 'applied 15', 'applied 10',
    ]);
  });

  it('of a campaign are found again, and so is whether its total was undone', async () => {
    const seat = under('total');
    expect([await seat.total('t1', 30, '7'), await seat.total('t2', 30, '7'), await seat.total('t3', 31, '7'), await seat.bet('7', 1)]).toEqual([
      'applied 130', 'replayed 130', 'TRANSACTION_CONFLICT 130', 'applied 129',
    ]);
    expect([await seat.rollback('k', 't1', { originalType: 'award' }), await seat.total('t2', 30, '7')]).toEqual(['applied 99', 'ROLLED_BACK 99']);
  });

  it('of a campaign paid round by round are found again by each of its wins and by its total, batches later and within one', async () => {
    const seat = under('native');
    const free = { award: 'free_rounds', campaign: '7' } as const;
    expect([await seat.win('w1', 5, free), await seat.total('t', 30, '7'), await seat.win('w2', 6, free), await seat.win('w1', 5, free)]).toEqual([
      'applied 105', 'TRANSACTION_CONFLICT 105', 'applied 111', 'replayed 111',
    ]);
    expect([await seat.rollback('k1', 'w1'), await seat.rollback('k2', 'w2'), await seat.total('t', 30, '7'), await seat.win('w3', 7, free)]).toEqual([
      'applied 106', 'applied 100', 'TRANSACTION_CONFLICT 100', 'applied 107',
    ]);
    const other = under('native');
    expect(await Promise.all([other.win('w1', 5, free), other.win('w2', 6, free), other.total('t', 30, '7')])).toEqual(['applied 105', 'applied 111', 'TRANSACTION_CONFLICT 111']);
    const keys = await here.sql<{ operation: string }>(
      'select operation::text from transaction_key where player_id = $1 and account_id = $2 order by 1', [other.player, other.account.accountId]);
    expect(keys.map(({ operation }) => operation)).toEqual(['award', 'win', 'win']);
  });

  it('of a campaign paid as a total keep its rounds off, also those that settle a bet', async () => {
    const seat = under('native');
    expect([await seat.bet('f', 5, { free: true, campaign: '7' }), await seat.total('t', 30, '7')]).toEqual(['applied 100', 'applied 130']);
    const ofRound = seat.win('w', 5, { bet: 'f', campaign: '7' }).catch(({ message }: Error) => message);
    expect([await ofRound, await seat.win('w', 5, { bet: 'f' })]).toEqual(['TRANSACTION_CONFLICT 130', 'applied 135']);
  });

  it('of rounds that their games tell apart', async () => {
    const seat = under('game');
    expect([await seat.bet('b1', 10, { game: 'game-1', closeRound: true }), await seat.bet('b2', 10, { game: 'game-2' })]).toEqual(['applied 90', 'applied 80']);
    expect([await seat.win('w1', 5, { game: 'game-1' }), await seat.cancel('r', 'game-2'), await seat.close('r', 'game-1')]).toEqual(['applied 85', 'cancelled 95', 'closed 95']);
  });

  it('of wins that come for what was undone', async () => {
    const seat = under('late');
    await seat.bet('b', 10);
    await seat.rollback('k', 'b');
    expect([await seat.win('w', 5, { bet: 'b' }), await seat.win('w2', 5), await seat.rollback('k2', 'w')]).toEqual(['applied 105', 'applied 110', 'applied 105']);
  });

  it('of a play with rollbacks of bet and win, of the unknown, and with what was overtaken', async () => {
    const seat = under('skip');
    await seat.bet('b', 10);
    await seat.win('w', 30);
    expect(await seat.play([asked.rollback('k1', 'b'), asked.rollback('k2', 'w'), asked.rollback('k3', 'late')])).toBe('applied,applied,tombstoned 100');
    expect(await seat.play([bet('late', 5), bet('b2', 5)], true)).toBe('ignored,applied 95');
    expect(await seat.play([asked.rollback('k1', 'b'), asked.rollback('k4', 'b2')])).toBe('replayed,applied 100');
  });

  it('of a play of rollbacks alone that closes its round: once, in a row of its own, whatever it moved', async () => {
    const seat = under('native');
    await seat.bet('b', 10);
    const late = () => seat.play([asked.rollback('k1', 'late')], true);
    expect([await late(), await late(), await seat.bet('b2', 1), await seat.close()]).toEqual(['tombstoned 90', 'replayed 90', 'ROUND_CLOSED 90', 'closed 90']);
    expect(await ledger(seat)).toEqual(['bet -10', 'close 0']);
    const unknown = under('native');
    expect([await unknown.play([asked.rollback('k1', 'late')], true), await unknown.bet('b', 1), await unknown.play([asked.rollback('k1', 'late')], true), await unknown.bet('b2', 1)])
      .toEqual(['tombstoned 100', 'applied 99', 'replayed 99', 'applied 98']);
  });
});

describe('sessions', () => {
  const start = async (seat: LaneSeat, token: string, more = '') => here.sql(
    `insert into session (player_id, token_hash, operator_id, account_id, currency, expires_at${more && ', replaces, slide_s, state'})
     values ($1, sha256($2::bytea), $3, $4, 'EUR', now() + interval '10 minutes'${more && `, ${more}`})`,
    [seat.player, token, seat.account.operatorId, seat.account.accountId]);
  const row = async (token: string) => (await here.sql<{ state: string; ahead: number }>(
    `select state::text, round(extract(epoch from expires_at - now()) / 60)::int as ahead from session where token_hash = sha256($1::bytea)`, [token]))[0];

  it('the successor’s first use ends the one before it, for every process, and a bet without one is refused where it is required', async () => {
    const seat = under('required');
    await start(seat, 'old');
    await start(seat, 'new', `'\\x${tokenHash('old')}', null, 'active'`);
    expect([await seat.bet('b0', 1), await seat.bet('b1', 1, { sessionToken: 'old' }), await seat.bet('b2', 1, { sessionToken: 'new' })]).toEqual([
      'SESSION_NOT_FOUND 100', 'applied 99', 'applied 98',
    ]);
    expect([await row('old'), (await row('new'))?.state]).toEqual([{ state: 'superseded', ahead: 10 }, 'active']);
    expect([await seat.at(here.two).bet('b3', 1, { sessionToken: 'old' }), await seat.bet('b1', 1, { sessionToken: 'old' }), await seat.win('w', 1)]).toEqual([
      'SESSION_SUPERSEDED 98', 'replayed 98', 'applied 99',
    ]);
  });

  it('both in one batch: the old token’s bet behind the new one’s is refused, the one before it is not', async () => {
    const seat = under('native');
    await start(seat, 'old 2');
    await start(seat, 'new 2', `'\\x${tokenHash('old 2')}', null, 'active'`);
    const tokens = ['old 2', 'new 2', 'old 2'];
    expect(await Promise.all(tokens.map((sessionToken, i) => seat.bet(`b${i}`, 1, { sessionToken })))).toEqual(['applied 99', 'applied 98', 'SESSION_SUPERSEDED 98']);
  });

  it('an accepted bet moves the expiry to 30 minutes ahead, a refused one does not, and the next moves nothing', async () => {
    const seat = under('native');
    await start(seat, 'slides', `null, 1800, 'active'`);
    await seat.bet('b0', 101, { sessionToken: 'slides' });
    expect((await row('slides'))?.ahead).toBe(10);
    await seat.bet('b1', 1, { sessionToken: 'slides' });
    expect((await row('slides'))?.ahead).toBe(30);
    const [before] = await here.sql('select expires_at::text, xmin::text from session where token_hash = sha256($1)', ['slides']);
    await seat.bet('b2', 1, { sessionToken: 'slides' });
    expect((await here.sql('select expires_at::text, xmin::text from session where token_hash = sha256($1)', ['slides']))[0]).toEqual(before);
  });

  it('with a fixed expiry stay as they are', async () => {
    const seat = under('native');
    await start(seat, 'fixed');
    await seat.bet('b', 1, { sessionToken: 'fixed' });
    expect((await row('fixed'))?.ahead).toBe(10);
  });
});

it('all of it is well afterwards', async () => {
  const wrong = (await verify(here.database.url('croupier_worker'))).flatMap(({ invariant, violations }) => violations.map(({ what }) => `${invariant} ${what}`));
  expect([wrong, here.alerts]).toEqual([[], []]);
});
