/** A run's figures as the terminal shows them and as files keep them. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { show, showSpread } from './figures.ts';
import type { Machine } from './machine.ts';
import { BET_SAYS } from './presign.ts';
import type { Round, Wal } from './rounds.ts';
import type { Sizes } from './settings.ts';
import { met, type Row } from './table.ts';

export interface Report {
  readonly at: string;
  readonly machine: Machine;
  readonly sizes: Sizes;
  readonly seed: number;
  readonly generator: string;
  readonly tpcb: string | undefined;
  readonly checkpoints: { readonly timed: number; readonly requested: number };
  readonly others: readonly { readonly name: string; readonly cores: number }[];
  readonly loadBefore: string;
  readonly rows: readonly Row[];
  readonly rounds: readonly Round[];
  readonly wal: Wal | undefined;
}

const goalOf = ({ goal }: Row): string => (goal?.least !== undefined ? `≥ ${show(goal.least)}` : goal?.most !== undefined ? `≤ ${show(goal.most)}` : '');
const verdictOf = (row: Row): string => ({ true: 'met', false: '**short**', undefined: '' })[String(met(row)) as 'true' | 'false' | 'undefined'];

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
  return cells.map((line, i) => `${line.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}  ${rows[i]?.from ?? ''}`).join('\n');
}

function levels(rounds: readonly Round[]): string {
  const lines = rounds.flatMap((round, i) => [
    ...round.wallet.map((s) => [`${i + 1}`, `bets, ${s.connections} connections`, ...loadCells(s), show(s.batch), show(s.nodeUs), show(s.postgresUs), show(s.loadUs), show(s.failed)]),
    ...round.bare.map((s) => [`${i + 1}`, `bare, ${s.connections} connections`, ...loadCells(s), '', show(s.nodeUs), '', show(s.loadUs), show(s.failed)]),
    ...round.tpcb.map((s) => [`${i + 1}`, `TPC-B, ${s.clients} clients`, show(s.perSecond), show(s.latencyMs), '', '', '', show(s.postgresUs), show(s.loadUs), '']),
  ]);
  return table(['round', 'what', 'a second', 'p50 ms (TPC-B: mean)', 'p99 ms', 'batch', 'Node µs', 'PostgreSQL µs', 'generator µs', 'failed'], lines);
}

const loadCells = ({ perSecond, p50Ms, p99Ms }: { perSecond: number; p50Ms: number; p99Ms: number }) => [show(perSecond), show(p50Ms), show(p99Ms)];

const walKinds = ({ none, kept }: Wal): string => table(
  ['round rows', 'kind of record', 'bytes a bet', 'records a bet'],
  ([['without', none.at(-1)], ['with', kept.at(-1)]] as const).flatMap(([words, sample]) =>
    (sample?.byKind ?? []).map(({ kind, bytes, records }) => [words, kind, show(bytes), show(records)])),
);

export function machineLines({ machine }: Pick<Report, 'machine'>): string[] {
  return [
    `- machine: ${machine.cores} × ${machine.cpu}, ${machine.memoryGiB} GiB, ${machine.system}; everything runs on it`,
    `- Node ${machine.node}, PostgreSQL ${machine.postgres} (embedded), commit ${machine.commit}`,
    `- PostgreSQL: ${Object.entries(machine.postgresSettings).map(([name, value]) => `${name}=${value}`).join(', ')}`,
  ];
}

export function markdownOf(report: Report): string {
  const { sizes, rounds, wal, checkpoints } = report;
  const others = report.others.map(({ name, cores }) => `${name} ${show(cores)}`).join(', ') || 'nothing that used a hundredth of a core';
  return [
    `# Bench, ${report.at}, ${sizes.form} form`, '',
    ...(sizes.form === 'tiny' ? ['**Its figures mean nothing**: this form only shows that everything runs.', ''] : []),
    'Ratios within one run on one machine; absolute figures promise nothing.', '', mainTable(report.rows), '',
    '## Conditions', ...machineLines(report),
    `- ${sizes.rounds} rounds in turned order, a checkpoint before each, loads of ${sizes.seconds} s, ${sizes.players} players drawn uniformly, seed ${report.seed}`,
    `- load: ${report.generator}; closed loop; TPC-B: ${report.tpcb ?? 'not run'}`,
    `- a bet says ${BET_SAYS}; the wallet runs as one process (one lane), role wallet alone, no replica, no simulated studio`,
    `- checkpoints since the cluster began: ${checkpoints.requested} asked for or by size of the log, ${checkpoints.timed} by time`,
    `- load average before: ${report.loadBefore || 'unknown'}; what else ran meanwhile (cores): ${others}`,
    ...(rounds.length > 0 ? ['', '## Every load', levels(rounds)] : []),
    ...(wal ? ['', '## What the log holds', walKinds(wal)] : []), '',
  ].join('\n');
}

/** Two files of one name; answers with the path without its ending. */
export function keep(directory: string, name: string, json: unknown, markdown: string): string {
  mkdirSync(directory, { recursive: true });
  const path = join(directory, name);
  writeFileSync(`${path}.json`, `${JSON.stringify(json, undefined, 2)}\n`);
  writeFileSync(`${path}.md`, markdown);
  return path;
}
