/** The operator's gaming days, and the currencies' digits: what most reports ask beside their rows. */
import { z } from 'zod';
import { statement, type Field } from '../../../libs/postgres/index.ts';
import { scaleOf, type Scale } from '../transactions/entry.ts';

const DAY_MS = 86_400_000;
/** Of one report; more are several reports. */
export const MOST_DAYS = 400;
const DAY = { error: 'a day of the years 1970 to 9998, such as 2026-01-31' };

export const Day = z.string().regex(/^(19[7-9]\d|[2-9]\d{3})-\d\d-\d\d$/, { ...DAY, abort: true })
  .refine((text) => !Number.isNaN(Date.parse(text)) && new Date(text).toISOString().startsWith(text) && text < '9999', { ...DAY, abort: true })
  .meta({ format: 'date', examples: ['2026-01-31'] });

/** Answers it in UTC. */
export const Time = z.iso.datetime({ offset: true, abort: true, error: 'an ISO time with its offset, such as 2026-01-31T00:00:00Z' })
  .refine((text) => Date.parse(text) >= Date.UTC(1970) && Date.parse(text) < Date.UTC(9999), { abort: true, error: 'a time of the years 1970 to 9998' })
  .transform((text) => new Date(text).toISOString());

export const DAYS = {
  from: Day.meta({ description: 'a gaming day, in the operator’s time zone' }),
  to: Day.meta({ description: `the last one, itself among them; at most ${MOST_DAYS} days` }),
};

/** Refuses a range that ends before it begins, or is too long, and names the field that is to be changed. */
export const bounded = <Shape extends z.ZodType<{ readonly from: string; readonly to: string }>>(schema: Shape): Shape => schema
  .refine(({ from, to }) => from <= to, { error: 'not before `from`', path: ['to'] })
  .refine(({ from, to }) => (Date.parse(to) - Date.parse(from)) / DAY_MS < MOST_DAYS, { error: `at most ${MOST_DAYS} days from \`from\` on`, path: ['to'] });

export interface Clock {
  readonly timeZone: string;
  /** `06:00` */
  readonly dayStarts: string;
}
export const CLOCK = {
  timeZone: z.string().meta({ examples: ['Europe/Malta'] }), dayStarts: z.string().meta({ description: 'when a gaming day begins there', examples: ['06:00'] }),
};

/** args: operator */
export const askClock = statement('view_clock', "select time_zone, to_char(day_starts, 'HH24:MI') from operator where operator_id = $1::uuid");
export const clockOf = ([row]: readonly (readonly Field[])[]): Clock => ({ timeZone: row?.[0] ?? 'UTC', dayStarts: row?.[1] ?? '00:00' });

export const askScales = statement('view_currencies', 'select code, exponent, scale from currency');
export function scalesOf(rows: readonly (readonly Field[])[]): (currency: string) => Scale {
  const scales = new Map(rows.map(([code, exponent, scale]) => [code as string, scaleOf(exponent, scale)]));
  return (currency) => scales.get(currency) as Scale;
}

/** args: operator, from, to · beside the rows of a report that shows late movements apart: what they follow from. */
export const askLocks = statement('view_locks', `
select day::text, round(date_part('epoch', locked_at) * 1000)::int8 from locked_day
where operator_id = $1::uuid and day between $2::date and $3::date order by day`);
