import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { setTimeout as pause } from 'node:timers/promises';
import { officeGround, Platform, rolesOn } from '../support/office.ts';
import { Provider, type Reply } from '../support/provider.ts';
import { serveHere, type InProcess } from '../support/server.ts';
import type { WorldPlayer } from '../support/world.ts';

/** Provider accounts, what they sign with, their games, and the switches. A second process serves the wallet; both must follow. */
const here = officeGround({ players: { EUR: 12 } });
let other: InProcess;
let there: Provider;
const opened: Provider[] = [];

beforeAll(async () => {
  other = await serveHere(here.database, rolesOn(here.database, 'wallet'));
  there = new Provider(other.baseUrl, here.account);
});
afterAll(async () => {
  for (const provider of [there, ...opened]) provider?.close();
  await other?.close();
});

const account = () => `/v1/provider-accounts/${here.account.accountId}`;
const ofBoth = (credentials: { apiKey: string; secret: string }) => [here.served.baseUrl, other.baseUrl].map((baseUrl) => {
  const provider = new Provider(baseUrl, credentials);
  opened.push(provider);
  return provider;
});

let references = 0;
const bet = (provider: Provider, { id }: WorldPlayer, gameId = 'game-1') =>
  provider.call('bet', { transactionId: `b${++references}`, playerId: id, currency: 'EUR', amount: '0.01', gameId, roundId: 'r1' });
const said = ({ body }: Reply): string => body.code ?? body.status;

/** Asks every provider until all say so; answers after how many milliseconds. */
async function until(wanted: string, ask: () => Promise<Reply[]>): Promise<number> {
  const began = performance.now();
  for (;;) {
    const seen = (await ask()).map(said);
    if (seen.every((one) => one === wanted)) return performance.now() - began;
    if (performance.now() - began > 5_000) throw new Error(`still ${seen.join()} after 5 s`);
    await pause(20);
  }
}

describe('a switch', () => {
  const switches: readonly [string, (player: WorldPlayer, on: boolean) => Promise<Reply>][] = [
    ['operator', (_, betsAllowed) => here.platform.patch('/v1/operator', { betsAllowed })],
    ['provider account', (_, betsAllowed) => here.platform.patch(account(), { betsAllowed })],
    ['game', (_, betsAllowed) => here.platform.put(`${account()}/games/game-1`, { name: 'One', betsAllowed })],
    ['player', (player, on) => here.platform.patch(`/v1/players/${player.id}`, { status: on ? 'active' : 'blocked' })],
  ];

  it.each(switches)('of the %s stops bets within a second in both processes, pays wins and rollbacks, and lets bets again', async (name, set) => {
    const player = here.player();
    const call = { playerId: player.id, currency: 'EUR', gameId: 'game-1', roundId: 'r1' };
    const both = () => Promise.all([bet(here.provider, player), bet(there, player)]);
    const standing = await bet(here.provider, player);
    expect([name, (await set(player, false)).status]).toEqual([name, 200]);
    expect(await until(name === 'player' ? 'PLAYER_BLOCKED' : 'GAME_DISABLED', both)).toBeLessThan(1_000);
    for (const [i, provider] of [here.provider, there].entries()) {
      expect(said(await provider.call('win', { ...call, transactionId: `w ${name} ${i}`, amount: '5.00' }))).toBe('applied');
    }
    expect(said(await there.call('rollback', { ...call, transactionId: `k ${name}`, originalTransactionId: `w ${name} 0` }))).toBe('applied');
    expect(said(await there.call('rollback', { ...call, transactionId: `l ${name}`, originalTransactionId: standing.body.reference }))).toMatch(/applied|BET_ALREADY_SETTLED/);
    expect((await set(player, true)).status).toBe(200);
    expect(await until('applied', both)).toBeLessThan(1_000);
  });

  it('of one operator, account or game stops no other', async () => {
    const player = here.player();
    await here.platform.put(`${account()}/games/game-2`, { name: 'Two', betsAllowed: false });
    await until('GAME_DISABLED', () => Promise.all([bet(here.provider, player, 'game-2'), bet(there, player, 'game-2')]));
    expect(said(await bet(here.provider, player))).toBe('applied');
    await here.stranger.patch('/v1/operator', { betsAllowed: false });
    const [stranger] = here.world.strangers;
    const [theirs] = ofBoth(here.world.accounts.at(-1) as never);
    await until('GAME_DISABLED', async () => [await bet(theirs as Provider, stranger as WorldPlayer)]);
    expect(said(await bet(here.provider, player))).toBe('applied');
  });
});

