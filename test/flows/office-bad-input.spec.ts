import { beforeAll, describe, expect, it } from '@jest/globals';
import { randomBytes, randomUUID } from 'node:crypto';
import { request } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { officeGround, Platform, type OfficeCall } from '../support/office.ts';
import { documentOf, operationsOf, pathWith, queryOf, resolved, type Document, type JsonSchema, type Operation } from '../support/operations.ts';
import type { Reply } from '../support/provider.ts';

/** Every route of the operator's API is given what it should not be given. None answers 500, and none does anything. */
const here = officeGround({ players: { EUR: 3 } }, { CALL_LOG_SAMPLE: '1' });
let document: Document;
let operations: Operation[];
/** of the first operator, all there */
let ours: Record<string, string>;
let before: string;

const state = async (): Promise<string> => JSON.stringify(await here.sql(`select
  (select jsonb_agg(to_jsonb(o) order by operator_id) from operator o), (select count(*) from api_key where revoked_at is null), (select count(*) from player),
  (select jsonb_agg(to_jsonb(w) - 'at' order by player_id, currency) from wallet w), (select count(*) from session where state = 'active'),
  (select jsonb_agg(to_jsonb(a) order by account_id) from provider_account a), (select jsonb_agg(to_jsonb(c) order by api_key) from credential c),
  (select jsonb_agg(to_jsonb(g) order by account_id, game_id) from game g), (select count(*) from transaction), (select count(*) from locked_day),
  (select jsonb_agg(to_jsonb(e) - 'next_day' - 'next_at' order by schedule_id) from export_schedule e), (select count(*) from export where state <> 'cancelled')`));

beforeAll(async () => {
  document = await documentOf(here.served.baseUrl);
  operations = operationsOf(document);
  const player = here.player();
  const { body: session } = await here.platform.post(`/v1/players/${player.id}/sessions`, { accountId: here.account.accountId, currency: 'EUR' });
  const { body: key } = await here.platform.post('/v1/api-keys', { name: 'a key', roles: ['auditor'] });
  const booked = await here.provider.call('bet', { transactionId: 'b1', playerId: player.id, currency: 'EUR', amount: '1.00', gameId: 'game-1', roundId: 'r1' });
  const [bet] = await here.sql<{ id: string }>("select transaction_id as id from transaction where reference = 'b1'");
  const { body: exported } = await here.platform.post('/v1/exports', { report: 'revenue', format: 'csv', filters: { period: 'yesterday' } });
  const { body: planned } = await here.platform.post('/v1/exports/schedules', { name: 'all of yesterday', report: 'revenue', format: 'csv', at: '06:30', period: 'yesterday' });
  ours = {
    playerId: player.id, sessionId: session.sessionId, accountId: String(here.account.accountId), apiKeyId: key.apiKeyId, apiKey: here.account.apiKey,
    gameId: 'game-1', currency: 'EUR', transactionId: bet?.id as string, roundId: 'r1', reference: 'b1',
    exportId: exported.exportId, scheduleId: planned.scheduleId, requestId: String(booked.headers['x-request-id']), day: '2026-01-31',
  };
  // The call log is written beside the calls.
  while ((await here.platform.get(`/v1/calls/${ours['requestId']}`)).status !== 200) await pause(20);
  before = await state();
});

/** A day is nobody's: every operator has it. */
const DAY = 'day';

const of = (more: { body?: boolean; ids?: boolean; list?: boolean } = {}): Operation[] => operations.filter(({ body, pathParameters, query }) =>
  (more.body === undefined || (body !== undefined) === more.body) && (more.ids === undefined || pathParameters.some(({ name }) => name !== DAY) === more.ids)
  && (more.list === undefined || query.includes('limit') === more.list));

const call = (operation: Operation, platform: Platform, values: Readonly<Record<string, string>>, more: OfficeCall = {}): Promise<Reply> => {
  const { method, path, body } = operation;
  return platform.call(method, `${pathWith(path, values)}${queryOf(operation, ours)}`, { ...(body && { body: body.example }), ...more });
};
/** all that a caller sees, but for what the clock says and its own throttle */
const seen = ({ status, headers, body }: Reply) => {
  // The token tells where in the history of the whole cluster the answer stands: somebody else may have written meanwhile.
  const { date: _, ratelimit: __, 'x-as-of': ___, 'x-consistency-token': token, ...rest } = headers;
  return JSON.stringify([status, body, rest, token !== undefined]);
};
const untouched = async () => expect(await state()).toBe(before);

