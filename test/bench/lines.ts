/** Connections of a load generator: sockets without an HTTP client, one call at a time on each, opened anew when the server closes one. */
import { connect, type Socket } from 'node:net';
import type { Latency } from './open-loop.ts';

export interface Line {
  /** the call that is under way; −1: none */
  readonly call: number;
  /** sends whole requests only; the number is handed back with the answer */
  send(call: number, request: Buffer): void;
}

export interface Ends {
  /** may be used: newly opened, or its call is answered */
  free(line: Line): void;
  /** it will not come free by itself any more: it was closed while it was free */
  gone(line: Line): void;
  /** `LOST` where the connection broke before the whole answer was there; `code` is a problem's */
  answered(call: number, status: number, code?: string): void;
}

export const LOST = 0;
const OPENED_AT_ONCE = 100;
const PATIENCE_MS = 20_000;

/** One buffer for all: what is read is used before the next is read. */
const shared = Buffer.allocUnsafeSlow(65_536);

class Wire implements Line {
  call = -1;
  private socket: Socket | undefined;
  /** of an answer that came in pieces */
  private pieces: Buffer | undefined;
  private readonly port: number;
  private readonly ends: Ends;
  private readonly onOpen: () => void;

  constructor(port: number, ends: Ends, onOpen: () => void) {
    this.port = port;
    this.ends = ends;
    this.onOpen = onOpen;
    this.open();
  }

  send(call: number, request: Buffer): void {
    this.call = call;
    this.socket?.write(request);
  }

  private open(): void {
    const socket = connect({
      port: this.port, host: '127.0.0.1', noDelay: true,
      onread: { buffer: shared, callback: (length) => { this.heard(shared.subarray(0, length)); return true; } },
    });
    this.socket = socket;
    let isOpen = false;
    socket.once('connect', () => {
      isOpen = true;
      this.onOpen();
      this.ends.free(this);
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.pieces = undefined;
      if (this.call >= 0) this.finish(LOST);
      else if (isOpen) this.ends.gone(this);
      setTimeout(() => this.open(), isOpen ? 0 : 20);
    });
  }

  private heard(chunk: Buffer): void {
    const answer = this.pieces ? Buffer.concat([this.pieces, chunk]) : chunk;
    const head = answer.indexOf('\r\n\r\n');
    const length = head < 0 ? undefined : /content-length: (\d+)/i.exec(answer.toString('latin1', 0, head))?.[1];
    if (head < 0 || answer.length < head + 4 + Number(length ?? 0)) {
      this.pieces = Buffer.from(answer);
      return;
    }
    this.pieces = undefined;
    if (this.call < 0) return;
    const status = Number(answer.toString('latin1', 9, 12));
    this.finish(status, status < 400 ? undefined : /"code":"(\w+)"/.exec(answer.toString('latin1', head))?.[1]);
    this.ends.free(this);
  }

  private finish(status: number, code?: string): void {
    const { call } = this;
    this.call = -1;
    this.ends.answered(call, status, code);
  }
}

/** Resolves when all are open. */
export async function openLines(port: number, count: number, ends: Ends): Promise<void> {
  let opened = 0;
  const patience = setTimeout(() => { throw new Error(`only ${opened} of ${count} connections could be opened`); }, PATIENCE_MS);
  while (opened < count) {
    const some = Array.from({ length: Math.min(OPENED_AT_ONCE, count - opened) });
    await Promise.all(some.map(() => new Promise<void>((resolve) => new Wire(port, ends, resolve))));
    opened += some.length;
  }
  clearTimeout(patience);
}

export function latencyOf(values: readonly number[]): Latency {
  const sorted = Float64Array.from(values).sort();
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
  return { calls: sorted.length, p50: at(0.5), p99: at(0.99), most: at(1) };
}
