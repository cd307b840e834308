import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type pg from 'pg';
import { statement } from '../../libs/postgres/index.ts';
import { Server, type Mode, type Question } from '../../src/views/reads/server.ts';
import { freshDatabase } from '../support/cluster.ts';
import { Proxy } from '../support/proxy.ts';

// A read of a server that falls silent is given up, and nothing of it is left behind.

const OPERATOR = '01890000-0000-7000-8000-000000000001';
const one = statement<[string]>('test_one', 'select 1');
let proxy: Proxy;
let server: Server;
/** every connection for reads, in the order in which they were made */
const connected: pg.Client[] = [];

beforeAll(async () => {
  const database = await freshDatabase();
  proxy = await Proxy.before(database.url('croupier_read'));
  server = new Server(proxy.through(database.url('croupier_read')), { connections: 2, waiting: 8 });
  (server as unknown as { readonly pool: pg.Pool }).pool.on('connect', (client) => void connected.push(client as unknown as pg.Client));
});
afterAll(async () => {
  await server?.close();
  await proxy?.close();
});

const asked = (mode: Mode): Question => ({ operator: OPERATOR, steps: [one()], mode, afterwards: [] });

it('its connection is cut at once, and the next read has a new one', async () => {
  for (const mode of ['statements', 'snapshot'] as const) {
    expect((await server.read(asked(mode), 5_000)).rows).toEqual([[['1']]]);
    const used = connected.at(-1) as pg.Client;
    expect([mode, used.connection.stream.destroyed]).toEqual([mode, false]);
    proxy.freeze();
    await expect(server.read(asked(mode), 100)).rejects.toThrow();
    expect([mode, used.connection.stream.destroyed]).toEqual([mode, true]);
    proxy.mend();
    expect((await server.read(asked(mode), 5_000)).rows).toEqual([[['1']]]);
    expect(connected.at(-1)).not.toBe(used);
  }
});
