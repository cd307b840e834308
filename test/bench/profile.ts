/** `--profile`: where a call's time goes, in Node by function and in PostgreSQL by statement and, where `perf` may look, by function. */
import { execFile } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import { DIST, ROOT } from './built.ts';
import { summarise, type CpuProfile, type Share, type Summary } from './cpu-profile.ts';
import { show } from './figures.ts';
import { DATABASE } from './ground.ts';
import { peak, uniform, type Field, type Sample } from './peak.ts';
import type { Asked } from './presign.ts';
import { startWallet, type Server } from './servers.ts';
import type { Sizes } from './settings.ts';

/** perf reads the names of compiled functions from a file in /tmp that V8 writes when asked. */
const NAMES_FOR_PERF = process.platform === 'linux' ? ['--perf-basic-prof-only-functions'] : [];

interface Statement {
  readonly query: string;
  readonly calls: number;
  readonly ms: number;
  readonly rows: number;
  readonly hits: number;
  readonly walBytes: number;
}

export async function profile(
  field: Field, operation: Asked['operation'], sizes: Sizes, progress: (sentence: string) => void, stops: (() => Promise<void>)[],
): Promise<{ markdown: string; figures: object }> {
  const { ground } = field;
  const file = join(ground.dir, 'wallet.cpuprofile');
  const flags = ['--import', join(import.meta.dirname, 'profiler.ts'), ...NAMES_FOR_PERF];
  const server = await startWallet(ground, { flags, env: { BENCH_PROFILE_FILE: file } });
  stops.push(server.stop);
  const connections = sizes.connections.includes(128) ? 128 : (sizes.connections.at(-1) as number);
  const load = () => peak(field, server, uniform(field, operation), connections, sizes.seconds);
  progress('warming up');
  await load();
  await load();

  progress('load, as it is');
  await ground.superuser.query('select pg_stat_statements_reset()');
  const plain = await load();
  const statements = await statementsOf(field);
  progress('load under the profiler of Node');
  server.child.kill('SIGUSR2');
  await pause(200);
  const profiled = await load();
  server.child.kill('SIGUSR2');
  const node = summarise(await written(file));
  progress('load under perf');
  // V8 has written the names of its functions, for perf alone.
  const perf = await perfOf(field, server, operation, sizes, load).finally(() => rmSync(`/tmp/perf-${server.pid}.map`, { force: true }));
  const figures = { plain, profiled, node: topOf(node), statements, perf };
  return { markdown: markdownOf(operation === 'bet' ? 'bet' : 'read', plain, profiled, node, statements, perf), figures };
}

async function written(file: string): Promise<CpuProfile> {
  for (const deadline = performance.now() + 20_000; performance.now() < deadline; await pause(100)) {
    if (!existsSync(file)) continue;
    try {
      return JSON.parse(readFileSync(file, 'utf8')) as CpuProfile;
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error; // half written
    }
  }
  throw new Error('the server wrote no profile');
}

async function statementsOf({ ground }: Field): Promise<Statement[]> {
  const { rows } = await ground.superuser.query<Record<keyof Statement, string>>(
    `select query, calls, total_exec_time ms, rows, shared_blks_hit + shared_blks_read hits, wal_bytes "walBytes" from pg_stat_statements
     where dbid = (select oid from pg_database where datname = $1) order by total_exec_time desc limit 15`, [DATABASE]);
  return rows.map((row) => ({
    query: row.query.replace(/\s+/g, ' ').trim(), calls: Number(row.calls), ms: Number(row.ms), rows: Number(row.rows),
    hits: Number(row.hits), walBytes: Number(row.walBytes),
  }));
}

interface Looks {
  readonly nodeByThread: readonly string[];
  /** V8's helpers collect garbage and compile */
  readonly helpers: readonly string[];
  readonly nodeByObject: readonly string[];
  readonly nodeByFunction: readonly string[];
  readonly session: readonly string[];
}

