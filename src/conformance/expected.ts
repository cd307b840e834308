/** What the answer has to be where dialects differ: taken from what a dialect says of itself, never from its name. */
import type { Abilities, Verdict } from './contract.ts';
import { ok, refused, type Outcome } from './setting.ts';

/** The same call again: accepted once more, or told that it is known; nothing moves. */
export const repeated = (can: Abilities): Outcome => (can.duplicate === 'exists' ? refused('ok', 'conflict') : ok());

export const rollbackOfUnknown = (can: Abilities): Outcome => (can.rollbackOfUnknown === 'not-found' ? refused('unknown-bet', 'not-found') : ok());

/** A bet, or a win, whose rollback came first. */
export const behindRollback = (can: Abilities): Outcome => refused(...can.betBehindRollback);

/** A reference that is another thing in this dialect, or the same. */
export const sharedId = (apart: boolean, moves: bigint): Outcome => (apart ? ok(moves) : refused('conflict'));

export const CONFLICT = refused('conflict');
export const NO_FUNDS = refused('insufficient-funds');
export const UNDONE = refused('rolled-back');
export const UNSIGNED = refused('bad-signature', 'unknown-key');
export const GIVEN_UP = refused('rolled-back', 'round-closed');
/** Turned away at the door: by the wallet in its dialect, or by what stands before it in HTTP's own words. */
export const AT_THE_DOOR: Outcome = { ...refused('bad-request', 'not-found', 'bad-signature'), statuses: [404, 405, 415, 501] };
export const MALFORMED = refused('bad-request', 'bad-amount');

/** Refused for a reason that is of no interest here, and not by breaking down. */
export const ANY_REFUSAL: readonly Verdict[] = [
  'insufficient-funds', 'unknown-player', 'unknown-session', 'session-over', 'session-superseded', 'player-blocked', 'wrong-currency', 'unknown-game', 'conflict', 'unknown-bet',
  'bet-settled', 'rolled-back', 'round-closed', 'limit', 'bad-amount', 'bad-request', 'bad-signature', 'unknown-key', 'not-found',
];
