import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { isLoopback } from '../../src/config.ts';
import { CannotStart } from './cannot-start.ts';

export interface StartOptions {
  port: number;
  /** Where the server can be reached from this machine. */
  baseUrl: string;
  /** Nobody but this machine is served, and so the page at `/` is. */
  page: boolean;
  dataDir: string;
  /** Begin with an empty data directory. */
  fresh: boolean;
  /** Let the simulated studio play. */
  traffic: boolean;
  /** A PostgreSQL of the user's; then nothing is embedded. */
  databaseUrl?: string;
}

const VAR = fileURLToPath(new URL('../../../var', import.meta.url));

export function startOptions(args: string[], env: NodeJS.ProcessEnv): StartOptions {
  const flags = flagsOf(args);
  const databaseUrl = env['DATABASE_URL'] || undefined;
  if (databaseUrl && flags.fresh) throw new CannotStart('--fresh empties the embedded database only, never the one of DATABASE_URL.');
  const port = portOf(env['PORT'] || '3000');
  return {
    port,
    baseUrl: `http://${hostOf(env['HOST'] || '127.0.0.1')}:${port}`,
    page: isLoopback(env['HOST'] || '127.0.0.1'),
    dataDir: resolve(env['DATA_DIR'] || VAR),
    fresh: flags.fresh,
    traffic: !flags['no-traffic'],
    ...(databaseUrl ? { databaseUrl } : {}),
  };
}

function flagsOf(args: string[]): { fresh: boolean; 'no-traffic': boolean } {
  try {
    return parseArgs({
      args,
      options: { fresh: { type: 'boolean', default: false }, 'no-traffic': { type: 'boolean', default: false } },
    }).values;
  } catch (error) {
    throw new CannotStart(`${(error as Error).message}. Known: npm start -- [--no-traffic] [--fresh]`);
  }
}

function portOf(text: string): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port < 1 || port > 65_535) throw new CannotStart(`PORT must be a number from 1 to 65535, not "${text}".`);
  return port;
}

/** The address to call for the one that the server listens on. */
function hostOf(listening: string): string {
  if (listening === '0.0.0.0' || listening === '::') return '127.0.0.1';
  return listening.includes(':') ? `[${listening}]` : listening;
}
