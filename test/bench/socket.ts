/** One keep-alive connection and one call at a time, without an HTTP client's own cost. */
import { connect, type Socket } from 'node:net';

export interface LoneConnection {
  /** sends a whole request and waits for the whole answer; its status */
  call(request: Buffer): Promise<number>;
  close(): void;
}

export async function openConnection(port: number): Promise<LoneConnection> {
  const socket: Socket = connect({ port, host: '127.0.0.1', noDelay: true });
  let text = '';
  let answer: ((status: number) => void) | undefined;
  let fail = (_error: Error): void => {};
  await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject));
  socket.on('error', (error) => fail(error));
  socket.on('close', () => fail(new Error('the connection was closed')));
  socket.on('data', (chunk) => {
    text += chunk.toString('latin1');
    const head = text.indexOf('\r\n\r\n');
    if (head < 0) return;
    const length = Number(/content-length: (\d+)/i.exec(text)?.[1] ?? 0);
    if (text.length < head + 4 + length) return;
    const status = Number(text.slice(9, 12));
    text = '';
    answer?.(status);
  });
  return {
    call: (request) => new Promise((resolve, reject) => {
      answer = resolve;
      fail = reject;
      socket.write(request);
    }),
    close: () => socket.destroy(),
  };
}
