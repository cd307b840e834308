/**
 * CSV by RFC 4180: UTF-8, CRLF, a header line, plain decimals. What a spreadsheet would take for a formula is not let through: words of others that
 * begin like one get an apostrophe in front, as spreadsheets write text themselves. Numbers stay numbers, a negative one begins with its sign.
 *
 * The file comes in pieces, each a gzip member of its own: members behind one another are one gzip file, and a file that was broken off goes on
 * behind its last piece.
 */
import { finished } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { stringify } from 'csv-stringify/sync';
import type { Cell, Column, Page, Place } from './report.ts';

export interface Piece {
  readonly bytes: Buffer;
  /** what it adds to the file as it is handed out */
  readonly size: number;
  /** rows of the report in it; its header is none */
  readonly rows: number;
  /** where the report goes on behind it; null where nobody can go on behind a piece, undefined where nothing is left */
  readonly next?: Place | null;
  readonly share: number;
}

/** Before it is packed. */
const PIECE_BYTES = 3_000_000;
const LEVEL = 4;
const ROWS_AT_ONCE = 100;

const FORMULA = /^[=+\-@\t\r\n＝＋－＠]/;
const SHAPE = { record_delimiter: '\r\n', quote_record_delimiter: true } as const;

export const guarded = (text: string): string => (FORMULA.test(text) ? `'${text}` : text);

export const headerOf = (columns: readonly Column[]): string => stringify([columns.map(({ name }) => name)], SHAPE);

export function linesOf(columns: readonly Column[], rows: readonly (readonly Cell[])[]): string {
  if (rows.length === 0) return '';
  const words = columns.flatMap(({ kind }, i) => (kind === 'text' ? [i] : []));
  return stringify(rows.map((row) => {
    const cells = [...row];
    for (const i of words) if (cells[i] != null) cells[i] = guarded(cells[i]);
    return cells;
  }), SHAPE);
}

export interface CsvOptions {
  /** the file is handed out packed */
  readonly packedSize: boolean;
  /** its header is written already */
  readonly begun: boolean;
  readonly pieceBytes?: number;
}

export async function* csvPieces(
  columns: readonly Column[], pages: AsyncIterable<Page>, { packedSize, begun, pieceBytes = PIECE_BYTES }: CsvOptions,
): AsyncGenerator<Piece> {
  let member: Member | undefined;
  let rows = 0;
  let written = begun;
  for await (const page of pages) {
    member ??= new Member();
    if (!written) await member.write(headerOf(columns));
    written = true;
    // A few rows at a time: no string is so large that it outlives its use.
    for (let i = 0; i < page.rows.length; i += ROWS_AT_ONCE) await member.write(linesOf(columns, page.rows.slice(i, i + ROWS_AT_ONCE)));
    rows += page.rows.length;
    if (member.plainBytes < pieceBytes && page.next !== undefined) continue;
    const bytes = await member.end();
    yield { bytes, size: packedSize ? bytes.length : member.plainBytes, rows, share: page.share, ...(page.next && { next: page.next }) };
    member = undefined;
    rows = 0;
  }
}

/** One piece on its way: what is written is packed before more is taken. */
class Member {
  plainBytes = 0;
  private readonly gzip = createGzip({ level: LEVEL });
  private readonly chunks: Buffer[] = [];
  private readonly ended: Promise<void>;

  constructor() {
    this.gzip.on('data', (chunk: Buffer) => this.chunks.push(chunk));
    this.ended = finished(this.gzip);
    this.ended.catch(() => undefined);
  }

  write(text: string): Promise<void> {
    this.plainBytes += Buffer.byteLength(text);
    return new Promise((resolve, reject) => void this.gzip.write(text, (error) => (error ? reject(error) : resolve())));
  }

  async end(): Promise<Buffer> {
    this.gzip.end();
    await this.ended;
    return Buffer.concat(this.chunks);
  }
}
