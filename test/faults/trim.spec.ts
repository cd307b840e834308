import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { trimCommands } from '../../src/ops/jobs/trim.ts';
import { asSuperuser, freshDatabase, type TestDatabase } from '../support/cluster.ts';
import { rolesOn } from '../support/office.ts';
import { serveHere } from '../support/server.ts';
import { createWorld, type World } from '../support/world.ts';

// Commands of the office are kept for thirty days, so that a repeated one is answered; a worker deletes those that are older.

let database: TestDatabase;
let world: World;
beforeAll(async () => {
  database = await freshDatabase();
  world = await createWorld(database, { players: { EUR: 1 } });
});

const sql = <Row = Record<string, unknown>>(text: string, values?: unknown[]) => asSuperuser<Row>(database.url('superuser'), text, values);
const plant = (name: string, age: string, operator = 0) => sql(
  `insert into office_command (operator_id, idempotency_key, digest, status, answer, at)
   select $1, $2 || n, sha256('x'), 200, '{}', now() - $3::interval from generate_series(1, 3) n`, [world.operators[operator], name, age]);
const left = async () => (await sql<{ key: string }>('select idempotency_key as key from office_command order by 1')).map(({ key }) => key);

describe('commands of the office', () => {
  let pool: pg.Pool;
  beforeAll(() => { pool = new pg.Pool({ connectionString: database.url('croupier_worker'), max: 1 }); });
  afterAll(() => pool.end());

  it('are deleted in batches where they are older than thirty days, of every operator, and no other', async () => {
    await plant('old', '30 days 1 second');
    await plant('young', '29 days 23 hours');
    await plant('theirs', '400 days', 1);
    await sql(`insert into office_command (operator_id, idempotency_key, digest, status, answer, at)
      select $1, 'many ' || n, sha256('x'), 200, '{}', now() - interval '31 days' from generate_series(1, 2500) n`, [world.operators[0]]);
    expect(await trimCommands(pool)).toBe(2_506);
    expect(await left()).toEqual(['young1', 'young2', 'young3']);
    expect(await trimCommands(pool)).toBe(0);
  });

  it('are deleted by a worker as it starts, and counted', async () => {
    await plant('old', '31 days');
    const worker = await serveHere(database, rolesOn(database, 'worker'));
    const metric = async (name: string) => Number(new RegExp(`^${name.replace(/[{}]/g, '\\$&')} (\\d+)$`, 'm').exec(await (await fetch(`${worker.baseUrl}/metrics`)).text())?.[1] ?? 0);
    try {
      const deadline = performance.now() + 20_000;
      while ((await metric('croupier_jobs_total{job="trim",result="done"}')) === 0 && performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 50));
      expect([await metric('croupier_jobs_total{job="trim",result="done"}'), await metric('croupier_office_commands_trimmed_total')]).toEqual([1, 3]);
      expect(await left()).toEqual(['young1', 'young2', 'young3']);
    } finally {
      await worker.close();
    }
  });
});
