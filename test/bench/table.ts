/** The one table: every row a ratio or a cost within this run, against its goal. */
import { median, show, showSpread } from './figures.ts';
import { best, type Sample } from './peak.ts';
import { openRows } from './open-rows.ts';
import type { Round, Wal } from './rounds.ts';
import { over, type Row } from './row.ts';
import type { Goal } from './settings.ts';
import type { WalSample } from './wal.ts';

export function rowsOf(goals: readonly Goal[], rounds: readonly Round[], wal: Wal | undefined, tpcbIsGenuine: boolean): Row[] {
  return [
    ...(goals.includes('S1') ? [...speedRows(rounds, tpcbIsGenuine), ...laneRows(rounds)] : []),
    ...(goals.includes('S2') ? textbookRows(rounds) : []), ...(goals.includes('S3') ? bareRows(rounds) : []),
    ...(goals.includes('S4') ? loneRows(rounds) : []), ...(goals.includes('S5') ? openRows(rounds) : []),
    ...(goals.includes('S6') ? unevenRows(rounds) : []), ...(wal ? walRows(wal) : []), ...(goals.includes('S9') ? readRows(rounds) : []),
    ...(goals.includes('dialects') ? dialectRows(rounds) : []),
  ];
}

const fastest = <Item extends { perSecond: number }>(items: readonly Item[]): Item =>
  items.reduce((a, b) => (b.perSecond > a.perSecond ? b : a));
const perSecond = (sample: Sample): number => sample.perSecond;

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

function laneRows(rounds: readonly Round[]): Row[] {
  const counts = new Set(rounds.flatMap((round) => round.lanes.map(({ lanes }) => lanes)));
  return [...counts].map((count) => {
    const of = (round: Round) => best(round.lanes.filter(({ lanes }) => lanes === count).map(({ sample }) => sample));
    const row = (pick: (sample: Sample) => number) => showSpread(over(rounds.map(of), pick));
    return {
      id: 'S1', what: `bets over HTTP, ${count} writer lanes ÷ as above`, unit: '×', goal: undefined,
      value: over(rounds, (round) => of(round).perSecond / best(round.wallet).perSecond),
      from: `${row(perSecond)} bets/s; CPU a bet: Node ${row((sample) => sample.nodeUs)} µs, PostgreSQL ${row((sample) => sample.postgresUs)} µs`,
    };
  });
}

function dialectRows(rounds: readonly Round[]): Row[] {
  const names = [...new Set(rounds.flatMap((round) => round.dialects.map(({ name }) => name)))].filter((name) => name !== 'native');
  const of = (name: string) => rounds.flatMap((round) => round.dialects.filter((each) => each.name === name).map(({ sample }) => sample));
  const native = of('native');
  const told = (samples: readonly Sample[], pick: (sample: Sample) => number) => showSpread(over(samples, pick));
  return names.map((name) => ({
    id: '–', what: `CPU of Node for a bet in ${name}`, unit: 'µs a bet', goal: undefined, value: over(of(name), (sample) => sample.nodeUs),
    from: `native ${told(native, (sample) => sample.nodeUs)} µs; ${told(of(name), perSecond)} bets/s against ${told(native, perSecond)}; `
      + `PostgreSQL ${told(of(name), (sample) => sample.postgresUs)} against ${told(native, (sample) => sample.postgresUs)} µs`,
  }));
}

function textbookRows(rounds: readonly Round[]): Row[] {
  const fewest = Math.min(...rounds.flatMap((round) => round.wallet.map(({ connections }) => connections)));
  const at = (samples: readonly Sample[]) => samples.find(({ connections }) => connections === fewest) as Sample;
  const less = (ours: number, theirs: number) => (ours / theirs - 1) * 100;
  const both = (samples: (round: Round) => Sample, rivals: (round: Round) => Sample, pick: (sample: Sample) => number) =>
    `${showSpread(over(rounds.map(samples), pick))} against ${showSpread(over(rounds.map(rivals), pick))}`;
  const peaks = [(round: Round) => best(round.wallet), (round: Round) => best(round.textbook)] as const;
  const levels = [(round: Round) => at(round.wallet), (round: Round) => at(round.textbook)] as const;
  return [
    {
      id: 'S2', what: 'bets over HTTP ÷ textbook', unit: '×', goal: { least: 6 },
      value: over(rounds, (round) => best(round.wallet).perSecond / best(round.textbook).perSecond),
      from: `textbook: ${showSpread(over(rounds.map(peaks[1]), perSecond))} bets/s`,
    },
    {
      id: 'S2', what: `mean latency at ${fewest} connections, against textbook`, unit: '%', goal: { most: -45 },
      value: over(rounds, (round) => less(at(round.wallet).meanMs, at(round.textbook).meanMs)),
      from: `${both(...levels, (sample) => sample.meanMs)} ms`,
    },
    {
      id: 'S2', what: 'CPU of PostgreSQL a bet, against textbook', unit: '%', goal: { most: -60 },
      value: over(rounds, (round) => less(best(round.wallet).postgresUs, best(round.textbook).postgresUs)),
      from: `${both(...peaks, (sample) => sample.postgresUs)} µs; of Node ${both(...peaks, (sample) => sample.nodeUs)} µs`,
    },
  ];
}

function unevenRows(rounds: readonly Round[]): Row[] {
  const of = (round: Round, wanted: string) => (round.spreads.find(({ spread }) => spread === wanted)?.sample as Sample).perSecond;
  const row = (spread: string, least?: number): Row => ({
    id: 'S6', what: `bets over HTTP, ${spread} ÷ uniform`, unit: '×', goal: least === undefined ? undefined : { least },
    value: over(rounds, (round) => of(round, spread) / of(round, 'uniform')),
    from: `${showSpread(over(rounds, (round) => of(round, spread)))} bets/s ÷ ${showSpread(over(rounds, (round) => of(round, 'uniform')))} bets/s`,
  });
  return [row('Zipf 1.0'), row('Zipf 1.5', 0.7), row('50 accounts'), row('one account', 0.5)];
}

function readRows(rounds: readonly Round[]): Row[] {
  const fewest = Math.min(...rounds.flatMap((round) => round.reads.map(({ connections }) => connections)));
  const atFewest = rounds.map((round) => round.reads.find(({ connections }) => connections === fewest) as Sample);
  const reads = rounds.map((round) => best(round.reads));
  return [
    {
      id: 'S9', what: 'uncached balance reads over HTTP ÷ bare', unit: '×', goal: { least: 0.6 },
      value: over(rounds, (round) => best(round.reads).perSecond / best(round.bareReads).perSecond),
      from: `${showSpread(over(reads, perSecond))} reads/s ÷ ${showSpread(over(rounds.map((round) => best(round.bareReads)), perSecond))} calls/s; `
        + `CPU a read: Node ${showSpread(over(reads, (sample) => sample.nodeUs))} µs, PostgreSQL ${showSpread(over(reads, (sample) => sample.postgresUs))} µs`,
    },
    {
      id: 'S9', what: `p99 of balance reads, ${fewest} connections`, unit: 'ms', goal: { most: 10 }, value: over(atFewest, (sample) => sample.p99Ms),
      from: `closed loop; ${showSpread(over(atFewest, perSecond))} reads/s`,
    },
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
