import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parsePolicy } from '../providers/contract.ts';
import { isRefusal, type Account, type Movement, type Policy } from './contract.ts';
import { decide } from './decide.ts';
import { betOf, rollbackOf, winOf } from './movements.ts';
import { absorb, type PlayerState } from './state.ts';

/**
 * Which bets are settled, after wins and undone wins in any order: what the rounds and keys keep, against a recount from the whole
 * history. Stakes and wins are of one unit; nobody runs out of money.
 */
const PLAYER = '0197f0c0-0000-7000-8000-000000000001';
const OPERATOR = '0197f0c0-0000-7000-8000-00000000000a';

type Step =
  | { readonly do: 'bet'; readonly round: string }
  | { readonly do: 'win'; readonly round: string; readonly names?: number }
  | { readonly do: 'undo'; readonly target: number; readonly what: 'bet' | 'win' };

interface Done {
  readonly id: string;
  readonly kind: 'bet' | 'win';
  readonly round: string;
  /** its place in the player's order */
  readonly order: number;
  /** the bet that a win names and that was there */
  readonly bet?: Done;
  readonly namesOne: boolean;
  undone: boolean;
}

/** The history and what the rules make of it, by looking through all of it each time. */
class Recount {
  readonly done: Done[] = [];

  of(kind: 'bet' | 'win', round?: string): Done[] {
    return this.done.filter((one) => one.kind === kind && (round === undefined || one.round === round));
  }

  settled(bet: Done): boolean {
    return this.of('win').some(
      (win) => !win.undone && (win.bet === bet || (!win.namesOne && win.round === bet.round && win.order > bet.order)),
    );
  }

  named(bet: Done): boolean {
    return this.of('win').some((win) => !win.undone && win.bet === bet);
  }

  whollySettled(round: string): boolean {
    const bets = this.of('bet', round);
    const last = Math.max(0, ...bets.map(({ order }) => order));
    if (this.of('win', round).some((win) => !win.undone && !win.namesOne && win.order > last)) return true;
    const named = bets.filter((bet) => this.named(bet)).length;
    return named > 0 && named === bets.filter((bet) => !bet.undone).length;
  }

  judgeWin(round: string, names: string | undefined, policy: Policy): string {
    const bet = this.of('bet').find(({ id }) => id === names);
    if (bet?.undone) return 'ROLLED_BACK';
    const bets = this.of('bet', round);
    if (!bet) {
      const enough = policy.winNeeds === 'nothing' || (policy.winNeeds === 'round' && names === undefined && bets.length > 0);
      if (!enough) return 'BET_NOT_FOUND';
      if (bets.length > 0 && bets.every(({ undone }) => undone)) return 'ROLLED_BACK';
    }
    if (policy.winsPerBet === 'one' && (bet ? this.settled(bet) : this.whollySettled(round))) return 'BET_ALREADY_SETTLED';
    return 'applied';
  }
}

class Played {
  readonly recount = new Recount();
  readonly state: PlayerState = {
    player: PLAYER, operator: OPERATOR, now: 1_000_000, keys: [], rounds: [], sessions: [],
    wallets: [{ player: PLAYER, currency: 'EUR', balance: 1_000_000n, debt: 0n, version: 1, at: 0, stop: 'none', loadedVersion: 1, loadedDebt: 0n, ctid: '(0,1)' }],
  };
  private readonly account: Account;
  private calls = 0;

  constructor(policy: object) {
    this.account = { accountId: 7, operatorId: OPERATOR, policy: parsePolicy(policy), games: new Map([['g', true]]) };
  }

  step(step: Step): void {
    const id = `x${++this.calls}`;
    const { done } = this.recount;
    if (step.do === 'bet') {
      this.expect(
        betOf(this.account, {
          kind: 'bet',
          reference: id,
          currency: 'EUR',
          amount: 1n,
          free: false,
          game: 'g',
          round: step.round,
          closeRound: false,
        }),
        'applied',
      );
      done.push({ id, kind: 'bet', round: step.round, order: this.version(), namesOne: false, undone: false });
    } else if (step.do === 'win') {
      const bets = this.recount.of('bet');
      // One more than there are: a bet that nobody knows.
      const names = step.names === undefined ? undefined : (bets[step.names % (bets.length + 1)]?.id ?? 'nobody');
      const expected = this.recount.judgeWin(step.round, names, this.account.policy);
      this.expect(
        winOf(this.account, { kind: 'win', reference: id, currency: 'EUR', amount: 1n, game: 'g', round: step.round, bet: names, closeRound: false }),
        expected,
      );
      if (expected !== 'applied') return;
      done.push({
        id,
        kind: 'win',
        round: step.round,
        order: this.version(),
        bet: bets.find((bet) => bet.id === names),
        namesOne: names !== undefined,
        undone: false,
      });
    } else {
      const targets = this.recount.of(step.what);
      const target = targets[step.target % Math.max(1, targets.length)];
      if (!target) return;
      const expected = target.undone
        ? 'replayed'
        : target.kind === 'bet' && this.recount.settled(target)
          ? 'BET_ALREADY_SETTLED'
          : 'applied';
      this.expect(rollbackOf({ reference: id, original: target.id, originalType: target.kind, currency: 'EUR' }), expected);
      if (expected === 'applied') target.undone = true;
    }
  }

