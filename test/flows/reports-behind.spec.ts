import { describe, expect, it } from '@jest/globals';
import { reportsGround, units, type Planted } from './reports-ground.ts';

// The lists behind counts of rounds and of players, where there are many of them. reports-histories.spec.ts has what they say of random histories.
const here = reportsGround({ players: { EUR: 1 } });

const MANY = 20_050;

/** args: operator, account, player · opened on a day, last active some days later · game, currency, how many */
const PLANT = `
with planted as (
  insert into played_round (staked, won, opened_at, last_at, ended_at, opened_day, ended_day, bets, undone_bets, wins, account_id, state, player_id, round, operator_id, currency, round_id, game_id)
  select 1000000, 0, $4::date + n * interval '1 second', $4::date + $5::int + n * interval '1 second', $4::date + $5::int + n * interval '1 second', $4::date, $4::date + $5::int,
    1, 0, 0, $2::int, 'closed', $3::uuid, uuidv4(), $1::uuid, 'EUR', $6 || n, $6 from generate_series(1, $7::int) n returning 1)
insert into round_day (operator_id, day, account_id, game_id, currency, opened, ended)
select $1::uuid, day, $2::int, $6, 'EUR', sum(opened), sum(ended)
from (select $4::date as day, count(*) as opened, 0 as ended from planted union all select $4::date + $5::int, 0, count(*) from planted) each group by day
on conflict (operator_id, day, account_id, game_id, currency) do update set opened = round_day.opened + excluded.opened, ended = round_day.ended + excluded.ended`;

describe('rounds', () => {
  const of = (day: string, more = '') => `/v1/reports/revenue/rounds?from=${day}&to=${day}&currency=EUR${more}`;

  it(`of 3 May are two, of which one went on until the 5th, beside ${MANY} of another game on the 4th: no page looks at all, and none is missing`, async () => {
    await here.follow();
    const player = await here.newPlayer();
    const plant = (day: string, later: number, game: string, many: number) => here.sql(PLANT, [here.operator, here.account.accountId, player, day, later, game, many]);
    await plant('2026-05-03', 0, 'rare', 1);
    await plant('2026-05-03', 2, 'rare', 1);
    await plant('2026-05-04', 0, 'usual', MANY);
    await plant('2026-05-04', 3, 'rare', 2);
    await plant('2026-05-08', 0, 'usual', MANY);
    const days = (items: any[]) => items.map(({ day, lastAt }) => `${day} ${lastAt.slice(0, 10)}`);
    const first = await here.report(of('2026-05-03'));
    expect([days(first.items), typeof first.nextCursor]).toEqual([['2026-05-03 2026-05-03'], 'string']);
    const second = await here.report(`${of('2026-05-03')}&cursor=${first.nextCursor}`);
    // As many as there are: the 8th is not gone through for nothing.
    expect([days(second.items), second.nextCursor]).toEqual([['2026-05-03 2026-05-05'], undefined]);
    const rare = await here.report(of('2026-05-04', '&gameId=rare'));
    expect([rare.items, typeof rare.nextCursor]).toEqual([[], 'string']);
    expect(days(await here.all(of('2026-05-04', '&gameId=rare')))).toEqual(Array(2).fill('2026-05-04 2026-05-07'));
    expect(days(await here.all(of('2026-05-07', '&of=ended')))).toEqual(Array(2).fill('2026-05-07 2026-05-07'));
    const all = await here.all(of('2026-05-04'));
    expect([all.length, new Set(all.map(({ gameId, roundId }) => `${gameId} ${roundId}`)).size]).toEqual([MANY + 2, MANY + 2]);
    const his = await here.all(of('2026-05-04', `&gameId=rare&playerId=${player}`));
    expect([days(his), await here.all(of('2026-05-04', `&playerId=${here.world.players[0]?.id}`))]).toEqual([Array(2).fill('2026-05-04 2026-05-07'), []]);
  }, 120_000);

  it('do not come twice where one that was listed goes on', async () => {
    const player = await here.newPlayer();
    await here.sql(PLANT, [here.operator, here.account.accountId, player, '2026-06-03', 0, 'moving', 3]);
    const path = of('2026-06-03', '&limit=1');
    const first = await here.report(path);
    await here.sql("update played_round set last_at = now() + interval '1 second' where player_id = $1 and round_id = 'moving1'", [player]);
    const second = await here.report(`${path}&cursor=${first.nextCursor}`);
    const third = await here.report(`${path}&cursor=${second.nextCursor}`);
    expect([first, second, third].map(({ items }) => items.map(({ roundId }: any) => roundId))).toEqual([['moving1'], ['moving2'], ['moving3']]);
    expect(third.nextCursor).toBeUndefined();
  });
});

