import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { Registry } from '@prometheus-io/client';
import type pg from 'pg';
import { pool } from '../../libs/postgres/index.ts';
import { LIMITS, ROW_DAYS } from '../../src/views/exports/limits.ts';
import { sweep } from '../../src/views/exports/sweep.ts';
import { transactions } from '../../src/views/exports/transactions.ts';
import { ExportWork } from '../../src/views/exports/work.ts';
import { Reads } from '../../src/views/reads.ts';
import { officeGround } from '../support/office.ts';

// No operator fills the disk: how much it may have of exports, what it is told beyond that, and when what is over goes. The office alone runs; a worker is here.

const here = officeGround({ players: { EUR: 2 } }, { ROLE: 'office' });
let connections: pg.Pool;
let reads: Reads;

beforeAll(async () => {
  connections = pool(here.database.url('croupier_worker'), { name: 'exports of a test' }, 4);
  reads = new Reads({ primaryUrl: here.database.url('croupier_read'), replicaUrls: [], lagLimitMs: 5_000, registry: new Registry() });
  await reads.start();
});
afterAll(async () => {
  await reads.close();
  await connections.end();
});
beforeEach(() => here.sql('delete from export_piece; delete from export; delete from export_schedule'));

const BODY = { report: 'transactions', format: 'csv' };
const ask = (idempotencyKey: string = randomUUID()) => here.platform.post('/v1/exports', BODY, { idempotencyKey });
const plant = async (state: string, { stored = 0, ended = 'now()', expires = 'null', count = 1, operator = here.operator } = {}): Promise<string> => (await here.sql<{ id: string }>(`
  insert into export (operator_id, idempotency_key, digest, report, format, filters, keep_days, state, attempt, alive_at, stored, pieces, ended_at, expires_at)
  select $1, uuidv4()::text, sha256('x'), 'transactions', 'csv', '{}', 7, $2::export_state, 1, now() + interval '1 hour', $3::int8, ($3::int8 > 0)::int, ${ended}, ${expires} from generate_series(1, $4::int) returning export_id as id`,
[operator, state, stored, count]))[0]?.id as string;
const count = async (table: string): Promise<number> => (await here.sql<{ count: number }>(`select count(*)::int as count from ${table}`))[0]?.count ?? -1;
const LATER = "now() + interval '1 day'";

describe('an operator', () => {
  it('has 20 exports under way at most: of 40 that are asked for at once 20 are taken, and the others are told to wait or cancel', async () => {
    const replies = await Promise.all(Array.from({ length: 40 }, () => ask()));
    const refused = replies.filter(({ status }) => status !== 201);
    expect([replies.length - refused.length, await count('export')]).toEqual([20, 20]);
    for (const reply of refused) {
      here.expectRefused(reply, 'THROTTLED', 429);
      expect([reply.body.detail, reply.headers['retry-after']]).toEqual(['20 exports are under way already: wait for one of them, or cancel it', '10']);
    }
    // Others have their own twenty, and who gives one up may ask anew.
    expect((await here.stranger.post('/v1/exports', BODY)).status).toBe(201);
    const [taken] = replies.filter(({ status }) => status === 201);
    expect((await here.platform.post(`/v1/exports/${taken?.body.exportId}/cancel`)).status).toBe(200);
    expect([(await ask()).status, (await ask()).status]).toEqual([201, 429]);
  });

  it('asks for 1,000 within 24 hours at most, also where it cancels each; what was asked for before is answered', async () => {
    const key = randomUUID();
    expect((await ask(key)).status).toBe(201);
    await plant('cancelled', { count: LIMITS.aDay - 2 });
    expect((await ask()).status).toBe(201);
    const refused = await ask();
    here.expectRefused(refused, 'THROTTLED', 429);
    expect([refused.body.detail, refused.headers['retry-after']]).toEqual([expect.stringMatching(/^1000 exports were asked for within 24 hours: ask later/), '3600']);
    expect((await ask(key)).headers['idempotent-replayed']).toBe('true');
    await here.sql("update export set export_id = uuidv7(interval '-25 hours') where export_id = (select min(export_id::text)::uuid from export where state = 'cancelled')");
    expect((await ask()).status).toBe(201);
  });

  it('keeps 20 GB of files at most: then it is told to delete some, which helps as soon as they are gone', async () => {
    const id = await plant('done', { stored: LIMITS.stored - 1, expires: LATER, ended: "now() - interval '1 hour'" });
    await plant('done', { stored: LIMITS.stored, expires: LATER, operator: here.world.operators[1] as string });
    expect((await ask()).status).toBe(201);
    await here.sql('update export set stored = stored + 1 where export_id = $1', [id]);
    const refused = await ask();
    here.expectRefused(refused, 'THROTTLED', 429);
    expect([refused.body.detail, refused.headers['retry-after']]).toEqual(['the files kept take up 20 GB or more: delete some of them, or wait until they expire', '60']);
    const deleted = await here.platform.delete(`/v1/exports/${id}`);
    expect([deleted.status, deleted.body.state]).toEqual([200, 'expired']);
    here.expectRefused(await here.platform.get(`/v1/exports/${id}/file`), 'EXPORT_EXPIRED', 410);
    await sweep(connections);
    expect((await ask()).status).toBe(201);
  });

  it('whose files come to more than that while one is made has it fail, with what to do, and nothing of it stays', async () => {
    await plant('done', { stored: LIMITS.stored - 10, expires: LATER });
    const id = (await ask()).body.exportId as string;
    const work = new ExportWork({ pool: connections, reads, reports: [transactions], alert: () => undefined });
    expect(await work.once()).toBe(true);
    const { body } = await here.platform.get(`/v1/exports/${id}`);
    expect([body.state, body.why]).toEqual(['failed', 'The files kept for this operator would come to more than 20 GB: delete some of them, or wait until they expire, or ask for less.']);
    expect((await here.sql('select from export_piece where export_id = $1', [id])).length).toBe(0);
    await here.sql("delete from export where state = 'done'");
    const other = (await ask()).body.exportId as string;
    await work.once();
    const [row] = await here.sql<{ state: string; stored: string; pieces: string }>('select state, stored, (select sum(octet_length(bytes)) from export_piece p where p.export_id = e.export_id) as pieces from export e where export_id = $1', [other]);
    expect([row?.state, row?.stored]).toEqual(['done', row?.pieces]);
  });
});

