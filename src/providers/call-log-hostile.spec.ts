import { describe, expect, it } from '@jest/globals';
import { randomBytes, randomInt, randomUUID } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { rowOf, type Kept } from './call-log-row.ts';
import { parsePolicy } from './contract.ts';

// No secret that a call names as one survives in any column of the log, whatever a provider sends and however it is escaped; and what is hostile
// costs no more than what is long.

const NAMES = [
  'token', 'sessionToken', 'session_id', 'access_token', 'authToken', 'Authorization', 'secret', 'client_secret', 'api_key', 'apiKey', 'x-api-key', 'sign', 'signature', 'sig', 'hash', 'hmac',
  'password', 'passwd', 'pass', 'pwd', 'key', 'secretKey', 'private_key', 'jwt', 'cookie', 'credential', 'digest', 'checksum', 'pin', 'otp', 'sid', 'ticket',
] as const;

const PLAIN = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
const drawn = (alphabet: string, length: number) => fc.array(fc.nat(alphabet.length - 1), { minLength: length, maxLength: length }).map((at) => at.map((i) => alphabet[i]).join(''));
const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length }).map((of) => Buffer.from(of));
const secrets = fc.oneof(
  fc.uuid({ version: 4 }), bytes(32).map((of) => of.toString('base64url')), bytes(25).map((of) => of.toString('base64')), bytes(16).map((of) => of.toString('hex')),
  drawn('abcdefghijklmnopqrstuvwxyz', 20), fc.tuple(drawn(`${PLAIN}+/=!*-_.~$@#`, 9), fc.nat(9)).map(([word, digit]) => `${digit}${word}${digit}`), drawn('0123456789', 12),
);

type Form = (name: string, secret: string) => string | Buffer;
const json = JSON.stringify;
const escaped = (text: string) => `"${[...text].map((letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`).join('')}"`;

