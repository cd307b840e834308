/** Wallet processes out of the build, all on one database, and `cli verify` over what they leave. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { Provider } from '../support/provider.ts';
import { serveProcess, type Process } from '../support/server.ts';
import type { TestDatabase } from '../support/cluster.ts';
import type { WorldAccount } from '../support/world.ts';

export interface Fleet {
  readonly processes: readonly Process[];
  /** the same account's calls, one provider a process */
  readonly providers: readonly Provider[];
  close(): Promise<void>;
}

export async function launch(database: TestDatabase, account: WorldAccount, size: number): Promise<Fleet> {
  const processes = await Promise.all(Array.from({ length: size }, () => serveProcess(database.url('croupier_money'))));
  const providers = processes.map(({ baseUrl }) => new Provider(baseUrl, account));
  const close = async () => {
    for (const provider of providers) provider.close();
    for (const process of processes) process.kill('SIGTERM');
    await Promise.all(processes.map(({ exited }) => exited));
  };
  return { processes, providers, close };
}

/** What `cli verify` prints where all is well; it throws where an invariant is violated. */
export function verified(database: TestDatabase): Promise<string> {
  const cli = join(process.env['TEST_DIST'] ?? join(import.meta.dirname, '../../dist'), 'src/cli.js');
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [cli, 'verify', '--database', database.url('croupier_worker')], (error, stdout, stderr) => {
      if (error) reject(new Error(`cli verify ended with ${error.code}:\n${stdout}${stderr}`));
      else resolve(stdout);
    });
  });
}
