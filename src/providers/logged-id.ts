/** A request's id as a line of the log may bear it. */
import { LEAST_TOKEN_FOR_ID, withoutTokens } from './call-log-secrets.ts';

const MOST = 128;
/** As nearly all are: too short to be a token. */
const PLAIN = new RegExp(`^[\\x21-\\x7e]{1,${LEAST_TOKEN_FOR_ID - 1}}$`);
const UNPRINTABLE = /[^\x21-\x7e]/g;

/**
 * Whoever calls chooses it, and a dialect may answer with one of its own: so it is of at most 128 printable characters whatever came, and what looks
 * like a token in it is not shown, as in the log of calls.
 */
export function loggedId(id: string | undefined): string | undefined {
  if (id === undefined || PLAIN.test(id)) return id;
  // Cut last: the beginning of a token is not known for one.
  return withoutTokens(id.slice(0, 8 * MOST).replace(UNPRINTABLE, '?'), LEAST_TOKEN_FOR_ID).slice(0, MOST);
}
