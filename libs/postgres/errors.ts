/**
 * What an error of a failed batch says about it, by SQLSTATE:
 * `again` the same work may be tried again at once · `poison` something in it cannot be written · `gone` the server or the connection is
 * unwell and nothing of it was done, as long as no COMMIT was under way.
 */
export type ErrorClass = 'again' | 'poison' | 'gone';

const AGAIN = new Set(['40001', '40P01', '55P03']);
const CHECK_VIOLATION = '23514';

export function sqlState(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | undefined)?.code;
  // A system error's code starts with an E, and some have five letters too (EPIPE).
  return typeof code === 'string' && /^[0-9A-DF-Z][0-9A-Z]{4}$/.test(code) ? code : undefined;
}

export function classify(error: unknown): ErrorClass {
  // A value that cannot even be sent is as bad as one that cannot be stored.
  if (error instanceof RangeError || error instanceof TypeError) return 'poison';
  const state = sqlState(error);
  if (state === undefined) return 'gone';
  if (AGAIN.has(state)) return 'again';
  // No check by a name: a row was on its way into the default partition while the partition of its month was attached.
  if (state === CHECK_VIOLATION && (error as { constraint?: string }).constraint === undefined) return 'again';
  return /^(08|25|53|57|58|XX)/.test(state) ? 'gone' : 'poison';
}
