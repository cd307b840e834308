/** What callers may ask of transactions, and what they are answered. The examples are run by a test, in a world that has these ids. */
import { z } from 'zod';
import { Entry, KINDS } from './entry.ts';
import { Known, OPERATIONS } from './reference.query.ts';

const ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const CONTROL = /\p{Cc}/u;
const LARGEST_ACCOUNT = 2 ** 31 - 1;
const EARLIEST = Date.UTC(1970);
const LATEST = Date.UTC(9999);

const isName = (text: string): boolean => text.length > 0 && [...text].length <= 128 && !CONTROL.test(text) && text.isWellFormed();
const NAME = { error: '1 to 128 characters, no control characters' };

/** Compared byte for byte: another spelling of an id is another id. */
export const Id = z.string().regex(ID);
export const Name = z.string().refine(isName, NAME).meta({ minLength: 1, maxLength: 128 });
const ACCOUNT = { error: 'the number of a provider account' };
const AccountNumber = z.string().regex(/^[1-9]\d{0,9}$/, { ...ACCOUNT, abort: true }).refine((text) => Number(text) <= LARGEST_ACCOUNT, ACCOUNT);
export const Account = AccountNumber.transform(Number);
export const Time = z.iso.datetime({ offset: true, abort: true, error: 'an ISO time with its offset, such as 2026-01-31T00:00:00Z' })
  .refine((text) => Date.parse(text) >= EARLIEST && Date.parse(text) < LATEST, { error: 'a time of the years 1970 to 9998', abort: true })
  .transform((text) => new Date(text).toISOString());
export const LIMIT = { error: 'a whole number from 1 to 100' };

export const EXAMPLES = {
  playerId: '01890000-0000-7000-8000-0000000000b1', currency: 'EUR', accountId: 7, roundId: 'round-1', reference: 'bet-1',
  /** the first transaction of batch 1 of lane 7 */
  transactionId: '019bd6f0-5d80-7000-8000-0001c0000001',
} as const;

export const PlayerId = Id.meta({ format: 'uuid', examples: [EXAMPLES.playerId] });
export const TransactionId = Id.meta({ format: 'uuid', examples: [EXAMPLES.transactionId] });
export const CurrencyCode = z.string().regex(/^[A-Z0-9]{3,10}$/).meta({ examples: [EXAMPLES.currency] });
export const AccountId = AccountNumber.meta({ examples: [String(EXAMPLES.accountId)] }).transform(Number);
export const RoundId = Name.meta({ examples: [EXAMPLES.roundId] });

/** Of a route that takes none but those of every view. */
export const NoFilters = z.strictObject({});

export const RoundFilters = z.strictObject({
  gameId: Name.optional().meta({
    description: 'needed where the account’s policy, or its dialect, has `roundScope: game`: there one id in two games is two rounds, and without `gameId` it '
      + 'is that of calls which name no game. Elsewhere it is not looked at.',
  }),
});
export type RoundFilters = z.infer<typeof RoundFilters>;

/** Of a list, or of a file. */
export const MOST_DAYS = 3_660;
const DAY_MS = 86_400_000;

/** What is wrong with the end of a time, in words for who calls: the same of every list. `begins`: the name of its beginning. */
export function wrongEnd(from: string | undefined, to: string | undefined, begins = 'from', days = MOST_DAYS): string | undefined {
  if (from === undefined || to === undefined) return undefined;
  const ms = Date.parse(to) - Date.parse(from);
  return ms <= 0 ? `after \`${begins}\`` : ms > days * DAY_MS ? `at most ${days} days behind \`${begins}\`` : undefined;
}
export const END = `before; at most ${MOST_DAYS} days behind \`from\``;

export const WalletFilters = z.strictObject({
  order: z.enum(['asc', 'desc']).default('desc').meta({ description: 'desc: newest first' }),
  limit: z.string().regex(/^([1-9]\d?|100)$/, LIMIT).default('50').transform(Number),
  cursor: z.string().min(1).max(2_048).optional().meta({ description: '`nextCursor` or `previousCursor` of a page of the same list and filters' }),
  kind: z.enum(KINDS).optional(),
  from: Time.optional().meta({ description: 'at or after' }),
  to: Time.optional().meta({ description: END }),
  accountId: Account.optional(),
}).superRefine(({ from, to }, context) => {
  const message = wrongEnd(from, to);
  if (message !== undefined) context.addIssue({ code: 'custom', path: ['to'], message });
});
export type WalletFilters = z.infer<typeof WalletFilters>;

export const ReferenceFilters = z.strictObject({
  reference: Name.meta({ examples: [EXAMPLES.reference] }), accountId: Account.optional(), operation: z.enum(OPERATIONS).optional(),
});
export type ReferenceFilters = z.infer<typeof ReferenceFilters>;

const AsOf = z.iso.datetime().meta({ description: 'all that callers were answered by then is in it' });

export const WalletPage = z.object({
  items: z.array(Entry),
  nextCursor: z.string().optional().meta({ description: 'absent on the last page' }),
  previousCursor: z.string().optional().meta({ description: 'absent on the first page' }),
  asOf: AsOf,
}).meta({ id: 'TransactionsOfWallet' });

export const ReferencePage = z.object({ items: z.array(Known), asOf: AsOf }).meta({ id: 'TransactionsByReference' });
