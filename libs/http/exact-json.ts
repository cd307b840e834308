import { isUtf8 } from 'node:buffer';
import { NotJson } from './json.ts';

/** A number as it stood in a text, where a float of it may be another: with a point, an exponent or too many digits. */
export class JsonNumber {
  constructor(readonly source: string) {}

  /** Written as it was read. */
  toJSON(): unknown {
    return rawNumber(this.source);
  }
}

/** In an object that is written as JSON: these digits, unquoted. */
export const rawNumber = (digits: string): object => (JSON as unknown as { rawJSON(text: string): object }).rawJSON(digits);

/** Finds each such number, and now and then a text within a string that looks like one: the slower way is right for every text. */
const MAY_BE_INEXACT = /(?:^|[:,[])[ \t\r\n]*-?(?:\d{16}|\d+[.eE])/;
const INTEGER = /^-?\d+$/;

type Reviver = (this: unknown, name: string, value: unknown) => unknown;

const keepSource = (_name: string, value: unknown, context: { source?: string }): unknown => {
  if (typeof value !== 'number' || context.source === undefined) return value;
  return Number.isSafeInteger(value) && INTEGER.test(context.source) ? value : new JsonNumber(context.source);
};

/**
 * Bytes → JSON; a number that is no plain safe integer comes as `JsonNumber`. Of a name that stands twice in one object the last counts, as
 * everywhere in JavaScript. Throws `NotJson`, also for what is nested too deep.
 */
export function parseExactJson(raw: Buffer): unknown {
  if (!isUtf8(raw)) throw new NotJson('not UTF-8');
  const text = raw.toString('utf8');
  try {
    return MAY_BE_INEXACT.test(text) ? JSON.parse(text, keepSource as Reviver) : JSON.parse(text);
  } catch {
    throw new NotJson('not JSON');
  }
}
