import { describe, expect, it } from '@jest/globals';
import { randomBytes, randomUUID } from 'node:crypto';
import { loggedId } from './logged-id.ts';

describe('a request’s id in a line of the log', () => {
  it('is itself where it is an id of the usual forms', () => {
    const ids = ['r1', randomUUID(), 'msg_2KWPBgLlAfxdpx2AI54pPJ85f4W', randomBytes(32).toString('hex'), `00-${randomBytes(16).toString('hex')}-${randomBytes(8).toString('hex')}-01`, 'x'.repeat(128), '!~'];
    expect(ids.map(loggedId)).toEqual(ids);
    expect(loggedId(undefined)).toBeUndefined();
  });

  it('is of at most 128 printable characters', () => {
    expect(loggedId('x'.repeat(129))).toBe('x'.repeat(128));
    expect(loggedId('x'.repeat(100_000))).toHaveLength(128);
    expect(loggedId('a b\n{"level":"error"}\u001b[31m\u0000é\u{1F3B0}\u2028')).toBe('a?b?{"level":"error"}?[31m?????');
    expect(loggedId('')).toBe('');
  });

  it('shows no token, wherever that stands in it', () => {
    // Of 43 characters, as the wallet makes them.
    const token = 'q7ZxR2mPvLw9YtKd4HsBnJ6cUeXgA1fToWiQ3zVbN5E';
    expect([loggedId(token), loggedId(`session=${token}&x`), loggedId(`a:${token}:${token}`)]).toEqual(['[redacted]', '[redacted]&x', 'a:[redacted]:[redacted]']);
    expect(loggedId(`${'y'.repeat(90)} ${token}`)).not.toContain(token.slice(0, 30));
  });
});
