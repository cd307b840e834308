import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { Ground, type Seat } from '../../test/support/ground.ts';
import { isFound, wrongOf, type Edit } from '../../test/support/damage.ts';
import { Traffic } from '../../test/faults/traffic.ts';
import { verify } from './verify.ts';

// A world after a mixed load; then one row of it is edited by hand, as a superuser may, and the edit is found and named.

const POLICIES = [
  {}, { winNeeds: 'nothing' }, { winNeeds: 'bet', rounds: 'none' },
  { duplicateAnswer: 'first', winsPerBet: 'one', winAfterClose: 'refuse' },
];
const R4 = 'r4 🎲 "ρ"';
const ground = new Ground({ policies: POLICIES, players: { EUR: 16, JPY: 2 } }, {});
let witness: string;
let superuser: pg.Client;

/**
 * One player whose rows are known by heart. Version 1 is the opening deposit of 100.00, then: 2 b1 −10 in r1 · 3 w1 +4 on b1 ·
 * 4 b2 −5 in r2 · 5 k2 +5 undoes b2 · 6 b3 −1 in r3 · 7 w3 +2 in r3 · 8 r3 closed · 9 j1 +6 · 10 f1 free in R4 · 11 b4 −1 in R4.
 * JavaScript and PostgreSQL count the characters of R4 differently.
 */
async function story(seat: Seat): Promise<void> {
  await seat.bet('b1', '10.00');
  await seat.win('w1', '4.00', { betTransactionId: 'b1' });
  await seat.bet('b2', '5.00', { roundId: 'r2' });
  await seat.rollback('k2', 'b2');
  await seat.bet('b3', '1.00', { roundId: 'r3' });
  await seat.win('w3', '2.00', { roundId: 'r3' });
  await seat.closeRound('r3');
  await seat.win('j1', '6.00', { type: 'jackpot', campaignId: 'grand' });
  await seat.bet('f1', '3.00', { roundId: R4, free: { campaignId: 'spring' } });
  await seat.bet('b4', '1.00', { roundId: R4, gameId: 'game-2' });
  await seat.rollback('k2 again', 'b2');
  await seat.bet('b9', '5000.00');
  await seat.rollback('k9', 'b9');
  await seat.rollback('k8', 'b8');
  await seat.bet('b8', '1.00');
}

async function mixedLoad(): Promise<void> {
  const kinds = new Map<string, number>();
  for (const account of POLICIES.keys()) {
    const traffic = new Traffic(ground.world.players.slice(1), 20_260 + account, `a${account}`);
    const worker = async () => {
      for (let i = 0; i < 60; i++) {
        const { operation, fields } = traffic.next();
        const { status, body } = await ground.provider(account).call(operation, fields);
        const kind = `${status} ${body.code ?? body.status ?? body.state ?? 'ok'}`;
        kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
      }
    };
    await Promise.all(Array.from({ length: 8 }, worker));
  }
  const expected = ['applied', 'replayed', 'tombstoned', 'ignored', 'closed', 'ok'].map((status) => `200 ${status}`);
  expect([...kinds.keys()]).toEqual(expect.arrayContaining([...expected, '409 ROLLED_BACK', '422 INSUFFICIENT_FUNDS']));
  expect([...kinds.keys()].filter((kind) => kind.startsWith('5'))).toEqual([]);
}

beforeAll(async () => {
  await ground.open();
  const seat = ground.seat();
  witness = seat.player.id;
  await story(seat);
  await mixedLoad();
  superuser = new pg.Client(ground.database.url('superuser'));
  await superuser.connect();
});
afterAll(async () => {
  await superuser?.end();
  await ground.close();
});

describe('verify', () => {
  it('finds nothing in what the system wrote, whatever role it reads as', async () => {
    for (const role of ['croupier_worker', 'croupier_money', 'croupier_owner'] as const) {
      expect(wrongOf(await verify(ground.database.url(role)))).toEqual([]);
    }
  });

  it('names each invariant and how much it looked at', async () => {
    const findings = await verify(ground.database.url('croupier_worker'));
    const names = ['I1', 'I2', 'I3', 'I4', 'I4', 'I5', 'I6', 'I8', 'I9', 'I9', 'I11', 'I15', 'I16', 'I17', 'I18', 'I19'];
    expect(findings.map(({ invariant }) => invariant)).toEqual(names);
    const [wallets, entries] = [(await ground.sql('select from wallet')).length, (await ground.sql('select from transaction')).length];
    expect(findings[0]?.looked).toBe(`${wallets} wallets, ${entries} ledger rows`);
  });

  it('sees one moment of it while bets go on', async () => {
    const traffic = new Traffic(ground.world.players.slice(1), 7, 'live');
    let over = false;
    let calls = 0;
    const strands = Array.from({ length: 4 }, async () => {
      for (; !over; calls++) {
        const { operation, fields } = traffic.next();
        await ground.provider().call(operation, fields);
      }
    });
    for (let i = 0; i < 3; i++) expect(wrongOf(await verify(ground.database.url('croupier_worker')))).toEqual([]);
    over = true;
    await Promise.all(strands);
    expect(calls).toBeGreaterThan(20);
  });

  it('says so where there is nothing to read', async () => {
    const elsewhere = ground.database.url('superuser').replace(/[^/]+$/, 'postgres');
    await expect(verify(elsewhere)).rejects.toThrow(/relation "wallet" does not exist/);
  });
});

