/** What a run is asked for, and the sizes that follow from it. All of it is printed and written beside the figures. */
import { parseArgs } from 'node:util';

export interface Sizes {
  readonly form: 'full' | 'quick' | 'tiny';
  readonly rounds: number;
  /** of each measured load */
  readonly seconds: number;
  readonly warmUpSeconds: number;
  readonly players: number;
  /** closed loop, one call in flight on each */
  readonly connections: readonly number[];
  readonly pgbenchScale: number;
  readonly pgbenchClients: readonly number[];
  /** calls a round of each kind on one connection */
  readonly loneCalls: number;
  readonly checkpoints: number;
}

export const GOALS = ['S1', 'S3', 'S4', 'S8'] as const;
export type Goal = (typeof GOALS)[number];

export interface Options {
  readonly sizes: Sizes;
  readonly goals: readonly Goal[];
  readonly seed: number;
  readonly profile: boolean;
  /** unset: wrk where it is, else autocannon */
  readonly generator: 'wrk' | 'autocannon' | undefined;
  readonly out: string | undefined;
  readonly name: string | undefined;
}

const FULL: Sizes = {
  form: 'full', rounds: 3, seconds: 10, warmUpSeconds: 8, players: 100_000, connections: [64, 128, 256], pgbenchScale: 50,
  pgbenchClients: [8, 32], loneCalls: 1_000, checkpoints: 2,
};
const SIZES: Record<Sizes['form'], Sizes> = {
  full: FULL,
  quick: { ...FULL, form: 'quick', seconds: 3, warmUpSeconds: 5, players: 20_000, connections: [128], loneCalls: 300 },
  /** to see that everything runs; its figures mean nothing */
  tiny: {
    ...FULL, form: 'tiny', rounds: 2, seconds: 1, warmUpSeconds: 1, players: 500, connections: [8, 16], pgbenchScale: 1, loneCalls: 50,
  },
};

export const USAGE = `node test/bench/run.ts [options]
  --quick            a minute or two instead of ten
  --tiny             seconds; shows only that everything runs
  --only S1,S8       some of ${GOALS.join(', ')}
  --profile          where the time goes, instead of how much there is
  --generator NAME   wrk or autocannon
  --seconds N, --rounds N, --players N, --connections 64,128
  --seed N           of everything that is drawn
  --out DIR          instead of test/bench/results
  --name NAME        of the files written, instead of time, commit and form
Environment: TEST_DIST another build than dist · BENCH_SERVER_FLAGS flags of Node for the wallet server · BENCH_SERVER_ENV its settings,
as NAME=value NAME=value`;

export function readOptions(args: readonly string[]): Options | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: 'boolean' }, tiny: { type: 'boolean' }, profile: { type: 'boolean' }, help: { type: 'boolean' },
      only: { type: 'string' }, generator: { type: 'string' }, seconds: { type: 'string' }, rounds: { type: 'string' },
      players: { type: 'string' }, connections: { type: 'string' }, seed: { type: 'string' }, out: { type: 'string' }, name: { type: 'string' },
    },
  });
  if (values.help) return undefined;
  const base = SIZES[values.tiny ? 'tiny' : values.quick ? 'quick' : 'full'];
  const goals = (values.only?.split(',') ?? GOALS) as Goal[];
  const unknown = goals.find((goal) => !GOALS.includes(goal));
  if (unknown) throw new Error(`--only: there is no ${unknown}`);
  const { generator } = values;
  if (generator !== undefined && generator !== 'wrk' && generator !== 'autocannon') throw new Error('--generator: wrk or autocannon');
  return {
    sizes: {
      ...base,
      seconds: count(values.seconds) ?? base.seconds,
      rounds: count(values.rounds) ?? base.rounds,
      players: count(values.players) ?? base.players,
      connections: values.connections?.split(',').map((text) => count(text) as number) ?? base.connections,
    },
    goals, seed: count(values.seed) ?? Math.trunc(Math.random() * 2 ** 31), profile: values.profile === true, generator, out: values.out,
    name: values.name,
  };
}

function count(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const number = Number(text);
  if (!Number.isSafeInteger(number) || number < 1) throw new Error(`not a number of things: ${text}`);
  return number;
}
