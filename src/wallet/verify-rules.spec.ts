import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { isFound, wrongOf, type Edit } from '../../test/support/damage.ts';
import { laneGround, LaneSeat } from '../../test/support/lanes.ts';
import { verify } from './verify.ts';

// What `verify` sees of debts, awards, adjustments, reversals, cancelled rounds, totals, and references unique across players.
const here = laneGround([{ rollbackAfterWin: 'reverse', freeRounds: 'total', idScope: 'global', roundScope: 'game', deadlineMs: 10_000 }, { deadlineMs: 10_000 }], 4);
let witness: string;
let superuser: pg.Client;

/**
 * Version 1 is the opening deposit of 100, then: 2 b1 −10 · 3 w1 +30 on b1 · 4 and 5 w1 and b1 undone as one (k1) · 6 j1 +50 ·
 * 7 b2 −140 in r2 · 8 j1 undone (k2): −10, owes 40 · 9 a1 −20: owes 20 · 10 a1 undone (k3): forgiven · 11 b2 given back by ·
 * 12 r2 cancelled · 13 t1 +30 for campaign 7 · 14 b4 −1 in r4 · 15 r4 closed. Then r9 is cancelled (16) that nobody has seen.
 * At another account campaign 9 is paid round by round: 17 f1 +5 and 18 f2 +6, and 19 t2 +7 is the total of campaign 8.
 */
async function story(): Promise<void> {
  const seat = here.seat();
  witness = seat.player;
  const said = [
    await seat.bet('b1', 10), await seat.win('w1', 30, { bet: 'b1' }), await seat.rollback('k1', 'b1'), await seat.win('j1', 50, { award: 'jackpot' }),
    await seat.bet('b2', 140, { round: 'r2' }), await seat.rollback('k2', 'j1'), await seat.adjust('a1', -20, { round: 'r2', game: 'game-1' }),
    await seat.rollback('k3', 'a1', { originalType: 'adjustment' }), await seat.cancel('r2', 'game-1'), await seat.total('t1', 30, '7'),
    await seat.bet('b4', 1, { round: 'r4' }), await seat.close('r4', 'game-1'), await seat.cancel('r9', 'game-1'), await seat.rollback('k8', 'late'),
    await seat.bet('b9', 5_000, { round: 'r4', game: 'game-2' }),
  ];
  expect(said.filter((answer) => /^(applied|cancelled|closed)/.test(answer)).length).toBe(13);
  const each = new LaneSeat(here.one, here.account(1), witness);
  const rounds = { campaign: '9', award: 'free_rounds' } as const;
  expect([await each.win('f1', 5, rounds), await each.win('f2', 6, rounds), await each.total('t2', 7, '8')]).toEqual(['applied 174', 'applied 180', 'applied 187']);
  const other = here.seat();
  await other.bet('theirs', 1);
}

beforeAll(async () => {
  await story();
  superuser = new pg.Client(here.database.url('superuser'));
  await superuser.connect();
});
afterAll(async () => superuser?.end());

const RETURNING = 'returning version, transaction_id';
const ledger = (version: number, set: string) => `update transaction set ${set} where player_id = $1 and version = ${version} ${RETURNING}`;
const key = (which: string, set: string) => `update transaction_key set ${set} where player_id = $1 and ${which} ${RETURNING}`;
const both = (one: string, other: string) => `encode(substring(sha256(convert_to('${one}', 'UTF8') || '\\x00'::bytea || convert_to('${other}', 'UTF8')) for 16), 'hex')::uuid`;
const round = (name: string, set: string) => `update round set ${set} where player_id = $1 and round = ${both(name, 'game-1')}`;
const hash = (text: string) => `encode(substring(sha256('${text}') for 16), 'hex')::uuid`;
const reference = (text: string) => `reference = ${hash(text)}`;
const campaign = (name: string) => `operation = 'award' and reference = ${both('campaign', name)}`;
const NO_DIGEST = '00000000-0000-0000-0000-000000000000';

