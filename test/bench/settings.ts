/** What a run is asked for, and the sizes that follow from it. All of it is printed and written beside the figures. */
import { parseArgs } from 'node:util';

export interface Sizes {
  readonly form: 'full' | 'quick' | 'tiny';
  readonly rounds: number;
  /** of each measured load that a peak is taken from */
  readonly seconds: number;
  /** of each other load: open loop, uneven players, reads */
  readonly sideSeconds: number;
  readonly warmUpSeconds: number;
  readonly players: number;
  /** closed loop, one call in flight on each */
  readonly connections: readonly number[];
  /** of balance reads, whose latency is told at the first */
  readonly readConnections: readonly number[];
  /** open loop, at a share of the peak */
  readonly openConnections: readonly number[];
  /** open loop, beyond the peak */
  readonly overConnections: number;
  /** how long a caller waits there: what is let in waits for half of it at most, which must be fewer calls than connections */
  readonly overDeadlineMs: number;
  /** times the peak */
  readonly overload: readonly number[];
  /** of the textbook rival's pool: the better one is measured */
  readonly textbookPools: readonly number[];
  readonly pgbenchScale: number;
  readonly pgbenchClients: readonly number[];
  /** calls a round of each kind on one connection */
  readonly loneCalls: number;
  readonly checkpoints: number;
}

const GENERATORS = ['wrk', 'sockets', 'autocannon'] as const;
export type GeneratorName = (typeof GENERATORS)[number];
/** `dialects`: the peak in each dialect beside the native one; no goal of speed.md's. */
export const GOALS = ['S1', 'S2', 'S3', 'S4', 'S5', 'S6', 'S8', 'S9', 'dialects'] as const;
export type Goal = (typeof GOALS)[number];

export interface Options {
  readonly sizes: Sizes;
  readonly goals: readonly Goal[];
  readonly seed: number;
  readonly profile: boolean;
  /** the read side instead, over a history of so many transactions */
  readonly reads: number | undefined;
  /** exports instead, of histories up to so many transactions */
  readonly exports: number | undefined;
  /** views rebuilt under load instead, over a history of so many transactions */
  readonly rebuild: number | undefined;
  /** what the call log costs a bet instead */
  readonly callLog: boolean;
  /** bets a second while views' lag is looked at, or views are rebuilt */
  readonly rate: number;
  /** writer lanes of the wallet; of those behind the first only the peak is measured */
  readonly lanes: readonly number[];
  /** unset: wrk where it is, else sockets of our own, which cost a fifth of autocannon */
  readonly generator: GeneratorName | undefined;
  readonly out: string | undefined;
  readonly name: string | undefined;
}

const FULL: Sizes = {
  form: 'full', rounds: 3, seconds: 8, sideSeconds: 5, warmUpSeconds: 8, players: 100_000, connections: [64, 128, 256],
  readConnections: [64, 256], openConnections: [64, 1_000], overConnections: 4_000, overDeadlineMs: 900, overload: [1.5, 2], textbookPools: [8, 16],
  pgbenchScale: 50, pgbenchClients: [8, 32], loneCalls: 1_000, checkpoints: 2,
};
const SIZES: Record<Sizes['form'], Sizes> = {
  full: FULL,
  quick: {
    ...FULL, form: 'quick', rounds: 2, seconds: 3, sideSeconds: 2, warmUpSeconds: 4, players: 20_000, connections: [128], overload: [2],
    loneCalls: 300, checkpoints: 1,
  },
  /** to see that everything runs; its figures mean nothing */
  tiny: {
    ...FULL, form: 'tiny', rounds: 1, seconds: 1, sideSeconds: 1, warmUpSeconds: 1, players: 500, connections: [8, 16],
    readConnections: [8, 16], openConnections: [8, 32], overConnections: 400, overDeadlineMs: 50, overload: [4],
    pgbenchScale: 1, loneCalls: 50, checkpoints: 1,
  },
};

export const USAGE = `node test/bench/run.ts [options]
  --quick            two or three minutes instead of a quarter of an hour
  --tiny             a minute; shows only that everything runs
  --only S1,S8       some of ${GOALS.join(', ')}
  --profile          where the time goes, instead of how much there is: of bets, with --only S9 of balance reads
  --reads 200k       the read side instead (S10, S11): over a history of so many transactions; --rate N bets a second while lag is looked at
  --exports 2m       exports instead: memory, time and size from 100k to so many transactions
  --rebuild 1m       each view rebuilt under load instead, over a history of so many transactions; --rate N bets a second meanwhile
  --call-log         what the call log costs a bet instead
  --lanes 1,2        writer lanes of the wallet, and of further ones whose bets/s are set against it (S1)
  --generator NAME   of the closed loop: ${GENERATORS.join(', ')}
  --seconds N, --side-seconds N, --rounds N, --players N, --connections 64,128
  --seed N           of everything that is drawn
  --out DIR          instead of test/bench/results
  --name NAME        of the files written, instead of time, commit and form
Environment: TEST_DIST another build than dist · BENCH_SERVER_FLAGS flags of Node for the wallet server · BENCH_SERVER_ENV its settings,
as NAME=value NAME=value`;

export function readOptions(args: readonly string[]): Options | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: 'boolean' }, tiny: { type: 'boolean' }, profile: { type: 'boolean' }, reads: { type: 'string' }, exports: { type: 'string' }, rebuild: { type: 'string' }, 'call-log': { type: 'boolean' }, rate: { type: 'string' }, help: { type: 'boolean' },
      lanes: { type: 'string' }, 'side-seconds': { type: 'string' },
      only: { type: 'string' }, generator: { type: 'string' }, seconds: { type: 'string' }, rounds: { type: 'string' },
      players: { type: 'string' }, connections: { type: 'string' }, seed: { type: 'string' }, out: { type: 'string' }, name: { type: 'string' },
    },
  });
  if (values.help) return undefined;
  const base = SIZES[values.tiny ? 'tiny' : values.quick ? 'quick' : 'full'];
  const goals = (values.only?.split(',') ?? GOALS) as Goal[];
  const unknown = goals.find((goal) => !GOALS.includes(goal));
  if (unknown) throw new Error(`--only: there is no ${unknown}`);
  const generator = GENERATORS.find((name) => name === values.generator);
  if (values.generator !== undefined && !generator) throw new Error(`--generator: one of ${GENERATORS.join(', ')}`);
  const counts = (text: string | undefined) => text?.split(',').map((word) => count(word) as number);
  return {
    sizes: {
      ...base,
      seconds: count(values.seconds) ?? base.seconds,
      sideSeconds: count(values['side-seconds']) ?? base.sideSeconds,
      rounds: count(values.rounds) ?? base.rounds,
      players: count(values.players) ?? base.players,
      connections: counts(values.connections) ?? base.connections,
    },
    goals, seed: count(values.seed) ?? Math.trunc(Math.random() * 2 ** 31), profile: values.profile === true, reads: many(values.reads), exports: many(values.exports), rebuild: many(values.rebuild), callLog: values['call-log'] === true,
    rate: count(values.rate) ?? (values.rebuild ? 300 : 3_500), lanes: counts(values.lanes) ?? [1],
    generator, out: values.out,
    name: values.name,
  };
}

/** 200k, 10m */
const many = (text: string | undefined): number | undefined => count(text?.replace(/m$/, '000000').replace(/k$/, '000'));

function count(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const number = Number(text);
  if (!Number.isSafeInteger(number) || number < 1) throw new Error(`not a number of things: ${text}`);
  return number;
}
