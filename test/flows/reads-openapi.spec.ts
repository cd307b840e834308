import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { connect } from '../../libs/postgres/index.ts';
import { PROJECTIONS } from '../../src/installed.ts';
import { asSuperuser, freshDatabase, type TestDatabase } from '../support/cluster.ts';
import { fed } from '../support/feeding.ts';
import { documentOf, operationsOf } from '../support/operations.ts';
import { allRoles, Reader } from '../support/reader.ts';
import { serveHere, type InProcess } from '../support/server.ts';
import { createWorld, type World } from '../support/world.ts';
import { Planter, units } from './reports-ground.ts';

// What /docs says of whatever is read through a view: its examples are asked for, in a world that has them, and the answers are what it promises.

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
  values ('01890000-0000-7000-8000-0000000000b1', $1, 7, substr(encode(sha256('round-1'), 'hex'), 1, 32)::uuid, 'EUR', 'closed', 12500000, 0, 1, 0, 0, 2, 2, 2),
    ('01890000-0000-7000-8000-0000000000b1', $1, 7, substr(encode(sha256('round-2'), 'hex'), 1, 32)::uuid, 'EUR', 'closed', 2500000, 0, 1, 0, 0, 3, 3, 4),
    ('01890000-0000-7000-8000-0000000000b1', $1, 7, substr(encode(sha256('round-3'), 'hex'), 1, 32)::uuid, 'EUR', 'open', 3000000, 0, 1, 0, 0, 5, 5, 5)`;

const REQUEST = 'msg_2KWPBgLlAfxdpx2AI54pPJ85f4W';
/** A call that was refused, and the minute in which it came. */
const CALLS = `
insert into call_log (at, operator_id, call_id, player_id, account_id, status, result, ms, request_key, request_id, code, dialect, operation, method, path, request_headers, request_body,
    request_bytes, answer_headers, answer_body, answer_bytes)
  values (now(), $1, uuidv7(), '01890000-0000-7000-8000-0000000000b1', 7, 402, 'refused', 1.5, substr(encode(sha256('${REQUEST}'), 'hex'), 1, 32)::uuid, '${REQUEST}',
    'INSUFFICIENT_FUNDS', 'native', 'bet', 'POST', '/v1/wallet/bet', '{}', '{}', 2, '{}', '{}', 2);
insert into provider_minute (operator_id, account_id, minute, process, calls, accepted, refused, turned_away, failed, repeated, rollbacks, latency)
  values ($1, 7, date_trunc('minute', now() - interval '1 minute'), uuidv4(), 7, 6, 1, 0, 0, 0, 0, '{0,7,0,0,0,0,0,0,0,0,0}')`;

/** Of the day that the reports' examples name a bet of 2.50, and of today one of 3.00 in a round that stays open. */
async function play(): Promise<void> {
  const client = await connect(database.url('superuser'), { name: 'planter' });
  const planter = await Planter.on(client);
  const bet = { player: '01890000-0000-7000-8000-0000000000b1', operator: world.operators[0] as string, account: 7, kind: 'bet', game: 'harbour-lights' } as const;
  await planter.plant({ ...bet, amount: -units('2.50'), at: '2026-01-31T12:00:00Z', round: 'round-2' }, { ...bet, kind: 'close', at: '2026-01-31T12:00:01Z', round: 'round-2' });
  await planter.plant({ ...bet, amount: -units('3.00'), at: Date.now(), round: 'round-3' });
  await client.end();
  await fed(database, ...PROJECTIONS);
  await asSuperuser(database.url('superuser'), "insert into locked_day (operator_id, day, lanes, batches) values ($1, '2026-01-31', '{}', '{}')", [world.operators[0]]);
}


beforeAll(async () => {
  database = await freshDatabase();
  world = await createWorld(database, { players: { EUR: 1 } });
  const at = new Date(Number.parseInt('019bd6f05d80', 16)).toISOString();
  for (const statement of `${EXAMPLES};\n${CALLS}`.split(';\n')) {
    await asSuperuser(database.url('superuser'), statement.replaceAll('$1', `'${world.operators[0]}'`).replaceAll('$2', `'${at}'`));
  }
  await play();
  served = await serveHere(database, { ...allRoles(database), ROLE: 'office' });
  document = await (await fetch(`${served.baseUrl}/docs/openapi.json`)).json();
});

afterAll(() => served?.close());

/** Every route, and what its example shows. */
const ROUTES: Readonly<Record<string, string>> = {
  '/v1/players/{playerId}/wallets/{currency}/transactions': 'bet-1',
  '/v1/transactions/{transactionId}': 'bet-1',
  '/v1/players/{playerId}/transactions': 'bet-1',
  '/v1/players/{playerId}/rounds/{accountId}/{roundId}': 'bet-1',
  '/v1/rounds': '"roundId":"round-3","gameId":"harbour-lights","currency":"EUR","state":"open","staked":"3.00"',
  '/v1/rounds/open/ages': '"rounds":1,"exposure":"3.00"',
  '/v1/reports/revenue': '"bets":1',
  '/v1/reports/revenue/transactions': '"amount":"-2.50"',
  '/v1/reports/revenue/rounds': '"roundId":"round-2"',
  '/v1/reports/revenue/players': '"turnover":"2.50"',
  '/v1/reports/days': '"day":"2026-01-31"',
  '/v1/reports/dashboard': '"turnover":"3.00"',
  '/v1/players/{playerId}/statement': '"amount":"-2.50"',
  '/v1/players/{playerId}/games': '"turnover":"2.50"',
  '/v1/calls': REQUEST,
  '/v1/calls/{requestId}': REQUEST,
  '/v1/reports/providers/health': '"calls":7',
};

describe('the examples in /docs', () => {
  it('are of every route that is read through a view', async () => {
    const views = operationsOf(await documentOf(served.baseUrl)).filter(({ ofView }) => ofView);
    expect(views.map(({ path }) => path).toSorted()).toEqual(Object.keys(ROUTES).toSorted());
  });

  it.each(Object.entries(ROUTES))('of %s are answered as it says', async (path, shown) => {
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
    expect(JSON.stringify(body)).toContain(shown);
    expect(validate({ ...body, surprise: 1 })).toBe(false);
  });

  it('say of every filter what the service refuses', () => {
    const limit = document.paths['/v1/players/{playerId}/wallets/{currency}/transactions'].get.parameters.find(({ name }: { name: string }) => name === 'limit');
    const allowed = ['0', '1', '-1', '50', '100', '101', '1000000000', 'abc', '1.5'].filter((text) => new RegExp(limit.schema.pattern).test(text));
    expect([allowed, limit.schema.default]).toEqual([['1', '50', '100'], '50']);
  });
});
