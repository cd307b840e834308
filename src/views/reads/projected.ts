/** What a read of projected tables learns of their projections, in the snapshot of its rows. */
import { createHash } from 'node:crypto';
import { statement, type Field, type Step } from '../../../libs/postgres/index.ts';
import { readToken, type Position } from './position.ts';

type Row = [name: string, stopped: string, built: string, asOf: Field, complete: string, passed: string, generation: string, lanes: string, batches: string];

/**
 * args: names, and of a write that the caller knows of its lane and batch · answers a row a projection; `complete`: nothing of the ledger is missing
 * in it, `passed`: that write is in it. A lane is retired when every projection has passed it.
 */
const ask = statement<Row>('projections', `
select p.name, p.state = 'stopped', p.caught_up, round(date_part('epoch', p.as_of) * 1000)::int8,
  not exists (select from lane l where l.retired_at is null and l.batch > coalesce(p.batches[array_position(p.lanes, l.lane)], 0)),
  $2::int is null or coalesce(p.batches[array_position(p.lanes, $2::int)] >= $3::int, false)
    or exists (select from lane l where l.lane = $2::int and l.retired_at is not null and l.batch >= $3::int),
  p.generation, p.lanes, p.batches
from projection p where p.name = any(string_to_array($1, ',')) and not p.building order by p.name`);

export const askProjections = (names: readonly string[], wanted: Position | undefined): Step<Row> =>
  ask([names.join(','), wanted?.lane ?? null, wanted?.batch ?? null]);

/** args: names · answers a row a projection: a rebuild that takes its place raises its generation */
const generations = statement<[name: string, generation: string]>('generations', `
select p.name, p.generation from projection p where p.name = any(string_to_array($1, ',')) and not p.building order by p.name`);

export const askGenerations = (names: readonly string[]): Step => generations([names.join(',')]);
export const generationsOf = ([rows = []]: readonly (readonly Field[][])[]): string => rows.map((row) => row.join(' ')).join(', ');

export interface Projected {
  /** the one that has never come up to the ledger */
  readonly unbuilt?: string;
  /** those that lack the caller's write */
  readonly behind: readonly string[];
  /** one of them stopped, and waits for somebody to see to it */
  readonly stopped: boolean;
  /** until when they are complete; undefined where they are as complete as the server that was asked */
  readonly asOf?: number;
  /** generation and position of each: the same where the same is shown */
  readonly said: string;
  /** as `generationsOf` */
  readonly generations: string;
  /** Whether that write is in all of them, as far as their positions say; of a retired lane they do not. */
  holds(lane: number, batch: number): boolean;
}

export function projectedOf(names: readonly string[], found: readonly (readonly Field[])[]): Projected {
  const there = found as readonly Row[];
  const unbuilt = names.find((name) => !there.some((row) => row[0] === name && row[2] === 't'));
  const late = there.filter((row) => row[4] !== 't').map((row) => Number(row[3]));
  const behind = there.filter((row) => row[5] !== 't');
  const positions = there.map((row) => new Map(numbersOf(row[7]).map((lane, i) => [lane, numbersOf(row[8])[i] ?? 0])));
  return {
    generations: there.map((row) => `${row[0]} ${row[6]}`).join(', '),
    behind: behind.map(([name]) => name), stopped: behind.some((row) => row[1] === 't'), said: there.map((row) => `${row[0]} ${row[6]} ${row[7]} ${row[8]}`).join(' '),
    holds: (lane, batch) => positions.every((position) => (position.get(lane) ?? -1) >= batch),
    ...(unbuilt !== undefined && { unbuilt }), ...(late.length > 0 && { asOf: Math.min(...late) }),
  };
}

/** `{1,2}` as PostgreSQL writes an array of numbers */
const numbersOf = (array: string): number[] => (array === '{}' ? [] : array.slice(1, -1).split(',').map(Number));

/** Names what an answer shows, for cache keys and ETags. */
export const versionOf = (...parts: readonly unknown[]): string => createHash('sha256').update(JSON.stringify(parts)).digest('base64url').slice(0, 22);

/** Whether an answer that saw this position is not older than a token asks for. Of another timeline a position proves nothing. */
export function isCovered(token: string, by: Pick<Position, 'timeline' | 'lsn'>, projected?: Projected): boolean {
  const wanted = readToken(token);
  if (!wanted || wanted.timeline !== by.timeline || wanted.lsn > by.lsn) return false;
  return !projected || wanted.lane === undefined || projected.holds(wanted.lane, wanted.batch ?? 0);
}
