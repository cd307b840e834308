/**
 * A round's row as its movements change it. A bet is settled by a win that names it (counted on the bet's key) or by a win that
 * names none and was applied after it (`settlements`); an undone win no longer counts.
 */
import type { KeyRow, Round } from './state.ts';

type Opener = Pick<KeyRow, 'player' | 'operator' | 'account' | 'currency' | 'version'>;

/** A round that its first movement opens; it belongs to whom that movement's key belongs to. */
export function newRound({ player, operator, account, currency, version = 0 }: Opener, key: string): Round {
  return {
    player, operator, account, key, currency, state: 'open', staked: 0n, won: 0n, bets: 0, undone: 0, named: 0, lastBetVersion: 0,
    firstVersion: version, lastVersion: version, settlements: [], stored: 'no',
  };
}

/** The wallet version of the newest win in force that names no bet; 0 where there is none. */
export const settledVersion = (round: Round): number => round.settlements.at(-2) ?? 0;

export const isSettledByRound = (bet: KeyRow, round: Round | undefined): boolean =>
  round !== undefined && settledVersion(round) > (bet.version ?? 0);

export const isSettled = (bet: KeyRow, round: Round | undefined): boolean => bet.wins > 0 || isSettledByRound(bet, round);

/** Nothing in it is left to settle: no bet came after its last settlement, or each live bet has a win that names it. */
export const isWhollySettled = (round: Round): boolean =>
  settledVersion(round) > round.lastBetVersion || (round.named > 0 && round.named === round.bets - round.undone);

export const allBetsUndone = (round: Round): boolean => round.bets > 0 && round.bets === round.undone;

export const withBet = (round: Round, stake: bigint, version: number): Round => ({
  ...round,
  bets: round.bets + 1,
  staked: round.staked + stake,
  lastBetVersion: version,
  lastVersion: version,
});

export const withoutBet = (round: Round, stake: bigint, version: number): Round => ({
  ...round,
  undone: round.undone + 1,
  staked: round.staked - stake,
  lastVersion: version,
});

/** Adds a win that names no bet; with no bet since the last such win, both settle the same bets and share a pair. */
export function withSettlement(round: Round, version: number): Round {
  const last = settledVersion(round);
  const shared = last > round.lastBetVersion ? (round.settlements.at(-1) ?? 0) : 0;
  const kept = shared > 0 ? round.settlements.slice(0, -2) : round.settlements;
  return { ...round, settlements: [...kept, version, shared + 1] };
}

/** Takes such a win out again: it is counted in the first pair that is not older than it. */
export function withoutSettlement(round: Round, version: number): Round {
  const settlements = [...round.settlements];
  for (let i = 0; i < settlements.length; i += 2) {
    if ((settlements[i] ?? 0) < version) continue;
    const left = (settlements[i + 1] ?? 0) - 1;
    if (left > 0) settlements[i + 1] = left;
    else settlements.splice(i, 2);
    break;
  }
  return { ...round, settlements };
}
