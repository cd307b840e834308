/** docs/refusals.md: every code, what it means on the wire, whether the same call can help. */
import { CODES } from '../../../src/access/contract.ts';
import type { Meaning } from '../../../libs/http/index.ts';
import { DOOR } from '../../../src/providers/failures.ts';
import { FAULTS, REFUSALS } from '../../../src/wallet/contract.ts';

const AGAIN = { yes: 'yes', no: 'no', credit: 'not a bet: it remembers this answer under its id; a win, an award, a rollback or a close may come again' };

function table(meanings: Readonly<Record<string, Meaning>>): string {
  const rows = Object.entries(meanings).map(([code, { status, title, again }]) => `| \`${code}\` | ${status} | ${title} | ${AGAIN[again]} |`);
  return ['| code | status | meaning | same call again? |', '|---|---|---|---|', ...rows.toSorted()].join('\n');
}

export const refusalsPage = (): string => `# Codes

Made by \`npm run pages\` from the tables in the code. Every error is \`application/problem+json\` and is judged by its \`code\`; \`retryable\` says the last
column for the call at hand. Everything under 400, 401, 403, 413, 415, 429 and 5xx says only that *this attempt* did nothing (\`OUTCOME_UNKNOWN\`: may have
done something); an earlier one may have.

## Refusals: the rules say no
${table(REFUSALS)}

## Faults: this attempt did nothing, or nobody knows
${table(FAULTS)}

## Said at the providers' door, before any rule of money is asked
${table(DOOR)}

## Said by the operator's API
${table(Object.fromEntries(Object.entries(CODES).filter(([code]) => !(code in REFUSALS) && !(code in FAULTS))))}

And the refusals and faults above, where a deposit, a withdrawal or a session meets them.
`;
