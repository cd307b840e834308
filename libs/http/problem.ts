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

/** `type` is a stable name of the code, not a page to fetch. */
export function problem(fields: Omit<Problem, 'type'>): Problem {
  return { type: `urn:croupier:problem:${fields.code.toLowerCase().replaceAll('_', '-')}`, ...fields };
}
