/**
 * CSV by RFC 4180: UTF-8, CRLF, a header line, plain decimals. What a spreadsheet would take for a formula is not let through: words of others that
 * begin like one get an apostrophe in front, as spreadsheets write text themselves. Numbers stay numbers, a negative one begins with its sign.
 *
 * The file comes in pieces, each a gzip member of its own: members behind one another are one gzip file, and a file that was broken off goes on
 * behind its last piece.
 */
import { constants, createGzip, type Gzip, type ZlibReset } from 'node:zlib';
import { stringify } from 'csv-stringify/sync';
import { Gathered } from './gathered.ts';
import type { Cell, Column, Page, Place } from './report.ts';

export interface Piece {
  /** good until the next piece is asked for */
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
/** So few that no string is so large that it lies by itself and outlives its use. */
export const ROWS_AT_ONCE = 100;

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
  const packer = new Packer();
  let rows = 0;
  try {
    if (!begun) await packer.write(headerOf(columns));
    for await (const page of pages) {
      for (let i = 0; i < page.rows.length; i += ROWS_AT_ONCE) await packer.write(linesOf(columns, page.rows.slice(i, i + ROWS_AT_ONCE)));
      rows += page.rows.length;
      const { plainBytes } = packer;
      if (plainBytes < pieceBytes && page.next !== undefined) continue;
      const bytes = await packer.end();
      yield { bytes, size: packedSize ? bytes.length : plainBytes, rows, share: page.share, ...(page.next && { next: page.next }) };
      rows = 0;
    }
  } finally {
    packer.close();
  }
}

/** One member after the other, all by one gzip: what is written is packed before more is taken. */
class Packer {
  plainBytes = 0;
  private readonly gzip = createGzip({ level: LEVEL }) as Gzip & ZlibReset;
  private readonly gathered = new Gathered();
  private broken: Error | undefined;
  private stop: (error: Error) => void = () => undefined;

  constructor() {
    this.gzip.on('data', (chunk: Buffer) => this.gathered.add(chunk));
    this.gzip.once('error', (error) => {
      this.broken = error;
      this.stop(error);
    });
  }

  write(text: string): Promise<void> {
    this.plainBytes += Buffer.byteLength(text);
    return this.done((ready) => this.gzip.write(text, ready));
  }

  /** The member, which is good until more is written. */
  async end(): Promise<Buffer> {
    await this.done((ready) => this.gzip.flush(constants.Z_FINISH, ready));
    // What it still holds back is told to whoever listens.
    while (this.gzip.read() !== null);
    this.gzip.reset();
    this.plainBytes = 0;
    return this.gathered.take();
  }

  close(): void {
    this.gzip.destroy();
  }

  private done(begin: (ready: (error?: Error | null) => void) => void): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.broken) return reject(this.broken);
      this.stop = reject;
      begin((error) => (error ? reject(error) : resolve()));
    });
  }
}
