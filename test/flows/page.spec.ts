import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createHash } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { pool, TenantPool } from '../../libs/postgres/index.ts';
import { readConfig } from '../../src/config.ts';
import { Feed, type FeedEntry, type Tail } from '../../src/ops/page/feed.ts';
import type { Figures } from '../../src/ops/page/figures.ts';
import { Views } from '../../src/ops/page/views.ts';
import { PROJECTIONS } from '../../src/installed.ts';
import { freePort } from '../../tools/local/embedded-postgres.ts';
import { fed } from '../support/feeding.ts';
import { Ground, ground } from '../support/ground.ts';
import { plantKey } from '../support/office.ts';
import { Provider } from '../support/provider.ts';
import { Proxy } from '../support/proxy.ts';
import { serveHere, type InProcess } from '../support/server.ts';

// The page of the local run at `/`. Players of the first operator begin with 100.00 EUR; so do the second operator's two.

interface News {
  readonly now: string;
  readonly figures: Figures;
  readonly ledger: Tail;
  readonly demoFile: string;
}

const here = ground({ players: { EUR: 10 } });
const opened: { close(): Promise<unknown> }[] = [];
let local: InProcess;

/** A process of the local run, beside the one that takes the calls. */
async function serveLocal(operator: string, env: Readonly<Record<string, string>> = {}, { database }: Pick<Ground, 'database'> = here): Promise<InProcess> {
  const served = await serveHere(database, {
    ROLE: 'all', DATABASE_OFFICE_URL: database.url('croupier_office'), DATABASE_WORKER_URL: database.url('croupier_worker'),
    DATABASE_READ_URL: database.url('croupier_read'), LOCAL_PAGE_OPERATOR: operator, LOCAL_PAGE_DEMO_FILE: 'somewhere/demo.json', ...env,
  });
  opened.push(served);
  return served;
}

const news = async (served = local): Promise<News> => {
  const answer = await fetch(`${served.baseUrl}/local/feed`);
  expect([answer.status, answer.headers.get('cache-control')]).toEqual([200, 'no-store']);
  return (await answer.json()) as News;
};

/** Asks as the page does until the operator's ledger shows what is looked for. */
async function shows(sought: (entry: FeedEntry) => boolean, served = local, withinMs = 5_000): Promise<FeedEntry> {
  for (const deadline = performance.now() + withinMs; ; await pause(50)) {
    const found = (await news(served)).ledger.entries.find(sought);
    if (found) return found;
    if (performance.now() > deadline) throw new Error(`not shown within ${withinMs} ms`);
  }
}

const pageReaders = async (): Promise<number> => {
  const [row] = await here.sql<{ open: number }>(`select count(*)::int as open from pg_stat_activity where application_name = 'croupier page' and datname = current_database()`);
  return row?.open ?? -1;
};

beforeAll(async () => {
  local = await serveLocal(here.world.operators[0] as string);
});
afterAll(() => Promise.all(opened.map((one) => one.close())));

