/** A text as a row of strings, brackets and what stands between them, so that what is not redacted is kept byte for byte, whether or not it is JSON. */
import { isSecretLabel, isSecretName, LEAST_SECRET } from './call-log-names.ts';

/** As the wires name what a provider calls a transaction or an attempt. */
export const REFERENCE_NAME =
  /^((original|bet|win|reference|provider|external)_?)?(transaction|action|issue|request|reference|bet|win)_?(id|uuid|reference)?$/i;

/** Strings, what stands between them, and whatever else has no quotes; every text is a row of these. */
const LEXEMES = /"(?:[^"\\]|\\[\s\S])*\\?(?:"|$)|[\s{}[\],:]+|[^\s"{}[\],:]+/g;
const BETWEEN = /^[\s{}[\],:]/;
const COLON = /\s*:/y;
const WORDS = new Set(['null', 'true', 'false']);
/** Of `{ "name": "token", "value": "x" }`. */
const LABEL = /^(name|key|field|param|parameter|header|attribute|property|k|n)$/i;
const LABELLED = /^(value|val|v|content|data|text)$/i;

export interface Lexeme {
  readonly raw: string;
  /** of a string what it says, else as it stands */
  readonly value: string;
  readonly isString: boolean;
  /** the value of a field that is named like a secret, or within one */
  readonly secret: boolean;
  /** the value of a field that is named like an id */
  readonly id: boolean;
}

/** The last of two fields of one name does not hide the first. Of a long text those that begin before `most`. */
export function lexed(text: string, most = Infinity): Lexeme[] {
  const lexemes: Lexeme[] = [];
  let [named, id, label, labelled] = [false, false, false, false];
  let within = 0;
  for (const { 0: raw, index } of text.matchAll(LEXEMES)) {
    if (index >= most) break;
    if (raw.startsWith('"')) {
      const value = stringOf(raw);
      COLON.lastIndex = index + raw.length;
      const isKey = COLON.test(text);
      lexemes.push({ raw, value, isString: true, secret: isKey ? within > 0 && mayBeSecret(value) : named || within > 0, id: id && !isKey });
      if (isKey) {
        named = isSecretName(value) || (labelled && LABELLED.test(value));
        id = REFERENCE_NAME.test(value);
        label = LABEL.test(value);
      } else {
        labelled ||= label && isSecretLabel(value);
        named = label = false;
      }
      continue;
    }
    const isBetween = BETWEEN.test(raw);
    const isValue = !isBetween && !WORDS.has(raw);
    lexemes.push({ raw, value: raw, isString: false, secret: isValue && (named || within > 0), id: false });
    if (isValue) named = false;
    for (const mark of isBetween ? raw.slice(0, most) : '') {
      if (mark === ',') named = false;
      const depth = '[{'.includes(mark) ? 1 : ']}'.includes(mark) ? -1 : 0;
      if (depth === 0) continue;
      if (depth < 0 || named || within > 0) within = Math.max(0, within + depth);
      named = labelled = false;
    }
  }
  return lexemes;
}

/** Of a name within what is secret, as in `{ "sessions": { "x": 1 } }`. */
const mayBeSecret = (name: string): boolean => name.length >= 2 * LEAST_SECRET || (name.length >= LEAST_SECRET && /\d/.test(name));

function stringOf(raw: string): string {
  if (!raw.includes('\\') && raw.length > 1 && raw.endsWith('"')) return raw.slice(1, -1);
  try {
    return JSON.parse(raw) as string;
  } catch {
    return raw.slice(1);
  }
}

/**
 * What is named like a secret, wherever it stands: the values of fields, and the other halves of pairs, as in `["token", "x"]`, `["Host", "a", "Cookie", "x"]`
 * and objects whose value stands first.
 */
export function* namedIn(json: unknown): Generator<string> {
  const left: unknown[] = [json];
  while (left.length > 0) {
    const value = left.pop();
    if (Array.isArray(value)) {
      for (const [i, part] of value.entries()) {
        if (typeof part === 'object') left.push(part);
        else if (i % 2 === 1 && value.length % 2 === 0 && typeof part === 'string' && isLabel(value[i - 1])) yield part;
      }
    } else if (typeof value === 'object' && value !== null) {
      const isPair = Object.entries(value).some(([name, label]) => LABEL.test(name) && isLabel(label));
      for (const [name, part] of Object.entries(value) as [string, unknown][]) {
        if (typeof part === 'object') left.push(part);
        else if (typeof part === 'string' && (isSecretName(name) || (isPair && LABELLED.test(name)))) yield part;
      }
    }
  }
}

const isLabel = (text: unknown): boolean => typeof text === 'string' && isSecretLabel(text);
