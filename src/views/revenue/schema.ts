/** What callers may ask of revenue, and what they are answered. */
import { z } from 'zod';
import { COUNTED } from './sums.ts';
import { bounded, CLOCK, Day, DAYS, Time } from './clock.ts';
import { NUMBERS_BODY, PLAIN } from './numbers.ts';
import { Entry } from '../transactions/entry.ts';
import { Id } from '../transactions/schema.ts';

export const MOST_ROWS = 2_000;
const LARGEST_ACCOUNT = 2 ** 31 - 1;
const ACCOUNT = { error: 'the number of a provider account' };
const GAME = { error: 'at most 128 characters, no control characters' };

export const CurrencyFilter = z.string().regex(/^[A-Z0-9]{3,10}$/, { error: 'a currency code in capitals' }).meta({ examples: ['EUR'] });
const Account = z.string().regex(/^[1-9]\d{0,9}$/, { ...ACCOUNT, abort: true }).refine((text) => Number(text) <= LARGEST_ACCOUNT, ACCOUNT).transform(Number);
const Game = z.string().refine((text) => [...text].length <= 128 && !/\p{Cc}/u.test(text) && text.isWellFormed(), GAME)
  .meta({ description: 'empty: what names no game' });

export const WHAT = { currency: CurrencyFilter.optional(), accountId: Account.optional(), gameId: Game.optional() };

export const PlayerFilter = Id.meta({ format: 'uuid' });

export const GROUPS = ['day', 'provider', 'game', 'currency'] as const;
export type Group = (typeof GROUPS)[number];
const isGroup = (text: string): text is Group => (GROUPS as readonly string[]).includes(text);
const GROUPED = { error: `some of ${GROUPS.join(', ')}, each once, with commas between` };

const GroupBy = z.string()
  .refine((text) => text.split(',').every(isGroup) && new Set(text.split(',')).size === text.split(',').length, GROUPED)
  .default('day').meta({
    description: `a row for each: ${GROUPED.error}. Amounts of two currencies are never added, so there is always a row a currency; a game is one of a provider, `
      + 'so that `game` has `provider` with it.',
    examples: ['day,provider'],
  });

export const RevenueFilters = bounded(z.strictObject({ ...DAYS, groupBy: GroupBy, ...WHAT }));
export type RevenueFilters = z.infer<typeof RevenueFilters>;

const LIMIT = { error: 'a whole number from 1 to 100' };
export const MovementFilters = bounded(z.strictObject({
  ...DAYS, ...WHAT, playerId: PlayerFilter.optional(),
  kind: z.enum(COUNTED).optional().meta({ description: 'with the rollbacks of such ones' }),
  since: Time.optional().meta({ description: 'at or after, within the days' }),
  until: Time.optional().meta({ description: 'before, within the days' }),
  late: z.enum(['true', 'false']).optional().meta({ description: 'only what is shown apart as late, or only the rest' }),
  limit: z.string().regex(/^([1-9]\d?|100)$/, LIMIT).default('50').transform(Number),
  cursor: z.string().min(1).max(2_048).optional().meta({ description: '`nextCursor` of the page before, of the same filters' }),
}));
export type MovementFilters = z.infer<typeof MovementFilters>;

export const LockedFilters = bounded(z.strictObject(DAYS));
export type LockedFilters = z.infer<typeof LockedFilters>;

const AsOf = z.iso.datetime().meta({ description: 'all that callers were answered by then is in it' });
const Link = z.string().meta({ description: 'its rows of the ledger, which sum up to it', examples: ['/v1/reports/revenue/transactions?from=2026-01-31&to=2026-01-31&currency=EUR&late=false'] });
const Late = z.object({ ...NUMBERS_BODY, transactions: Link })
  .meta({ description: 'apart from the rest: rollbacks of what an earlier day had, and what came after the day was locked; absent where there is nothing' });

const listOf = (what: string, list: string) => z.string().optional()
  .meta({ description: `${what}: as many as are counted; absent where there is none`, examples: [`/v1/reports/revenue/${list}`] });
export const PlayersLink = listOf('these players, each once, with what he played', 'players?from=2026-01-31&to=2026-01-31&currency=EUR');

const Measured = {
  ...NUMBERS_BODY,
  rounds: z.object({
    opened: z.int().meta({ description: 'rounds whose first transaction was then' }),
    ended: z.int().meta({ description: 'rounds that were first closed or cancelled then' }),
    openedList: listOf('the opened rounds', 'rounds?from=2026-01-31&to=2026-01-31&currency=EUR&of=opened'),
    endedList: listOf('the ended rounds', 'rounds?from=2026-01-31&to=2026-01-31&currency=EUR&of=ended'),
  }),
  activePlayers: z.int().meta({ description: 'players with an accepted bet; each counts once' }),
  late: Late.optional(),
  players: PlayersLink,
  transactions: Link,
};
export const RevenueRow = z.object({
  day: z.string().optional(), locked: z.literal(true).optional().meta({ description: 'of a day: its figures stand' }),
  accountId: z.int().optional(), provider: z.string().optional(),
  gameId: z.string().optional().meta({ description: 'empty: no game was named' }), game: z.string().optional().meta({ description: 'its name, where it is known' }),
  currency: z.string(), ...Measured,
});
export type RevenueRow = z.infer<typeof RevenueRow>;
export const RevenueTotal = z.object({ currency: z.string(), ...Measured });
export type RevenueTotal = z.infer<typeof RevenueTotal>;

export const RevenueReport = z.object({
  from: Day, to: Day, ...CLOCK,
  items: z.array(RevenueRow), totals: z.array(RevenueTotal).meta({ description: 'one a currency' }),
  activePlayers: z.int().meta({ description: 'in any currency; each counts once' }), players: PlayersLink,
  asOf: AsOf,
}).meta({ id: 'RevenueReport' });
export type RevenueReport = Omit<z.infer<typeof RevenueReport>, 'asOf'>;

const Adds = z.object(Object.fromEntries(Object.entries(PLAIN).map(([name, schema]) => [name, schema.optional()])) as { [Name in keyof typeof PLAIN]: z.ZodOptional<(typeof PLAIN)[Name]> })
  .meta({ description: 'what it adds to each number of its day' });
export const RevenueMovement = Entry.extend({
  day: Day, accountId: z.int(), gameId: z.string().optional().meta({ description: 'of a rollback: the game of what it undoes' }),
  undoesKind: z.enum(COUNTED).optional(), late: z.literal(true).optional(), adds: Adds,
}).meta({ id: 'RevenueMovement' });
export type RevenueMovement = z.infer<typeof RevenueMovement>;
export const RevenueMovements = z.object({ items: z.array(RevenueMovement), nextCursor: z.string().optional(), asOf: AsOf }).meta({ id: 'RevenueMovements' });

export const LockedDays = z.object({ ...CLOCK, items: z.array(z.object({ day: Day, lockedAt: z.iso.datetime() })), asOf: AsOf }).meta({ id: 'LockedDays' });