describe('the page of the local run', () => {
  it('is not there without its setting', async () => {
    for (const path of ['/', '/local/feed', '/local/views', '/local/readme']) {
      const answer = await fetch(here.served.baseUrl + path);
      expect([path, answer.status]).toEqual([path, 404]);
    }
  });

  it('is refused on an address that others can reach, and in any role but the local run\'s', () => {
    const url = 'postgres://a:b@localhost/croupier';
    const config = (env: object) => readConfig({
      ROLE: 'all', DATABASE_URL: url, DATABASE_OFFICE_URL: url, DATABASE_WORKER_URL: url, DATABASE_READ_URL: url,
      LOCAL_PAGE_OPERATOR: '0199d2f6-8f25-7a3c-8c3a-9f4f7f1c2b3d', ...env,
    });
    for (const HOST of ['127.0.0.1', '127.8.8.8', 'localhost', '::1']) expect(config({ HOST }).localPage?.demoFile).toBe('var/demo.json');
    for (const HOST of ['0.0.0.0', '::', '203.0.113.7', 'localhost.example.org', '127.0.0.1.example.org']) {
      expect(() => config({ HOST })).toThrow('setting LOCAL_PAGE_OPERATOR: the page is for the local run, and HOST is no loopback address');
    }
    for (const ROLE of ['wallet', 'office', 'worker']) expect(() => config({ ROLE })).toThrow(/LOCAL_PAGE_OPERATOR: .* ROLE is not all/);
    expect(() => config({ LOCAL_PAGE_OPERATOR: 'demo' })).toThrow(/setting LOCAL_PAGE_OPERATOR/);
    expect(() => config({ LOCAL_PAGE_OPERATORS: 'demo' })).toThrow(/setting LOCAL_PAGE_OPERATORS: there is none/);
  });

  it('names no other place, and lets the browser go to none', async () => {
    const answer = await fetch(local.baseUrl);
    expect([answer.status, answer.headers.get('content-type'), answer.headers.get('cache-control')]).toEqual([200, 'text/html; charset=utf-8', 'no-store']);
    const html = await answer.text();
    // The one name that looks like an address is SVG's own, which nobody fetches.
    expect([...html.matchAll(/\w+:\/\/[^\s'"<>)]+|["'(]\/\/[^\s'"<>)]+/g)].map(([found]) => found)).toEqual(['http://www.w3.org/2000/svg']);
    const targets = [...html.matchAll(/(?:src|href|action|fetch\(|ask\()=?["']([^"']*)["']/g)].map(([, target = '']) => target.slice(0, 19));
    expect([...new Set(targets)].sort()).toEqual(['/docs', '/health/ready', '/local/feed', '/local/readme', '/local/views', '/metrics', 'data:image/svg+xml,']);

    const policy = Object.fromEntries((answer.headers.get('content-security-policy') ?? '').split('; ').map((part) => part.split(/ (.*)/)));
    const hashOf = (tag: string) => `'sha256-${createHash('sha256').update(new RegExp(`<${tag}>([^]*)</${tag}>`).exec(html)?.[1] ?? '').digest('base64')}'`;
    expect(policy).toMatchObject({ 'default-src': "'none'", 'connect-src': "'self'", 'script-src': hashOf('script'), 'style-src': hashOf('style'), 'img-src': 'data:' });
    expect(html).not.toMatch(/ (style|on\w+)="/); // which the policy would not let through
  });

  it('links to what is there', async () => {
    // Its queue is known a moment after it listens.
    for (let i = 0; i < 200 && !(await fetch(`${local.baseUrl}/health/ready`)).ok; i++) await pause(50);
    for (const path of ['/docs', '/metrics', '/health/ready', '/local/readme']) expect([path, (await fetch(local.baseUrl + path)).status]).toEqual([path, 200]);
    expect(await (await fetch(`${local.baseUrl}/local/readme`)).text()).toContain('## A bet by hand');
    expect(await news()).toMatchObject({ demoFile: 'somewhere/demo.json', now: expect.stringMatching(/^\d{4}-.*Z$/) });
  });
});

describe('its feed', () => {
  it('shows a bet within a second of its answer, with what it came to', async () => {
    const { bet, player } = here.seat();
    await news(); // somebody looks already
    await bet('feed-1', '10.5');
    const answeredAt = performance.now();
    const shown = await shows((entry) => entry.player === player.id && entry.kind === 'bet');
    expect(performance.now() - answeredAt).toBeLessThan(1_000);
    expect(shown).toEqual({
      id: expect.stringMatching(/^[0-9a-f-]{36}$/), kind: 'bet', player: player.id, currency: 'EUR', amount: '-10.50', balanceAfter: '89.50', game: 'One',
      at: expect.stringMatching(/^\d{4}-.*Z$/),
    });
  });

  it('never shows another operator\'s, though they stand in the same lane and batch', async () => {
    const [first, second] = here.world.operators as [string, string];
    const theirs = await serveLocal(second);
    const mine = here.seat();
    const stranger = here.world.strangers[0]!;
    const strangers = new Set(here.world.strangers.map(({ id }) => id));
    const fields = { playerId: stranger.id, currency: 'EUR', gameId: 'game-1', roundId: 'r1' };
    for (let i = 0; i < 5; i++) {
      const [{ status }] = await Promise.all([here.provider(-1).call('bet', { transactionId: `s-${i}`, amount: '1', ...fields }), mine.bet(`m-${i}`, '1')]);
      expect(status).toBe(200);
    }
    await shows((entry) => entry.player === mine.player.id && entry.balanceAfter === '95.00');
    await shows((entry) => entry.player === stranger.id && entry.balanceAfter === '95.00', theirs);
    const [ofFirst, ofSecond] = [await news(), await news(theirs)];
    expect(ofFirst.ledger.entries.filter(({ player }) => strangers.has(player))).toEqual([]);
    expect(ofSecond.ledger.entries.filter(({ player }) => !strangers.has(player))).toEqual([]);
    expect(first).not.toBe(second);
  });

  it('keeps the newest twenty, newest first, of one wallet in the order of its versions', async () => {
    const { bet, win, play, player } = here.seat();
    await bet('n-1', '1');
    await win('n-2', '2.25');
    for (let i = 0; i < 12; i++) await play([{ type: 'bet', transactionId: `p-${i}`, amount: '1' }, { type: 'win', transactionId: `q-${i}`, amount: '0' }]);
    await shows((entry) => entry.player === player.id && entry.balanceAfter === '89.25' && entry.amount === '0.00');
    const { entries } = (await news()).ledger;
    expect(entries).toHaveLength(20);
    expect(entries.map(({ kind, balanceAfter }) => `${kind} ${balanceAfter}`).slice(0, 4)).toEqual(['win 89.25', 'bet 89.25', 'win 90.25', 'bet 90.25']);
    expect(entries.map(({ at }) => at)).toEqual(entries.map(({ at }) => at).sort().reverse());

    const late = await serveLocal(here.world.operators[0] as string); // who comes now sees the same
    expect((await news(late)).ledger.entries).toEqual(entries);
  });

  it('asks the database at most twice a second for all who look, and not at all while nobody does', async () => {
    const real = new TenantPool(pool(here.database.url('croupier_read'), { name: 'croupier counted' }, 1));
    opened.push(real);
    let asked = 0;
    const feed = new Feed(here.world.operators[0] as string, [{ name: 'primary', pool: { as: (...args) => (asked++, real.as(...args)), close: () => real.close() } }]);
    await Promise.all(Array.from({ length: 100 }, () => feed.read()));
    expect(asked).toBe(1);
    for (const until = performance.now() + 1_700; performance.now() < until; ) await Promise.all([feed.read(), feed.read(), pause(10)]);
    expect([3, 4]).toContain(asked);
    const before = asked;
    await pause(700);
    expect(asked).toBe(before);
  });

  it('opens no connection before somebody looks', async () => {
    const others = await pageReaders();
    const unseen = await serveLocal(here.world.operators[0] as string);
    await fetch(unseen.baseUrl);
    expect(await pageReaders()).toBe(others);
    await news(unseen);
    expect(await pageReaders()).toBe(others + 1);
  });

  it('counts calls, refusals and times of the process that serves it', async () => {
    const { figures: before } = await news();
    const provider = new Provider(local.baseUrl, here.account());
    const { player } = here.seat();
    const bet = (transactionId: string, amount: string) => provider.call('bet', { transactionId, amount, playerId: player.id, currency: 'EUR', gameId: 'game-1', roundId: 'r1' });
    expect([(await bet('f-1', '10')).status, (await bet('f-2', '500')).status, (await fetch(`${local.baseUrl}/nothing`)).status]).toEqual([200, 422, 404]);
    provider.close();
    const { figures } = await news();
    expect([figures.calls - before.calls, figures.refused - before.refused, figures.failed - before.failed]).toEqual([2, 1, 0]);
    expect(figures.seconds.at(-1)).toEqual({ atMost: null, calls: figures.calls });
    expect(figures.seconds.map(({ calls }) => calls)).toEqual(figures.seconds.map(({ calls }) => calls).sort((a, b) => a - b));
    expect(figures.queue).toBe(0);
  });
});

describe('its views', () => {
  const played = new Ground({ players: { EUR: 3, JPY: 1 } });
  let shows: InProcess;
  let key: string;
  beforeAll(async () => {
    await played.open();
    // It is the seventh hour of everybody's gaming day, so that no midnight comes between a bet and its report.
    await played.sql("update operator set time_zone = 'UTC', day_starts = date_trunc('hour', (now() at time zone 'UTC') - interval '6 hours')::time");
    const [first] = played.world.operators as [string, string];
    shows = await serveLocal(first, {}, played);
    key = await plantKey(played.database, first);
  });
  afterAll(() => played.close());

  const textOf = async (served = shows): Promise<string> => {
    const answer = await fetch(`${served.baseUrl}/local/views`);
    expect([answer.status, answer.headers.get('cache-control')]).toEqual([200, 'no-store']);
    return answer.text();
  };
  async function until(sought: (said: any) => boolean, served = shows, withinMs = 20_000): Promise<any> {
    for (const deadline = performance.now() + withinMs; ; await pause(100)) {
      const said = JSON.parse(await textOf(served));
      if (sought(said)) return said;
      if (performance.now() > deadline) throw new Error(`not shown within ${withinMs} ms: ${JSON.stringify(said).slice(0, 2_000)}`);
    }
  }
  const euros = ({ revenue }: any): any => revenue.currencies?.find(({ currency }: any) => currency === 'EUR');
  const turnoverIs = (amount: string) => (said: any): boolean => euros(said)?.soFar.turnover === amount;
  const report = async (path: string): Promise<any> => (await fetch(shows.baseUrl + path, { headers: { authorization: `Bearer ${key}` } })).json();

  it('show bets of 10.00, 5.50 and 3.00, the last rolled back, and a win of 4.00: turnover 15.50, GGR 11.50; 50 JPY apart from it', async () => {
    const [seat, yen] = [played.seat(), played.seat({ currency: 'JPY' })];
    const answers = [
      await seat.bet('v-1', '10'), await seat.bet('v-2', '5.5', { gameId: 'game-2' }), await seat.win('v-3', '4'), await seat.bet('v-4', '3', { gameId: 'game-2' }),
      await seat.rollback('v-5', 'v-4'), await yen.bet('v-6', '50'), await seat.bet('v-7', '5000'),
    ];
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200, 200, 422]);
    await fed(played.database, ...PROJECTIONS);
    const said = await until((all) => turnoverIs('15.50')(all) && all.revenue.currencies.length === 2 && all.providers.accounts[0]?.total.calls === 7);
    expect(said.stopped).toEqual([]);
    const { accountId } = played.account();
    expect(euros(said)).toMatchObject({
      soFar: { bets: 3, turnover: '15.50', won: '4.00', ggr: '11.50', rtp: '0.258064', activePlayers: 1 }, toTheHour: { yesterday: { bets: 0, turnover: '0.00' } },
      providers: [{ accountId, provider: 'studio 0', turnover: '15.50', ggr: '11.50' }],
      games: [{ game: 'One', turnover: '10.00', ggr: '6.00' }, { game: 'Two', turnover: '5.50', ggr: '5.50' }],
    });
    expect(said.revenue.currencies[1]).toMatchObject({ currency: 'JPY', soFar: { bets: 1, turnover: '50', ggr: '50', activePlayers: 1 } });
    expect(said.providers.accounts).toMatchObject([{ accountId, provider: 'studio 0', total: { calls: 7, accepted: 6, refused: 1, failed: 0, repeated: 0, rollbacks: 1 } }]);
    expect(Date.parse(said.providers.to) - Date.parse(said.providers.from)).toBe(30 * 60_000);
  });

  it('say what the API says, word for word, and nothing secret', async () => {
    const { revenue, providers: { from, to, ...providers } } = await until(turnoverIs('15.50'));
    expect(revenue).toEqual({ ...(await report('/v1/reports/dashboard?top=8')), asOf: expect.any(String) });
    expect({ from, to, ...providers }).toEqual({ ...(await report(`/v1/reports/providers/health?from=${from}&to=${to}`)), asOf: expect.any(String) });
    const text = await textOf();
    const { apiKey, secret } = played.account();
    for (const hidden of [apiKey, secret, secret.slice(6), key, ...played.world.players.map(({ sessionToken }) => sessionToken), 'postgres:']) expect(text).not.toContain(hidden);
  });

  it('are one operator\'s own: another\'s page has nothing of them', async () => {
    const theirs = await serveLocal(played.world.operators[1] as string, {}, played);
    const said = await until(({ revenue }) => revenue.asOf !== undefined, theirs);
    expect([said.revenue.currencies, said.providers.accounts]).toEqual([[], []]);
  });

  it('name a view that has stopped, with what it had and since when; say why where one is being built; and go on afterwards', async () => {
    const seat = played.seat();
    await until(turnoverIs('15.50'));
    await played.sql("update projection set state = 'stopped', stopped_at = now(), stopped_because = 'planted' where name = 'revenue'");
    await until(({ stopped }) => stopped.includes('revenue'));
    const [{ now }] = (await played.sql<{ now: Date }>('select clock_timestamp() as now')) as [{ now: Date }];
    await seat.bet('w-1', '1');
    await pause(1_500); // longer than anything is kept
    const said = JSON.parse(await textOf());
    expect([said.stopped, euros(said).soFar.turnover]).toEqual([['revenue'], '15.50']);
    expect(Date.parse(said.revenue.asOf)).toBeLessThanOrEqual(now.getTime() + 1);

    await played.sql("update projection set caught_up = false where name = 'revenue'");
    expect((await until(({ revenue }) => revenue.asOf === undefined)).revenue).toEqual({ why: 'revenue is being built' });
    await played.sql("update projection set state = 'following', stopped_at = null, stopped_because = null where name = 'revenue'");
    expect((await until(turnoverIs('16.50'))).revenue.asOf > said.revenue.asOf).toBe(true);
    expect((await until(({ stopped }) => stopped.length === 0)).stopped).toEqual([]);
  });

  it('are read once for all who ask at the same moment', async () => {
    let asked = 0;
    const queries = { execute: async () => (asked++, await pause(50), { body: {}, asOf: '2026-01-31T00:00:00.000Z' }) };
    const views = new Views(queries as never, { registry: { getSingleMetric: () => undefined } } as never, played.world.operators[0] as string);
    await Promise.all(Array.from({ length: 100 }, () => views.read()));
    expect(asked).toBe(2);
    await views.read();
    expect(asked).toBe(4);
  });
});

describe('its feed, when a database is gone', () => {
  it('is read from the primary while the replica does not answer', async () => {
    const served = await serveLocal(here.world.operators[0] as string, { DATABASE_REPLICA_URLS: `postgres://croupier_read:x@127.0.0.1:${await freePort()}/x` });
    const { ledger } = await news(served);
    expect(ledger).toMatchObject({ from: 'primary', stale: false });
    expect(ledger.entries.length).toBeGreaterThan(0);
  });

  it('shows what it has and says that it is old, and goes on when the database is back', async () => {
    const proxy = await Proxy.before(here.database.url('croupier_read'));
    opened.push(proxy);
    const served = await serveLocal(here.world.operators[0] as string, { DATABASE_READ_URL: proxy.through(here.database.url('croupier_read')) });
    const { ledger } = await news(served);
    expect(ledger.stale).toBe(false);
    proxy.cut();
    const stale = async (): Promise<Tail> => { await pause(100); return (await news(served)).ledger; };
    let now = await stale();
    for (const until = performance.now() + 8_000; !now.stale && performance.now() < until; ) now = await stale();
    expect([now.stale, now.entries]).toEqual([true, ledger.entries]);

    proxy.mend();
    const { bet, player } = here.seat();
    await bet('again-1', '1');
    await shows((entry) => entry.player === player.id, served, 15_000);
    expect((await news(served)).ledger.stale).toBe(false);
  });
});
