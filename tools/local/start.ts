/**
 * `npm start`: everything on this machine, from nothing. Brings up the embedded database and its replica, migrates, seeds, serves,
 * and lets a simulated studio play; on SIGTERM or Ctrl-C it stops all of that in the opposite order.
 */
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join, relative } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { migrate } from '../../migrations/index.ts';
import { masterKeysOf, secretBoxOf } from '../../src/providers/secrets/seal.ts';
import { CannotStart } from './cannot-start.ts';
import { markOf, startChild, stopLeftChildren, type Child } from './child.ts';
import { preparePrimary, primaryDir, removeDatabases, startPrimary, startStreaming } from './databases.ts';
import type { RunningPostgres, StopMode } from './embedded-postgres.ts';
import { lockDataDirectory } from './lock.ts';
import { startOptions, type StartOptions } from './options.ts';
import { dataDirectory, makeReachable } from './postgres-binaries.ts';
import { DATABASE, type LoginRole } from './roles.ts';
import { keptMasterKeys, keptSecrets, MASTER_KEY_FILE, writePrivately, type Secrets } from './secrets.ts';
import { seed } from './seed.ts';
import { mustBeWritable, ranOutOfSpace, sentenceFor, spaceWarning } from './sentences.ts';

const SERVER = new URL('../../src/main.js', import.meta.url);
const STUDIO = new URL('./studio.js', import.meta.url);
const READY_WITHIN_MS = 60_000;

/** What has been started, in this order; stopped from the end. */
const started: { what: string; stop(): Promise<void> }[] = [];
const ending = new AbortController();
const databases: RunningPostgres[] = [];
/** Without space there is no checkpoint to stop in order with; what is committed is in the log, and the next start recovers it. */
let stopMode: StopMode = 'fast';
/** What the sentences are about. */
let dataDir = '';

/** Why the run is over: asked for, or because something that it cannot do without has died. */
class Ending extends Error {
  constructor(
    sentence: string,
    readonly exitCode: 0 | 1,
  ) {
    super(sentence);
  }
}

function say(sentence: string, print = console.log): void {
  print(`${(performance.now() / 1000).toFixed(1).padStart(6)} s  ${sentence}`);
}

async function main(): Promise<void> {
  let exitCode = 1;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => ending.abort(new Ending(`${signal}: stopping`, 0)));
  }
  // A reader of our output that goes away (`npm start | head`) is no reason to leave a database behind.
  process.stdout.on('error', () => {});
  try {
    const options = startOptions(process.argv.slice(2), process.env);
    dataDir = options.dataDir;
    await (options.databaseUrl ? serveOnly(options) : runEverything(options));
    if (!ending.signal.aborted) await once(ending.signal, 'abort');
    ending.signal.throwIfAborted();
  } catch (error) {
    // What fails while we are stopping (Ctrl-C reaches an initdb too) is no news.
    exitCode = tell(ending.signal.aborted ? ending.signal.reason : error);
  }
  for (const { what, stop } of started.reverse()) {
    try {
      await stop();
      say(`${what} stopped`);
    } catch (error) {
      console.error(`${what} did not stop:`, error); // the rest still has to
      exitCode = 1;
    }
  }
  process.exit(exitCode);
}

function tell(reason: unknown): number {
  if (reason instanceof Ending && reason.exitCode === 0) {
    say(reason.message);
    return 0;
  }
  const said = databases.map((database) => database.log());
  if (ranOutOfSpace(reason, said)) stopMode = 'immediate';
  const sentence = sentenceFor(reason, dataDir, said);
  if (sentence !== undefined) console.error(sentence);
  else if (reason instanceof Ending) say(reason.message, console.error);
  else console.error(reason);
  return 1;
}

