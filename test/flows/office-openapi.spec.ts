import { beforeAll, describe, expect, it } from '@jest/globals';
import { gzipSync } from 'node:zlib';
import { Ajv2020 } from 'ajv/dist/2020.js';
import pg from 'pg';
import { CODES } from '../../src/access/contract.ts';
import { EXAMPLES } from '../../src/office/schemas.ts';
import { EXAMPLES as EXPORTED } from '../../src/views/exports/schema.ts';
import { MEANINGS } from '../../src/providers/native/refusals.ts';
import { openWallets } from '../../src/wallet/money.ts';
import { officeGround, plantKey } from '../support/office.ts';
import { documentOf, operationsOf, pathWith, type Document, type JsonSchema, type Operation } from '../support/operations.ts';

/** The document of the running system is walked: each operation's own example is sent, and the answer is held against its own schema. */
const here = officeGround({ players: { EUR: 1 } });
let document: Document;
let operations: Operation[];
let valid: (schema: JsonSchema, value: unknown) => string[];

const FILE = 'a,b\r\n1,2\r\n';

/** What the examples name. */
async function seed(): Promise<void> {
  const { playerId, sessionId, accountId, apiKey, apiKeyId, gameId, externalId } = EXAMPLES;
  await plantKey(here.database, here.operator, { id: apiKeyId, roles: ['auditor'] });
  await here.sql(`insert into provider_account (account_id, operator_id, provider, dialect) overriding system value values ($1, $2, 'example studio', 'native')`, [accountId, here.operator]);
  await here.sql('insert into game (account_id, operator_id, game_id, name) values ($1, $2, $3, $3)', [accountId, here.operator, gameId]);
  await here.sql("insert into credential (api_key, account_id, operator_id, secrets) values ($1, $2, $3, '{whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw}')", [apiKey, accountId, here.operator]);
  await here.sql('insert into player (player_id, operator_id, external_id) values ($1, $2, $3)', [playerId, here.operator, externalId]);
  const money = new pg.Client(here.database.url('croupier_money'));
  await money.connect();
  await openWallets(money, [{ player: playerId, operator: here.operator, currency: 'EUR' }]);
  await money.end();
  await here.sql(`insert into session (player_id, session_id, token_hash, operator_id, account_id, currency, expires_at)
    values ($1, $2, sha256('a token'), $3, $4, 'EUR', now() + interval '1 hour')`, [playerId, sessionId, here.operator, accountId]);
  await here.sql(`insert into export_schedule (schedule_id, operator_id, idempotency_key, digest, name, report, format, filters, period, at, keep_days, next_day, next_at)
    values ($1, $2, 'a schedule', sha256('x'), 'a schedule', 'transactions', 'csv', '{}', 'yesterday', '06:30', 7, '2126-01-31', '2126-01-31T06:30:00Z')`, [EXPORTED.scheduleId, here.operator]);
  await here.sql(`insert into export (export_id, operator_id, report, format, filters, keep_days, state, percent, pieces, bytes, started_at, ended_at, as_of, expires_at)
    values ($1, $2, 'transactions', 'csv', '{}', 7, 'done', 100, 1, $3, now(), now(), now(), now() + interval '7 days')`, [EXPORTED.exportId, here.operator, FILE.length]);
  await here.sql('insert into export_piece (export_id, operator_id, place, bytes) values ($1, $2, 0, $3)', [EXPORTED.exportId, here.operator, gzipSync(FILE)]);
}

beforeAll(async () => {
  document = await documentOf(here.served.baseUrl);
  // What the views answer is walked in the world of their own specification, reads-openapi.
  operations = operationsOf(document).filter(({ ofView }) => !ofView);
  const ajv = new Ajv2020({ strict: false, validateFormats: false, allErrors: true });
  ajv.addSchema({ $id: 'document', components: document.components });
  const pointed = (schema: JsonSchema): JsonSchema => JSON.parse(JSON.stringify(schema).replaceAll('"#/components', '"document#/components')) as JsonSchema;
  valid = (schema, value) => {
    const check = ajv.compile(pointed(schema));
    return check(value) ? [] : (check.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`);
  };
  await seed();
});

describe('the document', () => {
  it('holds every operation of the office, each said in a sentence, with an example where it takes a body or an id', () => {
    expect(operations.length).toBe(41);
    for (const { id, method, path, body, pathParameters } of operations) {
      expect([id, pathParameters.filter(({ example }) => example === undefined)]).toEqual([id, []]);
      expect([id, body === undefined || body.example !== undefined]).toEqual([id, true]);
      expect([id, body === undefined]).toEqual([id, ['GET', 'DELETE'].includes(method)]);
      const operation = document.paths[path]?.[method.toLowerCase()];
      expect(operation.summary.length).toBeGreaterThan(5);
      const keyed = operation.parameters.some((one: { name: string; required: boolean }) => one.name === 'Idempotency-Key' && one.required);
      expect([id, keyed]).toEqual([id, method !== 'GET']);
    }
  });

  it('names every code of both doors', () => {
    expect(document.components.schemas['Problem']?.['properties'].code.enum.toSorted()).toEqual(Object.keys({ ...MEANINGS, ...CODES }).toSorted());
  });

  it('shows no secret', () => {
    expect(JSON.stringify(document)).not.toMatch(/whsec_[A-Za-z0-9+/]{8}|ck_[A-Za-z0-9_-]{20}/);
  });
});

const ORDER = ['GET', 'PUT', 'PATCH', 'POST', 'DELETE'];

it('each example is taken, and its answer is of the form that is said', async () => {
  const results: [string, number, string[]][] = [];
  /** of those that answer something else than JSON */
  const others = new Map<string, string>();
  for (const { id, method, path, pathParameters, body, answers, types } of operations.toSorted((a, b) => ORDER.indexOf(a.method) - ORDER.indexOf(b.method))) {
    if (body) expect([id, valid(body.schema, body.example)]).toEqual([id, []]);
    const values = Object.fromEntries(pathParameters.map(({ name, example }) => [name, example ?? '']));
    const reply = await here.platform.call(method, pathWith(path, values), { body: body?.example });
    const schema = answers[String(reply.status)];
    const type = String(reply.headers['content-type']);
    if (schema) results.push([id, reply.status, valid(schema, reply.body)]);
    else if (types[String(reply.status)]?.some((one) => type === one || type === `${one}; charset=utf-8`)) others.set(id, reply.body as string);
    else results.push([id, reply.status, [`not described: ${type} ${JSON.stringify(reply.body)}`]]);
  }
  expect(results.filter(([, status, wrong]) => status > 201 || wrong.length > 0)).toEqual([]);
  expect(Object.fromEntries(others)).toEqual({ 'exports.progress': expect.stringMatching(/^event: end\ndata: \{.*"percent":100.*\}\n\n$/), 'exports.file': FILE });
  expect(results).toHaveLength(operations.length - others.size);
});

it('an answer that is not of the form would be found out', () => {
  const wallet = document.components.schemas['Wallet'] as JsonSchema;
  expect(valid(wallet, { currency: 'EUR', balance: '1.00', walletVersion: 1 })).toEqual([]);
  expect(valid(wallet, { currency: 'EUR', balance: 1, walletVersion: 1, more: true })).toHaveLength(2);
});
