import { z } from 'zod';
import type { Rate } from '../../libs/http/index.ts';
import type { Policy } from '../wallet/contract.ts';

const PerSecond = z.number().positive().max(1_000_000).optional();
const Burst = z.int().min(1).max(1_000_000).optional();

/** The policy record of an account as the database keeps it; what it leaves out is the native dialect's default. */
const PolicyRecord = z.strictObject({
  duplicateAnswer: z.enum(['current', 'first', 'exists']).default('current'),
  winNeeds: z.enum(['bet', 'round', 'nothing']).default('round'),
  winsPerBet: z.enum(['many', 'one']).default('many'),
  winAfterClose: z.enum(['accept', 'refuse']).default('accept'),
  rounds: z.enum(['kept', 'none']).default('kept'),
  deadlineMs: z.int().min(50).max(10_000).default(900),
  /** Calls that one process lets through; without a burst, what comes in a second at once. */
  betsPerSecond: PerSecond,
  betBurst: Burst,
  playerBetsPerSecond: PerSecond,
  playerBetBurst: Burst,
  readsPerSecond: PerSecond,
  readBurst: Burst,
}).refine((policy) => policy.rounds === 'kept' || policy.winNeeds === 'bet', {
  error: 'without round rows every win must name its bet (winNeeds: bet)',
  path: ['rounds'],
}).superRefine((policy, context) => {
  for (const [burst, perSecond] of [['betBurst', 'betsPerSecond'], ['playerBetBurst', 'playerBetsPerSecond'], ['readBurst', 'readsPerSecond']] as const) {
    if (policy[burst] === undefined || policy[perSecond] !== undefined) continue;
    context.addIssue({ code: 'custom', path: [burst], message: `limits nothing without ${perSecond}` });
  }
}).transform(({ betsPerSecond, betBurst, playerBetsPerSecond, playerBetBurst, readsPerSecond, readBurst, ...policy }): Policy => ({
  ...policy, bets: rate(betsPerSecond, betBurst), playerBets: rate(playerBetsPerSecond, playerBetBurst), reads: rate(readsPerSecond, readBurst),
}));

const rate = (perSecond: number | undefined, burst: number | undefined): Rate | undefined =>
  perSecond === undefined ? undefined : { perSecond, burst: burst ?? Math.ceil(perSecond) };

/** Throws a sentence that names the field. */
export function parsePolicy(record: unknown): Policy {
  const parsed = PolicyRecord.safeParse(record);
  if (parsed.success) return parsed.data;
  throw new Error(parsed.error.issues.map((issue) => `policy ${issue.path.join('.')}: ${issue.message}`).join('; '));
}
