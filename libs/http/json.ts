import { isUtf8 } from 'node:buffer';

/** A body that cannot be taken for what its sender meant. The message says why and quotes nothing of it. */
export class NotJson extends Error {}

const TOKENS = /"(?:[^"\\]|\\.)*"|[{}[\],:]/g;

/** Bytes → JSON. A name that stands twice in one object is refused: which of the two is meant, every reader answers in its own way. */
export function parseJson(raw: Buffer): unknown {
  if (!isUtf8(raw)) throw new NotJson('not UTF-8');
  const text = raw.toString('utf8');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new NotJson('not JSON');
  }
  if (hasTwins(text)) throw new NotJson('a name stands twice in one object');
  return value;
}

/** Of a text that is JSON. */
function hasTwins(text: string): boolean {
  const open: (Set<string> | undefined)[] = [];
  let last = '';
  for (const [token] of text.matchAll(TOKENS)) {
    if (token === '{') open.push(new Set());
    else if (token === '[') open.push(undefined);
    else if (token === '}' || token === ']') open.pop();
    else if (token === ':') {
      const names = open.at(-1);
      const name = JSON.parse(last) as string;
      if (names?.has(name)) return true;
      names?.add(name);
    }
    last = token;
  }
  return false;
}
