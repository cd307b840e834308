/** A run's figures as the terminal shows them and as files keep them. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Others } from './cpu.ts';
import { show, showSpread } from './figures.ts';
import type { Machine } from './machine.ts';
import { BET_SAYS } from './presign.ts';
import type { Latency } from './open-loop.ts';
import type { Sample } from './peak.ts';
import type { Round, Wal } from './rounds.ts';
import { met, type Row } from './row.ts';
import type { Sizes } from './settings.ts';
import type { TpcbSample } from './tpcb.ts';
import type { WalSample } from './wal.ts';

export interface Report {
  readonly at: string;
  readonly machine: Machine;
  readonly sizes: Sizes;
  readonly seed: number;
  readonly generator: string;
  readonly tpcb: string | undefined;
  /** connections of its pool */
  readonly textbookPool: number | undefined;
  readonly lanes: readonly number[];
  readonly checkpoints: { readonly timed: number; readonly requested: number };
  readonly others: Others;
  readonly loadBefore: string;
  readonly rows: readonly Row[];
  readonly rounds: readonly Round[];
  readonly wal: Wal | undefined;
}

function goalOf({ goal }: Row): string {
  if (goal?.least !== undefined) return `≥ ${show(goal.least)}`;
  return goal?.most !== undefined ? `≤ ${show(goal.most)}` : '';
}

function verdictOf(row: Row): string {
  const reached = met(row);
  if (reached === undefined) return '';
  return reached ? 'met' : '**short**';
}

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');

const mainTable = (rows: readonly Row[]): string => table(
  ['#', 'figure', 'median (spread)', '', 'goal', '', 'from'],
  rows.map((row) => [row.id, row.what, showSpread(row.value), row.unit, goalOf(row), verdictOf(row), row.from]),
);

