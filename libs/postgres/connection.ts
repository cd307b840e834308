import pg from 'pg';

/** Settings of one connection, sent with its start-up packet: `statement_timeout: '2s'`. */
export type Settings = Readonly<Record<string, string | number>>;

export interface ConnectOptions {
  readonly name: string;
  readonly settings?: Settings;
  readonly connectMs?: number;
}

const startupOptions = (settings: Settings) => Object.entries(settings).map(([name, value]) => `-c ${name}=${value}`).join(' ');

/** A pipelined connection of its own. Its owner listens for `error` and `end`. */
export async function connect(url: string, { name, settings = {}, connectMs = 2_000 }: ConnectOptions): Promise<pg.Client> {
  const client = new pg.Client({
    connectionString: url, application_name: name, options: startupOptions(settings), connectionTimeoutMillis: connectMs,
    keepAlive: true, pipeline: true,
  } as pg.ClientConfig);
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

/** What a server that went silent may cost a read. */
const QUERY_MS = 3_000;

/** A small pool for reads that need no lane. */
export function pool(url: string, { name, settings = {}, connectMs = 2_000 }: ConnectOptions, max: number): pg.Pool {
  const opened = new pg.Pool({
    connectionString: url, application_name: name, options: startupOptions(settings), connectionTimeoutMillis: connectMs, keepAlive: true, max,
    query_timeout: QUERY_MS,
  });
  opened.on('error', () => undefined);
  return opened;
}

/** All that `send` queries leaves in one write; the server answers in order. */
export function inOneFlush<T>(client: pg.Client, send: () => T): T {
  const { stream } = (client as unknown as { connection: { stream: { cork(): void; uncork(): void } } }).connection;
  stream.cork();
  try {
    return send();
  } finally {
    stream.uncork();
  }
}

/** A prepared statement; rows come as arrays in the order of the select list. */
export function prepared<Row extends unknown[] = unknown[]>(name: string, text: string) {
  return (client: pg.Client, values: unknown[]): Promise<Row[]> =>
    client.query<Row>({ name, text, values, rowMode: 'array' }).then((result) => result.rows);
}
