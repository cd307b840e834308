import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { type PERMISSIONS, ROLES } from '../../src/access/contract.ts';
import { officeGround, Platform, plantKey, rolesOn } from '../support/office.ts';
import type { Reply } from '../support/provider.ts';
import { serveHere, type InProcess } from '../support/server.ts';

/** Who may call, with which key, for how long. Two processes serve one database. */
const here = officeGround({ players: { EUR: 2 } });
let other: InProcess;

beforeAll(async () => {
  other = await serveHere(here.database, rolesOn(here.database, 'office'));
});
afterAll(() => other?.close());

const withKey = (key: string, baseUrl = here.served.baseUrl) => new Platform(baseUrl, key);
const status = async (key: string, baseUrl?: string) => (await withKey(key, baseUrl).get('/v1/operator')).status;
/** Calls both processes until they say so; answers after how many milliseconds. */
async function until(wanted: number, key: string): Promise<number> {
  const began = performance.now();
  for (;;) {
    const seen = await Promise.all([status(key), status(key, other.baseUrl)]);
    if (seen.every((one) => one === wanted)) return performance.now() - began;
    if (performance.now() - began > 5_000) throw new Error(`still ${seen.join()} after 5 s`);
    await pause(20);
  }
}

describe('a key', () => {
  it('is shown once, kept as a hash, and lets in to its own operator', async () => {
    const made = await here.platform.post('/v1/api-keys', { name: 'till 4', roles: ['cashier'], permissions: ['operators.read'] });
    const { key, ...shown } = made.body;
    expect([made.status, key]).toEqual([201, expect.stringMatching(/^ck_[\w-]{86}$/)]);
    expect(Math.round((Date.parse(shown.expiresAt) - Date.now()) / 86_400_000)).toBe(90);
    const [row] = await here.sql<{ row: string }>("select api_key::text || encode(secret_hash, 'base64') as row from api_key where api_key_id = $1", [shown.apiKeyId]);
    expect(row?.row).not.toContain(key.slice(60));
    const list = await here.platform.get('/v1/api-keys');
    expect(list.body.items).toContainEqual(shown);
    expect(JSON.stringify(list.body)).not.toContain(key.slice(3, 40));
    expect((await withKey(key).get('/v1/operator')).body).toMatchObject({ operatorId: here.operator, name: 'first' });
    expect((await here.stranger.get('/v1/operator')).body).toMatchObject({ operatorId: here.world.operators[1], name: 'second' });
  });

  it('again asked for under the same Idempotency-Key is answered without the key', async () => {
    const call = { idempotencyKey: randomUUID() };
    const first = await here.platform.post('/v1/api-keys', { name: 'once', roles: ['auditor'] }, call);
    const again = await here.platform.post('/v1/api-keys', { roles: ['auditor'], name: 'once' }, call);
    const { key: _, ...shown } = first.body;
    expect(again).toMatchObject({ status: 201, headers: { 'idempotent-replayed': 'true' } });
    expect(again.body).toEqual(shown);
    const kept = await here.sql<{ answer: string }>('select answer::text as answer from office_command');
    expect(kept.map(({ answer }) => answer).join()).not.toMatch(/ck_|whsec_|sessionToken|"key"/);
    here.expectRefused(await here.platform.post('/v1/api-keys', { name: 'other', roles: ['auditor'] }, call), 'TRANSACTION_CONFLICT', 409);
  });

  it('may do what its roles and permissions say, and is told which it lacks', async () => {
    const cashier = await here.platformOf({ roles: ['cashier'] });
    expect((await cashier.get('/v1/players')).status).toBe(200);
    const refused = await cashier.get('/v1/operator');
    here.expectRefused(refused, 'FORBIDDEN', 403);
    expect(refused.body.detail).toBe('needs the permission operators.read');
    expect(await here.platformOf({ roles: ['of the past'], permissions: ['gone.read'] }).then((one) => one.get('/v1/players'))).toMatchObject({ status: 403 });
  });

  it('gives no more than it may do itself, by making or by rotating', async () => {
    const small = await here.platformOf({ roles: [], permissions: ['keys.manage', 'players.read'] });
    for (const rights of [{ roles: ['administrator'] }, { roles: ['cashier'] }, { permissions: ['money.deposit'] }]) {
      here.expectRefused(await small.post('/v1/api-keys', { name: 'more', ...rights }), 'FORBIDDEN', 403);
    }
    expect((await small.post('/v1/api-keys', { name: 'as much', permissions: ['players.read', 'keys.manage'] })).status).toBe(201);
    const { body: admin } = await here.platform.post('/v1/api-keys', { name: 'great', roles: ['administrator'] });
    here.expectRefused(await small.post(`/v1/api-keys/${admin.apiKeyId}/rotate`), 'FORBIDDEN', 403);
    here.expectRefused(await here.platform.post('/v1/api-keys', { name: 'nothing', roles: [], permissions: [] }), 'REQUEST_INVALID', 400);
    here.expectRefused(await here.platform.post('/v1/api-keys', { name: 'unknown', roles: ['king'] }), 'REQUEST_INVALID', 400);
  });

  it('lives 400 days at most', async () => {
    for (const expiresInDays of [0, -1, 401, 1e9, 1.5, '90']) {
      here.expectRefused(await here.platform.post('/v1/api-keys', { name: 'long', roles: ['auditor'], expiresInDays }), 'REQUEST_INVALID', 400);
    }
    const { body } = await here.platform.post('/v1/api-keys', { name: 'long', roles: ['auditor'], expiresInDays: 400 });
    expect(Math.round((Date.parse(body.expiresAt) - Date.now()) / 86_400_000)).toBe(400);
  });

  it('that is revoked stops within a second in both processes, and stays so', async () => {
    const { body } = await here.platform.post('/v1/api-keys', { name: 'lost', roles: ['auditor'] });
    await until(200, body.key);
    const revoked = await here.platform.delete(`/v1/api-keys/${body.apiKeyId}`);
    expect(revoked.body.revokedAt).not.toBeNull();
    expect(await until(401, body.key)).toBeLessThan(1_000);
    expect((await here.platform.delete(`/v1/api-keys/${body.apiKeyId}`)).body).toEqual(revoked.body);
    here.expectRefused(await here.platform.post(`/v1/api-keys/${body.apiKeyId}/rotate`), 'NOT_FOUND', 404);
  });

  it('that runs out stops when its time has come, also while it is remembered', async () => {
    const key = await plantKey(here.database, here.operator, { expires: '700 milliseconds' });
    expect(await status(key)).toBe(200);
    expect(await until(401, key)).toBeLessThan(1_000);
  });

  it('that is rotated goes on for its overlap beside the new one, with the same rights', async () => {
    const { body: old } = await here.platform.post('/v1/api-keys', { name: 'till 5', roles: ['cashier'], permissions: ['operators.read'] });
    const { body: fresh } = await here.platform.post(`/v1/api-keys/${old.apiKeyId}/rotate`, { overlapHours: 2 });
    expect(fresh).toMatchObject({ name: 'till 5', roles: ['cashier'], permissions: ['operators.read'] });
    expect(await Promise.all([status(old.key), status(fresh.key)])).toEqual([200, 200]);
    const kept = (await here.platform.get('/v1/api-keys?limit=100')).body.items.find((one: { apiKeyId: string }) => one.apiKeyId === old.apiKeyId);
    expect(Math.round((Date.parse(kept.expiresAt) - Date.now()) / 3_600_000)).toBe(2);
    const { body: next } = await here.platform.post(`/v1/api-keys/${fresh.apiKeyId}/rotate`, { overlapHours: 0 });
    await until(401, fresh.key);
    expect(await status(next.key)).toBe(200);
  });
});