/** CPU samples of the kernel, which count no waiting: the server and the sessions that work for it, together under one more load. */
async function perfOf(
  { ground }: Field, server: Server, operation: Asked['operation'], sizes: Sizes, load: () => Promise<Sample>,
): Promise<Looks | string> {
  const { rows } = await ground.superuser.query<{ pid: number }>(
    'select pid from pg_stat_activity where application_name like $1 order by pid', [operation === 'bet' ? 'croupier lane%' : 'croupier reads%']);
  const [ofNode, ofSession] = [join(ground.dir, 'node.data'), join(ground.dir, 'session.data')];
  const sessions = rows.map(({ pid }) => pid).join(',');
  const perf = (...args: string[]) => promisify(execFile)('perf', args, { maxBuffer: 1 << 26 });
  const record = (pids: string, data: string) =>
    perf('record', '-q', '-F', '1499', '-p', pids, '-o', data, '--', 'sleep', String(sizes.seconds + 3)).catch((error: Error) => error);
  const recording = Promise.all([record(String(server.pid), ofNode), record(sessions, ofSession)]);
  await load();
  const failed = (await recording).find((result) => result instanceof Error);
  if (failed) return `perf could not look: ${failed.message.split('\n').slice(0, 3).join(' ')}`;
  const report = async (data: string, fields: string, ...more: string[]) => {
    const { stdout } = await perf('report', '-i', data, '--stdio', '--percent-limit', '0.5', '-F', fields, ...more);
    // Names of compiled functions end with where they stand on this machine, which is nobody's business.
    const named = stdout.replaceAll(`file://${DIST}/`, '').replaceAll(`${ROOT}/`, '');
    return named.split('\n').filter((line) => /^\s+\d/.test(line)).map((line) => line.trim().replace(/\s{2,}/g, '  ')).slice(0, 60);
  };
  return {
    nodeByThread: await report(ofNode, 'overhead,comm'), helpers: await report(ofNode, 'overhead,symbol', '--comms', 'node-V8Worker'),
    nodeByObject: await report(ofNode, 'overhead,dso'),
    nodeByFunction: await report(ofNode, 'overhead,symbol'), session: await report(ofSession, 'overhead,dso,symbol'),
  };
}

const topOf = ({ busyUs, idleUs, self, groups, inclusive }: Summary) =>
  ({ busyUs, idleUs, self: self.slice(0, 60), groups: groups.slice(0, 40), inclusive: inclusive.slice(0, 80) });

function markdownOf(
  call: 'bet' | 'read', plain: Sample, profiled: Sample, node: Summary, statements: readonly Statement[], perf: Looks | string,
): string {
  const scale = node.busyUs === 0 ? 0 : plain.nodeUs / node.busyUs;
  const shares = (title: string, list: readonly Share[], many: number) => [
    `### ${title}`, `| µs a ${call} | share | |`, '| ---: | ---: | --- |',
    ...list.slice(0, many).map(({ name, us }) => `| ${show(us * scale)} | ${show((us / node.busyUs) * 100)} % | \`${name}\` |`), '',
  ];
  const calls = plain.answered;
  const waited = (node.idleUs / (node.idleUs + node.busyUs)) * 100;
  const counted = statements.reduce((sum, { ms }) => sum + ms, 0);
  return [
    `${plain.connections} connections: ${show(plain.perSecond)} ${call}s/s, ${show(plain.batch)} movements a batch. `
    + `CPU a ${call}: Node ${show(plain.nodeUs)} µs, PostgreSQL ${show(plain.postgresUs)} µs, load generator ${show(plain.loadUs)} µs. `
    + `Under the profiler ${show(profiled.perSecond)} ${call}s/s; the server waited ${show(waited)} % of the time.`, '',
    'The profile counts time on the clock, scaled to the CPU time without it: on a full machine a call into the kernel that wakes',
    'another process (`writev`, `writeUtf8String`) seems to cost what that process then takes. perf below counts CPU time alone.', '',
    '## Node', ...shares('By where it belongs', node.groups, 36), ...shares('By function, its own time', node.self, 50),
    ...shares('Our functions and our packages\', with all that they call', node.inclusive, 70),
    '## PostgreSQL, by statement',
    `Execution as pg_stat_statements counts it: ${show((counted * 1e3) / calls)} µs of the ${show(plain.postgresUs)} µs a ${call}. `
    + 'The rest is parsing of messages and arrays, planning, commit, and the other processes.', '',
    `| µs a ${call} | statements a ${call} | rows a statement | blocks a ${call} | WAL bytes a ${call} | |`, '| ---: | ---: | ---: | ---: | ---: | --- |',
    ...statements.map(({ query, calls: times, ms, rows, hits, walBytes }) => {
      const cells = [(ms * 1e3) / calls, times / calls, rows / times, hits / calls, walBytes / calls].map(show);
      return `| ${cells.join(' | ')} | \`${query.slice(0, 110).replaceAll('|', '\\|')}\` |`;
    }), '',
    ...perfLines(perf),
  ].join('\n');
}

function perfLines(perf: Looks | string): string[] {
  if (typeof perf === 'string') return ['## perf', perf, ''];
  const block = (title: string, lines: readonly string[]) => [`## ${title}`, '```', ...lines, '```', ''];
  return [
    ...block('perf: the server, by thread', perf.nodeByThread),
    ...block('perf: of it, the helper threads of V8, by function', perf.helpers.slice(0, 20)),
    ...block('perf: the server, by object (the kernel, the Node binary, compiled functions)', perf.nodeByObject),
    ...block('perf: the server, by function', perf.nodeByFunction), ...block('perf: the sessions of PostgreSQL', perf.session),
  ];
}
