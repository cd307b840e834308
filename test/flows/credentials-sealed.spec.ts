import { afterAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { SecretBox } from '../../libs/crypto/index.ts';
import { keyFile, masterKey, officeGround, Platform, plantKey, rolesOn } from '../support/office.ts';
import { Provider, type Reply } from '../support/provider.ts';
import { serveHere, serveProcess, type InProcess } from '../support/server.ts';

/** Providers' secrets at rest: what a dump of the tables holds, what opens, and what becomes of an account whose secrets do not. */
const KEYS = keyFile(masterKey('2026-11'));
const here = officeGround({ players: { EUR: 8 }, policies: [{ deadlineMs: 5_000 }, { deadlineMs: 5_000 }] }, { SECRETS_KEY_FILE: KEYS });
const opened: Provider[] = [];
afterAll(() => opened.forEach((provider) => provider.close()));

const path = (account = 0) => `/v1/provider-accounts/${here.world.accounts[account]?.accountId}/credentials`;
const by = (credentials: { apiKey: string; secret: string }, baseUrl = here.served.baseUrl): Provider => {
  const provider = new Provider(baseUrl, credentials);
  opened.push(provider);
  return provider;
};
const balance = async (provider: Provider, player = here.world.players[0]) => {
  const { body } = await provider.call('balance', { playerId: player?.id, currency: 'EUR' });
  return body.code ?? body.balance;
};
async function until(wanted: string, ask: () => Promise<string>): Promise<number> {
  const began = performance.now();
  for (;;) {
    const seen = await ask();
    if (seen === wanted) return performance.now() - began;
    if (performance.now() - began > 8_000) throw new Error(`still ${seen}, not ${wanted}`);
    await pause(20);
  }
}
const metric = async (name: string, { baseUrl }: { baseUrl: string } = here.served) =>
  Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(await (await fetch(`${baseUrl}/metrics`)).text())?.[1]);
/** All that the database holds of secrets, as somebody would read it out of a backup. */
const dump = async () => JSON.stringify([
  await here.sql('select to_jsonb(c) from credential c'), await here.sql('select to_jsonb(r) from retired_secret r'),
  await here.sql('select to_jsonb(o) from office_command o'), await here.sql('select to_jsonb(a) from provider_account a'),
]);
const storedOf = async (apiKey: string) => (await here.sql<{ secrets: string[] }>('select secrets from credential where api_key = $1', [apiKey]))[0]?.secrets[0] as string;

describe('a secret', () => {
  it('stands sealed in every table, while a planted plain one is found in the same dump', async () => {
    const { body: one } = await here.platform.post(path());
    const { body: two } = await here.platform.post(`${path()}/${one.apiKey}/rotate`, { overlapHours: 1 });
    const { body: gone } = await here.platform.post(`${path()}/${one.apiKey}/rotate`, { overlapHours: 0 });
    const text = await dump();
    for (const { secret } of [one, two, gone]) {
      expect(secret).toMatch(/^whsec_.{44}$/);
      for (const form of [secret, secret.slice(6), Buffer.from(secret.slice(6), 'base64').toString('hex'), Buffer.from(secret).toString('base64'), Buffer.from(secret).toString('hex')]) {
        expect(text.includes(form)).toBe(false);
      }
    }
    expect(text.includes(here.account.secret)).toBe(true);
    expect([await storedOf(one.apiKey), await storedOf(here.account.apiKey)]).toEqual([expect.stringMatching(/^sealed:v1:2026-11:[\w-]{80}:[\w-]+$/), here.account.secret]);
    expect((await here.sql('select 1 from retired_secret where secret like $1', ['sealed:v1:2026-11:%'])).length).toBe(1);
  });

  it('signs in every process that has the master key, beside those that were never sealed; both are counted', async () => {
    const { body: made } = await here.platform.post(path());
    const wallet = await serveHere(here.database, { ...rolesOn(here.database, 'wallet'), SECRETS_KEY_FILE: KEYS });
    await until('100.00', () => balance(by(made)));
    expect([await balance(by(made, wallet.baseUrl)), await balance(by(here.account, wallet.baseUrl))]).toEqual(['100.00', '100.00']);
    expect([await metric('croupier_secrets_unsealed', wallet), await metric('croupier_secrets_unreadable', wallet)]).toEqual([here.world.accounts.length, 0]);
    await wallet.close();
  });

  it('that is revoked stops within a second', async () => {
    const { body: made } = await here.platform.post(path());
    const provider = by(made);
    await until('100.00', () => balance(provider));
    expect((await here.platform.delete(`${path()}/${made.apiKey}`)).status).toBe(200);
    expect(await until('KEY_UNKNOWN', () => balance(provider))).toBeLessThan(1_000);
  });
});

