/** What a call is turned away for before any rule of money is asked, also by the framework before a controller sees it. */
import type { IncomingHttpHeaders } from 'node:http';
import type { Meaning } from '../../libs/http/index.ts';
import type { Fault } from '../wallet/contract.ts';
import type { From } from './call-log-row.ts';
import type { Failure, WireAnswer } from './contract.ts';

/** In the core's words, with the status that the native wire gives each. It knows a credit that is too fine as AMOUNT_INVALID, like a debit. */
export type DoorCode = Exclude<Failure, Fault['code'] | 'AMOUNT_TOO_FINE'>;

export const DOOR: Record<DoorCode, Meaning> = {
  REQUEST_INVALID: { status: 400, title: 'The request is not of the form', again: 'no' },
  AMOUNT_INVALID: { status: 400, title: 'Not an amount of this currency', again: 'no' },
  KEY_UNKNOWN: { status: 401, title: 'No such key', again: 'no' },
  SIGNATURE_INVALID: { status: 401, title: 'The signature does not fit', again: 'no' },
  TIMESTAMP_OUT_OF_RANGE: { status: 401, title: 'The timestamp is too far from now; sign anew', again: 'yes' },
  FORBIDDEN: { status: 403, title: 'Not from this address', again: 'no' },
  ROUTE_NOT_FOUND: { status: 404, title: 'No such path', again: 'no' },
  METHOD_NOT_ALLOWED: { status: 405, title: 'Not with this method', again: 'no' },
  BODY_TOO_LARGE: { status: 413, title: 'More than 64 KiB', again: 'no' },
  MEDIA_TYPE_UNSUPPORTED: { status: 415, title: 'Not application/json', again: 'no' },
  THROTTLED: { status: 429, title: 'More often than is allowed; this attempt did nothing', again: 'yes' },
};

/** Turned away by the framework on a path of an account: answered in that account's dialect. */
export abstract class PathFailures {
  /** Undefined: the path is no account's. */
  abstract answer(method: string, url: string, headers: IncomingHttpHeaders, code: Failure, from?: From): WireAnswer | undefined;
}
