/** The service under test: inside this process, or as a process of its own out of the build, as production runs it. */
import { spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { createApp } from '../../src/app.ts';
import { readConfig } from '../../src/config.ts';
import type { AnyDialect } from '../../src/providers/contract.ts';
import { freePort } from '../../tools/local/embedded-postgres.ts';
import type { TestDatabase } from './cluster.ts';

type Env = Readonly<Record<string, string>>;

export interface InProcess {
  readonly baseUrl: string;
  readonly app: NestFastifyApplication;
  close(): Promise<void>;
}

/** `dialects`: what its providers may speak, where that is not what is installed. */
export async function serveHere(database: TestDatabase, env: Env = {}, dialects?: readonly AnyDialect[]): Promise<InProcess> {
  const app = await createApp(readConfig({ DATABASE_URL: database.url('croupier_money'), LOG_LEVEL: 'silent', DRAIN_DELAY_MS: '0', ...env }), dialects);
  await app.listen(0, '127.0.0.1');
  return { baseUrl: await app.getUrl(), app, close: () => app.close() };
}

export interface Process {
  readonly baseUrl: string;
  readonly child: ChildProcess;
  /** what it wrote, stdout and stderr, so far */
  output(): string;
  /** its exit code or signal, once it ended */
  readonly exited: Promise<number | string>;
  kill(signal: NodeJS.Signals): void;
}

/** `node dist/src/main.js`; TEST_DIST names another build. Waits until it is ready unless told otherwise. */
export async function serveProcess(databaseUrl: string, env: Env = {}, { untilReady = true } = {}): Promise<Process> {
  const port = await freePort();
  const main = join(process.env['TEST_DIST'] ?? join(import.meta.dirname, '../../dist'), 'src/main.js');
  const child = spawn(process.execPath, ['--enable-source-maps', main], {
    env: { PATH: process.env['PATH'] ?? '', DATABASE_URL: databaseUrl, PORT: String(port), LOG_LEVEL: 'warn', DRAIN_DELAY_MS: '0', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => { output += chunk; });
  const exited = new Promise<number | string>((resolve) => child.once('exit', (code, signal) => resolve(code ?? signal ?? 'unknown')));
  const served = { baseUrl: `http://127.0.0.1:${port}`, child, output: () => output, exited, kill: (signal: NodeJS.Signals) => void child.kill(signal) };
  if (untilReady) await ready(served);
  return served;
}

/** One that does not become ready is not left behind. */
export async function ready(served: Process, withinMs = 45_000): Promise<void> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const up = await fetch(`${served.baseUrl}/health/ready`).then((response) => response.ok, () => false);
    if (up) return;
    if (served.child.exitCode !== null || performance.now() > deadline) {
      served.kill('SIGKILL');
      throw new Error(`the server did not become ready:\n${served.output()}`);
    }
    await pause(25);
  }
}
