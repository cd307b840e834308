import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { Permission } from '../../src/access/contract.ts';
import { asSuperuser } from '../support/cluster.ts';
import { officeGround, Platform, rolesOn } from '../support/office.ts';
import { documentOf, operationsOf, pathWith, queryOf, type Operation } from '../support/operations.ts';
import { Provider, type Reply } from '../support/provider.ts';
import { serveHere, type InProcess } from '../support/server.ts';

// Two operators have things of the same names at the same time: players, bets, rounds, calls under one request id, exports, schedules. Every route that
// reads is walked as the OpenAPI document has it, so that a new one is taken along. Two walls stand between them, and one is tried without the other.

const here = officeGround({ players: { EUR: 2 } }, { CALL_LOG_SAMPLE: '1' });

/** What one of them has, by the names that parameters have; and texts that stand in nobody else's answers. */
interface Side {
  readonly platform: Platform;
  readonly values: Readonly<Record<string, string>>;
  readonly marks: readonly string[];
}
interface Sides {
  readonly ours: Side;
  readonly theirs: Side;
}
let sides: Sides;
let operations: Operation[];
let reads: Operation[];

const AMOUNTS = ['11.37', '23.59'] as const;
/** Staked by all of an operator's players, and left to the one: of 11.37 and three times 0.01, and of 100.00. */
const SUMS = [['11.40', '88.61'], ['23.62', '76.39']] as const;
const SHARED = 'the-same-request';
const DAY = '2026-01-31';

async function until<T>(read: () => Promise<T | undefined>): Promise<T> {
  for (const deadline = performance.now() + 30_000; ; await pause(50)) {
    const found = await read();
    if (found !== undefined) return found;
    if (performance.now() > deadline) throw new Error(`it does not come: ${String(read)}`);
  }
}

/** All that there is to be read, of the first operator or the second. */
async function furnished(which: 0 | 1, platform: Platform): Promise<Side> {
  const account = here.world.accounts.at(which === 0 ? 0 : -1);
  const [player, other] = which === 0 ? here.world.players : here.world.strangers;
  if (!account || !player || !other) throw new Error('the world has them');
  const amount = AMOUNTS[which];
  const provider = new Provider(here.served.baseUrl, account);
  const call = { playerId: player.id, currency: 'EUR', gameId: 'game-1' };
  for (const [i, round] of ['r1', 'r2', 'r1'].entries()) {
    await provider.call('bet', { ...call, transactionId: `b${i}`, roundId: round, amount: i === 0 ? amount : '0.01' }, { id: i === 2 ? SHARED : `bet-${i}` });
  }
  await provider.call('bet', { ...call, playerId: other.id, transactionId: 'b0', roundId: 'r1', amount: '0.01' }, { id: `first of ${which}`.replaceAll(' ', '-') });
  await provider.call('bet', { ...call, transactionId: 'too much', roundId: 'r1', amount: '9000' }, { id: SHARED });
  provider.close();
  const made = async (path: string, body: object): Promise<any> => {
    const reply = await platform.post(path, body);
    if (reply.status >= 300) throw new Error(`${path}: ${JSON.stringify(reply.body)}`);
    return reply.body;
  };
  // As they stand in JSON: a time may have such digits, too.
  const marks: string[] = [player.id, ...[amount, `-${amount}`, ...SUMS[which]].map((text) => `"${text}"`)];
  const keys = [await made('/v1/api-keys', { name: `one of ${which}`, roles: ['auditor'] }), await made('/v1/api-keys', { name: 'another', roles: ['auditor'] })];
  const sessions = [await made(`/v1/players/${player.id}/sessions`, { accountId: account.accountId, currency: 'EUR' }), await made(`/v1/players/${player.id}/sessions`, { accountId: account.accountId, currency: 'EUR' })];
  const exports = [await made('/v1/exports', { report: 'transactions', format: 'csv', filters: { playerId: player.id } }), await made('/v1/exports', { report: 'transactions', format: 'csv' })];
  const schedule = { name: `of ${player.id}`, report: 'transactions', format: 'csv', at: '06:30', period: 'yesterday' };
  const schedules = [await made('/v1/exports/schedules', schedule), await made('/v1/exports/schedules', { ...schedule, name: 'another' })];
  if (which === 0) await made(`/v1/reports/days/${DAY}/lock`, {});
  const rows = await here.sql<{ id: string }>('select transaction_id as id from transaction where player_id = $1 order by version', [player.id]);
  for (const { exportId } of exports) await until(async () => ((await platform.get(`/v1/exports/${exportId}`)).body.state === 'done' ? true : undefined));
  await until(async () => ((await platform.get(`/v1/calls/${SHARED}`)).body.items?.length === 2 ? true : undefined));
  await until(async () => ((await platform.get(`/v1/rounds?playerId=${player.id}`)).body.items?.length === 2 ? true : undefined));
  const [provided] = await here.sql<{ provider: string }>('select provider from provider_account where account_id = $1', [account.accountId]);
  marks.push(...rows.map(({ id }) => id), ...[...keys, ...sessions, ...exports, ...schedules].flatMap(({ apiKeyId, sessionId, exportId, scheduleId }) => [apiKeyId ?? sessionId ?? exportId ?? scheduleId]), account.apiKey, here.world.operators[which] as string, provided?.provider as string,
    ...[',', '}'].map((end) => `"accountId":${account.accountId}${end}`));
  const today = new Date().toISOString().slice(0, 10);
  return {
    platform, marks,
    values: {
      playerId: player.id, accountId: String(account.accountId), currency: 'EUR', gameId: 'game-1', roundId: 'r1', transactionId: rows[1]?.id as string, reference: 'b0', requestId: SHARED,
      sessionId: sessions[0].sessionId, apiKeyId: keys[0].apiKeyId, apiKey: account.apiKey, exportId: exports[0].exportId, scheduleId: schedules[0].scheduleId,
      from: today, to: today, externalId: player.id,
    },
  };
}

