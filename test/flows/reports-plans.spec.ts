import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Step } from '../../libs/postgres/index.ts';
import { DashboardHandler, DashboardOf } from '../../src/views/dashboard/dashboard.query.ts';
import { GamesOfPlayer, GamesOfPlayerHandler } from '../../src/views/players/games.query.ts';
import { StatementHandler, StatementOf } from '../../src/views/players/statement.query.ts';
import type { Reads } from '../../src/views/reads.ts';
import { LockedDays, LockedDaysHandler } from '../../src/views/revenue/locked-days.query.ts';
import { RevenueMovements, RevenueMovementsHandler } from '../../src/views/revenue/movements.query.ts';
import { CountedPlayersHandler, CountedPlayersOf } from '../../src/views/revenue/players.query.ts';
import { Revenue, RevenueHandler } from '../../src/views/revenue/revenue.query.ts';
import { Explainer, type Plan as Explained } from '../support/explain.ts';
import { ReportsGround } from './reports-ground.ts';

// How PostgreSQL answers each statement of the reports, as croupier_read, behind row-level security, on a ledger of 200,000 rows of 2,000 players in two
// months that end now. Reports are of projected tables: whatever looks into the ledger is told here.

const here = new ReportsGround({ players: { EUR: 1 } });
const PLAYERS = 2_000;
const ROWS_EACH = 100;

/** Bets, each fifth a win, each fiftieth a rollback of the row before; a hundred rows a batch. */
const LEDGER = `
insert into transaction (amount, balance_after, version, at, account_id, lane, batch, kind, house, closes_round, player_id, transaction_id, operator_id, currency,
  reference, round, game_id, undoes)
select case kind when 'bet' then -10000 when 'win' then 5000 else 10000 end, 1000000000 - n * 10000, n, at, $2, 77, batch, kind, 1, false, player_id, id, $1, 'EUR', 'ref-' || n, 'round-' || n / 10,
  case when kind <> 'rollback' then 'game-' || 1 + place % 40 end, case when kind = 'rollback' then before end
from (select player_id, row_number() over (order by player_id)::int as place from player where operator_id = $1 and external_id like 'of plans %') p
cross join generate_series(1, ${ROWS_EACH}) n
cross join lateral (select (n - 1) * 20 + place % 20 + 1 as batch) b
cross join lateral (select case when n % 50 = 0 then 'rollback' when n % 5 = 4 then 'win' else 'bet' end::transaction_kind as kind) k
cross join lateral (select date_trunc('milliseconds', now() - interval '60 days' + n * interval '14 hours' + place * interval '1 second') as at) a
cross join lateral (select (lpad(to_hex(round(extract(epoch from at) * 1000)::int8), 12, '0') || '7' || lpad(to_hex(place % 4096), 3, '0') || to_hex((1::int8 << 63) | (77::int8 << 30) | batch))::uuid as id,
  (lpad(to_hex(round(extract(epoch from at - interval '14 hours') * 1000)::int8), 12, '0') || '7' || lpad(to_hex(place % 4096), 3, '0') || to_hex((1::int8 << 63) | (77::int8 << 30) | batch - 20))::uuid as before) i`;

let explainer: Explainer;
let player: string;

beforeAll(async () => {
  await here.open();
  await here.sql("insert into player (operator_id, external_id) select $1, 'of plans ' || n from generate_series(1, $2::int) n", [here.operator, PLAYERS]);
  await here.sql(`insert into wallet (player_id, operator_id, currency, balance, version, at)
    select player_id, operator_id, 'EUR', 0, ${ROWS_EACH}, now() from player where external_id like 'of plans %'`);
  await here.sql(LEDGER, [here.operator, here.account.accountId]);
  await here.sql(`insert into lane (lane, batch, pid) values (77, ${ROWS_EACH * 20}, null)`);
  await here.sql('analyze');
  await here.follow(undefined, 256);
  await here.sql('analyze');
  player = (await here.sql<{ player_id: string }>("select player_id from player where external_id = 'of plans 700'"))[0]?.player_id as string;
  explainer = await Explainer.on(here.database);
}, 240_000);

afterAll(async () => {
  await explainer?.close();
  await here.close();
});

interface Plan extends Explained {
  readonly name: string;
}

