/** A report as a file: its columns, and its rows page by page. Plain data: whoever makes the file knows nothing of what is in it. */
import type { Field, Step } from '../../../libs/postgres/index.ts';
import type { Answer, Reads } from '../reads.ts';

/** Largest number of rows of an XLSX file, its header left out. */
export const SHEET_ROWS = 1_000_000;

export type Cell = string | null;

/** `text` may be anybody's words; `id` and `word` are of our own making; `number` is a plain decimal, as `-12.50`. */
export type ColumnKind = 'text' | 'id' | 'word' | 'time' | 'number';

export interface Column {
  readonly name: string;
  readonly kind: ColumnKind;
}

/** What was asked for, times resolved. */
export interface Filters {
  /** ISO times: at or after, before; of a report by gaming days the first and the last day */
  readonly from?: string;
  readonly to?: string;
  readonly playerId?: string;
  readonly currency?: string;
  readonly kind?: string;
  readonly state?: string;
  readonly accountId?: number;
  readonly gameId?: string;
}

/** Where a report goes on; JSON. */
export type Place = Readonly<Record<string, string | number | boolean | null>>;

export interface Page {
  readonly rows: readonly (readonly Cell[])[];
  /** undefined where nothing is left */
  readonly next?: Place;
  /** of the whole, how much is behind `next`: 0 to 1 */
  readonly share: number;
  /** milliseconds since 1970, where it is older than the source: of what projections keep */
  readonly asOf?: number;
}

/** How much a page may be: rows, and the work of finding them, which grows and shrinks with what it costs. */
export interface Size {
  readonly rows: number;
  readonly effort: number;
}

/** The ledger as it stood when the export began, read for its operator. */
export interface Source {
  readonly operator: string;
  /** for queries that answer screens, with the token of what they may not go back behind */
  readonly reads: Reads;
  readonly token: string;
  /** milliseconds since 1970; nothing committed later is in the file */
  readonly asOf: number;
  ask<const Steps extends readonly Step[]>(steps: Steps): Promise<Answer<Steps>['rows']>;
  /** of what projections keep, see `reads.at().projected`; `asOf` of it */
  projected<const Steps extends readonly Step[]>(names: readonly string[], steps: Steps, saw?: (asOf: number) => void): Promise<Answer<Steps>['rows']>;
  /** Whether a row of the ledger had been committed then, by its lane and batch. */
  holds(lane: Field | undefined, batch: Field | undefined): boolean;
}

export interface Report {
  readonly name: string;
  readonly columns: readonly Column[];
  /** Asked once before the first page: how many rows there will be at most, where that is known cheaply. */
  expected?(source: Source, filters: Filters): Promise<number | undefined>;
  /** Asked once of a sheet: how many rows there will be for sure. Throws where nobody can say now. */
  atLeast?(source: Source, filters: Filters): Promise<number>;
  page(source: Source, filters: Filters, place: Place | undefined, size: Size): Promise<Page>;
}

/** Why a file cannot be made, in words for whoever asked for it; the same again would end alike. */
export class CannotExport extends Error {}