beforeAll(async () => {
  // Providers of other names, so that a name tells whose it is.
  await here.sql(`update provider_account set provider = provider || '-of-' || left(operator_id::text, 8);
    update game set name = 'game of ' || operator_id`);
  sides = { ours: await furnished(0, here.platform), theirs: await furnished(1, here.stranger) };
  operations = operationsOf(await documentOf(here.served.baseUrl));
  reads = operations.filter(({ method }) => method === 'GET');
}, 120_000);

/** Statements are of times, all else is of days. */
const valuesOf = (operation: Operation, { values }: Side): Record<string, string> => {
  if (!/statement/.test(operation.id)) return values;
  const day = Date.parse(values['from'] as string);
  return { ...values, from: new Date(day).toISOString(), to: new Date(day + 86_400_000).toISOString() };
};
const addressOf = (operation: Operation, side: Side, more = ''): string => `${pathWith(operation.path, valuesOf(operation, side))}${queryOf(operation, valuesOf(operation, side), more)}`;
/** As it is, and by each filter that names something of that side. */
const addressesOf = (operation: Operation, side: Side): string[] => [
  addressOf(operation, side),
  ...operation.query.filter((name) => !(name in operation.required) && !['from', 'to'].includes(name) && side.values[name] !== undefined).map((name) => addressOf(operation, side, `${name}=${encodeURIComponent(side.values[name] as string)}`)),
];
const textOf = ({ headers, body }: Reply): string => JSON.stringify([headers, body]);
/** What of that side stands in an answer. */
const marksIn = (reply: Reply, { marks }: Side): string[] => marks.filter((mark) => textOf(reply).includes(mark));

/** Of all operators alike, or of nothing that has a name. */
const UNMARKED: Readonly<Record<string, string>> = { 'reports.lockedDays': 'the day itself', 'calls.byRequest': '', 'calls.list': '' };

/** There is one of it, and so no second page. */
const ALONE = ['accounts.list', 'credentials.list'];

/** No row, no cursor, no file and no name of `ours` is seen by `theirs`, right after its owner has seen it. Answers what was asked for. */
async function walk(operations: readonly Operation[], { ours, theirs }: Sides): Promise<string[]> {
  const walked: string[] = [];
  for (const operation of operations) {
    for (const address of addressesOf(operation, ours)) {
      const own = await ours.platform.get(address);
      expect([address, own.status]).toEqual([address, 200]);
      const { etag, 'x-consistency-token': token } = own.headers as Record<string, string>;
      const seen = token === undefined ? {} : { 'x-consistency-token': token };
      for (const headers of [{}, { 'if-none-match': etag ?? 'W/"x"' }, { ...seen, 'if-none-match': `${etag}, W/"x"` }]) {
        const foreign = await theirs.platform.get(address, { headers });
        expect([address, headers, marksIn(foreign, ours).filter((mark) => !address.includes(mark))]).toEqual([address, headers, []]);
        expect([address, headers, [200, 404]]).toEqual([address, headers, expect.arrayContaining([foreign.status])]);
        if (operation.pathParameters.some(({ name }) => name !== 'requestId')) expect([address, foreign.status]).toEqual([address, 404]);
        else expect([address, foreign.status, foreign.headers['etag'] === etag && etag !== undefined]).toEqual([address, 200, false]);
      }
      walked.push(address);
    }
  }
  return walked;
}

