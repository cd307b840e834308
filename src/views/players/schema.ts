/** What callers may ask of one player's money and games, and what they are answered. */
import { z } from 'zod';
import { bounded, CLOCK, DAYS, MOST_DAYS, Time } from '../revenue/clock.ts';
import { NUMBERS_BODY } from '../revenue/numbers.ts';
import { CurrencyFilter } from '../revenue/schema.ts';
import { Debt, Entry, KINDS } from '../transactions/entry.ts';

const DAY_MS = 86_400_000;
const LIMIT = { error: 'a whole number from 1 to 100' };

export const StatementFilters = z.strictObject({
  currency: CurrencyFilter,
  // Not `examples`, which zod leaves out of what is asked for where it is read into another form.
  from: Time.meta({ description: 'at or after', example: '2026-01-31T00:00:00Z' }),
  to: Time.meta({ description: `before; at most ${MOST_DAYS} days`, example: '2026-02-01T00:00:00Z' }),
  limit: z.string().regex(/^([1-9]\d?|100)$/, LIMIT).default('50').transform(Number),
  cursor: z.string().min(1).max(2_048).optional().meta({ description: '`nextCursor` or `previousCursor` of a page of the same statement' }),
})
  .refine(({ from, to }) => from < to, { error: 'after `from`', path: ['to'] })
  .refine(({ from, to }) => Date.parse(to) - Date.parse(from) <= MOST_DAYS * DAY_MS, { error: `at most ${MOST_DAYS} days from \`from\` on`, path: ['to'] });
export type StatementFilters = z.infer<typeof StatementFilters>;

export const GamesFilters = bounded(z.strictObject({ ...DAYS, currency: CurrencyFilter.optional() }));
export type GamesFilters = z.infer<typeof GamesFilters>;

const AsOf = z.iso.datetime().meta({ description: 'all that callers were answered by then is in it' });
const Standing = z.object({ balance: z.string(), debt: Debt.optional() });

const Kind = z.object({
  kind: z.enum(KINDS), undoesKind: z.enum(KINDS).optional().meta({ description: 'of rollbacks: what they undo' }),
  count: z.int(), amount: z.string().meta({ description: 'what moved in the wallet, signed' }), debt: Debt.optional(),
});
export const StatementEntry = Entry.extend({
  undoesKind: z.enum(KINDS).optional(), late: z.literal(true).optional().meta({ description: 'undoes what an earlier gaming day had' }),
}).meta({ id: 'StatementEntry' });
export type StatementEntry = z.infer<typeof StatementEntry>;

export const Statement = z.object({
  playerId: z.uuid(), currency: z.string(), from: z.iso.datetime(), to: z.iso.datetime(),
  opening: Standing, closing: Standing.meta({ description: 'opening and the sums of all kinds' }),
  sums: z.array(Kind).meta({ description: 'of the whole time, whichever page this is' }),
  items: z.array(StatementEntry).meta({ description: 'oldest first' }),
  nextCursor: z.string().optional(), previousCursor: z.string().optional(), asOf: AsOf,
}).meta({ id: 'Statement' });
export type Statement = Omit<z.infer<typeof Statement>, 'asOf'>;

const Figures = {
  currency: z.string(), ...NUMBERS_BODY, rounds: z.int().meta({ description: 'that were opened on these days' }),
  roundsList: z.string().optional().meta({ description: 'these rounds, for whoever may see reports; absent where there is none', examples: ['/v1/reports/revenue/rounds'] }),
  transactions: z.string().meta({ description: 'its rows of the ledger, which sum up to it, for whoever may see reports; of a test player there are none', examples: ['/v1/reports/revenue/transactions'] }),
};
export const PlayerGames = z.object({
  playerId: z.uuid(), from: z.string(), to: z.string(), ...CLOCK,
  test: z.literal(true).optional().meta({ description: 'a test player counts in no report' }),
  items: z.array(z.object({ accountId: z.int(), provider: z.string(), gameId: z.string(), game: z.string().optional(), ...Figures })),
  totals: z.array(z.object(Figures)).meta({ description: 'one a currency' }), asOf: AsOf,
}).meta({ id: 'PlayerGames' });
export type PlayerGames = Omit<z.infer<typeof PlayerGames>, 'asOf'>;
