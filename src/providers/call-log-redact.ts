/**
 * What may be kept of a call: all of it but what proves who somebody is. Of headers only those that are known to prove nothing are kept; in
 * bodies, paths and queries go the values of fields that are named like a secret, those same values wherever else they stand, and what looks
 * like a token by itself. What is not JSON is cut short, and all in it that is long enough to be a token goes.
 */
import type { IncomingHttpHeaders } from 'node:http';

export const MASK = '[redacted]';

const MOST_CHARACTERS = 8_192;
const MOST_UNREADABLE = 1_024;
/** A shorter one goes where its field stands and nowhere else: it might be a word. */
const LEAST_SECRET = 8;

const SECRET_NAME = /token|secret|sign|passw|pwd|auth|credential|cookie|session|bearer|jwt|hash|hmac|(^|[-_a-z])key$|api[-_]?key/i;
/** As the wires name what a provider calls a transaction or an attempt. */
export const REFERENCE_NAME =
  /^((original|bet|win|reference|provider|external)_?)?(transaction|action|issue|request|reference|bet|win)_?(id|uuid|reference)?$/i;
const ID_HEADERS = new Set(['webhook-id', 'x-request-id', 'x-request-uuid', 'x-correlation-id', 'traceparent']);
/** Where the answer stands in the database's history: no secret, though it looks like one. */
const POSITION = 'x-consistency-token';
const PLAIN_HEADERS = new Set([
  ...ID_HEADERS, 'accept', 'accept-encoding', 'accept-language', 'allow', 'cache-control', 'connection', 'content-encoding', 'content-length',
  'content-type', 'date', 'expect',
  'forwarded', 'host', 'ratelimit', 'ratelimit-policy', 'retry-after', 'transfer-encoding', 'user-agent', 'vary', 'via', 'webhook-timestamp',
  'x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto', 'x-msg-timestamp', 'x-real-ip', 'x-server-time', 'x-wallet-version',
]);
const ANSWER_HEADERS = new Set([...PLAIN_HEADERS, POSITION]);

export interface Sent {
  readonly headers: IncomingHttpHeaders;
  readonly path: string;
  readonly query: string;
  /** undefined: not read */
  readonly body: Buffer | undefined;
  readonly answerHeaders: Readonly<Record<string, string>>;
  readonly answerBody: string;
  /** what is known to be secret */
  readonly secrets: readonly string[];
}

export interface Redacted {
  readonly headers: Readonly<Record<string, string>>;
  readonly path: string;
  readonly body: string | undefined;
  readonly answerHeaders: Readonly<Record<string, string>>;
  readonly answerBody: string;
  /** of any other id of the call */
  readonly scrub: (id: string) => string;
  /** the body where it is JSON */
  readonly parsed: unknown;
}

export function redact({ headers, path, query, body, answerHeaders, answerBody, secrets: known }: Sent): Redacted {
  const secrets = new Secrets(known);
  for (const [name, value] of Object.entries(headers)) if (SECRET_NAME.test(name)) secrets.addAll(String(value));
  const text = body === undefined ? undefined : body.toString('utf8').replaceAll('\0', '');
  const parsed = text === undefined ? undefined : parsedOf(text);
  const isJson = parsed !== NOT_JSON;
  const sent = text === undefined ? [] : lexed(text);
  const answered = lexed(answerBody);
  for (const each of isJson ? [...sent, ...answered] : answered) if (each.secret) secrets.add(each.value);
  for (const part of query === '' ? [] : query.split('&')) {
    const [name = '', value = ''] = part.split('=', 2);
    if (SECRET_NAME.test(name)) secrets.addAll(decoded(value));
  }
  const shown = text === undefined ? undefined : isJson ? cut(rewritten(sent, secrets), MOST_CHARACTERS) : cut(unreadable(sent, secrets), MOST_UNREADABLE);
  return {
    headers: headersOf(headers, secrets, PLAIN_HEADERS), path: pathOf(path, query, secrets), body: shown,
    answerHeaders: headersOf(answerHeaders, secrets, ANSWER_HEADERS),
    answerBody: cut(rewritten(answered, secrets), MOST_CHARACTERS), scrub: (id) => secrets.scrub(id, LEAST_TOKEN_FOR_ID), parsed: isJson ? parsed : undefined,
  };
}

/** Values that must not be seen, in every spelling in which they might stand. */
class Secrets {
  private readonly values = new Set<string>();
  private sorted: readonly string[] | undefined;

  constructor(known: readonly string[]) {
    for (const each of known) this.add(each);
  }

  add(value: string): void {
    if (value.length < LEAST_SECRET || value === MASK) return;
    this.values.add(value);
    this.sorted = undefined;
  }

  /** Of `Bearer x`, `v1,x v1,y` and the like also each part. */
  addAll(value: string): void {
    this.add(value);
    for (const part of value.split(/[\s,;=]+/)) if (part.length >= 2 * LEAST_SECRET) this.add(part);
  }

  /** `least`: what is so long and looks like a token goes, too. */
  scrub(text: string, least: number = LEAST_TOKEN): string {
    if (text.length < LEAST_SECRET) return text;
    this.sorted ??= [...this.values].toSorted((one, other) => other.length - one.length);
    let scrubbed = text;
    for (const value of this.sorted) if (scrubbed.includes(value)) scrubbed = scrubbed.replaceAll(value, MASK);
    return scrubbed.length < least ? scrubbed : scrubbed.replace(LONG, (run) => (run.length >= least && isTokenLike(run) ? MASK : run));
  }
}

