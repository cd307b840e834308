import pg from 'pg';

/** Settings of one connection, sent with its start-up packet: `statement_timeout: '2s'`. */
export type Settings = Readonly<Record<string, string | number>>;

export interface ConnectOptions {
  readonly name: string;
  readonly settings?: Settings;
  readonly connectMs?: number;
}

const startupOptions = (settings: Settings) => Object.entries(settings).map(([name, value]) => `-c ${name}=${value}`).join(' ');

/** A connection of one's own. Its owner listens for `end`. */
export async function connect(url: string, { name, settings = {}, connectMs = 2_000 }: ConnectOptions): Promise<pg.Client> {
  const client = new pg.Client({
    connectionString: url, application_name: name, options: startupOptions(settings), connectionTimeoutMillis: connectMs, keepAlive: true,
  });
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
  // One that is handed out when its server goes has nobody else who listens, and an error that nobody hears ends the process.
  opened.on('connect', (client) => void client.on('error', () => undefined));
  return opened;
}