describe('deleting', () => {
  it('one that waits cancels it, one that failed leaves it, one of somebody else is not found; again it is no error', async () => {
    const waiting = (await ask()).body.exportId as string;
    const failed = await plant('failed');
    const done = await plant('done', { stored: 5, expires: LATER });
    const states = [];
    for (const id of [waiting, failed, done, done]) states.push((await here.platform.delete(`/v1/exports/${id}`)).body.state);
    expect(states).toEqual(['cancelled', 'failed', 'expired', 'expired']);
    here.expectRefused(await here.stranger.delete(`/v1/exports/${done}`), 'NOT_FOUND', 404);
    const auditor = await here.platformOf({ roles: ['auditor'] });
    here.expectRefused(await auditor.delete(`/v1/exports/${done}`), 'FORBIDDEN', 403);
  });
});

describe('what is over', () => {
  it(`goes ${ROW_DAYS} days after its file expired, or after it ended without one, and not before`, async () => {
    const ago = (days: number) => `now() - interval '${days} days'`;
    const gone = [
      await plant('expired', { ended: ago(70), expires: ago(61) }), await plant('failed', { ended: ago(61) }), await plant('cancelled', { ended: ago(61) }), await plant('done', { ended: ago(91), expires: ago(61) }),
    ];
    const kept = [
      await plant('expired', { ended: ago(70), expires: ago(59) }), await plant('failed', { ended: ago(59) }), await plant('done', { ended: ago(70), expires: LATER }), await plant('waiting', { ended: 'null' }),
    ];
    expect(await sweep(connections)).toEqual({ expired: 1, pieces: 0, forgotten: 4 });
    const left = (await here.sql<{ id: string }>('select export_id as id from export')).map(({ id }) => id);
    expect(left.toSorted()).toEqual(kept.toSorted());
    for (const id of gone) here.expectRefused(await here.platform.get(`/v1/exports/${id}`), 'NOT_FOUND', 404);
  });

  it('goes with its schedule, once that was removed as long ago and nothing of it is left', async () => {
    const planned = async (removed: string): Promise<string> => (await here.sql<{ id: string }>(`
      insert into export_schedule (operator_id, idempotency_key, digest, name, report, format, filters, period, at, keep_days, next_day, next_at, removed_at)
      values ($1, uuidv4()::text, sha256('x'), 'a plan', 'transactions', 'csv', '{}', 'today', '06:30', 7, '2126-01-31', '2126-01-31T06:30:00Z', ${removed}) returning schedule_id as id`, [here.operator]))[0]?.id as string;
    await planned("now() - interval '61 days'");
    const recent = await planned("now() - interval '59 days'");
    const live = await planned('null');
    const used = await planned("now() - interval '61 days'");
    const last = await plant('failed', { ended: "now() - interval '59 days'" });
    await here.sql('update export set schedule_id = $1, due_at = now() where export_id = $2', [used, last]);
    expect(await sweep(connections)).toEqual({ expired: 0, pieces: 0, forgotten: 1 });
    expect((await here.sql<{ id: string }>('select schedule_id as id from export_schedule')).map(({ id }) => id).toSorted()).toEqual([recent, live, used].toSorted());
    await here.sql("update export set ended_at = now() - interval '61 days'");
    expect((await sweep(connections)).forgotten).toBe(2);
  });
});
