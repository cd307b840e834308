import { describe, expect, it } from '@jest/globals';
import { createHash, randomUUID } from 'node:crypto';
import { officeGround } from '../support/office.ts';

/** An operator opens players, starts their sessions, and sees what they hold. */
const here = officeGround({ players: { EUR: 12 } });

const open = async (externalId: string, currencies: readonly string[] = ['EUR']): Promise<string> => {
  const { status, body } = await here.platform.post('/v1/players', { externalId, currencies });
  expect([status, body.code]).toEqual([201, undefined]);
  return body.playerId as string;
};

describe('a player', () => {
  it('is opened with its wallets, and found again by either id', async () => {
    const made = await here.platform.post('/v1/players', { externalId: 'anna', currencies: ['JPY', 'EUR', 'EUR'] });
    expect(made).toMatchObject({ status: 201, body: { externalId: 'anna', status: 'active', currencies: ['EUR', 'JPY'] } });
    const { body: player } = made;
    expect((await here.platform.get(`/v1/players/${player.playerId}`)).body).toEqual(player);
    expect((await here.platform.get('/v1/players?externalId=anna')).body).toEqual({ items: [player] });
    expect((await here.platform.get('/v1/players?externalId=Anna')).body.items).toEqual([]);
    const wallets = await here.platform.get(`/v1/players/${player.playerId}/wallets`);
    expect(wallets.body).toEqual({ items: [{ currency: 'EUR', balance: '0.00', walletVersion: 0 }, { currency: 'JPY', balance: '0', walletVersion: 0 }] });
    expect(Buffer.from(wallets.headers['x-consistency-token'] as string, 'base64url').toString()).toMatch(/^1 [0-9A-F]{8} [0-9A-F]+\/[0-9A-F]+ - -$/);
  });

  it('is not opened twice under one id, nor in a currency that there is not, and leaves nothing behind', async () => {
    await open('twice');
    here.expectRefused(await here.platform.post('/v1/players', { externalId: 'twice', currencies: ['EUR'] }), 'ALREADY_EXISTS', 409);
    const unknown = await here.platform.post('/v1/players', { externalId: 'nowhere', currencies: ['EUR', 'XXX'] });
    here.expectRefused(unknown, 'REQUEST_INVALID', 400);
    expect(unknown.body.errors).toEqual([{ field: 'currencies', message: 'XXX is not a currency of this system' }]);
    expect((await here.platform.get('/v1/players?externalId=nowhere')).body.items).toEqual([]);
    expect(await here.sql('select 1 from wallet where player_id not in (select player_id from player)')).toEqual([]);
  });

  it('has the same id with two operators, and is two players', async () => {
    const ours = await open('of both');
    const { body: theirs } = await here.stranger.post('/v1/players', { externalId: 'of both', currencies: ['EUR'] });
    expect(theirs.playerId).not.toBe(ours);
    expect((await here.stranger.get('/v1/players?externalId=of%20both')).body.items).toEqual([theirs]);
  });

  it('gets a wallet more, and keeps the one it has', async () => {
    const player = await open('two purses');
    await here.platform.post(`/v1/players/${player}/deposits`, { currency: 'EUR', amount: '5.00' });
    expect(await here.platform.post(`/v1/players/${player}/wallets`, { currency: 'BTC' })).toMatchObject({ status: 201, body: { currency: 'BTC', balance: '0.00000000' } });
    expect(await here.platform.post(`/v1/players/${player}/wallets`, { currency: 'EUR' })).toMatchObject({ status: 201, body: { currency: 'EUR', balance: '5.00', walletVersion: 1 } });
    here.expectRefused(await here.platform.post(`/v1/players/${player}/wallets`, { currency: 'XXX' }), 'REQUEST_INVALID', 400);
  });

  it('bets no more from the answer on that it is blocked, is still paid, and bets again', async () => {
    const player = here.player();
    const call = { playerId: player.id, currency: 'EUR', gameId: 'game-1', roundId: 'r1' };
    expect((await here.provider.call('bet', { ...call, transactionId: 'b1', amount: '10.00' })).status).toBe(200);
    expect(await here.platform.patch(`/v1/players/${player.id}`, { status: 'blocked' })).toMatchObject({ status: 200, body: { status: 'blocked' } });
    expect((await here.provider.call('bet', { ...call, transactionId: 'b2', amount: '10.00' })).body.code).toBe('PLAYER_BLOCKED');
    expect((await here.provider.call('win', { ...call, transactionId: 'w1', amount: '30.00' })).body).toMatchObject({ status: 'applied', balance: '120.00' });
    expect((await here.provider.call('rollback', { ...call, transactionId: 'k1', originalTransactionId: 'w1' })).body).toMatchObject({ status: 'applied', balance: '90.00' });
    expect((await here.platform.post(`/v1/players/${player.id}/withdrawals`, { currency: 'EUR', amount: '90.00' })).body).toMatchObject({ balance: '0.00' });
    await here.platform.post(`/v1/players/${player.id}/deposits`, { currency: 'EUR', amount: '1.00' });
    expect((await here.platform.patch(`/v1/players/${player.id}`, { status: 'active' })).body.status).toBe('active');
    expect((await here.provider.call('bet', { ...call, transactionId: 'b3', amount: '1.00', roundId: 'r2' })).body).toMatchObject({ status: 'applied', balance: '0.00' });
  });

  it('that spent what is taken back owes it, until the debt is forgiven', async () => {
    const player = here.player();
    const call = { playerId: player.id, currency: 'EUR', gameId: 'game-1', roundId: 'r1' };
    const wallets = async () => (await here.platform.get(`/v1/players/${player.id}/wallets`)).body.items;
    for (const [operation, transactionId, amount] of [['bet', 'b1', '10.00'], ['win', 'w1', '50.00'], ['bet', 'b2', '120.00']] as const) {
      expect((await here.provider.call(operation, { ...call, transactionId, amount })).status).toBe(200);
    }
    expect(await wallets()).toEqual([{ currency: 'EUR', balance: '20.00', walletVersion: 4 }]);
    await here.provider.call('rollback', { ...call, transactionId: 'k1', originalTransactionId: 'w1' });
    expect(await wallets()).toEqual([{ currency: 'EUR', balance: '0.00', debt: '30.00', walletVersion: 5 }]);
    expect((await here.platform.post(`/v1/players/${player.id}/wallets`, { currency: 'EUR' })).body).toMatchObject({ balance: '0.00', debt: '30.00' });
  });

  it('that is stopped gets further wallets that are stopped too', async () => {
    const player = await open('stopped');
    await here.platform.patch(`/v1/players/${player}`, { status: 'closed' });
    await here.platform.post(`/v1/players/${player}/wallets`, { currency: 'JPY' });
    expect((await here.platform.get(`/v1/players/${player}`)).body).toMatchObject({ status: 'closed', currencies: ['EUR', 'JPY'] });
    expect(await here.sql('select distinct stop from wallet where player_id = $1', [player])).toEqual([{ stop: 'closed' }]);
  });
});

