import { describe, expect, it } from '@jest/globals';
import { parsePolicy } from '../providers/contract.ts';
import type { BetRequest, WinRequest } from './commands.ts';
import { isRefusal, type Account, type Call, type Movement, type Receipt } from './contract.ts';
import { decide, type Decision } from './decide.ts';
import { betOf, closeOf, depositOf, playOf, rollbackOf, statusOf, winOf } from './movements.ts';
import { HOUSE } from './posting.ts';
import { absorb, type PlayerState } from './state.ts';

/** `decide` by itself, for what no wire shows. One player with 100 units at version 1; the clock stands at 1,000,000. */
const PLAYER = '0197f0c0-0000-7000-8000-000000000001';
const OPERATOR = '0197f0c0-0000-7000-8000-00000000000a';
const account: Account = { accountId: 7, operatorId: OPERATOR, policy: parsePolicy({}), games: new Map([['g', true]]) };

function stateWith({ balance = 100n, now = 1_000_000, at = 999_999 } = {}): PlayerState {
  const wallet = { player: PLAYER, currency: 'EUR', balance, debt: 0n, version: 1, at, stop: 'none', loadedVersion: 1, loadedDebt: 0n, ctid: '(0,1)' } as const;
  return { player: PLAYER, operator: OPERATOR, now, wallets: [wallet], keys: [], rounds: [], sessions: [] };
}

const bet = (reference: string, amount: bigint, more: Partial<BetRequest> = {}) =>
  betOf(account, { kind: 'bet', reference, currency: 'EUR', amount, free: false, game: 'g', round: 'r', closeRound: false, ...more });
const win = (reference: string, amount: bigint, more: Partial<WinRequest> = {}) =>
  winOf(account, { kind: 'win', reference, currency: 'EUR', amount, game: 'g', round: 'r', closeRound: false, ...more });
const rollback = (reference: string, original: string, more: object = {}) => rollbackOf({ reference, original, currency: 'EUR', ...more });

function ids() {
  let n = 0;
  return (at: number) => {
    const time = at.toString(16).padStart(12, '0');
    return `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-${(n++).toString(16).padStart(12, '0')}`;
  };
}

const callOf = (movement: Movement): Call => ({ account, player: PLAYER, movement, deadlineAt: Infinity });

/** One after the other on one state, as a batch runs them. */
function run(state: PlayerState, ...movements: Movement[]): Decision[] {
  const nextId = ids();
  return movements.map((movement) => {
    const decision = decide(state, callOf(movement), nextId);
    if (decision.draft) absorb(state, decision.draft);
    return decision;
  });
}

const said = ({ answer }: Decision): string => (isRefusal(answer) ? answer.refused : ((answer as Receipt).status ?? 'ok'));
const entriesOf = (decisions: Decision[]) => decisions.flatMap(({ draft }) => draft?.entries ?? []);
const verdictsOf = (decisions: Decision[]) =>
  decisions.flatMap(({ draft }) => draft?.verdicts.map(({ operation, code, reference }) => [operation, code, reference]) ?? []);

function freeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    Object.values(value).forEach(freeze);
  }
  return value;
}

