/** Of views that are being built for the first time: since when something is in the ledger that is not in them. */
import type pg from 'pg';

/** The oldest batch that is not in a view is the first behind its position, of one lane or another. */
const LACKING = `
select p.name, floor(date_part('epoch', least(min(w.moved), min(w.judged))) * 1000)::float8 as since
from projection p cross join lateral (
  select (select min(at) from transaction t where t.lane = l.lane and t.batch = coalesce(x.batch, 0) + 1) as moved,
    (select min(at) from verdict v where v.lane = l.lane and v.batch = coalesce(x.batch, 0) + 1) as judged
  from lane l left join unnest(p.lanes, p.batches) x(lane, batch) using (lane) where l.batch > coalesce(x.batch, 0)) w
where not p.building and not p.caught_up group by p.name`;

/** A look into each month for each lane that is not done: while views follow, nobody asks. */
const EVERY_MS = 5_000;

export interface LackingOptions {
  readonly pool: pg.Pool;
  readonly report: (message: string, error: unknown) => void;
}

export class Lacking {
  /** view → milliseconds since 1970, on the database's clock */
  private readonly known = new Map<string, number>();
  private askedAt = -Infinity;

  constructor(private readonly options: LackingOptions) {}

  /** Asks anew where it is time to, and somebody is being built. Where it cannot be read, the last that was known stands. */
  async look(views: readonly { readonly name: string; readonly caughtUp: boolean; readonly now: number }[]): Promise<void> {
    const built = views.filter(({ caughtUp }) => !caughtUp);
    if (built.length === 0 || performance.now() - this.askedAt < EVERY_MS) return;
    this.askedAt = performance.now();
    // Nobody knows better than since it was first seen, until somebody does.
    for (const { name, now } of built) if (!this.known.has(name)) this.known.set(name, now);
    try {
      for (const { name, since } of (await this.options.pool.query<{ name: string; since: number | null }>(LACKING)).rows) {
        if (since !== null) this.known.set(name, since);
      }
    } catch (error) {
      this.options.report('how far back the views that are being built stand could not be read', error);
    }
  }

  /** Undefined where that view was never seen to be built. */
  since(view: string): number | undefined {
    return this.known.get(view);
  }
}
