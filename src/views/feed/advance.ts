/**
 * One step of one projection: what lies past its position is applied and the position moved, in one transaction, under the lock of its row.
 *
 *   begin → lock the row (skip locked: somebody else is at it) → read the lanes → count the range → apply → move the position → commit
 *
 * However often it is asked, by however many workers, and wherever it is broken off, each row of the ledger is applied exactly once. A range
 * that cannot be applied is halved until the transaction that is at fault stands alone; there the projection stops and says so.
 */
import type pg from 'pg';
import { classify } from '../../../libs/postgres/index.ts';
import type { Projection } from '../contract.ts';
import { COUNT, FED, TRANSACTIONS } from './fed.ts';
import { batchesIn, behind, positionOf, rangeBetween, rewound, type Position, type Range } from './range.ts';

export interface Step {
  /** `behind`: there was more than one step takes · `current`: it has come up to the ledger · `busy`: another worker is at it */
  readonly came: 'behind' | 'current' | 'busy' | 'stopped';
  /** rows of the ledger that were applied */
  readonly applied: number;
  /** batches to take in the next step, so that it is of a good size */
  readonly most: number;
}

export interface StepOptions {
  /** of the copy beside the live one: `client` has schema rebuild first in its search path */
  readonly building?: boolean;
  /** batches at most */
  readonly most?: number;
  /** not further than this, where the ledger is further already */
  readonly until?: Position;
  /** one that was broken off before: only while nobody else tries such a step, whatever his view */
  readonly alone?: boolean;
}

export const FIRST_STEP = 256;
const ROWS_A_STEP = 20_000;
const MOST_BATCHES = 65_536;
/** What takes longer than this is taken in smaller pieces. */
const STEP_MS = 5_000;

/** What a connection for this is opened with. What is applied is lost or kept together with the position, so nothing waits for the disk. */
export const STEP_SETTINGS = {
  statement_timeout: '60s', transaction_timeout: '120s', idle_in_transaction_session_timeout: '30s', lock_timeout: '5s', work_mem: '64MB', synchronous_commit: 'off', jit: 'off',
};

interface Row {
  readonly state: 'following' | 'stopped';
  readonly caught_up: boolean;
  readonly lanes: number[];
  readonly batches: number[];
  readonly tail_from: string;
}

/** args: name, building */
const LOCK = 'select state, caught_up, lanes, batches, tail_from::text from projection where name = $1 and building = $2 for update skip locked';
const ALONE = "select pg_try_advisory_xact_lock(hashtext('croupier feed'), hashtext('broken off')) as alone";

interface Lane {
  readonly lane: number;
  readonly batch: number;
  readonly retired: boolean;
  readonly now: string;
}

/** args: all lanes, or those in use and these · answers in the order in which they were opened */
const LANES = `select lane, batch, retired_at is not null as retired, clock_timestamp()::text as now from lane
where retired_at is null or $1 or lane = any($2::int[]) order by opened_at, lane`;
/** args: name, building, lanes, batches, rows, come up, now */
const MOVE = `update projection set lanes = $3, batches = $4, applied = applied + $5, caught_up = caught_up or $6,
  as_of = case when $6 then $7::timestamptz else as_of end, tail_from = case when $6 then $7::timestamptz - interval '1 hour' else tail_from end
where name = $1 and building = $2`;
const STOP = `update projection set state = 'stopped', stopped_at = clock_timestamp(), stopped_lane = $3, stopped_batch = $4, stopped_transaction = $5, stopped_because = $6
where name = $1 and building = $2`;

/** The ledger does not have what its lanes say. */
class Hole extends Error {}

/** Rejects where the database is unwell: nothing was done, and the same step may be tried again. */
export async function advance(client: pg.ClientBase, projection: Projection, options: StepOptions = {}): Promise<Step> {
  await client.query('begin');
  try {
    const step = await locked(client, projection, options);
    await client.query('commit');
    return step;
  } catch (error) {
    await client.query('rollback').catch(() => undefined);
    throw error;
  }
}

