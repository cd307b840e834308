/** What an attacker, a proxy or a careless studio does to a call: the bytes or the signature changed, nothing of a dialect known. */
import type { Said, Speaker, Wire } from './contract.ts';

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
type Path = readonly (string | number)[];

/** Names of the headers that hold the signature: what differs between two bodies, and of that what is called so where anything is. */
export function signatureHeaders(speaker: Speaker, like: Wire, secret: unknown): string[] {
  const one = speaker.sign(like, Buffer.from('{"a":1}'), secret).headers;
  const other = speaker.sign(like, Buffer.from('{"a":2}'), secret).headers;
  const different = Object.keys(one).filter((name) => one[name] !== other[name]);
  const named = different.filter((name) => /sign|hash|hmac/i.test(name));
  return named.length > 0 ? named : different;
}

export const withBody = (wire: Wire, text: string): Wire => ({ ...wire, body: Buffer.from(text) });

export function unsigned(wire: Wire, names: readonly string[]): Wire {
  return { ...wire, headers: Object.fromEntries(Object.entries(wire.headers).filter(([name]) => !names.includes(name))) };
}

/** With the signature of another call. */
export const signedLike = (wire: Wire, other: Wire): Wire => ({ ...wire, headers: other.headers });

/** The call as it is, at another call's path. */
export const sentTo = (wire: Wire, other: Wire): Wire => ({ ...wire, path: other.path });

/** One character of a text in the body is another, of the same kind. */
export function altered(wire: Wire, text: string): Wire {
  const body = wire.body.toString();
  const at = body.indexOf(text) + text.length - 1;
  const turned = body.charAt(at) === '7' ? '8' : '7';
  return withBody(wire, body.slice(0, at) + turned + body.slice(at + 1));
}

/** The body with its last byte of a text in it another. */
export function withByte({ body }: Wire, text: string, byte: number): Buffer {
  const bytes = Buffer.from(body);
  bytes[bytes.indexOf(text) + Buffer.byteLength(text) - 1] = byte;
  return bytes;
}

/** The same bytes under another name of what they are. */
export const ofType = (wire: Wire, type: string): Wire => ({ ...wire, headers: { ...wire.headers, 'content-type': type } });

/** The same content, its keys the other way round. */
export const reordered = (wire: Wire): Wire =>
  withBody(wire, JSON.stringify(Object.fromEntries(Object.entries(JSON.parse(wire.body.toString()) as Record<string, Json>).reverse())));

/** The same content, written with spaces. */
export const spaced = (wire: Wire): Wire => withBody(wire, JSON.stringify(JSON.parse(wire.body.toString()), null, 1));

/** With a field that nobody knows. */
export const extended = (wire: Wire): string => JSON.stringify({ ...(JSON.parse(wire.body.toString()) as object), unheard_of: { of: ['any', 'kind'] } });

function leaves(value: Json, path: Path = []): [Path, Json][] {
  if (typeof value !== 'object' || value === null) return [[path, value]];
  return Object.entries(value).flatMap(([key, inner]) => leaves(inner, [...path, Array.isArray(value) ? Number(key) : key]));
}

/** Where in this dialect's body an amount stands: what changes with it, and does not change by itself. Undefined: not one such place. */
function amountPath(say: (amount: string) => Wire, amounts: readonly [string, string]): Path | undefined {
  const all = [amounts[0], amounts[0], amounts[1]].map((amount) => {
    try {
      return new Map(leaves(JSON.parse(say(amount).body.toString()) as Json).map(([path, value]) => [JSON.stringify(path), value]));
    } catch {
      return new Map<string, Json>();
    }
  }) as [Map<string, Json>, Map<string, Json>, Map<string, Json>];
  const [one, again, other] = all;
  const places = [...one.keys()].filter((path) => one.get(path) === again.get(path) && one.get(path) !== other.get(path));
  return places.length === 1 ? (JSON.parse(places[0] as string) as Path) : undefined;
}

export type BadAmount = 'negative' | 'too fine' | 'a word' | 'of another type' | 'missing' | 'null' | 'a list';

/** As JSON source. Undefined: the field is left out. */
function badly(how: BadAmount, good: Json, digits: number): string | undefined {
  const written = typeof good === 'string' ? (text: string) => JSON.stringify(text) : (text: string) => text;
  const plain = typeof good === 'string' ? good : JSON.stringify(good);
  switch (how) {
    case 'negative': return written(`-${plain}`);
    case 'too fine': return written(`${plain.split('.')[0]}.${(typeof good === 'string' ? '' : '0').padEnd(digits + 2, '0')}5`);
    case 'a word': return '"ten"';
    case 'of another type': return typeof good === 'string' ? plain : JSON.stringify(plain);
    case 'missing': return undefined;
    case 'null': return 'null';
    case 'a list': return `[${written(plain)}]`;
  }
}

/** A body whose amount is a bad one; undefined where this dialect's bodies have no one place for it. */
export function withBadAmount(speaker: Speaker, secret: unknown, said: Extract<Said, { amount: string }>, other: string, how: BadAmount): string | undefined {
  const say = (amount: string) => speaker.say({ ...said, amount }, secret);
  const path = amountPath(say, [said.amount, other]);
  if (!path) return undefined;
  const body = JSON.parse(say(said.amount).body.toString()) as Json;
  let holder = body as Record<string | number, Json>;
  for (const key of path.slice(0, -1)) holder = holder[key] as Record<string | number, Json>;
  const last = path.at(-1) as string | number;
  const raw = badly(how, holder[last] as Json, speaker.can.digits(said.seat.currency));
  if (raw === undefined) {
    Reflect.deleteProperty(holder, last);
    return JSON.stringify(body);
  }
  holder[last] = '\u0001amount\u0001';
  return JSON.stringify(body).replace(JSON.stringify('\u0001amount\u0001'), () => raw);
}
