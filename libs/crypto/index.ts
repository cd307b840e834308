export { decodeSecret, sign, signatureMatches, timestampInRange } from './standard-webhooks.ts';
export { fingerprint } from './fingerprint.ts';
