import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { freshDatabase, type TestDatabase } from '../support/cluster.ts';
import { Platform, rolesOn } from '../support/office.ts';
import { serveHere, type InProcess } from '../support/server.ts';
import { createWorld } from '../support/world.ts';

/** The first key of an operator comes from the command line; all else can be done with it. */
let database: TestDatabase;
let served: InProcess;

beforeAll(async () => {
  database = await freshDatabase();
  await createWorld(database, { players: { EUR: 1 } });
  served = await serveHere(database, rolesOn(database));
});
afterAll(() => served?.close());

const cli = (args: readonly string[], env: Readonly<Record<string, string>> = { DATABASE_OFFICE_URL: database.url('croupier_office') }) => {
  const file = join(process.env['TEST_DIST'] ?? join(import.meta.dirname, '../../dist'), 'src/cli.js');
  return new Promise<{ code: number; out: string; err: string }>((resolve) => {
    execFile(process.execPath, [file, ...args], { env: { PATH: process.env['PATH'] ?? '', ...env } }, (error, out, err) => resolve({ code: error ? Number(error.code) : 0, out, err }));
  });
};

describe('cli operator', () => {
  it('makes an operator that can be worked with, and prints its key alone on stdout', async () => {
    const { code, out, err } = await cli(['operator', '--name', 'From nothing']);
    expect([code, out, err]).toEqual([0, expect.stringMatching(/^ck_[\w-]{86}\n$/), expect.stringMatching(/^made operator [0-9a-f-]{36}; its key expires in 90 days and is not shown again:\n$/)]);
    const platform = new Platform(served.baseUrl, out.trim());
    expect((await platform.get('/v1/operator')).body).toMatchObject({ name: 'From nothing', betsAllowed: true });
    const { body: player } = await platform.post('/v1/players', { externalId: 'anna', currencies: ['EUR'] });
    expect((await platform.post(`/v1/players/${player.playerId}/deposits`, { currency: 'EUR', amount: '7.00' })).body.balance).toBe('7.00');
  });

  it('makes another key where there is an operator of that name', async () => {
    const first = await cli(['operator', '--name', 'Twice']);
    const second = await cli(['operator', '--name', 'Twice']);
    const [one, two] = [first, second].map(({ out }) => new Platform(served.baseUrl, out.trim())) as [Platform, Platform];
    expect(second.err).toMatch(/^a further key of operator/);
    expect((await one.get('/v1/operator')).body).toEqual((await two.get('/v1/operator')).body);
    expect((await one.get('/v1/api-keys')).body.items).toHaveLength(2);
  });

  it('says what it needs, and shows no password', async () => {
    expect(await cli(['operator', '--name', 'x'], {})).toMatchObject({ code: 2, err: expect.stringContaining('needs DATABASE_OFFICE_URL') });
    for (const args of [['operator'], ['operator', '--name'], ['operator', '--name', ''], ['operator', '--name', 'x'.repeat(129)], ['verify', '--name', 'x']]) expect((await cli(args)).code).toBe(2);
    const nowhere = await cli(['operator', '--name', 'x'], { DATABASE_OFFICE_URL: 'postgres://someone:hush@127.0.0.1:1/none' });
    expect([nowhere.code, nowhere.err]).toEqual([2, 'could not be done: connect ECONNREFUSED 127.0.0.1:1\n']);
  });
});