describe('a sealed text', () => {
  it('that was moved to another account does not open, and stops nobody else', async () => {
    const { body: mine } = await here.platform.post(path());
    const { body: theirs } = await here.platform.post(path(1));
    await until('100.00', () => balance(by(theirs)));
    await here.sql('update credential set secrets = array[$1] where api_key = $2', [await storedOf(mine.apiKey), theirs.apiKey]);
    // Whoever moved it knows the secret that it holds.
    const thief = by({ apiKey: theirs.apiKey, secret: mine.secret });
    await until('UNAVAILABLE', () => balance(thief));
    expect([await balance(by(mine)), await balance(by(here.account)), await metric('croupier_secrets_unreadable')]).toEqual(['100.00', '100.00', 1]);
    await here.platform.delete(`${path(1)}/${theirs.apiKey}`);
    await until('KEY_UNKNOWN', () => balance(thief));
  });

  it.each([
    ['cut', (text: string) => text.slice(0, -8)], ['of another version', (text: string) => text.replace('v1', 'v2')], ['under a master key that there is not', (text: string) => text.replace('2026-11', '1999-01')],
    ['with a byte changed', (text: string) => text.replace(/.{12}$/, (end) => Buffer.from(Buffer.from(end, 'base64url').map((byte) => byte ^ 1)).toString('base64url'))],
    ['that is a secret behind the word', () => `sealed:whsec_${Buffer.alloc(32).toString('base64')}`], ['that is the word alone', () => 'sealed:'],
  ])('that is forged (%s) makes its key unusable, and is no secret itself', async (_, forge) => {
    const { body: made } = await here.platform.post(path());
    const provider = by(made);
    await until('100.00', () => balance(provider));
    const forged = forge(await storedOf(made.apiKey));
    await here.sql('update credential set secrets = array[$1] where api_key = $2', [forged, made.apiKey]);
    await until('UNAVAILABLE', () => balance(provider));
    const { body } = await provider.call('balance', { playerId: here.world.players[0]?.id, currency: 'EUR' });
    expect(JSON.stringify(body)).not.toContain(forged.slice(0, 20));
    expect([await balance(by(here.account)), await balance(by({ apiKey: made.apiKey, secret: `whsec_${Buffer.alloc(32).toString('base64')}` }))]).toEqual(['100.00', 'UNAVAILABLE']);
    await here.platform.delete(`${path()}/${made.apiKey}`);
  });
});

