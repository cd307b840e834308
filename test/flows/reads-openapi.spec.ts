import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { asSuperuser, freshDatabase, type TestDatabase } from '../support/cluster.ts';
import { allRoles, Reader } from '../support/reader.ts';
import { serveHere, type InProcess } from '../support/server.ts';
import { createWorld, type World } from '../support/world.ts';

// What /docs says of transactions and rounds: its examples are asked for, in a world that has them, and the answers are what it promises.

let database: TestDatabase;
let world: World;
let served: InProcess;
let document: any;

/** The world of the examples: player, account, round and transaction bear the ids that the document names. */
const EXAMPLES = `
insert into provider_account (account_id, operator_id, provider, dialect) overriding system value values (7, $1, 'studio of the examples', 'native');
insert into player (player_id, operator_id, external_id) values ('01890000-0000-7000-8000-0000000000b1', $1, 'anna-1');
insert into wallet (player_id, operator_id, currency, balance, version, at) values ('01890000-0000-7000-8000-0000000000b1', $1, 'EUR', 87500000, 2, $2);
insert into transaction (player_id, operator_id, account_id, currency, version, at, lane, batch, kind, house, closes_round, amount, balance_after, transaction_id, reference, round, game_id)
  values ('01890000-0000-7000-8000-0000000000b1', $1, 1, 'EUR', 1, $2, 7, 0, 'deposit', 4, false, 100000000, 100000000, uuidv7(), 'd-1', null, null),
    ('01890000-0000-7000-8000-0000000000b1', $1, 7, 'EUR', 2, $2, 7, 1, 'bet', 1, true, -12500000, 87500000, '019bd6f0-5d80-7000-8000-0001c0000001', 'bet-1', 'round-1', 'harbour-lights');
insert into transaction_key (player_id, operator_id, account_id, reference, operation, outcome, digest_version, digest, transaction_id, currency, amount, version, round)
  values ('01890000-0000-7000-8000-0000000000b1', $1, 7, substr(encode(sha256('bet-1'), 'hex'), 1, 32)::uuid, 'bet', 'applied', 1, uuidv7(),
    '019bd6f0-5d80-7000-8000-0001c0000001', 'EUR', -12500000, 2, substr(encode(sha256('round-1'), 'hex'), 1, 32)::uuid);
insert into round (player_id, operator_id, account_id, round, currency, state, staked, won, bets, undone, named, last_bet_version, first_version, last_version)
  values ('01890000-0000-7000-8000-0000000000b1', $1, 7, substr(encode(sha256('round-1'), 'hex'), 1, 32)::uuid, 'EUR', 'closed', 12500000, 0, 1, 0, 0, 2, 2, 2)`;

beforeAll(async () => {
  database = await freshDatabase();
  world = await createWorld(database, { players: { EUR: 1 } });
  const at = new Date(Number.parseInt('019bd6f05d80', 16)).toISOString();
  for (const statement of EXAMPLES.split(';\n')) {
    await asSuperuser(database.url('superuser'), statement.replaceAll('$1', `'${world.operators[0]}'`).replaceAll('$2', `'${at}'`));
  }
  served = await serveHere(database, allRoles(database));
  document = await (await fetch(`${served.baseUrl}/docs/openapi.json`)).json();
});

afterAll(() => served?.close());

const ROUTES = [
  '/v1/players/{playerId}/wallets/{currency}/transactions', '/v1/transactions/{transactionId}', '/v1/players/{playerId}/transactions',
  '/v1/players/{playerId}/rounds/{accountId}/{roundId}',
];

describe('the examples in /docs', () => {
  it.each(ROUTES)('of %s are answered as it says', async (path) => {
    const { parameters, responses } = document.paths[path].get;
    const of = (place: string) => parameters.filter((parameter: any) => parameter.in === place && (parameter.required || parameter.schema.example !== undefined));
    const filled = of('path').reduce((text: string, { name: key, schema }: any) => text.replace(`{${key}}`, encodeURIComponent(schema.example)), path);
    const query = new URLSearchParams(of('query').map(({ name: key, schema }: any) => [key, schema.example]));
    const reader = await Reader.of(world.operators[0] as string, database, served.baseUrl);
    const { status, body, headers } = await reader.get(`${filled}?${query}`);
    expect([filled, status, body.code]).toEqual([filled, 200, undefined]);
    for (const header of Object.keys(responses['200'].headers)) expect([header, typeof headers[header]]).toEqual([header, 'string']);
    const ajv = new Ajv2020({ strict: false, validateFormats: false });
    ajv.addSchema({ $id: 'document', components: document.components });
    const schema = JSON.parse(JSON.stringify(responses['200'].content['application/json'].schema).replaceAll('"#/', '"document#/'));
    const validate = ajv.compile({ allOf: [schema], unevaluatedProperties: false });
    expect([validate(body), validate.errors]).toEqual([true, null]);
    expect(JSON.stringify(body)).toContain('bet-1');
    expect(validate({ ...body, surprise: 1 })).toBe(false);
  });

  it('say of every filter what the service refuses', () => {
    const limit = document.paths['/v1/players/{playerId}/wallets/{currency}/transactions'].get.parameters.find(({ name }: { name: string }) => name === 'limit');
    const allowed = ['0', '1', '-1', '50', '100', '101', '1000000000', 'abc', '1.5'].filter((text) => new RegExp(limit.schema.pattern).test(text));
    expect([allowed, limit.schema.default]).toEqual([['1', '50', '100'], '50']);
  });
});
