/** The processes of docker/compose.yml as plain processes: the image's entry point and settings, a service's command and settings, other addresses. */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { freePort } from '../../tools/local/embedded-postgres.ts';
import type { TestDatabase } from '../support/cluster.ts';
import type { Process } from '../support/server.ts';

type Env = Readonly<Record<string, string>>;

interface Service {
  readonly command: readonly string[];
  readonly environment?: Env;
}

const ROOT = join(import.meta.dirname, '../..');
const DIST = process.env['TEST_DIST'] ?? join(ROOT, 'dist');
const { services } = parse(readFileSync(join(ROOT, 'docker/compose.yml'), 'utf8'), { merge: true }) as { services: Readonly<Record<string, Service>> };
const dockerfile = readFileSync(join(ROOT, 'docker/Dockerfile'), 'utf8');
const ENTRYPOINT = JSON.parse(/^ENTRYPOINT (.*)$/m.exec(dockerfile)?.[1] ?? '') as string[];
const IMAGE_ENV = Object.fromEntries((/^ENV (.*)$/m.exec(dockerfile)?.[1] ?? '').split(' ').map((pair) => pair.split('=') as [string, string]));

/** Where the engine puts the file of the compose file's one secret. */
const MASTER_KEYS = '/run/secrets/master-keys';

let keyFile: string | undefined;
function masterKeys(): string {
  if (keyFile === undefined) {
    keyFile = join(mkdtempSync(join(tmpdir(), 'croupier-keys-')), 'master-keys.txt');
    writeFileSync(keyFile, `k1:${randomBytes(32).toString('base64')}\n`);
  }
  return keyFile;
}

/** What stands for the compose file's hosts, and for the passwords in its .env. */
export interface Place {
  readonly primary: TestDatabase;
  readonly replica: TestDatabase;
}

/** postgres://croupier_money:${MONEY_PASSWORD:?…}@primary:5432/croupier → the same role at the database that stands for it */
function addressed(value: string, { primary, replica }: Place): string {
  const { user, host } = /^postgres:\/\/(?<user>croupier_\w+):\$\{[A-Z]+_PASSWORD:\?[^}]*\}@(?<host>primary|replica):5432\/croupier$/.exec(value)?.groups ?? {};
  if (user === undefined) return value;
  return (host === 'replica' ? replica : primary).url(user as 'croupier_money');
}

/** Starts a service, as the engine would but on a port of this machine. `more`: settings beside, or in place of, those of the file. */
export async function startService(name: string, place: Place, more: Env = {}): Promise<Process> {
  const service = services[name];
  if (!service) throw new Error(`docker/compose.yml has no service ${name}`);
  const port = await freePort();
  const [script = '', ...args] = service.command;
  const environment = Object.fromEntries(Object.entries(service.environment ?? {})
    .map(([setting, value]) => [setting, value === MASTER_KEYS ? masterKeys() : addressed(value, place)]));
  const child = spawn(process.execPath, [...ENTRYPOINT.slice(1), script.replace(/^dist\b/, DIST), ...args], {
    env: { PATH: process.env['PATH'] ?? '', ...IMAGE_ENV, ...environment, HOST: '127.0.0.1', PORT: String(port), ...more },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => { output += chunk; });
  const exited = new Promise<number | string>((resolve) => child.once('exit', (code, signal) => resolve(code ?? signal ?? 'unknown')));
  return { baseUrl: `http://127.0.0.1:${port}`, child, output: () => output, exited, kill: (signal) => void child.kill(signal) };
}
