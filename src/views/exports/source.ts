/** The ledger as it stood at one moment, read page by page for as long as an export takes, from whichever server is there. */
import { statement, type Field } from '../../../libs/postgres/index.ts';
import type { Answer, Reads } from '../reads.ts';
import type { Source } from './report.ts';

/** Where the ledger stood. Each lane's batches up to it are in the export, and nothing else is. */
export interface LedgerPosition {
  readonly lanes: readonly number[];
  readonly batches: readonly number[];
  /** of the read that saw it: no later read sees less */
  readonly token: string;
  /** milliseconds since 1970 */
  readonly asOf: number;
}

/** The server that was asked has not come as far as the export began; another one has, or this one will. */
export class NotThere extends Error {}

/** Those that may still move, or did a moment ago, come first. */
const askLanes = statement<[lane: string, batch: string]>('export_position', 'select lane, batch from lane order by retired_at is null desc, retired_at desc, opened_at desc');
const MAY_MOVE = 500;

/**
 * args: lanes, batches · answers how many of these lanes stand lower here. A token is taken before the position is read, so a commit in between may be
 * missing where the token is honoured. Lanes that were retired long before were so everywhere.
 */
const askMissing = statement<[string]>('export_missing', `
select count(*) from (select string_to_array($1, ',')::int[] as lanes, string_to_array($2, ',')::int[] as batches) position
cross join unnest(lanes, batches) p(lane, batch)
where not exists (select from lane l where l.lane = p.lane and l.batch >= p.batch)`);

export async function readPosition(reads: Reads, operator: string): Promise<LedgerPosition> {
  const { rows: [lanes], asOf, token } = await reads.at().as(operator, [askLanes()]);
  return { lanes: lanes.map(([lane]) => Number(lane)), batches: lanes.map(([, batch]) => Number(batch)), token, asOf };
}

export function sourceAt(reads: Reads, operator: string, { lanes, batches, token, asOf }: LedgerPosition): Source {
  const position = new Map(lanes.map((lane, i) => [lane, batches[i] as number]));
  const missing = () => askMissing([lanes.slice(0, MAY_MOVE).join(','), batches.slice(0, MAY_MOVE).join(',')]);
  const there = ({ rows }: Answer): Answer['rows'] => {
    if (rows[0]?.[0]?.[0] !== '0') throw new NotThere('a server lacks a part of the ledger that was there when the export began');
    return rows.slice(1);
  };
  return {
    operator, asOf, reads, token,
    ask: async (steps) => there(await reads.at(token).as(operator, [missing(), ...steps])) as never,
    projected: async (names, steps, saw) => {
      const answer = await reads.at(token).projected(operator, names, [missing(), ...steps]);
      saw?.(answer.asOf);
      return there(answer) as never;
    },
    holds: (lane: Field | undefined, batch: Field | undefined) => Number(batch) <= (position.get(Number(lane)) ?? 0),
  };
}