describe('a decision', () => {
  it('changes nothing but its draft: the same state gives the same answer, until the draft is absorbed', () => {
    const state = stateWith();
    run(state, bet('b0', 10n));
    freeze([...state.wallets, ...state.keys, ...state.rounds]);
    const before = structuredClone(state);
    const movements = [
      bet('b1', 10n),
      bet('b1', 1_000n),
      win('w1', 5n),
      rollback('k1', 'b0'),
      rollback('k2', 'nothing'),
      closeOf('r', 'EUR'),
      depositOf({ reference: 'd1', currency: 'EUR', amount: 5n }),
      statusOf('bet', 'b0', 'EUR'),
      playOf(account, { currency: 'EUR', round: 'r', closeRound: true, actions: [] }),
    ];
    for (const movement of movements) {
      const [first, second] = [decide(state, callOf(movement), ids()), decide(state, callOf(movement), ids())];
      expect(first.answer).toEqual(second.answer);
      for (const part of ['wallets', 'keys', 'rounds', 'entries', 'verdicts'] as const)
        expect(first.draft?.[part]).toEqual(second.draft?.[part]);
      expect(state).toEqual(before);
    }
  });

  it('on nobody is PLAYER_NOT_FOUND and leaves nothing', () => {
    expect(decide(undefined, callOf(bet('b1', 1n)), ids())).toEqual({ answer: { refused: 'PLAYER_NOT_FOUND', replayed: false } });
  });

  it('writes one row a transfer: versions without a gap, balances that follow from each other', () => {
    const state = stateWith();
    const decisions = run(
      state,
      bet('b1', 30n),
      bet('b2', 71n),
      win('w1', 50n),
      rollback('k1', 'w1'),
      win('w2', 0n),
      closeOf('r', 'EUR'),
      depositOf({ reference: 'd1', currency: 'EUR', amount: 7n }),
      bet('f', 9n, { free: true, round: 'r2' }),
    );
    const rows = entriesOf(decisions).map(({ version, kind, house, amount, balanceAfter, closesRound }) => [
      version, kind, house, amount, balanceAfter, closesRound,
    ]);
    expect(rows).toEqual([
      [2, 'bet', HOUSE.game, -30n, 70n, false],
      [3, 'win', HOUSE.game, 50n, 120n, false],
      [4, 'rollback', HOUSE.game, -50n, 70n, false],
      [5, 'win', HOUSE.game, 0n, 70n, false],
      [6, 'close', HOUSE.game, 0n, 70n, true],
      [7, 'deposit', HOUSE.cashier, 7n, 77n, false],
      [8, 'bet', HOUSE.game, 0n, 77n, false],
    ]);
    expect(state.wallets[0]).toMatchObject({ balance: 77n, version: 8, loadedVersion: 1, ctid: '(0,1)' });
  });

  it('books an award and its rollback on the house that pays it', () => {
    const decisions = run(
      stateWith(),
      win('j', 5n, { award: 'jackpot' }),
      win('t', 5n, { award: 'tournament' }),
      win('f', 5n, { award: 'free_rounds' }),
      rollback('k1', 'j'),
      rollback('k2', 't'),
    );
    expect(entriesOf(decisions).map(({ kind, house }) => [kind, house])).toEqual([
      ['promo_win', HOUSE.jackpot], ['promo_win', HOUSE.promotion], ['promo_win', HOUSE.promotion], ['rollback', HOUSE.jackpot],
      ['rollback', HOUSE.promotion],
    ]);
  });
});

describe('time', () => {
  it('of a wallet never goes back, though the database’s clock did', () => {
    const state = stateWith({ now: 1_000_000, at: 1_000_500 });
    const [first] = run(state, bet('b1', 1n));
    expect(entriesOf([first as Decision])[0]?.at).toBe(1_000_500);
    expect((first?.answer as Receipt).at).toBe(1_000_500);
    expect(state.wallets[0]?.at).toBe(1_000_500);
  });

  it('is the database’s otherwise, and a replay tells the first one’s', () => {
    const state = stateWith();
    const [first] = run(state, bet('b1', 1n));
    const later: PlayerState = { ...state, now: 2_000_000 };
    const [again, next] = run(later, bet('b1', 1n), bet('b2', 1n));
    expect([first, again, next].map((decision) => (decision?.answer as Receipt).at)).toEqual([1_000_000, 1_000_000, 2_000_000]);
    expect((again?.answer as Receipt).transactionId).toBe((first?.answer as Receipt).transactionId);
  });
});

