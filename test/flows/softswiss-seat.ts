/** A player as the aggregator sees them, over the wire. Its signing is its own, so that the server's is judged by it. */
import { createHmac } from 'node:crypto';
import { expect } from '@jest/globals';
import type { Ground } from '../support/ground.ts';
import { RawProvider, type Reply } from '../support/provider.ts';
import type { WorldDialect, WorldPlayer } from '../support/world.ts';

export const TOKEN = 'a-token-of-the-aggregator';
/** Stories are about money, not about how busy the machine is that tells them. */
export const SOFTSWISS: WorldDialect = { dialect: 'softswiss', secrets: [TOKEN], policy: { deadlineMs: 5_000 } };

export const bet = (action_id: string, amount: number, more: object = {}) => ({ action: 'bet', action_id, amount, ...more });
export const win = (action_id: string, amount: number, more: object = {}) => ({ action: 'win', action_id, amount, ...more });
export const undo = (action_id: string, original_action_id: string) => ({ action: 'rollback', action_id, original_action_id });

export interface SendOptions {
  readonly token?: string;
  /** instead of the right signature; undefined: none */
  readonly sign?: string | undefined;
  readonly headers?: Readonly<Record<string, string | string[] | undefined>>;
  readonly method?: string;
  readonly account?: number;
  /** instead of the account's */
  readonly base?: string;
}

const agents = new WeakMap<Ground, RawProvider>();

/** Signs the body and sends it as it is. */
export function send(here: Ground, path: string, body: string | Buffer, options: SendOptions = {}): Promise<Reply> {
  const agent = agents.get(here) ?? new RawProvider(here.served.baseUrl);
  agents.set(here, agent);
  const { token = TOKEN, headers, method, account = 0 } = options;
  const sign = 'sign' in options ? options.sign : createHmac('sha256', token).update(body).digest('hex');
  const base = options.base ?? here.world.dialects[account]?.basePath ?? '';
  return agent.send(base + path, { body, headers: { 'x-request-sign': sign, ...headers }, ...(method && { method }) });
}

/** Rounds are `r1` and the game `game-1` unless the call says otherwise; no session but where it says one. */
export class Seat {
  constructor(
    private readonly here: Ground,
    readonly player: WorldPlayer,
    private readonly account = 0,
  ) {}

  /** of this account */
  get session(): string {
    return this.player.tokens[this.here.world.dialects[this.account]?.accountId ?? 0] ?? '';
  }

  get who() {
    return { user_id: this.player.id, currency: this.player.currency };
  }

  call = (path: string, fields: object, options?: SendOptions) => send(this.here, path, JSON.stringify(fields), { account: this.account, ...options });
  play = (actions?: readonly object[], more: object = {}) => this.call('play', { ...this.who, game: 'game-1', game_id: 'r1', actions, ...more });
  rollback = (actions: readonly object[], more: object = {}) => this.call('rollback', { ...this.who, game: 'game-1', game_id: 'r1', actions, ...more });
  freespins = (issue_id: string, total_amount: number, more: object = {}) => this.call('freespins', { issue_id, status: 'finished', total_amount, ...more });
  balance = async (): Promise<number> => (await this.call('play', this.who)).body.balance as number;
}

let seated = new WeakMap<Ground, number>();

/** A player nobody has sat down yet, with 100.00 of a currency of two digits. */
export function seatAt(here: Ground, account = 0): Seat {
  const next = seated.get(here) ?? 0;
  seated = seated.set(here, next + 1);
  const players = here.world.players.filter(({ currency }) => currency === 'EUR');
  if (next >= players.length) throw new Error(`the world has no more than ${players.length} players`);
  return new Seat(here, players[next] as WorldPlayer, account);
}

/** What an answer says: `ok 9000`, `412 100 9000`, `400 400`. */
export function said({ status, body }: Reply): string {
  return [...(status === 200 ? ['ok'] : [status, body.code]), ...(body.balance === undefined ? [] : [body.balance])].join(' ');
}

export const ids = ({ body }: Reply): string[] => body.transactions.map(({ tx_id: id }: { tx_id: string }) => id);

/** Fails unless it is an error in the aggregator's form that shows nothing of the inside. */
export function expectRefused(reply: Reply, status: number, code: number): void {
  expect([reply.status, reply.body.code, reply.headers['content-type']]).toEqual([status, code, 'application/json']);
  expect(Object.keys(reply.body as object).filter((name) => !['code', 'message', 'balance'].includes(name))).toEqual([]);
  expect(typeof reply.body.message).toBe('string');
  expect(reply.headers['x-request-id']).toMatch(/^[\x21-\x7e]{1,128}$/);
  const text = JSON.stringify([reply.body, reply.headers]);
  expect(text).not.toMatch(/node_modules|\.ts\b|\bat \S+ \(|postgres|select |insert into|stack|croupier_money|FST_/i);
  expect(text).not.toContain(TOKEN);
}
