/** `npm run bench`: what a bet costs here, against PostgreSQL's own short transaction and against our own HTTP side without a database. */
import { join } from 'node:path';
import { ROOT } from './built.ts';
import { census, othersSince } from './cpu.ts';
import { chooseGenerator } from './generators.ts';
import { prepareGround, type Ground } from './ground.ts';
import { describeMachine, loadAverage } from './machine.ts';
import type { Field } from './peak.ts';
import { profile } from './profile.ts';
import { randomOf } from './random.ts';
import { forTerminal, keep, machineLines, markdownOf, type Report } from './report.ts';
import { measureRounds, measureWal } from './rounds.ts';
import { startBare, startWallet, type Server } from './servers.ts';
import { readOptions, USAGE, type Options } from './settings.ts';
import { rowsOf } from './table.ts';
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
    const ground = await prepareGround(options.sizes.players, progress);
    stops.push(ground.stop);
    const field: Field = { ground, generator: chooseGenerator(options.generator, ground.dir), random: randomOf(options.seed) };
    if (options.profile) await writeProfile(options, field, stops);
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
  const { markdown, figures } = await profile(field, options.sizes, progress, stops);
  const text = [`# Where a bet's time goes, ${new Date().toISOString()}`, '', ...machineLines({ machine }), '', markdown].join('\n');
  console.log(`\n${text}`);
  const kept = keep(directoryOf(options), options.name ?? resultName(machine.commit, 'profile'), { machine, seed: options.seed, ...figures }, text);
  progress(`written to ${kept}.md and .json`);
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
  const wallet = await started(startWallet(ground));
  const bare = wants('S3') ? await started(startBare(ground.accounts.kept)) : undefined;
  const before = census();
  const rounds = wants('S1', 'S3', 'S4') ? await measureRounds(field, { wallet, bare, tpcb }, sizes, goals, progress) : [];
  const wal = wants('S8') ? await measureWal(field, wallet, sizes, progress) : undefined;
  const others = othersSince(before);
  const report: Report = {
    at: new Date().toISOString(), machine, sizes, seed, generator: field.generator.describes, tpcb: tpcb?.describes,
    checkpoints: await checkpointsOf(ground), others, loadBefore, rows: rowsOf(goals, rounds, wal, tpcb?.genuine ?? false), rounds, wal,
  };
  const markdown = markdownOf(report);
  console.log(`\n${forTerminal(report.rows)}\n\n${markdown.slice(markdown.indexOf('## Conditions'))}`);
  progress(`written to ${keep(directoryOf(options), options.name ?? resultName(machine.commit, sizes.form), report, markdown)}.md and .json`);
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
