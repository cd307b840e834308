/** A TCP proxy in front of PostgreSQL that loses what it is told to lose. */
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/**
 * What becomes of one COMMIT: `request lost` it never arrives and the connection is cut · `reply lost` the server commits, then the
 * connection is cut · `reply swallowed` the server commits, and the connection stays, silent for good.
 */
export type CommitFault = 'request lost' | 'reply lost' | 'reply swallowed';

interface Pair {
  readonly client: Socket;
  readonly server: Socket;
  /** nothing of the server's comes through any more */
  mute: boolean;
  /** cut as soon as the server has said that it committed */
  cutWhenCommitted: boolean;
}

interface Armed {
  readonly fault: CommitFault;
  readonly happened: () => void;
}

const COMMIT_SENT = Buffer.from('commit\0');
const COMMIT_DONE = Buffer.from('COMMIT\0');

export class Proxy {
  private readonly pairs = new Set<Pair>();
  private readonly armed: Armed[] = [];
  private refusing = false;
  private frozen = false;

  private constructor(
    private readonly server: Server,
    private readonly target: { readonly host: string; readonly port: number },
  ) {
    server.on('connection', (client) => this.accept(client));
  }

  /** In front of the server that a database URL names. */
  static async before(databaseUrl: string): Promise<Proxy> {
    const { hostname, port } = new URL(databaseUrl);
    const server = createServer({ noDelay: true });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new Proxy(server, { host: hostname, port: Number(port) });
  }

  /** The same database by way of this proxy. */
  through(databaseUrl: string): string {
    const url = new URL(databaseUrl);
    url.hostname = '127.0.0.1';
    url.port = String((this.server.address() as AddressInfo).port);
    return url.href;
  }

  /** Strikes the next COMMIT that passes and no other; more than one may be waiting. Resolves when it has happened. */
  strikeCommit(fault: CommitFault): Promise<void> {
    return new Promise((happened) => this.armed.push({ fault, happened }));
  }

  /** Ends every connection and takes no new one, until `mend`. */
  cut(): void {
    this.refusing = true;
    for (const pair of this.pairs) drop(pair);
  }

  /** Connections stay and are taken, but nothing passes in either direction, until `mend`. */
  freeze(): void {
    this.frozen = true;
    for (const { client, server } of this.pairs) {
      client.pause();
      server.pause();
    }
  }

  mend(): void {
    this.refusing = this.frozen = false;
    for (const { client, server } of this.pairs) {
      client.resume();
      server.resume();
    }
  }

  get connections(): number {
    return this.pairs.size;
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private accept(client: Socket): void {
    if (this.refusing) {
      client.resetAndDestroy();
      return;
    }
    const server = connect({ ...this.target, noDelay: true });
    const pair: Pair = { client, server, mute: false, cutWhenCommitted: false };
    this.pairs.add(pair);
    if (this.frozen) this.freeze();
    for (const socket of [client, server]) {
      socket.on('error', () => drop(pair));
      socket.on('close', () => {
        drop(pair);
        this.pairs.delete(pair);
      });
    }
    client.on('data', (chunk: Buffer) => this.fromClient(pair, chunk));
    server.on('data', (chunk: Buffer) => fromServer(pair, chunk));
  }

  /** A batch leaves in one write, so its COMMIT stands whole in one chunk. */
  private fromClient(pair: Pair, chunk: Buffer): void {
    const strike = this.armed.length > 0 && chunk.includes(COMMIT_SENT) ? this.armed.shift() : undefined;
    if (strike?.fault === 'request lost') drop(pair);
    else pair.server.write(chunk);
    if (!strike) return;
    pair.mute = true;
    pair.cutWhenCommitted = strike.fault === 'reply lost';
    if (pair.cutWhenCommitted) pair.client.once('close', strike.happened);
    else strike.happened();
  }
}

function fromServer(pair: Pair, chunk: Buffer): void {
  if (!pair.mute) pair.client.write(chunk);
  else if (pair.cutWhenCommitted && chunk.includes(COMMIT_DONE)) drop(pair);
}

function drop({ client, server }: Pair): void {
  client.resetAndDestroy();
  server.destroy();
}