/** Those in which somebody can make out where the value begins and ends. */
const READ: Record<string, Form> = {
  'a field': (n, s) => json({ transaction_uuid: 't-1', [n]: s, amount: 1 }),
  'a field of a field': (n, s) => json({ a: { b: [1, { [n]: s }] }, round: 'r1' }),
  'within a field': (n, s) => json({ [n]: { deep: [{ er: s }, 7, null] } }),
  'escaped': (n, s) => `{${escaped(n)}:${escaped(s)},"a":[]}`,
  'twice': (n, s) => `{"${n}":${json(s)},"${n}":"x","other":{"${n}":${json(s)},"${n}":null}}`,
  'a list': (n, s) => json({ [n]: ['x', [s]] }),
  'a list by itself': (n, s) => json([{ [n]: s }]),
  'a pair': (n, s) => json({ params: [{ name: n, value: s }] }),
  'a pair the other way around': (n, s) => json({ params: [{ value: s, name: n }] }),
  'a pair of a list': (n, s) => json({ headers: [['host', 'x'], [n, s]], raw: ['host', 'x', n, s] }),
  'a number of spaces': (n, s) => `{ "${n}"  \n:\t ${json(s)} }`,
  'JSON in a text': (n, s) => json({ payload: json({ [n]: s, a: 1 }) }),
  'JSON in JSON in a text': (n, s) => json({ payload: json({ inner: json({ [n]: s }) }) }),
  'a URL': (n, s) => json({ url: `https://game.example/launch?lang=en&${n}=${encodeURIComponent(s)}&x=1` }),
  'a URL in a URL': (n, s) => json({ url: `https://x.example/?to=${encodeURIComponent(`https://y.example/?${n}=${encodeURIComponent(s)}`)}` }),
  'JSON in a URL': (n, s) => json({ state: encodeURIComponent(json({ [n]: s })) }),
  'a sentence': (n, s) => json({ message: `not accepted (${n}: ${s} is not known)` }),
  'a header in a sentence': (_, s) => json({ detail: `sent Authorization: Bearer ${s} and nothing else` }),
  'a scheme in a sentence': (_, s) => json({ detail: `bearer ${s}` }),
  'an element in a text': (n, s) => json({ xml: `<a><${n}>${s}</${n}></a>` }),
  'a long text before it': (n, s) => json({ fill: 'x y '.repeat(5_000), [n]: s }),
  'deep': (n, s) => `${'{"a":['.repeat(2_000)}${json({ [n]: s })}${']}'.repeat(2_000)}`,
  'a form': (n, s) => `user=x&${n}=${encodeURIComponent(s)}&amount=1`,
  'a form with brackets': (n, s) => `params%5B${n}%5D=${encodeURIComponent(s)}&params[a]=1`,
  'lines': (n, s) => `user: x\r\n${n}: ${s}\r\n`,
  'no quotes': (n, s) => `{user: x, ${n}: ${s}}`,
  'other quotes': (n, s) => `{'user': 'x', '${n}': '${s}'}`,
  'XML': (n, s) => `<?xml version="1.0"?><call><${n}>${s}</${n}><a/></call>`,
  'XML with attributes': (n, s) => `<call><w:${n} Type="plain" x='1'>${s}</w:${n}></call>`,
  'XML as it is': (n, s) => `<call><${n}><![CDATA[${s}]]></${n}></call>`,
  'an attribute': (n, s) => `<call a="1" ${n}="${s}"/>`,
  'a form of parts': (n, s) => `--b\r\nContent-Disposition: form-data; name="${n}"\r\nContent-Type: text/plain\r\n\r\n${s}\r\n--b--\r\n`,
  'UTF-16': (n, s) => Buffer.from(json({ [n]: s }), 'utf16le'),
  'UTF-16 the other way around': (n, s) => Buffer.from(json({ [n]: s }), 'utf16le').swap16(),
  'a mark before it': (n, s) => `\ufeff${json({ [n]: s })}`,
  'bytes that are no text before it': (n, s) => Buffer.concat([Buffer.from([0xff, 0xc0, 0x80, 0x00]), Buffer.from(json({ [n]: s }))]),
  'JSON that breaks off behind it': (n, s) => json({ a: 1, [n]: s, b: 'x' }).slice(0, -6),
  'JSON that breaks off at its end': (n, s) => `{"a":1,"${n}":"${s}`,
  'packed as it is': (n, s) => gzipSync(json({ [n]: s }), { level: 0 }),
};
const OTHERS: Record<string, Form> = {
  'packed': (n, s) => gzipSync(json({ [n]: s })),
  'base64 in a field': (n, s) => json({ data: Buffer.from(json({ [n]: s })).toString('base64') }),
  'base64': (n, s) => Buffer.from(json({ [n]: s })).toString('base64'),
  'a name within it': (n, s) => json({ [n]: { [s]: 1 } }),
};

const account = { accountId: 7, operatorId: randomUUID(), policy: parsePolicy({}), games: new Map<string, boolean>() };
const call = (more: Partial<Kept>): Kept => ({
  account, dialect: 'native', operation: 'bet', method: 'POST', path: 'bet', query: '', headers: {}, body: Buffer.from('{}'), from: undefined, context: undefined,
  answer: { status: 422, headers: { 'x-request-id': 'r' }, body: '{}', outcome: 'REQUEST_INVALID' }, ms: 1, result: 'turned_away', callId: randomUUID(), at: 0, source: undefined, ...more,
});

/** Wherever else the same call says it again. */
const ECHOES: Record<string, (secret: string) => Partial<Kept>> = {
  'nowhere': () => ({}),
  'in the answer': (s) => ({ answer: { status: 400, headers: { 'x-request-id': s, 'retry-after': s }, body: json({ detail: `not ${s}`, [s]: s }), outcome: 'REQUEST_INVALID' } }),
  'in an answer that is no JSON': (s) => ({ answer: { status: 400, headers: {}, body: `<e>${s}</e>`, outcome: 'REQUEST_INVALID' } }),
  'in the path': (s) => ({ path: `bet/${s}` }),
  'in the path, escaped': (s) => ({ path: `bet/${encodeURIComponent(s)}`, query: `a=${encodeURIComponent(s)}&b` }),
  'in headers': (s) => ({ headers: { 'user-agent': `a ${s} b`, 'x-request-id': s, 'x-whatever': s, via: s, authorization: `Bearer ${s}`, cookie: `a=b; c=${s}` } }),
};

/** The columns in which a secret, in any usual spelling, can be read. */
function leaks(row: Readonly<Record<string, unknown>>, secret: string): string[] {
  const spelled = [secret, encodeURIComponent(secret), Buffer.from(secret).toString('base64').replace(/=+$/, ''), Buffer.from(secret).toString('hex')];
  // Fingerprints, by which ids are found.
  const { keys: _, request_key: __, ...columns } = row;
  return Object.entries(columns).flatMap(([column, value]) => {
    const texts = [typeof value === 'string' ? value : json(value ?? null), json(value ?? null)];
    return spelled.some((each) => texts.some((text) => text.includes(each))) ? [`${column}: ${texts[0]}`] : [];
  });
}

const seed = Number(process.env['CALL_LOG_SEED'] ?? randomInt(2 ** 31));
const RUNS = { seed, numRuns: 30 };

describe(`of whatever a provider sends (CALL_LOG_SEED=${seed})`, () => {
  it.each(Object.keys(READ))('a secret that stands in %s is in no column, nor where the call says it again', (form) => {
    fc.assert(fc.property(fc.constantFrom(...NAMES), secrets, fc.constantFrom(...Object.keys(ECHOES)), (name, secret, echo) => {
      const made = (READ[form] as Form)(name, secret);
      const row = rowOf(call({ body: Buffer.from(made as string), ...ECHOES[echo]?.(secret) }));
      expect([echo, leaks(row, secret)]).toEqual([echo, []]);
    }), RUNS);
  });

  it.each(Object.keys(OTHERS))('a secret that stands in %s is in no column', (form) => {
    fc.assert(fc.property(fc.constantFrom(...NAMES), secrets, (name, secret) => {
      expect(leaks(rowOf(call({ body: Buffer.from((OTHERS[form] as Form)(name, secret) as string) })), secret)).toEqual([]);
    }), RUNS);
  });

  it('a secret in a query, a path of pairs or a header is in no column', () => {
    const places: Record<string, (name: string, secret: string) => Partial<Kept>> = {
      query: (n, s) => ({ query: `a=1&${n}=${encodeURIComponent(s)}&b=2` }), escaped: (n, s) => ({ query: `%${n.charCodeAt(0).toString(16)}${n.slice(1)}=${encodeURIComponent(s)}` }),
      twice: (n, s) => ({ query: `%25${n.charCodeAt(0).toString(16)}${n.slice(1)}=${encodeURIComponent(s)}` }), semicolons: (n, s) => ({ query: `a=1;${n}=${encodeURIComponent(s)}` }),
      path: (n, s) => ({ path: `bet;${n}=${encodeURIComponent(s)}/x` }), header: (n, s) => ({ headers: { [`x-${n.toLowerCase()}`]: s, [n.toLowerCase()]: `v1,${s}` }, body: Buffer.from(json({ note: s, x: [s] })) }),
    };
    fc.assert(fc.property(fc.constantFrom(...NAMES), secrets, fc.constantFrom(...Object.keys(places)), (name, secret, place) => {
      expect([place, leaks(rowOf(call(places[place]?.(name, secret) ?? {})), secret)]).toEqual([place, []]);
    }), { ...RUNS, numRuns: 300 });
  });

  it('a token that stands where a player should is no player’s id', () => {
    const token = randomUUID();
    const rows = [json({ token, user: token }), json({ user: token, token }), json({ playerId: token, sessionToken: token })].map((text) => rowOf(call({ body: Buffer.from(text) })));
    expect(rows.map((row) => [row['player_id'], leaks(row, token)])).toEqual(rows.map(() => [null, []]));
    expect(rowOf(call({ body: Buffer.from(json({ user: token })) }))['player_id']).toBe(token);
  });

  it('bytes without any sense make a row that PostgreSQL takes: no NUL, no half of a character', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 400 }), fc.string({ unit: 'binary', maxLength: 50 }), (of, text) => {
      const row = rowOf(call({ body: Buffer.from(of), path: text, query: text, headers: { via: text, [text]: text }, answer: { status: 400, headers: { 'x-request-id': text }, body: text, outcome: 'X' } }));
      const texts = Object.values(row).map((value) => (typeof value === 'string' ? value : json(value ?? null)));
      expect(texts.filter((each) => each.includes('\0') || !each.isWellFormed() || /\\u0000|\\ud[89a-f]/i.test(each))).toEqual([]);
    }), { ...RUNS, numRuns: 300 });
  });
});

