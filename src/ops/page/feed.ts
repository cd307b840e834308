/**
 * What the page of the local run shows of the ledger: one operator's last transactions, read from the tail of its lanes. One reader for all
 * browsers, at most two queries a second, and none while nobody asks.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { formatAmount } from '../../../libs/money/index.ts';
import { statement, type Field, type TenantPool } from '../../../libs/postgres/index.ts';

export interface FeedEntry {
  readonly id: string;
  readonly kind: string;
  /** the operator's own id of the player */
  readonly player: string;
  readonly currency: string;
  /** signed: what moved in the wallet */
  readonly amount: string;
  readonly balanceAfter: string;
  readonly game: string | null;
  readonly at: string;
}

export interface Tail {
  /** newest first, at most `SHOWN` */
  readonly entries: readonly FeedEntry[];
  /** why there is nothing newer: no database could be asked */
  readonly stale: boolean;
  readonly from: 'replica' | 'primary';
}

export interface Source {
  readonly name: Tail['from'];
  readonly pool: Pick<TenantPool, 'as' | 'close'>;
}

export const SHOWN = 20;
const NOT_MORE_OFTEN_THAN_MS = 500;
/** Nor is a browser kept for a database that is slow: it gets what is known. */
const PATIENCE_MS = 250;
/** A database that does not answer is left alone for a while; the next one is asked instead. */
const ASKED_AGAIN_AFTER_MS = 2_000;

/**
 * args: lanes, their batches that have been seen (arrays of the same length), how many entries · answers a row for each of the operator's
 * newest transactions of a lane that moved, and one without a transaction for a lane that moved without any. Of a lane never more than its
 * last batches are looked through: other operators' rows stand in them too.
 */
const tail = statement('page_tail', `
select l.lane, l.batch, t.transaction_id, t.kind, p.external_id, t.currency, t.amount, t.balance_after, c.exponent, c.scale, coalesce(g.name, t.game_id),
  (extract(epoch from t.at) * 1000000)::bigint, t.version
from (select lane, batch from lane order by lane desc limit 32) l
left join unnest($1::int[], $2::int[]) seen (lane, batch) on seen.lane = l.lane
left join lateral (
  select * from transaction t where t.lane = l.lane and t.batch > greatest(coalesce(seen.batch, 0), l.batch - 128) and t.batch <= l.batch
  order by t.batch desc limit $3::int) t on true
left join player p on p.player_id = t.player_id
left join currency c on c.code = t.currency
left join game g on g.account_id = t.account_id and g.game_id = t.game_id
where l.batch > coalesce(seen.batch, 0)`);

type Row = [
  lane: string, batch: string, id: Field, kind: string, player: string, currency: string, amount: string, balance: string, exponent: string, scale: string,
  game: Field, micros: string, version: string,
];

interface Kept extends FeedEntry {
  readonly micros: number;
  readonly version: number;
}

export class Feed {
  private readonly seen = new Map<string, string>();
  private kept: readonly Kept[] = [];
  private current: Tail = { entries: [], stale: true, from: 'primary' };
  private readAt = -Infinity;
  private reading: Promise<void> | undefined;
  private readonly askAgainAt = new Map<Source, number>();

  constructor(
    private readonly operator: string,
    /** in the order in which they are asked */
    private readonly sources: readonly Source[],
  ) {}

  /** Never rejects: without a database it answers with what it has. */
  async read(): Promise<Tail> {
    if (!this.reading && performance.now() - this.readAt >= NOT_MORE_OFTEN_THAN_MS) {
      this.readAt = performance.now();
      this.reading = this.advance().finally(() => (this.reading = undefined));
    }
    if (this.reading) await Promise.race([this.reading, pause(PATIENCE_MS, undefined, { ref: false })]);
    return this.current;
  }

  async close(): Promise<void> {
    await Promise.all(this.sources.map(({ pool }) => pool.close()));
  }

  private async advance(): Promise<void> {
    for (const source of this.sources) {
      if ((this.askAgainAt.get(source) ?? 0) > performance.now()) continue;
      try {
        const args = [`{${[...this.seen.keys()].join()}}`, `{${[...this.seen.values()].join()}}`, SHOWN];
        const [rows = []] = await source.pool.as(this.operator, [tail(args)]);
        this.take(rows as Row[]);
        const entries = this.kept.map(({ micros: _at, version: _version, ...entry }) => entry);
        this.current = { entries, stale: false, from: source.name };
        return;
      } catch {
        this.askAgainAt.set(source, performance.now() + ASKED_AGAIN_AFTER_MS);
      }
    }
    this.current = { ...this.current, stale: true };
  }

  private take(rows: readonly Row[]): void {
    const found: Kept[] = [];
    for (const row of rows) {
      const [lane, batch, id] = row;
      // A replica behind the source asked before knows fewer batches: what has been seen stays seen.
      if (Number(batch) > Number(this.seen.get(lane) ?? 0)) this.seen.set(lane, batch);
      if (id !== null) found.push(entryOf(id, row));
    }
    for (const lane of [...this.seen.keys()].sort((a, b) => Number(b) - Number(a)).slice(64)) this.seen.delete(lane);
    if (found.length > 0) this.kept = [...found, ...this.kept].sort(newestFirst).slice(0, SHOWN);
  }
}

/** What was written in one moment is told apart by the wallet's versions. */
const newestFirst = (a: Kept, b: Kept): number => b.micros - a.micros || (a.player < b.player ? 1 : a.player > b.player ? -1 : b.version - a.version);

function entryOf(id: string, [, , , kind, player, code, amount, balance, exponent, scale, game, micros, version]: Row): Kept {
  const currency = { code, exponent: Number(exponent), scale: Number(scale), maxAmount: 0n };
  return {
    id, kind, player, currency: code, game, amount: formatAmount(BigInt(amount), currency), balanceAfter: formatAmount(BigInt(balance), currency),
    at: new Date(Number(micros) / 1000).toISOString(), micros: Number(micros), version: Number(version),
  };
}
