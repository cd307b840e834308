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
  /** names what is shown: where it is the same, so is the body; undefined where nobody can say */
  readonly version?: string;
  /** whether this would do for a caller with that token */
  covers?(token: string): boolean;
  /** of a cached query: the version names all that the body follows from */
  readonly exact?: true;
  /** of an answer that is given while a newer one is read: by how much it is older */
  readonly ageMs?: number;
  /** older than it should be, or than what was known: no server that has more is there */
  readonly late?: true;
}

/** Without a body there is no such thing of this operator; `why` says more where that helps. */
export interface View<Body> extends Seen {
  readonly body?: Body;
  /** the body as JSON, where it is kept so: then `body` is read from it each time that somebody looks at it */
  readonly text?: string;
  readonly why?: string;
}

export const seen = ({ asOf, token, version, covers, late }: Omit<Answer, 'rows'>): Seen =>
  ({ asOf: new Date(asOf).toISOString(), token, covers, ...(version !== undefined && { version }), ...(late && { late }) });
