import type pg from 'pg';
import { flush, statement, type Flushed, type Step } from './flush.ts';

const begin = statement('begin', 'begin');
const beginReading = statement('begin_reading', 'begin read only');
/** args: operator. For this transaction only: the next tenant on the connection begins without one, and fails if it forgets to say. */
const beOperator = statement('be_operator', "select set_config('croupier.operator', $1, true)");
const commit = statement('commit', 'commit');

/**
 * A pool whose connections are handed out for one operator at a time. Under its database role (office or read) row-level security shows
 * that operator's rows and no others; a statement outside of `as` fails instead of seeing nothing.
 */
export class TenantPool {
  constructor(private readonly pool: pg.Pool) {}

  /** Runs the statements for that operator in one transaction and one flush; answers with the rows of each, fails with the first error. */
  async as(operator: string, steps: readonly Step[], mode: 'reading' | 'writing' = 'reading'): Promise<Flushed['rows']> {
    return (await this.whole(operator, steps, mode)).rows.slice(2, -1);
  }

  /**
   * The same where one of the statements is a COPY TO STDOUT, which takes no arguments: those before it say them (`set_config`). What it says is put into
   * that memory, and answered is how much of it; nothing of it lies in the heap, which matters where it is much.
   */
  async copy(operator: string, steps: readonly Step[], into: Buffer): Promise<number> {
    return (await this.whole(operator, steps, 'reading', into)).copied;
  }

  private async whole(operator: string, steps: readonly Step[], mode: 'reading' | 'writing', into?: Buffer): Promise<Flushed> {
    const client = await this.pool.connect();
    const flushed = await flush(client, [mode === 'reading' ? beginReading() : begin(), beOperator([operator]), ...steps, commit()], into);
    const { tags, error } = flushed;
    client.release(error !== undefined);
    if (error) throw error;
    if (tags.at(-1) !== 'COMMIT') throw new Error('the transaction was not committed');
    return flushed;
  }

  close(): Promise<void> {
    return this.pool.end();
  }
}
