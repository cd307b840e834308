import { describe, expect, it } from '@jest/globals';
import { createHash } from 'node:crypto';
import { officeGround } from '../support/office.ts';
import type { WorldPlayer } from '../support/world.ts';

/** An account whose tokens rotate: each authentication is answered with a successor. The old one goes on until its successor is used. */
const here = officeGround({ players: { EUR: 10 }, policies: [{ deadlineMs: 5_000, sessionRotation: 'authenticate' }] });

const hashOf = (token: string) => createHash('sha256').update(token).digest('hex');
async function start(player: WorldPlayer, more: object = {}): Promise<{ id: string; token: string }> {
  const { body } = await here.platform.post(`/v1/players/${player.id}/sessions`, { accountId: here.account.accountId, currency: 'EUR', ...more });
  return { id: body.sessionId, token: body.sessionToken };
}
/** The token to go on with, or the code. */
async function authenticate(token: string): Promise<string> {
  const { body } = await here.provider.call('authenticate', { sessionToken: token });
  return body.code ?? body.sessionToken;
}
let bets = 0;
const bet = async (player: WorldPlayer, sessionToken: string) => {
  const { body } = await here.provider.call('bet', { transactionId: `b${++bets}`, playerId: player.id, currency: 'EUR', amount: '0.01', gameId: 'game-1', roundId: 'r1', sessionToken });
  return body.code ?? body.status;
};
const stateOf = async (token: string) =>
  (await here.sql<{ state: string }>("select state::text from session where encode(token_hash, 'hex') = $1", [hashOf(token)]))[0]?.state;
const rowsOf = (player: WorldPlayer) => here.sql<{ session_id: string; state: string }>('select * from session where player_id = $1 order by session_id', [player.id]);

describe('an authentication', () => {
  it('is answered with a successor of the same player, account and currency, and with the same one again', async () => {
    const player = here.player();
    const before = (await rowsOf(player)).length;
    const { token } = await start(player, { country: 'MT', language: 'en' });
    const { body } = await here.provider.call('authenticate', { sessionToken: token });
    expect(body).toMatchObject({ playerId: player.id, currency: 'EUR', country: 'MT', language: 'en', sessionToken: expect.stringMatching(/^[\w-]{43}$/) });
    const successor: string = body.sessionToken;
    expect([successor === token, await authenticate(token), await stateOf(token), await stateOf(successor)]).toEqual([false, successor, 'active', 'active']);
    expect(await Promise.all(Array.from({ length: 20 }, () => authenticate(token)))).toEqual(Array(20).fill(successor));
    const rows = await rowsOf(player);
    expect(rows).toHaveLength(before + 2);
    expect(JSON.stringify(rows)).not.toContain(successor);
    const { body: list } = await here.platform.get(`/v1/players/${player.id}/sessions?limit=2`);
    expect(list.items.map(({ state, slideSeconds, country }: Record<string, unknown>) => [state, slideSeconds, country])).toEqual(Array(2).fill(['active', 1_800, 'MT']));
  });

  it('by the successor supersedes what came before, and no repetition of it locks anybody out', async () => {
    const { token: first } = await start(here.player());
    const second = await authenticate(first);
    const third = await authenticate(second);
    expect([await authenticate(first), await stateOf(first)]).toEqual(['SESSION_SUPERSEDED', 'superseded']);
    // Its answer was lost, and it comes again.
    expect([await authenticate(second), await stateOf(second)]).toEqual([third, 'active']);
    const fourth = await authenticate(third);
    expect([await authenticate(second), await authenticate(third), new Set([first, second, third, fourth]).size]).toEqual(['SESSION_SUPERSEDED', fourth, 4]);
  });

  it('makes no successor of a token that is over, or somebody else’s', async () => {
    const player = here.player();
    const { id, token } = await start(player);
    const before = (await rowsOf(player)).length;
    for (const [change, code] of [["state = 'closed'", 'SESSION_EXPIRED'], ["state = 'superseded'", 'SESSION_SUPERSEDED'], ["state = 'active', expires_at = now()", 'SESSION_EXPIRED']] as const) {
      await here.sql(`update session set ${change} where session_id = $1`, [id]);
      expect([change, await authenticate(token)]).toEqual([change, code]);
    }
    expect([await authenticate(here.world.strangers[0]?.sessionToken as string), await authenticate('nobody’s')]).toEqual(['SESSION_NOT_FOUND', 'SESSION_NOT_FOUND']);
    expect(await rowsOf(player)).toHaveLength(before);
  });

  it('gives a successor that was never used the time of the token that was', async () => {
    const { token } = await start(here.player());
    const successor = await authenticate(token);
    await here.sql("update session set expires_at = now() - interval '1 minute' where encode(token_hash, 'hex') = $1", [hashOf(successor)]);
    expect(await authenticate(successor)).toBe('SESSION_EXPIRED');
    expect(await authenticate(token)).toBe(successor);
    expect(await authenticate(successor)).toMatch(/^[\w-]{43}$/);
  });
});

describe('a bet', () => {
  it('is taken under the old token until one was taken under its successor', async () => {
    const player = here.player();
    const { token } = await start(player);
    const successor = await authenticate(token);
    expect([await bet(player, token), await bet(player, successor), await bet(player, token), await bet(player, successor)])
      .toEqual(['applied', 'applied', 'SESSION_SUPERSEDED', 'applied']);
    expect([await authenticate(token), await stateOf(token)]).toEqual(['SESSION_SUPERSEDED', 'superseded']);
  });
});

describe('an end', () => {
  it.each(['the first', 'the last', 'one in between'])('of %s of its tokens is the end of all', async (which) => {
    const player = here.player();
    const first = await start(player);
    const tokens = [first.token];
    for (let i = 0; i < 4; i++) tokens.push(await authenticate(tokens.at(-1) as string));
    const [row] = await here.sql<{ id: string }>("select session_id as id from session where encode(token_hash, 'hex') = $1",
      [hashOf(tokens.at(which === 'the first' ? 0 : which === 'the last' ? -1 : 2) as string)]);
    const another = await start(player);
    expect((await here.platform.delete(`/v1/players/${player.id}/sessions/${row?.id}`)).status).toBe(200);
    expect(await Promise.all(tokens.map(stateOf))).toEqual(['superseded', 'superseded', 'superseded', 'closed', 'closed']);
    for (const token of tokens.slice(3)) expect([await authenticate(token), await bet(player, token)]).toEqual(['SESSION_EXPIRED', 'SESSION_EXPIRED']);
    expect(await stateOf(another.token)).toBe('active');
  });
});
