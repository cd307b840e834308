import { describe, expect, it } from '@jest/globals';
import { reportsGround, units, type Planted } from './reports-ground.ts';

// Revenue of gaming days in Malta, whose days begin at 06:00, that is at 05:00Z in January.
const here = reportsGround({ players: { EUR: 1 }, policies: [{}, {}] }, { timeZone: 'Europe/Malta', dayStarts: '06:00' });

const of = (player: string, account = here.account.accountId) => (kind: Planted['kind'], amount: string, at: number | string, more: Partial<Planted> = {}): Planted =>
  ({ player, operator: here.operator, account, kind, amount: units(amount), at, game: 'game-1', round: 'r1', ...more });

describe('revenue of 14 January', () => {
  it('is bets of 10.00 and 5.00, a win of 9.00 and a bet of 3.00 rolled back: turnover 15.00, won 9.00, GGR 6.00, RTP 0.6, hold 0.4', async () => {
    const play = of(await here.newPlayer());
    const [, , undone] = await here.planter.plant(
      play('bet', '-10', '2026-01-14T05:00:00Z'), play('bet', '-5', '2026-01-14T12:00:00Z'), play('bet', '-3', '2026-01-14T12:00:01Z'), play('win', '9', '2026-01-15T04:59:59Z'));
    await here.planter.plant(play('rollback', '3', '2026-01-14T12:00:02Z', { game: undefined, undoes: undone?.id as string }));
    await here.follow();
    const { items, totals, ...rest } = await here.report('/v1/reports/revenue?from=2026-01-14&to=2026-01-14');
    expect(items).toEqual([{
      day: '2026-01-14', currency: 'EUR', bets: 3, freeBets: 0, undoneBets: 1, wins: 1, turnover: '15.00', won: '9.00', ggr: '6.00', rtp: '0.6000', hold: '0.4000',
      averageBet: '5.00', awarded: '0.00', adjusted: '0.00', deposited: '0.00', withdrawn: '0.00', rounds: { opened: 0, ended: 0 }, activePlayers: 1,
      players: '/v1/reports/revenue/players?from=2026-01-14&to=2026-01-14&currency=EUR',
      transactions: '/v1/reports/revenue/transactions?from=2026-01-14&to=2026-01-14&currency=EUR&late=false',
    }]);
    expect(totals).toMatchObject([{ currency: 'EUR', turnover: '15.00', activePlayers: 1 }]);
    expect(rest).toMatchObject({ from: '2026-01-14', to: '2026-01-14', timeZone: 'Europe/Malta', dayStarts: '06:00', activePlayers: 1 });
    const rows = await here.all(items[0].transactions);
    expect(rows.map(({ kind, amount, adds }) => [kind, amount, adds])).toEqual([
      ['bet', '-10.00', { bets: 1, turnover: '10.00' }], ['bet', '-5.00', { bets: 1, turnover: '5.00' }], ['bet', '-3.00', { bets: 1, turnover: '3.00' }],
      ['win', '9.00', { wins: 1, won: '9.00' }], ['rollback', '3.00', { undoneBets: 1, turnover: '-3.00' }],
    ]);
  });
});

const day = (report: any, date: string) => report.items.find((item: any) => item.day === date);

