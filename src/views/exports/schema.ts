/** What callers may ask of exports, and what they are answered. */
import { z } from 'zod';
import { KINDS } from '../transactions/entry.ts';
import { END, MOST_DAYS, wrongEnd } from '../transactions/schema.ts';
import { FORMATS, PERIODS } from './period.ts';

const ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const CONTROL = /\p{Cc}/u;
const EARLIEST = Date.UTC(1970);
const LATEST = Date.UTC(9999);
const KEEP_DAYS = { usual: 7, most: 30 };

export const EXAMPLES = {
  exportId: '01890000-0000-7000-8000-0000000000e1', scheduleId: '01890000-0000-7000-8000-0000000000e2', playerId: '01890000-0000-7000-8000-0000000000b1',
} as const;

export const ExportId = z.string().regex(ID).meta({ format: 'uuid', examples: [EXAMPLES.exportId] });
export const ScheduleId = z.string().regex(ID).meta({ format: 'uuid', examples: [EXAMPLES.scheduleId] });

const isName = (text: string): boolean => text.length > 0 && [...text].length <= 128 && !CONTROL.test(text) && text.isWellFormed();
const Name = z.string().refine(isName, { error: '1 to 128 characters, no control characters' }).meta({ minLength: 1, maxLength: 128 });
const Time = z.iso.datetime({ offset: true, abort: true, error: 'an ISO time with its offset, such as 2026-01-31T00:00:00Z' })
  .refine((text) => Date.parse(text) >= EARLIEST && Date.parse(text) < LATEST, { error: 'a time of the years 1970 to 9998', abort: true })
  .transform((text) => new Date(text).toISOString());
const PlayerId = z.string().regex(ID, { error: 'a player’s id' }).meta({ format: 'uuid' });
const Currency = z.string().regex(/^[A-Z0-9]{3,10}$/, { error: 'a currency code in capitals' }).meta({ examples: ['EUR'] });
const AccountId = z.int().min(1).max(2 ** 31 - 1);

const Relative = z.enum(PERIODS).meta({ description: 'of the operator’s calendar: gaming days, weeks from Monday on' });
const Span = {
  period: Relative.optional(),
  from: Time.optional().meta({ description: 'at or after' }),
  to: Time.optional().meta({ description: END }),
};
const OfTransactions = { playerId: PlayerId.optional(), currency: Currency.optional(), kind: z.enum(KINDS).optional(), accountId: AccountId.optional(), gameId: Name.optional() };
const OfStatement = { playerId: PlayerId, currency: Currency };
const OfRevenue = { currency: Currency.optional(), accountId: AccountId.optional(), gameId: Name.optional() };
const OfRounds = { playerId: PlayerId.optional(), currency: Currency.optional(), state: z.enum(['open', 'closed', 'cancelled']).optional(), accountId: AccountId.optional(), gameId: Name.optional() };
const DAY = { error: 'a day of the years 1970 to 9998, such as 2026-01-31' };
const Day = z.string().regex(/^(19[7-9]\d|[2-9]\d{3})-\d\d-\d\d$/, { ...DAY, abort: true })
  .refine((text) => !Number.isNaN(Date.parse(text)) && new Date(text).toISOString().startsWith(text) && text < '9999', { ...DAY, abort: true }).meta({ format: 'date', examples: ['2026-01-31'] });
const DaySpan = {
  period: Relative.optional(),
  from: Day.optional().meta({ description: 'the first gaming day' }),
  to: Day.optional().meta({ description: `the last gaming day, itself among them; at most ${MOST_DAYS} days behind \`from\`` }),
};

type Spanned = { readonly period?: string | undefined; readonly from?: string | undefined; readonly to?: string | undefined };
/** `days`: `to` is the last day, else the time that everything is before. */
const spanned = <Shape extends z.ZodObject>(shape: Shape, by: 'times' | 'days' = 'times') => shape
  .refine((filters) => (filters as Spanned).period === undefined || ((filters as Spanned).from === undefined && (filters as Spanned).to === undefined), {
    path: ['period'], error: 'a period, or from and to: not both',
  })
  .superRefine(({ from, to }: Spanned, context) => {
    const isBefore = by === 'days' && from !== undefined && to !== undefined && to < from;
    const message = isBefore ? 'not before `from`' : by === 'days' && from === to ? undefined : wrongEnd(from, to);
    if (message !== undefined) context.addIssue({ code: 'custom', path: ['to'], message });
  });

const Format = z.enum(FORMATS).meta({ description: 'an XLSX sheet holds up to 1,000,000 rows here' });
const KeepDays = z.int().min(1).max(KEEP_DAYS.most).default(KEEP_DAYS.usual).meta({ description: 'days for which the file can be fetched' });

const NO_REPORT = { error: 'none of the reports that there are: transactions, statement, revenue, rounds' };

