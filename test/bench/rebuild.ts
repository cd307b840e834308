/**
 * `npm run bench -- --rebuild 1m`: each view rebuilt by `cli rebuild` over a seeded history, one after the other, while a wallet serves bets at a steady
 * rate and a worker feeds the live views. What is judged is that each copy was equal and swapped, and that no live view stood still for longer than so
 * many seconds. `npm run prove` asks for 2m.
 */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import { built, DIST } from './built.ts';
import { DATABASE, type Ground } from './ground.ts';
import { openLoop, type OpenSample } from './open-loop.ts';
import { uniform, type Field } from './peak.ts';
import { startServer, startWallet, type Server } from './servers.ts';

/** of seconds, each a load of its own: how long a rebuild takes nobody knows beforehand */
const SLICE = 5;
const CONNECTIONS = 64;
const MOST_STILL_SECONDS = 10;

/** Milliseconds, but for the rate. */
export interface Bets {
  readonly servedPerSecond: number;
  /** of the slices' p99 the one in the middle, and the worst */
  readonly p99: number;
  readonly worst: number;
  readonly slices: number;
  /** by status and code, and those without an answer */
  readonly answers: Readonly<Record<string, number>>;
}

export interface RebuiltView {
  readonly view: string;
  /** of all its tables, with their indexes */
  readonly rows: number;
  readonly megabytes: number;
  /** rows of the ledger that were applied */
  readonly applied: number;
  readonly seconds: number;
  readonly stillSeconds: number;
  /** for comparing the two copies, beside the live view */
  readonly comparedSeconds: number;
  /** the command ended with 0 and another generation of the view is live */
  readonly equal: boolean;
  readonly said: string;
  readonly bets: Bets;
}

export interface RebuildReport {
  readonly transactions: number;
  readonly players: number;
  readonly perSecond: number;
  readonly caughtUp: { readonly seconds: number; readonly perSecond: number };
  /** with no rebuild under way */
  readonly before: Bets;
  readonly views: readonly RebuiltView[];
  readonly mostStillSeconds: number;
}

export interface RebuildSizes {
  readonly transactions: number;
  readonly players: number;
  readonly days: number;
  readonly betsPerSecond: number;
}

type Progress = (sentence: string) => void;

export async function measureRebuilds(field: Field, sizes: RebuildSizes, progress: Progress, stops: (() => Promise<void>)[]): Promise<RebuildReport> {
  const { ground } = field;
  const { seedHistory } = await built<typeof import('../../src/wallet/seed.ts')>('src/wallet/seed');
  const { PROJECTIONS } = await built<typeof import('../../src/installed.ts')>('src/installed');
  const db = new pg.Client(ground.postgres.superuserUrl(DATABASE));
  await db.connect();
  stops.push(() => db.end());
  progress(`seeding ${sizes.transactions} transactions of ${sizes.players} players`);
  const { transactions } = await seedHistory(ground.urlOf('croupier_owner'), sizes);
  const caughtUp = await catchUp(ground, db, PROJECTIONS.length, stops);
  progress(`${PROJECTIONS.length} views have come up to the ledger: ${Math.round(caughtUp.perSecond)} transactions a second`);
  const wallet = await startWallet(ground);
  stops.push(wallet.stop);
  const before = betsOf((await betsDuring(field, wallet, sizes.betsPerSecond, pause(2 * SLICE * 1_000))).samples);
  progress(`bets with no rebuild under way: p99 ${before.p99.toFixed(1)} ms`);
  const views: RebuiltView[] = [];
  for (const { name, tables } of PROJECTIONS) {
    const [generation, began] = [await generationOf(db, name), performance.now()];
    const { came: { code, output }, samples } = await betsDuring(field, wallet, sizes.betsPerSecond, rebuildByCommand(ground, name));
    const figures = figuresOf(output);
    const equal = code === 0 && output.includes('row by row') && await generationOf(db, name) === generation + 1;
    const { rows: [size] } = await db.query<{ bytes: string }>('select sum(pg_total_relation_size(each::regclass)) as bytes from unnest($1::text[]) each', [tables]);
    let rows = 0;
    for (const table of tables) rows += Number((await db.query<{ rows: string }>(`select count(*) as rows from ${table}`)).rows[0]?.rows);
    views.push({ view: name, rows, megabytes: Number(size?.bytes) / 1e6, ...figures, equal, said: output, bets: betsOf(samples) });
    progress(`${name}, ${((performance.now() - began) / 1_000).toFixed(0)} s: ${output}`);
  }
  return { transactions, players: sizes.players, perSecond: sizes.betsPerSecond, caughtUp, before, views, mostStillSeconds: MOST_STILL_SECONDS };
}

async function catchUp(ground: Ground, db: pg.Client, views: number, stops: (() => Promise<void>)[]): Promise<RebuildReport['caughtUp']> {
  const began = performance.now();
  const worker = await startServer(ground, { name: 'worker', env: { ROLE: 'worker', DATABASE_WORKER_URL: ground.urlOf('croupier_worker'), DATABASE_READ_URL: ground.urlOf('croupier_read') } });
  stops.push(worker.stop);
  for (;;) {
    const { rows: [state] } = await db.query<{ there: string; applied: string; stopped: string | null }>(
      "select count(*) filter (where caught_up) as there, max(applied) as applied, string_agg(name, ', ') filter (where state = 'stopped') as stopped from projection");
    if (state?.stopped) throw new Error(`stopped: ${state.stopped}`);
    const seconds = (performance.now() - began) / 1_000;
    if (Number(state?.there) === views) return { seconds, perSecond: Number(state?.applied) / seconds };
    await pause(100);
  }
}

