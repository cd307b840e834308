import { beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { setTimeout as pause } from 'node:timers/promises';
import { reportsGround } from './reports-ground.ts';

// Where one thing ends and the next begins: rounds of one moment, ages to the millisecond, what is open and what is over.

const here = reportsGround({ players: { EUR: 3 } });

interface Row { readonly n: string; readonly lastAt: number; readonly player?: number; readonly state?: 'open' | 'closed' | 'cancelled'; readonly round?: string; readonly operator?: string }

const INSERT = `
insert into played_round (player_id, operator_id, account_id, round, round_id, currency, state, bets, undone_bets, wins, staked, won, opened_at, last_at, ended_at, opened_day, ended_day)
select player, operator, account, coalesce(round, uuidv7()), n, 'EUR', state::round_state, 1, 0, 0, 1000000, 0, at, at, case when state <> 'open' then at end, at::date,
  case when state <> 'open' then at::date end
from jsonb_to_recordset($1::jsonb) x(player uuid, operator uuid, account int, round uuid, n text, state text, at timestamptz)`;

/** Nothing older than what is there now. */
async function put(...rows: readonly Row[]): Promise<void> {
  await here.sql(INSERT, [JSON.stringify(rows.map(({ n, lastAt, player = 0, state = 'open', round, operator = here.operator }) => (
    { player: here.world.players[player]?.id, operator, account: here.account.accountId, round, n, state, at: new Date(lastAt).toISOString() })))]);
  await here.sql("update projection set generation = generation + 1 where name = 'rounds'");
  // What was learnt of versions is asked for anew by then.
  await pause(300);
}

beforeAll(() => here.follow(['rounds']));
beforeEach(() => here.sql('delete from played_round'));

async function pages(query: string): Promise<{ n: string; sizes: number[] }> {
  const [names, sizes]: [string[], number[]] = [[], []];
  for (let cursor = ''; ;) {
    const { items, nextCursor } = await here.report(`/v1/rounds?${query}${cursor}`);
    names.push(...items.map(({ roundId }: { roundId: string }) => roundId));
    sizes.push(items.length);
    if (nextCursor === undefined) return { n: names.join(' '), sizes };
    cursor = `&cursor=${nextCursor}`;
  }
}

describe('rounds of one moment', () => {
  const at = Date.now() - 3_600_000;
  const round = (tail: string) => `01890000-0000-7000-8000-0000000000${tail}`;

  it('stand in the order of their players and rounds, each once, in pages of any size and in both directions', async () => {
    const [one, other] = [here.world.players[0], here.world.players[1]].map((player) => player?.id as string) as [string, string];
    const rows: Row[] = [
      ...[0, 1].flatMap((player) => ['c3', 'a1', 'b2'].map((tail) => ({ n: `${player}${tail}`, lastAt: at, player, round: round(tail) }))),
      { n: 'later', lastAt: at + 1 }, { n: 'earlier', lastAt: at - 1 },
    ];
    await put(...rows);
    const [first, second] = one < other ? [0, 1] : [1, 0];
    const upwards = ['earlier', ...[first, second].flatMap((player) => ['a1', 'b2', 'c3'].map((tail) => `${player}${tail}`)), 'later'];
    for (const limit of [1, 2, 3, 5, 8]) {
      for (const state of ['state=open', 'state=open&currency=EUR', '']) {
        expect([limit, state, (await pages(`order=asc&limit=${limit}&${state}`)).n]).toEqual([limit, state, upwards.join(' ')]);
        expect([limit, state, (await pages(`order=desc&limit=${limit}&${state}`)).n]).toEqual([limit, state, upwards.toReversed().join(' ')]);
      }
    }
    expect((await pages('order=asc&limit=3&state=open')).sizes).toEqual([3, 3, 2]);
  }, 30_000);

  it('are walked by their own operator’s cursors only', async () => {
    await put({ n: 'a', lastAt: at }, { n: 'b', lastAt: at });
    const { nextCursor } = await here.report('/v1/rounds?limit=1');
    expect((await here.platform.get(`/v1/rounds?limit=1&cursor=${nextCursor}`)).status).toBe(200);
    const theirs = await here.stranger.get(`/v1/rounds?limit=1&cursor=${nextCursor}`);
    expect([theirs.status, theirs.body.errors?.[0]?.field]).toEqual([400, 'cursor']);
  });
});

describe('ages', () => {
  const STEP_MS = 5_000;
  const AGES = [60, 600, 3_600, 86_400];
  const words = (body: any) => body.items.flatMap(({ buckets }: any) => buckets.map(({ age, rounds }: any) => `${age}: ${rounds}`));

  it('are counted to the millisecond: a round of exactly a minute is the last of the younger ones, and one of a millisecond more the first of the next', async () => {
    // Ages are counted from the last five seconds that are full, so both are put for the next.
    const next = Math.ceil((Date.now() + 1_500) / STEP_MS) * STEP_MS;
    await put(...AGES.flatMap((seconds) => [
      { n: `at ${seconds}`, lastAt: next - seconds * 1_000 }, { n: `behind ${seconds}`, lastAt: next - seconds * 1_000 - 1 }, { n: `again ${seconds}`, lastAt: next - seconds * 1_000 - 1 },
    ]));
    await pause(Math.max(0, next - Date.now()) + 20);
    const body = await here.report('/v1/rounds/open/ages');
    expect(body.items[0].buckets[0].lastFrom).toBe(new Date(next - 60_000).toISOString());
    expect(words(body)).toEqual(['< 1 min: 1', '< 10 min: 3', '< 1 h: 3', '< 1 day: 3', 'older: 2']);
    for (const { rounds, lastFrom, lastTo } of body.items[0].buckets) {
      const { n } = await pages(`state=open&limit=100${lastFrom ? `&lastFrom=${lastFrom}` : ''}${lastTo ? `&lastTo=${lastTo}` : ''}`);
      expect([lastTo, n.match(/at |behind |again /g)?.length]).toEqual([lastTo, rounds]);
    }
  }, 20_000);

  it('are of what is open: of one open, one closed and one cancelled round there is one', async () => {
    const lastAt = Date.now() - 30_000;
    await put({ n: 'open', lastAt }, { n: 'closed', lastAt, state: 'closed' }, { n: 'cancelled', lastAt, state: 'cancelled' });
    const { items } = await here.report('/v1/rounds/open/ages');
    expect([items[0].rounds, items[0].exposure]).toEqual([1, '1.00']);
    expect([(await pages('state=open')).n, (await pages('state=closed')).n, (await pages('state=cancelled')).n]).toEqual(['open', 'closed', 'cancelled']);
  });

  it('are of its own operator', async () => {
    await put({ n: 'ours', lastAt: Date.now() - 30_000 });
    expect((await here.report('/v1/rounds/open/ages', { platform: here.stranger })).items).toEqual([]);
  });
});