async function locked(client: pg.ClientBase, projection: Projection, { building = false, most = FIRST_STEP, until, alone = false }: StepOptions): Promise<Step> {
  const who = [projection.name, building];
  if (alone && !(await client.query<{ alone: boolean }>(ALONE)).rows[0]?.alone) return { came: 'busy', applied: 0, most };
  const row = (await client.query<Row>(LOCK, who)).rows[0];
  if (!row) return { came: 'busy', applied: 0, most };
  if (row.state === 'stopped') return { came: 'stopped', applied: 0, most };
  const from = positionOf(row.lanes, row.batches);
  // A statement behind the lock: what it sees is not older than what was applied before.
  const found = (await client.query<Lane>(LANES, [!row.caught_up, row.lanes])).rows;
  const ledger: Position = new Map(found.map(({ lane, batch }) => [lane, batch]));
  const retired = new Set(found.filter((lane) => lane.retired).map(({ lane }) => lane));
  const to = until ?? ledger;
  const stop = async (because: string, lane?: number, batch?: number, transaction?: string): Promise<Step> => {
    await client.query(STOP, [...who, lane ?? null, batch ?? null, transaction ?? null, because]);
    return { came: 'stopped', applied: 0, most: 1 };
  };
  const lower = rewound(from, ledger);
  if (lower !== undefined) return stop('the ledger was rewound: this lane stands lower than what was applied', lower, from.get(lower));

  let size = Math.max(1, most);
  for (;;) {
    const range = rangeBetween(from, to, size);
    await client.query('savepoint step');
    const begun = performance.now();
    try {
      const rows = await apply(client, projection, range, row.tail_from);
      const reached = behind(from, range);
      const come = batchesIn(rangeBetween(reached, to, 1)) === 0;
      // A lane that was retired stays in no position: it has nothing more. One that has not come up to the ledger yet needs to know what it has read.
      const kept = [...reached].filter(([lane, batch]) => !row.caught_up || !retired.has(lane) || batch < (ledger.get(lane) ?? 0));
      await client.query(MOVE, [...who, kept.map(([lane]) => lane), kept.map(([, batch]) => batch), rows, come && !until, found[0]?.now ?? new Date().toISOString()]);
      return { came: come ? 'current' : 'behind', applied: rows, most: nextSize(batchesIn(range), rows, performance.now() - begun) };
    } catch (error) {
      if (error instanceof Hole) {
        await client.query('rollback to savepoint step');
        return stop(error.message, range.lanes[0], range.after[0]);
      }
      if (classify(error) !== 'poison') throw error;
      await client.query('rollback to savepoint step');
      if (batchesIn(range) > 1) {
        size = Math.floor(batchesIn(range) / 2);
        continue;
      }
      const culprit = await findCulprit(client, projection, range, row.tail_from);
      return stop(String((error as Error).message), range.lanes[0], range.upto[0], culprit);
    }
  }
}

/** Answers how many rows of the ledger there were. */
async function apply(client: pg.ClientBase, projection: Projection, range: Range, tailFrom: string): Promise<number> {
  const batches = batchesIn(range);
  if (batches === 0) return 0;
  const args = [range.lanes, range.after, range.upto, tailFrom];
  const count = async (since: string) => (await client.query({ text: COUNT, rowMode: 'array', values: [...args.slice(0, 3), since], name: 'feed_count' })).rows[0] as [string, string];
  let since = tailFrom;
  let [rows, there] = await count(since);
  if (Number(there) < batches) [rows, there] = await count((since = '-infinity'));
  if (Number(there) < batches) throw new Hole(`the ledger has a hole: of ${batches} batches behind the position ${there} are there`);
  for (const [i, text] of projection.applies.entries()) {
    await client.query({ text: `${FED} ${text}`, values: [...args.slice(0, 3), since, null], name: `feed_${projection.name}_${i}` });
  }
  return Number(rows);
}

/** In a batch that cannot be applied, the first transaction that cannot by itself; undefined where only their company is at fault. */
async function findCulprit(client: pg.ClientBase, projection: Projection, range: Range, tailFrom: string): Promise<string | undefined> {
  const args = [range.lanes, range.after, range.upto, tailFrom];
  for (const { transaction_id: id } of (await client.query<{ transaction_id: string }>(TRANSACTIONS, args)).rows) {
    await client.query('savepoint alone');
    try {
      for (const text of projection.applies) await client.query(`${FED} ${text}`, [...args, id]);
      await client.query('rollback to savepoint alone');
    } catch (error) {
      await client.query('rollback to savepoint alone');
      if (classify(error) === 'poison') return id;
      throw error;
    }
  }
  return undefined;
}

function nextSize(batches: number, rows: number, ms: number): number {
  if (batches === 0) return FIRST_STEP;
  const [byRows, byTime] = [(batches * ROWS_A_STEP) / Math.max(rows, 1), (batches * STEP_MS) / Math.max(ms, 1)];
  return Math.max(1, Math.floor(Math.min(byRows, byTime, batches * 4, MOST_BATCHES)));
}
