import { afterAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { PinoLogger } from 'nestjs-pino';
import pg from 'pg';
import { Registry } from '@prometheus-io/client';
import { Metrics } from '../../src/ops/metrics.ts';
import { asking, SlowReads, type SlowRead } from '../../src/views/reads/slow.ts';
import { officeGround, Platform, rolesOn } from '../support/office.ts';
import { serveHere } from '../support/server.ts';

// Reads that take longer than SLOW_READ_MS are told in the log and counted. A service's first read takes longer than a millisecond: it connects.

const here = officeGround({ players: { EUR: 2 } }, { ROLE: 'office', SLOW_READ_MS: '1' });
const warned = jest.spyOn(PinoLogger.prototype, 'warn');
beforeEach(() => void warned.mockClear());
afterAll(() => warned.mockRestore());

const ROUTE = '/v1/players/:playerId/wallets/:currency/transactions';
const lines = () => warned.mock.calls.filter(([, message]) => message === 'slow read').map(([line]): unknown => line) as SlowRead[];
const path = () => `/v1/players/${here.world.players[0]?.id}/wallets/EUR/transactions`;

describe('a slow read', () => {
  it('is told once, with its route, request, server and statements, and none of its values', async () => {
    const reply = await here.platform.get(path(), { headers: { 'x-request-id': 'slow-1' } });
    expect(reply.status).toBe(200);
    const told = lines().filter(({ statements }) => statements.includes('view_cursor_key'));
    expect(told).toEqual([{
      route: ROUTE, requestId: 'slow-1', server: new URL(here.database.url('croupier_read')).host, ms: expect.any(Number), result: 'answered', statements: ['view_cursor_key'],
    }]);
    expect(new Set(lines().map(({ requestId }) => requestId))).toEqual(new Set(['slow-1']));
    const text = JSON.stringify(lines());
    for (const value of [here.operator, here.world.players[0]?.id, 'EUR', 'select']) expect(text).not.toContain(value);
  });

  it('is counted by its route', async () => {
    const counted = await here.served.app.get(Metrics).registry.getSingleMetric('croupier_slow_reads_total')?.get();
    expect(counted?.values.find(({ labels }) => labels['route'] === ROUTE)?.value).toBeGreaterThan(0);
  });

  it('that nobody got an answer from says so', async () => {
    const holder = new pg.Client(here.database.url('superuser'));
    await holder.connect();
    await holder.query('begin; lock table transaction in access exclusive mode');
    const reply = await here.platform.get(`${path()}?limit=7`, { headers: { 'x-request-id': 'slow-2' } });
    await holder.end();
    expect([reply.status, reply.headers['retry-after']]).toEqual([503, '1']);
    expect(lines().filter(({ result }) => result === 'given up').map(({ requestId, statements }) => [requestId, statements.some((name) => name.startsWith('view_wallet_'))]))
      .toContainEqual(['slow-2', true]);
  });

  it('is one that takes longer than the setting says, and no other', async () => {
    const patient = await serveHere(here.database, { ...rolesOn(here.database, 'office'), SLOW_READ_MS: '60000' });
    try {
      expect((await new Platform(patient.baseUrl, here.platform.key).get(path())).status).toBe(200);
    } finally {
      await patient.close();
    }
    expect(lines()).toEqual([]);
    const told: SlowRead[] = [];
    const slow = new SlowReads({ registry: new Registry(), overMs: 500, tell: (read) => told.push(read) });
    const timed = { server: 'a:1', steps: [{ name: 'one', text: 'select $1', values: ['secret'] }], answered: true };
    asking.run({ route: '/v1/x', requestId: 'r' }, () => [499, 500, 501.4].forEach((ms) => slow.heard({ ...timed, ms })));
    slow.heard({ ...timed, ms: 900 });
    expect(told).toEqual([
      { route: '/v1/x', requestId: 'r', server: 'a:1', ms: 501, result: 'answered', statements: ['one'] }, { server: 'a:1', ms: 900, result: 'answered', statements: ['one'] },
    ]);
  });
});
