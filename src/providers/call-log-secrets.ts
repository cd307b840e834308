/** Values that must not be seen, in every spelling in which they might stand. */
import { LEAST_SECRET, MASK } from './call-log-names.ts';

/** The wallet's own are of 43 characters. An id of a provider's making may look like one and is shorter: where ids stand, only what is as long goes. */
export const LEAST_TOKEN = 28;
export const LEAST_TOKEN_FOR_ID = 40;
/** Of a call with more secrets nothing is shown: to look for each of them in each of its parts would cost more than the call. */
const MOST_SECRETS = 100;
/** Beyond so many only the usual spellings are looked for. */
const MOST_SPELLED = 16;
const LONG = /[A-Za-z0-9+/=_~-]{28,}/g;
const HEX = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[0-9a-f]{16,}|[0-9A-F]{16,}/g;

export class Secrets {
  private readonly values = new Set<string>();
  private sorted: readonly string[] | undefined;

  constructor(known: readonly string[]) {
    for (const each of known) this.add(each);
  }

  add(value: string): void {
    if (value.length < LEAST_SECRET || value === MASK || this.tooMany) return;
    this.values.add(value);
    this.sorted = undefined;
  }

  /** Of a text that only looks like the value of a secret: a word may be a word. */
  addOdd(value: string): void {
    if (value.length < 2 * LEAST_SECRET && !/\d/.test(value)) return;
    this.add(value);
    if (value.includes('%')) this.add(decoded(value));
  }

  /** Of `Bearer x`, `v1,x v1,y` and the like also each part. */
  addAll(value: string): void {
    this.add(value);
    for (const part of value.split(/[\s,;=]+/)) if (part.length >= 2 * LEAST_SECRET) this.add(part);
  }

  /** `least`: what is so long and looks like a token goes, too. */
  scrub(text: string, least: number = LEAST_TOKEN): string {
    if (text.length < LEAST_SECRET) return text;
    if (this.tooMany) return MASK;
    this.sorted ??= this.spelled().toSorted((one, other) => other.length - one.length);
    let scrubbed = text;
    for (const value of this.sorted) if (scrubbed.includes(value)) scrubbed = scrubbed.replaceAll(value, MASK);
    return withoutTokens(scrubbed, least);
  }

  private get tooMany(): boolean {
    return this.values.size > MOST_SECRETS;
  }

  private spelled(): string[] {
    const all = [...this.values];
    const escaped = all.map((value) => encodeURIComponent(value.toWellFormed()));
    const small = escaped.map((value) => value.replaceAll(/%[0-9A-F]{2}/g, (letter) => letter.toLowerCase()));
    const coded = all.length > MOST_SPELLED ? [] : all.flatMap((value) => [
      JSON.stringify(value).slice(1, -1), Buffer.from(value).toString('base64').replace(/=+$/, ''), Buffer.from(value).toString('base64url'), Buffer.from(value).toString('hex'),
    ]);
    return [...new Set([...all, ...escaped, ...small, ...coded])];
  }
}

/** What is so long and looks like a token goes. */
export function withoutTokens(text: string, least: number): string {
  return text.length < least ? text : text.replace(LONG, (run) => (run.length >= least && isTokenLike(run) ? MASK : run));
}

/** Letters of both sizes in disorder: base64 of random bytes is that, and an id with a UUID or digits in it is not. */
export function isTokenLike(run: string): boolean {
  const rest = run.replace(HEX, '');
  return rest.length >= 20 && (rest.match(/[A-Z]/g)?.length ?? 0) >= 3 && (rest.match(/[a-z]/g)?.length ?? 0) >= 3;
}

/** Also what was escaped twice. */
export function decoded(text: string): string {
  let plain = text;
  for (let times = 0; times < 3 && plain.includes('%'); times++) {
    try {
      plain = decodeURIComponent(plain);
    } catch {
      break;
    }
  }
  return plain;
}