describe('what is late', () => {
  it('a bet of 4.00 of 20 January, rolled back on the 21st, leaves the 20th as it was and stands apart on the 21st', async () => {
    const play = of(await here.newPlayer());
    const [bet] = await here.planter.plant(play('bet', '-4', '2026-01-20T12:00:00Z'), play('bet', '-6', '2026-01-21T12:00:00Z'));
    await here.planter.plant(play('rollback', '4', '2026-01-21T12:00:01Z', { game: undefined, undoes: bet?.id as string }));
    await here.follow();
    const report = await here.report('/v1/reports/revenue?from=2026-01-20&to=2026-01-21');
    expect([day(report, '2026-01-20').turnover, day(report, '2026-01-20').late]).toEqual(['4.00', undefined]);
    expect([day(report, '2026-01-21').turnover, day(report, '2026-01-21').late]).toMatchObject(['6.00', { undoneBets: 1, turnover: '-4.00', ggr: '-4.00' }]);
    expect(report.totals).toMatchObject([{ turnover: '10.00', late: { turnover: '-4.00' } }]);
    expect((await here.all(day(report, '2026-01-21').late.transactions)).map(({ kind, undoesKind, late, adds }) => [kind, undoesKind, late, adds])).toEqual([
      ['rollback', 'bet', true, { undoneBets: 1, turnover: '-4.00' }]]);
  });

  it('a bet of 2.00 that comes to a locked day leaves its figures as they are', async () => {
    const play = of(await here.newPlayer());
    await here.planter.plant(play('bet', '-8', '2026-01-22T12:00:00Z'));
    await here.follow();
    const { status, body: lock } = await here.platform.post('/v1/reports/days/2026-01-22/lock');
    expect([status, lock.day]).toEqual([200, '2026-01-22']);
    expect((await here.platform.post('/v1/reports/days/2026-01-22/lock')).body).toEqual(lock);
    await here.planter.plant(play('bet', '-2', '2026-01-22T12:00:01Z'));
    await here.follow();
    const report = await here.report('/v1/reports/revenue?from=2026-01-22&to=2026-01-22');
    expect(report.items).toMatchObject([{ locked: true, bets: 1, turnover: '8.00', late: { bets: 1, turnover: '2.00' } }]);
    expect((await here.report('/v1/reports/days?from=2026-01-01&to=2026-01-31')).items).toEqual([lock]);
    expect((await here.report('/v1/reports/days?from=2026-01-01&to=2026-01-31', { platform: here.stranger })).items).toEqual([]);
  });

  it('a day that is not over, or is to come, cannot be locked; nor may who reads', async () => {
    const [{ today, ahead } = { today: '', ahead: '' }] = await here.sql<{ today: string; ahead: string }>(
      "select gaming_day(now(), 'Europe/Malta', '06:00')::text as today, (gaming_day(now(), 'Europe/Malta', '06:00') + 30)::text as ahead");
    for (const one of [today, ahead]) here.expectRefused(await here.platform.post(`/v1/reports/days/${one}/lock`), 'DAY_NOT_OVER', 409);
    for (const one of ['2026-02-30', '2026-1-1', 'yesterday']) here.expectRefused(await here.platform.post(`/v1/reports/days/${one}/lock`), 'NOT_FOUND', 404);
    const auditor = await here.platformOf({ roles: ['auditor'] });
    here.expectRefused(await auditor.post('/v1/reports/days/2026-01-01/lock'), 'FORBIDDEN', 403);
    expect((await auditor.get('/v1/reports/days?from=2026-01-01&to=2026-01-31')).status).toBe(200);
  });
});

