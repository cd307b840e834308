/**
 * `npm run bench -- --exports 2m`: the same export of a short history and of a long one, by a worker and an office that were started for it. What is
 * judged is that neither takes more memory for the long one than for the short one, but for so many megabytes. `npm run prove` asks for 10m.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { request, type IncomingMessage } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { createGunzip } from 'node:zlib';
import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { built } from './built.ts';
import { DATABASE, type Ground } from './ground.ts';
import { startServer, type Server } from './servers.ts';

const SHORT = 100_000;
/** as many rows as a sheet may hold, and some that are not the operator's own */
const SHEET = 990_000;
const MOST_GROWTH = 50;
const FORMATS = ['csv', 'csv.gz', 'xlsx'] as const;
type Format = (typeof FORMATS)[number];

/** Megabytes of 1,000,000 bytes; NaN where nobody counts them. */
interface Memory {
  readonly rest: number;
  readonly peak: number;
}

export interface Exported {
  readonly format: Format;
  readonly rows: number;
  readonly state: string;
  readonly why?: string;
  readonly seconds: number;
  readonly perSecond: number;
  readonly megabytes: number;
  readonly worker: Memory;
  readonly download?: { readonly seconds: number; readonly lines: number; readonly office: Memory };
}

export interface ExportsReport {
  readonly transactions: number;
  readonly players: number;
  readonly exported: readonly Exported[];
  /** megabytes by which the peak of the longest export lies above that of the shortest */
  readonly growth: readonly { readonly format: Format; readonly from: number; readonly to: number; readonly worker: number; readonly office: number }[];
  readonly mostGrowth: number;
}

export interface ExportsSizes {
  readonly transactions: number;
  readonly players: number;
  readonly days: number;
}

type Progress = (sentence: string) => void;

/** The kernel counts it; peaks begin anew where that is asked of it. */
class Resident {
  private readonly pid: number;
  private readonly rest: number;

  constructor({ pid }: Server) {
    this.pid = pid;
    this.rest = this.read('VmRSS');
    try {
      writeFileSync(`/proc/${pid}/clear_refs`, '5');
    } catch { /* the peak since its start, then, or none */ }
  }

  private read(name: string): number {
    try {
      return Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(readFileSync(`/proc/${this.pid}/status`, 'utf8'))?.[1]) * 1_024 / 1e6;
    } catch {
      return NaN;
    }
  }

  memory(): Memory {
    return { rest: this.rest, peak: this.read('VmHWM') };
  }
}

export async function measureExports(ground: Ground, sizes: ExportsSizes, progress: Progress, stops: (() => Promise<void>)[]): Promise<ExportsReport> {
  const { seedHistory, SEED_OPERATOR } = await built<typeof import('../../src/wallet/seed.ts')>('src/wallet/seed');
  const { firstKey } = await built<typeof import('../../src/access/first-key.ts')>('src/access/first-key');
  const { PROJECTIONS } = await built<typeof import('../../src/installed.ts')>('src/installed');
  const db = new pg.Client(ground.postgres.superuserUrl(DATABASE));
  await db.connect();
  stops.push(() => db.end());
  // The worker feeds views beside: what that takes is not measured here.
  await db.query("insert into projection (name, state, stopped_at, stopped_because) select name, 'stopped', now(), 'exports are measured' from unnest($1::text[]) name", [PROJECTIONS.map(({ name }) => name)]);
  const exported: Exported[] = [];
  let there = 0;
  for (const upto of [...new Set([SHORT, SHEET, sizes.transactions].map((rows) => Math.min(rows, sizes.transactions)))].sort((a, b) => a - b)) {
    progress(`seeding ${upto - there} transactions of ${sizes.players} players`);
    there += (await seedHistory(ground.urlOf('croupier_owner'), { ...sizes, transactions: upto - there })).transactions;
    const { key } = await firstKey(ground.urlOf('croupier_office'), SEED_OPERATOR);
    for (const format of FORMATS) {
      const one = await exportAlone(ground, key, format);
      exported.push(one);
      progress(`${lineOf(one).join(' · ')}`);
    }
  }
  return { transactions: there, players: sizes.players, exported, growth: growthOf(exported), mostGrowth: MOST_GROWTH };
}

function growthOf(exported: readonly Exported[]): ExportsReport['growth'] {
  return FORMATS.flatMap((format) => {
    const [first, last] = [exported.find((one) => one.format === format && one.download), exported.findLast((one) => one.format === format && one.download)];
    if (!first?.download || !last?.download || first === last) return [];
    return [{ format, from: first.rows, to: last.rows, worker: last.worker.peak - first.worker.peak, office: last.download.office.peak - first.download.office.peak }];
  });
}

/** Those of CSV, of which flat memory is said. */
export const isFlat = ({ growth }: ExportsReport): boolean => growth.every(({ format, worker, office }) => format === 'xlsx' || !(Math.max(worker, office) > MOST_GROWTH));

