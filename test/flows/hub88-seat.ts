/** A player as Hub88 and Caleta see them, over the wire. The signing is its own, so that the server's is judged by it. */
import { generateKeyPairSync, randomUUID, sign, type KeyObject } from 'node:crypto';
import { expect } from '@jest/globals';
import type { Ground } from '../support/ground.ts';
import { RawProvider, type Reply } from '../support/provider.ts';
import type { WorldDialect, WorldPlayer } from '../support/world.ts';

export interface Pair {
  readonly privateKey: KeyObject;
  readonly pem: string;
}

export function newPair(): Pair {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return { privateKey, pem: publicKey.export({ type: 'spki', format: 'pem' }).toString() };
}

export const THEIRS = newPair();
export const STRANGE = newPair();

/** Stories are about money, not about how busy the machine is that tells them. */
export const HUB88: WorldDialect = { dialect: 'hub88', secrets: [THEIRS.pem], policy: { deadlineMs: 5_000 } };
export const CALETA: WorldDialect = { dialect: 'caleta', secrets: [THEIRS.pem], policy: { deadlineMs: 5_000 } };

export const signatureOf = (body: string | Buffer, pair: Pair = THEIRS): string => sign('sha256', Buffer.from(body), pair.privateKey).toString('base64');

export interface SendOptions {
  readonly pair?: Pair;
  /** instead of the right signature; undefined: none */
  readonly signature?: string | undefined;
  readonly headers?: Readonly<Record<string, string | string[] | undefined>>;
  readonly method?: string;
  readonly account?: number;
}

const HEADERS: Readonly<Record<string, string>> = { hub88: 'x-hub88-signature', caleta: 'x-auth-signature' };
const agents = new WeakMap<Ground, RawProvider>();

/** Signs the body and sends it as it is. */
export function send(here: Ground, path: string, body: string | Buffer, options: SendOptions = {}): Promise<Reply> {
  const agent = agents.get(here) ?? new RawProvider(here.served.baseUrl);
  agents.set(here, agent);
  const { pair = THEIRS, headers, method, account = 0 } = options;
  const { basePath = '', dialect = '' } = here.world.dialects[account] ?? {};
  const signature = 'signature' in options ? options.signature : signatureOf(body, pair);
  return agent.send(basePath + path, { body, headers: { [HEADERS[dialect] as string]: signature, ...headers }, ...(method && { method }) });
}

/** Rounds are `r1` and the game `game-1` unless the call says otherwise. */
export class Hub88Seat {
  constructor(
    readonly here: Ground,
    readonly player: WorldPlayer,
    readonly account = 0,
  ) {}

  /** of this account */
  get token(): string {
    return this.player.tokens[this.here.world.dialects[this.account]?.accountId ?? 0] ?? '';
  }

  get isCaleta(): boolean {
    return this.here.world.dialects[this.account]?.dialect === 'caleta';
  }

  path(name: string): string {
    if (this.isCaleta) return `wallet/${name}`;
    return ['info', 'balance'].includes(name) ? `user/${name}` : `transaction/${name}`;
  }

  private get who() {
    return { token: this.token, request_uuid: randomUUID(), ...(this.isCaleta ? { supplier_user: this.player.id } : { user: this.player.id }) };
  }

  private get money() {
    return { ...this.who, game_code: 'game-1', round: 'r1', round_closed: false, is_free: false, currency: this.player.currency };
  }

  /** As they are sent where nothing else is said. */
  readonly bodies = {
    info: (): object => ({ user: this.player.id, request_uuid: randomUUID() }),
    check: (): object => ({ token: this.token }),
    balance: (more: object = {}): object => ({ ...this.who, game_code: 'game-1', ...more }),
    bet: (transaction_uuid: string, amount: number, more: object = {}): object => ({ ...this.money, transaction_uuid, amount, ...more }),
    win: (transaction_uuid: string, reference_transaction_uuid: string, amount: number, more: object = {}): object =>
      ({ ...this.money, transaction_uuid, reference_transaction_uuid, amount, ...more }),
    rollback: (transaction_uuid: string, reference_transaction_uuid: string, more: object = {}): object => ({
      token: this.token, request_uuid: randomUUID(), user: this.player.id, transaction_uuid, reference_transaction_uuid, round: 'r1', round_closed: false, game_code: 'game-1', ...more,
    }),
  };

  call = (name: string, body: object, options?: SendOptions) => send(this.here, this.path(name), JSON.stringify(body), { account: this.account, ...options });
  check = (token = this.token) => this.call('check', { token });
  bet = async (id: string, amount: number, more: object = {}) => this.heard(await this.call('bet', this.bodies.bet(id, amount, more)));
  win = async (id: string, bet: string, amount: number, more: object = {}) => this.heard(await this.call('win', this.bodies.win(id, bet, amount, more)));
  rollback = async (id: string, bet: string, more: object = {}) => this.heard(await this.call('rollback', this.bodies.rollback(id, bet, more)));
  balance = async (more: object = {}) => this.heard(await this.call('balance', this.bodies.balance(more)));

  private heard(reply: Reply): string {
    return said(reply);
  }
}

let seated = new WeakMap<Ground, number>();

/** A player nobody has sat down yet, with 100.00 EUR. */
export function seatAt(here: Ground, account = 0): Hub88Seat {
  const next = seated.get(here) ?? 0;
  seated = seated.set(here, next + 1);
  const players = here.world.players.filter(({ currency }) => currency === 'EUR');
  if (next >= players.length) throw new Error(`the world has no more than ${players.length} players`);
  return new Hub88Seat(here, players[next] as WorldPlayer, account);
}

/** What an answer says: `OK 9900000`, `NOT_ENOUGH_MONEY 10000000`, `INVALID_TOKEN`. HTTP is always 200. */
export function said({ status, body }: Reply): string {
  return [...(status === 200 ? [] : [status]), String(body.status).replace(/^RS_(ERROR_)?/, ''), ...(body.balance === undefined ? [] : [body.balance])].join(' ');
}

/** An id that no other call of the account has. */
export const fresh = (): string => randomUUID();

/** Fails unless it is a code in the family's form that shows nothing of the inside. */
export function expectRefused(reply: Reply, code: string | RegExp, requestUuid?: string): void {
  expect([reply.status, reply.headers['content-type']]).toEqual([200, 'application/json']);
  expect(reply.body.status).toMatch(typeof code === 'string' ? new RegExp(`^RS_ERROR_${code}$`) : code);
  expect(Object.keys(reply.body as object).toSorted()).toEqual(['request_uuid', 'status']);
  if (requestUuid !== undefined) expect(reply.body.request_uuid).toBe(requestUuid);
  expect(reply.headers['x-request-id']).toMatch(/^[\x21-\x7e]{1,128}$/);
  const text = JSON.stringify([reply.body, reply.headers]);
  expect(text).not.toMatch(/node_modules|\.ts\b|\bat \S+ \(|postgres|select |insert into|stack|croupier_money|FST_|BEGIN/i);
}
