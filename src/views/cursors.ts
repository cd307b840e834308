/** Cursors of lists: where a page begins, sealed with all that chooses its rows, so that one is good for nothing else. */
import { openCursor, sealCursor, type CursorPosition } from '../../libs/http/index.ts';
import { statement } from '../../libs/postgres/index.ts';
import { refuse } from '../access/contract.ts';
import type { Reads } from './reads.ts';

const askKey = statement<[string]>('view_cursor_key', "select encode(cursor_key, 'hex') from configuration");

/** A list of an operator with these filters. */
export const scopeOf = (list: string, operator: string, { cursor: _, limit: __, ...filters }: Readonly<Record<string, unknown>>): string[] =>
  [list, operator, JSON.stringify(Object.entries(filters).filter(([, value]) => value !== undefined).toSorted(([one], [other]) => (one < other ? -1 : 1)))];

export class Cursors {
  private key: Buffer | undefined;

  constructor(private readonly reads: Reads) {}

  /** `list`: as a caller who sends another's cursor is told. */
  async of(operator: string, scope: readonly string[], list = 'this list and these filters') {
    const key = (this.key ??= await this.askKey(operator));
    return {
      seal: (position: CursorPosition): string => sealCursor(key, scope, position),
      /** Undefined without one; refuses what was not sealed here. */
      open(cursor: string | undefined): CursorPosition | undefined {
        if (cursor === undefined) return undefined;
        const position = openCursor(key, scope, cursor);
        if (!position) throw refuse('REQUEST_INVALID', 'query: cursor', { errors: [{ field: 'cursor', message: `not a cursor of ${list}` }] });
        return position;
      },
    };
  }

  private async askKey(operator: string): Promise<Buffer> {
    const { rows } = await this.reads.at().as(operator, [askKey()]);
    return Buffer.from(rows[0][0]?.[0] ?? '', 'hex');
  }
}
