/**
 * The numbers of all reports, each defined once: what a row `f` of the feed adds to it, by its kind or, of a rollback, by the kind of what it
 * undoes. What became a debt, or forgave one, counts in full: `effect` is `amount` less `debt`.
 *
 *   bets        accepted bets; free_bets: those among them that moved no cash; undone_bets: bets, also of earlier days, that were rolled back
 *   wins        wins, those of nothing among them
 *   turnover    cash staked, less what rollbacks of bets gave back
 *   won         wins, less what rollbacks of wins took back
 *   awarded     jackpots, tournaments and totals of free rounds, less what was taken back
 *   adjusted    adjustments of providers, less what was taken back
 *   deposited, withdrawn    the operator's cashier
 *
 * GGR = turnover − won: awards and adjustments are in none. Hold = GGR ÷ turnover, RTP = won ÷ turnover. Test players are in nothing.
 */

/** Of rows of the feed, which know the kind of what they undo. */
export const KIND = 'coalesce(f.undone, f.kind::text)';

/** Kinds that some number counts; closing and cancelling a round move nothing. */
export const COUNTED = ['bet', 'win', 'promo_win', 'adjustment', 'deposit', 'withdrawal'] as const;
export type Counted = (typeof COUNTED)[number];
export const IS_COUNTED = `${KIND} in (${COUNTED.map((kind) => `'${kind}'`).join(', ')})`;

const moved = (kind: Counted, sign: '' | '-') => `coalesce(sum(${sign}f.effect) filter (where ${KIND} = '${kind}'), 0)`;

export const NUMBERS = {
  bets: "count(*) filter (where f.kind = 'bet')",
  undone_bets: "count(*) filter (where f.undone = 'bet')",
  free_bets: "count(*) filter (where f.kind = 'bet' and f.face is not null)",
  wins: "count(*) filter (where f.kind = 'win')",
  turnover: moved('bet', '-'),
  won: moved('win', ''),
  awarded: moved('promo_win', ''),
  adjusted: moved('adjustment', ''),
  deposited: moved('deposit', ''),
  withdrawn: moved('withdrawal', '-'),
} as const;

export type NumberName = keyof typeof NUMBERS;
export const NAMES = Object.keys(NUMBERS) as NumberName[];

export const summed = (names: readonly NumberName[]): string => names.map((name) => `${NUMBERS[name]} as ${name}`).join(', ');

/** What `on conflict` does to a row that is there. */
export const added = (table: string, names: readonly NumberName[]): string => names.map((name) => `${name} = ${table}.${name} + excluded.${name}`).join(', ');
