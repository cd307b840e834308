/** A served world for one spec file: a database, the service inside this process, and players at their seats. */
import { afterAll, beforeAll, expect } from '@jest/globals';
import pg from 'pg';
import type { AnyDialect } from '../../src/providers/contract.ts';
import { asSuperuser, freshDatabase, type TestDatabase } from './cluster.ts';
import { Provider, type CallOptions, type Reply } from './provider.ts';
import { Proxy } from './proxy.ts';
import { Reader } from './reader.ts';
import { serveHere, type InProcess } from './server.ts';
import { createWorld, type World, type WorldAccount, type WorldOptions, type WorldPlayer } from './world.ts';

export interface Action {
  readonly type: 'bet' | 'win';
  readonly transactionId: string;
  readonly amount: string;
  readonly [more: string]: unknown;
}

/** A player as one provider account sees them. Rounds are `r1` and the game `game-1` unless the call says otherwise. */
export class Seat {
  constructor(
    readonly provider: Provider,
    readonly player: WorldPlayer,
  ) {}

  call = (operation: string, fields: object, options?: CallOptions): Promise<Reply> =>
    this.provider.call(operation, { playerId: this.player.id, currency: this.player.currency, ...fields }, options);
  bet = (transactionId: string, amount: string, more: object = {}) =>
    this.call('bet', { transactionId, amount, gameId: 'game-1', roundId: 'r1', ...more });
  win = (transactionId: string, amount: string, more: object = {}) =>
    this.call('win', { transactionId, amount, gameId: 'game-1', roundId: 'r1', ...more });
  rollback = (transactionId: string, originalTransactionId: string, more: object = {}) =>
    this.call('rollback', { transactionId, originalTransactionId, ...more });
  play = (actions: readonly Action[], more: object = {}) => this.call('play', { gameId: 'game-1', roundId: 'r1', actions, ...more });
  closeRound = (roundId = 'r1', more: object = {}) => this.call('close-round', { roundId, ...more });
  balance = (more: object = {}) => this.call('balance', more);
  status = (type: string, reference: string, more: object = {}) => this.call('status', { type, reference, ...more });
}

/** What an answer says, short enough for a story: `applied 90.00`, `INSUFFICIENT_FUNDS 90.00`, `GAME_NOT_FOUND`. */
export function said({ body }: Reply): string {
  return [body.code ?? body.status ?? body.state ?? 'ok', body.balance].filter((part) => part !== undefined).join(' ');
}

/** The media type of an answer, without its parameters. */
export const mediaType = ({ headers }: Reply): string | undefined => headers['content-type']?.split(';')[0];

export interface Totals {
  readonly money: string;
  readonly versions: string;
  readonly keys: string;
  readonly entries: string;
  readonly rounds: string;
}

type Env = Readonly<Record<string, string>>;

export class Ground {
  database!: TestDatabase;
  world!: World;
  served!: InProcess;
  /** between the service and its database, where the file asked for one */
  proxy!: Proxy;
  private readonly providers = new Map<number, Provider>();
  private seated = 0;

  constructor(
    private readonly options: WorldOptions,
    private readonly env: Env | ((database: TestDatabase) => Env) = {},
    private readonly proxied = false,
    private readonly dialects?: readonly AnyDialect[],
  ) {}

  async open(): Promise<void> {
    this.database = await freshDatabase();
    // Stories are about money, not about how busy the machine is that tells them.
    this.world = await createWorld(this.database, { policies: [{ deadlineMs: 5_000 }], ...this.options });
    if (this.proxied) this.proxy = await Proxy.before(this.database.url('croupier_money'));
    const url: TestDatabase['url'] = (role) => (this.proxied ? this.proxy.through(this.database.url(role)) : this.database.url(role));
    const database = { name: this.database.name, url };
    this.served = await serveHere(database, typeof this.env === 'function' ? this.env(database) : this.env, this.dialects);
  }

  async close(): Promise<void> {
    for (const provider of this.providers.values()) provider.close();
    await this.served?.close();
    await this.proxy?.close();
  }

  account(index = 0): WorldAccount {
    return this.world.accounts.at(index) as WorldAccount;
  }

  provider(account = 0): Provider {
    const index = account < 0 ? this.world.accounts.length + account : account;
    const known = this.providers.get(index) ?? new Provider(this.served.baseUrl, this.account(index));
    this.providers.set(index, known);
    return known;
  }

  /** A player nobody has sat down yet, with 100.00 unless the world says otherwise; of a named currency the last one, each time. */
  seat({ account = 0, currency }: { account?: number; currency?: string } = {}): Seat {
    const free = currency ? this.world.players.filter((player) => player.currency === currency) : this.world.players;
    const player = currency ? free.at(-1) : free[this.seated++];
    if (!player) throw new Error('the world has no more players: ask for more');
    return new Seat(this.provider(account), player);
  }

  /** Of the operator's API, which has to be mounted: `allRoles`. */
  reader(operator = 0, roles?: readonly string[]): Promise<Reader> {
    return Reader.of(this.world.operators[operator] as string, this.database, this.served.baseUrl, roles);
  }

  sql<Row = Record<string, unknown>>(text: string, values?: unknown[]): Promise<Row[]> {
    return asSuperuser<Row>(this.database.url('superuser'), text, values);
  }

  /** Runs `during` while another session holds what `statement` locks. */
  async whileHeld<T>(statement: string, during: (release: () => Promise<void>) => Promise<T>): Promise<T> {
    const holder = new pg.Client(this.database.url('superuser'));
    await holder.connect();
    await holder.query('begin');
    await holder.query(statement);
    try {
      return await during(async () => void (await holder.query('rollback')));
    } finally {
      await holder.end();
    }
  }

  /** Equal before and after: no wallet, key, ledger row or round has come, gone or changed. */
  async totals(): Promise<Totals> {
    const [totals] = await this.sql<Totals>(`select
      (select sum(balance)::text from wallet) as money, (select sum(version)::text from wallet) as versions,
      (select count(*)::text from transaction_key) as keys, (select count(*)::text from transaction) as entries,
      (select count(*) || ' ' || count(*) filter (where state = 'closed') from round) as rounds`);
    return totals as Totals;
  }

  /** Fails unless the database is afterwards as it was before. */
  async unmoved(during: () => Promise<void>): Promise<void> {
    const before = await this.totals();
    await during();
    expect(await this.totals()).toEqual(before);
  }

  /** Fails unless it is a problem with this code that shows nothing of the inside. */
  expectTurnedAway(reply: Reply, code: string, status = 400): void {
    expect([reply.body.code ?? reply.body, reply.status, mediaType(reply)]).toEqual([code, status, 'application/problem+json']);
    expect(reply.headers['x-request-id']).toBe(reply.body.requestId);
    const text = JSON.stringify([reply.body, reply.headers]);
    expect(text).not.toMatch(INSIDE);
    expect(text).not.toContain(this.account().secret.slice(6));
  }
}

const INSIDE = /node_modules|\.ts\b|\bat \S+ \(|postgres|select |insert into|stack|croupier_money|FST_/i;

/** Opened before the file's first test, closed after its last. */
export function ground(
  options: WorldOptions = {}, env: Env | ((database: TestDatabase) => Env) = {}, { proxied = false, dialects }: { proxied?: boolean; dialects?: readonly AnyDialect[] } = {},
): Ground {
  const made = new Ground(options, env, proxied, dialects);
  beforeAll(() => made.open());
  afterAll(() => made.close());
  return made;
}
