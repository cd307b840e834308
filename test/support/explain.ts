/** How PostgreSQL goes about what a view's handler sends: asked as croupier_read, with its settings, behind row-level security. */
import pg from 'pg';
import type { Step } from '../../libs/postgres/index.ts';
import type { Reads } from '../../src/views/reads.ts';
import { READ_SETTINGS } from '../../src/views/reads/server.ts';
import type { TestDatabase } from './cluster.ts';

type Sent = Pick<Step, 'text' | 'values'>;

export interface Plan {
  readonly text: string;
  /** that came out of the statement */
  readonly rows: number;
  /** to plan it and to run it */
  readonly ms: number;
}

export class Explainer {
  private constructor(readonly client: pg.Client) {}

  static async on(database: TestDatabase): Promise<Explainer> {
    const options = Object.entries(READ_SETTINGS).map(([name, value]) => `-c ${name}=${value}`).join(' ');
    const client = new pg.Client({ connectionString: database.url('croupier_read'), options });
    await client.connect();
    return new Explainer(client);
  }

  /** As it is run, planned for the first time; `before` goes first, in the same transaction. */
  async explain(operator: string, { text: asked, values }: Sent, before: readonly Sent[] = []): Promise<Plan> {
    await this.client.query('begin read only');
    await this.client.query("select set_config('croupier.operator', $1, true)", [operator]);
    for (const first of before) await this.client.query(first.text, [...first.values]);
    await this.client.query(`prepare asked as ${asked}`);
    const written = values.map((value) => (value === null ? 'null' : this.client.escapeLiteral(String(value)))).join(', ');
    const { rows } = await this.client.query<{ 'QUERY PLAN': string }>(`explain (analyze, costs off, timing off, buffers off) execute asked${written === '' ? '' : ` (${written})`}`);
    await this.client.query('rollback');
    await this.client.query('deallocate asked');
    const text = rows.map((row) => row['QUERY PLAN']).join('\n');
    const [planned, run] = [/Planning Time: ([\d.]+)/, /Execution Time: ([\d.]+)/].map((pattern) => Number(pattern.exec(text)?.[1])) as [number, number];
    return { text, rows: Number(/actual rows=([\d.]+)/.exec(text)?.[1]), ms: Number((planned + run).toFixed(3)) };
  }

  close = (): Promise<void> => this.client.end();
}

/** What a handler sends, read by read, with its own values. It is answered by no rows, but for the key of cursors. */
export async function sentBy(ask: (reads: Reads) => Promise<unknown>): Promise<Step[][]> {
  const sent: Step[][] = [];
  const answered = async (steps: Step[]) => {
    sent.push(steps);
    return { rows: steps.map(({ name }) => (name === 'view_cursor_key' ? [['00']] : [])), asOf: 0, token: '' };
  };
  const recording = { at: () => ({ as: (_: string, steps: Step[]) => answered(steps), projected: (_: string, __: unknown, steps: Step[]) => answered(steps) }) };
  await ask(recording as unknown as Reads);
  return sent;
}