async function runEverything(options: StartOptions): Promise<void> {
  const { port, baseUrl } = options;
  const mark = markOf(dataDir);
  mustBeWritable(dataDir);
  makeReachable(dataDir);
  const lock = lockDataDirectory(dataDir);
  process.once('exit', () => lock.release());
  say(`Croupier, local run in ${dataDir}`);
  const scarce = spaceWarning(dirname(dataDirectory(primaryDir(dataDir))));
  if (scarce) say(`warning: ${scarce}`, console.warn);

  await step(stopLeftChildren(mark));
  await step(mustBeFree(port));
  const demoFile = join(dataDir, 'demo.json');
  rmSync(demoFile, { force: true }); // it is there when, and only when, we are ready
  if (options.fresh) await empty(dataDir);

  const secrets = keptSecrets(dataDir);
  const { primary, replica } = await startDatabases(dataDir, secrets);
  const ownerUrl = urlFor('croupier_owner', primary, secrets);
  const steps = await step(migrate(ownerUrl));
  say(steps.length > 0 ? `migrated: ${steps.join(', ')}` : 'schema is up to date');

  const moneyUrl = urlFor('croupier_money', primary, secrets);
  const keyFile = process.env['SECRETS_KEY_FILE'] || keptMasterKeys(dataDir);
  const box = secretBoxOf(await step(masterKeysOf(keyFile)));
  const world = await step(seed(ownerUrl, moneyUrl, secrets.demo, dataDir, (secret, of) => box.seal(secret, of)));
  say(`demo data: ${world.players.length} players, ${world.games.length} games`);

  const replicaUrl = urlFor('croupier_read', replica, secrets);
  const env = {
    ...process.env, PORT: String(port), ROLE: 'all', SECRETS_KEY_FILE: keyFile, DATABASE_URL: moneyUrl, DATABASE_OFFICE_URL: urlFor('croupier_office', primary, secrets),
    DATABASE_WORKER_URL: urlFor('croupier_worker', primary, secrets), DATABASE_READ_URL: urlFor('croupier_read', primary, secrets),
    DATABASE_REPLICA_URLS: replicaUrl, ...(options.page && { LOCAL_PAGE_OPERATOR: world.operator.id, LOCAL_PAGE_DEMO_FILE: fromHere(demoFile) }),
  };
  keep('server', startChild({ file: SERVER, env, logFile: join(dataDir, 'server.log'), mark }));
  await untilReady(baseUrl, READY_WITHIN_MS);
  say(`serving on ${baseUrl}`);

  writePrivately(demoFile, { baseUrl, ...world, staff: [], databaseUrl: ownerUrl, replicaUrl });
  if (options.traffic) letStudioPlay(dataDir, demoFile, mark);
  whereToLook(options, demoFile);
}

/** The server alone, on a database of the user's: migrating it (`cli migrate`) is his. */
async function serveOnly({ port, baseUrl, dataDir }: StartOptions): Promise<void> {
  await step(mustBeFree(port));
  keep('server', startChild({ file: SERVER, env: { ...process.env, PORT: String(port) }, mark: markOf(dataDir) }));
  // For as long as it takes: a database that is down now may come.
  await untilReady(baseUrl, Infinity);
  say(`serving on ${baseUrl} from the database of DATABASE_URL`);
}

/** A step's result, unless the run was ended meanwhile. */
async function step<T>(work: Promise<T>): Promise<T> {
  const result = await work;
  ending.signal.throwIfAborted();
  return result;
}

function keep(what: string, child: Child): void {
  started.push({ what, stop: () => child.stop() });
  void child.exited.then((how) => {
    const said = child.lastWords();
    ending.abort(new Ending(`the ${what} ${how}; stopping the rest${said ? `. Its last words: ${said}` : ''}`, 1));
  });
}

function keepDatabase(what: string, database: RunningPostgres): void {
  started.push({ what: `${what} database`, stop: () => database.stop(stopMode) });
  databases.push(database);
  void database.exited.then(() => {
    ending.abort(new Ending(`the ${what} database ended by itself; stopping the rest. Its log: ${database.dir}.log`, 1));
  });
}

