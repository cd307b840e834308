import { hash } from 'node:crypto';

/** The first 16 bytes of a text's SHA-256, as 32 hex digits: how references, rounds and digests are stored. */
export function fingerprint(text: string): string {
  return hash('sha256', text, 'hex').slice(0, 32);
}
