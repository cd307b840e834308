/** Networks that a provider may call from, as `cidr` of PostgreSQL takes them: `192.0.2.0/24`, `2001:db8::/32`. */
import { isIP } from 'node:net';
import { z } from 'zod';

/** Big-endian; undefined where it is no address. */
function bytesOf(address: string): number[] | undefined {
  const family = isIP(address);
  if (family === 4) return address.split('.').map(Number);
  if (family !== 6 || address.includes('%')) return undefined;
  const [head = '', tail] = address.split('::');
  const words = (text: string | undefined): number[] => (text ? text.split(':').flatMap((word) => {
    if (word.includes('.')) return [...(bytesOf(word) ?? [])];
    const value = Number.parseInt(word, 16);
    return [value >> 8, value & 0xff];
  }) : []);
  const [before, after] = [words(head), words(tail)];
  return [...before, ...new Array<number>(16 - before.length - after.length).fill(0), ...after];
}

/** One that names a host within its network is none: nobody can know which of both was meant. */
function isNetwork(text: string): boolean {
  const [, address = '', length] = /^([0-9a-fA-F.:]{2,45})(?:\/(0|[1-9]\d{0,2}))?$/.exec(text) ?? [];
  const bytes = bytesOf(address);
  if (!bytes) return false;
  const bits = length === undefined ? bytes.length * 8 : Number(length);
  return bits <= bytes.length * 8 && bytes.every((byte, i) => (byte & (0xff >> Math.min(8, Math.max(0, bits - i * 8)))) === 0);
}

/** An address alone is a network of one. */
export const Network = z.string().refine(isNetwork, { error: 'not a network such as 192.0.2.0/24, 2001:db8::/32 or 192.0.2.7' }).meta({ examples: ['192.0.2.0/24'] });
