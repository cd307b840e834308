/**
 * What each refusal and each failure is called in this family, always with HTTP 200.
 *
 * The caller acts on the code. A bet: Hub88 rolls it back on anything but NOT_ENOUGH_MONEY and LIMIT_REACHED; Caleta forgets it without a
 * rollback on INVALID_TOKEN, INVALID_GAME, WRONG_CURRENCY, NOT_ENOUGH_MONEY, USER_DISABLED, INVALID_SIGNATURE, WRONG_SYNTAX, WRONG_TYPES,
 * DUPLICATE_TRANSACTION and BET_LIMIT_EXCEEDED. So these stand only for what the wallet's lock has made final (a bet whose first attempt was
 * applied replays, whatever has happened to player, game or session since) and for bodies that no attempt can have passed with. What passes by
 * itself, and what may have been applied, is UNKNOWN or TIMEOUT: bets are rolled back, wins and rollbacks come again.
 */
import type { Failure } from '../contract.ts';
import type { RefusalCode } from '../../wallet/contract.ts';

export type Hub88Status =
  | 'RS_OK' | 'RS_ERROR_UNKNOWN' | 'RS_ERROR_INVALID_PARTNER' | 'RS_ERROR_INVALID_TOKEN' | 'RS_ERROR_INVALID_GAME' | 'RS_ERROR_WRONG_CURRENCY'
  | 'RS_ERROR_NOT_ENOUGH_MONEY' | 'RS_ERROR_USER_DISABLED' | 'RS_ERROR_INVALID_SIGNATURE' | 'RS_ERROR_TOKEN_EXPIRED' | 'RS_ERROR_WRONG_SYNTAX'
  | 'RS_ERROR_WRONG_TYPES' | 'RS_ERROR_DUPLICATE_TRANSACTION' | 'RS_ERROR_TRANSACTION_DOES_NOT_EXIST' | 'RS_ERROR_LIMIT_REACHED';
export type CaletaStatus =
  | Exclude<Hub88Status, 'RS_ERROR_INVALID_PARTNER' | 'RS_ERROR_LIMIT_REACHED'>
  | 'RS_ERROR_TIMEOUT' | 'RS_ERROR_TRANSACTION_ROLLED_BACK' | 'RS_ERROR_BET_LIMIT_EXCEEDED';
export type Status = Hub88Status | CaletaStatus;

export interface Words<Word extends Status = Status> {
  readonly refusals: Record<RefusalCode, Word>;
  readonly failures: Record<Failure, Word>;
}

const REFUSALS = {
  PLAYER_NOT_FOUND: 'RS_ERROR_INVALID_TOKEN',
  SESSION_NOT_FOUND: 'RS_ERROR_INVALID_TOKEN',
  SESSION_EXPIRED: 'RS_ERROR_TOKEN_EXPIRED',
  SESSION_SUPERSEDED: 'RS_ERROR_TOKEN_EXPIRED',
  GAME_NOT_FOUND: 'RS_ERROR_INVALID_GAME',
  GAME_DISABLED: 'RS_ERROR_INVALID_GAME',
  CURRENCY_MISMATCH: 'RS_ERROR_WRONG_CURRENCY',
  PLAYER_BLOCKED: 'RS_ERROR_USER_DISABLED',
  INSUFFICIENT_FUNDS: 'RS_ERROR_NOT_ENOUGH_MONEY',
  TRANSACTION_CONFLICT: 'RS_ERROR_DUPLICATE_TRANSACTION',
  BET_NOT_FOUND: 'RS_ERROR_TRANSACTION_DOES_NOT_EXIST',
  // Nothing says "settled". A second win on one bet, or a rollback behind a win, is for people: this code stops both for them.
  BET_ALREADY_SETTLED: 'RS_ERROR_DUPLICATE_TRANSACTION',
  // Nor "closed": the bet is rolled back, which is what has happened to it here.
  ROUND_CLOSED: 'RS_ERROR_UNKNOWN',
} as const;

const FAILURES = {
  REQUEST_INVALID: 'RS_ERROR_WRONG_SYNTAX',
  AMOUNT_INVALID: 'RS_ERROR_WRONG_TYPES',
  AMOUNT_TOO_FINE: 'RS_ERROR_UNKNOWN',
  BODY_TOO_LARGE: 'RS_ERROR_WRONG_SYNTAX',
  // These are no fault of the body: something on the way may have changed since an attempt that was applied.
  ROUTE_NOT_FOUND: 'RS_ERROR_UNKNOWN',
  METHOD_NOT_ALLOWED: 'RS_ERROR_UNKNOWN',
  MEDIA_TYPE_UNSUPPORTED: 'RS_ERROR_UNKNOWN',
  SIGNATURE_INVALID: 'RS_ERROR_INVALID_SIGNATURE',
  TIMESTAMP_OUT_OF_RANGE: 'RS_ERROR_UNKNOWN',
  THROTTLED: 'RS_ERROR_UNKNOWN',
  INTERNAL: 'RS_ERROR_UNKNOWN',
  OVERLOADED: 'RS_ERROR_UNKNOWN',
  UNAVAILABLE: 'RS_ERROR_UNKNOWN',
} as const;

export const hub88Words: Words<Hub88Status> = {
  // Caleta and an older Hub88 have TRANSACTION_ROLLED_BACK; today's list has not. To a win this word is as final, and a bet is rolled back on either.
  refusals: { ...REFUSALS, ROLLED_BACK: 'RS_ERROR_TRANSACTION_DOES_NOT_EXIST' },
  failures: { ...FAILURES, KEY_UNKNOWN: 'RS_ERROR_INVALID_PARTNER', FORBIDDEN: 'RS_ERROR_INVALID_PARTNER', OUTCOME_UNKNOWN: 'RS_ERROR_UNKNOWN' },
};

export const caletaWords: Words<CaletaStatus> = {
  refusals: { ...REFUSALS, ROLLED_BACK: 'RS_ERROR_TRANSACTION_ROLLED_BACK' },
  // No partner is a matter of our configuration, which may change between two attempts of one bet: never its INVALID_SIGNATURE.
  failures: { ...FAILURES, KEY_UNKNOWN: 'RS_ERROR_UNKNOWN', FORBIDDEN: 'RS_ERROR_UNKNOWN', OUTCOME_UNKNOWN: 'RS_ERROR_TIMEOUT' },
};
