/** The rows of table `projection`: one a view, and how each stands against the ledger. */
import type pg from 'pg';
import type { Projection } from '../contract.ts';

type Asked = Pick<pg.ClientBase | pg.Pool, 'query'>;

/** A new view begins at the beginning of the ledger. One that is there already stays as it is. */
export async function makeRows(client: Asked, projections: readonly Projection[]): Promise<void> {
  await client.query('insert into projection (name) select unnest($1::text[]) on conflict do nothing', [projections.map(({ name }) => name)]);
}

/** A view as its row and the ledger say; times in milliseconds since 1970 on the database's clock. */
export interface Standing {
  readonly name: string;
  readonly state: 'following' | 'stopped';
  readonly generation: number;
  /** false: it has never come up to the ledger, and nobody is answered from it */
  readonly caughtUp: boolean;
  /** its position and the ledger's differ */
  readonly behind: boolean;
  readonly asOf: number | null;
  readonly now: number;
  readonly applied: string;
  readonly stop: Stop | null;
}

export interface Stop {
  readonly at: string;
  readonly lane: number | null;
  readonly batch: number | null;
  readonly transaction: string | null;
  readonly because: string;
}

const ms = (time: string): string => `floor(date_part('epoch', ${time}) * 1000)::float8`;

/** A lane that is retired, or gone, and still in a position makes a difference too: a step takes it out, or says what is wrong. */
export const BEHIND = `exists (select from unnest(p.lanes, p.batches) x(lane, batch) full join (select lane, batch from lane where retired_at is null) l using (lane)
  where coalesce(l.batch, -1) <> coalesce(x.batch, 0))`;

const STANDINGS = `
select name, state, generation, caught_up as "caughtUp", not caught_up or ${BEHIND} as behind, ${ms('as_of')} as "asOf", ${ms('clock_timestamp()')} as now, applied::text,
  case when state = 'stopped' then jsonb_build_object('at', stopped_at, 'lane', stopped_lane, 'batch', stopped_batch, 'transaction', stopped_transaction, 'because', stopped_because) end as stop
from projection p where not building order by name`;

export async function standings(client: Asked): Promise<Standing[]> {
  return (await client.query<Standing>(STANDINGS)).rows;
}

/** One sentence for whoever is called at night. */
export function whatToDo(view: string, stop: Stop | null): string {
  const where = stop?.lane == null ? '' : ` at lane ${stop.lane}, batch ${stop.batch}${stop.transaction === null ? '' : `, transaction ${stop.transaction}`}`;
  return `view ${view} stands still${where}: ${stop?.because ?? 'nobody knows why'}. Nothing is skipped and the other views go on. `
    + `Mend what is wrong, then \`cli views resume ${view}\`; docs/operations/views.md says how`;
}
