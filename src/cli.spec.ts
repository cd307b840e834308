import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { asSuperuser, databaseAt, freshDatabase, type TestDatabase } from '../test/support/cluster.ts';
import { createWorld, type World } from '../test/support/world.ts';

interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** `node dist/src/cli.js …`, with no more environment than it is given. */
function cli(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ended> {
  const file = join(process.env['TEST_DIST'] ?? join(import.meta.dirname, '../dist'), 'src/cli.js');
  return new Promise((resolve) => {
    execFile(process.execPath, [file, ...args], { env: { PATH: process.env['PATH'] ?? '', ...env } }, (error, out, err) => {
      resolve({ code: error ? Number(error.code) : 0, out, err });
    });
  });
}

describe('cli verify', () => {
  let database: TestDatabase;
  let world: World;
  beforeAll(async () => {
    database = await freshDatabase();
    world = await createWorld(database, { players: { EUR: 3 } });
  });

  it('prints a line an invariant and ends with 0 where all hold', async () => {
    const { code, out, err } = await cli(['verify', '--database', database.url('croupier_worker')]);
    expect([code, err]).toEqual([0, '']);
    expect(out.split('\n').filter((line) => /^ok {3} I\d+ +.+ \(\d+ .*; \d+\.\d s\)$/.test(line))).toHaveLength(24);
    expect(out).toMatch(/\nAll 24 invariants hold \(\d+\.\d s\)\.\n$/);
  });

  it('takes DATABASE_URL, and else the local run of DATA_DIR', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'croupier-cli-'));
    const url = database.url('croupier_owner');
    writeFileSync(join(dir, 'demo.json'), JSON.stringify({ databaseUrl: url }));
    expect((await cli(['verify'], { DATABASE_URL: url })).code).toBe(0);
    expect((await cli(['verify'], { DATA_DIR: dir })).code).toBe(0);
    rmSync(dir, { recursive: true });
    const none = await cli(['verify'], { DATA_DIR: dir });
    expect([none.code, none.out]).toEqual([2, '']);
    expect(none.err).toBe(`which database? --database <url>, or DATABASE_URL, or a local run: ${dir}/demo.json is not there\n`);
  });

  it('names wallet, version and transaction of what is wrong, at most 20 times an invariant, and ends with 1', async () => {
    const url = database.url('superuser');
    const player = world.players[0]?.id as string;
    const opening = 'select transaction_id as id from transaction where player_id = $1';
    const [row] = await asSuperuser<{ id: string }>(url, opening, [player]);
    await asSuperuser(url, 'update wallet set balance = balance + 1 where player_id = $1', [player]);
    const { code, out } = await cli(['verify', '--database', database.url('croupier_worker')]);
    expect(code).toBe(1);
    const named = `          player ${player}, wallet EUR, version 1, transaction ${row?.id}: `;
    expect(out).toContain(`${named}the balance is 100000001, its rows sum up to 100000000\n`);
    expect(out).toMatch(/\nI1 1, I2 1, I6 1: violated \(\d+\.\d s\)\.\n$/);

    await asSuperuser(url, `insert into lane (lane, batch) select 1000 + n, 1 from generate_series(1, 25) n`);
    const many = await cli(['verify', '--database', database.url('croupier_worker')]);
    expect(many.out.match(/ {10}lane 10\d\d stands at batch 1, and there is no row of batch 1\n/g)).toHaveLength(20);
    expect(many.out).toContain('          … and 5 more\n');
  });

  it('ends with 2 where it could not look, and quotes no password', async () => {
    const nowhere = await cli(['verify', '--database', 'postgres://someone:hush@127.0.0.1:1/none']);
    expect([nowhere.code, nowhere.err]).toEqual([2, 'could not be done: connect ECONNREFUSED 127.0.0.1:1\n']);
    const walled = await cli(['verify', '--database', database.url('croupier_read')]);
    expect([walled.code, walled.err]).toEqual([2, "could not be done: croupier_read sees one operator's rows only; verify needs croupier_worker\n"]);
  });
});

describe('cli migrate', () => {
  let empty: TestDatabase;
  beforeAll(async () => {
    const url = (await freshDatabase()).url('superuser').replace(/[^/]+$/, 'postgres');
    empty = databaseAt(url, `empty_${process.pid}`);
    await asSuperuser(url, `create database ${empty.name} owner croupier_owner`);
  });
  afterAll(() => asSuperuser(empty.url('superuser').replace(/[^/]+$/, 'postgres'), `drop database ${empty.name} with (force)`));

  it('prints the steps it applied, and does nothing the second time', async () => {
    const env = { DATABASE_OWNER_URL: empty.url('croupier_owner') };
    expect(await cli(['migrate'], env)).toMatchObject({ code: 0, out: expect.stringMatching(/^(applied M\d{4}\w+\n)+applied BullMQ\d{4}\n\d+ done\n$/) });
    expect(await cli(['migrate'], env)).toEqual({ code: 0, out: 'nothing to do: the schema is up to date\n', err: '' });
    expect((await cli(['verify', '--database', empty.url('croupier_worker')])).code).toBe(0);
  });

  it('says what it needs', async () => {
    const err = 'migrate needs DATABASE_OWNER_URL: the database, as croupier_owner\n';
    expect(await cli(['migrate'])).toEqual({ code: 2, out: '', err });
  });
});

describe('cli', () => {
  it.each(['', 'verfy', 'verify twice', 'migrate --database x', 'verify --force'])('"%s" says how it is used', async (line) => {
    const { code, err } = await cli(line.split(' ').filter((arg) => arg !== ''));
    expect(code).toBe(2);
    expect(err).toContain('usage: node dist/src/cli.js migrate');
  });
});
