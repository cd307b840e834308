import { describe, expect, it } from '@jest/globals';
import { VIEW_CHECKS } from '../../src/views/verify.ts';
import { roundFingerprint } from '../../src/wallet/contract.ts';
import { Planter, reportsGround, units, type Planted } from './reports-ground.ts';

const here = reportsGround({ players: { EUR: 2 } }, { timeZone: 'Asia/Kathmandu', dayStarts: '06:00' });

const found = async () => {
  const whats: string[] = [];
  for (const { query, invariant } of VIEW_CHECKS) for (const { what } of (await here.worker.query(query)).rows) whats.push(`${invariant} ${what}`);
  return whats;
};

describe('the checks of the views', () => {
  /** What is found once that is done, which is undone again. */
  async function foundBy(damage: string): Promise<string[]> {
    const whats: string[] = [];
    await here.superuser.query('begin');
    try {
      await here.superuser.query(damage);
      for (const { query, invariant } of VIEW_CHECKS) for (const { what } of (await here.superuser.query(query)).rows) whats.push(`${invariant} ${what}`);
    } finally {
      await here.superuser.query('rollback');
    }
    return whats;
  }
  const isFound = async (_: string, damage: string, finding: string) => expect((await foundBy(damage)).filter((what) => what.startsWith(finding)).length).toBeGreaterThan(0);

  it('find nothing where projections have come to some place of the ledger, with locks, debts, test players and rows that are not theirs yet', async () => {
    const [anna, tom] = [await here.newPlayer(), await here.newPlayer({ test: true })];
    const row = (player: string, kind: Planted['kind'], amount: string, at: string, more: Partial<Planted> = {}): Planted =>
      ({ player, operator: here.operator, account: here.account.accountId, kind, amount: units(amount), at, game: 'game-1', ...more });
    const [bet, win] = await here.planter.plant(row(anna, 'bet', '-10', '2026-04-01T10:00:00Z'), row(anna, 'win', '30', '2026-04-01T10:00:01Z'), row(tom, 'bet', '-1', '2026-04-01T10:00:02Z'));
    await here.follow();
    expect((await here.platform.post('/v1/reports/days/2026-04-01/lock')).status).toBe(200);
    await here.planter.plant(row(anna, 'bet', '-7', '2026-04-01T11:00:00Z'), row(anna, 'close', '0', '2026-04-01T11:00:00Z', { round: 'r1' }));
    await here.planter.plant(row(anna, 'rollback', '-20', '2026-04-02T11:00:00Z', { undoes: win?.id as string, debt: units('10'), game: undefined }));
    await here.follow(['revenue', 'rounds']);
    await here.planter.plant(row(anna, 'rollback', '10', '2026-04-02T11:00:00Z', { undoes: bet?.id as string, game: undefined }), row(anna, 'bet', '0', '2026-04-02T11:00:00Z', { face: 5n }));
    expect(await found()).toEqual([]);
    expect((await here.sql('select day::text, late, bets::int, turnover::text, won::text from revenue_day where account_id = $1 order by 1, 2', [here.account.accountId]))).toMatchObject([
      { day: '2019-12-31', late: false }, { day: '2026-04-01', late: false, bets: 1, turnover: '10000000', won: '30000000' }, { day: '2026-04-01', late: true, bets: 1, turnover: '7000000', won: '0' },
      { day: '2026-04-02', late: true, bets: 0, turnover: '0', won: '-30000000' },
    ]);
  });

  it.each([
    ['a smallest unit more in a day', "update revenue_day set turnover = turnover + 1 where day = '2026-04-01' and not late", 'I14 revenue_day'],
    ['what is late counted with the rest', "update revenue_day set late = not late where day = '2026-04-02'", 'I14 revenue_day'],
    ['a day that is gone', "delete from revenue_day where day = '2026-04-01' and late", 'I14 revenue_day'],
    ['a bet in another hour', "update revenue_hour set hour = hour + interval '5 hours' where bets = 1", 'I14 revenue_hour'],
    ['a player’s bet that counts twice', "update player_game_day set bets = bets + 1 where day = '2026-04-01'", 'I12 player_game_day'],
    ['a player’s rows said to end earlier', "update player_game_day set last_version = last_version - 1 where day = '2026-04-01'", 'I12 player_game_day'],
    ['one who bet and is not among an account’s', "delete from player_account_day where day = '2026-04-01'", 'I12 player_account_day of'],
    ['one among a day’s who only won', "insert into player_day select operator_id, player_id, now(), '2026-04-03', currency from player_day limit 1", 'I12 player_day of'],
    ['a first bet said later', "update player_day set first_bet_at = first_bet_at + interval '1 ms'", 'I12 player_day of'],
    ['a transaction applied twice', "update projection set applied = applied + 1 where name = 'revenue'", 'I12 revenue has applied'],
    ['a test player who counts', 'update player set test = false', 'I14 revenue_day'],
  ])('find %s', isFound);

  it('find nothing in rounds: one of 2.00 staked, a bet of 1.00 taken back and 5.00 won, in which another one of two games is closed without a bet', async () => {
    const ben = await here.newPlayer();
    const row = (kind: Planted['kind'], amount: string, more: Partial<Planted>): Planted =>
      ({ player: ben, operator: here.operator, account: here.account.accountId, kind, amount: units(amount), at: '2026-04-05T10:00:00Z', game: 'game-1', ...more });
    for (const round of [roundFingerprint('account', 'r2', undefined), roundFingerprint('game', 'r3', 'game-1')]) {
      await here.sql(`insert into round (staked, won, bets, undone, named, account_id, last_bet_version, state, player_id, round, operator_id, currency, first_version, last_version)
        values (0, 0, 0, 0, 0, $1, 0, 'open', $2, $3, $4, 'EUR', 1, 9)`, [here.account.accountId, ben, round, here.operator]);
    }
    const [, taken] = await here.planter.plant(row('bet', '-2', { round: 'r2' }), row('bet', '-1', { round: 'r2' }), row('win', '5', { round: 'r2' }), row('close', '0', { round: 'r3' }));
    await here.planter.plant(row('rollback', '1', { undoes: taken?.id, game: undefined }), row('close', '0', { round: 'r2' }));
    await here.follow();
    expect(await here.sql('select bets, undone_bets, staked::text, won::text, state from played_round where player_id = $1 order by round_id', [ben])).toEqual([
      { bets: 2, undone_bets: 1, staked: '2000000', won: '5000000', state: 'closed' }, { bets: 0, undone_bets: 0, staked: '0', won: '0', state: 'closed' },
    ]);
    expect(await found()).toEqual([]);
  });

  it.each([
    ['a smallest unit more in a round', "update played_round set staked = staked + 1 where round_id = 'r2'", 'I14 played_round of'],
    ['a round that is gone', "delete from played_round where round_id = 'r2'", 'I14 played_round of'],
    ['a round that was not opened', 'update round_day set opened = opened + 1', 'I14 round_day of'],
  ])('find %s', isFound);
});

it('a locked day is made anew as it was, when the lane that wrote its rows has been retired before the lock and is in no position', async () => {
  const planter = await Planter.on(here.superuser);
  const player = await here.newPlayer();
  const bet = { player, operator: here.operator, account: here.account.accountId, kind: 'bet', amount: units('-3'), at: '2026-05-01T10:00:00Z', game: 'game-1' } as const;
  await planter.plant(bet);
  await here.follow();
  await here.sql('update lane set retired_at = now() where lane = $1', [planter.lane]);
  await here.planter.plant({ ...bet, at: '2026-05-03T10:00:00Z' });
  await here.follow();
  expect(await here.sql("select from projection where name = 'revenue' and $1 = any(lanes)", [planter.lane])).toEqual([]);
  expect((await here.platform.post('/v1/reports/days/2026-05-01/lock')).status).toBe(200);
  await here.sql(`truncate revenue_day, revenue_hour; update projection set lanes = '{}', batches = '{}', caught_up = false, tail_from = '-infinity', applied = 0 where name = 'revenue'`);
  await here.follow();
  expect(await here.sql("select late, bets::int from revenue_day where day = '2026-05-01'")).toEqual([{ late: false, bets: 1 }]);
  expect(await found()).toEqual([]);
});
