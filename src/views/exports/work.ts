/**
 * A worker's side of exports: takes the next one and makes its file, a piece at a time. Broken off anywhere, it goes on behind its last piece (an XLSX
 * from its start) at the same position of the ledger: no row twice, none missing, none that was written later.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type pg from 'pg';
import { ProblemError } from '../../../libs/http/index.ts';
import { claim, Held, NotOurs, percentOf, type Claimed } from './claim.ts';
import { csvPieces, type Piece } from './csv.ts';
import { CannotExport, SHEET_ROWS, type Filters, type Page, type Place, type Report, type Source } from './report.ts';
import { NotThere, readPosition, sourceAt } from './source.ts';
import { isWrongToken, type Reads } from '../reads.ts';
import { tooManyRows, xlsxPieces } from './xlsx.ts';

export interface WorkOptions {
  readonly pool: pg.Pool;
  readonly reads: Reads;
  readonly reports: readonly Report[];
  /** a fault that nobody asked for; never with the words of a statement */
  readonly alert: (message: string, error: unknown) => void;
  /** one that was not heard of for so long is taken from its worker */
  readonly deadAfterMs?: number;
  readonly beatMs?: number;
  /** how long a page is tried again while no server answers */
  readonly patienceMs?: number;
  /** how long the place that it began with is looked for, where the servers that answer lack it */
  readonly placeMs?: number;
  /** one that was made, or never will be */
  readonly ended?: (outcome: 'done' | 'failed', format: Claimed['format']) => void;
  /** of CSV, before it is packed */
  readonly pieceBytes?: number;
}

/** Longer than a statement may take, and a moment without the database. */
export const DEAD_AFTER_MS = 15_000;
const BEAT_MS = 400;
const PATIENCE_MS = 60_000;
/** A replica has come so far by then, or somebody has promoted another. */
const PLACE_MS = 180_000;
/** Workers that it may take along. */
const MOST_LOST = 5;
/** So few that a page is forgotten before the heap has to grow for it. */
const PAGE_ROWS = 500;
/** Versions of wallets that one statement looks through; it grows where a period has few of them. */
const EFFORT = { least: 100, first: 500, most: 100_000 };
const AGAIN_MS = { first: 50, most: 1_000 };
const REWOUND = 'The database was taken back to a time before this export began, or failed over to a server that had not come so far: ask for it anew.';
const SEVERAL = 'It failed several times; whoever runs this service finds the reason in its log.';

export class ExportWork {
  private readonly leaving = new AbortController();
  private readonly under = new Set<Promise<unknown>>();

  constructor(private readonly options: WorkOptions) {}

  /** Takes the next export and makes it, to its end. False where there is none. */
  async once(): Promise<boolean> {
    if (this.leaving.signal.aborted) return false;
    const claimed = await claim(this.options.pool, this.options.deadAfterMs ?? DEAD_AFTER_MS);
    if (!claimed) return false;
    const run = this.make(new Held(this.options.pool, claimed));
    this.under.add(run);
    await run.finally(() => this.under.delete(run));
    return true;
  }

  /** Gives back what is under way and begins no more. */
  async stop(): Promise<void> {
    this.leaving.abort(new Leaving());
    await Promise.allSettled(this.under);
  }

  private async make(held: Held): Promise<void> {
    const over = new AbortController();
    const signal = AbortSignal.any([over.signal, this.leaving.signal]);
    const progress = { share: 0, rows: held.of.place ? held.of.rows : 0 };
    const heart = this.beat(held, progress, over);
    try {
      await this.write(held, progress, signal);
    } catch (error) {
      await this.ended(held, over.signal.aborted ? over.signal.reason : error).catch((fault: unknown) => this.options.alert('an export could not be given back', fault));
    } finally {
      over.abort();
      await heart;
    }
  }

  private async write(held: Held, progress: Progress, signal: AbortSignal): Promise<void> {
    const { of } = held;
    const report = this.options.reports.find(({ name }) => name === of.report);
    if (!report) throw new CannotExport(`There is no report ${of.report} any more.`);
    if (of.lost >= MOST_LOST) throw new CannotExport(`${MOST_LOST} workers ended while they made it. Ask for less, or for csv.gz.`);
    const { reads } = this.options;
    const position = of.position ?? (await this.patiently(() => readPosition(reads, of.operator), signal));
    const source = sourceAt(reads, of.operator, position);
    if (!of.place) await held.anew();
    if (!of.position) {
      const expected = await this.patiently(async () => report.expected?.(source, of.filters), signal);
      await held.begin(position, expected);
      if (of.format === 'xlsx' && Math.max(expected ?? 0, await leastOf(report, source, of.filters)) > SHEET_ROWS) throw tooManyRows();
    }
    for await (const piece of this.pieces(of, report, this.pages(held, report, source, progress, signal))) {
      signal.throwIfAborted();
      await held.write(piece);
    }
    signal.throwIfAborted();
    await held.done();
    this.options.ended?.('done', of.format);
  }

