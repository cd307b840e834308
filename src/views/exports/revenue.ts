/** Revenue by gaming day, provider account, game and currency: asked of the report that the screen shows, some days at a time. */
import { ProblemError } from '../../../libs/http/index.ts';
import { statement } from '../../../libs/postgres/index.ts';
import { Revenue, RevenueHandler } from '../revenue/revenue.query.ts';
import type { RevenueRow } from '../revenue/schema.ts';
import { CannotExport, type Cell, type Column, type Filters, type Page, type Report, type Source } from './report.ts';

const SUMS = ['bets', 'freeBets', 'undoneBets', 'wins', 'turnover', 'won', 'ggr', 'awarded', 'adjusted', 'deposited', 'withdrawn'] as const;
const RATIOS = ['rtp', 'hold', 'averageBet'] as const;

const numbers = (names: readonly string[]): Column[] => names.map((name) => ({ name, kind: 'number' }));
const lateName = (name: string) => `late${name.charAt(0).toUpperCase()}${name.slice(1)}`;

const COLUMNS: readonly Column[] = [
  { name: 'day', kind: 'word' }, { name: 'locked', kind: 'word' }, { name: 'accountId', kind: 'number' }, { name: 'provider', kind: 'text' }, { name: 'gameId', kind: 'text' },
  { name: 'game', kind: 'text' }, { name: 'currency', kind: 'word' }, ...numbers(SUMS), ...numbers(RATIOS), ...numbers(['roundsOpened', 'roundsEnded', 'activePlayers']),
  ...numbers(SUMS.map(lateName)),
];

const DAY_MS = 86_400_000;
const DAYS = { first: 8, most: 200 };
const FEW_ROWS = 200;
/** Games of before 1970 and after this day are nobody's. */
const EVER = { from: '1970-01-01', to: '9998-12-31' };

/** args: operator · answers the first and the last day that any of the report's tables has */
const side = (way: 'min' | 'max', pick: 'least' | 'greatest') =>
  `${pick}(${['revenue_day', 'round_day', 'player_game_day'].map((table) => `(select ${way}(day) from ${table} where operator_id = $1::uuid)`).join(', ')})::text`;
const askDays = statement<[first: string | null, last: string | null]>('export_days', `select ${side('min', 'least')}, ${side('max', 'greatest')}`);

const dayAfter = (day: string, days: number): string => new Date(Date.parse(day) + days * DAY_MS).toISOString().slice(0, 10);

export const revenue: Report = {
  name: 'revenue',
  columns: COLUMNS,
  async page(source, filters, place): Promise<Page> {
    const span = await spanOf(source, filters);
    if (!span) return { rows: [], share: 1 };
    const day = place ? String(place['day']) : span.from;
    let days = place ? Number(place['days']) : DAYS.first;
    const items = await read(source, filters, day, span.to, days).catch((error: unknown) => {
      if (!(error instanceof ProblemError) || error.shown.status !== 400) throw error;
      if (days === 1) throw new CannotExport(`Of ${day} there are more lines than a report shows: ask for one accountId or currency at a time.`);
      return undefined;
    });
    if (!items) return { rows: [], share: 0, next: { day, days: Math.max(1, Math.floor(days / 4)) } };
    const next = dayAfter(day, days);
    if (items.rows.length < FEW_ROWS) days = Math.min(DAYS.most, days * 2);
    const share = (Date.parse(next) - Date.parse(span.from)) / (Date.parse(span.to) + DAY_MS - Date.parse(span.from));
    return { rows: items.rows.map(cellsOf), asOf: items.asOf, share: Math.min(1, share), ...(next <= span.to && { next: { day: next, days } }) };
  },
};

async function read(source: Source, { currency, accountId, gameId }: Filters, from: string, most: string, days: number): Promise<{ rows: readonly RevenueRow[]; asOf: number }> {
  const last = dayAfter(from, days - 1);
  const filters = {
    from, to: last < most ? last : most, groupBy: 'day,provider,game', ...(currency !== undefined && { currency }), ...(accountId !== undefined && { accountId }),
    ...(gameId !== undefined && { gameId }),
  };
  const { reads, operator, token } = source;
  const view = await new RevenueHandler(reads).execute(new Revenue({ operator, token }, filters));
  return { rows: view.body?.items ?? [], asOf: Date.parse(view.asOf) };
}

/** The days of which there is anything, so that a hundred years take no longer than those. */
async function spanOf(source: Source, { from = EVER.from, to = EVER.to }: Filters): Promise<{ readonly from: string; readonly to: string } | undefined> {
  const [[found]] = await source.projected(['players', 'revenue', 'rounds'], [askDays([source.operator])]);
  const [first, last] = found ?? [];
  if (first == null || last == null) return undefined;
  const span = { from: from > first ? from : first, to: to < last ? to : last };
  return span.from <= span.to ? span : undefined;
}

function cellsOf(row: RevenueRow): Cell[] {
  const { late } = row;
  const said = (value: string | number | undefined): Cell => (value === undefined ? null : String(value));
  return [
    said(row.day), row.locked ? 'true' : null, said(row.accountId), said(row.provider), said(row.gameId), said(row.game), row.currency,
    ...SUMS.map((name) => said(row[name])), ...RATIOS.map((name) => said(row[name])), said(row.rounds.opened), said(row.rounds.ended), said(row.activePlayers),
    ...SUMS.map((name) => said(late?.[name])),
  ];
}
