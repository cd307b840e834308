import { z } from 'zod';
import type { Policy } from '../wallet/contract.ts';

/** The policy record of an account as the database keeps it; what it leaves out is the native dialect's default. */
const PolicyRecord = z.strictObject({
  duplicateAnswer: z.enum(['current', 'first', 'exists']).default('current'),
  winNeeds: z.enum(['bet', 'round', 'nothing']).default('round'),
  winsPerBet: z.enum(['many', 'one']).default('many'),
  winAfterClose: z.enum(['accept', 'refuse']).default('accept'),
  rounds: z.enum(['kept', 'none']).default('kept'),
  deadlineMs: z.int().min(50).max(10_000).default(900),
}).refine((policy) => policy.rounds === 'kept' || policy.winNeeds === 'bet', {
  error: 'without round rows every win must name its bet (winNeeds: bet)',
  path: ['rounds'],
});

/** Throws a sentence that names the field. */
export function parsePolicy(record: unknown): Policy {
  const parsed = PolicyRecord.safeParse(record);
  if (parsed.success) return parsed.data;
  throw new Error(parsed.error.issues.map((issue) => `policy ${issue.path.join('.')}: ${issue.message}`).join('; '));
}