const DEBTS: readonly Edit[] = [
  ['of a wallet', 'update wallet set debt = debt + 1 where player_id = $1 returning version', ['I1', 'I18'], /the debt is 40000001, its rows sum up to 40000000/],
  ['of a row', ledger(8, 'debt = 39000000'), ['I1', 'I4', 'I16', 'I18'], /it moves -10000000 and owes 39000000 and undoes .*, which moved 50000000/],
  ['of a row, forgotten', ledger(9, 'debt = null'), ['I1', 'I4', 'I16', 'I18'], /it owes 0, its key says 20000000/],
  ['of a row and its wallet alike', `with w as (update wallet set debt = debt + 1 where player_id = $1) ${ledger(8, 'debt = debt + 1')}`, ['I4', 'I16'],
    /it moves -10000000 and owes 40000001/],
  ['that was forgiven before there was one', ledger(10, 'debt = -70000000'), ['I1', 'I3', 'I4', 'I16', 'I18'], /it leaves a debt of -10000000/],
  ['of the key of what was undone', key(`${reference('j1')} and operation = 'win'`, 'undone_debt = 1'), ['I16'], /says a debt of 1/],
  ['owed beside a balance', ledger(8, 'balance_after = 5'), ['I6', 'I16'], /it owes 40000000 and leaves a balance of 5/],
];
const MOVES: readonly Edit[] = [
  ['an adjustment’s amount', ledger(9, 'amount = amount - 1'), ['I1', 'I2', 'I4', 'I6', 'I16'], /it moves -1, its key says 0/],
  ['an adjustment’s round', ledger(9, "round = 'r4'"), ['I4'], /the digest of its content is not that of its key/],
  ['an adjustment as a win', ledger(9, "kind = 'win'"), ['I4'], /no key of operation win for its reference "a1"/],
  ['an adjustment that stands against another house', ledger(9, 'house = 4'), ['I1', 'I16'], /stands against house account 4 and belongs to 1/],
  ['a reversal’s row that belongs to nothing', ledger(4, 'batch = batch + 1000'), ['I4', 'I19'], /a rollback has no reference and is part of no larger one/],
  ['a reversal that undoes something else', ledger(4, 'undoes = (select transaction_id from transaction where player_id = $1 and version = 7)'),
    ['I8', 'I9', 'I16', 'I17'], /it moves -30000000 and undoes .*, which moved -140000000/],
  ['a total’s campaign', ledger(13, "campaign = '8'"), ['I4'], /the key of a award stands for a transaction of reference "t1"/],
  ['a campaign’s key that stands for another total', key(campaign('7'), `original = ${hash('t9')}`), ['I4'], /stands for a transaction of reference "t1"/],
  ['a campaign paid round by round as one of a total', key(campaign('9'), "digest = 'abcdef00-0000-0000-0000-000000000000'"), ['I4'],
    /it pays campaign "9" round by round, which is paid as a total, once/],
  ['a campaign of a total as one paid round by round', key(campaign('8'), `digest = '${NO_DIGEST}'`), ['I4'], /the key of a award stands for a transaction of reference "t2"/],
  ['a campaign’s total paid again', `with k as (update transaction_key set transaction_id = (select transaction_id from transaction where player_id = $1 and version = 18)
    where player_id = $1 and ${campaign('8')}) select version, transaction_id from transaction where player_id = $1 and version = 19`, ['I4'],
    /it pays campaign "8" as a total, which is paid as a total, once/],
  ['an award’s own key gone', `delete from transaction_key where player_id = $1 and operation = 'award' and ${reference('t1')} ${RETURNING}`, ['I4'],
    /no key of operation win for its reference "t1"/],
];
const ROUNDS: readonly Edit[] = [
  ['cancelled, and open again', round('r2', "state = 'open'"), ['I17'], /round "r2" is open.*; by its rows cancelled/],
  ['cancelled, and only closed', round('r2', "state = 'closed'"), ['I17'], /round "r2" is closed.*; by its rows cancelled/],
  ['told apart by its game, open again', round('r4', "state = 'open'"), ['I17'], /round "r4" is open.*; by its rows closed/],
  ['told apart by its game, ending too early', round('r4', 'last_version = 14'), ['I9'], /round "r4" says that its rows stand between versions 14 and 14/],
  ['never seen and open again', round('r9', "state = 'open'"), ['I17'], /round "r9" is open.*; by its rows cancelled/],
  ['never seen, with totals', round('r9', 'won = 5'), ['I9'], /was cancelled before it began, and has totals/],
  ['never seen and gone', `delete from round where player_id = $1 and round = ${both('r9', 'game-1')}`, ['I17'], /it cancels round "r9", which is not there/],
  ['whose cancelling lost its row', "update transaction set kind = 'close', closes_round = true where player_id = $1 and version = 16 returning version, transaction_id",
    ['I9', 'I17'], /round "r9" is cancelled.*; by its rows closed/],
];
const REFERENCES: readonly Edit[] = [
  ['held by another player', `update global_reference set player_id = (select player_id from global_reference where ${reference('theirs')}) where player_id = $1 and ${reference('b1')}`,
    ['I4'], /its reference is held by a bet of player/],
  ['held as another operation', `update global_reference set operation = 'win' where player_id = $1 and ${reference('b1')}`, ['I4'], /its reference is held by a win of player/],
  ['held by nobody', `delete from global_reference where player_id = $1 and ${reference('w1')}`, ['I4'], /nobody holds the reference of a win/],
  ['what a tombstone holds, by another player',
    `update global_reference set player_id = (select player_id from global_reference where ${reference('theirs')}) where player_id = $1 and ${reference('late')}`,
    ['I4'], /its reference is held by a bet of player/],
  ['of another operator', `update global_reference set operator_id = (select o.operator_id from operator o where o.operator_id <> global_reference.operator_id limit 1)
    where player_id = $1 and ${reference('b1')}`, ['I15'], /a global reference is of operator/],
];
const found = (statement: string, invariants: readonly string[], says: RegExp) => isFound(superuser, witness, statement, invariants, says);

it('nothing is wrong in what the system wrote, and what it looked at is named', async () => {
  const findings = await verify(here.database.url('croupier_worker'));
  expect(wrongOf(findings)).toEqual([]);
  expect(findings.find(({ says }) => says.startsWith('a reference that is unique'))?.looked).toMatch(/^14 global references, \d+ keys$/);
});

describe('an edit by hand is found', () => {
  it.each(DEBTS)('of a debt: %s', (_, statement, invariants, says) => found(statement, invariants, says));
  it.each(MOVES)('of %s', (_, statement, invariants, says) => found(statement, invariants, says));
  it.each(ROUNDS)('of a round %s', (_, statement, invariants, says) => found(statement, invariants, says));
  it.each(REFERENCES)('of a reference: %s', (_, statement, invariants, says) => found(statement, invariants, says));
});
