/**
 * `npm run bench -- --reads 200k`: the read side over a seeded history (S10, S11): how fast views catch up, what a page of history costs from a replica
 * and from the cache, what reports cost, and how far views lag behind the wallet under load. `npm run prove` asks for 10m.
 */
import { Agent, request } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import { built } from './built.ts';
import { cpuOfFamily } from './cpu.ts';
import { drawOf } from './draws.ts';
import { chooseGenerator } from './generators.ts';
import { DATABASE, type Ground } from './ground.ts';
import { openLoop, type OpenSample } from './open-loop.ts';
import { uniform, type Field } from './peak.ts';
import { randomOf } from './random.ts';
import { startServer, startWallet, type Server } from './servers.ts';

export interface CatchUp {
  readonly view: string;
  readonly transactions: number;
  readonly seconds: number;
  readonly perSecond: number;
  readonly postgresUs: number;
}

/** Milliseconds. */
export interface Timing {
  readonly what: string;
  readonly requests: number;
  readonly p50: number;
  readonly p99: number;
  readonly most: number;
  /** of the answers that a cache gave, where that was counted */
  readonly hitRate?: number;
}

export interface Lag {
  readonly view: string;
  readonly samples: number;
  readonly p50: number;
  readonly p99: number;
}

export interface ReadsReport {
  readonly transactions: number;
  readonly players: number;
  readonly made: { readonly seconds: number; readonly perSecond: number };
  readonly alone: readonly CatchUp[];
  readonly together: { readonly seconds: number; readonly perSecond: number };
  readonly timings: readonly Timing[];
  readonly load: { readonly perSecond: number; readonly sample: OpenSample; readonly lags: readonly Lag[] };
}

interface Place {
  readonly lane: number;
  readonly batch: number;
}

export interface ReadsSizes {
  readonly transactions: number;
  readonly players: number;
  readonly days: number;
  /** bets a second while lag is looked at */
  readonly betsPerSecond: number;
  readonly loadSeconds: number;
  readonly requests: number;
}

type Progress = (sentence: string) => void;
const quantile = (sorted: readonly number[], share: number): number => sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)] ?? NaN;
const timing = (what: string, ms: readonly number[], hitRate?: number): Timing => {
  const sorted = ms.toSorted((a, b) => a - b);
  return { what, requests: ms.length, p50: quantile(sorted, 0.5), p99: quantile(sorted, 0.99), most: sorted.at(-1) ?? NaN, ...(hitRate !== undefined && { hitRate }) };
};

export async function measureReads(ground: Ground, sizes: ReadsSizes, seed: number, progress: Progress, stops: (() => Promise<void>)[]): Promise<ReadsReport> {
  const { seedHistory, SEED_OPERATOR } = await built<typeof import('../../src/wallet/seed.ts')>('src/wallet/seed');
  const db = new pg.Client(ground.postgres.superuserUrl(DATABASE));
  await db.connect();
  stops.push(() => db.end());
  progress(`seeding ${sizes.transactions} transactions of ${sizes.players} players`);
  const told = everySoOften(progress, (rows: number) => `${rows} transactions`);
  const history = await seedHistory(ground.urlOf('croupier_owner'), { ...sizes, progress: told });
  const seeded = { seconds: history.ms / 1000, perSecond: (history.transactions * 1000) / history.ms };
  progress(`${history.transactions} transactions in ${seeded.seconds.toFixed(0)} s`);
  // The bench's own players' deposits are in the ledger too.
  const { rows: [ledger] } = await db.query<{ rows: string }>('select count(*) as rows from transaction');
  const alone = await catchUpAlone(ground, Number(ledger?.rows), progress);
  const together = await catchUpTogether(ground, db, Number(ledger?.rows), progress, stops);
  const replica = await ground.follow();
  stops.push(replica.stop);
  const office = await startServer(ground, {
    name: 'office', env: {
      ROLE: 'office', DATABASE_URL: ground.moneyUrl, DATABASE_OFFICE_URL: ground.urlOf('croupier_office'), DATABASE_READ_URL: ground.urlOf('croupier_read'),
      DATABASE_REPLICA_URLS: replica.urlOf('croupier_read'), API_KEY_PER_SECOND: '1000000', API_IP_PER_SECOND: '1000000',
    },
  });
  stops.push(office.stop);
  const timings = await readPages(ground, db, office, SEED_OPERATOR, sizes, seed, progress);
  const load = await lagUnderLoad(ground, sizes, seed, progress, stops);
  return { transactions: history.transactions, players: sizes.players, made: seeded, alone, together, timings, load };
}