async function startDatabases(dataDir: string, secrets: Secrets): Promise<{ primary: RunningPostgres; replica: RunningPostgres }> {
  const primary = await startPrimary(dataDir, secrets, say);
  keepDatabase('primary', primary);
  await step(preparePrimary(primary, secrets));
  say(`PostgreSQL 18 on 127.0.0.1:${primary.port}`);
  const replica = await startStreaming(dataDir, primary, secrets, say, ending.signal);
  keepDatabase('replica', replica);
  say(`replica follows on 127.0.0.1:${replica.port}`);
  return await step(Promise.resolve({ primary, replica }));
}

async function empty(dataDir: string): Promise<void> {
  say('emptying the data directory');
  await removeDatabases(dataDir);
  // By name: DATA_DIR may point at a directory that holds other things as well.
  const ours = ['secrets.json', MASTER_KEY_FILE, 'provider-keys.json', 'server.log', 'server.log.1', 'studio.log', 'studio.log.1'];
  for (const file of ours) rmSync(join(dataDir, file), { force: true });
}

/** Looked at before the databases start, so that the commonest mistake is told at once. */
async function mustBeFree(port: number): Promise<void> {
  for (const host of [undefined, '127.0.0.1']) {
    await new Promise<void>((resolve, reject) => {
      const probe = createServer().once('error', (error: NodeJS.ErrnoException) => {
        const taken = `Port ${port} is taken: free it, or choose another with PORT=${port + 1} npm start.`;
        const denied = `Port ${port} is not for an ordinary user to take: choose another with PORT=3000 npm start.`;
        reject(error.code === 'EADDRINUSE' ? new CannotStart(taken) : error.code === 'EACCES' ? new CannotStart(denied) : error);
      });
      probe.listen({ port, ...(host ? { host } : {}) }, () => probe.close(() => resolve()));
    });
  }
}

function urlFor(role: LoginRole, { host, port }: RunningPostgres, { roles }: Secrets): string {
  return `postgres://${role}:${roles[role]}@${host}:${port}/${DATABASE}`;
}

async function untilReady(baseUrl: string, withinMs: number): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!(await isReady(baseUrl))) {
    ending.signal.throwIfAborted();
    if (performance.now() > deadline) throw new CannotStart(`The server was not ready within ${withinMs / 1000} s; see server.log.`);
    await pause(50);
  }
  ending.signal.throwIfAborted();
}

async function isReady(baseUrl: string): Promise<boolean> {
  try {
    const answer = await fetch(`${baseUrl}/health/ready`, { signal: AbortSignal.timeout(2_000) });
    await answer.arrayBuffer();
    return answer.status === 200;
  } catch {
    return false; // it does not listen yet
  }
}

/** The one part that the run can do without. */
function letStudioPlay(dataDir: string, demoFile: string, mark: string): void {
  const studio = startChild({ file: STUDIO, args: [demoFile], env: process.env, logFile: join(dataDir, 'studio.log'), mark });
  started.push({ what: 'studio', stop: () => studio.stop() });
  void studio.exited.then((how) => {
    if (!ending.signal.aborted) say(`the simulated studio ${how}; the server goes on. Its last words: ${studio.lastWords()}`);
  });
  say('a simulated studio plays, at most 20 calls a second');
}

/** As short as somebody in the checkout would write it. */
function fromHere(path: string): string {
  const short = relative(process.cwd(), path);
  return short.startsWith('..') ? path : short;
}

function whereToLook({ baseUrl, page }: StartOptions, demoFile: string): void {
  console.log(`
Croupier is ready.

  ${page ? `See it at       ${baseUrl}/` : 'No page at /: HOST is no loopback address'}
  Wallet API      ${baseUrl}/v1/wallet
  API reference   ${baseUrl}/docs
  Health          ${baseUrl}/health/ready
  Metrics         ${baseUrl}/metrics
  Keys, players   ${demoFile}
  Logs            ${join(dataDir, '*.log')}

Ctrl-C stops everything.
`);
}

await main();
