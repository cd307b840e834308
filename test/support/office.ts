/** An operator's platform: calls the office's API with a key. */
import { afterAll, beforeAll, expect } from '@jest/globals';
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeKey } from '../../src/access/contract.ts';
import { asSuperuser, freshDatabase, type TestDatabase } from './cluster.ts';
import { Provider, type Reply } from './provider.ts';
import { serveHere, type InProcess } from './server.ts';
import { createWorld, type World, type WorldAccount, type WorldOptions, type WorldPlayer } from './world.ts';

export interface KeyRights {
  readonly roles?: readonly string[];
  readonly permissions?: readonly string[];
  /** an interval of PostgreSQL from now, `-1 second` for one that is over */
  readonly expires?: string;
  readonly id?: string;
}

/** Writes a key into the database and answers it. */
export async function plantKey(database: TestDatabase, operatorId: string, { roles = ['administrator'], permissions = [], expires = '1 day', id }: KeyRights = {}): Promise<string> {
  const made = makeKey(operatorId, { id });
  await asSuperuser(database.url('superuser'),
    `insert into api_key (api_key_id, operator_id, name, secret_hash, roles, permissions, expires_at) values ($1, $2, 'planted', $3, $4, $5, now() + $6::interval)`,
    [made.id, operatorId, made.hash, roles, permissions, expires]);
  return made.key;
}

export interface OfficeCall {
  readonly body?: unknown;
  /** sent instead of the JSON of the body */
  readonly raw?: string | Buffer;
  /** the Idempotency-Key; a fresh one for every command unless said otherwise, none for `null` */
  readonly idempotencyKey?: string | null;
  readonly headers?: Readonly<Record<string, string>>;
}

export class Platform {
  constructor(
    readonly baseUrl: string,
    readonly key: string,
  ) {}

  get = (path: string, call?: OfficeCall): Promise<Reply> => this.call('GET', path, call);
  post = (path: string, body: unknown = {}, call: OfficeCall = {}): Promise<Reply> => this.call('POST', path, { body, ...call });
  put = (path: string, body: unknown = {}, call: OfficeCall = {}): Promise<Reply> => this.call('PUT', path, { body, ...call });
  patch = (path: string, body: unknown = {}, call: OfficeCall = {}): Promise<Reply> => this.call('PATCH', path, { body, ...call });
  delete = (path: string, call?: OfficeCall): Promise<Reply> => this.call('DELETE', path, call);

  async call(method: string, path: string, { body, raw, idempotencyKey = randomUUID(), headers = {} }: OfficeCall = {}): Promise<Reply> {
    const sent = raw ?? (body === undefined ? undefined : JSON.stringify(body));
    const response = await fetch(new URL(path, this.baseUrl), {
      method,
      headers: {
        ...(this.key !== '' && { authorization: `Bearer ${this.key}` }), ...(sent !== undefined && { 'content-type': 'application/json' }),
        ...(method !== 'GET' && idempotencyKey !== null && { 'idempotency-key': idempotencyKey }), ...headers,
      },
      ...(sent !== undefined && { body: sent as never }),
    });
    const text = await response.text();
    const json = /json/.test(response.headers.get('content-type') ?? '');
    return { status: response.status, headers: Object.fromEntries(response.headers), body: json && text ? JSON.parse(text) : text };
  }
}

/** A line of a file of master keys. */
export const masterKey = (id: string): string => `${id}:${randomBytes(32).toString('base64')}`;

/** A file of master keys that is gone when this process is. */
export function keyFile(...lines: string[]): string {
  const dir = mkdtempSync(join(tmpdir(), 'croupier-keys-'));
  process.once('exit', () => rmSync(dir, { recursive: true, force: true }));
  const file = join(dir, 'master-keys');
  writeFileSync(file, `${lines.join('\n')}\n`, { mode: 0o600 });
  return file;
}

let usualKeys: string | undefined;

/** Environment of a process of role `all`, or another, on a test's database. */
export const rolesOn = (database: TestDatabase, role = 'all'): Record<string, string> => ({
  ROLE: role, DATABASE_OFFICE_URL: database.url('croupier_office'), DATABASE_WORKER_URL: database.url('croupier_worker'),
  DATABASE_READ_URL: database.url('croupier_read'), SECRETS_KEY_FILE: (usualKeys ??= keyFile(masterKey('usual'))),
});

/** A served world with the office in it: the first operator's platform and provider, and the second operator's platform. */
export class OfficeGround {
  database!: TestDatabase;
  world!: World;
  served!: InProcess;
  platform!: Platform;
  stranger!: Platform;
  provider!: Provider;
  private seated = 0;

  constructor(
    private readonly options: WorldOptions,
    private readonly env: Readonly<Record<string, string>>,
  ) {}

  async open(): Promise<void> {
    this.database = await freshDatabase();
    this.world = await createWorld(this.database, { policies: [{ deadlineMs: 5_000 }], ...this.options });
    this.served = await serveHere(this.database, { ...rolesOn(this.database), API_KEY_PER_SECOND: '5000', API_IP_PER_SECOND: '50000', ...this.env });
    this.platform = await this.platformOf();
    this.stranger = await this.platformOf({}, 1);
    this.provider = new Provider(this.served.baseUrl, this.account);
  }

  async close(): Promise<void> {
    this.provider?.close();
    await this.served?.close();
  }

  get account(): WorldAccount {
    return this.world.accounts[0] as WorldAccount;
  }

  get operator(): string {
    return this.world.operators[0] as string;
  }

  /** Who calls with a fresh key of these rights. */
  async platformOf(rights: KeyRights = {}, operator = 0): Promise<Platform> {
    return new Platform(this.served.baseUrl, await plantKey(this.database, this.world.operators[operator] as string, rights));
  }

  /** A player of the first operator that no test has had yet. */
  player(): WorldPlayer {
    const player = this.world.players[this.seated++];
    if (!player) throw new Error('the world has no more players: ask for more');
    return player;
  }

  sql<Row = Record<string, unknown>>(text: string, values?: unknown[]): Promise<Row[]> {
    return asSuperuser<Row>(this.database.url('superuser'), text, values);
  }

  /** Fails unless it is a problem with this code that shows nothing of the inside. */
  expectRefused(reply: Reply, code: string, status: number): void {
    expect([reply.body.code ?? reply.body, reply.status, reply.headers['content-type']]).toEqual([code, status, 'application/problem+json']);
    expect(reply.headers['x-request-id']).toBe(reply.body.requestId);
    expect(JSON.stringify([reply.body, reply.headers])).not.toMatch(/node_modules|\.ts\b|postgres|select |insert into|stack|croupier_|FST_|MikroORM|SQLSTATE/i);
  }
}

export function officeGround(options: WorldOptions = {}, env: Readonly<Record<string, string>> = {}): OfficeGround {
  const made = new OfficeGround(options, env);
  beforeAll(() => made.open());
  afterAll(() => made.close());
  return made;
}
