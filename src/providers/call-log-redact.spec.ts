import { describe, expect, it } from '@jest/globals';
import { randomBytes, randomUUID } from 'node:crypto';
import { redact, type Sent } from './call-log-redact.ts';

// Each rule by itself, with tokens of every look: a rule that fails is not covered for by the next.

const UUID = randomUUID();
const WORD = 'abcdefghijklmnopqrst';
const OURS = randomBytes(32).toString('base64url');

const shown = (more: Partial<Sent> & { readonly text?: string }): string => {
  const { text, ...sent } = more;
  const body = text === undefined ? undefined : Buffer.from(text);
  const { parsed: _, ...kept } = redact({ headers: {}, path: 'bet', query: '', body, answerHeaders: {}, answerBody: '{}', secrets: [], ...sent });
  return JSON.stringify(kept);
};

describe.each([['a UUID', UUID], ['a word', WORD], ['one of the wallet’s', OURS]])('a token that is %s', (_look, token) => {
  it('goes where a field is named like one, in a request and in an answer, also within lists and objects', () => {
    expect(shown({ text: JSON.stringify({ sessionToken: token, a: 1 }) })).not.toContain(token);
    expect(shown({ text: JSON.stringify({ auth: [{ deep: token }] }) })).not.toContain(token);
    expect(shown({ answerBody: JSON.stringify({ token }) })).not.toContain(token);
  });

  it('goes wherever else that call bears it: in other fields, in names, in the answer, in the path and in headers that are kept', () => {
    const text = JSON.stringify({ token, gameId: token, note: `it is ${token}`, [token]: 1 });
    expect(shown({ text, answerBody: JSON.stringify({ detail: token }), path: token, headers: { 'user-agent': token } })).not.toContain(token);
    expect(shown({ text: JSON.stringify({ gameId: token }), secrets: [token] })).not.toContain(token);
  });

  it('goes out of what cannot be read, wherever it stands', () => {
    const texts = [`{"a":"${token}"`, `{"token":"${token}`, `a=${token}&b`, `<t>${token}</t>`, `{a: '${token}'}`, [...`{"a":"${token}"`].join('\0')];
    for (const text of texts) expect(shown({ text })).not.toContain(token);
  });

  it('goes out of headers that are not known to prove nothing, and out of a query by its name', () => {
    expect(shown({ headers: { 'x-anything': token, 'x-hub88-signature': token } })).not.toContain(token);
    expect(shown({ path: 'bet', query: `a=1&token=${token}` })).not.toContain(token);
  });
});

describe('what is no secret', () => {
  it('stays, letter for letter', () => {
    const text = `{ "transactionId" : "${UUID}",\n "amount": 1.50, "gameId": "Book of Ra \\u2122", "list": [1, null, true, {"a": []}] }`;
    const { body } = redact({ headers: {}, path: 'bet', query: '', body: Buffer.from(text), answerHeaders: {}, answerBody: '{}', secrets: [] });
    expect(body).toBe(text);
  });

  it('is cut where it is long, and short where it cannot be read', () => {
    const of = (text: string) => redact({ headers: {}, path: 'bet', query: '', body: Buffer.from(text), answerHeaders: {}, answerBody: '{}', secrets: [] }).body?.length;
    expect([of(JSON.stringify({ a: 'x y '.repeat(5_000) })), of('x y '.repeat(5_000))]).toEqual([8_193, 1_025]);
  });
});
