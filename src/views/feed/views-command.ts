/** `cli views`: how each view stands. `cli views resume <view>`: one that stands still may try again. */
import { connect } from '../../../libs/postgres/index.ts';
import type { Projection } from '../contract.ts';
import { whatToDo, type Stop } from './rows.ts';

interface Listed {
  readonly name: string;
  readonly building: boolean;
  readonly state: 'following' | 'stopped';
  readonly generation: number;
  readonly caughtUp: boolean;
  readonly asOf: string | null;
  readonly applied: string;
  /** how much of the ledger is in it */
  readonly percent: number;
  /** for how long its oldest transaction has waited; null where nothing waits */
  readonly lagSeconds: number | null;
  readonly stop: Stop | null;
}

/** The oldest batch that is not in it is the first behind its position, of one lane or another. */
const LIST = `
select p.name, p.building, p.state, p.generation, p.caught_up as "caughtUp", to_char(p.as_of at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS"Z"') as "asOf", p.applied::text, w.percent,
  date_part('epoch', clock_timestamp() - w.oldest)::float8 as "lagSeconds",
  case when p.state = 'stopped' then jsonb_build_object('at', stopped_at, 'lane', stopped_lane, 'batch', stopped_batch, 'transaction', stopped_transaction, 'because', stopped_because) end as stop
from projection p cross join lateral (
  select coalesce(floor(100.0 * sum(least(x.batch, l.batch)) / nullif(sum(l.batch), 0)), 100)::int as percent,
    min(least((select min(at) from transaction t where t.lane = l.lane and t.batch = coalesce(x.batch, 0) + 1 and l.batch > coalesce(x.batch, 0)),
      (select min(at) from verdict v where v.lane = l.lane and v.batch = coalesce(x.batch, 0) + 1 and l.batch > coalesce(x.batch, 0)))) as oldest
  from lane l left join unnest(p.lanes, p.batches) x(lane, batch) using (lane) where l.retired_at is null or not p.caught_up) w
order by p.name, p.building`;

const RESUME = `update projection set state = 'following', stopped_at = null, stopped_lane = null, stopped_batch = null, stopped_transaction = null, stopped_because = null
where name = $1 and not building and state = 'stopped'`;

type Tell = (line: string) => void;

/** Answers 1 where a view stands still, else 0. */
export async function listViews(url: string, projections: readonly Projection[], tell: Tell): Promise<number> {
  const client = await connect(url, { name: 'croupier views' });
  try {
    const rows = (await client.query<Listed>(LIST)).rows;
    tell(line('view', 'state', 'generation', 'lag', 'complete until', 'applied'));
    for (const row of rows) {
      const installed = projections.some(({ name }) => name === row.name);
      tell(line(row.name, stateOf(row, installed), String(row.generation), lagOf(row), row.asOf ?? '-', row.applied));
      if (row.stop && !row.building) tell(`  ${whatToDo(row.name, row.stop)}`);
    }
    for (const { name } of projections) if (!rows.some((row) => row.name === name)) tell(line(name, 'not begun: start a worker', '-', '-', '-', '0'));
    return rows.some(({ state, building }) => state === 'stopped' && !building) ? 1 : 0;
  } finally {
    await client.end();
  }
}

/** Answers whether it stood still. It goes on where it stopped: what it stopped at is tried first. */
export async function resumeView(url: string, view: string): Promise<boolean> {
  const client = await connect(url, { name: 'croupier views' });
  try {
    return ((await client.query(RESUME, [view])).rowCount ?? 0) > 0;
  } finally {
    await client.end();
  }
}

function stateOf({ state, building, caughtUp, percent }: Listed, installed: boolean): string {
  if (!installed) return 'not installed';
  if (building) return `rebuilt: ${percent} %`;
  if (state === 'stopped') return 'STANDS STILL';
  return caughtUp ? 'follows' : `built: ${percent} %`;
}

const lagOf = ({ lagSeconds }: Listed): string => (lagSeconds === null ? '0 s' : `${Math.max(0, lagSeconds).toFixed(1)} s`);
const WIDTHS = [20, 18, 12, 12, 22];
const line = (...cells: string[]): string => cells.map((cell, i) => cell.padEnd(WIDTHS[i] ?? 0)).join('').trimEnd();
