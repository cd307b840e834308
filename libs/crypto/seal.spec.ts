import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileMasterKeys, isSealed, masterIdOf, openSealed, rewrap, seal, SealBroken, SecretBox, type MasterKeys } from './index.ts';

const OWNER = { operatorId: '01890000-0000-7000-8000-000000000001', accountId: 7, purpose: 'provider secret' };
const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';

const dir = mkdtempSync(join(tmpdir(), 'croupier-seal-'));
let files = 0;
const line = (id: string, key = randomBytes(32)) => `${id}:${key.toString('base64')}`;
function fileOf(...lines: string[]): string {
  const file = join(dir, `keys-${++files}`);
  writeFileSync(file, lines.join('\n'));
  return file;
}

let keys: MasterKeys;
beforeAll(async () => { keys = await fileMasterKeys(fileOf('# newest first', '', line('2026-11'), line('2025-04'))); });
afterAll(() => rmSync(dir, { recursive: true }));

describe('a sealed secret', () => {
  it('says by which master key, holds nothing of the secret, and is another text each time', async () => {
    const [one, other] = [await seal(keys, SECRET, OWNER), await seal(keys, SECRET, OWNER)];
    expect(one).toMatch(/^sealed:v1:2026-11:[\w-]{80}:[\w-]+$/);
    expect([isSealed(one), masterIdOf(one), one === other]).toEqual([true, '2026-11', false]);
    expect(Buffer.from(one.split(':')[4] as string, 'base64url').includes(Buffer.from(SECRET))).toBe(false);
    expect([await openSealed(keys, one, OWNER), await openSealed(keys, other, OWNER)]).toEqual([SECRET, SECRET]);
  });

  it.each(['', 'é🎰', '-----BEGIN PUBLIC KEY-----\nMFww\n-----END PUBLIC KEY-----\n', 'x'.repeat(8_192)])('is what was sealed, to the byte: %#', async (secret) => {
    expect(await openSealed(keys, await seal(keys, secret, OWNER), OWNER)).toBe(secret);
  });

  it('opens for nobody else: not another operator, account or purpose', async () => {
    const sealed = await seal(keys, SECRET, OWNER);
    for (const other of [{ operatorId: '01890000-0000-7000-8000-000000000002' }, { accountId: 70 }, { purpose: 'provider secret ' }]) {
      await expect(openSealed(keys, sealed, { ...OWNER, ...other })).rejects.toThrow(SealBroken);
    }
  });

  it('does not open with any one of its bytes changed, cut or added to', async () => {
    const sealed = await seal(keys, SECRET, OWNER);
    const [, , , wrapped = '', content = ''] = sealed.split(':');
    const forged: string[] = [];
    for (const [part, put] of [[wrapped, (text: string) => sealed.replace(wrapped, text)], [content, (text: string) => sealed.replace(content, text)]] as const) {
      const bytes = Buffer.from(part, 'base64url');
      for (let i = 0; i < bytes.length; i++) forged.push(put(Buffer.from(bytes.map((byte, at) => (at === i ? byte ^ 1 : byte))).toString('base64url')));
      forged.push(put(bytes.subarray(1).toString('base64url')), put(bytes.subarray(0, -1).toString('base64url')), put(Buffer.concat([bytes, Buffer.of(0)]).toString('base64url')));
    }
    expect(forged.length).toBe(60 + 3 + (12 + 38 + 16) + 3);
    for (const text of forged) await expect(openSealed(keys, text, OWNER)).rejects.toThrow(SealBroken);
  });

  it.each(['sealed:', 'sealed:v2:2026-11:AAAA:AAAA', `sealed:v1:a b:AAAA:${'A'.repeat(40)}`, `sealed:v1::AAAA:${'A'.repeat(40)}`, `sealed:v1:2026-11:AA=A:${'A'.repeat(40)}`, 'sealed:whsec_x'])(
    'that is none (%s) is never taken for a secret', async (text) => {
      await expect(openSealed(keys, text, OWNER)).rejects.toThrow(new SealBroken('a sealed text of another form or version'));
    });

  it('that was never sealed comes back as it is, with and without keys', async () => {
    expect([await openSealed(keys, SECRET, OWNER), await openSealed(undefined, SECRET, OWNER)]).toEqual([SECRET, SECRET]);
    await expect(openSealed(undefined, await seal(keys, SECRET, OWNER), OWNER)).rejects.toThrow('sealed by master key 2026-11, and no master keys are configured');
  });
});

