/** What callers may ask of rounds, and what they are answered. */
import { z } from 'zod';
import { Account, CurrencyCode, EXAMPLES, Id, LIMIT, MOST_DAYS, Name, Time, wrongEnd } from '../transactions/schema.ts';

export const STATES = ['open', 'closed', 'cancelled'] as const;

/** of a page */
export const MOST_ROWS = 100;
const MOST_SECONDS = MOST_DAYS * 86_400;
const AGE = { error: `whole seconds, at most ${MOST_SECONDS}` };
const AMOUNT = { error: 'an amount such as 10.00' };

const End = (begins: string) => Time.optional().meta({ description: `before; at most ${MOST_DAYS} days behind \`${begins}\`` });

const Filters = z.strictObject({
  state: z.enum(STATES).optional(),
  playerId: Id.optional().meta({ format: 'uuid' }),
  accountId: Account.optional(),
  gameId: z.literal('').or(Name).optional().meta({ description: 'empty: rounds in which no call named a game' }),
  currency: CurrencyCode.optional(),
  openedFrom: Time.optional().meta({ description: 'at or after' }),
  openedTo: End('openedFrom'),
  endedFrom: Time.optional().meta({ description: 'closed or cancelled at or after' }),
  endedTo: End('endedFrom'),
  lastFrom: Time.optional().meta({ description: 'last activity at or after' }),
  lastTo: End('lastFrom'),
  olderThanSeconds: z.string().regex(/^(0|[1-9]\d{0,9})$/, { ...AGE, abort: true }).refine((text) => Number(text) <= MOST_SECONDS, AGE).transform(Number).optional()
    .meta({ description: 'without any activity for so long' }),
  minExposure: z.string().regex(/^(0|[1-9]\d{0,17})(\.\d{1,18})?$/, AMOUNT).optional().meta({ description: 'staked by bets in force; needs `currency`' }),
  order: z.enum(['asc', 'desc']).default('desc').meta({ description: 'by last activity; desc: newest first' }),
  limit: z.string().regex(/^([1-9]\d?|100)$/, LIMIT).default('50').transform(Number),
  cursor: z.string().min(1).max(2_048).optional().meta({ description: '`nextCursor` of a page of the same list and filters' }),
});

const RANGES = [['openedFrom', 'openedTo'], ['endedFrom', 'endedTo'], ['lastFrom', 'lastTo']] as const;

export const RoundsFilters = Filters.superRefine((filters, context) => {
  const wrong = (field: string, message: string) => context.addIssue({ code: 'custom', path: [field], message });
  for (const [from, to] of RANGES) {
    const message = wrongEnd(filters[from], filters[to], from);
    if (message !== undefined) wrong(to, message);
  }
  if (filters.minExposure !== undefined && filters.currency === undefined) wrong('currency', 'minExposure is an amount of a currency: which one?');
});
export type RoundsFilters = z.infer<typeof RoundsFilters>;

const Amount = (description: string) => z.string().meta({ description, examples: ['12.50'] });
const AsOf = z.iso.datetime().meta({ description: 'all that callers were answered by then is in it' });

export const PlayedRound = z.object({
  playerId: z.uuid(),
  accountId: z.int(),
  roundId: z.string().meta({ examples: [EXAMPLES.roundId] }),
  gameId: z.string().optional().meta({ description: 'of several the first by name; absent where no call named one' }),
  currency: z.string(),
  state: z.enum(STATES),
  staked: Amount('by bets in force; of an open round: its exposure'),
  won: Amount('by wins in force; awards and adjustments count in no round'),
  bets: z.int().meta({ description: 'accepted, undone ones among them' }),
  undoneBets: z.int(),
  wins: z.int().meta({ description: 'accepted, undone ones among them' }),
  openedAt: z.iso.datetime(),
  lastAt: z.iso.datetime().meta({ description: 'of its newest transaction' }),
  endedAt: z.iso.datetime().optional().meta({ description: 'first closed or cancelled' }),
}).meta({ id: 'PlayedRound' });
export type PlayedRound = z.infer<typeof PlayedRound>;

export const RoundsPage = z.object({
  items: z.array(PlayedRound),
  nextCursor: z.string().optional().meta({
    description: 'absent on the last page. A round with new activity since the list was begun may be missing behind it: it stands in a list that is begun later.',
  }),
  asOf: AsOf,
}).meta({ id: 'Rounds' });

const AgeBucket = z.object({
  age: z.string().meta({ description: 'since its last transaction', examples: ['< 10 min'] }),
  lastFrom: z.iso.datetime().optional().meta({ description: 'with `lastTo`, `accountId`, `currency` and `state=open`: the filters of /v1/rounds that list exactly these' }),
  lastTo: z.iso.datetime().optional(),
  rounds: z.int(),
  exposure: Amount('staked by bets in force'),
});

const Aged = z.object({
  accountId: z.int(), provider: z.string(), currency: z.string(), rounds: z.int(), exposure: Amount('staked by bets in force'),
  buckets: z.array(AgeBucket).meta({ description: 'youngest first' }),
});
export type Aged = z.infer<typeof Aged>;

export const OpenAges = z.object({ items: z.array(Aged), asOf: AsOf }).meta({ id: 'OpenRoundAges' });
