/** The numbers of sums.ts as callers see them, with those that are made of them. */
import { z } from 'zod';
import { formatAmount } from '../../../libs/money/index.ts';
import type { Field } from '../../../libs/postgres/index.ts';
import type { Scale } from '../transactions/entry.ts';
import { NAMES, type NumberName } from './sums.ts';

export type Sums = Readonly<Record<NumberName, bigint>>;

const Amount = (description: string) => z.string().meta({ description, examples: ['12.50'] });
const Count = (description: string) => z.int().meta({ description });
const Ratio = (description: string) => z.string().meta({ description: `${description}; six digits at most, cut off; absent where the turnover is not above 0`, examples: ['0.9432'] });

const COUNTS = {
  bets: Count('accepted bets'),
  freeBets: Count('of the bets: those that moved no cash'),
  undoneBets: Count('bets that were rolled back, also those of earlier days'),
  wins: Count('accepted wins, those of nothing among them'),
};
const MONEY = {
  turnover: Amount('cash staked, less what rollbacks of bets gave back'),
  won: Amount('wins, less what rollbacks of wins took back, also where that became a debt'),
  awarded: Amount('jackpots, tournaments, totals of free rounds, net; in no GGR'),
  adjusted: Amount('adjustments of providers, net; in no GGR'),
  deposited: Amount('at the operator’s cashier'),
  withdrawn: Amount('at the operator’s cashier'),
};
export const PLAIN = { ...COUNTS, ...MONEY };

/** Of play alone. */
export const PLAYED = {
  bets: COUNTS.bets, freeBets: COUNTS.freeBets, undoneBets: COUNTS.undoneBets, wins: COUNTS.wins, turnover: MONEY.turnover, won: MONEY.won,
  ggr: Amount('turnover − won'),
  rtp: Ratio('won ÷ turnover').optional(),
  hold: Ratio('ggr ÷ turnover').optional(),
  averageBet: Amount('turnover ÷ bets, cut off at the smallest unit; absent without a bet').optional(),
};
export const NUMBERS_BODY = { ...PLAYED, awarded: MONEY.awarded, adjusted: MONEY.adjusted, deposited: MONEY.deposited, withdrawn: MONEY.withdrawn };
export type NumbersBody = z.infer<z.ZodObject<typeof NUMBERS_BODY>>;
export type PlayedBody = Omit<NumbersBody, 'awarded' | 'adjusted' | 'deposited' | 'withdrawn'>;

export const NOTHING: Sums = Object.fromEntries(NAMES.map((name) => [name, 0n])) as Sums;

/** Columns in the order of `names`; a number that is not asked for is 0. */
export const sumsOf = (fields: readonly Field[], names: readonly NumberName[] = NAMES): Sums =>
  ({ ...NOTHING, ...Object.fromEntries(names.map((name, i) => [name, BigInt(fields[i] ?? 0)])) });

export const plus = (one: Sums, other: Sums): Sums => Object.fromEntries(NAMES.map((name) => [name, one[name] + other[name]])) as Sums;

export const isNothing = (sums: Sums): boolean => NAMES.every((name) => sums[name] === 0n);

/** Of sums, never of other ratios. */
const RATIO = { exponent: 4, scale: 6 };
const ratio = (part: bigint, whole: bigint): string => formatAmount((part * 10n ** 6n) / whole, RATIO);

/** How many, not how much: a count of rows is far below 2^53. */
export const countOf = (count: bigint): number => Number(count);

export function playedOf({ bets, free_bets: free, undone_bets: undone, wins, turnover, won }: Sums, scale: Scale): PlayedBody {
  const money = (units: bigint) => formatAmount(units, scale);
  return {
    bets: countOf(bets), freeBets: countOf(free), undoneBets: countOf(undone), wins: countOf(wins), turnover: money(turnover), won: money(won), ggr: money(turnover - won),
    ...(turnover > 0n && { rtp: ratio(won, turnover), hold: ratio(turnover - won, turnover) }), ...(bets > 0n && { averageBet: money(turnover / bets) }),
  };
}

export function numbersOf(sums: Sums, scale: Scale): NumbersBody {
  const money = (units: bigint) => formatAmount(units, scale);
  return {
    ...playedOf(sums, scale), awarded: money(sums.awarded), adjusted: money(sums.adjusted), deposited: money(sums.deposited), withdrawn: money(sums.withdrawn),
  };
}