/** What a handler sends, each statement with its own values; it is answered, as what it asks next follows from that. */
async function plansOf(ask: (reads: Reads) => Promise<unknown>): Promise<Plan[]> {
  const sent: Step[] = [];
  const { client } = explainer;
  const answers = async (steps: readonly Step[]) => {
    sent.push(...steps);
    await client.query('begin read only');
    await client.query("select set_config('croupier.operator', $1, true)", [here.operator]);
    const rows = [];
    for (const { text, values } of steps) {
      const found = await client.query({ text, values: [...values] as unknown[], rowMode: 'array', types: { getTypeParser: () => (value: unknown) => value } });
      rows.push(found.rows);
    }
    await client.query('rollback');
    return { rows, asOf: 0, token: '' };
  };
  const recording = { at: () => ({ as: (_: string, steps: Step[]) => answers(steps), projected: (_: string, __: string[], steps: Step[]) => answers(steps) }) };
  await ask(recording as unknown as Reads);
  const plans: Plan[] = [];
  for (const step of sent) plans.push({ name: step.name, ...(await explainer.explain(here.operator, step)) });
  return plans;
}

const LEDGER_READ = / on transaction(_\d{4}_\d\d|_default)?\b/;
const SEQUENTIAL = /Seq Scan on (revenue_\w+|player_(?:game_|account_)?day|round_day|played_round|transaction\w*|wallet|player|game)\b/;
const day = (back: number) => new Date(Date.now() - back * 86_400_000).toISOString().slice(0, 10);
const asker = () => ({ operator: here.operator });

async function expectProjected(ask: (reads: Reads) => Promise<unknown>, indexes: readonly string[]): Promise<void> {
  const plans = await plansOf(ask);
  console.log(plans.map(({ name, ms }) => `${name} ${ms.toFixed(1)} ms`).join(', '));
  for (const { name, text } of plans) {
    expect([name, LEDGER_READ.exec(text)?.[0]]).toEqual([name, undefined]);
    expect([name, SEQUENTIAL.exec(text)?.[0]]).toEqual([name, undefined]);
  }
  const entered = new Set(plans.flatMap(({ text }) => [...text.matchAll(/Index (?:Only )?Scan (?:Backward )?using (\w+)/g)].map((match) => match[1])));
  expect(indexes.filter((index) => !entered.has(index))).toEqual([]);
}

