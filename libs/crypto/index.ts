export { decodeSecret, sign, signatureMatches, timestampInRange } from './standard-webhooks.ts';
export { fingerprint, tokenHash } from './fingerprint.ts';
export { isSealed, masterIdOf, openSealed, rewrap, seal, SealBroken, type MasterKeys, type SealedFor } from './seal.ts';
export { fileMasterKeys } from './master-keys.ts';
export { SecretBox, type SecretOwner, type StoredSecret } from './secret-box.ts';
