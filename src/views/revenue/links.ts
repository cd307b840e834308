/** Where that stands of which a number of a report is made: lists of it, by the same days, accounts, games and players. */

export interface Place {
  readonly from: string;
  readonly to: string;
  readonly currency?: string | undefined;
  readonly accountId?: number | string | undefined;
  /** empty: what names no game */
  readonly gameId?: string | undefined;
  readonly playerId?: string | undefined;
}

/** In this order, without what is not said. */
const NAMED = ['from', 'to', 'currency', 'accountId', 'gameId', 'playerId'] as const;

function addressOf(list: string, place: Place, more: Readonly<Record<string, string>> = {}): string {
  const query = new URLSearchParams();
  for (const name of NAMED) if (place[name] !== undefined) query.set(name, String(place[name]));
  for (const [name, value] of Object.entries(more)) query.set(name, value);
  return `/v1/reports/revenue/${list}?${query.toString()}`;
}

export const transactionsOf = (place: Place, more: { readonly late?: 'true' | 'false' } = {}): string => addressOf('transactions', place, more);
export const playersOf = (place: Place, more: { readonly firstBetBefore?: string } = {}): string => addressOf('players', place, more);
export const roundsOf = (place: Place, of: 'opened' | 'ended'): string => addressOf('rounds', place, { of });
