import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { QueryBus } from '@nestjs/cqrs';
import { pool } from '../../libs/postgres/index.ts';
import { ReadSessionFacts, ReadSessionFactsHandler } from '../../src/sessions/facts.query.ts';
import { officeGround } from '../support/office.ts';
import { Provider } from '../support/provider.ts';
import type { WorldAccount, WorldPlayer } from '../support/world.ts';

/** What a token is good for: its four states, who it belongs to, how long it lasts. Time passes by the rows, not by waiting. */
const here = officeGround({ players: { EUR: 12 }, policies: [{ deadlineMs: 5_000 }, {}] });
let elsewhere: Provider;
let strangers: Provider;

beforeAll(() => {
  elsewhere = new Provider(here.served.baseUrl, here.world.accounts[1] as WorldAccount);
  strangers = new Provider(here.served.baseUrl, here.world.accounts[2] as WorldAccount);
});
afterAll(() => [elsewhere, strangers].forEach((provider) => provider?.close()));

const path = ({ id }: WorldPlayer) => `/v1/players/${id}/sessions`;
async function start(player: WorldPlayer, more: object = {}): Promise<{ id: string; token: string }> {
  const { body } = await here.platform.post(path(player), { accountId: here.account.accountId, currency: 'EUR', ...more });
  return { id: body.sessionId, token: body.sessionToken };
}
const authenticate = async (token: string, provider = here.provider) => {
  const { body } = await provider.call('authenticate', { sessionToken: token });
  return body.code ?? [body.playerId, body.sessionToken === token];
};
const set = (id: string, change: string) => here.sql(`update session set ${change} where session_id = $1`, [id]);
const secondsLeft = async (id: string) => Math.round((await here.sql<{ left: number }>('select extract(epoch from expires_at - now())::float as left from session where session_id = $1', [id]))[0]?.left as number);

describe('a token', () => {
  it.each([
    ['active', "state = 'active'", undefined], ['superseded', "state = 'superseded'", 'SESSION_SUPERSEDED'], ['expired', "state = 'expired'", 'SESSION_EXPIRED'],
    ['expired', "expires_at = now() - interval '1 ms'", 'SESSION_EXPIRED'], ['closed', "state = 'closed'", 'SESSION_EXPIRED'],
    ['superseded', "state = 'superseded', expires_at = now() - interval '1 hour'", 'SESSION_SUPERSEDED'],
  ])('is %s where %s', async (state, change, refused) => {
    const player = here.player();
    const { id, token } = await start(player);
    await set(id, change);
    expect(await authenticate(token)).toEqual(refused ?? [player.id, true]);
    expect((await here.platform.get(`${path(player)}?limit=1`)).body.items[0]).toMatchObject({ sessionId: id, state });
  });

  it('is known at its own account only', async () => {
    const { token } = await start(here.player());
    expect([await authenticate(token, elsewhere), await authenticate(token, strangers), await authenticate('x'.repeat(43))]).toEqual(Array(3).fill('SESSION_NOT_FOUND'));
  });
});

describe('an expiry', () => {
  it('that slides is moved by an authentication, a minute at least', async () => {
    const { id, token } = await start(here.player());
    for (const [before, after] of [[1_800, 1_800], [1_745, 1_745], [1_735, 1_800], [5, 1_800]] as const) {
      await set(id, `expires_at = now() + interval '${before} seconds'`);
      expect((await authenticate(token))[1]).toBe(true);
      expect([before, Math.abs((await secondsLeft(id)) - after) <= 3]).toEqual([before, true]);
    }
    const [row] = await here.sql<{ tid: string }>('select ctid::text as tid from session where session_id = $1', [id]);
    for (let i = 0; i < 20; i++) await authenticate(token);
    expect(await here.sql<{ tid: string }>('select ctid::text as tid from session where session_id = $1', [id])).toEqual([row]);
  });

  it('that is over moves no more, and a fixed one never', async () => {
    const [sliding, fixed] = [await start(here.player()), await start(here.player(), { expiresAt: new Date(Date.now() + 3_600_000).toISOString() })];
    await set(sliding.id, "expires_at = now() - interval '1 ms'");
    expect([await authenticate(sliding.token), (await secondsLeft(sliding.id)) <= 0]).toEqual(['SESSION_EXPIRED', true]);
    await set(fixed.id, "expires_at = now() + interval '100 seconds'");
    expect([(await authenticate(fixed.token))[1], (await secondsLeft(fixed.id)) <= 100]).toEqual([true, true]);
  });
});

describe('the facts of a session', () => {
  const ask = (account: WorldAccount, token: string) => here.served.app.get(QueryBus).execute(new ReadSessionFacts(account, token));

  it('are told of a token that is over too, and to its own account only', async () => {
    const player = here.player();
    const { id, token } = await start(player);
    await set(id, "state = 'closed', expires_at = now() - interval '1 day'");
    const facts = { player: player.id, operatorId: here.operator, accountId: here.account.accountId, currency: 'EUR' };
    expect(await ask(here.account, token)).toEqual(facts);
    for (const account of here.world.accounts.slice(1)) expect(await ask(account, token)).toBeUndefined();
    // Kept for the account that may know them, and for no other.
    expect([await ask(here.account, token), await ask(here.world.accounts[1] as WorldAccount, token)]).toEqual([facts, undefined]);
  });

  it('are remembered where there are any, and asked for again where there are none', async () => {
    const player = here.player();
    const token = 'a token that comes later';
    expect(await ask(here.account, token)).toBeUndefined();
    await here.sql(`insert into session (player_id, token_hash, operator_id, account_id, currency, expires_at) values ($1, sha256('a token that comes later'), $2, $3, 'EUR', now())`,
      [player.id, here.operator, here.account.accountId]);
    expect((await ask(here.account, token))?.player).toBe(player.id);
    await here.sql('delete from session where token_hash = sha256($1)', ['a token that comes later']);
    expect((await ask(here.account, token))?.player).toBe(player.id);
  });

  it('that nobody can read now are no answer', async () => {
    const nowhere = pool('postgres://croupier_money:x@127.0.0.1:1/none', { name: 'nowhere' }, 1);
    const handler = new ReadSessionFactsHandler({ pool: nowhere });
    await expect(handler.execute(new ReadSessionFacts(here.account, 'x'))).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await nowhere.end();
  });

  it('are a hundred thousand at most; the one that was not asked for the longest goes first', async () => {
    let asked = 0;
    const counting = { query: () => Promise.resolve({ rows: [{ player_id: String(asked++), currency: 'EUR' }] }) };
    const handler = new ReadSessionFactsHandler({ pool: counting } as never);
    const facts = (n: number) => handler.execute(new ReadSessionFacts(here.account, `token ${n}`));
    for (let n = 0; n < 100_000; n++) await facts(n);
    await facts(0);
    await facts(100_000);
    expect(asked).toBe(100_001);
    expect((await facts(0))?.player).toBe('0');
    expect(asked).toBe(100_001);
    await facts(1);
    expect(asked).toBe(100_002);
  });

  it('asked for a hundred times at once are read once', async () => {
    let asked = 0;
    const slow = { query: async () => { asked++; await new Promise((resolve) => setImmediate(resolve)); return { rows: [{ player_id: 'p', currency: 'EUR' }] }; } };
    const handler = new ReadSessionFactsHandler({ pool: slow } as never);
    await Promise.all(Array.from({ length: 100 }, () => handler.execute(new ReadSessionFacts(here.account, 'one'))));
    expect(asked).toBe(1);
  });
});