export const NewExport = z.discriminatedUnion('report', [
  z.strictObject({ report: z.literal('transactions'), format: Format, filters: spanned(z.strictObject({ ...Span, ...OfTransactions })).default({}), keepDays: KeepDays }),
  z.strictObject({ report: z.literal('statement'), format: Format, filters: spanned(z.strictObject({ ...Span, ...OfStatement })), keepDays: KeepDays }),
  z.strictObject({ report: z.literal('revenue'), format: Format, filters: spanned(z.strictObject({ ...DaySpan, ...OfRevenue }), 'days').default({}), keepDays: KeepDays }),
  z.strictObject({ report: z.literal('rounds'), format: Format, filters: spanned(z.strictObject({ ...Span, ...OfRounds })).default({}), keepDays: KeepDays }),
], NO_REPORT)
  // Not `examples`: zod takes those for what it answers, and leaves them out of what is asked for where a time in it is read into another form.
  .meta({ id: 'NewExport', example: { report: 'transactions', format: 'csv.gz', filters: { period: 'yesterday', kind: 'bet' } } });
export type NewExport = z.infer<typeof NewExport>;

/** No body, or an empty one. */
export const Nothing = z.strictObject({}).meta({ id: 'Nothing', examples: [{}] });

export const LIMIT = { error: 'a whole number from 1 to 100' };
export const PageOf = z.strictObject({
  limit: z.string().regex(/^([1-9]\d?|100)$/, LIMIT).default('50').transform(Number),
  cursor: z.string().min(1).max(2_048).optional().meta({ description: '`nextCursor` or `previousCursor` of a page of the same list' }),
});
export type PageOf = z.infer<typeof PageOf>;

const moment = z.iso.datetime();
export const ExportView = z.strictObject({
  exportId: z.uuid(),
  report: z.string(),
  format: z.enum(FORMATS),
  filters: z.record(z.string(), z.union([z.string(), z.number()])).meta({ description: 'as asked; a period as the times that it came to' }),
  state: z.enum(['waiting', 'running', 'done', 'failed', 'cancelled', 'expired']),
  percent: z.int().meta({ description: '100 when the file is there' }),
  rows: z.int(),
  rowsExpected: z.int().optional().meta({ description: 'at most so many; absent where nobody knows' }),
  bytes: z.int().meta({ description: 'of the file, or of what there is of it' }),
  createdAt: moment,
  startedAt: moment.optional(),
  endedAt: moment.optional(),
  asOf: moment.optional().meta({ description: 'all that was committed by then is in the file, and nothing that was not when it began' }),
  expiresAt: moment.optional().meta({ description: 'the file can be fetched until then' }),
  scheduleId: z.uuid().optional(),
  dueAt: moment.optional().meta({ description: 'of a schedule: the time for which it was made' }),
  why: z.string().optional().meta({ description: 'of one that failed' }),
}).meta({ id: 'Export' });
export type ExportView = z.infer<typeof ExportView>;

const listOf = <Item extends z.ZodType>(item: Item, id: string) => z.strictObject({
  items: z.array(item), nextCursor: z.string().optional(), previousCursor: z.string().optional(),
}).meta({ id });
export const Exports = listOf(ExportView, 'Exports');

const At = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, { error: 'a time such as 06:30' }).meta({ examples: ['06:30'], description: 'of the operator’s clock' });
const Every = {
  name: Name, format: Format, keepDays: KeepDays, at: At, period: Relative,
  weekday: z.int().min(1).max(7).optional().meta({ description: '1 is Monday; absent: every day' }),
};
export const NewSchedule = z.discriminatedUnion('report', [
  z.strictObject({ report: z.literal('transactions'), ...Every, filters: z.strictObject(OfTransactions).default({}) }),
  z.strictObject({ report: z.literal('statement'), ...Every, filters: z.strictObject(OfStatement) }),
  z.strictObject({ report: z.literal('revenue'), ...Every, filters: z.strictObject(OfRevenue).default({}) }),
  z.strictObject({ report: z.literal('rounds'), ...Every, filters: z.strictObject(OfRounds).default({}) }),
], NO_REPORT)
  .meta({ id: 'NewExportSchedule', examples: [{ name: 'all of yesterday', report: 'transactions', format: 'csv.gz', at: '06:30', period: 'yesterday' }] });
export type NewSchedule = z.infer<typeof NewSchedule>;

export const ScheduleView = z.strictObject({
  scheduleId: z.uuid(), name: z.string(), report: z.string(), format: z.enum(FORMATS), filters: z.record(z.string(), z.union([z.string(), z.number()])),
  period: Relative, at: z.string(), weekday: z.int().optional(), keepDays: z.int(), createdAt: moment,
  nextAt: moment.optional().meta({ description: 'absent: it was removed' }),
}).meta({ id: 'ExportSchedule' });
export type ScheduleView = z.infer<typeof ScheduleView>;
export const Schedules = listOf(ScheduleView, 'ExportSchedules');