describe('a server', () => {
  const serve = (env: Record<string, string | undefined>) => serveHere(here.database, { ...rolesOn(here.database), ...env } as Record<string, string>);
  const platformOf = async ({ baseUrl }: InProcess) => new Platform(baseUrl, await plantKey(here.database, here.operator));

  it('without a master key serves what is not sealed, and makes no secret: a sentence names the setting', async () => {
    const { body: sealed } = await here.platform.post(path());
    const keyless = await serve({ SECRETS_KEY_FILE: undefined });
    const platform = await platformOf(keyless);
    expect([await balance(by(here.account, keyless.baseUrl)), await balance(by(sealed, keyless.baseUrl))]).toEqual(['100.00', 'UNAVAILABLE']);
    const before = await here.sql('select 1 from credential');
    for (const asked of [`${path()}`, `${path()}/${sealed.apiKey}/rotate`]) {
      const call = { idempotencyKey: randomUUID() };
      const reply = await platform.post(asked, {}, call);
      expect([reply.status, reply.body.code, reply.body.detail]).toEqual([503, 'SEALING_UNAVAILABLE', 'no secret can be kept: SECRETS_KEY_FILE is not set']);
      // It did nothing, so the same call can be done where there is a key.
      if (asked === path()) expect((await here.platform.post(asked, {}, call)).status).toBe(201);
    }
    expect((await here.sql('select 1 from credential')).length).toBe(before.length + 1);
    expect((await platform.delete(`${path()}/${sealed.apiKey}`)).status).toBe(200);
    await keyless.close();
  });

  it('with another master key of the same name opens nothing sealed; with the right line added it does, without a restart', async () => {
    const { body: sealed } = await here.platform.post(path());
    const file = keyFile(masterKey('another'));
    const wrong = await serve({ SECRETS_KEY_FILE: keyFile(masterKey('2026-11')) });
    const waiting = await serve({ SECRETS_KEY_FILE: file });
    expect([await balance(by(sealed, wrong.baseUrl)), await balance(by(here.account, wrong.baseUrl))]).toEqual(['UNAVAILABLE', '100.00']);
    expect(await balance(by(sealed, waiting.baseUrl))).toBe('UNAVAILABLE');
    writeFileSync(file, `${readFileSync(file, 'utf8')}${readFileSync(KEYS, 'utf8')}`);
    expect(await until('100.00', () => balance(by(sealed, waiting.baseUrl)))).toBeLessThan(8_000);
    await Promise.all([wrong.close(), waiting.close()]);
  });

  it.each([['/no/such/file', 'the file cannot be read: ENOENT'], [keyFile('2026-11:aHVzaA=='), 'line 1 is not id:base64 of 32 bytes'], [keyFile(), 'there is no key in it']])(
    'does not start with the file %s, and quotes none of it', async (file, sentence) => {
      const process = await serveProcess(here.database.url('croupier_money'), { ...rolesOn(here.database), SECRETS_KEY_FILE: file }, { untilReady: false });
      expect([await process.exited, process.output()]).toEqual([1, `Croupier cannot start: setting SECRETS_KEY_FILE: ${sentence}\n`]);
    });
});

it('a secret or a master key stands in no line of the log, whatever happens to it', async () => {
  const master = masterKey('logged');
  const file = keyFile(master);
  const process = await serveProcess(here.database.url('croupier_money'), { ...rolesOn(here.database), SECRETS_KEY_FILE: file, LOG_LEVEL: 'trace' });
  const secrets: string[] = [];
  try {
    const platform = new Platform(process.baseUrl, await plantKey(here.database, here.operator));
    const made: Reply[] = [await platform.post(path())];
    made.push(await platform.post(`${path()}/${made[0]?.body.apiKey}/rotate`, { overlapHours: 1 }), await platform.post(path()), await platform.post(path()));
    secrets.push(...made.map(({ body }) => body.secret as string));
    const [, , moved, forged] = made.map(({ body }) => body.apiKey as string);
    const provider = by(made[1]?.body, process.baseUrl);
    await until('100.00', () => balance(provider));
    const own = 'an auth token of theirs, in plain words';
    secrets.push(own);
    await platform.post(path(), { secret: own });
    await platform.post(path(), { secret: `sealed:${own}` });
    // As somebody with the database in his hands would: one that opens for nobody, one that holds no key.
    const box = new SecretBox({ wrap: (dataKey) => Promise.resolve({ masterId: 'x', wrapped: dataKey }), unwrap: (_, wrapped) => Promise.resolve(wrapped) }, 'provider secret');
    await here.sql('update credential set secrets = array[$1] where api_key = $2', [await box.seal(own, { operatorId: here.operator, accountId: 1 }), moved]);
    await here.sql('update credential set secrets = array[$1] where api_key = $2', [own, forged]);
    for (const apiKey of [moved, forged]) await until('UNAVAILABLE', () => balance(by({ apiKey: apiKey as string, secret: made[0]?.body.secret }, process.baseUrl)));
    await provider.call('balance', { playerId: here.world.players[0]?.id, currency: 'EUR' }, { tampered: '{}' });
    for (const apiKey of [moved, forged]) await platform.delete(`${path()}/${apiKey}`);
  } finally {
    process.kill('SIGTERM');
    await process.exited;
  }
  const log = process.output();
  expect(log).toMatch(/provider account \d+ cannot be used/);
  const needles = [...secrets, ...secrets.map((secret) => secret.replace('whsec_', '')), master.split(':')[1] as string, 'sealed:v1:'];
  expect(needles.filter((needle) => log.includes(needle))).toEqual([]);
  expect(log.includes('listening on')).toBe(true);
});