/** The wallet's own are of 43 characters. An id of a provider's making may look like one and is shorter: where ids stand, only what is as long goes. */
const LEAST_TOKEN = 28;
const LEAST_TOKEN_FOR_ID = 40;
const LONG = /[A-Za-z0-9+/=_~-]{28,}/g;
const HEX = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[0-9a-f]{16,}|[0-9A-F]{16,}/g;

/** Letters of both sizes in disorder: base64 of random bytes is that, and an id with a UUID or digits in it is not. */
function isTokenLike(run: string): boolean {
  const rest = run.replace(HEX, '');
  return rest.length >= 20 && (rest.match(/[A-Z]/g)?.length ?? 0) >= 3 && (rest.match(/[a-z]/g)?.length ?? 0) >= 3;
}

const NOT_JSON = Symbol('not JSON');

function parsedOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return NOT_JSON;
  }
}

/** Strings, brackets and commas, and what stands between them; every text is a row of these. */
const LEXEMES = /"(?:[^"\\]|\\[\s\S])*\\?(?:"|$)|[{}[\],]|[^\s"{}[\],:]+|[\s:]+/g;
const COLON = /\s*:/y;
const WORDS = new Set(['null', 'true', 'false']);

interface Lexeme {
  readonly raw: string;
  /** of a string what it says, else as it stands */
  readonly value: string;
  readonly isString: boolean;
  /** the value of a field that is named like a secret, or within one */
  readonly secret: boolean;
  /** the value of a field that is named like an id */
  readonly id: boolean;
}

/** As it is spelled, so that what is not redacted is kept byte for byte: the last of two fields of one name does not hide the first. */
function lexed(text: string): Lexeme[] {
  const lexemes: Lexeme[] = [];
  let named = false;
  let id = false;
  let within = 0;
  for (const { 0: raw, index } of text.matchAll(LEXEMES)) {
    const isString = raw.startsWith('"');
    if (isString) {
      const value = stringOf(raw);
      COLON.lastIndex = index + raw.length;
      const isKey = COLON.test(text);
      if (isKey) {
        named = SECRET_NAME.test(value);
        id = REFERENCE_NAME.test(value);
      }
      lexemes.push({ raw, value, isString, secret: !isKey && (named || within > 0), id: id && !isKey });
      if (!isKey) named = false;
      continue;
    }
    if (raw === '{' || raw === '[') {
      if (named || within > 0) within++;
      named = false;
    } else if (raw === '}' || raw === ']') {
      within = Math.max(0, within - 1);
      named = false;
    } else if (raw === ',') named = false;
    const isValue = /[^\s{}[\],:]/.test(raw) && !WORDS.has(raw);
    lexemes.push({ raw, value: raw, isString, secret: isValue && (named || within > 0), id: false });
    if (isValue) named = false;
  }
  return lexemes;
}

function stringOf(raw: string): string {
  if (!raw.includes('\\') && raw.length > 1 && raw.endsWith('"')) return raw.slice(1, -1);
  try {
    return JSON.parse(raw) as string;
  } catch {
    return raw.slice(1);
  }
}

function rewritten(lexemes: readonly Lexeme[], secrets: Secrets): string {
  let written = '';
  for (const { raw, value, isString, secret, id } of lexemes) {
    if (secret) written += JSON.stringify(MASK);
    else {
      const scrubbed = secrets.scrub(value, id ? LEAST_TOKEN_FOR_ID : LEAST_TOKEN);
      written += scrubbed === value ? raw : isString ? JSON.stringify(scrubbed) : scrubbed;
    }
  }
  return written;
}

const NAMED = /((?:token|secret|sign|passw|auth|credential|cookie|session|key|hash)[\w-]*["']?\s*[:=]\s*["']?)[^"'&\s,}]+/gi;
const RUN = /[A-Za-z0-9+/_~%.-]{16,}/g;

/** Of what cannot be read nobody knows what is a token: all that might be one goes, save what stands where a field's name does. */
function unreadable(lexemes: readonly Lexeme[], secrets: Secrets): string {
  const masked = rewritten(lexemes, secrets).replace(NAMED, `$1${MASK}`);
  const isName = (run: string, at: number) => !/\d/.test(run) && /^["']?\s*[:=]/.test(masked.slice(at + run.length, at + run.length + 8));
  return masked.replace(RUN, (run, at: number) => (isName(run, at) ? run : MASK));
}

function headersOf(headers: Readonly<Record<string, string | string[] | undefined>>, secrets: Secrets, plain: ReadonlySet<string>): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const name in headers) {
    const value = String(headers[name]);
    const least = name === POSITION ? Infinity : ID_HEADERS.has(name) ? LEAST_TOKEN_FOR_ID : LEAST_TOKEN;
    kept[secrets.scrub(name)] = plain.has(name) ? cut(secrets.scrub(value, least), MOST_UNREADABLE) : MASK;
  }
  return kept;
}

function pathOf(path: string, query: string, secrets: Secrets): string {
  const said = query === '' ? path : `${path}?${query.split('&').map(parameter).join('&')}`;
  return cut(secrets.scrub(said).replace(RUN, (run) => (/\d/.test(run) || isTokenLike(run) ? MASK : run)), MOST_UNREADABLE);
}

function parameter(part: string): string {
  const [name = ''] = part.split('=', 1);
  return SECRET_NAME.test(decoded(name)) ? `${name}=${MASK}` : part;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

const cut = (text: string, most: number): string => (text.length > most ? `${text.slice(0, most)}…` : text).replaceAll('\0', '').toWellFormed();