describe('of 200,000 rows', () => {
  it('there are as many, and what they come to', async () => {
    const [counts] = await here.sql<{ rows: number; days: number; bets: number }>(`select (select count(*)::int from transaction) as rows,
      (select count(*)::int from player_game_day) as days, (select sum(bets)::int from revenue_day) as bets`);
    expect(counts?.rows).toBeGreaterThanOrEqual(PLAYERS * ROWS_EACH);
    expect(counts?.bets).toBe(PLAYERS * ROWS_EACH * 0.78);
    expect(counts?.days).toBeGreaterThan(100_000);
  });

  it.each([
    ['day', ['player_day_pkey']], ['currency', ['player_day_pkey']], ['provider', ['player_account_day_pkey', 'player_day_pkey']],
    ['day,provider', ['player_account_day_pkey', 'player_day_pkey']], ['game', ['player_game_day_of_day', 'player_day_pkey']], ['day,game', ['player_game_day_of_day', 'player_day_pkey']],
  ])('revenue by %s is asked of projected tables, by their keys, and who played of the one with the fewest rows', async (groupBy, played) => {
    await expectProjected((reads) => new RevenueHandler(reads).execute(new Revenue(asker(), { from: day(30), to: day(0), groupBy })), ['revenue_day_pkey', 'round_day_pkey', ...played]);
  });

  it('who played is counted game by game, and of one game or account its rows alone are looked at', async () => {
    const played = async (filters: { groupBy: string; accountId?: number; gameId?: string }) => {
      const plans = await plansOf((reads) => new RevenueHandler(reads).execute(new Revenue(asker(), { from: day(30), to: day(0), ...filters })));
      const { text, name } = plans.find((plan) => plan.name.startsWith('players_by_')) as Plan;
      return `${name}: ${[...text.matchAll(/using player_(?:game_day_of_day|account_day_pkey) on player_(?:game|account)_day.*\n.*Index Cond: (.*)/g)].map(([, cond]) => cond).join('; ')}`;
    };
    expect(await played({ groupBy: 'game' })).toMatch(/^players_by_account_id_game_id: .*\(day >= .* AND \(account_id = p\.account_id\) AND \(game_id = p\.game_id\) AND \(currency = p\.currency\)/);
    expect(await played({ groupBy: 'day,game' })).toMatch(/^players_by_day_account_id_game_id: .*\(day = p\.day\) AND \(account_id = p\.account_id\) AND \(game_id = p\.game_id\)/);
    expect(await played({ groupBy: 'day', gameId: 'game-7' })).toMatch(/^players_by_day_of_game_id: .*\(game_id = \$6\)/);
    expect(await played({ groupBy: 'day', accountId: here.account.accountId })).toMatch(/^players_by_day_of_account_id: .*\(account_id = \$5\)/);
  });

  it('the dashboard likewise', async () => {
    await expectProjected((reads) => new DashboardHandler(reads).execute(new DashboardOf(asker(), { top: 5 })), ['revenue_day_pkey', 'revenue_hour_pkey', 'player_day_pkey']);
  });

  it('a player’s games and the locked days likewise', async () => {
    await expectProjected((reads) => new GamesOfPlayerHandler(reads).execute(new GamesOfPlayer(asker(), player, { from: day(60), to: day(0) })), ['player_game_day_pkey']);
    await expectProjected((reads) => new LockedDaysHandler(reads).execute(new LockedDays(asker(), { from: day(60), to: day(0) })), ['locked_day_pkey']);
  });

  it('the rows behind a number are found in the ledger by their players’ versions, as many as a page has and no more', async () => {
    const plans = await plansOf((reads) => new RevenueMovementsHandler(reads).execute(new RevenueMovements(asker(), { from: day(30), to: day(1), limit: 50, currency: 'EUR' })));
    const { text, ms } = plans.find(({ name }) => name === 'revenue_movements') as Plan;
    console.log(`revenue_movements ${ms.toFixed(1)} ms`);
    expect(text).not.toMatch(SEQUENTIAL);
    expect(text).toMatch(/player_game_day_of_day/);
    expect(text).toMatch(/Index Cond: \(\(player_id = d\.player_id\) AND \(currency = d\.currency\) AND \(version >= d\.first_version\) AND \(version <= d\.last_version\)/);
    const players = Math.max(...[...text.matchAll(/using player_game_day_of_day on player_game_day d \(actual rows=([\d.]+) loops=(\d+)/g)].map((match) => Number(match[1]) * Number(match[2])));
    expect(players).toBeLessThan(200);
  });

  it('of one player they are found by his own days', async () => {
    const plans = await plansOf((reads) => new RevenueMovementsHandler(reads).execute(new RevenueMovements(asker(), { from: day(30), to: day(1), limit: 50, playerId: player })));
    const { text } = plans.find(({ name }) => name === 'revenue_movements_of_player') as Plan;
    expect(text).not.toMatch(SEQUENTIAL);
    expect(text).toMatch(/using player_game_day_pkey on player_game_day d .*\n.*Index Cond: \(\(operator_id = \$1\) AND \(player_id = \$18\) AND \(day >= \$2\)/);
  });

  it.each([
    ['all', {}, 'player_day_pkey on player_day'], ['early', { firstBetBefore: new Date().toISOString() }, 'player_day_pkey on player_day'],
    ['account', { accountId: 1 }, 'player_account_day_pkey on player_account_day'], ['game', { accountId: 1, gameId: 'game-7' }, 'player_game_day_of_day on player_game_day'],
  ])('who played (%s) is looked for day by day, no more of each than a page has', async (by, filters, index) => {
    const own = { ...filters, ...('accountId' in filters && { accountId: here.account.accountId }) };
    const ask = (reads: Reads) => new CountedPlayersHandler(reads).execute(new CountedPlayersOf(asker(), { from: day(30), to: day(1), currency: 'EUR', limit: 10, ...own }));
    await expectProjected(ask, [index.split(' ')[0] as string, 'player_game_day_pkey']);
    const { text } = (await plansOf(ask)).find(({ name }) => name === `counted_players_${by}`) as Plan;
    const [, rows, loops] = new RegExp(`using ${index} x(?:_\\d)? \\(actual rows=([\\d.]+) loops=(\\d+)`).exec(text) ?? [];
    expect([Number(loops), Number(rows) > 0, Number(rows) <= 11]).toEqual([30, true, true]);
  });

  it('a statement reads its wallet’s rows and no other’s', async () => {
    const filters = { currency: 'EUR', from: new Date(Date.now() - 20 * 86_400_000).toISOString(), to: new Date().toISOString(), limit: 50 };
    const plans = await plansOf((reads) => new StatementHandler(reads).execute(new StatementOf(asker(), player, filters)));
    console.log(plans.map(({ name, ms }) => `${name} ${ms.toFixed(1)} ms`).join(', '));
    for (const { name, text } of plans) expect([name, SEQUENTIAL.exec(text)?.[0]]).toEqual([name, undefined]);
    const onwards = plans.find(({ name }) => name === 'statement_onwards') as Plan;
    expect(onwards.text).toMatch(/using transaction_\d{4}_\d\d_pkey/);
  });
});
