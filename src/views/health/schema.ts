/** How providers fare: what callers may ask, and each number's one definition. */
import { z } from 'zod';
import { Account, Time } from '../transactions/schema.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** How long a range may be, and how long it is where a call says nothing. */
export const RANGES = {
  minute: { stepMs: 60_000, usual: HOUR_MS, most: 6 * HOUR_MS, mostOfOne: DAY_MS, words: '6 hours by the minute, 24 hours of one account' },
  hour: { stepMs: HOUR_MS, usual: DAY_MS, most: 7 * DAY_MS, mostOfOne: 31 * DAY_MS, words: '7 days by the hour, 31 days of one account' },
} as const;

const Share = z.string().regex(/^(0(\.\d{1,6})?|1(\.0{1,6})?)$/, { error: 'a share from 0 to 1, such as 0.05' }).transform(Number);

export const HealthFilters = z.strictObject({
  from: Time.optional().meta({ description: 'minutes that begin at or after; an hour, or by the hour a day, before `to` where nothing is said' }),
  to: Time.optional().meta({ description: 'minutes that begin before; now where nothing is said' }),
  accountId: Account.optional(),
  step: z.enum(['minute', 'hour']).default('minute'),
  badAbove: Share.default(0.05).meta({ description: 'a minute in which a greater share of the calls failed counts as one in which the provider could not play' }),
}).transform(({ from, to, ...rest }, context) => {
  const { usual, most, mostOfOne, words } = RANGES[rest.step];
  const ends = to ?? new Date().toISOString();
  const begins = from ?? new Date(Date.parse(ends) - usual).toISOString();
  const ms = Date.parse(ends) - Date.parse(begins);
  const wrong = ms <= 0 ? 'before `to`' : ms > (rest.accountId === undefined ? most : mostOfOne) ? `no more than ${words}` : undefined;
  if (wrong === undefined) return { ...rest, from: begins, to: ends };
  context.addIssue({ code: 'custom', path: ['from'], message: wrong });
  return z.NEVER;
});
export type HealthFilters = z.infer<typeof HealthFilters>;

const Count = z.int();
const Rate = z.number().meta({ description: '0 to 1' });
const Percentile = z.number().optional().meta({
  description: 'milliseconds: the bound 1, 2, 5, 10, 20, 50, 100, 200, 500 or 1000 within which so many were answered; absent: more than 1000',
});

export const Fared = z.object({
  calls: Count.meta({ description: 'answered; each is one of accepted, refused, turnedAway and failed' }),
  accepted: Count,
  refused: Count.meta({ description: 'by a rule of money, such as INSUFFICIENT_FUNDS' }),
  turnedAway: Count.meta({ description: 'before any rule was asked: of wrong form, signature, path or address, or too often' }),
  failed: Count.meta({ description: 'answered as a fault: the provider was told to try again' }),
  errorRate: Rate.meta({ description: 'failed ÷ calls' }),
  repeated: Count.meta({ description: 'answered as an earlier call with the same reference had been' }),
  repeatRate: Rate.meta({ description: 'repeated ÷ calls' }),
  rollbacks: Count.meta({ description: 'calls that asked for a rollback' }),
  rollbacksPerMinute: z.number().meta({ description: 'rollbacks ÷ minutes' }),
  p50Ms: Percentile, p95Ms: Percentile, p99Ms: Percentile,
  minutes: Count.meta({ description: 'in which there were calls' }),
  badMinutes: Count.meta({ description: 'of these: in which more than `badAbove` of the calls failed' }),
  availability: Rate.meta({ description: '1 − badMinutes ÷ minutes' }),
}).meta({ id: 'ProviderFared' });
export type Fared = z.infer<typeof Fared>;

export const HealthReport = z.object({
  step: z.enum(['minute', 'hour']),
  from: z.iso.datetime(),
  to: z.iso.datetime(),
  badAbove: z.number(),
  accounts: z.array(z.object({
    accountId: z.int(),
    provider: z.string(),
    total: Fared.meta({ description: 'of the whole range' }),
    steps: z.array(Fared.extend({ at: z.iso.datetime() })).meta({ description: 'oldest first; where there were no calls there is none' }),
  })).meta({ description: 'that were called in the range' }),
  asOf: z.iso.datetime().meta({ description: 'all calls that were answered by then are in it, unless the database was away' }),
}).meta({ id: 'ProviderHealth' });
export type HealthReport = z.infer<typeof HealthReport>;
