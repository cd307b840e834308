/** Periods of the operator's own calendar, and the times that they come to. */

export const FORMATS = ['csv', 'csv.gz', 'xlsx'] as const;
export type Format = (typeof FORMATS)[number];

export const PERIODS = ['today', 'yesterday', 'last7Days', 'thisWeek', 'lastWeek', 'thisMonth', 'lastMonth'] as const;
export type Period = (typeof PERIODS)[number];

/** Of the gaming day on which it is asked; without a zone, so that no clock has a say. */
const WEEK = "date_trunc('week', g.day::timestamp)::date";
const month = (more: '' | ' - 1' | ' + 1') => `(date_trunc('month', g.day::timestamp)${more && `${more} * interval '1 month'`})::date`;

/** First day, and the day behind the last, as SQL. */
const DAYS: Readonly<Record<Period, readonly [first: string, end: string]>> = {
  today: ['g.day', 'g.day + 1'],
  yesterday: ['g.day - 1', 'g.day'],
  last7Days: ['g.day - 7', 'g.day'],
  thisWeek: [WEEK, `${WEEK} + 7`],
  lastWeek: [`${WEEK} - 7`, WEEK],
  thisMonth: [month(''), month(' + 1')],
  lastMonth: [month(' - 1'), month('')],
};

const side = (period: string, i: 0 | 1): string => `case ${period} ${Object.entries(DAYS).map(([name, days]) => `when '${name}' then ${days[i]}`).join(' ')} end`;

const iso = (sql: string) => `to_char(${sql} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;

/** Reports that are asked for by gaming days, the last one among them; all others by times. */
export const BY_DAYS = ['revenue'] as const;

/** SQL that comes to `{"from", "to"}` as jsonb, empty without a period. `operator`: an alias of table operator; the rest SQL. */
export const spanOf = (operator: string, report: string, period: string, at: string): string => {
  const begins = (day: string) => iso(`day_begins(${day}, ${operator}.time_zone, ${operator}.day_starts)`);
  return `(
  select case when ${period} is null then '{}'::jsonb
    when ${report} in (${BY_DAYS.map((name) => `'${name}'`).join(', ')}) then jsonb_build_object('from', s.first::text, 'to', (s.behind - 1)::text)
    else jsonb_build_object('from', ${begins('s.first')}, 'to', ${begins('s.behind')}) end
  from (select ${side(period, 0)} as first, ${side(period, 1)} as behind
    from (select gaming_day(${at}, ${operator}.time_zone, ${operator}.day_starts) as day) g) s)`;
};
