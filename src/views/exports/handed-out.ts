/** A file's way out: stored packed, fetched part by part, sent as it lies or unpacked, in memory that is used again. */
import type { Writable } from 'node:stream';
import { createGunzip } from 'node:zlib';

/** Of no pool of Node's (they are 64 kB): what is given back is one chunk's, and nobody else's. */
const CHUNK_BYTES = 96 * 1_024;
/** Who takes nothing for so long has gone, or will ask again: a process that ends waits for nobody longer. */
const PATIENCE_MS = 60_000;
/** Whoever fetched it is gone, which is nobody's fault. */
const GONE = new Error('nobody takes the file any more');

/**
 * `parts`: each good until the next is asked for. Ends `to` when all of it is sent; false where nobody takes it any more. Throws where a part cannot be
 * had: `to` is not ended then.
 *
 * Left to the collector, what the parts unpack to would gather off the heap until there are 64 MB of it, however large the file.
 */
export async function handOut(parts: AsyncIterable<Buffer>, to: Writable, { unpack, patienceMs = PATIENCE_MS }: { readonly unpack: boolean; readonly patienceMs?: number }): Promise<boolean> {
  try {
    if (unpack) await unpacked(parts, to, patienceMs);
    else for await (const part of parts) await written(to, part, patienceMs);
  } catch (error) {
    if (error === GONE || to.destroyed) return false;
    throw error;
  }
  to.end();
  return true;
}

async function unpacked(parts: AsyncIterable<Buffer>, to: Writable, patienceMs: number): Promise<void> {
  const gunzip = createGunzip({ chunkSize: CHUNK_BYTES });
  const fed = (async () => {
    for await (const part of parts) await written(gunzip, part);
    gunzip.end();
  })().catch((error: Error) => void gunzip.destroy(error));
  try {
    for await (const chunk of gunzip as AsyncIterable<Buffer<ArrayBuffer>>) {
      await written(to, chunk, patienceMs);
      giveBack(chunk);
    }
  } finally {
    gunzip.destroy();
    await fed;
  }
}

/** The last of a chunk's memory has gone out, so that it may go before the collector comes. */
function giveBack({ buffer, byteOffset, byteLength }: Buffer<ArrayBuffer>): void {
  if (buffer.byteLength === CHUNK_BYTES && byteOffset + byteLength === CHUNK_BYTES) buffer.transfer(0);
}

/** Until the bytes may be overwritten. */
async function written(to: Writable, bytes: Buffer, patienceMs?: number): Promise<void> {
  if (to.destroyed) throw GONE;
  const patience = patienceMs === undefined ? undefined : setTimeout(() => void to.destroy(), patienceMs);
  let gone: (() => void) | undefined;
  try {
    await new Promise<void>((resolve, reject) => {
      gone = () => reject(GONE);
      to.once('close', gone);
      to.write(bytes, (error) => (error ? reject(GONE) : resolve()));
    });
  } finally {
    clearTimeout(patience);
    if (gone) to.off('close', gone);
  }
}
