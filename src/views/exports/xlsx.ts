/**
 * XLSX: one sheet, written as it comes. Texts stand in their cells (inline strings), so that nothing is gathered; a number is one only where a
 * spreadsheet, which counts in doubles and shows 15 digits, keeps each digit of it, and is a text elsewhere.
 */
import { Readable } from 'node:stream';
import { ZipFile } from 'yazl';
import { ROWS_AT_ONCE, type Piece } from './csv.ts';
import { Gathered } from './gathered.ts';
import { CannotExport, SHEET_ROWS, type Cell, type Column, type Page } from './report.ts';

const PIECE_BYTES = 1_000_000;
const EXACT_DIGITS = 15;
const XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n';
const MAIN = 'http://schemas.openxmlformats.org/spreadsheetml/2006/main';
const RELATIONS = 'http://schemas.openxmlformats.org/officeDocument/2006/relationships';
const PACKAGE = 'http://schemas.openxmlformats.org/package/2006';
const TYPE = 'application/vnd.openxmlformats-officedocument.spreadsheetml';

/** The parts of the file around its sheet. */
const PARTS: Readonly<Record<string, string>> = {
  '[Content_Types].xml': `<Types xmlns="${PACKAGE}/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>`
    + `<Default Extension="xml" ContentType="application/xml"/><Override PartName="/xl/workbook.xml" ContentType="${TYPE}.sheet.main+xml"/>`
    + `<Override PartName="/xl/worksheets/sheet1.xml" ContentType="${TYPE}.worksheet+xml"/></Types>`,
  '_rels/.rels': `<Relationships xmlns="${PACKAGE}/relationships"><Relationship Id="rId1" Type="${RELATIONS}/officeDocument" Target="xl/workbook.xml"/></Relationships>`,
  'xl/_rels/workbook.xml.rels': `<Relationships xmlns="${PACKAGE}/relationships"><Relationship Id="rId1" Type="${RELATIONS}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>`,
};
const workbook = (name: string): string =>
  `<workbook xmlns="${MAIN}" xmlns:r="${RELATIONS}"><sheets><sheet name="${name}" sheetId="1" r:id="rId1"/></sheets></workbook>`;

export const tooManyRows = (): CannotExport =>
  new CannotExport(`A sheet of XLSX holds ${SHEET_ROWS.toLocaleString('en')} rows here, and there are more: ask for csv or csv.gz, or for less.`);

const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?$/;

/** Whether a double keeps each digit that is written. */
export const isExact = (text: string): boolean => NUMBER.test(text) && text.replace(/^-?0?\.?0*|[-.]/g, '').length <= EXACT_DIGITS;

/** What XML cannot say is written as spreadsheets write it, `_x0007_`; what only looks like that stays what it is. */
export const escaped = (text: string): string => text
  .replace(/_(?=x[0-9A-Fa-f]{4}_)/g, '_x005F_')
  .replace(/[\u0000-\u0008\u000b-\u001f\ufffe\uffff]/g, (char) => `_x${char.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}_`)
  .replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

function cellOf(text: Cell | undefined, number: boolean): string {
  if (text == null || text === '') return '<c/>';
  if (number && isExact(text)) return `<c><v>${text}</v></c>`;
  return `<c t="inlineStr"><is><t xml:space="preserve">${escaped(text.toWellFormed())}</t></is></c>`;
}

const rowOf = (cells: readonly Cell[], numbers: readonly boolean[]): string => `<row>${cells.map((cell, i) => cellOf(cell, numbers[i] === true)).join('')}</row>`;

interface Progress {
  rows: number;
  share: number;
}

async function* sheet(columns: readonly Column[], pages: AsyncIterable<Page>, progress: Progress): AsyncGenerator<string> {
  const numbers = columns.map(({ kind }) => kind === 'number');
  yield `${XML}<worksheet xmlns="${MAIN}"><sheetData>${rowOf(columns.map(({ name }) => name), [])}`;
  for await (const page of pages) {
    progress.rows += page.rows.length;
    progress.share = page.share;
    if (progress.rows > SHEET_ROWS) throw tooManyRows();
    for (let i = 0; i < page.rows.length; i += ROWS_AT_ONCE) yield page.rows.slice(i, i + ROWS_AT_ONCE).map((row) => rowOf(row, numbers)).join('');
  }
  yield '</sheetData></worksheet>';
}

/** Pieces of one file, good for nothing without those before. `name`: of the sheet, letters only. */
export async function* xlsxPieces(name: string, columns: readonly Column[], pages: AsyncIterable<Page>): AsyncGenerator<Piece> {
  const zip = new ZipFile();
  const progress: Progress = { rows: 0, share: 0 };
  // A byte stream: what a page comes to is held back until the one before is packed.
  const written = Readable.from(sheet(columns, pages, progress), { objectMode: true, highWaterMark: 1 });
  const output = zip.outputStream as Readable;
  zip.on('error', (error: Error) => output.destroy(error));
  written.once('error', (error) => output.destroy(error));
  for (const [path, xml] of Object.entries(PARTS)) zip.addBuffer(Buffer.from(XML + xml), path);
  zip.addBuffer(Buffer.from(XML + workbook(name)), 'xl/workbook.xml');
  zip.addReadStream(written, 'xl/worksheets/sheet1.xml', { compressionLevel: 4 });
  zip.end();
  let told = 0;
  const gathered = new Gathered();
  const pieceOf = (): Piece => {
    const bytes = gathered.take();
    const rows = progress.rows - told;
    told = progress.rows;
    return { bytes, size: bytes.length, rows, share: progress.share, next: null };
  };
  try {
    for await (const chunk of output as AsyncIterable<Buffer>) {
      gathered.add(chunk);
      if (gathered.length >= PIECE_BYTES) yield pieceOf();
    }
    yield pieceOf();
  } finally {
    written.destroy();
    output.destroy();
  }
}
