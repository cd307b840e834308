/**
 * Every refusal and every failure in the aggregator's words: HTTP status, code, message. 412 is a business "no" and says the balance where
 * it is known; 5xx alone is worth the same call again. It has no code for much of what the core tells apart: that is a bad request (400)
 * or something that is not there (404), and the message says which.
 */
import type { RefusalCode } from '../../wallet/contract.ts';
import type { Failure } from '../contract.ts';

export interface WireError {
  readonly status: 400 | 403 | 404 | 405 | 412 | 500 | 503 | 504;
  readonly code: number;
  readonly message: string;
}

/** Final, but the last of them: a bet that was applied is known by its action_id and answered with its transaction before any of these is asked. */
export const REFUSED: Record<RefusalCode, WireError> = {
  INSUFFICIENT_FUNDS: { status: 412, code: 100, message: 'Not enough funds' },
  PLAYER_NOT_FOUND: { status: 412, code: 101, message: 'No such player' },
  SESSION_NOT_FOUND: { status: 412, code: 101, message: 'No such session of this player' },
  SESSION_EXPIRED: { status: 412, code: 101, message: 'The session of this player is over' },
  SESSION_SUPERSEDED: { status: 412, code: 101, message: 'The session of this player goes on under a newer id' },
  GAME_DISABLED: { status: 412, code: 107, message: 'The game takes no bets now' },
  PLAYER_BLOCKED: { status: 412, code: 110, message: 'The player may not bet' },
  CURRENCY_MISMATCH: { status: 412, code: 154, message: 'Not the currency of this player, round or transaction' },
  GAME_NOT_FOUND: { status: 405, code: 405, message: 'The game is not available here' },
  BET_NOT_FOUND: { status: 404, code: 404, message: 'The bet is not known' },
  ROLLED_BACK: { status: 404, code: 404, message: 'The bets of this round were rolled back' },
  TRANSACTION_CONFLICT: { status: 400, code: 400, message: 'The id is known with other content' },
  ROUND_CLOSED: { status: 400, code: 400, message: 'The round is finished' },
  // Said to a rollback alone, and no longer once the win is rolled back: the same again is right. For good it would leave the stake taken.
  BET_ALREADY_SETTLED: { status: 503, code: 503, message: 'A win came after this bet: it has to be rolled back first' },
};

/** A free-round result names its issue alone. */
export const ISSUE_UNKNOWN: WireError = { status: 412, code: 610, message: 'No such issue of free rounds' };

export const FAILED: Record<Failure, WireError> = {
  REQUEST_INVALID: { status: 400, code: 400, message: 'The request is not of the form' },
  AMOUNT_INVALID: { status: 400, code: 400, message: 'Not an amount of this currency' },
  ROUTE_NOT_FOUND: { status: 404, code: 404, message: 'No such path' },
  METHOD_NOT_ALLOWED: { status: 405, code: 400, message: 'POST only' },
  BODY_TOO_LARGE: { status: 400, code: 400, message: 'The body is too large' },
  MEDIA_TYPE_UNSUPPORTED: { status: 400, code: 400, message: 'Not application/json' },
  KEY_UNKNOWN: { status: 403, code: 403, message: 'Nothing can be verified here' },
  SIGNATURE_INVALID: { status: 403, code: 403, message: 'The signature does not fit the body' },
  TIMESTAMP_OUT_OF_RANGE: { status: 403, code: 403, message: 'The signature is out of date' },
  FORBIDDEN: { status: 403, code: 403, message: 'Not from this address' },
  AMOUNT_TOO_FINE: { status: 503, code: 503, message: 'Finer than the currency is kept; it is owed, and cannot be paid yet' },
  THROTTLED: { status: 503, code: 503, message: 'More often than is allowed; this attempt did nothing' },
  OVERLOADED: { status: 503, code: 503, message: 'Too much at once; this attempt did nothing' },
  UNAVAILABLE: { status: 503, code: 503, message: 'Not available now; this attempt did nothing' },
  OUTCOME_UNKNOWN: { status: 504, code: 504, message: 'Nobody knows yet whether this attempt did anything' },
  INTERNAL: { status: 500, code: 500, message: 'Something is wrong on our side; this attempt did nothing' },
};
