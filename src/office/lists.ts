/** Pages of a list in the order of one column that no two rows share, forwards and backwards, with sealed cursors. */
import type { EntityManager } from '@mikro-orm/postgresql';
import { openCursor, sealCursor, type CursorPosition } from '../../libs/http/index.ts';
import { refuse } from '../access/contract.ts';

export interface PageQuery {
  readonly limit: number;
  readonly cursor?: string;
}

export interface Page<Item> {
  readonly items: Item[];
  /** absent where the list ends */
  readonly nextCursor?: string;
  readonly previousCursor?: string;
}

export interface Window<Key extends string | number> {
  /** one more than a page, so that it is known whether there is another */
  readonly take: number;
  /** the order in the database; a page backwards comes out turned round */
  readonly order: 'asc' | 'desc';
  /** the condition on the sort column, where the page begins behind something */
  readonly beyond?: { readonly $gt: Key } | { readonly $lt: Key };
}

interface ListOptions<Row, Key extends string | number> {
  /** whose list it is, which one, and every filter: a cursor is good for these only */
  readonly scope: readonly string[];
  readonly order: 'asc' | 'desc';
  readonly keyOf: (row: Row) => Key;
  readonly rows: (window: Window<Key>) => Promise<Row[]>;
}

let cursorKey: Buffer | undefined;

/** The same for every process and every operator; it never changes. */
async function keyOf(em: EntityManager): Promise<Buffer> {
  cursorKey ??= Buffer.from((await em.execute<{ key: string }[]>("select encode(cursor_key, 'hex') as key from configuration"))[0]?.key ?? '', 'hex');
  return cursorKey;
}

export async function page<Row, Key extends string | number>(em: EntityManager, query: PageQuery, options: ListOptions<Row, Key>): Promise<Page<Row>> {
  const { scope, order, keyOf: keyOfRow, rows } = options;
  const key = await keyOf(em);
  const at = query.cursor === undefined ? undefined : positionOf(openCursor(key, scope, query.cursor));
  const backwards = at?.direction === 'previous';
  const ascending = (order === 'asc') !== backwards;
  const found = await rows({
    take: query.limit + 1, order: ascending ? 'asc' : 'desc',
    ...(at && { beyond: ascending ? { $gt: at.key as Key } : { $lt: at.key as Key } }),
  });
  const more = found.length > query.limit;
  const items = found.slice(0, query.limit);
  if (backwards) items.reverse();
  const seal = (direction: Direction, row: Row | undefined) => (row === undefined ? undefined : sealCursor(key, scope, [direction, keyOfRow(row)]));
  return {
    items,
    nextCursor: backwards || more ? seal('next', items.at(-1)) : undefined,
    previousCursor: (backwards ? more : at !== undefined) ? seal('previous', items[0]) : undefined,
  };
}

type Direction = 'next' | 'previous';

function positionOf(position: CursorPosition | undefined): { readonly direction: Direction; readonly key: string | number } {
  const [direction, key] = position ?? [];
  if ((direction !== 'next' && direction !== 'previous') || key === undefined || key === null) {
    throw refuse('REQUEST_INVALID', 'query: cursor', { errors: [{ field: 'cursor', message: 'not a cursor of this list' }] });
  }
  return { direction, key };
}
