import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { winOf } from '../../src/wallet/movements.ts';
import { laneGround, type LaneSeat } from '../support/lanes.ts';
import { allRoles, Reader } from '../support/reader.ts';
import { serveHere, type InProcess } from '../support/server.ts';

// What not every dialect can say, as the operator's API tells it: debts, adjustments, awards, reversals, cancelled rounds, rounds told apart by
// their games. Everybody starts with 100.00 EUR at version 1.

const POLICIES = {
  native: {}, reverse: { rollbackAfterWin: 'reverse' }, game: { roundScope: 'game', winNeeds: 'nothing' }, gameByDialect: { roundScope: 'game' },
} as const;
const here = laneGround(Object.values(POLICIES).map((policy) => ({ deadlineMs: 10_000, ...policy })), 12);
const under = (policy: keyof typeof POLICIES): LaneSeat => here.seat(Object.keys(POLICIES).indexOf(policy));
let served: InProcess;
let reader: Reader;

beforeAll(async () => {
  served = await serveHere(here.database, allRoles(here.database));
  reader = await Reader.of(here.world.operators[0] as string, here.database, served.baseUrl);
});
afterAll(() => served?.close());

const list = async ({ player }: LaneSeat, query = '') => (await reader.get(`/v1/players/${player}/wallets/EUR/transactions?order=asc${query}`)).body.items;
const known = async ({ player }: LaneSeat, reference: string) => (await reader.get(`/v1/players/${player}/transactions?reference=${reference}`)).body.items;
const round = ({ player, account }: LaneSeat, query = '') => reader.get(`/v1/players/${player}/rounds/${account.accountId}/r${query}`);
const short = (items: any[]) => items.map(({ kind, amount, debt, reference, closesRound }) =>
  [kind, amount, debt && `owes ${debt}`, reference ?? 'unnamed', closesRound && 'closes'].filter(Boolean).join(' '));

describe('what a player owes', () => {
  it('stands in the list, under its reference and by its id, and nowhere else', async () => {
    const anna = under('native');
    expect([await anna.adjust('a', -130), await anna.rollback('k', 'a', { originalType: 'adjustment' }), await anna.adjust('b', 5)]).toEqual([
      'applied 0 owes 30', 'applied 100', 'applied 105',
    ]);
    const rows = await list(anna);
    expect(short(rows).slice(1)).toEqual(['adjustment -100.00 owes 30.00 a', 'rollback 100.00 owes -30.00 k', 'adjustment 5.00 b']);
    expect(rows.filter((row: object) => 'debt' in row)).toHaveLength(2);
    expect(short(await list(anna, '&kind=adjustment'))).toEqual(['adjustment -100.00 owes 30.00 a', 'adjustment 5.00 b']);
    const [[adjustment], [rollback], [plain]] = await Promise.all(['a', 'k', 'b'].map((reference) => known(anna, reference)));
    expect(adjustment).toMatchObject({ operations: ['adjustment'], outcome: 'applied', amount: '-100.00', debt: '30.00', undoneBy: rollback.transactionId, transaction: rows[1] });
    expect(rollback).toMatchObject({ operations: ['rollback'], amount: '100.00', debt: '-30.00', transaction: { undoes: adjustment.transactionId, debt: '-30.00' } });
    expect([plain.amount, 'debt' in plain]).toEqual(['5.00', false]);
    expect((await reader.get(`/v1/transactions/${adjustment.transactionId}`)).body).toEqual(rows[1]);
  });

  it('is said of the rollback that came second, too', async () => {
    const ben = under('native');
    await ben.adjust('a', 50);
    await ben.bet('b', 120);
    expect([await ben.rollback('k1', 'a', { originalType: 'adjustment' }), await ben.rollback('k2', 'a', { originalType: 'adjustment' })]).toEqual([
      'applied 0 owes 20', 'replayed 0 owes 20',
    ]);
    expect(await known(ben, 'k2')).toMatchObject([{ operations: ['rollback'], outcome: 'repeated', amount: '-30.00', debt: '20.00' }]);
  });
});

it('an award in its own name space is told from the win of the same id', async () => {
  const cleo = under('native');
  await cleo.bet('x', 10);
  await cleo.win('x', 4, { bet: 'x' });
  await cleo.total('x', 7, 'spring');
  const items = await known(cleo, 'x');
  expect(items.map(({ operations, amount, transaction: { kind } }: any) => `${operations} ${amount} ${kind}`)).toEqual(['bet -10.00 bet', 'win 4.00 win', 'award 7.00 promo_win']);
  expect((await reader.get(`/v1/players/${cleo.player}/transactions?reference=x&operation=award`)).body.items).toEqual([items[2]]);
});