describe('a number', () => {
  it('of a win of 100.00 whose rollback finds 30.00 left is taken back in full: 70.00 are owed, won is 0', async () => {
    const player = await here.newPlayer();
    const play = of(player);
    const [win] = await here.planter.plant(play('win', '100', '2026-02-03T12:00:00Z'));
    await here.planter.plant(play('rollback', '-30', '2026-02-03T12:00:01Z', { game: undefined, undoes: win?.id as string, debt: units('70') }));
    await here.follow();
    expect(day(await here.report('/v1/reports/revenue?from=2026-02-03&to=2026-02-03'), '2026-02-03')).toMatchObject({ wins: 1, won: '0.00', ggr: '0.00' });
    const statement = await here.report(`/v1/players/${player}/statement?currency=EUR&from=2026-02-03T12:00:01Z&to=2026-02-04T00:00:00Z`);
    expect([statement.opening, statement.closing]).toEqual([{ balance: '1000100.00' }, { balance: '1000070.00', debt: '70.00' }]);
    expect(statement.sums).toEqual([{ kind: 'rollback', undoesKind: 'win', count: 1, amount: '-30.00', debt: '70.00' }]);
    expect(statement.items).toMatchObject([{ kind: 'rollback', undoesKind: 'win', amount: '-30.00', debt: '70.00', balance: '1000070.00' }]);
  });

  it('of a free bet of 5.00 is a bet that stakes nothing, also when it is rolled back; a jackpot of 50.00 and an adjustment of -1.00 are in no GGR', async () => {
    const play = of(await here.newPlayer());
    const [free] = await here.planter.plant(
      play('bet', '0', '2026-02-05T12:00:00Z', { face: units('5') }), play('bet', '-2', '2026-02-05T12:00:00Z'), play('promo_win', '50', '2026-02-05T12:00:01Z', { award: 'jackpot' }),
      play('adjustment', '-1', '2026-02-05T12:00:02Z'), play('deposit', '20', '2026-02-05T12:00:03Z'), play('withdrawal', '-9', '2026-02-05T12:00:04Z'));
    await here.planter.plant(play('rollback', '0', '2026-02-05T12:00:05Z', { game: undefined, undoes: free?.id as string }));
    await here.follow();
    expect(day(await here.report('/v1/reports/revenue?from=2026-02-05&to=2026-02-05'), '2026-02-05')).toMatchObject({
      bets: 2, freeBets: 1, undoneBets: 1, turnover: '2.00', won: '0.00', ggr: '2.00', hold: '1.0000', averageBet: '1.00', awarded: '50.00', adjusted: '-1.00', deposited: '20.00', withdrawn: '9.00',
    });
  });

  it('of two currencies is never added, of two providers it is: 10.00 EUR and 1000 JPY; and ratios are of sums, 15 of 110 and not the middle of 5 of 100 and 10 of 10', async () => {
    const player = await here.newPlayer({ currencies: ['EUR', 'JPY'] });
    const [one, other] = [of(player), of(player, here.world.accounts[1]?.accountId)];
    await here.planter.plant(one('bet', '-100', '2026-02-07T12:00:00Z'), one('win', '5', '2026-02-07T12:00:00Z'), other('bet', '-10', '2026-02-07T12:00:00Z'),
      other('win', '10', '2026-02-07T12:00:00Z'), one('bet', '-1000', '2026-02-07T12:00:00Z', { currency: 'JPY', game: 'game-2' }));
    await here.follow();
    const report = await here.report('/v1/reports/revenue?from=2026-02-07&to=2026-02-07');
    expect(report.items.map(({ currency, turnover, rtp }: any) => [currency, turnover, rtp])).toEqual([['EUR', '110.00', '0.136363'], ['JPY', '1000', '0.0000']]);
    expect(report.activePlayers).toBe(1);
    const games = await here.report('/v1/reports/revenue?from=2026-02-07&to=2026-02-07&groupBy=game&currency=EUR');
    expect(games.items.map(({ provider, gameId, game, turnover, rtp }: any) => [provider, gameId, game, turnover, rtp])).toEqual([
      ['studio 0', 'game-1', 'One', '100.00', '0.0500'], ['studio 1', 'game-1', 'One', '10.00', '1.0000']]);
    const its = await here.report(`/v1/players/${player}/games?from=2026-02-07&to=2026-02-07`);
    expect(its.items.map(({ provider, game, currency, ggr }: any) => [provider, game, currency, ggr])).toEqual([
      ['studio 0', 'One', 'EUR', '95.00'], ['studio 0', 'Two', 'JPY', '1000'], ['studio 1', 'One', 'EUR', '0.00']]);
  });

  it('is without test players, and another operator’s is its own', async () => {
    const [tester, stranger] = [await here.newPlayer({ test: true }), await here.newPlayer({ operator: here.world.operators[1] as string })];
    await here.planter.plant(of(tester)('bet', '-5', '2026-02-09T12:00:00Z'),
      { ...of(stranger, here.world.accounts[2]?.accountId)('bet', '-7', '2026-02-09T12:00:00Z'), operator: here.world.operators[1] as string });
    await here.follow();
    const path = '/v1/reports/revenue?from=2026-02-09&to=2026-02-09';
    expect((await here.report(path)).items).toEqual([]);
    const theirs = await here.report(path, { platform: here.stranger });
    expect(theirs.items).toMatchObject([{ turnover: '7.00' }]);
    expect(await here.all(theirs.items[0].transactions)).toEqual([]);
    expect(await here.all(theirs.items[0].transactions, here.stranger)).toHaveLength(1);
    here.expectRefused(await here.platform.get(`/v1/players/${stranger}/games?from=2026-02-09&to=2026-02-09`), 'NOT_FOUND', 404);
    here.expectRefused(await here.platform.get(`/v1/players/${stranger}/statement?currency=EUR&from=2026-02-09T00:00:00Z&to=2026-02-10T00:00:00Z`), 'NOT_FOUND', 404);
    expect((await here.report(`/v1/players/${tester}/games?from=2026-02-09&to=2026-02-09`))).toMatchObject({ test: true, items: [] });
  });

  it('of rounds counts those of table round_day, as of their days', async () => {
    await here.sql("insert into round_day (operator_id, day, account_id, game_id, currency, opened, ended) values ($1, '2026-02-11', $2, 'game-1', 'EUR', 3, 2)", [here.operator, here.account.accountId]);
    const report = await here.report('/v1/reports/revenue?from=2026-02-11&to=2026-02-11');
    expect(report.items).toMatchObject([{ day: '2026-02-11', bets: 0, rounds: { opened: 3, ended: 2 } }]);
    expect(report.totals).toMatchObject([{ rounds: { opened: 3, ended: 2 } }]);
  });
});

