import { describe, expect, it } from '@jest/globals';
import { createHash, randomBytes } from 'node:crypto';
import { Writable } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { handOut } from './handed-out.ts';

const LARGEST = 45_000;
/** About four megabytes that pack to one, as rows do. */
const PLAIN = Buffer.from(Array.from({ length: 40_000 }, (_, i) => `player-${i % 977},EUR,${i},bet,${randomBytes(12).toString('hex')},2026-11-${i % 30},done,no,yes\n`).join('').repeat(2));
const PIECE = gzipSync(PLAIN);

async function* partsOf(piece: Buffer, times: number, lost = Infinity): AsyncGenerator<Buffer> {
  let given = 0;
  const memory = Buffer.alloc(LARGEST);
  for (let time = 0; time < times; time++) {
    for (let from = 0; from < piece.length; from += LARGEST) {
      await turn();
      if (given++ >= lost) throw new Error('a part is lost');
      yield memory.subarray(0, piece.copy(memory, 0, from, from + LARGEST));
      memory.fill('x');
    }
  }
}

/** Takes a chunk some turns after it was given, as a socket does, and only then looks at what is in it. */
class Socket extends Writable {
  readonly hash = createHash('sha256');
  bytes = 0;
  /** off the heap, at most */
  most = 0;

  constructor(private readonly leaveAt = Infinity) { super({ highWaterMark: 16_384 }); }

  override _write(chunk: Buffer, _: string, done: (error?: Error) => void): void {
    setImmediate(() => setImmediate(() => {
      this.hash.update(chunk);
      this.bytes += chunk.length;
      this.most = Math.max(this.most, process.memoryUsage().arrayBuffers);
      if (this.bytes > this.leaveAt) this.destroy();
      done();
    }));
  }
}

const hashOf = (bytes: Buffer, times: number): string => {
  const hash = createHash('sha256');
  for (let time = 0; time < times; time++) hash.update(bytes);
  return hash.digest('hex');
};

describe('a file handed out', () => {
  it.each([[true, PLAIN], [false, PIECE]])('is all that lies there, in its order: unpacked %s', async (unpack, bytes) => {
    const socket = new Socket();
    await expect(handOut(partsOf(PIECE, 5), socket, { unpack })).resolves.toBe(true);
    expect([socket.bytes, socket.hash.digest('hex'), socket.writableEnded]).toEqual([5 * bytes.length, hashOf(bytes, 5), true]);
  });

  it('leaves nothing lying about: of 250 MB, less than 10 MB off the heap at a time', async () => {
    const before = process.memoryUsage().arrayBuffers;
    const socket = new Socket();
    const times = Math.ceil(250e6 / PLAIN.length);
    await handOut(partsOf(PIECE, times), socket, { unpack: true });
    expect(socket.bytes).toBe(times * PLAIN.length);
    expect((socket.most - before) / 1e6).toBeLessThan(10);
  });

  it.each([true, false])('to somebody who leaves in its middle ends there: unpacked %s', async (unpack) => {
    const socket = new Socket(1e6);
    const parts = partsOf(PIECE, 50);
    await expect(handOut(parts, socket, { unpack })).resolves.toBe(false);
    expect(await parts.next()).toEqual({ done: true, value: undefined });
  });

  it.each([true, false])('to somebody who takes nothing more ends there, after a while: unpacked %s', async (unpack) => {
    const stalled = new Writable({ highWaterMark: 16_384, write() { /* never done */ } });
    const parts = partsOf(PIECE, 50);
    await expect(handOut(parts, stalled, { unpack, patienceMs: 100 })).resolves.toBe(false);
    expect([stalled.destroyed, await parts.next()]).toEqual([true, { done: true, value: undefined }]);
  });

  it.each([true, false])('of which a part is lost is not ended: unpacked %s', async (unpack) => {
    const socket = new Socket();
    await expect(handOut(partsOf(PIECE, 5, 60), socket, { unpack })).rejects.toThrow('a part is lost');
    expect(socket.writableEnded).toBe(false);
  });

  it('of which a part is not what was packed is not ended', async () => {
    const socket = new Socket();
    await expect(handOut(partsOf(Buffer.from('no gzip'), 1), socket, { unpack: true })).rejects.toThrow('incorrect header check');
    expect(socket.writableEnded).toBe(false);
  });
});