describe('what is noted beside the ledger', () => {
  it('is each refusal that was decided anew and each tombstone; neither a replay nor what was applied', () => {
    const decisions = run(
      stateWith(),
      bet('b1', 500n),
      bet('b1', 500n),
      bet('b2', 10n),
      bet('b2', 10n),
      bet('b2', 11n),
      rollback('k1', 'x'),
      rollback('k1', 'x'),
      bet('x', 1n),
      rollback('k2', 'b1'),
      win('w1', 1n, { round: 'other' }),
      win('w1', 1n, { round: 'other' }),
    );
    expect(verdictsOf(decisions)).toEqual([
      ['bet', 'INSUFFICIENT_FUNDS', 'b1'],
      ['bet', 'TRANSACTION_CONFLICT', 'b2'],
      ['rollback', 'TOMBSTONED', 'x'],
      ['bet', 'ROLLED_BACK', 'x'],
      ['rollback', 'IGNORED', 'k2'],
      ['win', 'BET_NOT_FOUND', 'w1'],
      ['win', 'BET_NOT_FOUND', 'w1'],
    ]);
  });

  it('is no key for anything that is not remembered', () => {
    const state = stateWith();
    run(
      state,
      win('w1', 1n, { round: 'other' }),
      rollback('k1', 'x', { currency: 'JPY' }),
      closeOf('r', 'JPY'),
      statusOf('bet', 'b', 'EUR'),
    );
    expect(state.keys).toEqual([]);
    run(state, bet('b1', 500n), rollback('k1', 'x'), rollback('k2', 'y', { originalType: 'win' }));
    expect(state.keys.map(({ operation, outcome }) => `${operation} ${outcome}`)).toEqual([
      'bet refused', 'rollback tombstoned', 'bet tombstoned', 'win tombstoned', 'award tombstoned', 'rollback tombstoned', 'win tombstoned',
    ]);
  });
});

describe('a play', () => {
  const play = (closeRound: boolean, ...actions: (BetRequest | WinRequest)[]) =>
    playOf(account, { currency: 'EUR', round: 'r', closeRound, actions });
  const stake = (reference: string, amount: bigint): BetRequest => ({
    kind: 'bet',
    reference,
    currency: 'EUR',
    amount,
    free: false,
    game: 'g',
    round: 'r',
    closeRound: false,
  });
  const payout = (reference: string, amount: bigint): WinRequest => ({
    kind: 'win',
    reference,
    currency: 'EUR',
    amount,
    game: 'g',
    round: 'r',
    closeRound: false,
  });

  it('that is refused at its last action leaves refused keys of its bets, a note each, and nothing else', () => {
    const [decision] = run(stateWith(), play(true, stake('b1', 60n), payout('w1', 5n), stake('b2', 46n)));
    expect(decision?.answer).toMatchObject({ refused: 'INSUFFICIENT_FUNDS', actionIndex: 2, wallet: { balance: 100n, version: 1 } });
    expect(decision?.draft).toMatchObject({ entries: [], wallets: [], rounds: [] });
    expect(decision?.draft?.keys.map(({ operation, outcome, refusal }) => [operation, outcome, refusal])).toEqual([
      ['bet', 'refused', 'INSUFFICIENT_FUNDS'], ['bet', 'refused', 'INSUFFICIENT_FUNDS'],
    ]);
    expect(
      verdictsOf([decision as Decision])
        .map(([, code, reference]) => [code, reference])
        .sort(),
    ).toEqual([
      ['INSUFFICIENT_FUNDS', 'b1'],
      ['INSUFFICIENT_FUNDS', 'b2'],
    ]);
  });

  it('leaves what was known before it as it was', () => {
    const state = stateWith();
    const decisions = run(state, bet('b1', 60n), play(true, stake('b1', 60n), payout('w1', 5n), stake('b2', 46n)), bet('b1', 60n));
    expect(decisions.map(said)).toEqual(['applied', 'INSUFFICIENT_FUNDS', 'replayed']);
    expect(state.rounds).toMatchObject([{ bets: 1, staked: 60n, won: 0n, state: 'open' }]);
  });

  it('closes its round with its last new row, and only then', () => {
    const decisions = run(
      stateWith(),
      play(false, stake('b1', 1n)),
      play(true, stake('b1', 1n), payout('w1', 5n), stake('b2', 1n)),
      play(true, stake('b1', 1n)),
    );
    expect(entriesOf(decisions).map(({ reference, closesRound }) => [reference, closesRound])).toEqual([
      ['b1', false],
      ['w1', false],
      ['b2', true],
    ]);
  });
});
