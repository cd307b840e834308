import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { MasterKeys } from '../../libs/crypto/index.ts';
import { connect } from '../../libs/postgres/index.ts';
import { sealAll } from '../../src/providers/secrets/rotate.ts';
import { masterKeysOf } from '../../src/providers/secrets/seal.ts';
import { keyFile, masterKey, officeGround, rolesOn } from '../support/office.ts';
import { Provider } from '../support/provider.ts';
import { serveHere } from '../support/server.ts';

/** `cli secrets`: what was never sealed is sealed, and all of it goes over to a new master key, while providers call. */
const KEYS = keyFile(masterKey('old'));
const here = officeGround({ players: { EUR: 6 }, policies: [{ deadlineMs: 5_000 }, { deadlineMs: 5_000 }] }, { SECRETS_KEY_FILE: KEYS });
const providers: Provider[] = [];
afterAll(() => providers.forEach((provider) => provider.close()));

interface Ended { readonly code: number; readonly out: string; readonly err: string }
function cli(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ended> {
  const file = join(process.env['TEST_DIST'] ?? join(import.meta.dirname, '../../dist'), 'src/cli.js');
  const settings = { PATH: process.env['PATH'] ?? '', DATABASE_OWNER_URL: here.database.url('croupier_owner'), SECRETS_KEY_FILE: KEYS, ...env };
  return new Promise((resolve) => {
    execFile(process.execPath, [file, 'secrets', ...args], { env: settings }, (error, out, err) => resolve({ code: error ? Number(error.code) : 0, out, err }));
  });
}
const path = () => `/v1/provider-accounts/${here.account.accountId}/credentials`;
const stored = async () => (await here.sql<{ secret: string }>(`select unnest(secrets) as secret from credential union all select secret from retired_secret`)).map(({ secret }) => secret);
const by = (credentials: { apiKey: string; secret: string }, baseUrl = here.served.baseUrl) => {
  const provider = new Provider(baseUrl, credentials);
  providers.push(provider);
  return provider;
};

/** Two credentials made here, one of them with a secret that is retired and still verifies; three in the world that were never sealed. */
let mine: { apiKey: string; secret: string }[];
beforeAll(async () => {
  const { body: one } = await here.platform.post(path());
  const { body: two } = await here.platform.post(path());
  const { body: next } = await here.platform.post(`${path()}/${two.apiKey}/rotate`, { overlapHours: 24 });
  mine = [one, two, next];
  await here.sql("insert into retired_secret (api_key, operator_id, secret, verifies_until) values ($1, $2, 'whsec_long_gone', now() - interval '1 day')", [one.apiKey, here.operator]);
});

describe('cli secrets', () => {
  it('says how many are sealed, by which master key, and how many are not', async () => {
    expect(await cli(['status'])).toEqual({ code: 0, out: '3 secrets sealed by master key old\n4 secrets not sealed\n', err: '' });
  });

  it('takes all of them over to a new master key, in batches beside traffic, and no call is refused; then the old key can go', async () => {
    await here.sql(`insert into credential (api_key, account_id, operator_id, secrets)
      select 'many_' || n, $1, $2, array['whsec_' || encode(sha256(n::text::bytea), 'base64')] from generate_series(1, 250) n`, [here.account.accountId, here.operator]);
    const wallet = await serveHere(here.database, { ...rolesOn(here.database, 'wallet'), SECRETS_KEY_FILE: KEYS });
    const all = [...mine, here.account, here.world.accounts[1] as never].flatMap((credentials) => [by(credentials), by(credentials, wallet.baseUrl)]);
    const player = here.player();
    let going = true;
    const said = new Map<string, number>();
    const traffic = Promise.all(all.map(async (provider) => {
      while (going) {
        const { body } = await provider.call('balance', { playerId: player.id, currency: 'EUR' });
        const what = body.code ?? body.balance;
        said.set(what, (said.get(what) ?? 0) + 1);
      }
    }));
    writeFileSync(KEYS, `${masterKey('new')}\n${readFileSync(KEYS, 'utf8')}`);
    const first = await cli(['seal']);
    expect([first.code, first.out]).toEqual([0, '256 secrets sealed anew, 0 left as they were\nnothing is sealed by master key old any more: it can be taken out\n256 secrets sealed by master key new\n0 secrets not sealed\n']);
    expect(first.err).toBe('      … 100 done\n      … 200 done\n      … 255 done\n      … 256 done\n');
    // Both processes have read the new texts by now, and the old key goes while they are called.
    writeFileSync(KEYS, readFileSync(KEYS, 'utf8').split('\n')[0] as string);
    const { body: made } = await here.platform.post(path());
    const second = await cli(['seal']);
    expect([second.code, second.out]).toEqual([0, '0 secrets sealed anew, 257 left as they were\n257 secrets sealed by master key new\n0 secrets not sealed\n']);
    const calls = (said.get('100.00') ?? 0) + 200;
    while ((said.get('100.00') ?? 0) < calls && said.size === 1) await new Promise((resolve) => setImmediate(resolve));
    going = false;
    await traffic;
    expect([...said.keys()]).toEqual(['100.00']);
    expect((await stored()).filter((text) => !text.startsWith('sealed:v1:new:'))).toEqual([]);

    const restarted = await serveHere(here.database, { ...rolesOn(here.database, 'wallet'), SECRETS_KEY_FILE: KEYS });
    for (const credentials of [...mine, made, here.account]) {
      expect((await by(credentials, restarted.baseUrl).call('balance', { playerId: player.id, currency: 'EUR' })).body.balance).toBe('100.00');
    }
    await Promise.all([wallet.close(), restarted.close()]);
  }, 60_000);

  it('names what it cannot read, quotes none of it, and ends with 1; the rest is done', async () => {
    const apiKey = mine[0]?.apiKey as string;
    const [whole] = await here.sql<{ secrets: string[] }>('select secrets from credential where api_key = $1', [apiKey]);
    await here.sql("update credential set secrets = array[replace($1, 'v1:new', 'v1:lost')] where api_key = $2", [whole?.secrets[0], apiKey]);
    await here.sql("update credential set secrets = '{whsec_of_before}' where api_key = 'many_7'");
    const { code, out } = await cli(['seal']);
    const line = `UNREADABLE credential ${apiKey} of provider account ${here.account.accountId}: there is no master key lost`;
    expect([code, out]).toEqual([1, `1 secret sealed anew, 255 left as they were\n1 secret sealed by master key lost\n256 secrets sealed by master key new\n0 secrets not sealed\n${line}\n`]);
    expect((await cli(['status'])).out.split('\n')).toContain(line);
    await here.sql('update credential set secrets = $1 where api_key = $2', [whole?.secrets, apiKey]);
    expect((await cli(['status'])).code).toBe(0);
  });

  it('leaves what was changed meanwhile to the next time', async () => {
    const keys = await masterKeysOf(KEYS) as MasterKeys;
    const client = await connect(here.database.url('croupier_owner'), { name: 'test' });
    await here.sql("update credential set secrets = '{whsec_before}' where api_key = 'many_9'");
    // Between its reading and its writing the office gives it another secret.
    const racing: MasterKeys = {
      ...keys,
      wrap: async (dataKey) => {
        if (!dataKey.equals(Buffer.alloc(32))) await here.sql("update credential set secrets = '{whsec_of_the_office}' where api_key = 'many_9'");
        return keys.wrap(dataKey);
      },
    };
    expect((await sealAll(client, racing, () => undefined)).done).toBe(0);
    expect(await here.sql("select secrets from credential where api_key = 'many_9'")).toEqual([{ secrets: ['whsec_of_the_office'] }]);
    expect((await sealAll(client, keys, () => undefined)).done).toBe(1);
    await client.end();
  });

  it('says what it needs, and shows no key and no password', async () => {
    expect(await cli(['status'], { DATABASE_OWNER_URL: '' })).toEqual({ code: 2, out: '', err: 'secrets status needs DATABASE_OWNER_URL: the database, as croupier_owner\n' });
    expect(await cli(['seal'], { SECRETS_KEY_FILE: '/no/such/file' })).toMatchObject({ code: 2, err: 'could not be done: setting SECRETS_KEY_FILE: the file cannot be read: ENOENT\n' });
    expect(await cli(['seal'], { DATABASE_OWNER_URL: 'postgres://someone:hush@127.0.0.1:1/none' })).toEqual({ code: 2, out: '', err: 'could not be done: connect ECONNREFUSED 127.0.0.1:1\n' });
    for (const args of [[], ['unseal'], ['seal', 'again']]) expect([args, (await cli(args)).code]).toEqual([args, 2]);
  });
});