async function exportAlone(ground: Ground, key: string, format: Format): Promise<Exported> {
  const read = { DATABASE_READ_URL: ground.urlOf('croupier_read') };
  const worker = await startServer(ground, { name: 'worker', env: { ROLE: 'worker', DATABASE_WORKER_URL: ground.urlOf('croupier_worker'), ...read } });
  const office = await startServer(ground, { name: 'office', env: { ROLE: 'office', DATABASE_URL: ground.moneyUrl, DATABASE_OFFICE_URL: ground.urlOf('croupier_office'), ...read } });
  try {
    const ask = async (path: string, body?: object): Promise<{ exportId: string; state: string; rows: number; bytes: number; why?: string }> => {
      const response = await fetch(`http://127.0.0.1:${office.port}/v1/exports${path}`, {
        method: body ? 'POST' : 'GET', headers: { authorization: `Bearer ${key}`, 'idempotency-key': randomUUID(), ...(body && { 'content-type': 'application/json' }) }, ...(body && { body: JSON.stringify(body) }),
      });
      if (!response.ok) throw new Error(`exports${path}: ${response.status} ${await response.text()}`);
      return await response.json() as never;
    };
    const [ofWorker, began] = [new Resident(worker), performance.now()];
    let view = await ask('', { report: 'transactions', format, keepDays: 1 });
    for (; view.state === 'waiting' || view.state === 'running'; view = await ask(`/${view.exportId}`)) await pause(100);
    const seconds = (performance.now() - began) / 1_000;
    const { state, rows, bytes, why } = view;
    const made = { format, rows, state, ...(why !== undefined && { why }), seconds, perSecond: rows / seconds, megabytes: bytes / 1e6, worker: ofWorker.memory() };
    if (state !== 'done') return made;
    const [ofOffice, asked] = [new Resident(office), performance.now()];
    const lines = await download(office.port, `/v1/exports/${view.exportId}/file`, key, format, bytes);
    if (format !== 'xlsx' && lines !== rows + 1) throw new Error(`${format}: ${rows} rows and a header came to ${lines} lines`);
    return { ...made, download: { seconds: (performance.now() - asked) / 1_000, lines, office: ofOffice.memory() } };
  } finally {
    await Promise.all([worker.stop(), office.stop()]);
  }
}

/** Answers how many lines it has; fails where it is shorter than it was said to be. */
async function download(port: number, path: string, key: string, format: Format, bytes: number): Promise<number> {
  const reply = await new Promise<IncomingMessage>((resolve, reject) => request({ port, host: '127.0.0.1', path, headers: { authorization: `Bearer ${key}` } }, resolve).once('error', reject).end());
  if (reply.statusCode !== 200) throw new Error(`${path}: ${reply.statusCode}`);
  let [came, lines] = [0, 0];
  reply.on('data', (chunk: Buffer) => { came += chunk.length; });
  for await (const chunk of (format === 'csv.gz' ? reply.pipe(createGunzip()) : reply) as AsyncIterable<Buffer>) {
    for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, at + 1)) lines++;
  }
  if (came !== bytes) throw new Error(`${path}: ${came} bytes instead of ${bytes}`);
  return lines;
}

const whole = (value: number | undefined): string => (value === undefined || !Number.isFinite(value) ? '–' : Math.round(value).toLocaleString('en'));

const HEAD = ['rows', 'format', 'made in s', 'rows a second', 'MB', 'worker MB before', 'worker MB at most', 'fetched in s', 'office MB before', 'office MB at most', ''];
const lineOf = ({ rows, format, seconds, perSecond, megabytes, worker, download: got, state, why }: Exported): string[] => [
  whole(rows), format, seconds.toFixed(1), whole(perSecond), whole(megabytes), whole(worker.rest), whole(worker.peak),
  got ? got.seconds.toFixed(1) : '–', whole(got?.office.rest), whole(got?.office.peak), state === 'done' ? '' : `${state}: ${why ?? ''}`,
];

export function exportsMarkdown(report: ExportsReport): string {
  const row = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [
    `Exports of all transactions of an operator with ${report.players.toLocaleString('en')} players, each by a worker and an office of its own; memory is what is resident.`, '',
    row(HEAD), row(HEAD.map(() => '---')), ...report.exported.map((one) => row(lineOf(one))), '',
    ...report.growth.map(({ format, from, to, worker, office }) =>
      `- ${format}, from ${whole(from)} to ${whole(to)} rows: worker ${worker >= 0 ? '+' : ''}${whole(worker)} MB, office ${office >= 0 ? '+' : ''}${whole(office)} MB`), '',
    `Goal of CSV: at most ${report.mostGrowth} MB more: ${isFlat(report) ? 'met' : '**short**'}`,
  ].join('\n');
}
