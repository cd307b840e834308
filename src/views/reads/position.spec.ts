import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { lsnOf, readToken, writeToken } from './position.ts';

const positions = fc.record({
  timeline: fc.integer({ min: 1, max: 2 ** 31 }).map((n) => n.toString(16).toUpperCase().padStart(8, '0')), lsn: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
});
const token = (text: string) => Buffer.from(text).toString('base64url');

describe('a position', () => {
  it('is read as PostgreSQL writes it', () => {
    expect([lsnOf('0/0'), lsnOf('16/B374D848'), lsnOf('FFFFFFFF/FFFFFFFF')]).toEqual([0n, 97_500_059_720n, 2n ** 64n - 1n]);
  });

  it('comes back out of its token as it went in', () => {
    fc.assert(fc.property(positions, (position) => expect(readToken(writeToken(position))).toEqual(position)));
  });

  it('with a batch is what the wallet writes', () => {
    expect(readToken(token('1 00000001 0/1A2B 77 5'))).toEqual({ timeline: '00000001', lsn: 0x1a2bn, lane: 77, batch: 5 });
    expect(readToken(token('1 00000001 0/1A2B - -'))).toEqual({ timeline: '00000001', lsn: 0x1a2bn });
  });

  it('is read out of nothing else', () => {
    fc.assert(fc.property(fc.oneof(fc.string(), fc.base64String(), fc.string().map(token)), (text) => expect(readToken(text)).toBeUndefined()));
  });
});
