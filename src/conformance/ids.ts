import { createHash } from 'node:crypto';

/** Ids of one case: they look like random UUIDs, and the same seed makes the same ones, whatever else runs beside it. */
export function idsOf(seed: string, name: string): () => string {
  let count = 0;
  return () => {
    const hex = createHash('sha256').update(`${seed}\n${name}\n${count++}`).digest('hex');
    const variant = '89ab'[Number.parseInt(hex.charAt(16), 16) % 4] ?? '8';
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
  };
}