describe('a provider account', () => {
  it('is made with a policy, changed, and found among the others; the cashier is not among them', async () => {
    const made = await here.platform.post('/v1/provider-accounts', { provider: 'new studio', dialect: 'native', policy: { winNeeds: 'bet' } });
    expect(made).toMatchObject({ status: 201, body: { provider: 'new studio', dialect: 'native', policy: { winNeeds: 'bet' }, betsAllowed: true } });
    const path = `/v1/provider-accounts/${made.body.accountId}`;
    const changed = { ...made.body, policy: { deadlineMs: 2_000 }, betsAllowed: false };
    expect((await here.platform.patch(path, { policy: { deadlineMs: 2_000 }, betsAllowed: false })).body).toEqual(changed);
    expect((await here.platform.patch(path, {})).body).toEqual(changed);
    expect((await here.platform.get(path)).body).toEqual(changed);
    const { body: list } = await here.platform.get('/v1/provider-accounts');
    expect(list.items.map(({ provider }: { provider: string }) => provider)).toEqual(['studio 0', 'new studio']);
    for (const provider of ['new studio', 'cashier']) here.expectRefused(await here.platform.post('/v1/provider-accounts', { provider, dialect: 'native' }), 'ALREADY_EXISTS', 409);
    const [cashier] = await here.sql<{ id: number }>("select account_id as id from provider_account where operator_id = $1 and dialect = 'none'", [here.operator]);
    here.expectRefused(await here.platform.get(`/v1/provider-accounts/${cashier?.id}`), 'NOT_FOUND', 404);
    here.expectRefused(await here.platform.post(`/v1/provider-accounts/${cashier?.id}/credentials`), 'NOT_FOUND', 404);
  });

  it.each([
    [{ winNeeds: 'luck' }, ['policy.winNeeds']], [{ deadlineMs: 1 }, ['policy.deadlineMs']], [{ unknown: true }, ['policy']],
    [{ rounds: 'none' }, ['policy.rounds']], [{ betBurst: 5 }, ['policy.betBurst']], [{ winNeeds: 1, deadlineMs: 'x' }, ['policy.winNeeds', 'policy.deadlineMs']],
  ])('takes no policy %j', async (policy, fields) => {
    for (const reply of [await here.platform.post('/v1/provider-accounts', { provider: 'bad', dialect: 'native', policy }), await here.platform.patch(account(), { policy })]) {
      here.expectRefused(reply, 'REQUEST_INVALID', 400);
      expect(reply.body.errors.map(({ field }: { field: string }) => field)).toEqual(fields);
    }
  });
});

describe('an account’s settings and addresses', () => {
  it('are taken, shown as the database writes them, and replaced as a whole', async () => {
    const made = await here.platform.post('/v1/provider-accounts', { provider: 'walled', dialect: 'native', addresses: ['192.0.2.7', '2001:DB8:0::/32', '198.51.100.0/24'] });
    expect([made.status, made.body.settings, made.body.addresses]).toEqual([201, {}, ['192.0.2.7/32', '2001:db8::/32', '198.51.100.0/24']]);
    const path = `/v1/provider-accounts/${made.body.accountId}`;
    expect((await here.platform.get(path)).body).toEqual(made.body);
    expect((await here.platform.patch(path, { addresses: ['::ffff:0:0/96'] })).body.addresses).toEqual(['::ffff:0.0.0.0/96']);
    expect((await here.platform.patch(path, { addresses: [], settings: {} })).body).toEqual({ ...made.body, addresses: [] });
  });

  it.each(['192.0.2.1/24', '192.0.2.0/33', '192.0.2', '192.0.2.0/024', '1.2.3.4.5', '2001:db8::1/32', '::/129', 'fe80::1%eth0', 'example.com', '', '192.0.2.0/', ' 192.0.2.0/24'])(
    'are no networks where they are %j', async (address) => {
      const reply = await here.platform.patch(account(), { addresses: ['192.0.2.0/24', address] });
      expect([reply.status, reply.body.errors?.[0]?.field]).toEqual([400, 'addresses.1']);
    });

  it('that the dialect does not know are named', async () => {
    for (const reply of [await here.platform.patch(account(), { settings: { header: 'x' } }), await here.platform.post('/v1/provider-accounts', { provider: 'bad', dialect: 'native', settings: { header: 'x' } })]) {
      expect([reply.status, reply.body.errors?.[0]?.field]).toEqual([400, 'settings.header']);
    }
  });

  it('are of a dialect that is installed', async () => {
    const reply = await here.platform.post('/v1/provider-accounts', { provider: 'bad', dialect: 'klingon' });
    expect([reply.status, reply.body.errors?.[0]?.field]).toEqual([400, 'dialect']);
  });
});

