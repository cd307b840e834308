/** Master keys in a file: a line each, `id:base64 of 32 bytes`, the newest first. Empty lines and those that begin with # are left out. */
import { readFile } from 'node:fs/promises';
import { decrypt, encrypt, KEY_BYTES, SealBroken, type MasterKeys } from './seal.ts';

const LINE = /^([A-Za-z0-9._-]{1,64}):([A-Za-z0-9+/]{43}=)$/;
const WRAPPED_FOR = Buffer.from('croupier data key v1');
/** An id that nobody knows makes the file worth another look, but no more often. */
const AGAIN_MS = 1_000;

/** Throws a sentence that names the line and quotes nothing of it. */
function readKeys(text: string): Map<string, Buffer> {
  const keys = new Map<string, Buffer>();
  for (const [i, line] of text.split(/\r?\n/).map((each) => each.trim()).entries()) {
    if (line === '' || line.startsWith('#')) continue;
    const [, id = '', base64 = ''] = LINE.exec(line) ?? [];
    if (id === '') throw new Error(`line ${i + 1} is not id:base64 of ${KEY_BYTES} bytes`);
    if (keys.has(id)) throw new Error(`line ${i + 1} has the id of another line`);
    keys.set(id, Buffer.from(base64, 'base64'));
  }
  if (keys.size === 0) throw new Error('there is no key in it');
  return keys;
}

/**
 * Reads the file now, and again before it seals and where a key is named that it did not know: a line that was added or taken out counts
 * without a restart. Rejects with a sentence that quotes no line where the file cannot be used.
 */
export async function fileMasterKeys(path: string): Promise<MasterKeys> {
  const read = async () => {
    const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => { throw new Error(`the file cannot be read: ${error.code}`); });
    return readKeys(text);
  };
  let keys = await read();
  let readAt = performance.now();
  const readAgain = async () => {
    keys = await read();
    readAt = performance.now();
  };
  return {
    wrap: async (dataKey) => {
      await readAgain();
      const [masterId, key] = keys.entries().next().value as [string, Buffer];
      return { masterId, wrapped: encrypt(key, dataKey, WRAPPED_FOR) };
    },
    unwrap: async (masterId, wrapped) => {
      if (!keys.has(masterId) && performance.now() - readAt > AGAIN_MS) await readAgain();
      const key = keys.get(masterId);
      // It may be added to the file at any time, so asking again can help.
      if (!key) throw new SealBroken(`there is no master key ${masterId}`, { cause: 'not in the file' });
      return decrypt(key, wrapped, WRAPPED_FOR, `master key ${masterId} is not what sealed this`);
    },
  };
}
