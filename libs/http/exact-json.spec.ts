import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { JsonNumber, NotJson, parseExactJson } from './index.ts';

const parse = (text: string) => parseExactJson(Buffer.from(text));
const source = (text: string) => new JsonNumber(text);

describe('a number', () => {
  it.each(['0', '-0', '1', '-7', '100500', '999999999999999', '9007199254740991', '-9007199254740991', '1000000000000000'])('%s is plain and safe, and stays a number', (text) => {
    for (const [whole, value] of [[text, JSON.parse(text)], [`[${text}]`, [JSON.parse(text)]], [`{"a": ${text}}`, { a: JSON.parse(text) }]] as const) expect(parse(whole)).toEqual(value);
  });

  it.each(['1.0', '0.1', '-0.0', '1e3', '1E3', '1e+3', '1e-3', '12.50', '9007199254740992', '9007199254740993', '12345678901234567890', '-12345678901234567890', '1e400', '0.10'])(
    '%s may be another as a float, and comes as it stood there, wherever it stands', (text) => {
      expect(parse(text)).toEqual(source(text));
      expect(parse(` [ ${text} ,1]`)).toEqual([source(text), 1]);
      expect(parse(`{"a":\r\n\t${text},"b":{"c":[[${text}]]}}`)).toEqual({ a: source(text), b: { c: [[source(text)]] } });
    });

  it('beside exact ones is no hindrance to them: 1 stays 1', () => {
    expect(parse('{"a":1,"b":2.5,"c":"3.5","d":null,"e":true}')).toEqual({ a: 1, b: source('2.5'), c: '3.5', d: null, e: true });
  });

  it('that is only written in a string is that string', () => {
    for (const text of ['1.5', '[1.5', ',12345678901234567890', ': 1e3', '"1.5"', '\\:1.5']) expect(parse(JSON.stringify({ a: text, b: [text] }))).toEqual({ a: text, b: [text] });
  });

  it('is written again as it was read', () => {
    const text = '{"a":1.0,"b":[12345678901234567890,1e3,-0.50],"c":7}';
    expect(JSON.stringify(parse(text))).toBe(text);
  });

  it('of any digits is either the number that it says, or its source', () => {
    const digits = fc.string({ unit: fc.constantFrom(...'0123456789'), minLength: 1, maxLength: 25 }).map((text) => text.replace(/^0+(?=\d)/, ''));
    const number = fc.tuple(fc.constantFrom('', '-'), digits, fc.option(digits), fc.option(fc.tuple(fc.constantFrom('e', 'E'), fc.constantFrom('', '+', '-'), fc.integer({ min: 0, max: 40 }))))
      .map(([sign, whole, fraction, exponent]) => `${sign}${whole}${fraction === null ? '' : `.${fraction}`}${exponent === null ? '' : exponent.join('')}`);
    fc.assert(fc.property(number, (text) => {
      const { a } = parse(`{"a":${text}}`) as { a: unknown };
      if (a instanceof JsonNumber) expect(a.source).toBe(text);
      else expect([Number.isSafeInteger(a), BigInt(text)]).toEqual([true, BigInt(a as number)]);
    }), { numRuns: 2_000 });
  });
});

describe('a body', () => {
  it.each(['', '{', '{a:1}', '{"a":1,}', 'NaN', '01', '1.', '.5', '+1', '0x10', '1_000', "{'a':1}", '{"a":1.5}{"a":1}', '\ufeff{}', '1.5.5'])('%j is not JSON', (text) => {
    expect(() => parse(text)).toThrow(new NotJson('not JSON'));
  });

  it('is UTF-8', () => {
    for (const bytes of [[0x22, 0xff, 0x22], [0x22, 0xc3, 0x28, 0x22], [0x22, 0xed, 0xa0, 0x80, 0x22], [0xff, 0xfe, 0x31, 0x00]]) {
      expect(() => parseExactJson(Buffer.from(bytes))).toThrow(new NotJson('not UTF-8'));
    }
  });

  it('that says a name twice means the last of them, exact or not', () => {
    expect(parse('{"a":1,"a":2}')).toEqual({ a: 2 });
    expect(parse('{"a":1.5,"a":2}')).toEqual({ a: 2 });
    expect(parse('{"a":2,"a":1.5}')).toEqual({ a: source('1.5') });
  });

  it('has fields of any name, and none of them reaches a prototype', () => {
    const value = parse('{"__proto__":{"polluted":1.5},"constructor":1}') as Record<string, unknown>;
    expect(Object.keys(value)).toEqual(['__proto__', 'constructor']);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
  });

  it('nested deep enough to hurt is not JSON, or is read; it never takes the process with it', () => {
    const depth = 32_000;
    for (const [open, close] of [['[', ']'], ['{"a":', '}']] as const) {
      for (const within of ['1', '1.5']) {
        const text = `${open.repeat(depth)}${within}${close.repeat(depth)}`;
        try {
          expect(typeof parse(text)).toBe('object');
        } catch (error) {
          expect(error).toEqual(new NotJson('not JSON'));
        }
      }
      expect(() => parse(open.repeat(depth))).toThrow(NotJson);
    }
  });

  it('of 64 KiB of what nearly looks like numbers is read in no time', () => {
    const started = performance.now();
    for (const part of ['1,', '[ ', ',          ', '"1.', '999999999999999,', '-']) {
      try {
        parse(`[${part.repeat(Math.floor(65_000 / part.length))}1]`);
      } catch (error) {
        expect(error).toBeInstanceOf(NotJson);
      }
    }
    expect(performance.now() - started).toBeLessThan(1_000);
  });
});