describe('master keys in a file', () => {
  it('rotate: all is wrapped anew, its content stays, and the old line can go', async () => {
    const [old, next] = [line('old'), line('new')];
    const file = fileOf(old);
    const before = await seal(await fileMasterKeys(file), SECRET, OWNER);
    writeFileSync(file, [next, old].join('\n'));
    const both = await fileMasterKeys(file);
    const after = await rewrap(both, before, OWNER);
    expect([masterIdOf(before), masterIdOf(after), after.split(':')[4] === before.split(':')[4]]).toEqual(['old', 'new', true]);
    writeFileSync(file, next);
    const alone = await fileMasterKeys(file);
    expect(await openSealed(alone, after, OWNER)).toBe(SECRET);
    await expect(openSealed(alone, before, OWNER)).rejects.toThrow(/^there is no master key old$/);
  });

  it('does not rewrap what is not its owner’s', async () => {
    await expect(rewrap(keys, await seal(keys, SECRET, OWNER), { ...OWNER, accountId: 8 })).rejects.toThrow(SealBroken);
  });

  it('of the same name and another content do not open, and quote nothing', async () => {
    const sealed = await seal(keys, SECRET, OWNER);
    const other = await fileMasterKeys(fileOf(line('2026-11')));
    await expect(openSealed(other, sealed, OWNER)).rejects.toThrow(new SealBroken('master key 2026-11 is not what sealed this'));
  });

  it('are looked at again before each sealing', async () => {
    const file = fileOf(line('a'));
    const following = await fileMasterKeys(file);
    expect(masterIdOf(await seal(following, SECRET, OWNER))).toBe('a');
    writeFileSync(file, line('b'));
    expect(masterIdOf(await seal(following, SECRET, OWNER))).toBe('b');
  });

  it.each([
    ['', 'there is no key in it'], ['# nothing', 'there is no key in it'], ['hush', 'line 1 is not id:base64 of 32 bytes'],
    [`${line('a')}\nb:${Buffer.alloc(31).toString('base64')}`, 'line 2 is not id:base64 of 32 bytes'], [`${line('a')}\n\n${line('a')}`, 'line 3 has the id of another line'],
    [`a b:${Buffer.alloc(32).toString('base64')}`, 'line 1 is not id:base64 of 32 bytes'],
  ])('that cannot be read are told by their line (%#)', async (text, sentence) => {
    await expect(fileMasterKeys(fileOf(text))).rejects.toThrow(new Error(sentence));
  });

  it('that are not there are told so', async () => {
    await expect(fileMasterKeys(join(dir, 'none'))).rejects.toThrow(new Error('the file cannot be read: ENOENT'));
  });
});

describe('a box', () => {
  const owner = { operatorId: OWNER.operatorId, accountId: OWNER.accountId };

  it('opens what it can, tells why not of the rest, and counts both', async () => {
    const box = new SecretBox(keys, 'provider secret');
    const theirs = { ...owner, accountId: 8 };
    const stored = await box.seal('one', owner);
    const results = await box.openAll([{ stored, ...owner }, { stored: 'two', ...owner }, { stored, ...theirs }, { stored: 'sealed:x', ...owner }]);
    expect(results.map((result) => (result instanceof Error ? result.message : result)))
      .toEqual(['one', 'two', 'a sealed secret is not this owner\'s, or was changed', 'a sealed text of another form or version']);
    expect(box.live).toEqual({ unsealed: 1, unreadable: 2 });
  });

  it('asks its keeper once for each, at most 16 at a time, and lives on what it has while the keeper is away', async () => {
    let [asked, atOnce, most, away] = [0, 0, 0, false];
    const kms: MasterKeys = {
      wrap: (dataKey) => Promise.resolve({ masterId: 'kms', wrapped: dataKey }),
      unwrap: async (_id, wrapped) => {
        if (away) throw new Error('no route to the keeper');
        asked += 1;
        most = Math.max(most, ++atOnce);
        await new Promise((resolve) => setImmediate(resolve));
        atOnce -= 1;
        return wrapped;
      },
    };
    const box = new SecretBox(kms, 'provider secret');
    const all = await Promise.all(Array.from({ length: 40 }, async (_, i) => ({ stored: await box.seal(`secret ${i}`, owner), ...owner })));
    expect(await box.openAll(all)).toEqual(all.map((_, i) => `secret ${i}`));
    expect([asked, most]).toEqual([40, 16]);
    away = true;
    const another = { stored: await box.seal('another', owner), ...owner };
    const [first, ...rest] = await box.openAll([another, ...all]);
    expect(first).toMatchObject({ message: 'the master keys cannot be asked now', cause: { message: 'no route to the keeper' } });
    expect([rest.length, rest.at(-1)]).toEqual([40, 'secret 39']);
    away = false;
    expect(await box.openAll([another, ...all])).toEqual(['another', ...all.map((_, i) => `secret ${i}`)]);
    expect(asked).toBe(41);
  });

  it('without keys seals nothing', () => {
    const box = new SecretBox(undefined, 'provider secret');
    expect(box.canSeal).toBe(false);
    expect(() => box.seal('x', owner)).toThrow('no master keys are configured');
  });
});