function everySoOften<T>(progress: Progress, say: (what: T) => string): (what: T) => void {
  let toldAt = performance.now();
  return (what) => {
    if (performance.now() - toldAt < 15_000) return;
    toldAt = performance.now();
    progress(say(what));
  };
}

/** One view after the other, with nothing else going on. */
async function catchUpAlone(ground: Ground, transactions: number, progress: Progress): Promise<CatchUp[]> {
  const { PROJECTIONS } = await built<typeof import('../../src/installed.ts')>('src/installed');
  const { advance, FIRST_STEP, STEP_SETTINGS } = await built<typeof import('../../src/views/feed/advance.ts')>('src/views/feed/advance');
  const { connect } = await built<typeof import('../../libs/postgres/index.ts')>('libs/postgres/index');
  const found: CatchUp[] = [];
  const client = await connect(ground.urlOf('croupier_worker'), { name: 'bench feed', settings: STEP_SETTINGS });
  try {
    for (const projection of PROJECTIONS) {
      await client.query('insert into projection (name) values ($1) on conflict do nothing', [projection.name]);
      const [began, before] = [performance.now(), cpuOfFamily(ground.postgres.pid)];
      for (let most = FIRST_STEP; ; ) {
        const step = await advance(client, projection, { most });
        if (step.came === 'stopped') throw new Error(`the view ${projection.name} stopped`);
        if (step.came === 'current') break;
        most = step.most;
      }
      const seconds = (performance.now() - began) / 1000;
      const postgresUs = ((cpuOfFamily(ground.postgres.pid) - before) * 1e6) / transactions;
      found.push({ view: projection.name, transactions, seconds, perSecond: transactions / seconds, postgresUs });
      progress(`${projection.name} alone: ${Math.round(transactions / seconds)} transactions a second`);
    }
  } finally {
    await client.end();
  }
  return found;
}

/** All of them from the beginning again, by a worker as production runs it. */
async function catchUpTogether(ground: Ground, db: pg.Client, transactions: number, progress: Progress, stops: (() => Promise<void>)[]): Promise<ReadsReport['together']> {
  const { PROJECTIONS } = await built<typeof import('../../src/installed.ts')>('src/installed');
  await db.query(`truncate ${PROJECTIONS.flatMap(({ tables }) => tables).join(', ')}`);
  await db.query('delete from projection');
  await db.query('vacuum analyze');
  const began = performance.now();
  const worker = await startServer(ground, { name: 'worker', env: { ROLE: 'worker', DATABASE_WORKER_URL: ground.urlOf('croupier_worker'), DATABASE_READ_URL: ground.urlOf('croupier_read') } });
  stops.push(worker.stop);
  for (;;) {
    const { rows: [state] } = await db.query<{ there: string; stopped: string | null }>(
      "select count(*) filter (where caught_up) as there, string_agg(name, ', ') filter (where state = 'stopped') as stopped from projection");
    if (state?.stopped) throw new Error(`stopped: ${state.stopped}`);
    if (Number(state?.there) === PROJECTIONS.length) break;
    await pause(50);
  }
  const seconds = (performance.now() - began) / 1000;
  progress(`all ${PROJECTIONS.length} views together: ${Math.round(transactions / seconds)} transactions a second`);
  return { seconds, perSecond: transactions / seconds };
}

/** Requests over kept connections, one at a time on each. */
class Reader {
  private readonly agent = new Agent({ keepAlive: true, maxSockets: 64 });

  private readonly port: number;
  private readonly key: string;

  constructor(port: number, key: string) {
    this.port = port;
    this.key = key;
  }

  private one(path: string): Promise<number> {
    const began = performance.now();
    return new Promise((resolve, reject) => {
      const asked = request({ port: this.port, host: '127.0.0.1', path, agent: this.agent, headers: { authorization: `Bearer ${this.key}`, 'x-api-key': this.key } }, (reply) => {
        let text = '';
        reply.setEncoding('utf8').on('data', (piece: string) => { if (text.length < 500) text += piece; }).once('end', () => {
          if (reply.statusCode === 200) resolve(performance.now() - began);
          else reject(new Error(`${path}: ${reply.statusCode} ${text}`));
        });
      });
      asked.once('error', reject).end();
    });
  }

  async all(paths: readonly string[], atOnce = 1): Promise<number[]> {
    const found: number[] = [];
    let next = 0;
    const strand = async (): Promise<void> => {
      for (let path = paths[next++]; path !== undefined; path = paths[next++]) found.push(await this.one(path));
    };
    await Promise.all(Array.from({ length: atOnce }, strand));
    return found;
  }

