import { describe, expect, it } from '@jest/globals';
import type { Step, TenantPool } from '../../libs/postgres/index.ts';
import { Fault } from '../wallet/contract.ts';
import { makeKey, readKey, uuidv7 } from './key.ts';
import { ApiKeys } from './keys.ts';

const OPERATOR = '01890000-0000-7000-8000-000000000001';

/** A database of one key, that counts who asks and can be made to wait or fail. */
function lookups() {
  const made = makeKey(OPERATOR);
  const asked: string[] = [];
  const row = { left: '5000', answer: async (): Promise<unknown> => undefined };
  const time = { now: 0 };
  const tenants = {
    as: async (operator: string, [step]: readonly Step[]) => {
      asked.push(operator);
      await row.answer();
      return [operator === OPERATOR && step?.values[1] === made.id ? [['cashier', 'keys.read', made.hash.toString('hex'), row.left]] : []];
    },
  } as unknown as TenantPool;
  return { made, asked, row, time, keys: new ApiKeys(tenants, () => time.now) };
}

describe('a key', () => {
  it('says whose it is and which, and nothing else says so', () => {
    const id = uuidv7();
    const { key, hash } = makeKey(OPERATOR, { id });
    expect(readKey(key)).toEqual({ operatorId: OPERATOR, keyId: id });
    expect(hash).toHaveLength(32);
    const others = ['', key.slice(3), key.slice(0, -1), `${key}A`, ` ${key}`, key.replace('ck_', 'CK_'), `ck_${'+'.repeat(86)}`];
    expect(others.map(readKey)).toEqual(others.map(() => undefined));
  });

  it('of a derived secret is the same each time', () => {
    const secret = Buffer.alloc(32, 7);
    expect(makeKey(OPERATOR, { id: OPERATOR, secret })).toEqual(makeKey(OPERATOR, { id: OPERATOR, secret }));
  });
});

describe('an id made here', () => {
  it('is of version 7 and sorts by its time', async () => {
    const first = uuidv7();
    await new Promise((resolve) => setTimeout(resolve, 3));
    const second = uuidv7();
    expect([first, second].toSorted()).toEqual([first, second]);
    expect(first).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });
});

describe('keys that were looked up', () => {
  it('are believed for 900 ms and no longer', async () => {
    const { made, asked, time, keys } = lookups();
    expect(await keys.callerOf(made.key)).toMatchObject({ operatorId: OPERATOR, keyId: made.id });
    time.now = 899;
    await keys.callerOf(made.key);
    expect(asked).toHaveLength(1);
    time.now = 900;
    await keys.callerOf(made.key);
    expect(asked).toHaveLength(2);
  });

  it('are believed from when they were asked for, not from when the answer came', async () => {
    const { made, asked, row, time, keys } = lookups();
    row.answer = async () => { time.now += 800; };
    await keys.callerOf(made.key);
    time.now = 900;
    await keys.callerOf(made.key);
    expect(asked).toHaveLength(2);
  });

  it('are not believed beyond their expiry', async () => {
    const { made, row, time, keys } = lookups();
    row.left = '100';
    expect(await keys.callerOf(made.key)).toBeDefined();
    row.left = '0';
    time.now = 99;
    expect(await keys.callerOf(made.key)).toBeDefined();
    time.now = 100;
    expect(await keys.callerOf(made.key)).toBeUndefined();
  });

  it('are asked for once by many at the same moment', async () => {
    const { made, asked, keys } = lookups();
    const all = await Promise.all(Array.from({ length: 50 }, () => keys.callerOf(made.key)));
    expect([asked.length, new Set(all).size]).toEqual([1, 1]);
  });

  it('that are none are looked for each time, and a text that is no key like any other', async () => {
    const { made, asked, keys } = lookups();
    const wrong = makeKey(OPERATOR, { id: made.id }).key;
    for (const text of [wrong, wrong, '', 'nonsense', makeKey(OPERATOR).key]) expect(await keys.callerOf(text)).toBeUndefined();
    expect(asked).toEqual([OPERATOR, OPERATOR, '00000000-0000-0000-0000-000000000000', '00000000-0000-0000-0000-000000000000', OPERATOR]);
  });

  it('are neither known nor unknown while nobody can say, and are asked for again afterwards', async () => {
    const { made, row, keys } = lookups();
    row.answer = async () => { throw new Error('gone'); };
    await expect(keys.callerOf(made.key)).rejects.toEqual(new Fault('UNAVAILABLE', 'the key could not be looked up'));
    row.answer = async () => undefined;
    expect(await keys.callerOf(made.key)).toBeDefined();
  });
});
