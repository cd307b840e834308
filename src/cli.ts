/**
 * Commands for people and pipelines: `migrate` (as the schema's owner, once, before a rollout), `verify` (read-only, at any time),
 * `operator` (an operator, and a key of its API to begin with), `secrets` (how providers' secrets are sealed, and sealing them anew), `seed`
 * (a history to try and to measure with), `views` (how they stand, and having one go on), `rebuild` (making one anew beside the live one) and `slow`
 * (which statements cost most).
 * Exit codes: 0 done and well · 1 `verify` found something wrong, `secrets` a secret that cannot be read, `views` one that stands still, or
 * `rebuild` a difference · 2 the command could not be done.
 */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { migrate } from '../migrations/index.ts';
import { firstKey } from './access/first-key.ts';
import { readCommandSettings } from './config.ts';
import { PROJECTIONS } from './installed.ts';
import { secretsCommand } from './providers/secrets/command.ts';
import type { Projection } from './views/contract.ts';
import { rebuildCommand } from './views/feed/rebuild-command.ts';
import { listViews, resumeView } from './views/feed/views-command.ts';
import { listSlow } from './views/reads/slow-command.ts';
import { VIEW_CHECKS } from './views/verify.ts';
import { seedHistory } from './wallet/seed.ts';
import { verify, type Finding, type Violation } from './wallet/verify.ts';

const USAGE = `usage: node dist/src/cli.js migrate                     needs DATABASE_OWNER_URL
       node dist/src/cli.js verify [--database <url>]   else DATABASE_URL, else the local run (DATA_DIR, var/)
       node dist/src/cli.js operator --name <name>      needs DATABASE_OFFICE_URL; prints an administrator's API key, once
       node dist/src/cli.js secrets status              needs DATABASE_OWNER_URL, SECRETS_KEY_FILE: how many are sealed, by which master key
       node dist/src/cli.js secrets seal                the same; seals what is not, and all else under the newest master key
       node dist/src/cli.js seed --transactions 10m     needs DATABASE_OWNER_URL: a history of an operator of its own, to try and to measure with
                                 [--players 10000] [--days 30]
       node dist/src/cli.js views [--database <url>]    else DATABASE_WORKER_URL, else the local run: how each view stands
       node dist/src/cli.js views resume <view>         the same; one that stands still tries again where it stopped
       node dist/src/cli.js rebuild <view> [--replace]  needs DATABASE_OWNER_URL; --replace also where it differs from the live one
       node dist/src/cli.js slow --database <url>       a role that may read pg_stat_statements: what costs that server most time`;
const VAR = join(import.meta.dirname, '../../var');

class NotPossible extends Error {}

const { ownerUrl, officeUrl, databaseUrl, workerUrl, dataDir = VAR, secretsKeyFile } = readCommandSettings();

type Values = Readonly<Record<string, string | undefined>>;

interface Command {
  /** how many words stand behind its name; one of these numbers */
  readonly words?: number | readonly number[];
  readonly options?: readonly string[];
  /** options without a value */
  readonly flags?: readonly string[];
  run(values: Values, words: readonly string[]): Promise<number>;
}

const COMMANDS: Readonly<Record<string, Command>> = {
  migrate: { run: runMigrations },
  verify: { options: ['database'], run: ({ database }) => proveInvariants(database ?? (databaseUrl || localDatabase())) },
  operator: { options: ['name'], run: ({ name }) => makeOperator(name) },
  secrets: { words: 1, run: (_values, [what]) => manageSecrets(what) },
  seed: { options: ['transactions', 'players', 'days'], run: makeHistory },
  views: { words: [0, 2], options: ['database'], run: ({ database }, [what, view]) => manageViews(database ?? (workerUrl || localDatabase()), what, view) },
  rebuild: { words: 1, flags: ['replace'], run: ({ replace }, [view]) => rebuildView(view, replace === 'true') },
  slow: { options: ['database'], run: ({ database }) => tellSlow(database) },
};

function main(args: string[]): Promise<number> {
  const command = Object.entries(COMMANDS).find(([name]) => name === args[0])?.[1];
  if (!command) throw new NotPossible(USAGE);
  const { words, values } = read(args.slice(1), command);
  return command.run(values, words);
}

