import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { sequenceOf } from './commands.ts';
import { ALL, openGround, type Ground } from './ground.ts';
import { runProperty } from './runs.ts';
import { walk } from './walk.ts';

/** answers that a run of the full size must have seen, or it proves less than it says */
const SITUATIONS = {
  bet: `applied replayed AMOUNT_INVALID CURRENCY_MISMATCH GAME_NOT_FOUND INSUFFICIENT_FUNDS PLAYER_BLOCKED PLAYER_NOT_FOUND
    ROLLED_BACK ROUND_CLOSED SESSION_EXPIRED SESSION_NOT_FOUND TRANSACTION_CONFLICT`,
  win: `applied replayed AMOUNT_INVALID BET_ALREADY_SETTLED BET_NOT_FOUND CURRENCY_MISMATCH PLAYER_NOT_FOUND ROLLED_BACK ROUND_CLOSED
    TRANSACTION_CONFLICT`,
  rollback: `applied replayed tombstoned ignored AMOUNT_INVALID BET_ALREADY_SETTLED CURRENCY_MISMATCH INSUFFICIENT_FUNDS
    PLAYER_NOT_FOUND ROUND_CLOSED TRANSACTION_CONFLICT`,
  play: `answered AMOUNT_INVALID BET_ALREADY_SETTLED BET_NOT_FOUND CURRENCY_MISMATCH GAME_NOT_FOUND INSUFFICIENT_FUNDS PLAYER_BLOCKED
    PLAYER_NOT_FOUND ROLLED_BACK ROUND_CLOSED SESSION_EXPIRED SESSION_NOT_FOUND TRANSACTION_CONFLICT`,
  adjust: 'applied replayed AMOUNT_INVALID CURRENCY_MISMATCH INSUFFICIENT_FUNDS PLAYER_NOT_FOUND TRANSACTION_CONFLICT',
  'close-round': 'closed cancelled unknown CURRENCY_MISMATCH PLAYER_NOT_FOUND',
  'cancel-round': 'cancelled unknown CURRENCY_MISMATCH PLAYER_NOT_FOUND ROUND_CLOSED',
  status: 'replayed refused unknown CURRENCY_MISMATCH PLAYER_NOT_FOUND',
  balance: 'answered CURRENCY_MISMATCH PLAYER_NOT_FOUND',
};

describe('the running system and the model of its rules', () => {
  let ground: Ground;
  beforeAll(async () => {
    ground = await openGround();
  });
  afterAll(() => ground?.close());

  it('give the same answers and end in the same books', async () => {
    const sequences = sequenceOf(ALL, { minLength: 5, maxLength: 25 });
    const property = fc.asyncProperty(sequences, (sequence) => walk(ground, sequence));
    const { isWhole } = await runProperty('sequences', property, { runs: 1_600, strands: 16 });
    if (!isWhole) return;
    const wanted = Object.entries(SITUATIONS)
      .flatMap(([operation, answers]) => answers.split(/\s+/).map((answer) => `${operation} ${answer}`));
    expect(wanted.filter((situation) => !ground.situations.has(situation))).toEqual([]);
  }, 600_000);

  it('and no invariant is broken in them', async () => {
    expect(await ground.wrong()).toEqual([]);
  }, 120_000);
});