  close(): void {
    this.agent.destroy();
  }
}

async function readPages(ground: Ground, db: pg.Client, office: Server, operator: string, { requests, days }: ReadsSizes, seed: number, progress: Progress): Promise<Timing[]> {
  const { firstKey } = await built<typeof import('../../src/access/first-key.ts')>('src/access/first-key');
  const { key } = await firstKey(ground.urlOf('croupier_office'), operator);
  const { rows: players } = await db.query<{ player_id: string }>(
    "select player_id from player join operator using (operator_id) where operator.name = $1 order by length(external_id), external_id", [operator]);
  const ids = players.map(({ player_id: id }) => id);
  const [busy = '', ...others] = ids;
  const random = randomOf(seed);
  const draw = (): number => random.below(1_000_000) / 1_000_000;
  const drawn = drawOf('Zipf 1.0', ids, random);
  const reader = new Reader(office.port, key);
  const page = (player: string, more = '', limit = 50) => `/v1/players/${player}/wallets/EUR/transactions?limit=${limit}${more}`;
  const since = (ms: number) => new Date(Date.now() - ms).toISOString();
  const day = (back: number) => since(back * 86_400_000).slice(0, 10);
  const times = <T>(count: number, make: (i: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i));
  try {
    const timings: Timing[] = [];
    // A process that has just started compiles what it runs often: `before` are as many requests of the kind, none of which is asked for again.
    const take = async (what: string, before: readonly string[], paths: readonly string[], atOnce = 1): Promise<void> => {
      await reader.all(before, atOnce);
      const then = await hitsOf(office);
      const ms = await reader.all(paths, atOnce);
      const now = await hitsOf(office);
      const asked = now.all - then.all;
      timings.push(timing(what, ms, asked > 0 ? (now.hits - then.hits) / asked : undefined));
      const { p50, p99, hitRate } = timings.at(-1) as Timing;
      progress(`${what}: p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms${hitRate === undefined ? '' : `, ${(hitRate * 100).toFixed(0)} % from the cache`}`);
    };
    // Each asks for something else, so that no cache knows it.
    const past = (player: string) => page(player, `&to=${since(Math.floor(draw() * days * 86_400_000))}`);
    const another = () => others[random.below(Math.min(50, others.length))] ?? busy;
    await take('history page of the busiest player, somewhere in the past, never asked before', times(requests, () => past(another())), times(requests, () => past(busy)));
    await take('history page of the busiest player, the same again', times(requests, () => page(busy, '', 49)), times(requests, () => page(busy)));
    await take('history pages, players by Zipf 1.0', times(10 * requests, () => page(drawn(), '', 49)), times(10 * requests, () => page(drawn())), 4);
    // From one of five days to another of five.
    const cold = (groupBy: string, later = 0) => times(25, (i) => `/v1/reports/revenue?from=${day(days - 1 - later - (i % 5))}&to=${day(later + Math.floor(i / 5))}&groupBy=${groupBy}&currency=EUR`);
    const report = (groupBy: string) => take(`revenue of about 30 days by ${groupBy.replace(',', ' and ')}, cold`, cold(groupBy, 5), cold(groupBy));
    await report('day');
    await report('day,provider');
    await report('provider');
    await report('game');
    const whole = (groupBy: string) => times(requests, () => `/v1/reports/revenue?from=${day(days - 1)}&to=${day(0)}&groupBy=${groupBy}&currency=EUR`);
    await take('revenue of 30 days by day and provider, the same again', whole('provider,day'), whole('day,provider'));
    await take('dashboard, cold', times(20, (i) => `/v1/reports/dashboard?top=${i + 1}&currency=EUR`), times(20, (i) => `/v1/reports/dashboard?top=${i + 1}`));
    await take('dashboard, the same again', times(requests, () => '/v1/reports/dashboard?currency=EUR'), times(requests, () => '/v1/reports/dashboard'));
    return timings;
  } finally {
    reader.close();
  }
}

async function hitsOf({ port }: Server): Promise<{ hits: number; all: number }> {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  let [hits, all] = [0, 0];
  for (const [, labels = '', value] of text.matchAll(/^croupier_view_cache_total\{(.*)\} ([\d.e+]+)$/gm)) {
    all += Number(value);
    if (/result="(hit|joined|stale)"/.test(labels)) hits += Number(value);
  }
  return { hits, all };
}

