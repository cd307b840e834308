import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type pg from 'pg';
import { freshDatabase } from '../../test/support/cluster.ts';
import { bools, byteas, connect, int2s, int4s, int8s, longs, texts, tids, times, uuids } from './index.ts';

/** Each array goes to a real PostgreSQL and comes back as text, which is compared with what was meant. */
let client: pg.Client;

beforeAll(async () => {
  client = await connect((await freshDatabase()).url('croupier_money'), { name: 'arrays', settings: { timezone: 'UTC' } });
});
afterAll(() => client.end());

/** Beside the column stands another one, as `unnest` is used here: it fills up what is shorter. */
const roundTrip = async (type: string, array: Buffer, length: number): Promise<(string | null)[]> => {
  const places = int4s(Array.from({ length }, (_, i) => i), (i) => i);
  const text = `select x::text as text from unnest($1::${type}[], $2::int4[]) u(x, i) order by i`;
  const { rows } = await client.query<{ text: string | null }>(text, [array, places]);
  return rows.map((row) => row.text);
};

interface Kind<T> {
  readonly type: string;
  readonly column: (rows: readonly (T | undefined)[], read: (row: T | undefined) => T | undefined) => Buffer;
  readonly values: fc.Arbitrary<T>;
  readonly edges: readonly T[];
  readonly text: (value: T) => string;
}

const dashed = (hex: string) => hex.replaceAll('-', '').toLowerCase().replace(/(.{8})(.{4})(.{4})(.{4})(.{12})/, '$1-$2-$3-$4-$5');
const noNul = (text: string) => text.isWellFormed() && !text.includes('\u0000');
const kind = <T>(of: Kind<T>): Kind<never> => of as unknown as Kind<never>;

const KINDS: Record<string, Kind<never>> = {
  int8s: kind<bigint>({
    type: 'int8',
    column: int8s,
    values: fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n),
    edges: [0n, -1n, 2n ** 63n - 1n, -(2n ** 63n)],
    text: String,
  }),
  longs: kind<number>({
    type: 'int8',
    column: longs,
    values: fc.maxSafeInteger(),
    edges: [0, -1, 2 ** 32, -(2 ** 32), 2 ** 32 - 1, -(2 ** 32) - 1, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER],
    text: String,
  }),
  int4s: kind<number>({ type: 'int4', column: int4s, values: fc.integer(), edges: [0, -1, 2 ** 31 - 1, -(2 ** 31)], text: String }),
  int2s: kind<number>({
    type: 'int2',
    column: int2s,
    values: fc.integer({ min: -32_768, max: 32_767 }),
    edges: [0, -1, 32_767, -32_768],
    text: String,
  }),
  bools: kind<boolean>({ type: 'bool', column: bools, values: fc.boolean(), edges: [true, false], text: String }),
  uuids: kind<string>({
    type: 'uuid',
    column: uuids,
    values: fc.uuid(),
    edges: ['0'.repeat(32), 'f'.repeat(32), 'ABCDEF0123456789abcdef0123456789'],
    text: dashed,
  }),
  texts: kind<string>({
    type: 'text',
    column: texts,
    values: fc.string({ unit: 'grapheme' }).filter(noNul),
    edges: ['', 'NULL', '{}', '"', '\\', 'é', 'e\u0301', '東京', '🎰', 'x'.repeat(5_000)],
    text: String,
  }),
  tids: kind<string>({
    type: 'tid',
    column: tids,
    values: fc.tuple(fc.nat(2 ** 32 - 1), fc.nat(2 ** 16 - 1)).map(([block, place]) => `(${block},${place})`),
    edges: ['(0,0)', '(0,1)', '(4294967295,65535)'],
    text: String,
  }),
  byteas: kind<Buffer>({
    type: 'bytea',
    column: byteas,
    values: fc.uint8Array().map((bytes) => Buffer.from(bytes)),
    edges: [Buffer.alloc(0), Buffer.from([0, 255, 92])],
    text: (bytes) => `\\x${bytes.toString('hex')}`,
  }),
  times: kind<number>({
    type: 'timestamptz',
    column: times,
    values: fc.integer({ min: 0, max: 4_102_444_800_000 }),
    edges: [0, 1, -1, 946_684_800_000, 946_684_799_999, 1_763_700_000_123],
    text: (ms) =>
      `${new Date(ms)
        .toISOString()
        .replace('T', ' ')
        .replace('Z', '')
        .replace(/\.?0+$/, (zeros) => (zeros.startsWith('.') ? '' : zeros.replace(/0+$/, '')))}+00`,
  }),
};

describe.each(Object.entries(KINDS))('%s', (_, { type, column, values, edges, text }) => {
  const sent = async (rows: readonly unknown[]) => {
    const array = column(rows as never[], (row) => row);
    expect(await roundTrip(type, array, rows.length)).toEqual(rows.map((row) => (row === undefined ? null : text(row as never))));
  };

  it('come as they were sent, at their edges too', () => sent(edges));

  it('of nothing but null are filled up by the other columns of an unnest', async () => {
    const nothing = column([undefined, undefined] as never[], (row) => row);
    const beside = int4s([1, 2], (row) => row);
    const { rows } = await client.query(`select a, b is null as missing from unnest($1::int[], $2::${type}[]) x(a, b)`, [beside, nothing]);
    expect(rows).toEqual([{ a: 1, missing: true }, { a: 2, missing: true }]);
  });

  it('may be none, or null in places', async () => {
    const [one] = edges;
    await sent([]);
    await sent([one, undefined, one, undefined]);
    expect(
      (await client.query<{ empty: boolean }>(`select $1::${type}[] = '{}' as empty`, [column([], (row) => row)])).rows[0]?.empty,
    ).toBe(true);
  });

  it('of any length and content', async () => {
    const rows = fc.array(fc.option(values, { nil: undefined, freq: 6 }), { maxLength: 60 });
    const notOnlyNull = rows.filter((some) => some.length === 0 || some.some((value) => value !== undefined));
    await fc.assert(fc.asyncProperty(notOnlyNull, sent), { numRuns: 40 });
  });
});

describe('whole numbers', () => {
  it('that do not fit are an error and not another number', () => {
    for (const [column, beyond] of [[int2s, 32_768], [int2s, -32_769], [int4s, 2_147_483_648], [int4s, -2_147_483_649]] as const) {
      expect(() => column([beyond], (row) => row)).toThrow(RangeError);
    }
  });
});

describe('columns', () => {
  it('are read from rows, and stand side by side', async () => {
    const rows = [{ id: 1, name: 'one' }, { id: 2 }, { id: 3, name: 'three' }];
    const { rows: back } = await client.query('select * from unnest($1::int4[], $2::text[]) x(id, name)', [
      int4s(rows, (row) => row.id),
      texts(rows, (row) => row.name),
    ]);
    expect(back).toEqual([{ id: 1, name: 'one' }, { id: 2, name: null }, { id: 3, name: 'three' }]);
  });

  it.each([
    '', 'x', '0'.repeat(31), '0'.repeat(33), 'g'.repeat(32), '00000000-0000-0000-0000-00000000000',
    '------------------------------------', `${'0'.repeat(32)}-`,
  ])('%j is no uuid', (text) => {
    expect(() => uuids([text], (row) => row)).toThrow('not a uuid');
  });
});
