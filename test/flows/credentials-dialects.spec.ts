import { describe, expect, it } from '@jest/globals';
import { createHmac, createSign, generateKeyPairSync, randomUUID, type KeyObject } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { officeGround } from '../support/office.ts';
import type { Reply } from '../support/provider.ts';

/** Credentials of dialects whose secrets are the provider's own: RSA public keys and shared texts, several live at once, sealed like ours. */
const here = officeGround({ players: { EUR: 4 } });

const rsa = (bits = 2_048) => {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: bits });
  return { key: privateKey, pem: String(publicKey.export({ type: 'spki', format: 'pem' })), privatePem: String(privateKey.export({ type: 'pkcs8', format: 'pem' })) };
};
async function accountOf(dialect: string, more: object = {}): Promise<{ id: number; path: string }> {
  const { body } = await here.platform.post('/v1/provider-accounts', { provider: `${dialect} ${randomUUID()}`, dialect, ...more });
  return { id: body.accountId, path: `/v1/provider-accounts/${body.accountId}` };
}
const send = async (url: string, body: string, headers: Record<string, string>): Promise<any> =>
  (await fetch(new URL(url, here.served.baseUrl), { method: 'POST', body, headers: { 'content-type': 'application/json', ...headers } })).json();

async function until(wanted: string, ask: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  for (;;) {
    const seen = await ask();
    if (seen === wanted) return performance.now() - began;
    if (performance.now() - began > 5_000) throw new Error(`still ${String(seen)}, not ${wanted}`);
    await pause(20);
  }
}

describe('a credential of Hub88', () => {
  const ask = async (accountId: number, key: KeyObject, token: string, header = 'x-hub88-signature') => {
    const body = JSON.stringify({ request_uuid: randomUUID(), user: here.world.players[0]?.id, token });
    return (await send(`/providers/${accountId}/user/balance`, body, { [header]: createSign('RSA-SHA256').update(body).sign(key, 'base64') })).status;
  };
  const tokenAt = async (accountId: number): Promise<string> =>
    (await here.platform.post(`/v1/players/${here.world.players[0]?.id}/sessions`, { accountId, currency: 'EUR' })).body.sessionToken;

  it('is the provider’s public key: two are live during an overlap, one after it, none when it is revoked', async () => {
    const { id, path } = await accountOf('hub88');
    const [one, two] = [rsa(), rsa()];
    const token = await tokenAt(id);
    const info = (key: KeyObject) => ask(id, key, token);
    const made = await here.platform.post(`${path}/credentials`, { secret: one.pem });
    expect([made.status, made.body]).toEqual([201, { apiKey: expect.stringMatching(/^pk_[0-9a-f]{24}$/), retiredUntil: null }]);
    await until('RS_OK', () => info(one.key));
    expect(await info(two.key)).toBe('RS_ERROR_INVALID_SIGNATURE');
    const rotated = await here.platform.post(`${path}/credentials/${made.body.apiKey}/rotate`, { secret: two.pem, overlapHours: 1 });
    expect([rotated.status, rotated.body.secret]).toEqual([201, undefined]);
    await until('RS_OK', () => info(two.key));
    expect(await info(one.key)).toBe('RS_OK');
    await here.sql("update retired_secret set verifies_until = now() where api_key = $1", [made.body.apiKey]);
    expect(await until('RS_ERROR_INVALID_SIGNATURE', () => info(one.key))).toBeLessThan(1_000);
    expect(await info(two.key)).toBe('RS_OK');
    await here.platform.delete(`${path}/credentials/${made.body.apiKey}`);
    expect(await until('not', async () => ((await info(two.key)) === 'RS_OK' ? 'ok' : 'not'))).toBeLessThan(1_000);
  });

  it('is not made here, not weak, and no private key; what was sent is not quoted', async () => {
    const { path } = await accountOf('hub88');
    const [weak, good] = [rsa(1_024), rsa()];
    for (const secret of [undefined, '', 'hush', weak.pem, good.privatePem, good.pem.slice(0, 200), `sealed:${good.pem}`, 'x'.repeat(8_193), 7, null]) {
      const reply: Reply = await here.platform.post(`${path}/credentials`, { secret });
      expect([String(secret).slice(0, 30), reply.status, reply.body.errors?.[0]?.field]).toEqual([String(secret).slice(0, 30), 400, 'secret']);
      if (typeof secret === 'string' && secret !== '') expect(JSON.stringify(reply.body)).not.toContain(JSON.stringify(secret).slice(1, 40));
    }
    expect((await here.platform.get(`${path}/credentials`)).body.items).toEqual([]);
  });

  it('asked for again under the same key is the same command with the same secret, and another with another', async () => {
    const { path } = await accountOf('hub88');
    const [one, two] = [rsa(), rsa()];
    const call = { idempotencyKey: randomUUID() };
    const { body } = await here.platform.post(`${path}/credentials`, { secret: one.pem }, call);
    expect((await here.platform.post(`${path}/credentials`, { secret: one.pem }, call)).body).toEqual(body);
    here.expectRefused(await here.platform.post(`${path}/credentials`, { secret: two.pem }, call), 'TRANSACTION_CONFLICT', 409);
  });

  it('is sealed for its account, and the settings of the account are its dialect’s', async () => {
    const { id, path } = await accountOf('hub88', { settings: { header: 'X-Other-Signature' } });
    const one = rsa();
    const { body: { apiKey } } = await here.platform.post(`${path}/credentials`, { secret: one.pem });
    const [row] = await here.sql<{ secrets: string[] }>('select secrets from credential where api_key = $1', [apiKey]);
    expect(row?.secrets).toEqual([expect.stringMatching(/^sealed:v1:usual:[\w-]+:[\w-]+$/)]);
    const token = await tokenAt(id);
    await until('RS_OK', () => ask(id, one.key, token, 'x-other-signature'));
    expect(await ask(id, one.key, token)).not.toBe('RS_OK');
    const bad = await here.platform.patch(path, { settings: { header: 'a b' } });
    expect([bad.status, bad.body.errors[0].field]).toEqual([400, 'settings.header']);
    here.expectRefused(await here.platform.patch(path, { policy: { winNeeds: 'luck' } }), 'REQUEST_INVALID', 400);
  });
});

