/** The one table: every row a ratio or a cost within this run, against its goal. */
import { median, show, showSpread, spreadOf, type Spread } from './figures.ts';
import { best } from './peak.ts';
import type { Round, Wal } from './rounds.ts';
import type { Goal } from './settings.ts';
import type { WalSample } from './wal.ts';

export interface Row {
  readonly id: string;
  readonly what: string;
  readonly value: Spread;
  readonly unit: string;
  /** undefined where nothing is promised */
  readonly goal: { readonly least?: number; readonly most?: number } | undefined;
  readonly from: string;
}

export const met = ({ value, goal }: Row): boolean | undefined =>
  goal && (goal.least === undefined || value.median >= goal.least) && (goal.most === undefined || value.median <= goal.most);

export function rowsOf(goals: readonly Goal[], rounds: readonly Round[], wal: Wal | undefined, tpcbIsGenuine: boolean): Row[] {
  return [
    ...(goals.includes('S1') ? speedRows(rounds, tpcbIsGenuine) : []), ...(goals.includes('S3') ? bareRows(rounds) : []),
    ...(goals.includes('S4') ? loneRows(rounds) : []), ...(wal ? walRows(wal) : []),
  ];
}

const fastest = <Item extends { perSecond: number }>(items: readonly Item[]): Item =>
  items.reduce((a, b) => (b.perSecond > a.perSecond ? b : a));
const over = <Item>(items: readonly Item[], pick: (item: Item) => number): Spread => spreadOf(items.map(pick));

function speedRows(rounds: readonly Round[], genuine: boolean): Row[] {
  const bets = rounds.map((round) => best(round.wallet));
  const rates = over(bets, (sample) => sample.perSecond);
  const tpcb = over(rounds, (round) => fastest(round.tpcb).perSecond);
  const cost = (what: string, pick: (sample: (typeof bets)[number]) => number, most?: number): Row => ({
    id: 'S1', what, value: over(bets, pick), unit: 'µs a bet', goal: most === undefined ? undefined : { most },
    from: 'at the best number of connections of each round',
  });
  return [
    {
      id: genuine ? 'S1' : 'stand-in', what: 'signed, durable bets over HTTP ÷ TPC-B', unit: '×',
      goal: genuine ? { least: 3 } : undefined,
      value: over(rounds, (round) => best(round.wallet).perSecond / fastest(round.tpcb).perSecond),
      from: `${showSpread(rates)} bets/s ÷ ${showSpread(tpcb)} transactions/s`,
    },
    cost('CPU of Node', (sample) => sample.nodeUs, 60),
    cost('CPU of PostgreSQL', (sample) => sample.postgresUs, 50),
    cost('CPU of the load generator', (sample) => sample.loadUs),
  ];
}

function bareRows(rounds: readonly Round[]): Row[] {
  const bare = rounds.map((round) => best(round.bare));
  return [
    {
      id: 'S3', what: 'bets over HTTP ÷ bare', unit: '×', goal: { least: 0.5 },
      value: over(rounds, (round) => best(round.wallet).perSecond / best(round.bare).perSecond),
      from: `bare: ${showSpread(over(bare, (sample) => sample.perSecond))} calls/s`,
    },
    {
      id: 'S3', what: 'CPU of Node, bare', unit: 'µs a call', goal: undefined, value: over(bare, (sample) => sample.nodeUs),
      from: 'signature, schema and HTTP alone',
    },
  ];
}

function loneRows(rounds: readonly Round[]): Row[] {
  const samples = rounds.map((round) => round.lone).filter((sample) => sample !== undefined);
  const row = (what: string, kind: 'lane' | 'http', most: number): Row => ({
    id: 'S4', what, unit: '×', goal: { most }, value: over(samples, (sample) => sample[kind] / sample.insert),
    from: `p50 ${showSpread(over(samples, (sample) => sample[kind]))} ms ÷ ${showSpread(over(samples, (sample) => sample.insert))} ms`,
  });
  return [row('one lone bet at the lane ÷ a durable insert', 'lane', 2.5), row('one lone bet over HTTP ÷ a durable insert', 'http', 3.5)];
}

function walRows({ none, kept }: Wal): Row[] {
  const rows = (samples: readonly WalSample[], words: string, most: number): Row[] => [
    {
      id: 'S8', what: `WAL ${words}`, unit: 'bytes a bet', goal: { most }, value: over(samples, (sample) => sample.bytes),
      from: `${showSpread(over(samples, (sample) => sample.records))} records a bet, over ${samples.length} checkpoints`,
    },
    {
      id: 'S8', what: `full-page images ${words}`, unit: 'bytes a bet', goal: undefined,
      value: over(samples, (sample) => sample.imageBytes),
      from: `${showSpread(over(samples, (sample) => sample.images))} images a bet over `
        + `${show(median(samples.map((sample) => sample.bets)))} bets behind each checkpoint; falls with their number`,
    },
  ];
  return [
    ...rows(none, 'without round rows', 850), ...rows(kept, 'with round rows', 1_100),
    {
      id: 'S8', what: 'flushes of the log under load', unit: 'a bet', goal: { most: 0.1 },
      value: over([...none, ...kept], (sample) => sample.flushes),
      from: `${showSpread(over([...none, ...kept], (sample) => sample.batch))} movements a batch`,
    },
  ];
}
