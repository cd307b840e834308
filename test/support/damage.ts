/** A row edited by hand, as a superuser may, in a transaction that is taken back: what `verify` says of it. */
import { expect } from '@jest/globals';
import type pg from 'pg';
import { verifyWith, type Finding, type Violation } from '../../src/wallet/verify.ts';

/** Statements of one edit each; $1 is the witness, and what they return is what must be named. */
export type Edit = readonly [what: string, statement: string, invariants: readonly string[], says: RegExp];

export const wrongOf = (findings: readonly Finding[]): string[] => [...new Set(findings.filter(({ count }) => count > 0).map(({ invariant }) => invariant))];

/** Done, looked at and taken back in one transaction. */
export async function isFound(superuser: pg.Client, witness: string, statement: string, invariants: readonly string[], says: RegExp): Promise<void> {
  const ofWitness = statement.includes('$1');
  await superuser.query('begin');
  try {
    const edited = await superuser.query<{ version?: string; transaction_id?: string }>(statement, ofWitness ? [witness] : []);
    expect(edited.rowCount).toBe(1);
    const findings = await verifyWith(superuser);
    expect(wrongOf(findings)).toEqual(invariants);
    const violations = findings.flatMap((finding): readonly Violation[] => finding.violations);
    expect(violations.map(({ what }) => what).join('\n')).toMatch(says);
    if (ofWitness) expect(violations.map(({ player }) => player)).toContain(witness);
    for (const { version, transaction_id: id } of edited.rows) {
      if (id) expect(violations.map(({ transactionId, what }) => `${transactionId} ${what}`).join('\n')).toContain(id);
      else if (version) expect(violations.map((violation) => String(violation.version))).toContain(version);
    }
  } finally {
    await superuser.query('rollback');
  }
}