describe('the scopes of an account', () => {
  it('are free until its first transaction, and fixed from then on; all else goes on changing', async () => {
    const player = here.player();
    const { body: made } = await here.platform.post('/v1/provider-accounts', { provider: 'scoped', dialect: 'native' });
    const path = `/v1/provider-accounts/${made.accountId}`;
    for (const policy of [{ idScope: 'global' }, { roundScope: 'game' }, { freeRounds: 'total' }, {}]) expect((await here.platform.patch(path, { policy })).body.policy).toEqual(policy);
    await here.platform.put(`${path}/games/game-1`, { name: 'One' });
    const provider = ofBoth((await here.platform.post(`${path}/credentials`)).body)[0] as Provider;
    await until('applied', async () => [await bet(provider, player)]);
    for (const policy of [{ idScope: 'player' }, { roundScope: 'game' }, { rounds: 'none', winNeeds: 'bet' }, { freeRounds: 'total' }, { idScope: 'global', deadlineMs: 900 }]) {
      here.expectRefused(await here.platform.patch(path, { policy }), 'SCOPE_FIXED', 409);
    }
    expect((await here.platform.patch(path, { policy: { idScope: 'operation', deadlineMs: 1_234 } })).body.policy).toEqual({ idScope: 'operation', deadlineMs: 1_234 });
    expect((await here.platform.get(path)).body.policy).toEqual({ idScope: 'operation', deadlineMs: 1_234 });
  });
});

describe('a credential', () => {
  it('signs from the second it is made, rotates with an overlap, and stops within a second', async () => {
    const player = here.player();
    const { body: made } = await here.platform.post(`${account()}/credentials`);
    expect(made).toEqual({ apiKey: expect.stringMatching(/^pk_[0-9a-f]{24}$/), secret: expect.stringMatching(/^whsec_.{44}$/), retiredUntil: null });
    const old = ofBoth(made);
    expect(await until('applied', () => Promise.all(old.map((one) => bet(one, player))))).toBeLessThan(1_000);
    const list = await here.platform.get(`${account()}/credentials`);
    expect(list.body.items).toContainEqual({ apiKey: made.apiKey, retiredUntil: null });
    expect(JSON.stringify(list.body)).not.toMatch(/whsec_/);

    const { body: next } = await here.platform.post(`${account()}/credentials/${made.apiKey}/rotate`, { overlapHours: 1 });
    expect([next.apiKey, next.secret === made.secret]).toEqual([made.apiKey, false]);
    expect(Math.round((Date.parse(next.retiredUntil) - Date.now()) / 60_000)).toBe(60);
    const fresh = ofBoth(next);
    await until('applied', () => Promise.all([...old, ...fresh].map((one) => bet(one, player))));

    const { body: last } = await here.platform.post(`${account()}/credentials/${made.apiKey}/rotate`, { overlapHours: 0 });
    expect(await until('SIGNATURE_INVALID', () => Promise.all(fresh.map((one) => bet(one, player))))).toBeLessThan(1_000);
    await until('applied', () => Promise.all(ofBoth(last).map((one) => bet(one, player))));

    expect((await here.platform.delete(`${account()}/credentials/${made.apiKey}`)).status).toBe(200);
    expect(await until('KEY_UNKNOWN', () => Promise.all([...old, ...fresh, ...opened.slice(-2)].map((one) => bet(one, player))))).toBeLessThan(1_000);
    expect(await here.sql('select 1 from retired_secret where api_key = $1', [made.apiKey])).toEqual([]);
    here.expectRefused(await here.platform.delete(`${account()}/credentials/${made.apiKey}`), 'NOT_FOUND', 404);
  });

  it('asked for again under the same key is answered without its secret', async () => {
    const call = { idempotencyKey: 'a credential' };
    const { body: { secret: _, ...shown } } = await here.platform.post(`${account()}/credentials`, {}, call);
    expect((await here.platform.post(`${account()}/credentials`, {}, call)).body).toEqual(shown);
    expect(await here.sql("select 1 from office_command where answer::text like '%whsec_%'")).toEqual([]);
  });
});