describe('ids', () => {
  it('of another operator are answered as ids that do not exist, to the byte, on every route', async () => {
    const nowhere = { ...ours, playerId: randomUUID(), sessionId: randomUUID(), accountId: '987654', apiKeyId: randomUUID(), apiKey: 'pk_nowhere', gameId: 'no-game', transactionId: '01890000-0000-7000-8000-000000000099', roundId: 'no-round',
      exportId: randomUUID(), scheduleId: randomUUID(), requestId: 'no-request' };
    const walked: string[] = [];
    for (const operation of of({ ids: true })) {
      const headers = { 'x-request-id': 'the-same' };
      const theirs = await call(operation, here.stranger, ours, { headers });
      const nobodys = await call(operation, here.stranger, nowhere, { headers });
      expect([operation.id, seen(theirs)]).toEqual([operation.id, seen(nobodys)]);
      expect([operation.id, theirs.status, theirs.body.code]).toEqual([operation.id, 404, expect.stringMatching(/^(NOT_FOUND|PLAYER_NOT_FOUND)$/)]);
      walked.push(operation.id);
    }
    expect(walked.length).toBe(operations.filter(({ pathParameters }) => pathParameters.length > 0).length - 1);
    await untouched();
  });

  it.each(['x', '0', '-1', '1e9', '9'.repeat(40), '%00', '..', '%2e%2e%2f', "' or 1=1", '01890000-0000-7000-8000-00000000000G', 'é', '🎰', 'x'.repeat(1_000)])(
    'of the form %j are not there', async (id) => {
      for (const operation of of({ ids: true })) {
        const values = Object.fromEntries(operation.pathParameters.map(({ name }) => [name, id]));
        const reply = await call(operation, here.platform, values);
        expect([operation.id, id, reply.status, reply.body.code]).toEqual([operation.id, id, 404, expect.stringMatching(/NOT_FOUND$/)]);
      }
    });

  it('of a day that is none are not there', async () => {
    const [lock] = operations.filter(({ pathParameters }) => pathParameters.some(({ name }) => name === DAY));
    for (const day of ['x', '0', '2026-02-30', '2026-1-31', '1969-12-31', '2026-01-31T00:00:00Z', '%00', 'é', '🎰', 'x'.repeat(1_000)]) {
      const reply = await call(lock as Operation, here.platform, { day });
      expect([day, reply.status, reply.body.code]).toEqual([day, 404, 'NOT_FOUND']);
    }
    await untouched();
  });

  it('are compared byte for byte', async () => {
    here.expectRefused(await here.platform.get(`/v1/players/${(ours['playerId'] as string).toUpperCase()}`), 'NOT_FOUND', 404);
    here.expectRefused(await here.platform.get(`/v1/provider-accounts/0${ours['accountId']}`), 'NOT_FOUND', 404);
  });
});

describe('a key', () => {
  it('that is none, forged or without rights lets in nowhere', async () => {
    const forged = `ck_${randomBytes(64).toString('base64url')}`;
    const powerless = await here.platformOf({ roles: [], permissions: ['nothing.read'] });
    for (const operation of operations) {
      for (const key of ['', forged, 'nonsense']) {
        const reply = await call(operation, new Platform(here.served.baseUrl, key), ours);
        expect([operation.id, reply.status, reply.body.code]).toEqual([operation.id, 401, 'KEY_UNKNOWN']);
      }
      const reply = await call(operation, powerless, ours);
      expect([operation.id, reply.status, reply.body.code]).toEqual([operation.id, 403, 'FORBIDDEN']);
    }
    await untouched();
  });
});

