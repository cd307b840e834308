/**
 * Cursors of lists: where a page ends, sealed, so that nobody can make one up or take one to another list, query or tenant.
 * A cursor is not secret: it holds what the last row of the page shows anyway.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';

const MAC_BYTES = 16;
const LONGEST = 2_048;

/** Where a page begins: the sort keys of the row beside it, and whatever else the list wants back (its direction, for one). */
export type CursorPosition = readonly (string | number | null)[];

/** `scope`: whose list it is and what was asked for: operator, route, and every filter that chooses rows. Not the limit. */
export function sealCursor(key: Buffer, scope: readonly string[], position: CursorPosition): string {
  const text = Buffer.from(JSON.stringify(position));
  return Buffer.concat([mac(key, scope, text), text]).toString('base64url');
}

/** The position; undefined where the cursor was not sealed with this key for this scope. */
export function openCursor(key: Buffer, scope: readonly string[], cursor: string): CursorPosition | undefined {
  if (cursor.length > LONGEST || !/^[A-Za-z0-9_-]+$/.test(cursor)) return undefined;
  const bytes = Buffer.from(cursor, 'base64url');
  // Another spelling of the same bytes is another text, and not what was given out.
  if (bytes.length <= MAC_BYTES || bytes.toString('base64url') !== cursor) return undefined;
  const text = bytes.subarray(MAC_BYTES);
  if (!timingSafeEqual(bytes.subarray(0, MAC_BYTES), mac(key, scope, text))) return undefined;
  return JSON.parse(text.toString()) as CursorPosition;
}

/** Each part with its length before it, so that no two scopes run together. */
function mac(key: Buffer, scope: readonly string[], text: Buffer): Buffer {
  const hmac = createHmac('sha256', key).update(`cursor ${scope.length} `);
  for (const part of scope) hmac.update(`${Buffer.byteLength(part)}:${part}`);
  return hmac.update(text).digest().subarray(0, MAC_BYTES);
}
