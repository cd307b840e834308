/**
 * Envelope encryption of secrets at rest. Each is encrypted under a data key of its own (AES-256-GCM, a random nonce), which a master key
 * wraps. Written `sealed:v1:<master key's id>:<wrapped data key>:<nonce, text, tag>`, the last two in base64url. Whose secret it is and what
 * for is authenticated and not written: moved to another owner, it does not open. No error here quotes a text or a key.
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

/** What holds the master keys: a file (`fileMasterKeys`), or a service that never gives them away (a KMS or an HSM). */
export interface MasterKeys {
  /** Wraps a data key of 32 bytes under the newest master key. Its id: 1 to 64 of `A-Z a-z 0-9 . _ -`. */
  wrap(dataKey: Buffer): Promise<{ readonly masterId: string; readonly wrapped: Buffer }>;
  /** Throws `SealBroken` where this will not open: with a `cause` where asking again can help. Anything else counts as passing. */
  unwrap(masterId: string, wrapped: Buffer): Promise<Buffer>;
}

/** It does not open as it stands: forged, moved, cut, or its master key is another or not here. */
export class SealBroken extends Error {}

/** Whose it is and what for: each must be named alike at the opening. */
export interface SealedFor {
  readonly operatorId: string;
  readonly accountId: number;
  /** `provider secret` */
  readonly purpose: string;
}

const ALGORITHM = 'aes-256-gcm';
const NONCE = 12;
const TAG = 16;
export const KEY_BYTES = 32;
const MASTER_ID = /^[A-Za-z0-9._-]{1,64}$/;
const FORM = /^sealed:v1:([A-Za-z0-9._-]{1,64}):([A-Za-z0-9_-]{1,4096}):([A-Za-z0-9_-]{38,65536})$/;

/** Whether it is meant as sealed, readable or not: nothing that begins so is ever taken for a secret itself. */
export const isSealed = (stored: string): boolean => stored.startsWith('sealed:');

/** The id of the master key that a sealed text names; undefined where it has not the form. */
export const masterIdOf = (stored: string): string | undefined => FORM.exec(stored)?.[1];

export async function seal(keys: MasterKeys, secret: string, owner: SealedFor): Promise<string> {
  const dataKey = randomBytes(KEY_BYTES);
  const { masterId, wrapped } = await keys.wrap(dataKey);
  if (!MASTER_ID.test(masterId)) throw new Error('the id of a master key is 1 to 64 of A-Z a-z 0-9 . _ -');
  return `sealed:v1:${masterId}:${wrapped.toString('base64url')}:${encrypt(dataKey, Buffer.from(secret), bound(owner)).toString('base64url')}`;
}

/** The secret. Text that is not sealed comes back as it is. Throws `SealBroken`, or what the keeper of the keys throws. */
export async function openSealed(keys: MasterKeys | undefined, stored: string, owner: SealedFor): Promise<string> {
  if (!isSealed(stored)) return stored;
  const { masterId, wrapped, content } = partsOf(stored);
  if (!keys) throw new SealBroken(`sealed by master key ${masterId}, and no master keys are configured`);
  return decrypt(await keys.unwrap(masterId, wrapped), content, bound(owner), 'a sealed secret is not this owner\'s, or was changed').toString();
}

/** The same secret under the newest master key: its data key is wrapped anew, the rest stays. Proves that it opens before and after. */
export async function rewrap(keys: MasterKeys, stored: string, owner: SealedFor): Promise<string> {
  const { masterId: before, wrapped: old, content } = partsOf(stored);
  const dataKey = await keys.unwrap(before, old);
  const { masterId, wrapped } = await keys.wrap(dataKey);
  const again = `sealed:v1:${masterId}:${wrapped.toString('base64url')}:${content.toString('base64url')}`;
  await openSealed(keys, again, owner);
  return again;
}

function partsOf(stored: string): { masterId: string; wrapped: Buffer; content: Buffer } {
  const [, masterId, wrapped, content] = FORM.exec(stored) ?? [];
  if (masterId === undefined || wrapped === undefined || content === undefined) throw new SealBroken('a sealed text of another form or version');
  return { masterId, wrapped: Buffer.from(wrapped, 'base64url'), content: Buffer.from(content, 'base64url') };
}

/** JSON, so that no two owners are written alike. */
const bound = ({ operatorId, accountId, purpose }: SealedFor): Buffer => Buffer.from(JSON.stringify(['sealed:v1', operatorId, accountId, purpose]));

/** Nonce, ciphertext, tag. */
export function encrypt(key: Buffer, text: Buffer, associated: Buffer): Buffer {
  const nonce = randomBytes(NONCE);
  const cipher = createCipheriv(ALGORITHM, key, nonce, { authTagLength: TAG }).setAAD(associated);
  return Buffer.concat([nonce, cipher.update(text), cipher.final(), cipher.getAuthTag()]);
}

/** Throws `SealBroken` with the sentence given. */
export function decrypt(key: Buffer, sealed: Buffer, associated: Buffer, otherwise: string): Buffer {
  try {
    const decipher = createDecipheriv(ALGORITHM, key, sealed.subarray(0, NONCE), { authTagLength: TAG }).setAAD(associated);
    decipher.setAuthTag(sealed.subarray(sealed.length - TAG));
    return Buffer.concat([decipher.update(sealed.subarray(NONCE, sealed.length - TAG)), decipher.final()]);
  } catch {
    // Not passed on as a cause: what a library says of keys and texts is nobody's business.
    throw new SealBroken(otherwise);
  }
}