/** Bets at a fixed rate, while the worker goes on: how long it takes from a commit until each view has it. */
async function lagUnderLoad(
  ground: Ground, { betsPerSecond, loadSeconds }: ReadsSizes, seed: number, progress: Progress, stops: (() => Promise<void>)[],
): Promise<ReadsReport['load']> {
  const wallet = await startWallet(ground);
  stops.push(wallet.stop);
  const field: Field = { ground, generator: chooseGenerator(undefined, ground.dir), random: randomOf(seed) };
  const watch = new pg.Client(ground.postgres.superuserUrl(DATABASE));
  await watch.connect();
  const lags = new Map<string, number[]>();
  let over = false;
  // Of each position of the ledger that is looked at: how long it takes until each view has passed it.
  const watching = (async () => {
    const open: { readonly at: number; readonly lanes: readonly Place[]; readonly left: Set<string> }[] = [];
    while (!over) {
      const at = performance.now();
      const { rows: lanes } = await watch.query<Place>('select lane, batch from lane where retired_at is null');
      const { rows: views } = await watch.query<{ name: string; lanes: number[]; batches: number[] }>('select name, lanes, batches from projection where not building');
      open.push({ at, lanes, left: new Set(views.map(({ name }) => name)) });
      for (const { name, lanes: seen, batches } of views) {
        const has = new Map(seen.map((lane, i) => [lane, batches[i] as number]));
        for (const position of open) {
          if (!position.left.has(name) || position.lanes.some(({ lane, batch }) => batch > (has.get(lane) ?? 0))) continue;
          position.left.delete(name);
          lags.set(name, [...(lags.get(name) ?? []), performance.now() - position.at]);
        }
      }
      for (const done of open.filter(({ left }) => left.size === 0)) open.splice(open.indexOf(done), 1);
      await pause(20);
    }
    for (const { at, left } of open) for (const name of left) lags.set(name, [...(lags.get(name) ?? []), performance.now() - at]);
  })();
  try {
    const sample = await openLoop(field, wallet, uniform(field), { connections: 64, perSecond: betsPerSecond, seconds: loadSeconds });
    over = true;
    await watching;
    const found = [...lags].map(([view, ms]): Lag => {
      const sorted = ms.toSorted((a, b) => a - b);
      return { view, samples: ms.length, p50: quantile(sorted, 0.5), p99: quantile(sorted, 0.99) };
    });
    for (const { view, p50, p99 } of found) progress(`${view} at ${betsPerSecond} bets a second: behind by p50 ${p50.toFixed(0)} ms, p99 ${p99.toFixed(0)} ms`);
    return { perSecond: betsPerSecond, sample, lags: found };
  } finally {
    over = true;
    await watching.catch(() => undefined);
    await watch.end();
  }
}

const one = (value: number, digits = 1): string => (Number.isFinite(value) ? value.toFixed(digits) : '');

export function readsMarkdown(report: ReadsReport): string {
  const { alone, together, timings, load, made } = report;
  const lines = [
    `A seeded history of ${report.transactions.toLocaleString('en')} transactions of ${report.players.toLocaleString('en')} players, made in ${one(made.seconds, 0)} s (${one(made.perSecond, 0)} a second).`, '',
    '## Catching up from nothing', '', '| view | transactions a second | PostgreSQL µs each |', '| --- | --- | --- |',
    ...alone.map(({ view, perSecond, postgresUs }) => `| ${view} alone | ${one(perSecond, 0)} | ${one(postgresUs)} |`),
    `| all ${alone.length} together, by a worker | ${one(together.perSecond, 0)} | |`, '',
    '## Reads over HTTP, from one replica', '', 'Each row behind as many requests of its kind for other pages.', '', '| what | requests | p50 ms | p99 ms | longest ms | from the cache |', '| --- | --- | --- | --- | --- | --- |',
    ...timings.map(({ what, requests, p50, p99, most, hitRate }) => `| ${what} | ${requests} | ${one(p50, 2)} | ${one(p99, 2)} | ${one(most, 1)} | ${hitRate === undefined ? '' : `${one(hitRate * 100, 0)} %`} |`), '',
    `## From a commit until a view has it, at ${load.perSecond} bets a second`, '', '| view | p50 ms | p99 ms | looked at |', '| --- | --- | --- | --- |',
    ...load.lags.map(({ view, p50, p99, samples }) => `| ${view} | ${one(p50, 0)} | ${one(p99, 0)} | ${samples} times |`), '',
    `Bets meanwhile: p50 ${one(load.sample.all.p50)} ms, p99 ${one(load.sample.all.p99)} ms, ${one(load.sample.servedPerSecond, 0)} served a second; the generator itself was up to ${one(load.sample.late.most, 0)} ms late.`,
  ];
  return lines.join('\n');
}