/** Neither sees anything of the other. Answers the routes on which somebody sees nothing of its own either. */
async function blanks(operations: readonly Operation[], { ours, theirs }: Sides): Promise<string[]> {
  const blank: string[] = [];
  for (const operation of operations) {
    for (const [side, other] of [[theirs, ours], [ours, theirs]] as const) {
      const reply = await side.platform.get(addressOf(operation, side));
      expect([operation.id, reply.status, marksIn(reply, other)]).toEqual([operation.id, 200, []]);
      if (marksIn(reply, side).length === 0 && !(operation.id in UNMARKED)) blank.push(operation.id);
    }
  }
  return [...new Set(blank)];
}

describe('of another operator', () => {
  it('no row, no cursor, no file and no name is seen on any route, right after its owner has seen it', async () => {
    expect((await walk(reads, sides)).length).toBeGreaterThan(reads.length + 15);
  }, 120_000);

  it('nothing is seen the other way around either, and each sees its own', async () => {
    expect(await blanks(reads, sides)).toEqual([]);
    const days = await Promise.all([sides.ours, sides.theirs].map(({ platform }) => platform.get(`/v1/reports/days?from=${DAY}&to=${DAY}`)));
    expect(days.map(({ body }) => body.items.length)).toEqual([1, 0]);
  }, 60_000);

  it('no cursor leads on, whatever list it is of', async () => {
    const walked: string[] = [];
    for (const operation of reads.filter(({ query }) => query.includes('cursor') && query.includes('limit'))) {
      const page = await sides.ours.platform.get(addressOf(operation, sides.ours, 'limit=1'));
      expect([operation.id, page.status, typeof page.body.nextCursor]).toEqual([operation.id, 200, ALONE.includes(operation.id) ? 'undefined' : 'string']);
      if (ALONE.includes(operation.id)) continue;
      const cursor = `limit=1&cursor=${page.body.nextCursor}`;
      expect([operation.id, (await sides.ours.platform.get(addressOf(operation, sides.ours, cursor))).status]).toEqual([operation.id, 200]);
      const foreign = await sides.theirs.platform.get(addressOf(operation, sides.theirs, cursor));
      expect([operation.id, foreign.status, foreign.body.errors?.map(({ field }: { field: string }) => field), marksIn(foreign, sides.ours)]).toEqual([operation.id, 400, ['cursor'], []]);
      walked.push(operation.id);
    }
    expect(walked.length).toBeGreaterThanOrEqual(9);
  }, 60_000);

  it('a request id under which both were called shows each the calls of its own', async () => {
    const both = await Promise.all([sides.ours, sides.theirs].map(({ platform }) => platform.get(`/v1/calls/${SHARED}`)));
    expect(both.map(({ body }) => body.items.length)).toEqual([2, 2]);
    expect(both.map(({ body }) => new Set(body.items.map(({ playerId }: { playerId: string }) => playerId)))).toEqual([sides.ours, sides.theirs].map(({ values }) => new Set([values['playerId']])));
    const only = await sides.theirs.platform.get('/v1/calls/first-of-0');
    expect([only.status, marksIn(only, sides.ours)]).toEqual([404, []]);
  });

  it('nothing is told by how far an export is, nor is one listened to', async () => {
    const response = await fetch(`${here.served.baseUrl}/v1/exports/${sides.ours.values['exportId']}/progress`, { headers: { authorization: `Bearer ${sides.theirs.platform.key}` } });
    expect([response.status, response.headers.get('content-type'), (await response.text()).includes('event:')]).toEqual([404, 'application/problem+json', false]);
    const own = await fetch(`${here.served.baseUrl}/v1/exports/${sides.ours.values['exportId']}/progress`, { headers: { authorization: `Bearer ${sides.ours.platform.key}` } });
    expect([own.status, (await own.text()).includes('event: end')]).toEqual([200, true]);
  });
});

