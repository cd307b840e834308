/**
 * The keys of the operator's API. A key is `ck_` and 64 bytes in base64url: operator, key id, 32 random bytes. So it says itself whose row
 * is to be read, and row-level security holds before anything is known of the caller. Stored is the SHA-256 of the whole text.
 */
import { hash, randomBytes } from 'node:crypto';

export interface MadeKey {
  readonly id: string;
  /** shown once */
  readonly key: string;
  readonly hash: Buffer;
}

export interface NamedKey {
  readonly operatorId: string;
  readonly keyId: string;
}

const FORM = /^ck_[A-Za-z0-9_-]{86}$/;

export const hashOfKey = (key: string): Buffer => hash('sha256', key, 'buffer');

export function makeKey(operatorId: string, { id = uuidv7(), secret = randomBytes(32) }: { readonly id?: string; readonly secret?: Buffer } = {}): MadeKey {
  const key = `ck_${Buffer.concat([bytesOf(operatorId), bytesOf(id), secret]).toString('base64url')}`;
  return { id, key, hash: hashOfKey(key) };
}

/** Whom a text claims to be; undefined where it has not the form of a key. */
export function readKey(text: string): NamedKey | undefined {
  if (!FORM.test(text)) return undefined;
  const hex = Buffer.from(text.slice(3), 'base64url').toString('hex');
  return { operatorId: uuidOf(hex.slice(0, 32)), keyId: uuidOf(hex.slice(32, 64)) };
}

/** An id that sorts by its time, as the database makes them: for what must be known before the row is there. */
export function uuidv7(): string {
  const bytes = randomBytes(16);
  bytes.writeUIntBE(Date.now(), 0, 6);
  bytes[6] = ((bytes[6] as number) & 0x0f) | 0x70;
  bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80;
  return uuidOf(bytes.toString('hex'));
}

const bytesOf = (uuid: string): Buffer => Buffer.from(uuid.replaceAll('-', ''), 'hex');
const uuidOf = (hex: string): string => [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
