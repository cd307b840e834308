import { describe, expect, it } from '@jest/globals';
import { NotJson, parseJson } from './index.ts';

const parse = (text: string) => parseJson(Buffer.from(text));

describe('a body', () => {
  it.each([
    '{}', '[]', '1', 'null', '"a:b"', '{"a":1,"b":{"a":2},"c":[{"a":3},{"a":4}]}', '{"a\\"b":1,"a":2}', '{"a":"{\\"a\\":1,\\"a\\":2}"}', '{"":0,"a":":"}',
    ' {"a" : [ ] , "b" : { } } ',
  ])('%s is JSON', (text) => {
    expect(parse(text)).toEqual(JSON.parse(text));
  });

  it.each(['', '{', '{a:1}', '{"a":1,}', 'NaN', "{'a':1}", '{"a":1}{"a":1}', '\ufeff{}'])('%j is none', (text) => {
    expect(() => parse(text)).toThrow(new NotJson('not JSON'));
  });

  it.each(['{"a":1,"a":1}', '{"a":1,"\\u0061":2}', '{"b":[{"a":1,"c":{},"a":2}]}', '{"a":{"x":1},"b":"}","a":[]}', '{"__proto__":1,"__proto__":2}'])(
    '%s says something twice', (text) => {
      expect(() => parse(text)).toThrow(new NotJson('a name stands twice in one object'));
    });

  it('is UTF-8', () => {
    expect(() => parseJson(Buffer.from([0x22, 0xff, 0x22]))).toThrow(new NotJson('not UTF-8'));
  });

  it('of 64 KiB takes no longer for what is nested in it', () => {
    const before = process.cpuUsage();
    expect(() => parse(`${'['.repeat(60_000)}`)).toThrow(NotJson);
    expect(parse(`${'['.repeat(5_000)}${']'.repeat(5_000)}`)).toHaveLength(1);
    expect(parse(`{${Array.from({ length: 5_000 }, (_, i) => `"k${i}":0`).join()}}`)).toHaveProperty('k4999', 0);
    // Of this process, so that whoever else is busy does not count.
    expect(process.cpuUsage(before).user).toBeLessThan(1_500_000);
  });
});
