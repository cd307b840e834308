import { describe, expect, it } from '@jest/globals';
import { reportsGround, units, type Planted } from './reports-ground.ts';

const here = reportsGround({ players: { EUR: 1 } });

const REVENUE = '/v1/reports/revenue?from=2026-01-01&to=2026-01-31';
const ROWS = '/v1/reports/revenue/transactions?from=2026-01-01&to=2026-01-31';
const ROUNDS = '/v1/reports/revenue/rounds?from=2026-01-01&to=2026-01-31';
const PLAYERS = '/v1/reports/revenue/players?from=2026-01-01&to=2026-01-31';
const DAYS = '/v1/reports/days?from=2026-01-01&to=2026-01-31';
const BOARD = '/v1/reports/dashboard?top=5';
const GAMES = '/v1/players/PLAYER/games?from=2026-01-01&to=2026-01-31';
const STATEMENT = '/v1/players/PLAYER/statement?currency=EUR&from=2026-01-01T00:00:00Z&to=2026-02-01T00:00:00Z';
const swap = (path: string, name: string, value: string) => path.replace(new RegExp(`([?&]${name}=)[^&]*`), `$1${value}`);

const WRONG: readonly (readonly [path: string, field: string])[] = [
  ...[REVENUE, ROWS, ROUNDS, PLAYERS, DAYS, GAMES].flatMap((path) => [
    [swap(path, 'to', '2126-01-01'), 'to'], [swap(path, 'to', '2025-12-31'), 'to'], [swap(path, 'from', '1926-01-01'), 'from'], [swap(path, 'from', '2026-02-30'), 'from'],
    [swap(path, 'from', '2026-1-1'), 'from'], [swap(path, 'to', ''), 'to'], [path.replace('from=2026-01-01&', ''), 'from'], [swap(path, 'to', '2026-01-31T00:00:00Z'), 'to'],
    [swap(path, 'to', '2027-03-01'), 'to'],
  ] as const),
  ...[REVENUE, ROWS, ROUNDS, PLAYERS, DAYS, BOARD, GAMES, STATEMENT].flatMap((path) => [[`${path}&sort=turnover`, 'sort'], [`${path}&order=random`, 'order'], [`${path}&player=x`, 'player']] as const),
  ...[ROWS, ROUNDS, PLAYERS, STATEMENT].flatMap((path) => ['0', '-1', '1000000000', 'abc', '1.5', ''].map((limit) => [`${path}&limit=${limit}`, 'limit'] as const)),
  ...[REVENUE, DAYS, BOARD, GAMES].map((path) => [`${path}&limit=10`, 'limit'] as const),
  ...['0', '-1', '21', '1000000000'].map((top) => [swap(BOARD, 'top', top), 'top'] as const),
  ...['hour', 'day,day', 'day,', '', 'Day', 'day;game'].map((groupBy) => [`${REVENUE}&groupBy=${encodeURIComponent(groupBy)}`, 'groupBy'] as const),
  ...[REVENUE, ROWS, ROUNDS, PLAYERS].flatMap((path) => [
    [`${path}&accountId=0`, 'accountId'], [`${path}&accountId=-1`, 'accountId'], [`${path}&accountId=99999999999`, 'accountId'], [`${path}&gameId=${'g'.repeat(129)}`, 'gameId'],
    [`${path}&currency=eur`, 'currency'], [`${path}&currency=EUR&currency=JPY`, 'currency'],
  ] as const),
  [`${ROWS}&kind=close`, 'kind'], [`${ROWS}&late=maybe`, 'late'], [`${ROWS}&since=yesterday`, 'since'], [`${ROWS}&cursor=${'A'.repeat(64)}`, 'cursor'], [`${ROWS}&cursor=`, 'cursor'],
  ...[ROUNDS, PLAYERS].flatMap((path) => [[`${path}&cursor=${'A'.repeat(64)}`, 'cursor'], [`${path}&cursor=`, 'cursor'], [`${path}&late=true`, 'late'], [`${path}&kind=bet`, 'kind']] as const),
  ...['', 'x', '01890000-0000-7000-8000-0000000000B1'].flatMap((player) => [ROWS, ROUNDS].map((path) => [`${path}&playerId=${player}`, 'playerId'] as const)),
  [`${ROUNDS}&of=cancelled`, 'of'], [`${PLAYERS}&playerId=01890000-0000-7000-8000-0000000000b1`, 'playerId'], [`${PLAYERS}&firstBetBefore=noon`, 'firstBetBefore'],
  [`${PLAYERS}&firstBetBefore=2026-01-01T12:00:00Z&accountId=1`, 'firstBetBefore'], [`${PLAYERS}&firstBetBefore=2026-01-01T12:00:00Z&gameId=g`, 'firstBetBefore'],
  [`${STATEMENT}&cursor=${'A'.repeat(64)}`, 'cursor'], [swap(STATEMENT, 'to', '2126-01-01T00:00:00Z'), 'to'], [swap(STATEMENT, 'to', '2026-01-01T00:00:00Z'), 'to'],
  [swap(STATEMENT, 'from', '2026-01-01'), 'from'], [swap(STATEMENT, 'currency', ''), 'currency'],
];

