/**
 * Several prepared statements in one write and one answer: bind and execute for each, one Sync behind them all. The server runs them in
 * order, each with a snapshot of its own, and skips the rest after an error. node-postgres sends a Sync a statement, which costs a
 * system call on either side for each.
 */
import type pg from 'pg';

/** What a column says, in PostgreSQL's text form. */
export type Field = string | null;
export type Value = Buffer | string | number | null;

export interface Step<Row extends Field[] = Field[]> {
  readonly name: string;
  readonly text: string;
  readonly values: readonly Value[];
  /** never set: carries the type of the rows */
  readonly row?: Row;
}

/** How far a flush came: the tag of each step that was done. With an `error` the next one failed or, where the connection broke, who knows. */
export interface Flushed {
  readonly rows: readonly Field[][][];
  readonly tags: readonly string[];
  /** bytes that a COPY among the steps said */
  readonly copied: number;
  readonly error?: Error;
}

type RowsOf<Steps extends readonly Step[]> = { -readonly [I in keyof Steps]: Steps[I] extends Step<infer Row> ? Row[] : never };

/** A statement by its name; prepared on a connection when it is first used there. */
export const statement = <Row extends Field[] = Field[]>(name: string, text: string) =>
  (values: readonly Value[] = []): Step<Row> => ({ name, text, values });

/** Runs the steps and answers with the rows of each; fails with the first error. */
export async function run<const Steps extends readonly Step[]>(client: pg.Client, steps: Steps): Promise<RowsOf<Steps>> {
  const { rows, error } = await flush(client, steps);
  if (error) throw error;
  return rows as RowsOf<Steps>;
}

/** Runs the steps; never rejects. `into`: where what a COPY TO STDOUT among them says is put, which has to have room for it. */
export function flush(client: pg.Client, steps: readonly Step[], into?: Buffer): Promise<Flushed> {
  return new Promise((resolve) => void client.query(new Flush(client, steps, resolve, into)));
}

interface Wire {
  readonly stream: { cork(): void; uncork(): void };
  parse(message: { name: string; text: string }): void;
  bind(message: { statement: string; values: readonly (Buffer | string | null)[] }): void;
  execute(message?: undefined): void;
  close(message: { type: 'S'; name: string }): void;
  sync(): void;
}

const preparedOn = new WeakMap<pg.Client, Set<string>>();

/** What node-postgres asks of a query of one's own. */
class Flush implements pg.Submittable {
  /** Given by a client with a `query_timeout`, which it ends: else its timer would strike a flush that was answered long ago. */
  callback: (() => void) | undefined;
  private readonly rows: Field[][][];
  private readonly tags: string[] = [];
  private readonly parsedHere: string[] = [];
  private copied = 0;

  constructor(
    private readonly client: pg.Client,
    private readonly steps: readonly Step[],
    private readonly done: (flushed: Flushed) => void,
    private readonly into: Buffer | undefined,
  ) {
    this.rows = steps.map(() => []);
  }

  submit(connection: unknown): void {
    const wire = connection as Wire;
    const prepared = preparedOn.get(this.client) ?? new Set<string>();
    preparedOn.set(this.client, prepared);
    wire.stream.cork();
    for (const { name, text, values } of this.steps) {
      if (!prepared.has(name)) {
        // After a flush that failed nobody knows whether it is there; closing one that is not is no error.
        wire.close({ type: 'S', name });
        wire.parse({ name, text });
        prepared.add(name);
        this.parsedHere.push(name);
      }
      wire.bind({ statement: name, values: values.map((value) => (typeof value === 'number' ? String(value) : value)) });
      wire.execute();
    }
    wire.sync();
    wire.stream.uncork();
  }

  handleRowDescription(): void {}

  handleDataRow({ fields }: { fields: Field[] }): void {
    this.rows[this.tags.length]?.push(fields);
  }

  /** Copied at once: the parser uses its memory again. */
  handleCopyData({ chunk }: { chunk: Buffer }): void {
    this.copied += this.into ? chunk.copy(this.into, this.copied) : 0;
  }

  handleCommandComplete({ text }: { text: string }): void {
    this.tags.push(text);
  }

  handleError(error: Error): void {
    for (const name of this.parsedHere) preparedOn.get(this.client)?.delete(name);
    this.callback?.();
    this.done({ rows: this.rows, tags: this.tags, copied: this.copied, error });
  }

  handleReadyForQuery(): void {
    this.callback?.();
    this.done({ rows: this.rows, tags: this.tags, copied: this.copied });
  }
}
