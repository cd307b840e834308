/** What keeps a session's row: it is used, it is replaced, it ends. What decides a bet changes under the player's lock only. */
import { createHmac, randomBytes } from 'node:crypto';
import type pg from 'pg';
import { tokenHash } from '../../libs/crypto/index.ts';
import type { Over } from './commands.ts';

/** A token's row, by all that it must belong to. */
export interface SessionRow {
  readonly operatorId: string;
  readonly accountId: number;
  readonly player: string;
  /** SHA-256 of the token */
  readonly hash: Buffer;
}

export const hashOf = (token: string): Buffer => Buffer.from(tokenHash(token), 'hex');
export const newToken = (): string => randomBytes(32).toString('base64url');

/**
 * A successor is the old token's HMAC under a salt that only its row knows: asked again, the same comes out, though no token is ever
 * stored; neither the old token nor the row tells it alone.
 */
export const successorOf = (token: string, salt: Buffer): string => createHmac('sha256', salt).update(`successor of ${token}`).digest('base64url');

/** args: player, operator */
const LOCK = 'select 1 from wallet where player_id = $1 and operator_id = $2 order by currency for no key update';

/** args: player, hash, operator, account · answers its state now, and the hash it replaces */
const STATE = `select case when state = 'active' and expires_at <= clock_timestamp() then 'expired' else state::text end as state, replaces
from session where player_id = $1 and token_hash = $2 and operator_id = $3 and account_id = $4`;

/** args: player, hash, operator · the token is superseded, if it was still good */
const SUPERSEDE = `update session set state = 'superseded' where player_id = $1 and token_hash = $2 and operator_id = $3 and state = 'active'`;

/** args: player, hash, operator · a sliding expiry is moved, by a minute at least: not more often than that is it written */
const SLIDE = `update session set expires_at = clock_timestamp() + slide_s * interval '1 second'
where player_id = $1 and token_hash = $2 and operator_id = $3 and state = 'active' and expires_at > clock_timestamp()
  and expires_at <= clock_timestamp() + (slide_s - 60) * interval '1 second'`;

/** args: player, hash, operator · answers the successor's salt, where there is one */
const SALT = 'select salt from session where player_id = $1 and replaces = $2 and operator_id = $3';

/** args: player, hash, operator, successor's hash, salt · one row, unless the successor is over; it lasts as long as the one that it replaces */
const SUCCEED = `insert into session
  (player_id, operator_id, token_hash, account_id, currency, expires_at, slide_s, country, jurisdiction, language, replaces, salt)
select player_id, operator_id, $4, account_id, currency, expires_at, slide_s, country, jurisdiction, language, token_hash, $5
from session where player_id = $1 and token_hash = $2 and operator_id = $3
on conflict (token_hash) do update set expires_at = greatest(session.expires_at, excluded.expires_at) where session.state = 'active'`;

/** Every token that it went on under, and that it came from. args: player, operator, session */
const END = `with recursive chain as (
  select token_hash, replaces from session where player_id = $1 and operator_id = $2 and session_id = $3
  union
  select s.token_hash, s.replaces from chain c
  join session s on s.player_id = $1 and s.operator_id = $2 and (s.token_hash = c.replaces or s.replaces = c.token_hash))
update session set state = 'closed' where player_id = $1 and state = 'active' and token_hash in (select token_hash from chain)`;

/** args: player, operator, session */
const THERE = 'select 1 from session where player_id = $1 and operator_id = $2 and session_id = $3';

const lock = (client: pg.ClientBase, player: string, operatorId: string) => client.query(LOCK, [player, operatorId]);

/** Moves a sliding expiry where it is due. It only ever makes a session last longer, so it needs no lock but the row's own. */
export async function slide(client: pg.ClientBase, { player, hash, operatorId }: SessionRow): Promise<void> {
  await client.query(SLIDE, [player, hash, operatorId]);
}

/** Locks the player, and looks whether the token is good; if so it is used: what it replaces is superseded, and its expiry moved. */
export async function use(client: pg.ClientBase, row: SessionRow): Promise<Over | undefined> {
  const { player, hash, operatorId, accountId } = row;
  await lock(client, player, operatorId);
  const { rows } = await client.query<{ state: string; replaces: Buffer | null }>(STATE, [player, hash, operatorId, accountId]);
  const [found] = rows;
  if (!found) return 'SESSION_NOT_FOUND';
  if (found.state !== 'active') return overAs(found.state);
  if (found.replaces) await client.query(SUPERSEDE, [player, found.replaces, operatorId]);
  await slide(client, row);
  return undefined;
}

export const overAs = (state: string): Over => (state === 'superseded' ? 'SESSION_SUPERSEDED' : 'SESSION_EXPIRED');

/** Of a session that `use` found good, in the same transaction: the token that goes on with it. Undefined where the successor is over already. */
export async function succeed(client: pg.ClientBase, { player, hash, operatorId }: SessionRow, token: string): Promise<string | undefined> {
  const { rows } = await client.query<{ salt: Buffer }>(SALT, [player, hash, operatorId]);
  const salt = rows[0]?.salt ?? randomBytes(32);
  const successor = successorOf(token, salt);
  const { rowCount } = await client.query(SUCCEED, [player, hash, operatorId, hashOf(successor), salt]);
  return rowCount === 1 ? successor : undefined;
}

/** Whether the player has such a session, ended or not. */
export async function end(client: pg.ClientBase, operatorId: string, player: string, sessionId: string): Promise<boolean> {
  await lock(client, player, operatorId);
  const { rowCount } = await client.query(THERE, [player, operatorId, sessionId]);
  await client.query(END, [player, operatorId, sessionId]);
  return rowCount === 1;
}