describe('the list of players', () => {
  it('is read from end to end and back, each once, whatever comes in between', async () => {
    for (let i = 0; i < 7; i++) await open(`listed ${i}`);
    const all = (await here.platform.get('/v1/players?limit=100')).body.items.map((item: { playerId: string }) => item.playerId) as string[];
    expect(all).toEqual(all.toSorted());
    const forwards: string[][] = [];
    let page = (await here.platform.get('/v1/players?limit=4')).body;
    expect(page).not.toHaveProperty('previousCursor');
    for (;;) {
      forwards.push(page.items.map((item: { playerId: string }) => item.playerId));
      if (page.nextCursor === undefined) break;
      page = (await here.platform.get(`/v1/players?limit=4&cursor=${page.nextCursor}`)).body;
    }
    expect(forwards.flat()).toEqual(all);
    const backwards = [forwards.at(-1)];
    while (page.previousCursor !== undefined) {
      page = (await here.platform.get(`/v1/players?limit=4&cursor=${page.previousCursor}`)).body;
      backwards.unshift(page.items.map((item: { playerId: string }) => item.playerId));
    }
    expect(backwards).toEqual(forwards);
    const last = await here.platform.get('/v1/players?limit=4');
    await open('afterwards');
    const again = await here.platform.get(`/v1/players?limit=4&cursor=${last.body.nextCursor}`);
    expect(again.body.items[0].playerId).toBe(all[4]);
  });
});

