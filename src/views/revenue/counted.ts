/** What callers may ask of the rounds and the players that a report counts, and what they are answered. */
import { z } from 'zod';
import { PlayedRound } from '../rounds/schema.ts';
import { LIMIT, Time } from '../transactions/schema.ts';
import { bounded, Day, DAYS } from './clock.ts';
import { NUMBERS_BODY } from './numbers.ts';
import { PlayerFilter, WHAT } from './schema.ts';

const PAGED = {
  limit: z.string().regex(/^([1-9]\d?|100)$/, LIMIT).default('50').transform(Number),
  cursor: z.string().min(1).max(2_048).optional().meta({ description: '`nextCursor` of the page before, of the same filters' }),
};
const AsOf = z.iso.datetime().meta({ description: 'all that callers were answered by then is in it' });

export const CountedRoundsFilters = bounded(z.strictObject({
  ...DAYS, ...WHAT, playerId: PlayerFilter.optional(),
  of: z.enum(['opened', 'ended']).default('opened').meta({ description: 'on these days; ended: first closed or cancelled' }),
  ...PAGED,
}));
export type CountedRoundsFilters = z.infer<typeof CountedRoundsFilters>;

export const CountedRound = PlayedRound.extend({ day: Day.meta({ description: 'the gaming day on which it was opened, or ended: as asked for' }) }).meta({ id: 'CountedRound' });
export type CountedRound = z.infer<typeof CountedRound>;
export const CountedRounds = z.object({
  items: z.array(CountedRound).meta({ description: 'by their last activity, the oldest first' }),
  nextCursor: z.string().optional().meta({
    description: 'absent on the last page. A page may have fewer rows than were asked for, and none where few of many rounds are chosen: what counts is this. A round '
      + 'with new activity since the list was begun may be missing behind it: it stands in a list that is begun later.',
  }),
  asOf: AsOf,
}).meta({ id: 'CountedRounds' });

export const CountedPlayersFilters = bounded(z.strictObject({
  ...DAYS, ...WHAT,
  firstBetBefore: Time.optional().meta({ description: 'those whose first bet of one of the days, in that currency, was before; of all accounts and games alone' }),
  ...PAGED,
}).refine(({ firstBetBefore, accountId, gameId }) => firstBetBefore === undefined || (accountId === undefined && gameId === undefined), {
  error: 'with neither `accountId` nor `gameId`', path: ['firstBetBefore'],
}));
export type CountedPlayersFilters = z.infer<typeof CountedPlayersFilters>;

const Figures = z.object({
  currency: z.string(), ...NUMBERS_BODY, transactions: z.string().meta({ description: 'its rows of the ledger, which sum up to it' }),
});
export const CountedPlayer = z.object({
  playerId: z.uuid(),
  currencies: z.array(Figures).meta({ description: 'what he played there on these days, what is late with the rest; by currency' }),
}).meta({ id: 'CountedPlayer' });
export type CountedPlayer = z.infer<typeof CountedPlayer>;
export const CountedPlayers = z.object({
  items: z.array(CountedPlayer).meta({ description: 'each player once, by his id' }), nextCursor: z.string().optional(), asOf: AsOf,
}).meta({ id: 'CountedPlayers' });
