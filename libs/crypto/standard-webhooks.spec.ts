import { describe, expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import { decodeSecret, fingerprint, sign, signatureMatches, timestampInRange } from './index.ts';

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const ID = 'msg_p5jXN8AQM9LWM0D4loKWxJek';
const TIME = '1614265330';
const BODY = Buffer.from('{"test": 2432232314}');
/** Made by the published library of these four. */
const SIGNATURE = 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=';

const key = decodeSecret(SECRET);
const matches = (header: string, { keys = [key], id = ID, time = TIME, body = BODY } = {}) =>
  signatureMatches(keys, id, time, body, header);

describe('a signature', () => {
  it('is the published library’s, to the byte', () => {
    expect(new Webhook(SECRET).sign(ID, new Date(Number(TIME) * 1000), BODY.toString())).toBe(SIGNATURE);
    expect(sign(key, ID, TIME, BODY)).toBe(SIGNATURE);
    expect(matches(SIGNATURE)).toBe(true);
  });

  it('of any text and any secret is the same in both', () => {
    for (const text of ['', '{}', 'žluťoučký kůň', '東京 🎰', 'x'.repeat(10_000)]) {
      const secret = `whsec_${randomBytes(24).toString('base64')}`;
      const at = new Date(Math.floor(Date.now() / 1000) * 1000);
      const ours = sign(decodeSecret(secret), 'id', String(at.getTime() / 1000), Buffer.from(text));
      expect(ours).toBe(new Webhook(secret).sign('id', at, text));
      const headers = { 'webhook-id': 'id', 'webhook-timestamp': String(at.getTime() / 1000), 'webhook-signature': ours };
      expect(() => new Webhook(secret).verify(text, headers, { jsonParse: false })).not.toThrow();
    }
  });

  it('fits one id, one time and one body', () => {
    expect(matches(SIGNATURE, { id: `${ID}x` })).toBe(false);
    expect(matches(SIGNATURE, { time: '1614265331' })).toBe(false);
    for (let i = 0; i < BODY.length; i++) {
      const body = Buffer.from(BODY);
      body[i] = (body[i] as number) ^ 1;
      expect(matches(SIGNATURE, { body })).toBe(false);
    }
  });

  it('may be any of several, by any of several secrets', () => {
    const other = randomBytes(32);
    const theirs = sign(other, ID, TIME, BODY);
    expect(matches(`${theirs} ${SIGNATURE}`)).toBe(true);
    expect(matches(`v1a,xxx v2,yyy ${SIGNATURE}`)).toBe(true);
    expect(matches(theirs)).toBe(false);
    expect(matches(theirs, { keys: [key, other] })).toBe(true);
    expect(matches(theirs, { keys: [] })).toBe(false);
  });

  it.each([
    '',
    ' ',
    'v1',
    'v1,',
    SIGNATURE.slice(3),
    SIGNATURE.slice(0, -1),
    `${SIGNATURE}=`,
    SIGNATURE.replace('v1', 'v2'),
    SIGNATURE.replace('v1', 'V1'),
    `v1,${SIGNATURE}`,
    SIGNATURE.replace(',', ' '),
    SIGNATURE.toLowerCase(),
    `v1,${'A'.repeat(44)}`,
    `v1,${'!'.repeat(44)}`,
    `${SIGNATURE},${SIGNATURE}`,
  ])('%j is none', (header) => {
    expect(matches(header)).toBe(false);
  });
});

describe('a secret', () => {
  it('is whsec_ and base64', () => {
    expect(key).toEqual(Buffer.from('MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', 'base64'));
  });

  it.each(['', 'whsec_', 'MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', 'whsec_c2hvcnQ=', 'whpk_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', 'whsec_!!!!'])(
    '%j is none, and the error does not show it',
    (text) => {
      expect(() => decodeSecret(text)).toThrow(/whsec_<base64>/);
      if (text.length > 6) expect(() => decodeSecret(text)).not.toThrow(text);
    },
  );
});

describe('a timestamp', () => {
  const now = 1_700_000_000_000;
  it.each([
    ['1700000000', true], ['1699999700', true], ['1700000300', true], ['1699999699', false], ['1700000301', false], ['0', false],
    ['', false], ['-1700000000', false], ['1700000000.5', false], [' 1700000000', false], ['1.7e9', false],
    ['0x6553f100', false], ['1700000000\n', false],
    ['9'.repeat(40), false],
  ])('%j: %p', (text, good) => {
    expect(timestampInRange(text, now, 300)).toBe(good);
  });
});

it('a fingerprint is the first half of a SHA-256', () => {
  expect(fingerprint('')).toBe('e3b0c44298fc1c149afbf4c8996fb924');
  expect(fingerprint('abc')).toBe('ba7816bf8f01cfea414140de5dae2223');
  expect(fingerprint('é')).not.toBe(fingerprint('e\u0301'));
});