describe('a report is refused by the name of what is wrong', () => {
  it.each(WRONG)('%s: %s', async (path, field) => {
    const reply = await here.platform.get(path.replace('PLAYER', here.world.players[0]?.id as string));
    here.expectRefused(reply, 'REQUEST_INVALID', 400);
    expect(reply.body.errors.map((error: { field: string }) => error.field)).toEqual([field]);
  });

  it('in words for who calls: what is missing is needed, what is too much is not known', async () => {
    const { body } = await here.platform.get('/v1/reports/revenue?to=2026-01-31&sort=turnover');
    expect(body.errors).toEqual([{ field: 'from', message: 'needed here' }, { field: 'sort', message: 'not known here' }]);
  });

  it('without the permission, or a projection that has come up to the ledger', async () => {
    const path = REVENUE;
    here.expectRefused(await here.platform.get(path), 'UNAVAILABLE', 503);
    await here.follow();
    expect((await here.platform.get(path)).status).toBe(200);
    const cashier = await here.platformOf({ roles: ['cashier'] });
    for (const one of [REVENUE, ROWS, ROUNDS, PLAYERS, DAYS, BOARD]) here.expectRefused(await cashier.get(one), 'FORBIDDEN', 403);
  });

  it('with a cursor of another list, other filters or another operator', async () => {
    const player = await here.newPlayer();
    await here.planter.plant(...[1, 2, 3].map((n): Planted => ({
      player, operator: here.operator, account: here.account.accountId, kind: 'bet', amount: units(String(-n)), at: `2026-01-0${n}T00:00:00Z`, game: 'game-1' })));
    await here.follow();
    const { nextCursor, items } = await here.report(`${ROWS}&limit=1`);
    expect([items.length, (await here.report(`${ROWS}&limit=5&cursor=${nextCursor}`)).items.length]).toEqual([1, 2]);
    const statement = STATEMENT.replace('PLAYER', player);
    const refused = [[here.platform, `${ROWS}&kind=bet&cursor=${nextCursor}`], [here.stranger, `${ROWS}&cursor=${nextCursor}`], [here.platform, `${statement}&cursor=${nextCursor}`],
      [here.platform, `${ROWS}&cursor=${nextCursor.slice(0, -2)}${nextCursor.endsWith('AA') ? 'BB' : 'AA'}`]] as const;
    for (const [platform, path] of refused) {
      const reply = await platform.get(path);
      expect([path, reply.status, reply.body.errors?.[0]?.field]).toEqual([path, 400, 'cursor']);
    }
  });

  it('with more rows than it answers: 2,001 games of a day', async () => {
    await here.sql(`insert into revenue_day (operator_id, day, late, account_id, game_id, currency, bets) select $1, '2026-03-01', false, 1, 'g' || n, 'EUR', 1 from generate_series(1, 2001) n`, [here.operator]);
    const reply = await here.platform.get('/v1/reports/revenue?from=2026-03-01&to=2026-03-01&groupBy=game');
    expect([reply.status, reply.body.errors]).toEqual([400, [{ field: 'groupBy', message: 'more than 2000 rows: ask for fewer days, or by less' }]]);
    expect((await here.report('/v1/reports/revenue?from=2026-03-01&to=2026-03-01')).items).toHaveLength(1);
  });
});

describe('a statement', () => {
  it('is read page by page in both directions, and what comes while it is read comes behind', async () => {
    const player = await here.newPlayer();
    const bet = (n: number): Planted => ({ player, operator: here.operator, account: here.account.accountId, kind: 'bet', amount: units(String(-n)), at: Date.UTC(2026, 0, 10) + n, game: 'game-1' });
    await here.planter.plant(...[1, 2, 3, 4, 5].map(bet));
    const path = `${STATEMENT.replace('PLAYER', player)}&limit=2`;
    const amounts = ({ items }: any) => items.map(({ amount }: any) => amount);
    const first = await here.report(path);
    expect([amounts(first), first.previousCursor]).toEqual([['-1.00', '-2.00'], undefined]);
    const second = await here.report(`${path}&cursor=${first.nextCursor}`);
    await here.planter.plant(bet(6));
    const third = await here.report(`${path}&cursor=${second.nextCursor}`);
    expect([amounts(second), amounts(third), third.nextCursor]).toEqual([['-3.00', '-4.00'], ['-5.00', '-6.00'], undefined]);
    expect(amounts(await here.report(`${path}&cursor=${third.previousCursor}`))).toEqual(['-3.00', '-4.00']);
    expect([third.opening.balance, third.closing.balance]).toEqual(['1000000.00', '999979.00']);
  });
});
