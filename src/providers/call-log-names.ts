/** How secrets are named, and how they stand in texts: `token=x`, `"token": "x"`, `Bearer x`, `<Token>x</Token>`, however they are escaped. */

export const MASK = '[redacted]';
/** A shorter one goes where its field stands and nowhere else: it might be a word. */
export const LEAST_SECRET = 8;

const PARTS = 'token|secret|sig|pass|pwd|auth|credential|cookie|session|bearer|jwt|hash|hmac|digest|checksum|private|api[-_]?key';
const SECRET_NAME = new RegExp(`${PARTS}|(^|[-_a-z])key$`, 'i');
/** Too short to be looked for within words: whole names, or the last part of one. */
const SHORT_NAME = /(?:^|[^A-Za-z]|[a-z](?=[A-Z]))(?:[Pp]in|PIN|[Oo]tp|OTP|[Ss]id|SID|[Mm]ac|MAC|[Tt]icket|[Cc]v[cv]2?|CV[CV]2?)$/;

export const isSecretName = (name: string): boolean => SECRET_NAME.test(name) || SHORT_NAME.test(name);

/** Of a list of pairs: what may name the other half of one. */
export const isSecretLabel = (text: string): boolean => text.length <= 40 && /^[\w.-]+$/.test(text) && isSecretName(text);

/** Counts are bounded: what is hostile must not be looked at again for each of its letters. */
const GAP = '(?:[\\\\"\'\\s\\]]|%2[02]|%5D|&quot;){0,8}';
const VALUE = '(?:[^"\'&\\s,;}\\\\<>%]|%(?!2[026C]|[57]D|3B)[0-9A-F]{2}|%(?![0-9A-F]{2}))+';
const SCHEME = '(?:bearer|basic|digest|token)\\s{1,4}';
/** Names too short for `PARTS`, by themselves. */
const SHORT = '(?:(?<![A-Za-z])|(?<=%[0-9A-F]{2}))(?:pin|otp|sid|mac|ticket|cvv|cvc)(?![A-Za-z])';
const NAMED = new RegExp(`((?:${PARTS}|key|${SHORT})[\\w-]{0,40}${GAP}(?:[:=>]|%3[AD])${GAP}(?:${SCHEME})?|\\b(?:bearer|basic)\\s{1,4}|:\\/\\/[^\\s/:@]{0,64}:(?=[^\\s/@]{1,256}@))(${VALUE})`, 'gi');
/** No text without one of these has any. */
const MAY_NAME = /[:=>%]|bearer|basic/i;
/** An element with attributes, or what stands in one as it is; a part of a form. */
const ELEMENT = new RegExp(`(<[\\w:.-]{0,40}?(?:${PARTS}|key|${SHORT})[\\w.-]{0,40}(?:\\s[^<>]{0,200})?>\\s{0,8}(?:<!\\[CDATA\\[)?)((?:[^<\\]]|\\](?!\\]>))+)`, 'gi');
const PART = /(name="([^"\r\n]{0,80})"[^\r\n]{0,200}\r?\n(?:[^\r\n]{1,200}\r?\n){0,4}\r?\n)([^\r\n]+)/gi;

type Told = (value: string) => void;
const nobody: Told = () => undefined;

/** A text without the values of what it names as secret; each of them is told. */
export function withoutNamed(text: string, told: Told = nobody): string {
  if (!MAY_NAME.test(text)) return text;
  return text.replace(NAMED, (whole, before: string, value: string) => (value === MASK ? whole : (told(value), before + MASK)));
}

/** The same of a text that may be XML or a form of several parts. */
export function withoutMarked(text: string, told: Told = nobody): string {
  const marked = text.replace(ELEMENT, (_, before: string, value: string) => (told(value.trim()), before + MASK))
    .replace(PART, (whole, before: string, name: string, value: string) => (isSecretName(name) ? (told(value), before + MASK) : whole));
  return withoutNamed(marked, told);
}