const generationOf = async (db: pg.Client, view: string): Promise<number> =>
  (await db.query<{ generation: number }>('select generation from projection where name = $1 and not building', [view])).rows[0]?.generation ?? NaN;

/** Its last words, and how it ended. */
function rebuildByCommand(ground: Ground, view: string): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(DIST, 'src/cli.js'), 'rebuild', view], {
      env: { PATH: process.env['PATH'] ?? '', NODE_ENV: 'production', DATABASE_OWNER_URL: ground.urlOf('croupier_owner') }, stdio: ['ignore', 'pipe', 'pipe'],
    });
    const goodbye = () => child.kill('SIGKILL');
    process.once('exit', goodbye);
    let [said, complained] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text: string) => { said += text; });
    child.stderr.setEncoding('utf8').on('data', (text: string) => { complained = `${complained}${text}`.slice(-2_000); });
    child.once('error', reject).once('close', (code) => {
      process.removeListener('exit', goodbye);
      resolve({ code, output: (said || complained).trim() });
    });
  });
}

function figuresOf(output: string): Pick<RebuiltView, 'applied' | 'seconds' | 'stillSeconds' | 'comparedSeconds'> {
  const [, applied, seconds] = /\((\d+) transactions in ([\d.]+) s\)/.exec(output) ?? [];
  const [, still, compared] = /stood still for ([\d.]+) s; compared in ([\d.]+) s/.exec(output) ?? [];
  return { applied: Number(applied), seconds: Number(seconds), stillSeconds: Number(still), comparedSeconds: Number(compared) };
}

async function betsDuring<T>(field: Field, wallet: Server, perSecond: number, during: Promise<T>): Promise<{ came: T; samples: OpenSample[] }> {
  let over = false;
  const watched = during.finally(() => { over = true; });
  watched.catch(() => undefined);
  const samples: OpenSample[] = [];
  do samples.push(await openLoop(field, wallet, uniform(field), { connections: CONNECTIONS, perSecond, seconds: SLICE })); while (!over);
  return { came: await watched, samples };
}

function betsOf(samples: readonly OpenSample[]): Bets {
  const p99s = samples.map(({ all }) => all.p99).toSorted((a, b) => a - b);
  const served = samples.reduce((sum, { servedPerSecond }) => sum + servedPerSecond, 0) / samples.length;
  const answers: Record<string, number> = {};
  for (const { byAnswer, lost, unbegun } of samples) {
    for (const [answer, { calls }] of [...Object.entries(byAnswer), ['lost', { calls: lost }], ['unbegun', { calls: unbegun }]] as const) answers[answer] = (answers[answer] ?? 0) + calls;
  }
  return { servedPerSecond: served, p99: p99s[Math.floor((p99s.length - 1) / 2)] ?? NaN, worst: p99s.at(-1) ?? NaN, slices: samples.length, answers };
}

export const isRebuilt = ({ views }: RebuildReport): boolean => views.every(({ equal, stillSeconds }) => equal && stillSeconds <= MOST_STILL_SECONDS);

const whole = (value: number): string => (Number.isFinite(value) ? Math.round(value).toLocaleString('en') : '–');
const one = (value: number, digits = 1): string => (Number.isFinite(value) ? value.toFixed(digits) : '–');

export function rebuildMarkdown(report: RebuildReport): string {
  const { transactions, players, perSecond, caughtUp, before, views, mostStillSeconds } = report;
  const row = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const head = ['view', 'its rows', 'MB', 'applied', 's', 'a second', 'stood still s', 'compared in s', 'equal', 'bets p99 ms', 'in the worst slice'];
  return [
    `A seeded history of ${whole(transactions)} transactions of ${whole(players)} players over 30 days. A worker caught up with all views in ${one(caughtUp.seconds, 0)} s (${whole(caughtUp.perSecond)} a second).`,
    `Then each was rebuilt by \`cli rebuild\`, while the worker went on and a wallet was offered ${whole(perSecond)} bets a second, in slices of ${SLICE} s.`, '',
    row(head), row(head.map(() => '---')),
    ...views.map(({ view, rows, megabytes, applied, seconds, stillSeconds, comparedSeconds, equal, bets }) => row([
      view, whole(rows), whole(megabytes), whole(applied), one(seconds), whole(applied / seconds), one(stillSeconds, 2), one(comparedSeconds, 2), equal ? 'yes' : '**no**', one(bets.p99), one(bets.worst),
    ])),
    row(['none', ...head.slice(2, -1).map(() => ''), one(before.p99), one(before.worst)]), '',
    ...views.filter(({ equal }) => !equal).map(({ view, said }) => `${view}: ${said}`),
    `Goal: equal, and still for ${mostStillSeconds} s at most: ${isRebuilt(report) ? 'met' : '**short**'}`,
  ].join('\n');
}
