/** What callers may ask of the dashboard, and what they are answered. */
import { z } from 'zod';
import { CLOCK, Day } from '../revenue/clock.ts';
import { PLAYED } from '../revenue/numbers.ts';
import { CurrencyFilter, PlayersLink } from '../revenue/schema.ts';

const TOP = { error: 'a whole number from 1 to 20' };

export const DashboardFilters = z.strictObject({
  currency: CurrencyFilter.optional(),
  top: z.string().regex(/^([1-9]|1\d|20)$/, TOP).default('5').transform(Number).meta({ description: 'how many games and providers, by turnover' }),
});
export type DashboardFilters = z.infer<typeof DashboardFilters>;

const { bets, turnover, won, ggr, rtp, hold, averageBet } = PLAYED;
const Figures = z.object({ bets, turnover, won, ggr, rtp, hold, averageBet, transactions: z.string().meta({ description: 'its rows of the ledger, which sum up to it' }) });
const WithPlayers = Figures.extend({ activePlayers: z.int(), players: PlayersLink });
const Compared = <Shape extends z.ZodType>(shape: Shape) => z.object({ today: shape, yesterday: shape, sameWeekday: shape });
const Hour = z.object({
  hour: z.int().meta({ description: 'the first of a gaming day is 0; a day on which clocks are changed has 23 or 25' }),
  today: Figures.optional().meta({ description: 'absent where it has not begun' }), yesterday: Figures.optional(), sameWeekday: Figures.optional(),
});
const Top = Figures.extend({ accountId: z.int(), provider: z.string() });

const OfCurrency = z.object({
  currency: z.string(),
  soFar: WithPlayers.meta({ description: 'of today, with the hour that is not over' }),
  toTheHour: Compared(WithPlayers).meta({ description: 'the hours of today that are over, and as many of the other days' }),
  hours: z.array(Hour),
  games: z.array(Top.extend({ gameId: z.string(), game: z.string().optional() })),
  providers: z.array(Top),
});

export const Dashboard = z.object({
  today: Day, yesterday: Day, sameWeekday: Day.meta({ description: 'of last week' }), ...CLOCK,
  hoursOver: z.int().meta({ description: 'of today' }),
  activePlayers: z.object({ soFar: z.int(), toTheHour: Compared(z.int()) }).meta({ description: 'in any currency; each counts once' }),
  players: z.object({
    soFar: PlayersLink, toTheHour: z.object({ today: PlayersLink, yesterday: PlayersLink, sameWeekday: PlayersLink }),
  }).meta({ description: 'lists of these players' }),
  currencies: z.array(OfCurrency),
  asOf: z.iso.datetime().meta({ description: 'all that callers were answered by then is in it' }),
}).meta({ id: 'Dashboard' });
export type Dashboard = Omit<z.infer<typeof Dashboard>, 'asOf'>;
export type Figures = z.infer<typeof Figures>;
