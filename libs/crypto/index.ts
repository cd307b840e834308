export { decodeSecret, sign, signatureMatches, timestampInRange } from './standard-webhooks.ts';
export { fingerprint, tokenHash } from './fingerprint.ts';
