/** Every code of the native wire: its status, its words, and whether the same call can help. */
import type { Fault, RefusalCode } from '../../wallet/contract.ts';

/** `credit`: again for a win, an award, a rollback or a close; a bet remembers its refusal. */
type Again = 'yes' | 'no' | 'credit';

interface Meaning {
  readonly status: number;
  readonly title: string;
  readonly again: Again;
}

export const REFUSALS: Record<RefusalCode, Meaning> = {
  PLAYER_NOT_FOUND: { status: 404, title: 'No such player of this operator', again: 'yes' },
  BET_NOT_FOUND: { status: 404, title: 'The bet this win needs is not known yet', again: 'yes' },
  GAME_NOT_FOUND: { status: 404, title: 'No such game of this account', again: 'credit' },
  SESSION_NOT_FOUND: { status: 404, title: 'No such session of this player and account', again: 'credit' },
  CURRENCY_MISMATCH: { status: 422, title: 'The currency is not that of the wallet, the session, the round or the original', again: 'credit' },
  TRANSACTION_CONFLICT: { status: 409, title: 'This reference is known with other content', again: 'no' },
  ROLLED_BACK: { status: 409, title: 'Rolled back already', again: 'no' },
  BET_ALREADY_SETTLED: { status: 409, title: 'The bet is settled', again: 'no' },
  ROUND_CLOSED: { status: 409, title: 'The round is closed', again: 'credit' },
  INSUFFICIENT_FUNDS: { status: 422, title: 'More than the balance', again: 'credit' },
  PLAYER_BLOCKED: { status: 422, title: 'The player may not bet', again: 'credit' },
  SESSION_EXPIRED: { status: 422, title: 'The session is over', again: 'credit' },
};

export const FAULTS: Record<Fault['code'], Meaning> = {
  INTERNAL: { status: 500, title: 'Something is wrong on our side; this attempt did nothing', again: 'yes' },
  OVERLOADED: { status: 503, title: 'Too much at once; this attempt did nothing', again: 'yes' },
  UNAVAILABLE: { status: 503, title: 'Not available now; this attempt did nothing', again: 'yes' },
  OUTCOME_UNKNOWN: { status: 503, title: 'Nobody knows yet whether this attempt did anything', again: 'yes' },
};

/** Said before any rule of money is asked. */
export type DoorCode =
  | 'REQUEST_INVALID' | 'AMOUNT_INVALID' | 'ROUTE_NOT_FOUND' | 'METHOD_NOT_ALLOWED' | 'BODY_TOO_LARGE' | 'MEDIA_TYPE_UNSUPPORTED'
  | 'KEY_UNKNOWN' | 'SIGNATURE_INVALID' | 'TIMESTAMP_OUT_OF_RANGE';

export const DOOR: Record<DoorCode, Meaning> = {
  REQUEST_INVALID: { status: 400, title: 'The request is not of the form', again: 'no' },
  AMOUNT_INVALID: { status: 400, title: 'Not an amount of this currency', again: 'no' },
  KEY_UNKNOWN: { status: 401, title: 'No such key', again: 'no' },
  SIGNATURE_INVALID: { status: 401, title: 'The signature does not fit', again: 'no' },
  TIMESTAMP_OUT_OF_RANGE: { status: 401, title: 'The timestamp is too far from now; sign anew', again: 'yes' },
  ROUTE_NOT_FOUND: { status: 404, title: 'No such path', again: 'no' },
  METHOD_NOT_ALLOWED: { status: 405, title: 'Not with this method', again: 'no' },
  BODY_TOO_LARGE: { status: 413, title: 'More than 64 KiB', again: 'no' },
  MEDIA_TYPE_UNSUPPORTED: { status: 415, title: 'Not application/json', again: 'no' },
};

export type Code = RefusalCode | Fault['code'] | DoorCode;
export const MEANINGS: Record<Code, Meaning> = { ...REFUSALS, ...FAULTS, ...DOOR };