describe('a round', () => {
  it('that is cancelled says so, with a row for each bet that was undone and one for the cancelling', async () => {
    const dora = under('native');
    await dora.bet('b1', 10);
    await dora.bet('other', 1, { round: 'r2' });
    await dora.bet('b2', 20);
    await dora.adjust('a', 3, { round: 'r' });
    expect(await dora.cancel()).toBe('cancelled 102');
    const { body } = await round(dora);
    expect(body).toMatchObject({ state: 'cancelled', staked: '0.00', won: '0.00', bets: 2, undoneBets: 2 });
    expect(short(body.items)).toEqual(['bet -10.00 b1', 'bet -20.00 b2', 'adjustment 3.00 a', 'rollback 20.00 unnamed', 'rollback 10.00 unnamed', 'cancel 0.00 unnamed']);
    expect(body.items.map(({ undoes }: any) => undoes).slice(3, 5)).toEqual([body.items[1].transactionId, body.items[0].transactionId]);
    expect(short(await list(dora, '&kind=cancel'))).toEqual(['cancel 0.00 unnamed']);
  });

  it('whose settled bet is undone shows the wins undone first', async () => {
    const emil = under('reverse');
    await emil.bet('b', 10);
    await emil.win('w', 30, { bet: 'b' });
    expect(await emil.rollback('k', 'b')).toBe('applied 100');
    expect(short((await round(emil)).body.items)).toEqual(['bet -10.00 b', 'win 30.00 w', 'rollback -30.00 unnamed', 'rollback 10.00 k']);
  });
});

describe('rounds that are told apart by their games', () => {
  const WHICH = 'this provider account tells rounds apart by game too: which one is meant is said by `gameId`';

  it('are two under one id, each with its own rows, however they came between each other', async () => {
    const fay = under('game');
    await fay.bet('b1', 10);
    await fay.bet('b2', 20, { game: 'game-2' });
    await fay.win('w1', 5, { bet: 'b1' });
    await fay.rollback('k2', 'b2');
    await fay.close('r', 'game-1');
    const [one, two] = [await round(fay, '?gameId=game-1'), await round(fay, '?gameId=game-2')];
    expect([one.body.gameId, one.body.state, one.body.staked, ...short(one.body.items)]).toEqual([
      'game-1', 'closed', '10.00', 'bet -10.00 b1', 'win 5.00 w1', 'close 0.00 unnamed closes',
    ]);
    expect([two.body.gameId, two.body.state, two.body.staked, ...short(two.body.items)]).toEqual(['game-2', 'open', '0.00', 'bet -20.00 b2', 'rollback 20.00 k2']);
    const [none, other] = [await round(fay), await round(fay, '?gameId=game-3')];
    expect([none.status, none.body.code, none.body.detail]).toEqual([404, 'NOT_FOUND', WHICH]);
    expect([other.status, other.body.code]).toEqual([404, 'NOT_FOUND']);
    expect(other.body.detail).not.toBe(WHICH);
  });

  it('are found without one where their calls name none', async () => {
    const gus = under('game');
    const { game: _, ...nameless } = { game: 'none', kind: 'win', currency: 'EUR', amount: 5_000_000n, round: 'r', closeRound: false } as const;
    const win = (reference: string) => gus.say(winOf(gus.account, { ...nameless, reference }));
    expect([await win('w1'), await gus.bet('b', 10), await win('w2')]).toEqual(['applied 105', 'applied 95', 'applied 100']);
    const { body } = await round(gus);
    expect(['gameId' in body, body.won, ...short(body.items)]).toEqual([false, '10.00', 'win 5.00 w1', 'win 5.00 w2']);
  });

  it('are asked for by game also where only the dialect says so', async () => {
    const hugo = under('gameByDialect');
    await hugo.bet('b', 10);
    await here.sql("update provider_account set dialect = 'softswiss', policy = '{}' where account_id = $1", [hugo.account.accountId]);
    expect((await round(hugo)).body.detail).toBe(WHICH);
    expect((await round(hugo, '?gameId=game-1')).body).toMatchObject({ gameId: 'game-1', staked: '10.00' });
  });

  it('are no matter where an id is enough: the game is not looked at, nor said', async () => {
    const ida = under('native');
    await ida.bet('b', 10);
    const [without, right, wrong] = [await round(ida), await round(ida, '?gameId=game-1'), await round(ida, '?gameId=game-2')];
    expect([right.plain, wrong.plain, 'gameId' in without.body]).toEqual([without.plain, without.plain, false]);
    for (const query of ['?gameId=', '?gameId=a&gameId=b', `?gameId=${'x'.repeat(129)}`, '?game=game-1']) {
      expect([query, (await round(ida, query)).body.code]).toEqual([query, 'REQUEST_INVALID']);
    }
  });
});