/** The same table in columns, for a terminal. */
export function forTerminal(rows: readonly Row[]): string {
  const cells = rows.map((row) => [row.id, row.what, showSpread(row.value), row.unit, goalOf(row), verdictOf(row).replaceAll('*', '')]);
  const widths = cells[0]?.map((_, i) => Math.max(...cells.map((line) => line[i]?.length ?? 0))) ?? [];
  const padded = cells.map((line) => line.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  '));
  return padded.map((line, i) => `${line}  ${rows[i]?.from ?? ''}`).join('\n');
}

function levels(rounds: readonly Round[]): string {
  const head = ['round', 'what', 'a second', 'p50 ms', 'mean ms', 'p99 ms', 'batch', 'Node µs', 'PostgreSQL µs', 'load µs', 'failed'];
  const ofServer = (round: number, what: string, s: Sample) => [
    String(round), `${what}, ${s.connections} connections`,
    ...[s.perSecond, s.p50Ms, s.meanMs, s.p99Ms, s.batch || NaN, s.nodeUs, s.postgresUs || NaN, s.loadUs, s.failed].map(show),
  ];
  const ofTpcb = (round: number, s: TpcbSample) => [
    String(round), `TPC-B, ${s.clients} clients`,
    ...[s.perSecond, NaN, s.latencyMs, NaN, NaN, NaN, s.postgresUs, s.loadUs, NaN].map(show),
  ];
  return table(head, rounds.flatMap((round, i) => [
    ...round.wallet.map((sample) => ofServer(i + 1, 'bets', sample)),
    ...round.lanes.map(({ lanes, sample }) => ofServer(i + 1, `bets, ${lanes} lanes`, sample)),
    ...round.bare.map((sample) => ofServer(i + 1, 'bare', sample)),
    ...round.textbook.map((sample) => ofServer(i + 1, 'textbook', sample)),
    ...round.spreads.map(({ spread, sample }) => ofServer(i + 1, `bets, ${spread}`, sample)),
    ...round.reads.map((sample) => ofServer(i + 1, 'balances', sample)),
    ...round.bareReads.map((sample) => ofServer(i + 1, 'balances, bare', sample)),
    ...round.tpcb.map((sample) => ofTpcb(i + 1, sample)),
  ]));
}

/** Of calls meant to begin while load lasted; latency counts from then. */
function openLoads(rounds: readonly Round[]): string {
  const head = ['round', 'of peak', 'connections', 'offered/s', 'served/s', 'answer', 'calls', 'p50 ms', 'p99 ms', 'most ms', 'Node µs', 'PostgreSQL µs', 'load µs'];
  return table(head, rounds.flatMap((round, i) => round.open.flatMap(({ times, sample: s }) => {
    const load = [String(i + 1), `${Math.round(times * 100)} %`, ...[s.connections, s.perSecond, s.servedPerSecond].map(show)];
    const costs = [s.nodeUs, s.postgresUs, s.loadUs].map(show);
    const line = (answer: string, { calls, p50, p99, most }: Latency) => [...load, answer, ...[calls, p50, p99, most].map(show), ...costs];
    return [
      ...Object.entries(s.byAnswer).map(([answer, latency]) => line(answer, latency)),
      ...Object.entries({ none: s.lost, 'not begun': s.unbegun }).filter(([, calls]) => calls > 0)
        .map(([answer, calls]) => line(answer, { calls, p50: NaN, p99: NaN, most: NaN })),
      line('how late begun', s.late),
    ];
  })));
}

const walKinds = ({ none, kept }: Wal): string => table(
  ['round rows', 'kind of record', 'bytes a bet', 'records a bet'],
  [...kindsOf('without', none), ...kindsOf('with', kept)],
);

/** Over all checkpoints; what comes by itself now and then, as a vacuum, is part of it. */
function kindsOf(words: string, samples: readonly WalSample[]): string[][] {
  const bets = samples.reduce((sum, sample) => sum + sample.bets, 0);
  const totals = new Map<string, { bytes: number; records: number }>();
  for (const sample of samples) {
    for (const { kind, bytes, records } of sample.byKind) {
      const total = totals.get(kind) ?? { bytes: 0, records: 0 };
      totals.set(kind, { bytes: total.bytes + bytes * sample.bets, records: total.records + records * sample.bets });
    }
  }
  const sorted = [...totals].sort(([, a], [, b]) => b.bytes - a.bytes).slice(0, 12);
  return sorted.map(([kind, { bytes, records }]) => [words, kind, show(bytes / bets), show(records / bets)]);
}

export function machineLines({ machine }: Pick<Report, 'machine'>): string[] {
  return [
    `- machine: ${machine.cores} × ${machine.cpu}, ${machine.memoryGiB} GiB, ${machine.system}; everything runs on it`,
    `- Node ${machine.node}, PostgreSQL ${machine.postgres} (embedded), commit ${machine.commit}`,
    `- PostgreSQL: ${Object.entries(machine.postgresSettings).map(([name, value]) => `${name}=${value}`).join(', ')}`,
  ];
}

export function markdownOf(report: Report): string {
  const { sizes, rounds, wal, checkpoints } = report;
  const named = report.others.named.map(({ name, cores }) => `${name} ${show(cores)}`).join(', ');
  return [
    `# Bench, ${report.at}, ${sizes.form} form`, '',
    ...(sizes.form === 'tiny' ? ['**Its figures mean nothing**: this form only shows that everything runs.', ''] : []),
    'Ratios within one run on one machine; absolute figures promise nothing.', '', mainTable(report.rows), '',
    '## Conditions', ...machineLines(report),
    `- ${sizes.rounds} rounds in turned order, a checkpoint before each, loads of ${sizes.seconds} s (open loop, uneven players and reads `
    + `${sizes.sideSeconds} s), ${sizes.players} players, seed ${report.seed}`,
    `- load: ${report.generator}; closed loop; open loop: a process of our own, latency from the intended moment; `
    + `TPC-B: ${report.tpcb ?? 'not run'}`,
    `- a bet says ${BET_SAYS}; the wallet runs as one process (writer lanes: ${report.lanes[0]}), role wallet alone, no replica, no simulated studio`,
    ...(report.textbookPool === undefined ? [] : [`- textbook: ${TEXTBOOK_SAYS}, a pool of ${report.textbookPool} connections (the better of ${sizes.textbookPools.join(' and ')})`]),
    `- checkpoints since the cluster began: ${checkpoints.requested} asked for or by size of the log, ${checkpoints.timed} by time`,
    `- load average before: ${report.loadBefore || 'unknown'}; what else ran meanwhile took ${show(report.others.cores)} cores`
    + `${named && `, of that still there at the end: ${named}`}`,
    ...(rounds.length > 0 ? ['', '## Every load', levels(rounds)] : []),
    ...(rounds.some(({ open }) => open.length > 0) ? ['', '## Open loop', openLoads(rounds)] : []),
    ...(wal ? ['', '## What the log holds', walKinds(wal)] : []), '',
  ].join('\n');
}

const TEXTBOOK_SAYS = 'Nest, Fastify and one MikroORM transaction a bet, behind the same signature check and schema, on a database of its own in the same '
  + 'cluster; no round row, no position in its answers';

/** Two files of one name; answers with the path without its ending. */
export function keep(directory: string, name: string, json: unknown, markdown: string): string {
  mkdirSync(directory, { recursive: true });
  const path = join(directory, name);
  writeFileSync(`${path}.json`, `${JSON.stringify(json, undefined, 2)}\n`);
  writeFileSync(`${path}.md`, markdown);
  return path;
}
