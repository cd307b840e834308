/**
 * Commands for people and pipelines: `migrate` (as the schema's owner, once, before a rollout) and `verify` (read-only, at any time).
 * Exit codes: 0 done and well · 1 `verify` found something wrong · 2 the command could not be done.
 */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { migrate } from '../migrations/index.ts';
import { readCommandSettings } from './config.ts';
import { verify, type Finding, type Violation } from './wallet/verify.ts';

const USAGE = `usage: node dist/src/cli.js migrate                     needs DATABASE_OWNER_URL
       node dist/src/cli.js verify [--database <url>]   else DATABASE_URL, else the local run (DATA_DIR, var/)`;
const VAR = join(import.meta.dirname, '../../var');

class NotPossible extends Error {}

const { ownerUrl, databaseUrl, dataDir = VAR } = readCommandSettings();

async function main(args: string[]): Promise<number> {
  const { command, database } = read(args);
  switch (command) {
    case 'migrate': return runMigrations();
    case 'verify': return proveInvariants(database ?? (databaseUrl || localDatabase()));
    default: throw new NotPossible(USAGE);
  }
}

function read(args: string[]): { command?: string; database?: string } {
  try {
    const { positionals, values } = parseArgs({ args, allowPositionals: true, options: { database: { type: 'string' } } });
    const fits = positionals.length === 1 && (values.database === undefined || positionals[0] === 'verify');
    return fits ? { command: positionals[0], database: values.database } : {};
  } catch (error) {
    throw new NotPossible(`${(error as Error).message}\n${USAGE}`);
  }
}

async function runMigrations(): Promise<number> {
  if (!ownerUrl) throw new NotPossible('migrate needs DATABASE_OWNER_URL: the database, as croupier_owner');
  const steps = await migrate(ownerUrl);
  for (const step of steps) console.log(`applied ${step}`);
  console.log(steps.length === 0 ? 'nothing to do: the schema is up to date' : `${steps.length} done`);
  return 0;
}

function localDatabase(): string {
  const file = join(resolve(dataDir), 'demo.json');
  try {
    return (JSON.parse(readFileSync(file, 'utf8')) as { databaseUrl: string }).databaseUrl;
  } catch {
    throw new NotPossible(`which database? --database <url>, or DATABASE_URL, or a local run: ${file} is not there`);
  }
}

async function proveInvariants(url: string): Promise<number> {
  const startedAt = performance.now();
  const findings = await verify(url, { found: tell, progress: (sentence) => console.error(`      … ${sentence}`) });
  const wrong = findings.filter(({ count }) => count > 0);
  const took = seconds(performance.now() - startedAt);
  console.log(wrong.length === 0 ? `All ${findings.length} invariants hold (${took}).`
    : `${wrong.map(({ invariant, count }) => `${invariant} ${count}`).join(', ')}: violated (${took}).`);
  return wrong.length === 0 ? 0 : 1;
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;

function tell({ invariant, says, looked, ms, count, violations }: Finding): void {
  console.log(`${count === 0 ? 'ok   ' : 'WRONG'} ${invariant.padEnd(3)} ${says} (${looked}; ${seconds(ms)})`);
  for (const violation of violations) console.log(`          ${sentence(violation)}`);
  if (count > violations.length) console.log(`          … and ${count - violations.length} more`);
}

function sentence({ player, currency, version, transactionId, what }: Violation): string {
  const names = [
    player !== undefined && `player ${player}`, currency !== undefined && `wallet ${currency}`,
    version !== undefined && `version ${version}`, transactionId !== undefined && `transaction ${transactionId}`,
  ].filter((name) => name !== false);
  return names.length === 0 ? what : `${names.join(', ')}: ${what}`;
}

/** A connection refused on several addresses comes as an error of errors, without a message of its own. */
function reasonOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(reasonOf).join(', ');
  return error instanceof Error ? error.message || error.name : String(error);
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error(error instanceof NotPossible ? error.message : `could not be done: ${reasonOf(error)}`);
  process.exitCode = 2;
}
