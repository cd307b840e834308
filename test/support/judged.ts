/** One player before the rules alone: no wire, no database. Answers in few words, `applied 90` or a code with the balance. */
import { parsePolicy, type PolicyFields } from '../../src/providers/contract.ts';
import type { AdjustRequest, BetRequest, RollbackRequest, WinRequest } from '../../src/wallet/commands.ts';
import { isRefusal, type Account, type Movement, type Receipt, type RoundReceipt } from '../../src/wallet/contract.ts';
import { decide, type Decision } from '../../src/wallet/decide.ts';
import {
  adjustmentOf, betOf, cancelOf, closeOf, depositOf, playOf, rollbackOf, roundKeyOf, winOf, withdrawalOf,
} from '../../src/wallet/movements.ts';
import { absorb, type Entry, type PlayerState, type Session, type Wallet } from '../../src/wallet/state.ts';

export const PLAYER = '0197f0c0-0000-7000-8000-000000000001';
const OPERATOR = '0197f0c0-0000-7000-8000-00000000000a';
export type Action = Parameters<typeof playOf>[1]['actions'][number];

const bet = (reference: string, amount: bigint, more: Partial<BetRequest> = {}): BetRequest =>
  ({ kind: 'bet', reference, currency: 'EUR', amount, free: false, game: 'g', round: 'r', closeRound: false, ...more });
const win = (reference: string, amount: bigint, more: Partial<WinRequest> = {}): WinRequest =>
  ({ kind: 'win', reference, currency: 'EUR', amount, game: 'g', round: 'r', closeRound: false, ...more });
const rollback = (reference: string, original: string, more: Partial<RollbackRequest> = {}): Action =>
  ({ reference, original, ...more, kind: 'rollback' });
/** What an award is that names neither game nor round. */
export const ALONE = { game: undefined, round: undefined } as unknown as Partial<WinRequest>;
export const asked = { bet, win, rollback };

/** Starts with 100 in EUR and 100 in JPY, each at version 1; the clock stands at 1,000,000. */
export class Judged {
  readonly account: Account;
  readonly state: PlayerState;
  readonly entries: Entry[] = [];
  last!: Decision;
  private ids = 0;

  constructor(policy: PolicyFields = {}, more: Partial<PlayerState> = {}) {
    this.account = { accountId: 7, operatorId: OPERATOR, policy: parsePolicy(policy), games: new Map([['g', true], ['h', true]]) };
    const wallet = (currency: string): Wallet =>
      ({ player: PLAYER, currency, balance: 100n, debt: 0n, version: 1, at: 0, stop: 'none', loadedVersion: 1, loadedDebt: 0n, ctid: '(0,1)' });
    this.state = { player: PLAYER, operator: OPERATOR, now: 1_000_000, wallets: [wallet('EUR'), wallet('JPY')], keys: [], rounds: [], sessions: [], ...more };
  }

  static session(hash: string, more: Partial<Session> = {}): Session {
    return { hash, player: PLAYER, account: 7, currency: 'EUR', standing: 'live', slides: false, ...more };
  }

  bet = (...of: Parameters<typeof bet>): string => this.say(betOf(this.account, bet(...of)));
  win = (...of: Parameters<typeof win>): string => this.say(winOf(this.account, win(...of)));
  rollback = (reference: string, original: string, more: Partial<RollbackRequest> = {}, otherwise?: string): string =>
    this.say(rollbackOf({ reference, original, ...more }, otherwise));
  adjust = (reference: string, amount: bigint, more: Partial<AdjustRequest> = {}): string =>
    this.say(adjustmentOf(this.account, { reference, currency: 'EUR', amount, ...more }));
  deposit = (reference: string, amount: bigint): string => this.say(depositOf({ reference, currency: 'EUR', amount }));
  withdraw = (reference: string, amount: bigint): string => this.say(withdrawalOf({ reference, currency: 'EUR', amount }));
  close = (round = 'r', game?: string): string => this.say(closeOf(round, 'EUR', roundKeyOf(this.account, round, game), game));
  cancel = (round = 'r', game?: string): string => this.say(cancelOf(this.account, round, 'EUR', game));
  play = (actions: readonly Action[], closeRound = false, game?: string): string =>
    this.say(playOf(this.account, { currency: 'EUR', round: 'r', closeRound, actions, ...(game !== undefined && { game }) }));
  /** With the session whose token's hash this is. */
  betIn = (hash: string, reference: string, amount: bigint): string => this.say({ ...betOf(this.account, bet(reference, amount)), session: hash });

  get receipt(): Receipt {
    return this.last.answer as Receipt;
  }

  /** `90`, and `90 owes 5` where there is a debt. */
  get holds(): string {
    const { balance, debt } = this.state.wallets[0] as Wallet;
    return debt === 0n ? `${balance}` : `${balance} owes ${debt}`;
  }

  /** Kind, amount and debt of the rows since the last look. */
  rows(): string[] {
    return this.entries.splice(0).map(({ kind, amount, debt }) => `${kind} ${amount}${debt === undefined ? '' : ` owes ${debt}`}`);
  }

  private say(movement: Movement): string {
    const call = { account: this.account, player: PLAYER, movement, deadlineAt: Infinity };
    const nextId = (at: number) => {
      const time = at.toString(16).padStart(12, '0');
      return `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-${(this.ids++).toString(16).padStart(12, '0')}`;
    };
    this.last = decide(this.state, call, nextId);
    const { answer, draft } = this.last;
    if (draft) absorb(this.state, draft);
    this.entries.push(...(draft?.entries ?? []));
    if (isRefusal(answer)) return `${answer.refused}${answer.actionIndex === undefined ? '' : ` [${answer.actionIndex}]`} ${answer.wallet?.balance ?? '-'}`;
    if ('receipts' in answer) return `${(answer).receipts.map(({ status }) => status).join(',')} ${answer.balance}`;
    return `${(answer as RoundReceipt).state ?? (answer as Receipt).status} ${answer.balance}`;
  }
}