  private pieces({ format, place, report: name }: Claimed, { columns }: Report, pages: AsyncIterable<Page>): AsyncGenerator<Piece> {
    if (format === 'xlsx') return xlsxPieces(name, columns, pages);
    const { pieceBytes } = this.options;
    return csvPieces(columns, pages, { packedSize: format === 'csv.gz', begun: place !== undefined, ...(pieceBytes !== undefined && { pieceBytes }) });
  }

  private async *pages(held: Held, report: Report, source: Source, progress: Progress, signal: AbortSignal): AsyncGenerator<Page> {
    const { filters, place } = held.of;
    let effort = EFFORT.first;
    for (let next: Place | undefined = place, first = true; first || next !== undefined; first = false) {
      const from: Place | undefined = next;
      const page: Page = await this.patiently(() => report.page(source, filters, from, { rows: PAGE_ROWS, effort }), signal, () => {
        effort = Math.max(EFFORT.least, Math.floor(effort / 2));
      });
      const few = page.rows.length < PAGE_ROWS / 2;
      effort = few ? Math.min(EFFORT.most, effort * 2) : page.rows.length >= PAGE_ROWS ? Math.max(PAGE_ROWS, Math.floor(effort / 2)) : effort;
      if (page.asOf !== undefined) held.saw(page.asOf);
      progress.share = page.share;
      progress.rows += page.rows.length;
      yield page;
      ({ next } = page);
    }
  }

  /** Again for as long as no server can answer, or those that can have not come as far as the export began. */
  private async patiently<T>(read: () => Promise<T>, signal: AbortSignal, failed: () => void = () => undefined): Promise<T> {
    const { patienceMs = PATIENCE_MS, placeMs = PLACE_MS } = this.options;
    const begun = performance.now();
    for (let wait = AGAIN_MS.first; ; wait = Math.min(2 * wait, AGAIN_MS.most)) {
      signal.throwIfAborted();
      try {
        return await read();
      } catch (error) {
        const most = error instanceof NotThere ? placeMs : isPassing(error) ? patienceMs : 0;
        if (performance.now() - begun >= most) throw error;
        failed();
        await pause(wait, undefined, { signal }).catch(() => undefined);
      }
    }
  }

  /** Says that the worker lives, and hears whether the export is still its own. */
  private async beat(held: Held, progress: Progress, over: AbortController): Promise<void> {
    while (!over.signal.aborted) {
      await pause(this.options.beatMs ?? BEAT_MS, undefined, { signal: over.signal }).catch(() => undefined);
      if (over.signal.aborted) return;
      // A database that is away for a moment takes nothing from anybody: what is written counts only while the export is ours.
      await held.beat(percentOf(progress.share), progress.rows).catch((error: unknown) => {
        if (error instanceof NotOurs) over.abort(error);
      });
    }
  }

  private async ended(held: Held, reason: unknown): Promise<void> {
    if (reason instanceof NotOurs) return held.drop();
    const { id, report, format, attempt } = held.of;
    const why = whyNoMore(reason, attempt);
    if (!(reason instanceof Leaving) && (why === undefined || why === SEVERAL)) this.options.alert(`export ${id} (${report}) was broken off`, reason);
    try {
      if (why === undefined) return await held.giveBack();
      await held.failed(why);
    } catch (error) {
      if (error instanceof NotOurs) return;
      throw error;
    }
    this.options.ended?.('failed', format);
  }
}

interface Progress {
  share: number;
  rows: number;
}

/** No server can answer now; one will. */
const isPassing = (error: unknown): boolean => error instanceof ProblemError && error.shown.status === 503;

/** Why another attempt would end alike, in words for whoever asked for it; undefined where it may not. */
function whyNoMore(reason: unknown, attempt: number): string | undefined {
  if (reason instanceof CannotExport) return reason.message;
  // What it began with is no part of the database's history any more, or was looked for long enough.
  if (isWrongToken(reason) || reason instanceof NotThere) return REWOUND;
  return reason instanceof Leaving || isPassing(reason) || attempt < MOST_LOST ? undefined : SEVERAL;
}

/** A hint that spares a million rows: where it cannot be had now, the rows themselves will say it. */
async function leastOf(report: Report, source: Source, filters: Filters): Promise<number> {
  try {
    return (await report.atLeast?.(source, filters)) ?? 0;
  } catch (error) {
    if (isPassing(error) || error instanceof NotThere) return 0;
    throw error;
  }
}

/** The process ends. */
class Leaving extends Error {}
