import { describe, expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { openCursor, sealCursor } from './index.ts';

const key = randomBytes(32);
const scope = ['operator 1', 'players', 'status=active'];
const cursor = sealCursor(key, scope, ['next', 'anna', 42, null]);

describe('a cursor', () => {
  it('gives back the position it was sealed with', () => {
    expect(openCursor(key, scope, cursor)).toEqual(['next', 'anna', 42, null]);
    expect(cursor).toMatch(/^[A-Za-z0-9_-]+$/);
  });

  it('is none of another key, tenant, route or filter', () => {
    expect(openCursor(randomBytes(32), scope, cursor)).toBeUndefined();
    const [operator, route, filter] = scope as [string, string, string];
    const others = [['operator 2', route, filter], [operator, 'wallets', filter], [operator, route, 'status=closed'], [operator, route], [...scope, '']];
    for (const other of others) {
      expect(openCursor(key, other, cursor)).toBeUndefined();
    }
  });

  it('is none of a scope whose parts run together alike', () => {
    const ran = sealCursor(key, ['ab', 'c'], [1]);
    expect(openCursor(key, ['ab', 'c'], ran)).toEqual([1]);
    for (const other of [['a', 'bc'], ['abc'], ['ab', 'c', ''], ['ab2:c']]) expect(openCursor(key, other, ran)).toBeUndefined();
  });

  it('is none with any one bit changed, cut short, lengthened or spelt in another way', () => {
    const bytes = Buffer.from(cursor, 'base64url');
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const forged = Buffer.from(bytes);
      forged[bit >> 3] = (forged[bit >> 3] as number) ^ (1 << (bit & 7));
      expect(openCursor(key, scope, forged.toString('base64url'))).toBeUndefined();
    }
    for (const text of ['', cursor.slice(0, -1), `${cursor}A`, `${cursor}=`, ` ${cursor}`, `${bytes.toString('base64')}==`, 'a'.repeat(10_000), '%00', 'é']) {
      expect(openCursor(key, scope, text)).toBeUndefined();
    }
  });
});
