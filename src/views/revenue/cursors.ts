/** Cursors of the lists behind a report's numbers: where a page begins, sealed with all that chooses its rows. */
import { openCursor, sealCursor, type CursorPosition } from '../../../libs/http/index.ts';
import { statement } from '../../../libs/postgres/index.ts';
import { refuse } from '../../access/contract.ts';
import type { Reads } from '../reads.ts';

const askKey = statement<[string]>('view_cursor_key', "select encode(cursor_key, 'hex') from configuration");

export class Cursors {
  private key: Buffer | undefined;

  constructor(private readonly list: string, private readonly reads: Reads) {}

  /** Of one operator's list with these filters. */
  async of(operator: string, filters: Readonly<Record<string, unknown>>) {
    const key = (this.key ??= await this.askKey(operator));
    const chosen = Object.entries(filters).filter(([name, value]) => value !== undefined && name !== 'limit' && name !== 'cursor');
    const scope = [this.list, operator, JSON.stringify(chosen.toSorted(([one], [other]) => (one < other ? -1 : 1)))];
    return {
      seal: (position: CursorPosition): string => sealCursor(key, scope, position),
      /** Refuses what was not sealed here. */
      open(cursor: string): CursorPosition {
        const position = openCursor(key, scope, cursor);
        if (!position) throw refuse('REQUEST_INVALID', 'query: cursor', { errors: [{ field: 'cursor', message: 'not a cursor of this list and these filters' }] });
        return position;
      },
    };
  }

  private async askKey(operator: string): Promise<Buffer> {
    const { rows } = await this.reads.at().as(operator, [askKey()]);
    return Buffer.from(rows[0][0]?.[0] ?? '', 'hex');
  }
}
