import { describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { officeGround, type Platform } from '../support/office.ts';
import type { Reply } from '../support/provider.ts';
import { cellsOfCsv, rowsOf } from './exports-read-back.ts';

// Exports that come by themselves, over HTTP: planned, listed, due, made, removed; and every field of a plan and of an export, wrong.

const here = officeGround({ players: { EUR: 2 } });
const PLAN = { name: 'all of today', report: 'transactions', format: 'csv', at: '06:30', period: 'today' } as const;
const plan = (more: object = {}, platform: Platform = here.platform): Promise<Reply> => platform.post('/v1/exports/schedules', { ...PLAN, ...more });
const listed = async (platform = here.platform): Promise<string[]> => (await platform.get('/v1/exports/schedules?limit=100')).body.items.map(({ scheduleId }: { scheduleId: string }) => scheduleId);
const madeBy = (id: string) => here.sql<{ id: string; due: Date; state: string }>('select export_id as id, due_at as due, state from export where schedule_id = $1 order by due_at', [id]);
/** Its time came that many minutes ago; another one is another time. */
const fallDue = (id: string, minutes = 1) => here.sql(`update export_schedule set next_day = (now() - $2 * interval '1 minute')::date, next_at = now() - $2 * interval '1 minute',
  at = (now() - $2 * interval '1 minute')::time where schedule_id = $1`, [id, minutes]);

describe('a schedule', () => {
  it('says when it comes next, by the operator\'s clock, and is listed, newest first', async () => {
    const { status, body } = await plan();
    expect([status, body]).toEqual([201, expect.objectContaining({ ...PLAN, keepDays: 7, filters: {}, nextAt: expect.stringMatching(/T06:30:00\.000Z$/) })]);
    const ahead = Date.parse(body.nextAt as string) - Date.now();
    expect([ahead > 0, ahead <= 86_400_000]).toEqual([true, true]);
    const sunday = (await plan({ weekday: 7, name: 'sundays' })).body;
    expect([new Date(sunday.nextAt as string).getUTCDay(), sunday.weekday]).toEqual([0, 7]);
    expect((await listed()).slice(0, 2)).toEqual([sunday.scheduleId, body.scheduleId]);
  });

  it('is made once under its key, and the key is good for nothing else', async () => {
    const idempotencyKey = randomUUID();
    const ask = (more: object = {}) => here.platform.post('/v1/exports/schedules', { ...PLAN, ...more }, { idempotencyKey });
    const [first, again] = [await ask(), await ask()];
    expect([again.status, again.body, again.headers['idempotent-replayed']]).toEqual([201, first.body, 'true']);
    here.expectRefused(await ask({ at: '06:31' }), 'TRANSACTION_CONFLICT', 409);
  });

  it('that falls due makes one export with the period of its time, whose file can be fetched, and stands at the next day', async () => {
    const { body } = await plan({ filters: { currency: 'EUR' } });
    const id = body.scheduleId as string;
    expect(await madeBy(id)).toEqual([]);
    await fallDue(id);
    while ((await madeBy(id))[0]?.state !== 'done') await pause(50);
    const [made, ...more] = await madeBy(id);
    expect(more).toEqual([]);
    const view = (await here.platform.get(`/v1/exports/${made?.id}`)).body;
    expect([view.scheduleId, view.dueAt, view.filters.currency, Date.parse(view.filters.to) - Date.parse(view.filters.from)]).toEqual([id, made?.due.toISOString(), 'EUR', 86_400_000]);
    const rows = rowsOf(cellsOfCsv((await here.platform.get(`/v1/exports/${made?.id}/file`)).body));
    // What the world gave to each of its two players.
    expect(rows.map((row) => [row['kind'], row['amount']])).toEqual([['deposit', '100.00'], ['deposit', '100.00']]);
    const [next] = await here.sql<{ ahead: number }>('select date_part(\'epoch\', next_at - now()) as ahead from export_schedule where schedule_id = $1', [id]);
    expect([(next?.ahead ?? 0) > 86_000, (next?.ahead ?? 0) < 86_400]).toEqual([true, true]);
  });

  it('that was removed is listed no more and makes nothing; what it has made stays, and removing it again is no error', async () => {
    const id = (await plan()).body.scheduleId as string;
    await fallDue(id);
    while ((await madeBy(id)).length === 0) await pause(50);
    const removed = await here.platform.delete(`/v1/exports/schedules/${id}`);
    expect([removed.status, removed.body.scheduleId, removed.body.nextAt]).toEqual([200, id, undefined]);
    expect(await listed()).not.toContain(id);
    await fallDue(id, 5);
    // Another one that is due at the same time has come by then.
    const other = (await plan()).body.scheduleId as string;
    await fallDue(other);
    while ((await madeBy(other)).length === 0) await pause(50);
    expect(await madeBy(id)).toHaveLength(1);
    expect((await here.platform.delete(`/v1/exports/schedules/${id}`)).status).toBe(200);
  });

  it('of another operator is not there', async () => {
    const id = (await plan()).body.scheduleId as string;
    here.expectRefused(await here.stranger.delete(`/v1/exports/schedules/${id}`), 'NOT_FOUND', 404);
    expect([await listed(here.stranger), (await listed()).includes(id)]).toEqual([[], true]);
  });

  it('is one of 50 at most; one that is removed makes room', async () => {
    const count = (await listed()).length;
    await here.sql(`insert into export_schedule (operator_id, idempotency_key, digest, name, report, format, filters, period, at, keep_days, next_day, next_at)
      select $1, 'many ' || n, sha256('x'), 'one of many', 'transactions', 'csv', '{}', 'today', '06:30', 7, '2126-01-31', '2126-01-31T06:30:00Z' from generate_series(1, $2::int) n`, [here.operator, 50 - count]);
    const full = await plan();
    here.expectRefused(full, 'THROTTLED', 429);
    expect([full.body.detail, full.headers['retry-after']]).toEqual([expect.stringMatching(/^there are 50 schedules already.* remove one/), '60']);
    await here.platform.delete(`/v1/exports/schedules/${(await listed())[0]}`);
    expect((await plan()).status).toBe(201);
  });
});

describe('what is wrong is named', () => {
  const NAME = 'x'.repeat(129);

  it.each([
    ['name', { name: '' }], ['name', { name: NAME }], ['name', { name: 'a\u0000b' }], ['name', { name: 1 }], ['name', { name: undefined }],
    ['report', { report: 'everything' }], ['report', { report: undefined }], ['format', { format: 'pdf' }], ['format', { format: null }],
    ['at', { at: '6:30' }], ['at', { at: '24:00' }], ['at', { at: '06:30:00' }], ['at', { at: '06:60' }], ['at', { at: undefined }],
    ['period', { period: 'nextYear' }], ['period', { period: '' }], ['period', { period: undefined }], ['period', { period: ['today'] }],
    ['weekday', { weekday: 0 }], ['weekday', { weekday: 8 }], ['weekday', { weekday: 1.5 }], ['weekday', { weekday: '1' }], ['weekday', { weekday: null }],
    ['keepDays', { keepDays: 0 }], ['keepDays', { keepDays: 31 }], ['keepDays', { keepDays: '7' }], ['keepDays', { keepDays: 1e9 }],
    ['filters.period', { filters: { period: 'today' } }], ['filters.from', { filters: { from: '2026-01-01T00:00:00Z' } }],
    ['filters.kind', { filters: { kind: 'gift' } }], ['filters.playerId', { filters: { playerId: '1' } }], ['filters.accountId', { filters: { accountId: 0 } }],
    ['filters.playerId', { report: 'statement', filters: { playerId: randomUUID(), currency: 'EUR' } }], ['filters', { report: 'statement' }], ['nobodys', { nobodys: 1 }],
  ])('of a schedule: %s in %j', async (field, more) => {
    const reply = await plan(more);
    expect([reply.status, reply.body.code, reply.body.errors?.map((error: { field: string }) => error.field)]).toEqual([400, 'REQUEST_INVALID', expect.arrayContaining([field])]);
  });

  it.each([
    ['keepDays', { keepDays: 31 }], ['keepDays', { keepDays: '7' }], ['keepDays', { keepDays: 1.5 }], ['format', { format: undefined }], ['report', { report: null }], ['filters', { filters: null }],
    ['filters.from', { filters: { from: '1969-12-31T23:59:59Z' } }], ['filters.from', { filters: { from: '2026-01-01T00:00:00' } }], ['filters.to', { filters: { to: '9999-01-01T00:00:00Z' } }],
    ['filters.to', { filters: { to: '2026-02-30T00:00:00Z' } }], ['filters.period', { filters: { period: 'always' } }], ['filters.period', { filters: { period: 'today', to: '2026-01-01T00:00:00Z' } }],
    ['filters.currency', { filters: { currency: 'eur' } }], ['filters.accountId', { filters: { accountId: 2 ** 31 } }], ['filters.gameId', { filters: { gameId: '' } }],
    ['filters.state', { report: 'rounds', filters: { state: 'won' } }], ['filters.from', { report: 'revenue', filters: { from: '2026-01-01T00:00:00Z' } }], ['filters.to', { report: 'revenue', filters: { to: '2026-13-01' } }],
    ['filters.to', { report: 'revenue', filters: { from: '2026-01-02', to: '2026-01-01' } }], ['filters.kind', { report: 'rounds', filters: { kind: 'bet' } }],
    ['filters.currency', { report: 'statement', filters: { playerId: randomUUID() } }],
  ])('of an export: %s in %j', async (field, more) => {
    const reply = await here.platform.post('/v1/exports', { report: 'transactions', format: 'csv', ...more });
    expect([reply.status, reply.body.code, reply.body.errors?.map((error: { field: string }) => error.field)]).toEqual([400, 'REQUEST_INVALID', expect.arrayContaining([field])]);
  });

  it('of an address and of a page: ids, limits, cursors', async () => {
    // What a path names and is no id is not there, like any other thing that is not.
    for (const path of ['/v1/exports/1', '/v1/exports/1/file', '/v1/exports/1/progress', `/v1/exports/${randomUUID().toUpperCase()}`]) here.expectRefused(await here.platform.get(path), 'NOT_FOUND', 404);
    here.expectRefused(await here.platform.delete('/v1/exports/schedules/1'), 'NOT_FOUND', 404);
    for (const list of ['/v1/exports', '/v1/exports/schedules']) {
      for (const limit of ['0', '-1', '1000000000', '101']) expect([list, limit, (await here.platform.get(`${list}?limit=${limit}`)).body.errors?.[0]?.field]).toEqual([list, limit, 'limit']);
      for (const cursor of ['x', 'eyJhIjoxfQ', 'x'.repeat(3_000)]) expect([list, cursor.length, (await here.platform.get(`${list}?cursor=${cursor}`)).body.errors?.[0]?.field]).toEqual([list, cursor.length, 'cursor']);
      expect([list, (await here.platform.get(`${list}?order=asc`)).body.errors?.[0]?.field]).toEqual([list, 'order']);
    }
  });
});