const MEGABYTE = 2 ** 20;
/** Of as many bytes as there are; what a body of ordinary fields costs is the measure. */
const HOSTILE: Record<string, (bytes: number) => string> = {
  'names without values': (of) => 'token'.repeat(of / 5),
  'names and spaces': (of) => 'key    '.repeat(of / 7),
  'one name and spaces': (of) => `token${' '.repeat(of)}`,
  'colons': (of) => 'token:'.repeat(of / 6),
  'gaps': (of) => `token${'"\'\\ '.repeat(of / 4)}`,
  'quotes': (of) => '"'.repeat(of),
  'backslashes': (of) => `"${'\\'.repeat(of)}`,
  'brackets': (of) => '['.repeat(of),
  'brackets that fit': (of) => `${'['.repeat(of / 2)}${']'.repeat(of / 2)}`,
  'objects in objects': (of) => `${'{"a":'.repeat(of / 6)}1${'}'.repeat(of / 6)}`,
  'secrets without end': (of) => json({ token: Array.from({ length: of / 26 }, (_, i) => `secret-${i}`.padEnd(9)), notes: Array.from({ length: of / 26 }, (_, i) => `text ${i}`.padEnd(9)) }),
  'names in texts': (of) => json({ a: 'token'.repeat(of / 5), b: 'sign: '.repeat(of / 60) }),
  'percents': (of) => json({ a: 'token%3D%'.repeat(of / 9) }),
  'pairs': (of) => json(Array.from({ length: of / 40 }, (_, i) => ({ name: 'token', value: `v ${i}` }))),
  'elements': (of) => '<token '.repeat(of / 7),
  'parts': (of) => 'name="token"\n'.repeat(of / 13),
  'long tokens': (of) => json({ a: 'Ab1'.repeat(of / 3) }),
  'escapes': (of) => json({ a: '\u0001'.repeat(of / 6) }),
  'addresses': (of) => '://a:b'.repeat(of / 6),
};

