/** One attempt over HTTP: the bytes of a `Wire` out, status, headers and text back. Nothing is retried here. */
import { Agent as PlainAgent, request as plainRequest, type ClientRequest, type IncomingMessage } from 'node:http';
import { Agent as SecureAgent, request as secureRequest } from 'node:https';
import type { Reply, Wire } from './contract.ts';

export interface Transport {
  /** Rejects with a sentence where no whole answer came. */
  send(wire: Wire): Promise<Reply>;
  close(): void;
}

const MOST_BYTES = 1 << 20;

/** `baseUrl`: what a wire's path is put behind. */
export function openTransport(baseUrl: string, timeoutMs: number): Transport {
  const base = baseUrl.replace(/\/+$/, '');
  const secure = base.startsWith('https:');
  // No limit: what is said at once must not wait for a connection.
  const agent = secure ? new SecureAgent({ keepAlive: true }) : new PlainAgent({ keepAlive: true });
  const attempt = ({ method, path, headers, body }: Wire): Promise<Reply> => new Promise((resolve, reject) => {
    const options = { method, agent, headers: { ...headers, 'content-length': body.length } };
    const outgoing: ClientRequest = (secure ? secureRequest : plainRequest)(new URL(`${base}/${path.replace(/^\/+/, '')}`), options);
    const late = setTimeout(() => outgoing.destroy(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
    outgoing.once('close', () => clearTimeout(late));
    outgoing.once('error', (error: NodeJS.ErrnoException) => reject(Object.assign(new Error(sentence(error)), { code: error.code, reused: outgoing.reusedSocket })));
    outgoing.once('response', (incoming) => void read(incoming).then(resolve, reject));
    outgoing.end(body);
  });
  return {
    // A kept connection that the other side closed meanwhile has carried nothing of this call.
    send: (wire) => attempt(wire).catch((error: { code?: string; reused?: boolean }) => {
      if (error.reused === true && error.code === 'ECONNRESET') return attempt(wire);
      throw error;
    }),
    close: () => agent.destroy(),
  };
}

async function read(incoming: IncomingMessage): Promise<Reply> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MOST_BYTES) throw new Error('an answer of more than 1 MiB');
    chunks.push(chunk);
  }
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(incoming.headers)) if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(', ') : value;
  return { status: incoming.statusCode ?? 0, headers, body: Buffer.concat(chunks).toString() };
}

function sentence(error: NodeJS.ErrnoException): string {
  switch (error.code) {
    case 'ECONNREFUSED': return 'nothing listens there';
    case 'ENOTFOUND': case 'EAI_AGAIN': return 'there is no such host';
    case 'ECONNRESET': return 'the connection was cut off';
    default: return error.message || String(error.code);
  }
}
