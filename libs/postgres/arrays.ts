/**
 * PostgreSQL's binary form of one-dimensional arrays, as parameters: a batch's rows go out as one array a column, and neither side
 * prints or parses decimal text. Each takes the rows and what to read of them; `undefined` is NULL.
 * They are meant for `unnest` of several arrays.
 */

const OID = { bool: 16, bytea: 17, int8: 20, int2: 21, int4: 23, text: 25, tid: 27, timestamptz: 1184, uuid: 2950 } as const;
const HEADER = 20;
const EMPTY = 12;
const POSTGRES_EPOCH_MS = 946_684_800_000;
const TWO_32 = 2 ** 32;

type Read<Row, T> = (row: Row) => T | undefined;
type Column<T> = <Row>(rows: readonly Row[], read: Read<Row, T>) => Buffer;

const viewOf = (buffer: Buffer) => new DataView(buffer.buffer, buffer.byteOffset, buffer.byteLength);

/** The header, and what was filled. A column of nothing but NULL goes as an empty array: `unnest` of several fills it up with NULLs. */
function finished(buffer: Buffer, view: DataView, oid: number, length: number, nulls: number, end: number): Buffer {
  const empty = nulls === length;
  view.setInt32(0, empty ? 0 : 1);
  view.setInt32(4, nulls > 0 ? 1 : 0);
  view.setInt32(8, oid);
  if (empty) return buffer.subarray(0, EMPTY);
  view.setInt32(12, length);
  view.setInt32(16, 1);
  return buffer.subarray(0, end);
}

/** Elements of one size, each behind its length. */
function fixed<T>(oid: number, size: number, write: (view: DataView, offset: number, value: T, buffer: Buffer) => void): Column<T> {
  return (rows, read) => {
    const buffer = Buffer.allocUnsafe(HEADER + rows.length * (4 + size));
    const view = viewOf(buffer);
    let offset = HEADER;
    let nulls = 0;
    let before: T | undefined;
    for (const row of rows) {
      const value = read(row);
      if (value === undefined) {
        nulls++;
        view.setInt32(offset, -1);
        offset += 4;
      } else {
        // Most columns say the same for a whole batch: an operator, a currency.
        if (value === before) buffer.copyWithin(offset, offset - 4 - size, offset);
        else {
          view.setInt32(offset, size);
          write(view, offset + 4, value, buffer);
        }
        offset += 4 + size;
      }
      before = value;
    }
    return finished(buffer, view, oid, rows.length, nulls, offset);
  };
}

/** A DataView keeps the low bits of what does not fit; a number of ours must not become another one. */
function within(value: number, bits: 16 | 32): number {
  if ((value << (32 - bits)) >> (32 - bits) !== value) throw new RangeError(`${value} is no int${bits / 8}`);
  return value;
}

/** A safe integer as an int8, without the detour over a bigint. */
function setLong(view: DataView, offset: number, value: number): void {
  view.setInt32(offset, Math.floor(value / TWO_32));
  view.setUint32(offset + 4, value % TWO_32 + (value < 0 ? TWO_32 : 0));
}

const NIBBLE = new Uint8Array(256).fill(255);
for (let i = 0; i < 16; i++) {
  NIBBLE[i.toString(16).charCodeAt(0)] = i;
  NIBBLE[i.toString(16).toUpperCase().charCodeAt(0)] = i;
}
const DASHED = 36;
const scratch = Buffer.alloc(DASHED);

/** 32 hex digits, with or without the dashes. Copied out in one go first: reading a string letter by letter costs five times as much. */
function setUuid(_view: DataView, offset: number, text: string, buffer: Buffer): void {
  if (text.length === 32) {
    if (buffer.write(text, offset, 16, 'hex') !== 16) throw new TypeError('not a uuid');
    return;
  }
  if (text.length !== DASHED || scratch.write(text, 0, DASHED, 'latin1') !== DASHED) throw new TypeError('not a uuid');
  let at = 0;
  for (let byte = 0; byte < 16; byte++) {
    if (byte === 4 || byte === 6 || byte === 8 || byte === 10) if (scratch[at++] !== 45) throw new TypeError('not a uuid');
    const high = NIBBLE[scratch[at++] as number] as number;
    const low = NIBBLE[scratch[at++] as number] as number;
    if ((high | low) > 15) throw new TypeError('not a uuid');
    buffer[offset + byte] = (high << 4) | low;
  }
}

export const int8s = fixed<bigint>(OID.int8, 8, (view, offset, value) => view.setBigInt64(offset, value));
/** int8 out of safe integers */
export const longs = fixed<number>(OID.int8, 8, setLong);
export const int4s = fixed<number>(OID.int4, 4, (view, offset, value) => view.setInt32(offset, within(value, 32)));
export const int2s = fixed<number>(OID.int2, 2, (view, offset, value) => view.setInt16(offset, within(value, 16)));
export const bools = fixed<boolean>(OID.bool, 1, (view, offset, value) => view.setUint8(offset, value ? 1 : 0));
/** timestamptz, from milliseconds since 1970 */
export const times = fixed<number>(OID.timestamptz, 8, (view, offset, ms) => setLong(view, offset, (ms - POSTGRES_EPOCH_MS) * 1000));
/** A row's place, as `(block,number)` */
export const tids = fixed<string>(OID.tid, 6, (view, offset, text) => {
  const comma = text.indexOf(',');
  view.setUint32(offset, Number(text.slice(1, comma)));
  view.setUint16(offset + 4, Number(text.slice(comma + 1, -1)));
});
export const uuids = fixed<string>(OID.uuid, 16, setUuid);

export const texts: Column<string> = (rows, read) => {
  const values = rows.map(read);
  let most = HEADER;
  for (const value of values) most += 4 + (value === undefined ? 0 : value.length * 3);
  return variable(OID.text, values, Buffer.allocUnsafe(most), (buffer, value, offset) => buffer.write(value, offset));
};

export const byteas: Column<Buffer> = (rows, read) => {
  const values = rows.map(read);
  const size = values.reduce((sum, value) => sum + 4 + (value?.length ?? 0), HEADER);
  return variable(OID.bytea, values, Buffer.allocUnsafe(size), (buffer, value, offset) => value.copy(buffer, offset));
};

function variable<T>(oid: number, values: readonly (T | undefined)[], buffer: Buffer, write: (buffer: Buffer, value: T, offset: number) => number): Buffer {
  const view = viewOf(buffer);
  let offset = HEADER;
  let nulls = 0;
  let before: T | undefined;
  let written = 0;
  for (const value of values) {
    if (value === undefined) {
      nulls++;
      view.setInt32(offset, -1);
      offset += 4;
    } else {
      if (value === before) buffer.copyWithin(offset, offset - 4 - written, offset);
      else {
        written = write(buffer, value, offset + 4);
        view.setInt32(offset, written);
      }
      offset += 4 + written;
    }
    before = value;
  }
  return finished(buffer, view, oid, values.length, nulls, offset);
}