describe('a text that is no key', () => {
  const alike = ({ status: code, body, headers }: Reply) => ({ code, body, names: Object.keys(headers).toSorted(), authenticate: headers['www-authenticate'] });

  it('is turned away alike, whatever is wrong with it', async () => {
    const live = here.platform.key;
    const bytes = Buffer.from(live.slice(3), 'base64url');
    const forged = (at: number) => {
      const copy = Buffer.from(bytes);
      copy[at] = (copy[at] as number) ^ 1;
      return `ck_${copy.toString('base64url')}`;
    };
    const expired = await plantKey(here.database, here.operator, { expires: '-1 second' });
    const revoked = await plantKey(here.database, here.operator, { id: '01890000-0000-7000-8000-00000000dead' });
    await here.sql("update api_key set revoked_at = now() where api_key_id = '01890000-0000-7000-8000-00000000dead'");
    const texts = [
      'nonsense', 'ck_', `ck_${'A'.repeat(86)}`, `ck_${randomBytes(64).toString('base64url')}`, forged(0), forged(20), forged(40), forged(63), expired, revoked,
      live.slice(0, -1), `${live}A`, live.toUpperCase(), `${live.slice(0, -1)}${live.endsWith('A') ? 'B' : 'A'}`, 'ck_é', "' or 1=1 --", 'x'.repeat(5_000),
    ];
    const call = (headers: Record<string, string>) => withKey('').get('/v1/operator', { headers: { 'x-request-id': 'the-same', ...headers } });
    const none = await call({});
    here.expectRefused(none, 'KEY_UNKNOWN', 401);
    for (const text of texts) expect([text, alike(await call({ authorization: `Bearer ${encodeURI(text)}` }))]).toEqual([text, alike(none)]);
    for (const authorization of [live, `Basic ${live}`, `Bearer  ${live} x`, 'Bearer', `Bearer ${live},${live}`]) {
      expect([authorization, alike(await call({ authorization }))]).toEqual([authorization, alike(none)]);
    }
    expect((await call({ authorization: `bearer ${live}` })).status).toBe(200);
  });
});

describe('every role', () => {
  it('lets in to what its permissions name, and to nothing else', async () => {
    const asked: readonly [string, keyof typeof PERMISSIONS][] = [
      ['/v1/operator', 'operators.read'], ['/v1/api-keys', 'keys.read'], ['/v1/players', 'players.read'], ['/v1/provider-accounts', 'accounts.read'],
      [`/v1/players/${here.world.players[0]?.id}/wallets`, 'wallets.read'], [`/v1/players/${here.world.players[0]?.id}/sessions`, 'sessions.read'],
      [`/v1/provider-accounts/${here.account.accountId}/credentials`, 'credentials.read'],
    ];
    for (const [role, permissions] of Object.entries(ROLES)) {
      const platform = await here.platformOf({ roles: [role] });
      for (const [path, permission] of asked) {
        const may = (permissions as readonly string[]).includes(permission);
        expect([role, path, (await platform.get(path)).status]).toEqual([role, path, may ? 200 : 403]);
      }
    }
  });
});