describe('a command', () => {
  it('needs an Idempotency-Key of 1 to 128 printable characters', async () => {
    for (const operation of operations.filter(({ method }) => method !== 'GET')) {
      for (const idempotencyKey of [null, '', 'x'.repeat(129), 'a\tb', 'é']) {
        const reply = await call(operation, here.platform, ours, { idempotencyKey });
        expect([operation.id, idempotencyKey, reply.status, reply.body.errors?.[0]?.field]).toEqual([operation.id, idempotencyKey, 400, 'Idempotency-Key']);
      }
    }
    await untouched();
  });

  it('is JSON, an object, and says nothing twice and nothing unknown', async () => {
    const bodies: readonly (string | Buffer)[] = [
      '{', 'null', '[]', '"text"', '1', '{"a":1,"a":2}', '{"unknown":true}', '{"__proto__":{"a":1}}', '{"constructor":1}', Buffer.from([0x7b, 0xff, 0x7d]),
      '['.repeat(20_000), `{"a":${'{"a":'.repeat(5_000)}1${'}'.repeat(5_001)}`, 'name=x&betsAllowed=true', ' ', '\u0000',
    ];
    for (const operation of of({ body: true })) {
      for (const raw of bodies) {
        const reply = await call(operation, here.platform, ours, { raw });
        expect([operation.id, String(raw).slice(0, 30), reply.status, reply.body.code]).toEqual([operation.id, String(raw).slice(0, 30), 400, 'REQUEST_INVALID']);
      }
      const unknown = await call(operation, here.platform, ours, { body: { ...(operation.body?.example as object), betsAlowed: true } });
      expect([operation.id, unknown.status, unknown.body.errors]).toEqual([operation.id, 400, [{ field: 'betsAlowed', message: expect.any(String) }]]);
    }
    await untouched();
  });

  it('is application/json of at most 64 KiB', async () => {
    for (const operation of of({ body: true })) {
      for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/jsonx', 'multipart/form-data; boundary=x']) {
        const reply = await call(operation, here.platform, ours, { headers: { 'content-type': type } });
        expect([operation.id, type, reply.status, reply.body.code]).toEqual([operation.id, type, 415, 'MEDIA_TYPE_UNSUPPORTED']);
      }
    }
    const huge = await here.platform.post('/v1/players', {}, { raw: `{"externalId":"${'x'.repeat(70_000)}"}` });
    here.expectRefused(huge, 'BODY_TOO_LARGE', 413);
    await untouched();
  });

  it('whose form follows from its report is judged by the form of that report', async () => {
    const walked: string[] = [];
    for (const operation of of({ body: true })) {
      for (const form of (resolved(document, operation.body?.schema as JsonSchema)['oneOf'] ?? []) as JsonSchema[]) {
        const report = form['properties'].report.enum[0] as string;
        const example = { ...(operation.body?.example as object), report };
        const unknown = await call(operation, here.platform, ours, { body: { ...example, filters: { nobodys: 1 } } });
        const fields = (unknown.body.errors as { field: string }[]).map(({ field }) => field);
        expect([operation.id, report, unknown.status, fields.filter((field) => field === 'filters.nobodys'), fields.includes('report')]).toEqual([operation.id, report, 400, ['filters.nobodys'], false]);
        walked.push(`${operation.id} ${report}`);
      }
    }
    const reports = ['transactions', 'statement', 'revenue', 'rounds'];
    expect(walked.toSorted()).toEqual(['exports.create', 'schedules.create'].flatMap((id) => reports.map((report) => `${id} ${report}`)).toSorted());
    await untouched();
  });

  it('without a body is given none', async () => {
    for (const operation of of({ body: false })) {
      if (operation.method === 'GET') continue;
      const reply = await call(operation, here.platform, ours, { raw: '{"force":true}' });
      expect([operation.id, reply.status, reply.body.code]).toEqual([operation.id, 400, 'REQUEST_INVALID']);
    }
    await untouched();
  });
});

describe('a list', () => {
  const lists = () => of({ list: true });
  const get = (operation: Operation, query: string, platform = here.platform) => platform.get(`${pathWith(operation.path, ours)}${queryOf(operation, ours, query)}`);

  it('has pages of 1 to 100', async () => {
    for (const operation of lists()) {
      for (const limit of ['0', '-1', '1000000000', '101', '1.5', '1e1', 'all', '', '٥', '%20', '1&limit=2', '0x10', 'NaN']) {
        const reply = await get(operation, `limit=${limit}`);
        expect([operation.id, limit, reply.status, reply.body.errors?.[0]?.field]).toEqual([operation.id, limit, 400, 'limit']);
      }
      for (const limit of ['1', '100']) expect([operation.id, (await get(operation, `limit=${limit}`)).status]).toEqual([operation.id, 200]);
    }
  });

  it('and every other read names what it does not know', async () => {
    for (const operation of operations.filter(({ method }) => method === 'GET')) {
      for (const unknown of ['status', 'operatorId', '__proto__', 'LIMIT']) {
        const reply = await get(operation, `${unknown}=x`);
        expect([operation.id, unknown, reply.status, reply.body.errors?.[0]?.field]).toEqual([operation.id, unknown, 400, unknown]);
      }
    }
  });

  it('and every other read names what it cannot do without', async () => {
    const needing = operations.filter(({ required }) => Object.keys(required).length > 0);
    for (const operation of needing) {
      for (const name of Object.keys(operation.required)) {
        const query = queryOf({ ...operation, required: { ...operation.required, [name]: 'x' } }, ours).replace(new RegExp(`([?&])${name}=[^&]*&?`), '$1');
        const reply = await here.platform.get(`${pathWith(operation.path, ours)}${query}`);
        expect([operation.id, name, reply.status, reply.body.errors?.[0]?.field]).toEqual([operation.id, name, 400, name]);
      }
    }
    expect(needing.map(({ id }) => id).toSorted()).toEqual([
      'playerreports.games', 'playerreports.statement', 'reports.lockedDays', 'reports.players', 'reports.revenue', 'reports.rounds', 'reports.transactions', 'transactions.byReference',
    ]);
  });

  it('goes on from its own cursors only', async () => {
    for (let i = 0; i < 3; i++) await here.platform.post('/v1/players', { externalId: `p ${i}`, currencies: ['EUR'] });
    for (let i = 0; i < 3; i++) await here.stranger.post('/v1/players', { externalId: `p ${i}`, currencies: ['EUR'] });
    const { nextCursor: cursor } = (await here.platform.get('/v1/players?limit=1')).body;
    const { nextCursor: theirs } = (await here.stranger.get('/v1/players?limit=1')).body;
    const { nextCursor: ofKeys } = (await here.platform.get('/v1/api-keys?limit=1')).body;
    expect([typeof cursor, typeof theirs, typeof ofKeys]).toEqual(['string', 'string', 'string']);
    const players = lists().find(({ id }) => id === 'players.list') as Operation;
    expect((await get(players, `cursor=${cursor}&limit=2`)).status).toBe(200);
    const bytes = Buffer.from(cursor, 'base64url');
    bytes[20] = (bytes[20] as number) ^ 1;
    const forged = [theirs, ofKeys, `${cursor}A`, cursor.slice(1), bytes.toString('base64url'), '', 'x', '%00', 'e30', Buffer.from('["next","x"]').toString('base64url'), 'a'.repeat(5_000), `${cursor}&cursor=${cursor}`];
    for (const one of forged) {
      const reply = await get(players, `cursor=${one}`);
      expect([one.slice(0, 40), reply.status, reply.body.errors?.[0]?.field]).toEqual([one.slice(0, 40), 400, 'cursor']);
    }
    expect((await get(players, `externalId=p%200&cursor=${cursor}`)).body.errors).toEqual([{ field: 'cursor', message: expect.any(String) }]);
    for (const operation of lists()) if (operation.id !== 'players.list') expect([operation.id, (await get(operation, `cursor=${cursor}`)).status]).toEqual([operation.id, 400]);
  });
});