  /** The round rows say what the history says. */
  expectRounds(): void {
    const found = this.state.rounds.map(({ bets, undone, named, staked, won }) => ({ bets, undone, named, staked, won }));
    const names = [...new Set(this.recount.done.map(({ round }) => round))];
    expect(found).toEqual(names.map((round) => {
      const bets = this.recount.of('bet', round);
      const inForce = bets.filter(({ undone }) => !undone).length;
      return {
        bets: bets.length,
        undone: bets.length - inForce,
        named: bets.filter((bet) => this.recount.named(bet)).length,
        staked: BigInt(inForce),
        won: BigInt(this.recount.of('win', round).filter(({ undone }) => !undone).length),
      };
    }));
  }

  private version(): number {
    return this.state.wallets[0]?.version ?? 0;
  }

  private expect(movement: Movement, expected: string): void {
    const { answer, draft } = decide(
      this.state,
      { account: this.account, player: PLAYER, movement, deadlineAt: Infinity },
      () => `00000000-0000-7000-8000-${String(this.calls).padStart(12, '0')}`,
    );
    if (draft) absorb(this.state, draft);
    expect(isRefusal(answer) ? answer.refused : (answer as { status: string }).status).toBe(expected);
  }
}

const round = fc.constantFrom('r1', 'r2');
const step: fc.Arbitrary<Step> = fc.oneof(
  { arbitrary: fc.record({ do: fc.constant('bet' as const), round }), weight: 3 },
  { arbitrary: fc.record({ do: fc.constant('win' as const), round }), weight: 3 },
  { arbitrary: fc.record({ do: fc.constant('win' as const), round, names: fc.nat(9) }), weight: 3 },
  {
    arbitrary: fc.record({ do: fc.constant('undo' as const), target: fc.nat(9), what: fc.constantFrom('bet' as const, 'win' as const) }),
    weight: 5,
  },
);

describe.each([
  ['many wins on a bet, one in the round needed', {}],
  ['one win on a bet', { winsPerBet: 'one' }],
  ['no bet needed', { winNeeds: 'nothing' }],
  ['no bet needed, one win on a bet', { winNeeds: 'nothing', winsPerBet: 'one' }],
  ['the bet must be named', { winNeeds: 'bet', winsPerBet: 'one' }],
])('%s', (_, policy) => {
  it('is decided as a recount of the whole history decides', () => {
    fc.assert(fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const played = new Played(policy);
      for (const one of steps) played.step(one);
      played.expectRounds();
    }), { numRuns: 400 });
  });
});

it('without round rows a bet is settled by the wins that name it, and open again when they are undone', () => {
  const played = new Played({ rounds: 'none', winNeeds: 'bet' });
  const steps: Step[] = [
    { do: 'bet', round: 'r1' },
    { do: 'bet', round: 'r1' },
    { do: 'win', round: 'r1', names: 0 },
    { do: 'undo', what: 'bet', target: 0 },
    { do: 'undo', what: 'bet', target: 1 },
    { do: 'undo', what: 'win', target: 0 },
    { do: 'undo', what: 'bet', target: 0 },
  ];
  for (const one of steps) played.step(one);
  expect(played.state.rounds).toEqual([]);
});

it('three wins that name no bet, undone from the middle: each bet stays settled as long as one after it is in force', () => {
  const played = new Played({});
  const bet: Step = { do: 'bet', round: 'r1' };
  const win: Step = { do: 'win', round: 'r1' };
  for (const one of [bet, win, win, bet, win]) played.step(one);
  for (const target of [1, 0]) played.step({ do: 'undo', what: 'win', target }); // the third still settles both bets
  for (const target of [0, 1]) played.step({ do: 'undo', what: 'bet', target }); // refused, as the recount says
  played.step({ do: 'undo', what: 'win', target: 2 });
  for (const target of [0, 1]) played.step({ do: 'undo', what: 'bet', target });
  expect(played.recount.of('bet').map(({ undone }) => undone)).toEqual([true, true]);
});
