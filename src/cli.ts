/**
 * Commands for people and pipelines: `migrate` (as the schema's owner, once, before a rollout), `verify` (read-only, at any time),
 * `operator` (an operator, and a key of its API to begin with) and `secrets` (how providers' secrets are sealed, and sealing them anew).
 * Exit codes: 0 done and well · 1 `verify` found something wrong, or `secrets` a secret that cannot be read · 2 the command could not be done.
 */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { migrate } from '../migrations/index.ts';
import { firstKey } from './access/first-key.ts';
import { readCommandSettings } from './config.ts';
import { secretsCommand } from './providers/secrets/command.ts';
import { verify, type Finding, type Violation } from './wallet/verify.ts';

const USAGE = `usage: node dist/src/cli.js migrate                     needs DATABASE_OWNER_URL
       node dist/src/cli.js verify [--database <url>]   else DATABASE_URL, else the local run (DATA_DIR, var/)
       node dist/src/cli.js operator --name <name>      needs DATABASE_OFFICE_URL; prints an administrator's API key, once
       node dist/src/cli.js secrets status              needs DATABASE_OWNER_URL, SECRETS_KEY_FILE: how many are sealed, by which master key
       node dist/src/cli.js secrets seal                the same; seals what is not, and all else under the newest master key`;
const VAR = join(import.meta.dirname, '../../var');

class NotPossible extends Error {}

const { ownerUrl, officeUrl, databaseUrl, dataDir = VAR, secretsKeyFile } = readCommandSettings();

async function main(args: string[]): Promise<number> {
  const { command, what, database, name } = read(args);
  switch (command) {
    case 'migrate': return runMigrations();
    case 'verify': return proveInvariants(database ?? (databaseUrl || localDatabase()));
    case 'operator': return makeOperator(name);
    case 'secrets': return manageSecrets(what);
    default: throw new NotPossible(USAGE);
  }
}

function read(args: string[]): { command?: string; what?: string; database?: string; name?: string } {
  try {
    const { positionals, values } = parseArgs({ args, allowPositionals: true, options: { database: { type: 'string' }, name: { type: 'string' } } });
    const [command, what] = positionals;
    const { database, name } = values;
    const fits = positionals.length === (command === 'secrets' ? 2 : 1) && (database === undefined || command === 'verify') && (name !== undefined) === (command === 'operator');
    return fits ? { command, what, database, name } : {};
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

/** The key alone stands on stdout, so that it can be piped to where it is kept. */
async function makeOperator(name = ''): Promise<number> {
  if (!officeUrl) throw new NotPossible('operator needs DATABASE_OFFICE_URL: the database, as croupier_office');
  if (name === '' || name.length > 128) throw new NotPossible('operator needs --name, of 1 to 128 characters');
  const { operatorId, key, founded } = await firstKey(officeUrl, name);
  console.error(`${founded ? 'made operator' : 'a further key of operator'} ${operatorId}; its key expires in 90 days and is not shown again:`);
  console.log(key);
  return 0;
}

function manageSecrets(what: string | undefined): Promise<number> {
  if (what !== 'status' && what !== 'seal') throw new NotPossible(USAGE);
  if (!ownerUrl) throw new NotPossible(`secrets ${what} needs DATABASE_OWNER_URL: the database, as croupier_owner`);
  return secretsCommand(what, ownerUrl, secretsKeyFile, { line: (text) => console.log(text), progress: (text) => console.error(`      … ${text}`) });
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
