/** The rows of table `export` as its workers see them: taken up, kept alive, written on, ended. What an earlier worker still does has no effect. */
import type pg from 'pg';
import type { Piece } from './csv.ts';
import { gigabytes, LIMITS } from './limits.ts';
import { CannotExport, type Filters, type Place } from './report.ts';
import type { LedgerPosition } from './source.ts';
import { dropPieces } from './sweep.ts';

export interface Claimed {
  readonly id: string;
  readonly operator: string;
  readonly attempt: number;
  /** how often it was taken from a worker that was not heard of any more */
  readonly lost: number;
  readonly report: string;
  readonly format: 'csv' | 'csv.gz' | 'xlsx';
  readonly filters: Filters;
  /** of an earlier attempt */
  readonly position?: LedgerPosition;
  readonly place?: Place;
  readonly rows: number;
  readonly pieces: number;
}

const FULL = `The files kept for this operator would come to more than ${gigabytes(LIMITS.stored)}: delete some of them, or wait until they expire`;

/** It was cancelled, or another worker has it by now. */
export class NotOurs extends Error {}

interface Row {
  readonly export_id: string;
  readonly operator_id: string;
  readonly attempt: number;
  readonly lost: number;
  readonly report: string;
  readonly format: Claimed['format'];
  readonly filters: Filters;
  readonly lanes: number[] | null;
  readonly batches: number[] | null;
  readonly token: string | null;
  readonly as_of: Date | null;
  readonly place: Place | null;
  /** of its pieces: of what a lost worker had read beyond them nobody knows */
  readonly rows_written: string;
  readonly pieces: number;
}

/** The next one of the operator that has the fewest under way, and of those the oldest. args: milliseconds after which a worker is taken for dead */
const CLAIM = `
update export set state = 'running', attempt = attempt + 1, lost = lost + (state = 'running')::int, started_at = coalesce(started_at, now()), alive_at = now()
where export_id = (
  select e.export_id from export e
  where e.state = 'waiting' or (e.state = 'running' and e.alive_at < now() - $1 * interval '1 millisecond')
  order by (select count(*) from export r where r.operator_id = e.operator_id and r.state = 'running'), e.created_at
  limit 1 for update skip locked)
returning export_id, operator_id, attempt, lost, report, format, filters, lanes, batches, token, as_of, place, rows_written, pieces`;

const OURS = "export_id = $1 and attempt = $2 and state = 'running'";
const BEGIN = `update export set lanes = $3, batches = $4, token = $5, as_of = $6, rows_expected = $7 where ${OURS}`;
/** From the start: what was written of it is deleted. */
const ANEW = `with ours as (update export set place = null, pieces = 0, rows_done = 0, rows_written = 0, bytes = 0, stored = 0, percent = 0 where ${OURS} returning export_id),
  gone as (delete from export_piece p using ours where p.export_id = ours.export_id) select from ours`;
const BEAT = `update export set alive_at = now(), percent = greatest(percent, $3), rows_done = greatest(rows_done, $4) where ${OURS}`;
/** args: place of the piece, rows so far, bytes more, where to go on, percent, the piece, as of · answers what its operator had stored before */
const WRITE = `with ours as (
  update export set pieces = $3 + 1, rows_done = $4, rows_written = $4, bytes = bytes + $5, stored = stored + octet_length($8::bytea), place = $6, percent = $7, as_of = least(as_of, $9), alive_at = now() where ${OURS} and pieces = $3
  returning export_id, operator_id),
put as (insert into export_piece (export_id, operator_id, place, bytes) select export_id, operator_id, $3, $8 from ours)
select (select coalesce(sum(x.stored), 0)::int8 from export x where x.operator_id = ours.operator_id and x.pieces > 0) as stored from ours`;
const DONE = `update export set state = 'done', percent = 100, rows_done = $3, as_of = least(as_of, $4), ended_at = now(), expires_at = now() + keep_days * interval '1 day', place = null,
  lanes = null, batches = null, token = null where ${OURS}`;
const FAILED = `update export set state = 'failed', ended_at = now(), why = $3, lanes = null, batches = null, token = null where ${OURS}`;
const GIVE_BACK = `update export set state = 'waiting', alive_at = null where ${OURS}`;

export async function claim(pool: pg.Pool, deadAfterMs: number): Promise<Claimed | undefined> {
  const row = (await pool.query<Row>(CLAIM, [deadAfterMs])).rows[0];
  if (!row) return undefined;
  const { lanes, batches, token, as_of: asOf, place } = row;
  return {
    id: row.export_id, operator: row.operator_id, attempt: row.attempt, lost: row.lost, report: row.report, format: row.format, filters: row.filters,
    rows: Number(row.rows_written), pieces: row.pieces, ...(place && { place }),
    ...(lanes && batches && token !== null && asOf && { position: { lanes, batches, token, asOf: asOf.getTime() } }),
  };
}

/** One export while a worker has it. Each step throws `NotOurs` where it has it no more. */
export class Held {
  private pieces: number;
  private rows: number;
  private oldest: Date | null = null;

  constructor(private readonly pool: pg.Pool, readonly of: Claimed) {
    this.pieces = of.place ? of.pieces : 0;
    this.rows = of.place ? of.rows : 0;
  }

  async begin({ lanes, batches, token, asOf }: LedgerPosition, expected: number | undefined): Promise<void> {
    await this.step(BEGIN, [lanes, batches, token, new Date(asOf), expected ?? null]);
  }

  async anew(): Promise<void> {
    await this.step(ANEW, []);
  }

  async beat(percent: number, rows: number): Promise<void> {
    await this.step(BEAT, [percent, rows]);
  }

  /** A part of it is as old as this. */
  saw(asOf: number): void {
    if (this.oldest === null || asOf < this.oldest.getTime()) this.oldest = new Date(asOf);
  }

  async write({ bytes, size, rows, next, share }: Piece): Promise<void> {
    this.rows += rows;
    const stored = await this.step(WRITE, [this.pieces, this.rows, size, next ? JSON.stringify(next) : null, percentOf(share), bytes, this.oldest]);
    this.pieces++;
    if (Number(stored) + bytes.length > LIMITS.stored) throw new CannotExport(`${FULL}, or ask for less.`);
  }

  async done(): Promise<void> {
    await this.step(DONE, [this.rows, this.oldest]);
  }

  async failed(why: string): Promise<void> {
    await this.step(FAILED, [why]);
    await this.drop();
  }

  /** For another worker, or for this one later. */
  async giveBack(): Promise<void> {
    await this.step(GIVE_BACK, []);
  }

  /** Deletes what was written of it, where nobody will read it. */
  async drop(): Promise<void> {
    await dropPieces(this.pool, this.of.id);
  }

  /** What the statement answers of the operator's store, where it answers that. */
  private async step(text: string, values: readonly unknown[]): Promise<string | undefined> {
    const { rowCount, rows } = await this.pool.query<{ stored?: string }>(text, [this.of.id, this.of.attempt, ...values]);
    if (rowCount !== 1) throw new NotOurs('the export is cancelled, or another worker has it');
    return rows[0]?.stored;
  }
}

/** 100 is told when the file is there. */
export const percentOf = (share: number): number => Math.min(99, Math.max(0, Math.floor(share * 100)));