function read(args: string[], { words = 0, options = [], flags = [] }: Command): { words: readonly string[]; values: Values } {
  try {
    const known = new Map<string, { type: 'string' | 'boolean' }>([...options.map((name) => [name, { type: 'string' }] as const), ...flags.map((name) => [name, { type: 'boolean' }] as const)]);
    const { positionals, values } = parseArgs({ args, allowPositionals: true, options: Object.fromEntries(known) });
    if (![words].flat().includes(positionals.length)) throw new Error('too many words, or too few');
    return { words: positionals, values: Object.fromEntries(Object.entries(values).map(([name, value]) => [name, String(value)])) };
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

/** 10m, 200k, 5000 */
function manyOf(text: string, what: string): number {
  const [, digits, unit = ''] = /^(\d{1,9})([km]?)$/.exec(text) ?? [];
  const many = Number(digits) * { '': 1, k: 1_000, m: 1_000_000 }[unit as '' | 'k' | 'm'];
  if (!(many >= 1 && many <= 1_000_000_000)) throw new NotPossible(`seed: --${what} is a number of 1 to 1000m, such as 200k or 10m`);
  return many;
}

async function makeHistory({ transactions, players = '10000', days = '30' }: Values): Promise<number> {
  if (!ownerUrl) throw new NotPossible('seed needs DATABASE_OWNER_URL: the database, as croupier_owner');
  if (transactions === undefined) throw new NotPossible('seed needs --transactions, such as 10m');
  const wanted = { transactions: manyOf(transactions, 'transactions'), players: manyOf(players, 'players'), days: manyOf(days, 'days') };
  if (wanted.days > 3_650) throw new NotPossible('seed: --days goes back ten years at most');
  const began = performance.now();
  const progress = (rows: number): void => {
    const share = Math.min(1, rows / wanted.transactions);
    const bar = '█'.repeat(Math.round(share * 30)).padEnd(30, '░');
    process.stderr.write(`\r      ${bar} ${Math.floor(share * 100)} %  ${rows} transactions, ${Math.round((rows * 1000) / (performance.now() - began))} a second `);
  };
  const made = await seedHistory(ownerUrl, { ...wanted, progress });
  process.stderr.write('\n');
  console.log(`${made.transactions} transactions of ${wanted.players} players over ${wanted.days} days, of operator ${made.operatorId} (${seconds(made.ms)})`);
  return 0;
}

function manageSecrets(what: string | undefined): Promise<number> {
  if (what !== 'status' && what !== 'seal') throw new NotPossible(USAGE);
  if (!ownerUrl) throw new NotPossible(`secrets ${what} needs DATABASE_OWNER_URL: the database, as croupier_owner`);
  return secretsCommand(what, ownerUrl, secretsKeyFile, { line: (text) => console.log(text), progress: (text) => console.error(`      … ${text}`) });
}

async function manageViews(url: string, what: string | undefined, view = ''): Promise<number> {
  if (what === undefined) return listViews(url, PROJECTIONS, (line) => console.log(line));
  if (what !== 'resume') throw new NotPossible(USAGE);
  projectionOf(view);
  const resumed = await resumeView(url, view);
  console.log(resumed ? `view ${view} goes on where it stopped; \`cli views\` says how far it comes` : `view ${view} does not stand still`);
  return 0;
}

function rebuildView(view: string | undefined, replace: boolean): Promise<number> {
  if (!ownerUrl) throw new NotPossible('rebuild needs DATABASE_OWNER_URL: the database, as croupier_owner');
  return rebuildCommand(ownerUrl, projectionOf(view), replace, { line: (text) => console.log(text), progress: (text) => console.error(`      … ${text}`) });
}

function tellSlow(database: string | undefined): Promise<number> {
  if (!database || !URL.canParse(database)) throw new NotPossible('slow needs --database, postgres://…: a server, as a role that may read pg_stat_statements there');
  return listSlow(database, (line) => console.log(line));
}

function projectionOf(view: string | undefined): Projection {
  const projection = PROJECTIONS.find(({ name }) => name === view);
  if (!projection) throw new NotPossible(`there is no view ${view}: ${PROJECTIONS.map(({ name }) => name).join(', ')}`);
  return projection;
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
  const findings = await verify(url, { found: tell, progress: (sentence) => console.error(`      … ${sentence}`), also: VIEW_CHECKS });
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