describe('what is hostile', () => {
  /** Milliseconds of the processor, whoever else uses it. */
  const took = (text: string): number => {
    const body = Buffer.from(text);
    const times = Array.from({ length: 4 }, () => {
      const began = process.cpuUsage();
      rowOf(call({ body }));
      const { user, system } = process.cpuUsage(began);
      return (user + system) / 1_000;
    });
    return Math.min(...times);
  };
  const ordinary = (of: number) => json(Array.from({ length: of / 64 }, () => ({ transaction_uuid: 'txn-0123456789', round: 'round-1', amount: 1 })));

  it.each(Object.keys(HOSTILE))('%s: a megabyte of it costs no more than six times a megabyte of ordinary calls, or 300 ms; 64 KiB, more than which nobody reads, 50 ms', (what) => {
    const of = HOSTILE[what] as (bytes: number) => string;
    expect(took(of(MEGABYTE))).toBeLessThan(Math.max(6 * took(ordinary(MEGABYTE)), 300));
    expect(took(of(MEGABYTE / 16))).toBeLessThan(50);
  });

  it('a call with more than 100 secrets is not shown at all', () => {
    const tokens = Array.from({ length: 150 }, () => randomBytes(12).toString('hex'));
    const row = rowOf(call({ body: Buffer.from(json({ tokens, again: tokens })), path: `bet/${tokens[149]}` }));
    expect(tokens.flatMap((token) => leaks(row, token))).toEqual([]);
    expect(row['request_body']).not.toMatch(/[0-9a-f]{24}/);
  });
});