const RETURNING = 'returning version, transaction_id';
const wallet = (set: string) => `update wallet set ${set} where player_id = $1 returning version`;
const ledger = (version: number, set: string) => `update transaction set ${set} where player_id = $1 and version = ${version} ${RETURNING}`;
const keys = (set: string, which: string) => `update transaction_key set ${set} where player_id = $1 and ${which} ${RETURNING}`;
const key = (version: number, set: string) => keys(set, `version = ${version}`);
const REFUSED = "outcome = 'refused'";
const OF_ROLLBACK = "operation = 'rollback' and outcome";
const keyGone = (which: string) => `delete from transaction_key where player_id = $1 and ${which}`;
const isRound = (name: string) => `player_id = $1 and round = encode(substring(sha256('${name}') for 16), 'hex')::uuid`;
const round = (name: string, set: string) => `update round set ${set} where ${isRound(name)}`;
const lastLane = '(select max(lane) from lane where batch > 0)';

const COLUMNS = ['player_id', 'operator_id', 'account_id', 'currency', 'version', 'at', 'transaction_id', 'kind', 'house', 'amount',
  'balance_after', 'closes_round', 'lane', 'batch', 'reference', 'round', 'game_id', 'undoes', 'bet', 'face', 'campaign', 'award'];
const copyOf = (version: number, instead: Readonly<Record<string, string>>) =>
  `insert into transaction (${COLUMNS.join(', ')}) select ${COLUMNS.map((column) => instead[column] ?? column).join(', ')}
   from transaction where player_id = $1 and version = ${version} ${RETURNING}`;
const SECOND_ROLLBACK = copyOf(5, {
  version: '12', transaction_id: 'uuidv7()', reference: "'k2 by hand'", at: '(select at from wallet where player_id = $1)',
  balance_after: '(select balance + 5000000 from wallet where player_id = $1)',
});
const ANOTHER_OPERATOR = '(select max(o.operator_id::text)::uuid from operator o where o.operator_id <> transaction.operator_id)';

