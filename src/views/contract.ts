/**
 * A projection: a view's tables, and the SQL that adds to them what is new in the ledger. Plain data: no Nest, no connection.
 *
 * Each statement stands behind `with fed as materialized (…)`, so it begins with an insert, or with `, further as (…) insert …`. `fed` has a row for
 * each new row of the ledger, test players left out: the ledger's columns, and
 *   effect         numeric   what the transaction does to the player: `amount` less `debt`
 *   day            date      the operator's gaming day of `at`
 *   game, round_id text      its own, or those of what it undoes
 *   undone         text      of a rollback: the kind of what it undoes; with undone_at, undone_day, undone_award, undone_face
 *
 * Ranges come in any size and in no order of time, each row exactly once; of a wallet's rows a later one may come first. So a statement adds up
 * (`on conflict … do update set x = t.x + excluded.x`), or takes the least or the greatest: the same history in other ranges gives the same rows.
 */
export interface Projection {
  readonly name: string;
  /** all that it writes to, in schema public; made anew in schema rebuild by `cli rebuild` */
  readonly tables: readonly string[];
  readonly applies: readonly string[];
}