describe('the dashboard', () => {
  it('has bets of 3.00 an hour ago, 5.00 yesterday and 7.00 a week ago at the same hour: in the series, in the sums to the hour, and in their rows', async () => {
    const player = await here.newPlayer();
    const play = of(player);
    const [{ begins, over } = { begins: 0, over: 0 }] = await here.sql<{ begins: number; over: number }>(`
      select (extract(epoch from begins) * 1000)::float8 as begins, floor(extract(epoch from now() - begins) / 3600)::int as over
      from (select day_begins(gaming_day(now(), 'Europe/Malta', '06:00'), 'Europe/Malta', '06:00') as begins) b`);
    const back = async (days: number) => Number((await here.sql<{ begins: number }>(
      "select (extract(epoch from day_begins(gaming_day(now(), 'Europe/Malta', '06:00') - $1::int, 'Europe/Malta', '06:00')) * 1000)::float8 as begins", [days]))[0]?.begins);
    await here.planter.plant(play('bet', '-7', (await back(7)) + 60_000), play('bet', '-50', (await back(7)) + (over + 1) * 3_600_000), play('bet', '-5', (await back(1)) + 60_000));
    const other = await here.newPlayer();
    await here.planter.plant(of(other)('bet', '-2', (await back(7)) + (over + 1) * 3_600_000));
    await here.planter.plant(play('bet', '-3', begins), play('win', '1', begins));
    await here.follow();
    const board = await here.report('/v1/reports/dashboard?currency=EUR');
    const [euro] = board.currencies;
    expect([board.hoursOver, board.activePlayers.soFar, euro.soFar.turnover, euro.soFar.ggr]).toEqual([over, 1, '3.00', '2.00']);
    expect(['today', 'yesterday', 'sameWeekday'].map((which) => euro.hours[0][which].turnover)).toEqual(['3.00', '5.00', '7.00']);
    expect(['yesterday', 'sameWeekday'].map((which) => [euro.toTheHour[which].turnover, euro.toTheHour[which].activePlayers])).toEqual(over > 0 ? [['5.00', 1], ['7.00', 1]] : [['0.00', 0], ['0.00', 0]]);
    expect(euro.games).toMatchObject([{ gameId: 'game-1', game: 'One', turnover: '3.00' }]);
    expect(euro.providers).toMatchObject([{ provider: 'studio 0', turnover: '3.00', rtp: '0.333333' }]);
    for (const shown of [euro.soFar, euro.hours[0].yesterday, euro.toTheHour.sameWeekday, euro.games[0]]) {
      const rows = await here.all(shown.transactions);
      const sum = rows.reduce((so: bigint, { adds }) => so + units(adds.turnover ?? '0'), 0n);
      expect([shown.transactions, sum]).toEqual([shown.transactions, units(shown.turnover)]);
    }
    const played = async (list: string | undefined) => (list === undefined ? [] : (await here.all(list)).map(({ playerId }) => playerId));
    for (const { soFar, toTheHour } of [board.players, { soFar: euro.soFar.players, toTheHour: Object.fromEntries(Object.entries<any>(euro.toTheHour).map(([which, { players }]) => [which, players])) }]) {
      expect(await played(soFar)).toEqual([player]);
      // The other one's first bet of that day was after the hour.
      expect(await Promise.all(['today', 'yesterday', 'sameWeekday'].map((which) => played(toTheHour[which])))).toEqual(Array(3).fill(over > 0 ? [player] : []));
    }
    if (over < 23) expect((await played(euro.toTheHour.sameWeekday.players?.replace(/&firstBetBefore=.*/, ''))).length).toBe(over > 0 ? 2 : 0);
  });
});
