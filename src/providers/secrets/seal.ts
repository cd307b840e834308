/**
 * What providers' secrets are sealed with: the master keys of SECRETS_KEY_FILE, or those of an own keeper (a KMS) that `src/installed.ts`
 * names. A process gets its `SecretBox` from `secrets.module.ts`; `Configuration` opens with it, the office seals with it.
 */
import { fileMasterKeys, SecretBox, type MasterKeys } from '../../../libs/crypto/index.ts';

/** Part of what a sealed secret is bound to: never to be changed. */
export const PURPOSE = 'provider secret';

export const secretBoxOf = (keys: MasterKeys | undefined): SecretBox => new SecretBox(keys, PURPOSE);

/** Rejects with a sentence that names the setting and quotes nothing of the file. */
export async function masterKeysOf(file: string | undefined, own?: MasterKeys): Promise<MasterKeys | undefined> {
  if (file === undefined) return own;
  if (own) throw new Error('setting SECRETS_KEY_FILE: src/installed.ts names a keeper of master keys already; one of both must go');
  try {
    return await fileMasterKeys(file);
  } catch (error) {
    throw new Error(`setting SECRETS_KEY_FILE: ${(error as Error).message}`);
  }
}
