import { hash } from 'node:crypto';

/** How a session token is stored and looked up: its SHA-256, as 64 hex digits. */
export const tokenHash = (token: string): string => hash('sha256', token, 'hex');

/** The first 16 bytes of a text's SHA-256, as 32 hex digits: how references, rounds and digests are stored. */
export function fingerprint(text: string): string {
  return hash('sha256', text, 'hex').slice(0, 32);
}
