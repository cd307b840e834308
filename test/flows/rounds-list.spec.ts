import { beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { rounds } from '../../src/views/rounds/projection.ts';
import { fed } from '../support/feeding.ts';
import { ground, type Seat } from '../support/ground.ts';
import { allRoles, type Read, type Reader } from '../support/reader.ts';

// /v1/rounds: which rounds there are, by state, age and activity; each number with the rows it is made of.

const here = ground({ players: { EUR: 30, JPY: 2 }, policies: [{ deadlineMs: 5_000 }, { deadlineMs: 5_000, roundScope: 'game' }, { deadlineMs: 5_000 }] }, allRoles);
let reader: Reader;
let foreigner: Reader;

const seat = (account = 0) => here.seat({ account });
const list = (query = '', by = reader, token?: string): Promise<Read> => by.get(`/v1/rounds?${query}`, token);

beforeAll(async () => {
  [reader, foreigner] = [await here.reader(0), await here.reader(1)];
  await fed(here.database, rounds);
});

const short = ({ body }: Read) => body.items.map(({ roundId, gameId, state, staked, won, bets, undoneBets, wins, endedAt }: any) =>
  [roundId, gameId ?? '-', state, staked, won, `${bets - undoneBets}/${bets}`, wins, endedAt === undefined ? 'on' : 'over'].join(' '));

describe('a round', () => {
  it('is shown as its movements leave it: 10.00 and 3.00 staked, the 3.00 taken back, 4.00 won, then closed', async () => {
    const anna = seat();
    await anna.bet('b1', '10.00');
    await anna.bet('b2', '3.00');
    await fed(here.database, rounds);
    expect(short(await list(`playerId=${anna.player.id}`))).toEqual(['r1 game-1 open 13.00 0.00 2/2 0 on']);
    await anna.rollback('x1', 'b2');
    await anna.win('w1', '4.00');
    await anna.bet('b3', '1.00', { roundId: 'r2' });
    await anna.closeRound('r1');
    await fed(here.database, rounds);
    const { body } = await list(`playerId=${anna.player.id}`);
    expect(short({ body } as Read)).toEqual(['r1 game-1 closed 10.00 4.00 1/2 1 over', 'r2 game-1 open 1.00 0.00 1/1 0 on']);
    const [closed] = body.items;
    const { body: line } = await reader.get(`/v1/players/${anna.player.id}/rounds/${closed.accountId}/r1`);
    expect([line.state, line.staked, line.won, line.bets, line.undoneBets]).toEqual(['closed', '10.00', '4.00', 2, 1]);
    expect([closed.openedAt, closed.lastAt, closed.endedAt]).toEqual([line.items[0].processedAt, line.items.at(-1).processedAt, line.items.at(-1).processedAt]);
  });

  it('of one id in two games is two where the account says so, and an award of 5.00 moves nothing in it', async () => {
    const ben = seat(1);
    await ben.bet('b1', '2.00');
    await ben.bet('b2', '7.00', { gameId: 'game-2', closeRound: true });
    await ben.win('w1', '5.00', { type: 'jackpot' });
    await fed(here.database, rounds);
    expect(short(await list(`playerId=${ben.player.id}&order=asc`))).toEqual(['r1 game-1 open 2.00 0.00 1/1 0 on', 'r1 game-2 closed 7.00 0.00 1/1 0 over']);
  });

  it('is in the list that takes along the token of its bet, or that list says 503', async () => {
    const cleo = seat();
    const { headers } = await cleo.bet('b1', '1.00');
    const token = headers['x-consistency-token'] as string;
    const first = await list(`playerId=${cleo.player.id}`, reader, token);
    expect([[200, 1], [503, undefined]]).toContainEqual([first.status, first.body.items?.length]);
    await fed(here.database, rounds);
    const { status, body, headers: { 'x-as-of': asOf } } = await list(`playerId=${cleo.player.id}`, reader, token);
    expect([status, body.items.length, asOf]).toEqual([200, 1, body.asOf]);
  });

  it('is seen by its own operator and nobody else', async () => {
    expect((await list('limit=100', foreigner)).body.items).toEqual([]);
    expect((await foreigner.get('/v1/rounds/open/ages')).body.items).toEqual([]);
    const { status, body } = await list('', await here.reader(0, []));
    expect([status, body.code]).toEqual([403, 'FORBIDDEN']);
  });
});

describe('a list of rounds', () => {
  const OTHER_CURSORS = ['cursor=', 'cursor=x', 'cursor=%00'];
  it.each([
    ['limit=0', 'limit'], ['limit=-1', 'limit'], ['limit=1000000000', 'limit'], ['limit=101', 'limit'], ['limit=1.5', 'limit'], ['limit=1&limit=2', 'limit'], ['order=up', 'order'],
    ['sort=staked', 'sort'], ['state=stuck', 'state'], ['playerId=anna', 'playerId'], ['accountId=0', 'accountId'], ['accountId=2147483648', 'accountId'], ['gameId=%00', 'gameId'],
    ['currency=eur', 'currency'], ['openedFrom=yesterday', 'openedFrom'], ['openedTo=2026-02-30T00:00:00Z', 'openedTo'], ['lastFrom=1', 'lastFrom'], ['olderThanSeconds=-1', 'olderThanSeconds'],
    ['olderThanSeconds=1e3', 'olderThanSeconds'], ['olderThanSeconds=9999999999', 'olderThanSeconds'], ['minExposure=-1&currency=EUR', 'minExposure'],
    ['minExposure=1e9&currency=EUR', 'minExposure'], ['minExposure=1.00', 'currency'], ['fields[]=x', 'fields[]'], ['__proto__=1', '__proto__'],
    ['openedFrom=1970-01-01T00:00:00Z&openedTo=2070-01-01T00:00:00Z', 'openedTo'], ['endedFrom=1980-01-01T00:00:00Z&endedTo=2080-01-01T00:00:00Z', 'endedTo'],
    ['lastFrom=1980-01-01T00:00:00Z&lastTo=2080-01-01T00:00:00Z', 'lastTo'], ...OTHER_CURSORS.map((query) => [query, 'cursor']),
  ])('asked for by %s is refused, naming %s', async (query, field) => {
    const { status, body } = await list(query);
    expect([status, body.code, body.errors?.map((error: { field: string }) => error.field)]).toEqual([400, 'REQUEST_INVALID', [field]]);
  });

  it.each(['opened', 'ended', 'last'])('between two times of which the second is not behind the first is refused: %s', async (name) => {
    const said = async (from: string, to: string) => {
      const { status, body } = await list(`${name}From=${encodeURIComponent(from)}&${name}To=${encodeURIComponent(to)}`);
      return [status, ...(body.errors ?? [])];
    };
    const wrong = (message: string) => [400, { field: `${name}To`, message }];
    expect(await said('2026-01-02T00:00:00Z', '2026-01-01T00:00:00Z')).toEqual(wrong(`after \`${name}From\``));
    expect(await said('2026-01-01T00:00:00Z', '2026-01-01T01:00:00+01:00')).toEqual(wrong(`after \`${name}From\``));
    expect(await said('2026-01-01T00:00:00.000Z', '2036-01-09T00:00:00.001Z')).toEqual(wrong(`at most 3660 days behind \`${name}From\``));
    expect(await said('2026-01-01T00:00:00.000Z', '2036-01-09T00:00:00.000Z')).toEqual([200]);
  });

  it('by age takes no filter that it does not know', async () => {
    const { status, body } = await reader.get('/v1/rounds/open/ages?currency=EUR');
    expect([status, body.errors?.[0].field]).toEqual([400, 'currency']);
  });

  it('has cursors that are good for its own filters and operator, and for nothing else', async () => {
    const dora = seat();
    for (const round of ['1', '2', '3']) await dora.bet(round, '1.00', { roundId: round });
    await fed(here.database, rounds);
    const own = `playerId=${dora.player.id}&state=open`;
    const { nextCursor: cursor } = (await list(`${own}&limit=2`)).body;
    expect((await list(`${own}&limit=100&cursor=${cursor}`)).body.items.length).toBe(1);
    const forged = [`${cursor.slice(0, -1)}${cursor.endsWith('A') ? 'B' : 'A'}`, `${cursor.startsWith('A') ? 'B' : 'A'}${cursor.slice(1)}`, cursor.slice(0, 20), Buffer.from('["x",1,1,"",""]').toString('base64url')];
    const wallet = (await reader.get(`/v1/players/${dora.player.id}/wallets/EUR/transactions?limit=1`)).body.nextCursor as string;
    const answers = await Promise.all([
      ...[...forged, wallet].map((other) => list(`${own}&cursor=${other}`)), list(`cursor=${cursor}`), list(`playerId=${dora.player.id}&state=closed&cursor=${cursor}`),
      list(`${own}&order=asc&cursor=${cursor}`), list(`${own}&cursor=${cursor}`, foreigner),
    ]);
    for (const { status, body } of answers) expect([status, body.code, body.errors[0].field]).toEqual([400, 'REQUEST_INVALID', 'cursor']);
  });

  it('walked while bets come shows each round that rests once, and none twice', async () => {
    const players = Array.from({ length: 6 }, () => seat());
    const resting = players.flatMap((who, at) => Array.from({ length: 5 }, (_, i) => [who, `rest-${at}-${i}`] as const));
    for (const [who, round] of resting) await who.bet(`${round}-b`, '0.01', { roundId: round });
    for (const who of players) await who.bet('moves-b', '0.01', { roundId: 'moves' });
    await fed(here.database, rounds);
    for (const order of ['desc', 'asc']) {
      const met: string[] = [];
      let cursor = '';
      for (let page = 0; ; page += 1) {
        const { status, body } = await list(`order=${order}&state=open&currency=EUR&limit=4${cursor}`);
        expect(status).toBe(200);
        met.push(...body.items.filter(({ roundId }: any) => /^(rest|moves)/.test(roundId)).map(({ playerId, roundId }: any) => `${playerId} ${roundId}`));
        if (body.nextCursor === undefined) break;
        cursor = `&cursor=${body.nextCursor}`;
        const mover = players[page % players.length] as Seat;
        await mover.bet(`${order}-${page}`, '0.01', { roundId: 'moves' });
        await fed(here.database, rounds);
      }
      expect([met.length, new Set(met).size]).toEqual([new Set(met).size, met.length]);
      expect(met.filter((each) => each.includes(' rest-')).length).toBe(resting.length);
    }
  }, 60_000);
});

/** Rows as no ledger made them, to have many, and times that are the same: what is looked at here is how they are listed. */
const ROWS = `
insert into played_round (player_id, operator_id, account_id, round, round_id, game_id, currency, state, bets, undone_bets, wins, staked, won, opened_at, last_at, ended_at, opened_day, ended_day)
select player_id, operator_id, account_id, uuidv7(), 'x-' || n, nullif(game, ''), currency, state::round_state, 1, 0, 0, staked, 0, opened_at, last_at, case when state <> 'open' then last_at end,
  opened_at::date, case when state <> 'open' then last_at::date end
from jsonb_to_recordset($1::jsonb) x(player_id uuid, operator_id uuid, account_id int, game text, currency text, state text, staked bigint,
  opened_at timestamptz, last_at timestamptz, n bigint)`;

describe('of whatever rounds there are', () => {
  /** Nothing older than what is there now: a kept answer may be a moment old. */
  const ages = async () => reader.get('/v1/rounds/open/ages', (await list('limit=1')).headers['x-consistency-token']);
  beforeEach(() => here.sql('delete from played_round'));

  const drawn = () => fc.array(fc.record({
    player: fc.nat(3), account: fc.nat(1), game: fc.constantFrom('', 'game-1', 'game-2'), currency: fc.constantFrom('EUR', 'JPY'), state: fc.constantFrom('open', 'open', 'closed', 'cancelled'),
    staked: fc.bigInt({ min: 0n, max: 50_000_000n }).map((units) => (units / 10_000n) * 10_000n), foreign: fc.nat(9).map((n) => n === 0),
    ageMs: fc.oneof(fc.nat(2 * 86_400_000), fc.constantFrom(59_000, 61_000, 599_000, 3_599_000, 3_601_000, 86_000_000, 90_000_000)), ranMs: fc.constantFrom(0, 5_000, 4_000_000),
  }), { minLength: 1, maxLength: 60 });
  type Drawn = ReturnType<typeof drawn> extends fc.Arbitrary<infer Rows> ? Rows : never;

  async function put(rows: Drawn): Promise<any[]> {
    const now = Date.now();
    const made = rows.map(({ player, account, foreign, ageMs, ranMs, staked, ...rest }, n) => ({
      ...rest, n, staked: Number(staked), player_id: here.world.players[player]?.id, operator_id: here.world.operators[foreign ? 1 : 0], account_id: here.account(account).accountId,
      last_at: new Date(now - Math.floor(ageMs / 1_000) * 1_000).toISOString(), opened_at: new Date(now - Math.floor(ageMs / 1_000) * 1_000 - ranMs).toISOString(),
    }));
    await here.sql('delete from played_round');
    await here.sql(ROWS, [JSON.stringify(made)]);
    // What no ledger made has no position: only a rebuilt view shows other rows at the same one, and the cache knows it by this.
    await here.sql("update projection set generation = generation + 1 where name = 'rounds'");
    return made.filter(({ operator_id: operator }) => operator === here.world.operators[0]);
  }

  async function walked(query: string): Promise<any[]> {
    const items: any[] = [];
    for (let cursor = ''; ;) {
      const { status, body } = await list(`${query}${cursor}`);
      expect([status, body.code]).toEqual([200, undefined]);
      items.push(...body.items);
      if (body.nextCursor === undefined) return items;
      cursor = `&cursor=${body.nextCursor}`;
    }
  }
  const units = (items: readonly { staked: string }[]): bigint => items.reduce((sum, { staked }) => sum + BigInt(Math.round(Number(staked) * 1_000_000)), 0n);

  it('each filter lets through what it says, in the order of the last activity, in pages of any size', async () => {
    const filters = fc.record({
      state: fc.constantFrom('open', 'closed', 'cancelled'), playerId: fc.nat(3).map((n) => here.world.players[n]?.id as string), accountId: fc.nat(1).map((n) => String(here.account(n).accountId)),
      gameId: fc.constantFrom('', 'game-1', 'game-3'), currency: fc.constantFrom('EUR', 'JPY'), openedFrom: fc.nat(90_000_000), openedTo: fc.nat(90_000_000), lastTo: fc.nat(90_000_000),
      endedFrom: fc.nat(90_000_000), endedTo: fc.nat(90_000_000), olderThanSeconds: fc.constantFrom('0', '60', '3600'), exposure: fc.constantFrom('0', '1', '25.5'),
    }, { requiredKeys: [] });
    await fc.assert(fc.asyncProperty(drawn(), filters, fc.constantFrom('asc', 'desc'), fc.integer({ min: 1, max: 9 }), async (rows, { exposure, ...asked }, order, limit) => {
      const made = await put(rows);
      const now = Date.now();
      const at = (ms: number) => new Date(now - ms).toISOString();
      const query: Record<string, string> = { order, limit: String(limit) };
      for (const [name, value] of Object.entries(asked)) query[name] = typeof value === 'number' ? at(value) : value;
      // What is opened, or ends, between two times: the second one is behind the first.
      for (const name of ['opened', 'ended'] as const) {
        const [from, to] = [asked[`${name}From`], asked[`${name}To`]];
        if (from !== undefined && to !== undefined) [query[`${name}From`], query[`${name}To`]] = [at(Math.max(from, to) + 1), at(Math.min(from, to))];
      }
      if (exposure !== undefined && asked.currency !== undefined) query['minExposure'] = exposure;
      const wanted = made.filter((row) => {
        const ended = row.state === 'open' ? undefined : row.last_at;
        return (asked.state ?? row.state) === row.state && (asked.playerId ?? row.player_id) === row.player_id && Number(asked.accountId ?? row.account_id) === row.account_id
          && (asked.gameId ?? row.game) === row.game && (asked.currency ?? row.currency) === row.currency
          && (query['openedFrom'] === undefined || row.opened_at >= query['openedFrom']) && (query['openedTo'] === undefined || row.opened_at < query['openedTo'])
          && (query['lastTo'] === undefined || row.last_at < query['lastTo']) && (query['endedFrom'] === undefined || ended >= query['endedFrom'])
          && (query['endedTo'] === undefined || ended < query['endedTo'])
          && (asked.olderThanSeconds === undefined || Date.parse(row.last_at) < now - Number(asked.olderThanSeconds) * 1_000)
          && (query['minExposure'] === undefined || row.staked >= Number(query['minExposure']) * 1_000_000);
      });
      const items = await walked(new URLSearchParams(query).toString());
      const times = wanted.map(({ last_at: at }) => at).toSorted();
      expect(items.map(({ lastAt }) => lastAt)).toEqual(order === 'asc' ? times : times.toReversed());
      expect(new Set(items.map(({ roundId }) => roundId)).size).toBe(items.length);
      expect([...new Set(items.map(({ gameId }) => gameId ?? ''))].every((game) => (asked.gameId ?? game) === game)).toBe(true);
    }), { numRuns: 60, verbose: true });
  }, 120_000);

  it('each number of the ages is the sum of the rows that its filters list', async () => {
    await fc.assert(fc.asyncProperty(drawn(), async (rows) => {
      const open = (await put(rows)).filter(({ state }) => state === 'open');
      const { status, body } = await ages();
      expect(status).toBe(200);
      let counted = 0;
      for (const { accountId, currency, rounds: all, exposure, buckets } of body.items) {
        const of = `limit=7&state=open&accountId=${accountId}&currency=${currency}`;
        const whole = await walked(of);
        expect([all, BigInt(Math.round(Number(exposure) * 1e6))]).toEqual([whole.length, units(whole)]);
        for (const bucket of buckets.filter(({ rounds: some }: any, i: number) => some > 0 || i === 0)) {
          const listed = await walked(`${of}${bucket.lastFrom ? `&lastFrom=${bucket.lastFrom}` : ''}${bucket.lastTo ? `&lastTo=${bucket.lastTo}` : ''}`);
          expect([bucket.age, bucket.rounds, BigInt(Math.round(Number(bucket.exposure) * 1e6))]).toEqual([bucket.age, listed.length, units(listed)]);
        }
        counted += buckets.reduce((sum: number, bucket: any) => sum + bucket.rounds, 0);
      }
      expect(counted).toBe(open.length);
    }), { numRuns: 15, verbose: true });
  }, 120_000);

  it('ages begin at 1 minute, 10 minutes, 1 hour and 1 day: of 5 open rounds there is one in each', async () => {
    const row = { player: 0, account: 0, game: 'game-1', currency: 'EUR', state: 'open', foreign: false, ranMs: 0 } as const;
    await put([30, 300, 1_800, 40_000, 100_000].map((seconds, i) => ({ ...row, staked: BigInt(i + 1) * 1_000_000n, ageMs: seconds * 1_000 })));
    const { body: { items: [aged] } } = await ages();
    expect([aged.rounds, aged.exposure, aged.currency]).toEqual([5, '15.00', 'EUR']);
    expect(aged.buckets.map(({ age, rounds: some, exposure }: any) => `${age}: ${some}, ${exposure}`)).toEqual([
      '< 1 min: 1, 1.00', '< 10 min: 1, 2.00', '< 1 h: 1, 3.00', '< 1 day: 1, 4.00', 'older: 1, 5.00']);
    expect(aged.buckets.map((bucket: object) => ['lastFrom' in bucket, 'lastTo' in bucket])).toEqual([[true, false], [true, true], [true, true], [true, true], [false, true]]);
  });
});
