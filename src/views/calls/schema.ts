/** What callers may ask of the call log, and what they are answered. */
import { z } from 'zod';
import { Account, Id, LIMIT, Name, Time, wrongEnd } from '../transactions/schema.ts';

const REQUEST_ID = /^[\x21-\x7e]{1,128}$/;
export const LONGEST_DAYS = 400;
const DAY_MS = 86_400_000;

export const RESULTS = ['accepted', 'refused', 'turned_away', 'failed'] as const;

export const RequestId = z.string().regex(REQUEST_ID).meta({ examples: ['msg_2KWPBgLlAfxdpx2AI54pPJ85f4W'], description: '`x-request-id` of the answer' });

export const CallFilters = z.strictObject({
  reference: Name.optional().meta({ description: 'any id by which the call named a transaction or itself' }),
  playerId: Id.optional().meta({ format: 'uuid' }),
  accountId: Account.optional(),
  code: z.string().regex(/^[A-Za-z_]{1,64}$/, { error: 'a code such as INSUFFICIENT_FUNDS' }).optional()
    .meta({ description: 'what it came to, in the wallet’s own words, whatever the dialect calls it' }),
  result: z.enum(RESULTS).optional(),
  from: Time.optional().meta({ description: `at or after; at most ${LONGEST_DAYS} days ago where there is no \`to\`` }),
  to: Time.optional().meta({ description: `before; at most ${LONGEST_DAYS} days behind \`from\`` }),
  limit: z.string().regex(/^([1-9]\d?|100)$/, LIMIT).default('50').transform(Number),
  cursor: z.string().min(1).max(2_048).optional().meta({ description: '`nextCursor` of a page of the same filters' }),
}).superRefine(({ from, to }, context) => {
  if (from === undefined) return;
  const message = to === undefined ? (Date.now() - Date.parse(from) > LONGEST_DAYS * DAY_MS ? `at most ${LONGEST_DAYS} days ago` : undefined) : wrongEnd(from, to, 'from', LONGEST_DAYS);
  if (message !== undefined) context.addIssue({ code: 'custom', path: [to === undefined ? 'from' : 'to'], message });
});
export type CallFilters = z.infer<typeof CallFilters>;

const Headers = z.record(z.string(), z.string()).meta({ description: 'those that prove who somebody is without their values' });

/** Without what was sent and answered, for lists. */
export const LoggedCall = z.object({
  requestId: z.string(),
  at: z.iso.datetime().meta({ description: 'when it came' }),
  accountId: z.int(),
  dialect: z.string(),
  operation: z.string().optional().meta({ description: 'absent where its path names none' }),
  method: z.string(),
  path: z.string().meta({ description: 'below the account’s base path' }),
  source: z.string().optional().meta({ description: 'the address it came from' }),
  playerId: z.uuid().optional(),
  references: z.array(z.string()).meta({ description: 'the ids that it named' }),
  status: z.int().meta({ description: 'of HTTP' }),
  result: z.enum(RESULTS).meta({
    description: 'accepted · refused: by a rule of money · turned_away: before any rule was asked (form, signature, path, too often) · failed: a fault, to be tried again',
  }),
  code: z.string(),
  ms: z.number().optional().meta({ description: 'to the answer; absent where it was turned away by its head' }),
  transactions: z.array(z.object({ transactionId: z.uuid(), href: z.string() })).meta({ description: 'what it booked, or was found to have booked before' }),
}).meta({ id: 'LoggedCall' });
export type LoggedCall = z.infer<typeof LoggedCall>;

export const WholeCall = LoggedCall.extend({
  request: z.object({
    headers: Headers, body: z.string().optional().meta({ description: 'absent where it was not read; cut where it is long, and without secrets' }),
    bytes: z.int().optional().meta({ description: 'of the body as it came' }),
  }),
  answer: z.object({ headers: Headers, body: z.string(), bytes: z.int() }),
}).meta({ id: 'WholeLoggedCall' });
export type WholeCall = z.infer<typeof WholeCall>;

const AsOf = z.iso.datetime().meta({ description: 'all that providers were answered by then is in it, unless the database was away' });

export const CallsPage = z.object({
  items: z.array(LoggedCall), nextCursor: z.string().optional().meta({ description: 'absent on the last page' }), asOf: AsOf,
}).meta({ id: 'LoggedCalls' });
export const CallsOfRequest = z.object({
  items: z.array(WholeCall).meta({ description: 'newest first: attempts may bear one id' }), asOf: AsOf,
}).meta({ id: 'CallsOfRequest' });
