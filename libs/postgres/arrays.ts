/**
 * PostgreSQL's binary form of one-dimensional arrays, as parameters: a batch's rows go out as one array a column, and neither side
 * prints or parses decimal text. `undefined` is NULL.
 */

const OID = { bool: 16, bytea: 17, int8: 20, int2: 21, int4: 23, text: 25, timestamptz: 1184, uuid: 2950 } as const;
const HEADER = 20;
const POSTGRES_EPOCH_MS = 946_684_800_000;

type Write<T> = (target: Buffer, value: T, offset: number) => void;

function header(buffer: Buffer, oid: number, length: number, hasNull: boolean): void {
  buffer.writeInt32BE(length === 0 ? 0 : 1, 0);
  buffer.writeInt32BE(hasNull ? 1 : 0, 4);
  buffer.writeInt32BE(oid, 8);
  if (length === 0) return;
  buffer.writeInt32BE(length, 12);
  buffer.writeInt32BE(1, 16);
}

function fixed<T>(oid: number, size: number, write: Write<T>): (values: readonly (T | undefined)[]) => Buffer {
  return (values) => {
    const buffer = Buffer.allocUnsafe(values.length === 0 ? 12 : HEADER + values.length * (4 + size));
    let offset = HEADER;
    let hasNull = false;
    for (const value of values) {
      if (value === undefined) {
        hasNull = true;
        offset = buffer.writeInt32BE(-1, offset);
      } else {
        offset = buffer.writeInt32BE(size, offset);
        write(buffer, value, offset);
        offset += size;
      }
    }
    header(buffer, oid, values.length, hasNull);
    return hasNull ? buffer.subarray(0, offset) : buffer;
  };
}

export const int8s = fixed<bigint>(OID.int8, 8, (buffer, value, offset) => buffer.writeBigInt64BE(value, offset));
export const int4s = fixed<number>(OID.int4, 4, (buffer, value, offset) => buffer.writeInt32BE(value, offset));
export const int2s = fixed<number>(OID.int2, 2, (buffer, value, offset) => buffer.writeInt16BE(value, offset));
export const bools = fixed<boolean>(OID.bool, 1, (buffer, value, offset) => buffer.writeUInt8(value ? 1 : 0, offset));
/** From milliseconds since 1970. */
export const times = fixed<number>(OID.timestamptz, 8, (buffer, ms, offset) =>
  buffer.writeBigInt64BE(BigInt(ms - POSTGRES_EPOCH_MS) * 1000n, offset));
/** From 32 hex digits or the usual form with dashes. */
export const uuids = fixed<string>(OID.uuid, 16, (buffer, text, offset) => {
  const written = buffer.write(text.length === 36 ? text.replaceAll('-', '') : text, offset, 'hex');
  if (written !== 16) throw new TypeError('not a uuid');
});

function variable<T extends string | Buffer>(oid: number): (values: readonly (T | undefined)[]) => Buffer {
  return (values) => {
    let size = HEADER;
    let hasNull = false;
    for (const value of values) {
      if (value === undefined) hasNull = true;
      size += 4 + (value === undefined ? 0 : Buffer.byteLength(value));
    }
    const buffer = Buffer.allocUnsafe(values.length === 0 ? 12 : size);
    header(buffer, oid, values.length, hasNull);
    let offset = HEADER;
    for (const value of values) {
      if (value === undefined) {
        offset = buffer.writeInt32BE(-1, offset);
        continue;
      }
      const written = typeof value === 'string' ? buffer.write(value, offset + 4) : value.copy(buffer, offset + 4);
      buffer.writeInt32BE(written, offset);
      offset += 4 + written;
    }
    return buffer;
  };
}

export const texts = variable<string>(OID.text);
export const byteas = variable<Buffer>(OID.bytea);
