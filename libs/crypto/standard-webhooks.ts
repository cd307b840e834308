import { createHmac, timingSafeEqual } from 'node:crypto';

/**
 * Standard Webhooks 1.0 (https://www.standardwebhooks.com), symmetric form: HMAC-SHA256 over `{id}.{timestamp}.{raw body}`,
 * written `v1,<base64>`. A header may carry several signatures and an account several live secrets: any pair that matches will do.
 */

const PREFIX = 'whsec_';

/** `whsec_<base64>` → the key's bytes. Throws on a text that is not a secret, without quoting it. */
export function decodeSecret(secret: string): Buffer {
  const bytes = Buffer.from(secret.startsWith(PREFIX) ? secret.slice(PREFIX.length) : '', 'base64');
  if (bytes.length < 16) throw new Error('a webhook secret must be whsec_<base64> of at least 16 bytes');
  return bytes;
}

function mac(key: Buffer, id: string, timestamp: string, body: Buffer): Buffer {
  return createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body).digest();
}

/** The value of the `webhook-signature` header for one secret. */
export function sign(key: Buffer, id: string, timestamp: string, body: Buffer): string {
  return `v1,${mac(key, id, timestamp, body).toString('base64')}`;
}

/** Constant time per candidate; base64 of another length than a SHA-256 never reaches the compare. */
export function signatureMatches(keys: readonly Buffer[], id: string, timestamp: string, body: Buffer, header: string): boolean {
  const candidates: Buffer[] = [];
  for (const part of header.split(' ', 16)) {
    if (part.length !== 47 || !part.startsWith('v1,')) continue;
    const bytes = Buffer.from(part.slice(3), 'base64');
    if (bytes.length === 32) candidates.push(bytes);
  }
  if (candidates.length === 0) return false;
  let match = false;
  for (const key of keys) {
    const expected = mac(key, id, timestamp, body);
    for (const candidate of candidates) if (timingSafeEqual(expected, candidate)) match = true;
  }
  return match;
}

/** Unix seconds as sent; `toleranceS` either way. Anything that is not a plain integer is out of range. */
export function timestampInRange(timestamp: string, nowMs: number, toleranceS: number): boolean {
  if (!/^\d{1,12}$/.test(timestamp)) return false;
  return Math.abs(Number(timestamp) - Math.floor(nowMs / 1000)) <= toleranceS;
}