describe('players', () => {
  const PATH = '/v1/reports/revenue/players?from=2026-01-01&to=2026-01-31';

  it('who bet 1.00 and 2.00 on two days, and one who only won, are one player of two bets; and whoever comes while the list is read comes at his place', async () => {
    const [one, winner, other] = [await here.newPlayer(), await here.newPlayer(), await here.newPlayer()];
    const play = (player: string, kind: Planted['kind'], amount: string, day: number, game = 'game-1'): Planted =>
      ({ player, operator: here.operator, account: here.account.accountId, kind, amount: units(amount), at: `2026-01-0${day}T12:00:00Z`, game });
    await here.planter.plant(play(one, 'bet', '-1', 1), play(one, 'bet', '-2', 2), play(winner, 'win', '9', 1), play(other, 'bet', '-4', 1));
    await here.follow();
    const first = await here.report(`${PATH}&limit=1`);
    expect(first.items).toMatchObject([{ playerId: one, currencies: [{ currency: 'EUR', bets: 2, turnover: '3.00' }] }]);
    expect((await here.all(first.items[0].currencies[0].transactions)).map(({ amount }) => amount)).toEqual(['-1.00', '-2.00']);
    const inGame = async (game: string) => (await here.all(`${PATH}&accountId=${here.account.accountId}&gameId=${game}`, here.platform, 1)).map(({ playerId }) => playerId);
    expect(await inGame('game-1')).toEqual([one, other]);
    await here.planter.plant(play(winner, 'bet', '-5', 3, 'game-2'));
    await here.follow();
    const second = await here.report(`${PATH}&limit=2&cursor=${first.nextCursor}`);
    expect([second.items.map(({ playerId }: any) => playerId), second.nextCursor]).toEqual([[winner, other], undefined]);
    expect([await inGame('game-1'), await inGame('game-2')]).toEqual([[one, other], [winner]]);
  });
});

describe('a cursor', () => {
  it('is good for its own list, filters and operator', async () => {
    const lists = ['/v1/reports/revenue/players?from=2026-01-01&to=2026-01-31', '/v1/reports/revenue/rounds?from=2026-06-03&to=2026-06-03'];
    for (const [i, list] of lists.entries()) {
      const { nextCursor } = await here.report(`${list}&limit=1`);
      expect((await here.platform.get(`${list}&limit=2&cursor=${nextCursor}`)).status).toBe(200);
      const refused = [
        [here.platform, `${list}&currency=EUR&cursor=${nextCursor}`], [here.stranger, `${list}&cursor=${nextCursor}`], [here.platform, `${lists[1 - i]}&cursor=${nextCursor}`],
        [here.platform, `${list}&cursor=${nextCursor.slice(0, -2)}${nextCursor.endsWith('AA') ? 'BB' : 'AA'}`],
      ] as const;
      for (const [platform, path] of refused) {
        const reply = await platform.get(path);
        expect([path, reply.status, reply.body.errors?.[0]?.field]).toEqual([path, 400, 'cursor']);
      }
    }
  });
});
