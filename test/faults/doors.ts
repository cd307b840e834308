/** The doors by which commands come, each of a process of its own that may be killed: the providers' and the operator's. */
import { Platform, plantKey, rolesOn } from '../support/office.ts';
import { Provider, type Reply } from '../support/provider.ts';
import { Proxy } from '../support/proxy.ts';
import { ready, serveProcess, type Process } from '../support/server.ts';
import type { TestDatabase } from '../support/cluster.ts';
import type { World, WorldPlayer } from '../support/world.ts';
import type { Call } from './commands.ts';

/** Several start and die side by side. */
const READY_WITHIN_MS = 60_000;

/** A process and what stands between it and the database. */
export interface Served {
  readonly process: Process;
  readonly proxy: Proxy;
  ask(player: WorldPlayer, call: Call): Promise<Reply>;
  /** ends its process so, and all that stands around it */
  end(signal: NodeJS.Signals): Promise<void>;
}

export interface Door {
  /** the connections on which its commands travel; what polls and looks keys up has others */
  readonly connections: RegExp;
  serve(): Promise<Served>;
}

export function providersDoor(database: TestDatabase, world: World): Door {
  const serve = () => served(database, 'wallet', ({ baseUrl }) => {
    const provider = new Provider(baseUrl, world.accounts[0] as never);
    const ask = ({ id, currency }: WorldPlayer, [operation, fields]: Call) => provider.call(operation, { playerId: id, currency, ...fields });
    return { ask, close: () => provider.close() };
  });
  return { connections: /^croupier (lane|side)/, serve };
}

/** A call is named for the last part of its path; its `transactionId` and the player go as the Idempotency-Key, which is the whole operator's. */
export async function operatorsDoor(database: TestDatabase, world: World): Promise<Door> {
  const key = await plantKey(database, world.operators[0] as string);
  const serve = () => served(database, 'office', async ({ baseUrl }) => {
    const platform = new Platform(baseUrl, key);
    const ask = ({ id, currency }: WorldPlayer, [operation, { transactionId, ...fields }]: Call) =>
      platform.post(`/v1/players/${id}/${operation}`, { currency, ...fields }, { idempotencyKey: `${transactionId as string} ${id}` });
    // Its first call opens connections, which takes round trips of its own.
    await platform.get('/v1/players?limit=1');
    return { ask, close: () => undefined };
  });
  return { connections: /^croupier (office|writes|lane|side)/, serve };
}

interface Asking {
  readonly ask: Served['ask'];
  close(): void;
}

async function served(database: TestDatabase, role: string, asking: (process: Process) => Asking | Promise<Asking>): Promise<Served> {
  const proxy = await Proxy.before(database.url('croupier_money'));
  const url: TestDatabase['url'] = (of) => proxy.through(database.url(of));
  const process = await serveProcess(url('croupier_money'), rolesOn({ name: database.name, url }, role), { untilReady: false });
  const end = async (signal: NodeJS.Signals) => {
    process.kill(signal);
    await process.exited;
    await proxy.close();
  };
  try {
    await ready(process, READY_WITHIN_MS);
    const { ask, close } = await asking(process);
    return { process, proxy, ask, end: (signal) => end(signal).finally(close) };
  } catch (error) {
    await end('SIGKILL');
    throw error;
  }
}

/** Processes in line: who answered for the last death dies next, while a successor starts. */
export class Line {
  private current: Promise<Served>;

  constructor(readonly door: Door) {
    this.current = door.serve();
  }

  /** The work ends its victim. */
  async at<T>(work: (victim: Served, successor: Promise<Served>) => Promise<T>): Promise<T> {
    const victim = await this.current;
    this.current = this.door.serve();
    // Whoever awaits it next is told.
    this.current.catch(() => undefined);
    try {
      return await work(victim, this.current);
    } finally {
      await victim.end('SIGKILL');
    }
  }

  get standing(): Promise<Served> {
    return this.current;
  }

  async end(): Promise<void> {
    const last = await this.current.catch(() => undefined);
    await last?.end('SIGTERM');
  }
}
