/** How a query says that its answers may be kept; `ViewCache` does the rest, in front of its handler. */
import type { Step } from '../../../libs/postgres/index.ts';
import type { Asker, View } from '../view.ts';

/** Who asks; what else it holds is plain data and chooses what is shown. Where that follows from the time, the time stands in it. */
export interface CachedQuery {
  readonly asker: Asker;
}

/**
 * Stands at the handler as `cached`. Its `execute` reads once, by `projected(operator, projections, steps, besides)` with the same projections and
 * the same `besides`, and answers with `seen(answer)`: so the answer's version is that of its rows. Never for what somebody could bet on.
 */
export interface Cached<Asked extends CachedQuery> {
  /** its name in keys and metrics */
  readonly view: string;
  readonly projections: readonly string[];
  /** What else the answer follows from. */
  besides?(query: Asked): readonly Step[];
  /** Where the question itself names what it must not be older than, as a cursor does. */
  token?(query: Asked): Promise<string | undefined>;
  /** how long it is kept; it is never right for less time, as its key names what it shows */
  readonly ttlMs?: number;
  /** Reports: an answer that is older by so much at most is given at once, while the new one is read. It says its own `asOf`. */
  readonly staleMs?: number;
}

export interface CachedHandler<Asked extends CachedQuery = CachedQuery> {
  readonly cached: Cached<Asked>;
  execute(query: Asked): Promise<View<unknown>>;
}