describe('a session', () => {
  const start = (player: string, more: object = {}) =>
    here.platform.post(`/v1/players/${player}/sessions`, { accountId: here.account.accountId, currency: 'EUR', slideSeconds: 3_600, country: 'MT', ...more });

  it('is started, played in, listed without its token, and ended', async () => {
    const player = here.player();
    const started = await start(player.id, { language: 'en' });
    expect(started).toMatchObject({ status: 201, body: { state: 'active', slideSeconds: 3_600, accountId: here.account.accountId, country: 'MT', language: 'en' } });
    const { sessionToken, ...shown } = started.body;
    const [kept] = await here.sql<{ hash: string }>("select encode(token_hash, 'hex') as hash from session where session_id = $1", [shown.sessionId]);
    expect(kept?.hash).toBe(createHash('sha256').update(sessionToken).digest('hex'));
    expect((await here.provider.call('authenticate', { sessionToken })).body).toMatchObject({ playerId: player.id, country: 'MT', language: 'en' });
    const bet = (transactionId: string) => here.provider.call('bet', { transactionId, playerId: player.id, currency: 'EUR', amount: '1.00', gameId: 'game-1', roundId: 'r1', sessionToken });
    expect((await bet('b1')).body.status).toBe('applied');
    const { body: list } = await here.platform.get(`/v1/players/${player.id}/sessions`);
    expect(list.items[0]).toEqual(shown);
    expect(JSON.stringify(list)).not.toContain(sessionToken);
    expect((await here.platform.delete(`/v1/players/${player.id}/sessions/${shown.sessionId}`)).body).toEqual({ ...shown, state: 'closed' });
    expect((await bet('b2')).body.code).toBe('SESSION_EXPIRED');
    expect((await here.provider.call('win', { transactionId: 'w1', playerId: player.id, currency: 'EUR', amount: '2.00', gameId: 'game-1', roundId: 'r1' })).body.status).toBe('applied');
  });

  it('lives no longer than thirty days, in a currency of the player, at an account of the operator', async () => {
    const player = here.player();
    const until = (seconds: number) => new Date(Date.now() + seconds * 1_000).toISOString();
    for (const expiresAt of [until(-1), until(50), until(2_592_060), '2027-13-01T00:00:00Z', 'tomorrow', 60]) {
      here.expectRefused(await start(player.id, { expiresAt, slideSeconds: undefined }), 'REQUEST_INVALID', 400);
    }
    for (const slideSeconds of [0, 119, 86_401, 150.5, '600']) here.expectRefused(await start(player.id, { slideSeconds }), 'REQUEST_INVALID', 400);
    const both = await start(player.id, { expiresAt: until(3_600) });
    expect([both.status, both.body.errors]).toEqual([400, [{ field: 'slideSeconds', message: 'a fixed expiry does not slide' }]]);
    const fixed = until(2_592_000);
    const { body } = await start(player.id, { expiresAt: fixed, slideSeconds: undefined });
    expect([body.expiresAt, body.slideSeconds]).toEqual([fixed, undefined]);
    const { body: usual } = await start(player.id, { slideSeconds: undefined });
    expect([usual.slideSeconds, Math.round((Date.parse(usual.expiresAt) - Date.now()) / 1_000)]).toEqual([1_800, 1_800]);
    here.expectRefused(await start(player.id, { currency: 'JPY' }), 'CURRENCY_MISMATCH', 422);
    const [cashier] = await here.sql<{ id: number }>("select account_id as id from provider_account where operator_id = $1 and dialect = 'none'", [here.operator]);
    for (const accountId of [cashier?.id, here.world.accounts.at(-1)?.accountId, 999_999]) here.expectRefused(await start(player.id, { accountId }), 'NOT_FOUND', 404);
  });

  it('is shown as expired when its time is over', async () => {
    const player = here.player();
    const { body } = await start(player.id);
    await here.sql("update session set expires_at = now() - interval '1 second' where session_id = $1", [body.sessionId]);
    expect((await here.platform.get(`/v1/players/${player.id}/sessions?limit=1`)).body.items[0]).toMatchObject({ sessionId: body.sessionId, state: 'expired' });
  });

  it('of another player is not there', async () => {
    const { body } = await start(here.player().id);
    here.expectRefused(await here.platform.delete(`/v1/players/${here.player().id}/sessions/${body.sessionId}`), 'NOT_FOUND', 404);
    here.expectRefused(await here.platform.delete(`/v1/players/${here.player().id}/sessions/${randomUUID()}`), 'NOT_FOUND', 404);
  });
});
