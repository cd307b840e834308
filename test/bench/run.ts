/** `npm run bench`: what a bet costs here, against PostgreSQL's own short transaction, the textbook's bet, and our HTTP side without a database. */
import { join } from 'node:path';
import { ROOT } from './built.ts';
import { callLogMarkdown, isCheap, measureCallLog } from './call-log.ts';
import { census, othersSince } from './cpu.ts';
import { exportsMarkdown, isFlat, measureExports } from './exports.ts';
import { chooseGenerator } from './generators.ts';
import { prepareGround, type Ground } from './ground.ts';
import { describeMachine, loadAverage } from './machine.ts';
import type { Field } from './peak.ts';
import { profile } from './profile.ts';
import { randomOf } from './random.ts';
import { measureReads, readsMarkdown } from './reads.ts';
import { isRebuilt, measureRebuilds, rebuildMarkdown } from './rebuild.ts';
import { forTerminal, keep, machineLines, markdownOf, type Report } from './report.ts';
import { betterPool, measureRounds, measureWal } from './rounds.ts';
import { startBare, startTextbook, startWallet, type Server } from './servers.ts';
import { readOptions, USAGE, type Options } from './settings.ts';
import { rowsOf } from './table.ts';
import { checkTextbook, prepareTextbook } from './textbook/ground.ts';
import { prepareTpcb } from './tpcb.ts';

const begunAt = performance.now();
const progress = (sentence: string) => console.log(`${((performance.now() - begunAt) / 1000).toFixed(0).padStart(4)} s  ${sentence}`);

async function main(options: Options): Promise<void> {
  const stops: (() => Promise<void>)[] = [];
  const stopAll = async () => { for (const stop of stops.splice(0).toReversed()) await stop(); };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void stopAll().finally(() => process.exit(1)));
  try {
    const loadBefore = loadAverage();
    if (Number(loadBefore) > 0.5) progress(`this machine is busy (load average ${loadBefore}): figures taken now are worth little`);
    const ground = await prepareGround(options.exports ? { ...options.sizes, players: 100 } : options.rebuild ? { ...options.sizes, players: 2_000 } : options.sizes, progress);
    stops.push(ground.stop);
    const field: Field = { ground, generator: chooseGenerator(options.generator, ground.dir), random: randomOf(options.seed) };
    if (options.reads) await writeReads(options, options.reads, ground, stops);
    else if (options.exports) await writeExports(options, options.exports, ground, stops);
    else if (options.rebuild) await writeRebuild(options, options.rebuild, field, stops);
    else if (options.callLog) await writeCallLog(options, field, stops);
    else if (options.profile) await writeProfile(options, field, stops);
    else await writeReport(options, field, loadBefore, stops);
  } finally {
    await stopAll();
  }
}

const resultName = (commit: string, form: string) =>
  `${new Date().toISOString().slice(0, 16).replace(':', '')}-${commit.split(' ')[0]}-${form}`;
const directoryOf = (options: Options) => options.out ?? join(ROOT, 'test/bench/results');

async function writeProfile(options: Options, field: Field, stops: (() => Promise<void>)[]): Promise<void> {
  const machine = await describeMachine(field.ground.superuser);
  const operation = options.goals.includes('S1') ? 'bet' : 'balance';
  const { markdown, figures } = await profile(field, operation, options.sizes, progress, stops);
  const text = [`# Where the time of a ${operation === 'bet' ? 'bet' : 'balance read'} goes, ${new Date().toISOString()}`, '', ...machineLines({ machine }), '', markdown].join('\n');
  console.log(`\n${text}`);
  const kept = keep(directoryOf(options), options.name ?? resultName(machine.commit, 'profile'), { machine, seed: options.seed, ...figures }, text);
  progress(`written to ${kept}.md and .json`);
}

async function writeReads(options: Options, transactions: number, ground: Ground, stops: (() => Promise<void>)[]): Promise<void> {
  const machine = await describeMachine(ground.superuser);
  const { sideSeconds, form } = options.sizes;
  const sizes = {
    transactions, players: Math.min(10_000, Math.ceil(transactions / 20)), days: 30, betsPerSecond: options.rate, loadSeconds: 2 * sideSeconds, requests: form === 'tiny' ? 50 : 1_000,
  };
  const report = await measureReads(ground, sizes, options.seed, progress, stops);
  const text = [`# The read side, ${new Date().toISOString()}`, '', ...machineLines({ machine }), '', readsMarkdown(report)].join('\n');
  console.log(`\n${text}`);
  const kept = keep(directoryOf(options), options.name ?? resultName(machine.commit, 'reads'), { machine, seed: options.seed, sizes, ...report }, text);
  progress(`written to ${kept}.md and .json`);
}

async function writeExports(options: Options, transactions: number, ground: Ground, stops: (() => Promise<void>)[]): Promise<void> {
  const machine = await describeMachine(ground.superuser);
  const sizes = { transactions, players: 10_000, days: 30 };
  const report = await measureExports(ground, sizes, progress, stops);
  const text = [`# Exports, ${new Date().toISOString()}`, '', ...machineLines({ machine }), '', exportsMarkdown(report)].join('\n');
  console.log(`\n${text}`);
  progress(`written to ${keep(directoryOf(options), options.name ?? resultName(machine.commit, 'exports'), { machine, sizes, ...report }, text)}.md and .json`);
  if (!isFlat(report)) process.exitCode = 1;
}