const WALLETS: readonly Edit[] = [
  ['a unit more', wallet('balance = balance + 1'), ['I1', 'I2', 'I6'], /the wallets hold \d+ and owe 0, the house accounts gave \d+ and lent 0/],
  ['one version ahead', wallet('version = version + 1'), ['I5'], /stands at version 12, its newest row is version 11/],
  ['another time', wallet("at = at + interval '1 second'"), ['I6'], /the wallet is of/],
];
const LEDGER: readonly Edit[] = [
  ['an amount', ledger(3, 'amount = amount + 1'), ['I1', 'I2', 'I4', 'I6', 'I9'], /it moves 4000001, its key says 4000000/],
  ['a balance after', ledger(9, 'balance_after = balance_after + 1'), ['I6'],
    /moves 6000000 from a balance of 95000000 and leaves 101000001/],
  ['a balance after below zero', ledger(9, 'balance_after = -1'), ['I3', 'I6'], /leaves a balance of -1/],
  ['a version', ledger(11, 'version = 12'), ['I4', 'I5', 'I9', 'I17'], /its key says version 11/],
  ['a time', ledger(9, "at = at - interval '1 hour'"), ['I6', 'I19'], /the row before of/],
  ['the house account of a jackpot', ledger(9, 'house = 1'), ['I1'], /stands against house account 1 and belongs to 3/],
  ['the kind of a jackpot', ledger(9, "kind = 'win'"), ['I1'], /stands against house account 3 and belongs to 1/],
  ['the bet that a win names', ledger(3, "bet = 'b3'"), ['I4', 'I17'], /names another bet/],
  ['the round of a bet', ledger(2, "round = 'r2'"), ['I4', 'I9'], /names another round/],
  ['the game of a bet', ledger(2, "game_id = 'game-2'"), ['I4'], /the digest of its content is not that of its key/],
  ['the campaign of a free bet', ledger(10, "campaign = 'autumn'"), ['I4'], /digest/],
  ['a reference', ledger(2, "reference = 'b1b'"), ['I4', 'I17'], /no key of operation bet for its reference "b1b"/],
  ['a lane', ledger(2, 'lane = lane + 1'), ['I19'], /lane \d+ has rows and is not there/],
  ['an operator', ledger(2, `operator_id = ${ANOTHER_OPERATOR}`), ['I15'], /a ledger row is of operator/],
  ['what a rollback undoes', ledger(5, 'undoes = (select transaction_id from transaction where player_id = $1 and version = 6)'),
    ['I9', 'I16'], /it moves 5000000 and undoes .* which moved -1000000/],
  ['a close that no longer closes', ledger(8, 'closes_round = false'), ['I17'], /a close of round "r3" does not close it/],
  ['a row gone', 'delete from transaction where player_id = $1 and version = 9', ['I1', 'I2', 'I4', 'I5', 'I6', 'I19'],
    /version 10 comes after version 8/],
  ['a row doubled', copyOf(9, { at: "at + interval '1 microsecond'" }), ['I1', 'I2', 'I5', 'I6', 'I19'], /version 9 stands twice/],
  ['a second rollback of one bet', SECOND_ROLLBACK, ['I1', 'I2', 'I4', 'I5', 'I8', 'I9', 'I16', 'I19'], /it undoes .*, which .* had undone/],
];
const KEYS: readonly Edit[] = [
  ['an applied key gone', keyGone('version = 2'), ['I4', 'I9', 'I17'], /no key of operation bet for its reference "b1"/],
  ['a refused key gone', keyGone(REFUSED), ['I4', 'I11'], /answered INSUFFICIENT_FUNDS under reference "b9", and no key remembers it/],
  ['an ignored key gone', keyGone(`${OF_ROLLBACK} = 'ignored'`), ['I4'], /answered IGNORED under reference "k9", and no key/],
  ["a tombstone's rollback gone", keyGone(`${OF_ROLLBACK} = 'tombstoned'`), ['I11'], /is tombstoned, and the rollback that did it is gone/],
  ['an applied key refused', key(2, "outcome = 'refused', refusal = 'ROUND_CLOSED'"), ['I4', 'I9', 'I11', 'I17'], /its key says refused/],
  ['a refused key applied', keys("outcome = 'applied', refusal = null", REFUSED), ['I4', 'I11'], /is applied, and the ledger has no/],
  ['a refused key with another code', keys("refusal = 'ROUND_CLOSED'", REFUSED), ['I4'], /INSUFFICIENT_FUNDS .* key says ROUND_CLOSED/],
  ['an ignored key with an amount', keys('amount = 5', `${OF_ROLLBACK} = 'ignored'`), ['I11'], /says that it moved 5/],
  ['an amount', key(3, 'amount = amount + 1'), ['I4'], /it moves 4000000, its key says 4000001/],
  ['a digest', key(2, 'digest = uuidv4()'), ['I4'], /the digest of its content is not that of its key/],
  ["a bet's count of wins", key(2, 'wins = 0'), ['I17'], /counts 0 wins on its bet, the ledger 1/],
  ['an undone bet open again', key(4, 'undone_by = null'), ['I4', 'I16'], /the key of what it undoes, .*, says nothing of it/],
  ['a bet undone by nothing', key(2, 'undone_by = uuidv7()'), ['I16'], /is no rollback of it/],
  ['a repeated rollback of nothing', keys('transaction_id = uuidv7()', `${OF_ROLLBACK} = 'repeated'`), ['I4'], /is not in the ledger/],
];
const ROUNDS: readonly Edit[] = [
  ['a stake', round('r1', 'staked = staked - 1'), ['I9'], /round "r1" says staked 9999999, .* its rows say 10000000/],
  ['a win', round('r3', 'won = 0'), ['I9'], /round "r3" says staked 1000000, won 0/],
  ['open again', round('r3', "state = 'open'"), ['I17'], /round "r3" is open.*; by its rows closed/],
  ['closed', round('r1', "state = 'closed'"), ['I17'], /round "r1" is closed.*; by its rows open/],
  ['what settled it', round('r3', 'settlements = null'), ['I17'], /by round \{\}, .*; by its rows closed, .* by round \{7,1\}/],
  ['where it begins', round('r1', 'first_version = first_version + 1'), ['I9'], /round "r1" says that its rows stand between versions 3 and \d+/],
  ['where it ends', round('r1', 'last_version = 2'), ['I9'], /round "r1" says that its rows stand between versions 2 and 2/],
  ['gone', `delete from round where ${isRound('r3')}`, ['I9', 'I17'], /round "r3" has rows and is not there/],
];
const LANES: readonly Edit[] = [
  ['one batch ahead', `update lane set batch = batch + 1 where lane = ${lastLane}`, ['I19'], /and there is no row of batch/],
  ['one batch behind', `update lane set batch = batch - 1 where lane = ${lastLane}`, ['I19'], /and has rows of batch/],
  ['gone', `delete from lane where lane = ${lastLane}`, ['I19'], /has rows and is not there/],
];

const found = (statement: string, invariants: readonly string[], says: RegExp) => isFound(superuser, witness, statement, invariants, says);

describe('an edit by hand is found', () => {
  it.each(WALLETS)('of a wallet: %s', (_, statement, invariants, says) => found(statement, invariants, says));
  it.each(LEDGER)('of the ledger: %s', (_, statement, invariants, says) => found(statement, invariants, says));
  it.each(KEYS)('of the keys: %s', (_, statement, invariants, says) => found(statement, invariants, says));
  it.each(ROUNDS)('of a round: %s', (_, statement, invariants, says) => found(statement, invariants, says));
  it.each(LANES)('of a lane: %s', (_, statement, invariants, says) => found(statement, invariants, says));
});
