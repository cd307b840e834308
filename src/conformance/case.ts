/** What a case is, what it may need, and what became of it. */
import type { Abilities, Said } from './contract.ts';
import type { Desk } from './desk.ts';
import type { Setting, Step } from './setting.ts';

export const CATEGORIES = [
  'happy path', 'idempotency', 'conflict', 'order', 'funds', 'sessions', 'currencies', 'amounts', 'security', 'concurrency', 'rounds', 'promotions',
] as const;
export type Category = (typeof CATEGORIES)[number];

export interface Case {
  /** a sentence, true of a wallet that passes; unique */
  readonly name: string;
  readonly category: Category;
  readonly needs?: readonly Need[];
  /** Says things at the desk and what must come of each; the first that does not hold ends the case. */
  readonly steps: (desk: Desk) => Promise<void>;
}

/** Seats beside the case's own. */
export type Extra = 'second' | 'foreign' | Stopped;

/** Seats that may not bet. */
export type Stopped = 'blocked' | 'expired' | 'superseded';

export interface Need {
  /** Why the case is left out; undefined where nothing is missing. */
  readonly lacks: (setting: Setting) => string | undefined;
  readonly seat?: Extra;
  /** the seat comes with a bet that was placed while it still could be */
  readonly openBet?: boolean;
}

export interface CaseResult {
  readonly name: string;
  readonly category: Category;
  readonly result: 'passed' | 'failed' | 'skipped';
  /** why it failed or was left out */
  readonly reason?: string;
  readonly player?: string;
  readonly steps: readonly Step[];
  readonly ms: number;
}

/** A case that needs an ability of the dialect: `says`, or what the sentence tells. */
export const able = (test: (can: Abilities) => boolean, without: string): Need => ({
  lacks: ({ speaker }) => (test(speaker.can) ? undefined : `in ${speaker.title}, ${without}`),
});

export const says = (...what: readonly Said['say'][]): Need => ({
  lacks: ({ speaker }) => {
    const missing = what.find((each) => !speaker.can.says.includes(each));
    return missing === undefined ? undefined : `${speaker.title} has no call for “${missing}”`;
  },
});