describe('games', () => {
  it('are put, changed, and listed by their ids, whatever stands in them', async () => {
    const { body: { accountId } } = await here.platform.post('/v1/provider-accounts', { provider: 'games', dialect: 'native' });
    const path = `/v1/provider-accounts/${accountId}/games`;
    const ids = ['B', 'a', 'á/ű %2F?#', '🎰'.repeat(128), 'x'.repeat(128)];
    for (const id of ids) expect([id, (await here.platform.put(`${path}/${encodeURIComponent(id)}`, { name: 'a game' })).body]).toMatchObject([id, { gameId: id, betsAllowed: true }]);
    expect((await here.platform.put(`${path}/a`, { name: 'A', betsAllowed: false })).body).toEqual({ gameId: 'a', name: 'A', betsAllowed: false });
    expect((await here.platform.get(`${path}/a`)).body).toEqual({ gameId: 'a', name: 'A', betsAllowed: false });
    const { body: first } = await here.platform.get(`${path}?limit=3`);
    const { body: rest } = await here.platform.get(`${path}?limit=3&cursor=${first.nextCursor}`);
    expect([...first.items, ...rest.items].map(({ gameId }: { gameId: string }) => gameId)).toEqual(['B', 'a', 'x'.repeat(128), 'á/ű %2F?#', '🎰'.repeat(128)]);
    here.expectRefused(await here.platform.get(`${path}/b`), 'NOT_FOUND', 404);
    here.expectRefused(await here.platform.put(`${path}/${'x'.repeat(129)}`, { name: 'long' }), 'NOT_FOUND', 404);
    here.expectRefused(await here.platform.put(`${path}/${encodeURIComponent('\u0000')}`, { name: 'nul' }), 'NOT_FOUND', 404);
  });
});

describe('an operator', () => {
  it('makes another one with its first key, once, and sees nothing of it', async () => {
    const call = { idempotencyKey: 'brand' };
    const { status, body } = await here.platform.post('/v1/operators', { name: 'A second brand' }, call);
    expect([status, body.name, body.apiKey.roles]).toEqual([201, 'A second brand', ['administrator']]);
    const replayed = await here.platform.post('/v1/operators', { name: 'A second brand' }, call);
    expect(replayed.body).toEqual({ ...body, apiKey: { ...body.apiKey, key: undefined } });
    here.expectRefused(await here.platform.post('/v1/operators', { name: 'A second brand' }), 'ALREADY_EXISTS', 409);
    const brand = new Platform(here.served.baseUrl, body.apiKey.key);
    expect((await brand.get('/v1/operator')).body).toMatchObject({ operatorId: body.operatorId, name: 'A second brand', betsAllowed: true });
    expect((await brand.get('/v1/players')).body.items).toEqual([]);
    const { body: player } = await brand.post('/v1/players', { externalId: 'first', currencies: ['EUR'] });
    expect((await brand.post(`/v1/players/${player.playerId}/deposits`, { currency: 'EUR', amount: '3.00' })).body.balance).toBe('3.00');
    here.expectRefused(await here.platform.get(`/v1/players/${player.playerId}`), 'NOT_FOUND', 404);
    const small = await here.platformOf({ roles: [], permissions: ['operators.manage'] });
    here.expectRefused(await small.post('/v1/operators', { name: 'a third' }), 'FORBIDDEN', 403);
  });

  it('is renamed, but not to the name of another', async () => {
    expect((await here.stranger.patch('/v1/operator', { name: 'Second Casino' })).body.name).toBe('Second Casino');
    here.expectRefused(await here.stranger.patch('/v1/operator', { name: 'first' }), 'ALREADY_EXISTS', 409);
  });
});