const nameOf = ({ method, path }: Operation): string => `${method} ${path}`;
/** Of nothing that there is, so that no command would do anything. */
const NOWHERE = {
  playerId: randomUUID(), accountId: '987654', apiKeyId: randomUUID(), apiKey: 'pk_nowhere', sessionId: randomUUID(), exportId: randomUUID(), scheduleId: randomUUID(), gameId: 'no-game', day: '2026-01-30',
};
/** Which permission opens which doors, written down by hand. */
const DOORS: Readonly<Record<Permission, readonly string[]>> = {
  'operators.read': ['GET /v1/operator'],
  'operators.manage': ['POST /v1/operators'],
  'settings.manage': ['PATCH /v1/operator'],
  'keys.read': ['GET /v1/api-keys'],
  'keys.manage': ['POST /v1/api-keys', 'POST /v1/api-keys/{apiKeyId}/rotate', 'DELETE /v1/api-keys/{apiKeyId}'],
  'players.read': ['GET /v1/players', 'GET /v1/players/{playerId}'],
  'players.manage': ['POST /v1/players', 'PATCH /v1/players/{playerId}', 'POST /v1/players/{playerId}/wallets'],
  'wallets.read': ['GET /v1/players/{playerId}/wallets'],
  'sessions.read': ['GET /v1/players/{playerId}/sessions'],
  'sessions.manage': ['POST /v1/players/{playerId}/sessions', 'DELETE /v1/players/{playerId}/sessions/{sessionId}', 'POST /v1/provider-accounts/{accountId}/free-rounds'],
  'money.deposit': ['POST /v1/players/{playerId}/deposits'],
  'money.withdraw': ['POST /v1/players/{playerId}/withdrawals'],
  'transactions.read': [
    'GET /v1/transactions/{transactionId}', 'GET /v1/players/{playerId}/transactions', 'GET /v1/players/{playerId}/wallets/{currency}/transactions', 'GET /v1/players/{playerId}/statement',
    'GET /v1/players/{playerId}/games', 'GET /v1/players/{playerId}/rounds/{accountId}/{roundId}', 'GET /v1/rounds', 'GET /v1/rounds/open/ages',
  ],
  'reports.read': ['GET /v1/reports/dashboard', 'GET /v1/reports/days', 'GET /v1/reports/revenue', 'GET /v1/reports/revenue/players', 'GET /v1/reports/revenue/rounds', 'GET /v1/reports/revenue/transactions'],
  'reports.lock': ['POST /v1/reports/days/{day}/lock'],
  'exports.read': ['GET /v1/exports', 'GET /v1/exports/schedules', 'GET /v1/exports/{exportId}', 'GET /v1/exports/{exportId}/file', 'GET /v1/exports/{exportId}/progress'],
  'exports.create': ['POST /v1/exports', 'POST /v1/exports/{exportId}/cancel', 'DELETE /v1/exports/{exportId}', 'POST /v1/exports/schedules', 'DELETE /v1/exports/schedules/{scheduleId}'],
  'calls.read': ['GET /v1/calls', 'GET /v1/calls/{requestId}', 'GET /v1/reports/providers/health'],
  'accounts.read': ['GET /v1/provider-accounts', 'GET /v1/provider-accounts/{accountId}', 'GET /v1/provider-accounts/{accountId}/games', 'GET /v1/provider-accounts/{accountId}/games/{gameId}'],
  'accounts.manage': ['POST /v1/provider-accounts', 'PATCH /v1/provider-accounts/{accountId}', 'PUT /v1/provider-accounts/{accountId}/games/{gameId}'],
  'credentials.read': ['GET /v1/provider-accounts/{accountId}/credentials'],
  'credentials.manage': ['POST /v1/provider-accounts/{accountId}/credentials', 'POST /v1/provider-accounts/{accountId}/credentials/{apiKey}/rotate', 'DELETE /v1/provider-accounts/{accountId}/credentials/{apiKey}'],
};

