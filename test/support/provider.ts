/** A game provider's side of the native wire: signs what it sends. Its signing is its own, so that the server's is judged by it. */
import { createHmac, randomUUID } from 'node:crypto';
import { Agent, request, type IncomingHttpHeaders } from 'node:http';

export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** parsed where it is JSON of any kind, else the text */
  readonly body: any;
}

export interface CallOptions {
  /** changes or removes headers after signing */
  readonly headers?: Readonly<Record<string, string | string[] | undefined>>;
  /** sent instead of the JSON of the fields; signed as it is */
  readonly raw?: string | Buffer;
  /** body put on the wire in place of the signed one */
  readonly tampered?: string | Buffer;
  readonly path?: string;
  readonly method?: string;
  readonly timestampS?: number;
  readonly id?: string;
  readonly timeoutMs?: number;
}

export class Provider {
  private readonly agent = new Agent({ keepAlive: true, maxSockets: 256 });

  constructor(
    readonly baseUrl: string,
    readonly credentials: { readonly apiKey: string; readonly secret: string },
  ) {}

  /** POST /v1/wallet/{operation}, signed by Standard Webhooks; rejects only where no answer came. */
  call(operation: string, fields: object = {}, options: CallOptions = {}): Promise<Reply> {
    const signed = Buffer.from(options.raw ?? JSON.stringify({ operation, ...fields }));
    const id = options.id ?? randomUUID();
    const timestamp = String(options.timestampS ?? Math.floor(Date.now() / 1000));
    const key = Buffer.from(this.credentials.secret.slice('whsec_'.length), 'base64');
    const signature = createHmac('sha256', key).update(`${id}.${timestamp}.`).update(signed).digest('base64');
    const headers: Record<string, string | string[] | undefined> = {
      'content-type': 'application/json', 'x-api-key': this.credentials.apiKey, 'webhook-id': id, 'webhook-timestamp': timestamp,
      'webhook-signature': `v1,${signature}`, ...options.headers,
    };
    const body = options.tampered === undefined ? signed : Buffer.from(options.tampered);
    return this.send(options.method ?? 'POST', options.path ?? `/v1/wallet/${operation}`, headers, body, options.timeoutMs ?? 10_000);
  }

  close(): void {
    this.agent.destroy();
  }

  private send(method: string, path: string, headers: Headers, body: Buffer, timeoutMs: number): Promise<Reply> {
    return exchange(this.agent, new URL(path, this.baseUrl), { method, headers, body, timeoutMs });
  }
}

type Headers = Readonly<Record<string, string | string[] | undefined>>;

export interface RawRequest {
  readonly method?: string;
  /** `content-type: application/json` where nothing else is said */
  readonly headers?: Headers;
  readonly body?: string | Buffer;
  readonly timeoutMs?: number;
}

/** What a provider of any dialect sends, as it is: nothing is signed, and the path goes out byte for byte. Rejects only where no answer came. */
export class RawProvider {
  private readonly agent = new Agent({ keepAlive: true, maxSockets: 256 });

  constructor(readonly baseUrl: string) {}

  send(path: string, { method = 'POST', headers = {}, body = '', timeoutMs = 10_000 }: RawRequest = {}): Promise<Reply> {
    const { hostname, port } = new URL(this.baseUrl);
    return exchange(this.agent, { hostname, port: Number(port), path }, { method, headers: { 'content-type': 'application/json', ...headers }, body: Buffer.from(body), timeoutMs });
  }

  close(): void {
    this.agent.destroy();
  }
}

interface Sent {
  readonly method: string;
  readonly headers: Headers;
  readonly body: Buffer;
  readonly timeoutMs: number;
}

function exchange(agent: Agent, target: URL | { readonly hostname: string; readonly port: number; readonly path: string }, sent: Sent): Promise<Reply> {
  const { method, headers, body, timeoutMs } = sent;
  const present = Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== undefined)) as Record<string, string | string[]>;
  return new Promise((resolve, reject) => {
    const options = { method, agent, headers: { ...present, 'content-length': body.length }, timeout: timeoutMs };
    const outgoing = target instanceof URL ? request(target, options) : request({ ...target, ...options });
    outgoing.once('error', reject);
    outgoing.once('timeout', () => outgoing.destroy(new Error(`no answer within ${timeoutMs} ms`)));
    outgoing.once('response', (incoming) => {
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
      incoming.once('error', reject);
      incoming.once('end', () => {
        const text = Buffer.concat(chunks).toString();
        const json = /json/.test(incoming.headers['content-type'] ?? '');
        resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, body: json && text ? JSON.parse(text) : text });
      });
    });
    outgoing.end(body);
  });
}
