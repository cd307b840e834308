/** What a view answers, and until when it is complete. */
import type { Answer } from './reads.ts';

/** Whose rows, and nothing older than what this token names. */
export interface Asker {
  readonly operator: string;
  /** `x-consistency-token`, as it came */
  readonly token?: string;
}

export interface Seen {
  /** ISO time: all that callers were answered by then is in it */
  readonly asOf: string;
  /** for the caller's next read */
  readonly token: string;
}

/** Without a body there is no such thing of this operator; `why` says more where that helps. */
export interface View<Body> extends Seen {
  readonly body?: Body;
  readonly why?: string;
}

export const seen = ({ asOf, token }: Pick<Answer, 'asOf' | 'token'>): Seen => ({ asOf: new Date(asOf).toISOString(), token });