describe('a key', () => {
  it('is asked for its rights before anything is said to be the same, or is taken out of a cache', async () => {
    const powerless = await here.platformOf({ roles: [], permissions: [] });
    const nobody = new Platform(here.served.baseUrl, 'ck_none');
    const revoked = await here.platformOf({ roles: ['administrator'] });
    const [, id] = await Promise.all([revoked.get('/v1/operator'), here.sql<{ id: string }>('select api_key_id as id from api_key order by created_at desc limit 1')]);
    await here.sql('update api_key set revoked_at = now() where api_key_id = $1', [id[0]?.id]);
    await until(async () => ((await revoked.get('/v1/operator')).status === 401 ? true : undefined));
    let same = 0;
    for (const operation of reads) {
      const address = addressOf(operation, sides.ours);
      const { headers } = await sides.ours.platform.get(address);
      const known = { 'if-none-match': String(headers['etag'] ?? '*') };
      same += (await sides.ours.platform.get(address, { headers: known })).status === 304 ? 1 : 0;
      for (const [who, status] of [[powerless, 403], [nobody, 401], [revoked, 401]] as const) {
        for (const asked of [known, { 'if-none-match': '*' }]) {
          const reply = await who.get(address, { headers: asked });
          expect([operation.id, asked, reply.status, reply.headers['etag'], marksIn(reply, sides.ours)]).toEqual([operation.id, asked, status, undefined, []]);
        }
      }
      for (const [who, status] of [[powerless, 403], [nobody, 401], [sides.ours.platform, 200]] as const) {
        expect([operation.id, 'HEAD', (await who.call('HEAD', address)).status]).toEqual([operation.id, 'HEAD', status]);
      }
    }
    // Otherwise nobody knows whether a 304 would have come at all.
    expect(same).toBeGreaterThanOrEqual(reads.filter(({ ofView }) => ofView).length - 4);
  }, 120_000);

  it('of one permission opens its own doors and no other, of reads and of commands', async () => {
    const doors = Object.entries(DOORS).flatMap(([permission, names]) => names.map((name) => [name, permission] as const));
    // A route that is new, or asks for another permission, is written down above, too.
    expect(operations.map(nameOf).toSorted()).toEqual(doors.map(([name]) => name).toSorted());
    const open: (readonly [string, string])[] = [];
    for (const permission of Object.keys(DOORS)) {
      const key = await here.platformOf({ roles: [], permissions: [permission] });
      for (const operation of operations) {
        const isRead = operation.method === 'GET';
        const reply = isRead ? await key.get(addressOf(operation, sides.ours)) : await key.call(operation.method, pathWith(operation.path, NOWHERE), { idempotencyKey: null });
        if (reply.status === 403) continue;
        expect([permission, nameOf(operation), reply.status]).toEqual([permission, nameOf(operation), isRead ? 200 : 400]);
        open.push([nameOf(operation), permission]);
      }
    }
    expect(open.toSorted()).toEqual(doors.toSorted());
  }, 120_000);
});

/** Whose statements name the operator by themselves. The office's entities leave that to PostgreSQL. */
const NAMING = ({ id, ofView }: Operation): boolean => ofView || /^(exports|schedules)\./.test(id);

describe('where PostgreSQL would show every row to everybody', () => {
  let other: InProcess;
  let open: Sides;

  // A process that has kept nothing yet, with the one wall of the two taken away.
  beforeAll(async () => {
    await here.sql(`do $$ declare each record; begin
      for each in select c.oid::regclass::text as name, c.relname ~ '^export' as exports from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'operator_id' and not a.attisdropped
        where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') loop
        execute format('create policy everybody on %s to croupier_read%s using (true)', each.name, case when each.exports then ', croupier_office' else '' end);
      end loop; end $$`);
    other = await serveHere(here.database, { ...rolesOn(here.database, 'office'), API_KEY_PER_SECOND: '5000', API_IP_PER_SECOND: '50000' });
    const there = (side: Side): Side => ({ ...side, platform: new Platform(other.baseUrl, side.platform.key) });
    open = { ours: there(sides.ours), theirs: there(sides.theirs) };
  }, 60_000);
  afterAll(() => other?.close());

  it('it does: croupier_read sees the players of both', async () => {
    const seen = await asSuperuser<{ operators: number }>(here.database.url('croupier_read'), `select set_config('croupier.operator', '${here.operator}', false); select count(distinct operator_id)::int as operators from player`);
    expect(seen).toEqual([{ operators: 2 }]);
  });

  it('each operator sees its own alone all the same, as every statement of views and exports names it', async () => {
    const naming = reads.filter(NAMING);
    expect(naming.length).toBeGreaterThanOrEqual(20);
    expect(await blanks(naming, open)).toEqual([]);
    expect((await walk(naming, open)).length).toBeGreaterThan(naming.length);
  }, 120_000);
});
