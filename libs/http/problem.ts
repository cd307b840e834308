/** RFC 9457 problem details, as every error of this service is written. Field meanings: docs of the wire contract. */

export const PROBLEM_TYPE = 'application/problem+json';

export interface FieldError {
  readonly field: string;
  readonly message: string;
}

export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly requestId: string;
  readonly retryable: boolean;
  readonly balance?: string;
  readonly currency?: string;
  readonly actionIndex?: number;
  readonly errors?: readonly FieldError[];
}

/** What a code is on the wire. `again`: whether the same call can help; `credit`: it can but for a bet, which remembers its refusal. */
export interface Meaning {
  readonly status: number;
  readonly title: string;
  readonly again: 'yes' | 'no' | 'credit';
}

/** `type` is a stable name of the code, not a page to fetch. */
export function problem(fields: Omit<Problem, 'type'>): Problem {
  return { type: `urn:croupier:problem:${fields.code.toLowerCase().replaceAll('_', '-')}`, ...fields };
}

type Shown = Omit<Problem, 'type' | 'requestId'>;

/** Thrown by what answers a call, rendered where all errors are: the request id is added there. Nothing in it is secret. */
export class ProblemError extends Error {
  constructor(
    readonly shown: Shown,
    readonly headers: Readonly<Record<string, string>> = {},
  ) {
    super(`${shown.code}: ${shown.detail}`);
  }
}

const IDS = new WeakMap<object, string>();
const ID = /^[\x21-\x7e]{1,128}$/;

/** The id of a request, the same each time it is asked for: `x-request-id` where it can stand in a header and a log line, else one made here. */
export function callId(request: { readonly headers: Readonly<Record<string, string | string[] | undefined>> }): string {
  const known = IDS.get(request);
  if (known !== undefined) return known;
  const sent = request.headers['x-request-id'];
  const id = typeof sent === 'string' && ID.test(sent) ? sent : crypto.randomUUID();
  IDS.set(request, id);
  return id;
}