describe('a path or a method', () => {
  it('that is none is a problem like all others', async () => {
    for (const [method, path] of [['GET', '/v1'], ['GET', '/v1/nothing'], ['GET', '/v1/players/'], ['PUT', '/v2/players'], ['POST', '/v1/players/a/b/c']] as const) {
      const reply = await here.platform.call(method, path);
      expect([method, path, reply.status, reply.headers['content-type']]).toEqual([method, path, 404, 'application/problem+json']);
    }
  });

  it.each([
    ['POST', '/v1/operator', 'GET, HEAD, PATCH'], ['DELETE', '/v1/players', 'GET, HEAD, POST'], ['PUT', '/v1/players/x?a=b', 'GET, HEAD, PATCH'], ['OPTIONS', '/v1/operators', 'POST'],
    ['GET', '/v1/provider-accounts/1/free-rounds', 'POST'],
  ])('%s %s: is told which methods there are', async (method, path, allow) => {
    for (const platform of [here.platform, new Platform(here.served.baseUrl, '')]) {
      const reply = await platform.call(method, path);
      here.expectRefused(reply, 'METHOD_NOT_ALLOWED', 405);
      expect(reply.headers['allow']).toBe(allow);
    }
  });

  it('is answered also where two headers of one name come', async () => {
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const outgoing = request(new URL('/v1/operator', here.served.baseUrl), { headers: { authorization: [`Bearer ${here.platform.key}`, 'Bearer x'] as never } }, (incoming) => {
        incoming.resume();
        resolve(incoming.statusCode);
      });
      outgoing.once('error', reject).end();
    });
    expect([200, 400, 401]).toContain(status);
  });
});

describe('a field of another kind', () => {
  // By the second operator with the first one's ids: what is right by chance does little, and that little is its own.
  it('is refused by name, or what comes of it is no fault', async () => {
    const wrongs: readonly unknown[] = [null, -1, 0, 1e9, 1.5, 1e300, true, '', ' ', 'x'.repeat(200), '\u0000', '\ud800', [], {}, [null], ['x'.repeat(50)], { a: { b: 1 } }];
    for (const operation of of({ body: true })) {
      const example = operation.body?.example as Record<string, unknown>;
      for (const field of Object.keys(example)) {
        for (const wrong of wrongs) {
          const reply = await call(operation, here.stranger, ours, { body: { ...example, [field]: wrong } });
          const what = [operation.id, field, JSON.stringify(wrong).slice(0, 30)];
          expect([...what, [200, 201, 400, 404, 409].includes(reply.status) ? 'answered' : reply.status]).toEqual([...what, 'answered']);
          if (wrong === null) expect([...what, reply.status, String(reply.body.errors?.[0]?.field).split('.')[0]]).toEqual([...what, 400, field]);
        }
      }
    }
    await untouchedOurs();
  }, 60_000);

  const untouchedOurs = async () => expect((await here.platform.get(`/v1/players/${ours['playerId']}/wallets`)).body.items).toEqual([{ currency: 'EUR', balance: '99.00', walletVersion: 2 }]);
});