async function writeRebuild(options: Options, transactions: number, field: Field, stops: (() => Promise<void>)[]): Promise<void> {
  const machine = await describeMachine(field.ground.superuser);
  const sizes = { transactions, players: 10_000, days: 30, betsPerSecond: options.rate };
  const report = await measureRebuilds(field, sizes, progress, stops);
  const text = [`# Rebuilds, ${new Date().toISOString()}`, '', ...machineLines({ machine }), '', rebuildMarkdown(report)].join('\n');
  console.log(`\n${text}`);
  progress(`written to ${keep(directoryOf(options), options.name ?? resultName(machine.commit, 'rebuild'), { machine, seed: options.seed, sizes, ...report }, text)}.md and .json`);
  if (!isRebuilt(report)) process.exitCode = 1;
}

async function writeCallLog(options: Options, field: Field, stops: (() => Promise<void>)[]): Promise<void> {
  const machine = await describeMachine(field.ground.superuser);
  const sizes = { seconds: options.sizes.sideSeconds, connections: options.sizes.connections.at(-1) as number };
  const report = await measureCallLog(field, sizes, progress, stops);
  const text = [`# The cost of the call log, ${new Date().toISOString()}`, '', ...machineLines({ machine }), '', callLogMarkdown(report)].join('\n');
  console.log(`\n${text}`);
  progress(`written to ${keep(directoryOf(options), options.name ?? resultName(machine.commit, 'call-log'), { machine, seed: options.seed, sizes, ...report }, text)}.md and .json`);
  if (!isCheap(report)) process.exitCode = 1;
}

async function writeReport(options: Options, field: Field, loadBefore: string, stops: (() => Promise<void>)[]): Promise<void> {
  const { sizes, goals, seed } = options;
  const { ground } = field;
  const machine = await describeMachine(ground.superuser);
  const wants = (...wanted: Options['goals'][number][]) => wanted.some((goal) => goals.includes(goal));
  if (wants('S1')) progress('filling the tables of TPC-B');
  const tpcb = wants('S1') ? await prepareTpcb(ground, sizes.pgbenchScale, seed) : undefined;
  const started = async (server: Promise<Server>): Promise<Server> => {
    stops.push((await server).stop);
    return server;
  };
  const withLanes = (count: number, name: string) => started(startWallet(ground, { name, ...(count > 1 && { env: { WALLET_LANES: String(count) } }) }));
  const [ofWallet, ...more] = options.lanes as [number, ...number[]];
  const wallet = await withLanes(ofWallet, 'wallet');
  const lanes = [];
  for (const count of wants('S1') ? more : []) lanes.push({ lanes: count, server: await withLanes(count, `wallet with ${count} lanes`) });
  const bare = wants('S3', 'S9') ? await started(startBare(ground)) : undefined;
  const before = census();
  const textbook = wants('S2') ? await chooseTextbook(field, sizes, progress, started) : undefined;
  const contestants = { wallet, lanes, bare, textbook: textbook?.server, tpcb };
  const rounds = goals.some((goal) => goal !== 'S8') ? await measureRounds(field, contestants, sizes, goals, progress) : [];
  if (textbook) progress(`the textbook rival's books fit: ${await checkTextbook(textbook.url)} bets`);
  const wal = wants('S8') ? await measureWal(field, wallet, sizes, progress) : undefined;
  const others = othersSince(before);
  const report: Report = {
    at: new Date().toISOString(), machine, sizes, seed, generator: field.generator.describes, tpcb: tpcb?.describes,
    textbookPool: textbook?.connections, lanes: options.lanes,
    checkpoints: await checkpointsOf(ground), others, loadBefore, rows: rowsOf(goals, rounds, wal, tpcb?.genuine ?? false), rounds, wal,
  };
  const markdown = markdownOf(report);
  console.log(`\n${forTerminal(report.rows)}\n\n${markdown.slice(markdown.indexOf('## Conditions'))}`);
  progress(`written to ${keep(directoryOf(options), options.name ?? resultName(machine.commit, sizes.form), report, markdown)}.md and .json`);
}

async function chooseTextbook(
  field: Field, sizes: Options['sizes'], tell: typeof progress, started: (server: Promise<Server>) => Promise<Server>,
): Promise<{ url: string; server: Server; connections: number }> {
  tell('filling the tables of the textbook rival');
  const url = await prepareTextbook(field.ground);
  return { url, ...(await betterPool(field, sizes, (connections) => started(startTextbook(field.ground, url, connections)), tell)) };
}

async function checkpointsOf({ superuser }: Ground): Promise<Report['checkpoints']> {
  const { rows } = await superuser.query<{ num_timed: string; num_requested: string }>(
    'select num_timed, num_requested from pg_stat_checkpointer');
  return { timed: Number(rows[0]?.num_timed), requested: Number(rows[0]?.num_requested) };
}

try {
  const options = readOptions(process.argv.slice(2));
  if (options) await main(options);
  else console.log(USAGE);
} catch (error) {
  console.error(error instanceof Error ? error.stack : error);
  process.exitCode = 1;
}