describe('a credential of SOFTSWISS', () => {
  const balance = async (accountId: number, secret: string) => {
    const body = JSON.stringify({ user_id: here.world.players[0]?.id, currency: 'EUR', game: 'game-1' });
    const reply = await send(`/providers/${accountId}/play`, body, { 'x-request-sign': createHmac('sha256', secret).update(body).digest('hex') });
    return String(reply.balance ?? reply.code);
  };

  it('is a text of theirs, or is made here and shown once', async () => {
    const { id, path } = await accountOf('softswiss');
    const given = 'an-auth-token-of-theirs';
    expect((await here.platform.post(`${path}/credentials`, { secret: given })).body.secret).toBeUndefined();
    const { body: made } = await here.platform.post(`${path}/credentials`);
    expect(made.secret).toMatch(/^[\w-]{32}$/);
    await until('10000', () => balance(id, made.secret));
    expect([await balance(id, given), await balance(id, 'another-auth-token')]).toEqual(['10000', expect.not.stringMatching('10000')]);
    const dump = JSON.stringify(await here.sql('select to_jsonb(c), to_jsonb(o) from credential c, office_command o'));
    expect([given, made.secret].filter((secret) => dump.includes(secret))).toEqual([]);
    for (const secret of ['short', 'with a blank in it', 'with\nlines-of-text']) {
      const reply = await here.platform.post(`${path}/credentials`, { secret });
      expect([reply.status, reply.body.errors]).toEqual([400, [{ field: 'secret', message: 'an auth token must be 12 to 256 characters without blanks' }]]);
    }
  });
});

it('a native secret is made here and by nobody else', async () => {
  const reply = await here.platform.post(`/v1/provider-accounts/${here.account.accountId}/credentials`, { secret: here.account.secret });
  expect([reply.status, reply.body.errors]).toEqual([400, [{ field: 'secret', message: 'the secrets of this dialect are made here' }]]);
  const rotated = await here.platform.post(`/v1/provider-accounts/${here.account.accountId}/credentials/${here.account.apiKey}/rotate`, { secret: here.account.secret });
  expect([rotated.status, rotated.body.errors[0].field]).toEqual([400, 'secret']);
});
