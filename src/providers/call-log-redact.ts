/**
 * What may be kept of a call: all of it but what proves who somebody is. Of headers only those that are known to prove nothing are kept; in
 * bodies, paths and queries go the values of what is named like a secret, also within texts, those same values wherever else they stand, and what
 * looks like a token by itself. What is not JSON is cut short, and all in it that is long enough to be a token goes.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { lexed, namedIn, type Lexeme } from './call-log-lexemes.ts';
import { isSecretName, MASK, withoutMarked, withoutNamed } from './call-log-names.ts';
import { decoded, isTokenLike, LEAST_TOKEN, LEAST_TOKEN_FOR_ID, Secrets } from './call-log-secrets.ts';

const MOST_CHARACTERS = 8_192;
/** Of a longer one no more is written again. */
const MOST_READ = 2 * MOST_CHARACTERS;
const MOST_UNREADABLE = 1_024;
/** Of what cannot be read no more is looked at; what is masked is shorter than it was. */
const MOST_LOOKED_AT = 8 * MOST_UNREADABLE;
const LAST_LOOKED_AT = 256;

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
  for (const [name, value] of Object.entries(headers)) if (isSecretName(name)) secrets.addAll(String(value));
  const text = body === undefined ? undefined : body.toString('utf8').replaceAll('\0', '');
  const parsed = text === undefined ? undefined : parsedOf(text);
  const sent = text === undefined ? [] : parsed === undefined ? lexed(bounded(text, MOST_LOOKED_AT)) : lexed(text, MOST_READ);
  const answered = lexed(answerBody);
  const isAnswerRead = parsedOf(answerBody) !== undefined;
  for (const each of answered) learn(each, secrets);
  for (const each of sent) learn(each, secrets, parsed === undefined);
  if (text !== undefined && parsed === undefined) withoutMarked(bounded(text, MOST_LOOKED_AT), (value) => secrets.addOdd(value));
  for (const value of namedIn(parsed)) secrets.add(value);
  for (const part of query === '' ? [] : query.split('&')) {
    const [name = '', value = ''] = part.split('=', 2);
    if (isSecretName(decoded(name))) secrets.addAll(decoded(value));
  }
  withoutNamed(`${path}?${query}`, (value) => secrets.addOdd(value));
  const shown = text === undefined ? undefined : parsed === undefined ? cut(unreadable(sent, secrets), MOST_UNREADABLE) : cut(rewritten(sent, secrets), MOST_CHARACTERS);
  return {
    headers: headersOf(headers, secrets, PLAIN_HEADERS), path: pathOf(path, query, secrets), body: shown,
    answerHeaders: headersOf(answerHeaders, secrets, ANSWER_HEADERS),
    answerBody: cut(isAnswerRead ? rewritten(answered, secrets) : withoutMarked(rewritten(answered, secrets)), MOST_CHARACTERS),
    scrub: (id) => secrets.scrub(id, LEAST_TOKEN_FOR_ID), parsed,
  };
}

/** Of a text that cannot be read nobody knows what is a value: there a word is none. */
function learn({ value, isString, secret, id }: Lexeme, secrets: Secrets, odd = false): void {
  if (secret && odd) secrets.addOdd(value);
  else if (secret) secrets.add(value);
  else if (isString && !id) withoutNamed(bounded(value, MOST_READ), (each) => secrets.addOdd(each));
}

/** An object or a list; undefined of all else. */
function parsedOf(text: string): unknown {
  try {
    const parsed = JSON.parse(text) as unknown;
    return typeof parsed === 'object' && parsed !== null ? parsed : undefined;
  } catch {
    return undefined;
  }
}

/** Without the beginning of what is cut off. */
function bounded(text: string, most: number): string {
  if (text.length <= most) return text;
  const end = most - LAST_LOOKED_AT;
  return text.slice(0, end) + text.slice(end, most).replace(/[^\s"'&,;<>{}[\]]+$/, '');
}

function rewritten(lexemes: readonly Lexeme[], secrets: Secrets): string {
  let written = '';
  for (const { raw, value, isString, secret, id } of lexemes) {
    if (secret) written += JSON.stringify(MASK);
    else {
      const read = bounded(value, MOST_READ);
      const scrubbed = isString && !id ? withoutNamed(secrets.scrub(read)) : secrets.scrub(read, id ? LEAST_TOKEN_FOR_ID : LEAST_TOKEN);
      written += scrubbed === value ? raw : isString ? JSON.stringify(scrubbed) : scrubbed;
    }
  }
  return written;
}

const RUN = /[A-Za-z0-9+/_~%.-]{16,}/g;
/** Behind a field's name; behind a text of base64 stands nothing but its end. */
const IS_NAMED = /^(?:["']?\s*:|["']?\s*=(?![=&\s,;<>)}\]"']|$)|["']?\s*=["'])/;

/** Of what cannot be read nobody knows what is a token: all that might be one goes, save what stands where a field's name does. */
function unreadable(lexemes: readonly Lexeme[], secrets: Secrets): string {
  const masked = withoutMarked(rewritten(lexemes, secrets));
  const isName = (run: string, at: number) => !/\d/.test(run) && IS_NAMED.test(masked.slice(at + run.length, at + run.length + 8));
  return masked.replace(RUN, (run, at: number) => (isName(run, at) ? run : MASK));
}

function headersOf(headers: Readonly<Record<string, string | string[] | undefined>>, secrets: Secrets, plain: ReadonlySet<string>): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const name in headers) {
    const value = String(headers[name]);
    const least = name === POSITION ? Infinity : ID_HEADERS.has(name) ? LEAST_TOKEN_FOR_ID : LEAST_TOKEN;
    kept[cut(secrets.scrub(name), MOST_UNREADABLE)] = plain.has(name) ? cut(withoutNamed(secrets.scrub(value, least)), MOST_UNREADABLE) : MASK;
  }
  return kept;
}

function pathOf(path: string, query: string, secrets: Secrets): string {
  const said = query === '' ? path : `${path}?${query.split('&').map(parameter).join('&')}`;
  const masked = withoutNamed(secrets.scrub(said));
  return cut(masked.replace(RUN, (run) => (/\d/.test(run) || isTokenLike(run) ? MASK : run)), MOST_UNREADABLE);
}

function parameter(part: string): string {
  const [name = ''] = part.split('=', 1);
  return isSecretName(decoded(name)) ? `${name}=${MASK}` : part;
}

const cut = (text: string, most: number): string => (text.length > most ? `${text.slice(0, most)}…` : text).replaceAll('\0', '').toWellFormed();
