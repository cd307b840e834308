import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import type { Step } from '../../libs/postgres/index.ts';
import type { Reads } from '../../src/views/reads.ts';
import { OpenRoundAges, OpenRoundAgesHandler } from '../../src/views/rounds/ages.query.ts';
import { RoundsByActivity, RoundsByActivityHandler } from '../../src/views/rounds/list.query.ts';
import { RoundsFilters } from '../../src/views/rounds/schema.ts';
import { freshDatabase } from '../support/cluster.ts';
import { Explainer, sentBy, type Plan as Explained } from '../support/explain.ts';
import { createWorld, type World } from '../support/world.ts';

// How PostgreSQL answers the questions for rounds, as croupier_read, behind row-level security. PLAN_ROUNDS makes them more.

const ROWS = Number(process.env['PLAN_ROUNDS'] ?? 100_000);
const PLAYERS = 400;
/** what is read for a page of any size */
const READ = 101;
/** rounds of one millisecond, which are put in order as they are read */
const TIES = 10;

let world: World;
let explainer: Explainer;
const operator = () => world.operators[0] as string;

/** Two operators; every tenth round is open; as many as come in one batch share their time. */
const PUT = `
insert into played_round (player_id, operator_id, account_id, round, round_id, game_id, currency, state, bets, undone_bets, wins, staked, won, opened_at, last_at, ended_at, opened_day, ended_day)
select ('00000000-0000-4000-8000-' || lpad((n * 7919::int8 % ${PLAYERS})::text, 12, '0'))::uuid, case when n * 7919::int8 % ${PLAYERS} % 4 = 0 then $2::uuid else $1::uuid end, $3, uuidv4(), 'r-' || n,
  'game-' || n % 50, 'EUR', (case when n % 10 = 0 then 'open' else 'closed' end)::round_state, 1, 0, 0, 1000000, 0, at, at, case when n % 10 > 0 then at end, at::date, case when n % 10 > 0 then at::date end
from generate_series(1, ${ROWS}) n cross join lateral (select timestamptz '2026-01-01 00:00Z' + n / ${TIES} * interval '30 milliseconds' as at) a`;

beforeAll(async () => {
  const database = await freshDatabase();
  world = await createWorld(database, { players: { EUR: 1 } });
  const owner = new pg.Client(database.url('superuser'));
  await owner.connect();
  await owner.query(PUT, [operator(), world.operators[1], world.accounts[0]?.accountId]);
  // What is committed and not flushed yet is visible to all, and vacuum does not know it.
  await owner.query('checkpoint');
  await owner.query('vacuum analyze played_round');
  await owner.end();
  explainer = await Explainer.on(database);
}, 600_000);
afterAll(() => explainer?.close());

interface Plan extends Explained {
  /** rows that came out of the indexes of played_round, those that a filter took away among them */
  readonly read: number;
}

/** The last statement that a handler sends, behind what it set for it. */
async function planOf(ask: (reads: Reads) => Promise<unknown>): Promise<Plan> {
  const sent = (await sentBy(ask)).flat();
  const plan = await explainer.explain(operator(), sent.at(-1) as Step, sent.slice(0, -1).filter(({ name }) => name !== 'view_cursor_key'));
  const scans = [...plan.text.matchAll(/using played_round_\w+ on played_round\b[^\n]*actual rows=([\d.]+)[^\n]*((?:\n(?! *->)[^\n]*)*)/g)];
  const read = scans.reduce((sum, [, out, below]) => sum + Number(out) + Number(/Rows Removed by Filter: (\d+)/.exec(below as string)?.[1] ?? 0), 0);
  return { ...plan, read };
}

const list = (query: Record<string, string>) => (reads: Reads) =>
  new RoundsByActivityHandler(reads).execute(new RoundsByActivity({ operator: operator() }, RoundsFilters.parse(query)));

/** The page comes from the index in its order: what is read is the page and those of its last millisecond. */
function expectRange({ text, read, rows }: Plan, indexes: readonly string[], times = 1): void {
  expect([rows, [...text.matchAll(/using (played_round_\w+) on/g)].map(([, name]) => name).toSorted()]).toEqual([READ, indexes]);
  expect(text).not.toMatch(/Seq Scan on played_round|Bitmap|(^|-> +)Sort \(/m);
  expect(read).toBeGreaterThanOrEqual(READ);
  expect(read).toBeLessThanOrEqual((READ + 2 * TIES) * times);
}

describe(`of ${ROWS} rounds`, () => {
  const player = '00000000-0000-4000-8000-000000000007';
  const middle = new Date(Date.parse('2026-01-01T00:00:00Z') + (ROWS / TIES / 2) * 30).toISOString();

  it.each(['asc', 'desc'])('a page of open rounds is a range of their index, %s', async (order) => {
    const plan = await planOf(list({ state: 'open', order }));
    process.stdout.write(`open ${order}: ${plan.ms} ms\n`);
    expectRange(plan, ['played_round_open']);
    expectRange(await planOf(list({ state: 'open', order, [order === 'asc' ? 'lastFrom' : 'lastTo']: middle })), ['played_round_open']);
  });

  it('a page of those that are older than an hour is, too', async () => {
    expectRange(await planOf(list({ state: 'open', order: 'asc', olderThanSeconds: '3600' })), ['played_round_open']);
  });

  it.each(['asc', 'desc'])('a page of one player’s rounds is a range of the index that begins with the player, %s', async (order) => {
    const plan = await planOf(list({ playerId: player, order }));
    process.stdout.write(`player ${order}: ${plan.ms} ms\n`);
    expectRange(plan, ['played_round_of_player']);
    expect(plan.text).toMatch(/Index Cond: \(\(player_id = \$18\) AND \(last_at/);
  });

  it.each([['closed', ['played_round_ended'], 1], ['', ['played_round_ended', 'played_round_open'], 2]] as const)('a page of rounds in state “%s” is a range of %j', async (state, indexes, times) => {
    const plan = await planOf(list(state === '' ? {} : { state }));
    process.stdout.write(`state ${state}: ${plan.ms} ms\n`);
    expectRange(plan, indexes, times);
  });

  it('a page behind a cursor begins where it says', async () => {
    const { sealCursor } = await import('../../libs/http/index.ts');
    const scope = ['rounds', operator(), JSON.stringify([['order', 'desc'], ['state', 'open']])];
    const cursor = sealCursor(Buffer.from('00', 'hex'), scope, [middle, player, 1, player, 'infinity', '']);
    expectRange(await planOf(list({ state: 'open', cursor })), ['played_round_open']);
  });

  it('the ages of open rounds come out of their index alone, without the table', async () => {
    const plan = await planOf((reads) => new OpenRoundAgesHandler(reads).execute(new OpenRoundAges({ operator: operator() }, middle)));
    process.stdout.write(`ages of ${plan.read}: ${plan.ms} ms\n`);
    expect(plan.text).toMatch(/Index Only Scan using played_round_open on played_round/);
    expect(plan.text).toMatch(/Heap Fetches: 0/);
    expect([plan.rows, plan.read >= ROWS / 20]).toEqual([2, true]);
  });
});
