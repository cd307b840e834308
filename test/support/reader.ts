/** A caller of the operator's API that reads: a key of its own, and what it was answered. */
import { request, type IncomingHttpHeaders } from 'node:http';
import { makeKey } from '../../src/access/contract.ts';
import { asSuperuser, type TestDatabase } from './cluster.ts';

export interface Read {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: any;
  /** the bytes, with what is new in each answer taken out: request ids and times */
  readonly plain: string;
}

export class Reader {
  constructor(readonly baseUrl: string, private readonly key: string) {}

  /** With a key of that operator's that may see transactions, or, with `roles: []`, nothing. */
  static async of(operator: string, database: TestDatabase, baseUrl: string, roles: readonly string[] = ['auditor']): Promise<Reader> {
    const { id, key, hash } = makeKey(operator);
    await asSuperuser(database.url('superuser'),
      `insert into api_key (api_key_id, operator_id, name, secret_hash, roles, expires_at) values ($1, $2, 'a reader', $3, $4, now() + interval '1 hour')`,
      [id, operator, hash, roles]);
    return new Reader(baseUrl, key);
  }

  /** Rejects only where no answer came. */
  get(path: string, token?: string | string[], more: object = {}): Promise<Read> {
    const headers = { authorization: `Bearer ${this.key}`, ...(token !== undefined && { 'x-consistency-token': token }), ...more };
    return new Promise((resolve, reject) => {
      const outgoing = request(new URL(path, this.baseUrl), { headers, timeout: 10_000 });
      outgoing.once('error', reject);
      outgoing.once('timeout', () => outgoing.destroy(new Error('no answer within 10 s')));
      outgoing.once('response', (incoming) => {
        const chunks: Buffer[] = [];
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
        incoming.once('error', reject);
        incoming.once('end', () => {
          const text = Buffer.concat(chunks).toString();
          const plain = text.replace(/"(requestId|asOf)":"[^"]*"/g, '');
          resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, body: text === '' ? undefined : JSON.parse(text), plain });
        });
      });
      outgoing.end();
    });
  }
}

/** Settings of a process of all roles on one database; reads go to the primary unless there are replicas. */
export const allRoles = (database: TestDatabase, replicas: readonly TestDatabase[] = []): Record<string, string> => ({
  ROLE: 'all', DATABASE_OFFICE_URL: database.url('croupier_office'), DATABASE_WORKER_URL: database.url('croupier_worker'),
  DATABASE_READ_URL: database.url('croupier_read'), DATABASE_REPLICA_URLS: replicas.map((replica) => replica.url('croupier_read')).join(','),
  API_KEY_PER_SECOND: '1000000', API_IP_PER_SECOND: '1000000',
});
