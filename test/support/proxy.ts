/** A TCP proxy in front of PostgreSQL that loses what it is told to lose. */
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/**
 * What becomes of one COMMIT.
 * `request lost`: it never arrives, and the connection is cut · `request late`: the connection is cut for the client, and the server gets
 * it a while later and commits · `reply lost`: the server commits, then the connection is cut · `reply torn`: the same, and what the
 * server said before its word about the COMMIT does arrive · `reply swallowed`: the server commits, and the connection stays, silent for good.
 */
export type CommitFault = 'request lost' | 'request late' | 'reply lost' | 'reply torn' | 'reply swallowed';

/** Where a connection stops for good: at a round trip, before the server has seen it or once the server has done it and nobody knows. */
export interface StopPoint {
  /** its `application_name` */
  readonly connection: RegExp;
  /** 1 is the next one */
  readonly roundTrip: number;
  readonly side: 'before' | 'after';
}

interface Pair {
  readonly client: Socket;
  readonly server: Socket;
  /** the client's `application_name` */
  name: string;
  /** nothing of the server's comes through any more */
  mute: boolean;
  /** ended as soon as the server has said that it committed, with what it said before that or without */
  cutWhenCommitted?: 'whole' | 'torn';
  /** the client is gone and is not to know that the server is not */
  orphaned: boolean;
  /** told when the server has answered a whole round trip */
  answered?: () => void;
}

interface Armed {
  readonly fault: CommitFault;
  readonly happened: () => void;
}

interface Stop extends StopPoint {
  /** of the connections meant, at that round trip */
  readonly at: number;
  readonly reached: () => void;
}

const COMMIT_SENT = Buffer.from('commit\0');
const COMMIT_DONE = Buffer.from('COMMIT\0');
/** In front of the tag in the server's message: its kind and its length. */
const TAG_AT = 5;
const SYNC = Buffer.from('S\0\0\0\x04', 'latin1');
const READY = Buffer.from('Z\0\0\0\x05', 'latin1');
const SIMPLE_QUERY = 'Q'.charCodeAt(0);
/** Longer than a client needs to come back on another connection and look for what it sent. */
const LATE_MS = 120;

export class Proxy {
  private readonly pairs = new Set<Pair>();
  private readonly armed: Armed[] = [];
  private judge: ((flush: Buffer) => CommitFault | undefined) | undefined;
  private stop: Stop | undefined;
  private readonly counted = new Map<string, number>();
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

  /** Asks for each COMMIT what shall become of it, and shows the flush that ends in it. */
  strikeCommits(judge: (flush: Buffer) => CommitFault | undefined): void {
    this.judge = judge;
  }

  /** How many round trips the connections of that `application_name` have begun. */
  roundTrips(connection: RegExp): number {
    return [...this.counted].reduce((sum, [name, count]) => sum + (connection.test(name) ? count : 0), 0);
  }

  /** Resolves when it has come to that point; nothing passes on that connection from then on, in either direction. */
  stopAt(point: StopPoint): Promise<void> {
    return new Promise((reached) => { this.stop = { ...point, at: this.roundTrips(point.connection) + point.roundTrip, reached }; });
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
    const pair: Pair = { client, server, name: '', mute: false, orphaned: false };
    this.pairs.add(pair);
    if (this.frozen) this.freeze();
    const ended = (socket: Socket) => {
      if (socket === client && pair.orphaned) return;
      drop(pair);
      this.pairs.delete(pair);
    };
    for (const socket of [client, server]) {
      socket.on('error', () => ended(socket));
      socket.on('close', () => ended(socket));
    }
    client.once('data', (startUp: Buffer) => { pair.name = /application_name\0([^\0]*)\0/.exec(startUp.toString('latin1'))?.[1] ?? ''; });
    client.on('data', (chunk: Buffer) => this.fromClient(pair, chunk));
    server.on('data', (chunk: Buffer) => fromServer(pair, chunk));
  }

  /** A flush leaves in one write, so it stands whole in one chunk, its COMMIT too. */
  private fromClient(pair: Pair, chunk: Buffer): void {
    if (this.stops(pair, chunk)) return;
    const armed = chunk.includes(COMMIT_SENT) ? (this.armed.shift() ?? this.judged(chunk)) : undefined;
    if (armed) strike(pair, chunk, armed);
    else pair.server.write(chunk);
  }

  private judged(flush: Buffer): Armed | undefined {
    const fault = this.judge?.(flush);
    return fault && { fault, happened: () => undefined };
  }

  /** Counts it, and says whether the connection stops here. */
  private stops(pair: Pair, chunk: Buffer): boolean {
    if (chunk[0] !== SIMPLE_QUERY && !chunk.subarray(-SYNC.length).equals(SYNC)) return false;
    this.counted.set(pair.name, (this.counted.get(pair.name) ?? 0) + 1);
    const { stop } = this;
    if (!stop || !stop.connection.test(pair.name) || this.roundTrips(stop.connection) !== stop.at) return false;
    this.stop = undefined;
    pair.mute = true;
    if (stop.side === 'before') stop.reached();
    else {
      pair.answered = stop.reached;
      pair.server.write(chunk);
    }
    return true;
  }
}

function strike(pair: Pair, flush: Buffer, { fault, happened }: Armed): void {
  pair.mute = true;
  switch (fault) {
    case 'request lost':
      drop(pair);
      return happened();
    case 'request late':
      pair.orphaned = true;
      pair.cutWhenCommitted = 'whole';
      pair.client.resetAndDestroy();
      pair.server.once('close', happened);
      setTimeout(() => pair.server.write(flush), LATE_MS);
      return;
    case 'reply lost':
    case 'reply torn':
      pair.cutWhenCommitted = fault === 'reply lost' ? 'whole' : 'torn';
      pair.client.once('close', happened);
      pair.server.write(flush);
      return;
    case 'reply swallowed':
      pair.server.write(flush);
      return happened();
  }
}

function fromServer(pair: Pair, chunk: Buffer): void {
  const over = chunk.subarray(-READY.length - 1, -1).equals(READY);
  if (pair.cutWhenCommitted === undefined) {
    if (!pair.mute) pair.client.write(chunk);
    else if (over) pair.answered?.();
    return;
  }
  const committed = chunk.indexOf(COMMIT_DONE);
  const torn = pair.cutWhenCommitted === 'torn';
  if (torn) pair.client.write(committed < 0 ? chunk : chunk.subarray(0, committed - TAG_AT));
  // One that fails instead says so, and that is lost as well.
  if (committed < 0 && !over) return;
  pair.cutWhenCommitted = undefined;
  if (torn) pair.client.destroySoon();
  else drop(pair);
}

function drop({ client, server }: Pair): void {
  // A socket that is shutting down cannot be reset: Node then never closes it, and does not end.
  if (client.writableEnded) client.destroy();
  else client.resetAndDestroy();
  server.destroy();
}
