/** Files of exports read back by other means than they are written with. */
import { inflateRawSync } from 'node:zlib';

export type Row = Readonly<Record<string, string>>;

/** RFC 4180, character by character; throws where it is not of that form. */
export function cellsOfCsv(text: string): string[][] {
  const rows: string[][] = [[]];
  for (let i = 0; i < text.length;) {
    let cell = '';
    if (text[i] === '"') {
      for (i++; ; i++) {
        if (i >= text.length) throw new Error('a quoted cell has no end');
        if (text[i] === '"' && text[++i] !== '"') break;
        cell += text[i];
      }
    } else {
      for (; i < text.length && text[i] !== ',' && text[i] !== '\r'; i++) {
        if (text[i] === '"' || text[i] === '\n') throw new Error(`a bare ${JSON.stringify(text[i])} at ${i}`);
        cell += text[i];
      }
    }
    (rows.at(-1) as string[]).push(cell);
    if (text[i] === ',') {
      i++;
      if (i === text.length) throw new Error('a row has no end');
      if (text[i] === '\r') (rows.at(-1) as string[]).push('');
    }
    if (text[i] === '\r') {
      if (text[i + 1] !== '\n') throw new Error('a line ends with CR alone');
      i += 2;
      if (i < text.length) rows.push([]);
    }
  }
  return rows;
}

export function rowsOf([header = [], ...rows]: readonly (readonly string[])[]): Row[] {
  return rows.map((row) => {
    if (row.length !== header.length) throw new Error(`a row of ${row.length} cells under a header of ${header.length}: ${row.join('|')}`);
    return Object.fromEntries(header.map((name, i) => [name, row[i] as string]));
  });
}

/** Path → content, by the directory at the end of the file. */
export function unzipped(file: Buffer): Map<string, string> {
  const end = file.lastIndexOf(Buffer.from('PK\x05\x06', 'latin1'));
  const parts = new Map<string, string>();
  let at = file.readUInt32LE(end + 16);
  for (let left = file.readUInt16LE(end + 10); left > 0; left--) {
    const [method, size, nameLength, more, comment, offset] = [10, 20, 28, 30, 32, 42].map((place) => (place === 20 || place === 42 ? file.readUInt32LE(at + place) : file.readUInt16LE(at + place))) as [number, number, number, number, number, number];
    const name = file.toString('utf8', at + 46, at + 46 + nameLength);
    const from = offset + 30 + file.readUInt16LE(offset + 26) + file.readUInt16LE(offset + 28);
    const bytes = file.subarray(from, from + size);
    parts.set(name, (method === 8 ? inflateRawSync(bytes) : bytes).toString('utf8'));
    at += 46 + nameLength + more + comment;
  }
  return parts;
}

export interface SheetCell {
  readonly kind: 'number' | 'text' | 'empty';
  readonly text: string;
}

const plain = (xml: string): string => xml.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&')
  .replace(/_x([0-9A-F]{4})_/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)));

export function cellsOfXlsx(file: Buffer): SheetCell[][] {
  const sheet = unzipped(file).get('xl/worksheets/sheet1.xml') ?? '';
  return [...sheet.matchAll(/<row>(.*?)<\/row>/gs)].map(([, row = '']) => [...row.matchAll(/<c\/>|<c><v>(.*?)<\/v><\/c>|<c t="inlineStr"><is><t[^>]*>(.*?)<\/t><\/is><\/c>/gs)].map(([, number, text]): SheetCell => {
    if (number !== undefined) return { kind: 'number', text: number };
    return text === undefined ? { kind: 'empty', text: '' } : { kind: 'text', text: plain(text) };
  }));
}

/** `-12.50` → -12500000n, at six digits. */
export function unitsOf(decimal: string): bigint {
  const match = /^(-?)(\d+)(?:\.(\d{1,6}))?$/.exec(decimal);
  if (!match) throw new Error(`not a plain decimal: ${decimal}`);
  const units = BigInt((match[2] as string) + (match[3] ?? '').padEnd(6, '0'));
  return match[1] === '-' ? -units : units;
}

export const sumOf = (rows: readonly Row[], column: string): bigint => rows.reduce((sum, row) => sum + (row[column] === '' ? 0n : unitsOf(row[column] as string)), 0n);
