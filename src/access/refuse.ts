/** Every code of the operator's API: its status, its words, and whether the same call can help. Judge by code; there is no other list. */
import { ProblemError, type FieldError, type Meaning } from '../../libs/http/index.ts';
import { FAULTS, REFUSALS, type Fault, type RefusalCode } from '../wallet/contract.ts';

type CallCode =
  | 'REQUEST_INVALID' | 'AMOUNT_INVALID' | 'KEY_UNKNOWN' | 'FORBIDDEN' | 'NOT_FOUND' | 'ROUTE_NOT_FOUND' | 'METHOD_NOT_ALLOWED' | 'ALREADY_EXISTS'
  | 'EXPORT_NOT_READY' | 'EXPORT_EXPIRED' | 'SCOPE_FIXED' | 'CLOCK_FIXED' | 'DAY_NOT_OVER' | 'BODY_TOO_LARGE' | 'MEDIA_TYPE_UNSUPPORTED' | 'THROTTLED' | 'SEALING_UNAVAILABLE';

export type AccessCode = RefusalCode | Fault['code'] | CallCode;

export const CODES: Record<AccessCode, Meaning> = {
  ...REFUSALS,
  ...FAULTS,
  REQUEST_INVALID: { status: 400, title: 'The request is not of the form', again: 'no' },
  AMOUNT_INVALID: { status: 400, title: 'Not an amount of this currency', again: 'no' },
  KEY_UNKNOWN: { status: 401, title: 'No such key', again: 'no' },
  FORBIDDEN: { status: 403, title: 'The key may not do this', again: 'no' },
  NOT_FOUND: { status: 404, title: 'No such thing of this operator', again: 'no' },
  ROUTE_NOT_FOUND: { status: 404, title: 'No such path', again: 'no' },
  METHOD_NOT_ALLOWED: { status: 405, title: 'Not with this method', again: 'no' },
  ALREADY_EXISTS: { status: 409, title: 'There is one of this name already', again: 'no' },
  SCOPE_FIXED: { status: 409, title: 'idScope, roundScope, rounds and freeRounds are fixed: the account has transactions', again: 'no' },
  CLOCK_FIXED: { status: 409, title: 'Time zone and day start are fixed: the operator has transactions', again: 'no' },
  DAY_NOT_OVER: { status: 409, title: 'That gaming day is not over', again: 'yes' },
  EXPORT_NOT_READY: { status: 409, title: 'There is no file, or not yet', again: 'yes' },
  EXPORT_EXPIRED: { status: 410, title: 'The file is not there any more', again: 'no' },
  BODY_TOO_LARGE: { status: 413, title: 'More than 64 KiB', again: 'no' },
  MEDIA_TYPE_UNSUPPORTED: { status: 415, title: 'Not application/json', again: 'no' },
  THROTTLED: { status: 429, title: 'More often than is allowed; this attempt did nothing', again: 'yes' },
  SEALING_UNAVAILABLE: { status: 503, title: 'No secret can be kept: this server has no master key (SECRETS_KEY_FILE)', again: 'yes' },
};

interface More {
  readonly errors?: readonly FieldError[];
  readonly headers?: Readonly<Record<string, string>>;
  /** what a refused withdrawal shows */
  readonly balance?: string;
  readonly currency?: string;
  /** where it is known to differ from what the code says: whether the same call can help */
  readonly retryable?: boolean;
}

/** The problem to throw. Nothing here remembers a refusal, so `credit` means that the same call can help. */
export function refuse(code: AccessCode, detail?: string, { errors, headers, balance, currency, retryable }: More = {}): ProblemError {
  const { status, title, again } = CODES[code];
  const shown = {
    title, status, code, detail: detail ?? title, retryable: retryable ?? again !== 'no',
    ...(balance !== undefined && { balance }), ...(currency !== undefined && { currency }), ...(errors && { errors }),
  };
  return new ProblemError(shown, headers);
}

/** The same words for what is not there and what is another operator's. */
export const notFound = (): ProblemError => refuse('NOT_FOUND');
