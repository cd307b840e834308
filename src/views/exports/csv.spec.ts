import { describe, expect, it } from '@jest/globals';
import { gunzipSync } from 'node:zlib';
import { csvPieces, type CsvOptions } from './csv.ts';
import type { Column, Page } from './report.ts';

const COLUMNS: readonly Column[] = [{ name: 'name', kind: 'text' }, { name: 'amount', kind: 'number' }];
/** Of 20,000 rows each 40 bytes and more, that hardly pack. */
const rows = Array.from({ length: 20_000 }, (_, i) => [`${Math.imul(i, 0x9e3779b1) >>> 0} ${Math.imul(i, 0x85ebca6b) >>> 0} ${i}`, `-${i}.50`]);

async function* pagesOf(each: number, of = rows): AsyncGenerator<Page> {
  for (let i = 0; i === 0 || i < of.length; i += each) yield { rows: of.slice(i, i + each), share: i / of.length, ...(i + each < of.length && { next: { i: i + each } }) };
}

/** Copies of what comes: a piece is good until the next one. */
async function piecesOf(pages: AsyncIterable<Page>, options: Partial<CsvOptions> = {}) {
  const pieces = [];
  for await (const piece of csvPieces(COLUMNS, pages, { packedSize: true, begun: false, pieceBytes: 100_000, ...options })) pieces.push({ ...piece, bytes: Buffer.from(piece.bytes) });
  return pieces;
}
const text = `name,amount\r\n${rows.map((row) => `${row.join()}\r\n`).join('')}`;

describe('a file in pieces', () => {
  it('is one gzip file, and each piece is one by itself, of whole lines', async () => {
    const pieces = await piecesOf(pagesOf(500));
    expect(pieces.length).toBeGreaterThan(5);
    expect(gunzipSync(Buffer.concat(pieces.map(({ bytes }) => bytes))).toString()).toBe(text);
    for (const { bytes } of pieces) expect(gunzipSync(bytes).subarray(-2).toString()).toBe('\r\n');
    expect([pieces.reduce((sum, piece) => sum + piece.rows, 0), pieces.reduce((sum, piece) => sum + piece.size, 0)]).toEqual([rows.length, pieces.reduce((sum, { bytes }) => sum + bytes.length, 0)]);
    expect([pieces.at(-1)?.next, pieces[0]?.next]).toEqual([undefined, { i: pieces[0]?.rows }]);
  });

  it('says the size of what is unpacked where that is handed out', async () => {
    const pieces = await piecesOf(pagesOf(500), { packedSize: false });
    expect(pieces.map(({ size }) => size)).toEqual(pieces.map(({ bytes }) => gunzipSync(bytes).length));
  });

  it('whose worker was lost goes on without a header behind any of its pieces, and is the same file', async () => {
    const pieces = await piecesOf(pagesOf(500));
    for (const cut of [1, 3, pieces.length - 1]) {
      const done = pieces.slice(0, cut).reduce((sum, piece) => sum + piece.rows, 0);
      const more = await piecesOf(pagesOf(500, rows.slice(done)), { begun: true });
      expect(gunzipSync(Buffer.concat([...pieces.slice(0, cut), ...more].map(({ bytes }) => bytes))).toString()).toBe(text);
    }
  });

  it('that has nothing is its header, and one that ends with an empty page is whole', async () => {
    expect((await piecesOf(pagesOf(500, []))).map(({ bytes }) => gunzipSync(bytes).toString())).toEqual(['name,amount\r\n']);
    expect((await piecesOf(pagesOf(500, []), { begun: true })).map(({ bytes }) => gunzipSync(bytes).toString())).toEqual(['']);
  });

  it('of a piece larger than the memory that it begins with is whole', async () => {
    const [piece, ...more] = await piecesOf(pagesOf(500, [...rows, ...rows, ...rows, ...rows, ...rows, ...rows].map(([name, amount], i) => [`${Math.imul(i, 0x27d4eb2f) >>> 0}${name}`, amount as string])), { pieceBytes: 1e9 });
    expect([more, (piece?.bytes.length ?? 0) > 1 << 20, gunzipSync(piece?.bytes ?? '').toString().split('\r\n').length]).toEqual([[], true, 120_002]);
  });

  it('is left off by whoever has enough', async () => {
    const pieces = csvPieces(COLUMNS, pagesOf(500), { packedSize: true, begun: false, pieceBytes: 1 });
    await pieces.next();
    // Whoever has enough ends it: nothing is left open.
    expect(await pieces.return(undefined)).toEqual({ done: true, value: undefined });
  });
});
