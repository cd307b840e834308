/** A world of which the lanes are asked directly, as two processes have them: what no dialect says yet, and races on purpose. */
import { afterAll, beforeAll } from '@jest/globals';
import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import { parsePolicy, type PolicyFields } from '../../src/providers/contract.ts';
import type { AdjustRequest, BetRequest, PlayRequest, RollbackRequest, WinRequest } from '../../src/wallet/commands.ts';
import { Fault, isRefusal, type Account, type Answered, type Movement, type PlayReceipt, type Receipt, type RoundReceipt } from '../../src/wallet/contract.ts';
import { Lanes } from '../../src/wallet/lane.ts';
import {
  adjustmentOf, betOf, cancelOf, closeOf, depositOf, playOf, rollbackOf, roundKeyOf, winOf, withdrawalOf,
} from '../../src/wallet/movements.ts';
import { asSuperuser, freshDatabase, type TestDatabase } from './cluster.ts';
import { createWorld, type World } from './world.ts';

/** `applied 90`, or a code with the balance; whole units of EUR. */
export const said = ({ answer }: Answered<object>): string => {
  const units = (amount: bigint | undefined) => (amount === undefined ? '-' : String(amount / 1_000_000n));
  if (isRefusal(answer)) return `${answer.refused} ${units(answer.wallet?.balance)}`;
  if ('receipts' in answer) return `${(answer as PlayReceipt).receipts.map(({ status }) => status).join(',')} ${units((answer as PlayReceipt).balance)}`;
  const { status, state, balance, debt } = answer as Receipt & RoundReceipt;
  return `${state ?? status} ${units(balance)}${debt === undefined ? '' : ` owes ${units(debt)}`}`;
};
const EUR = 1_000_000n;

export class LaneSeat {
  constructor(readonly lanes: Lanes, readonly account: Account, readonly player: string) {}

  /** The same player at another process. */
  at = (lanes: Lanes): LaneSeat => new LaneSeat(lanes, this.account, this.player);
  ask = (movement: Movement, withinMs = 10_000): Promise<Answered<object>> =>
    this.lanes.submit({ account: this.account, player: this.player, movement, deadlineAt: performance.now() + withinMs });
  say = async (movement: Movement): Promise<string> =>
    this.ask(movement).then(said, (error: unknown) => { throw error instanceof Fault && error.cause ? error.cause : error; });

  bet = (reference: string, amount: number, more: Partial<BetRequest> = {}) => this.say(betOf(this.account,
    { kind: 'bet', reference, currency: 'EUR', amount: BigInt(amount) * EUR, free: false, game: 'game-1', round: 'r', closeRound: false, ...more }));
  win = (reference: string, amount: number, more: Partial<WinRequest> = {}) => this.say(winOf(this.account,
    { kind: 'win', reference, currency: 'EUR', amount: BigInt(amount) * EUR, game: 'game-1', round: 'r', closeRound: false, ...more }));
  total = (reference: string, amount: number, campaign: string) => this.say(winOf(this.account,
    { kind: 'win', operation: 'award', reference, currency: 'EUR', amount: BigInt(amount) * EUR, award: 'free_rounds', campaign, closeRound: false }));
  rollback = (reference: string, original: string, more: Partial<RollbackRequest> = {}) => this.say(rollbackOf({ reference, original, ...more }));
  adjust = (reference: string, amount: number, more: Partial<AdjustRequest> = {}) =>
    this.say(adjustmentOf(this.account, { reference, currency: 'EUR', amount: BigInt(amount) * EUR, ...more }));
  deposit = (reference: string, amount: number) => this.say(depositOf({ reference, currency: 'EUR', amount: BigInt(amount) * EUR }));
  withdraw = (reference: string, amount: number) => this.say(withdrawalOf({ reference, currency: 'EUR', amount: BigInt(amount) * EUR }));
  close = (round = 'r', game?: string) => this.say(closeOf(round, 'EUR', roundKeyOf(this.account, round, game), game));
  cancel = (round = 'r', game?: string) => this.say(cancelOf(this.account, round, 'EUR', game));
  play = (actions: PlayRequest['actions'], closeRound = false) => this.say(playOf(this.account, { currency: 'EUR', round: 'r', closeRound, actions }));
}

export class LaneGround {
  database!: TestDatabase;
  world!: World;
  one!: Lanes;
  two!: Lanes;
  readonly alerts: string[] = [];
  private seated = 0;

  constructor(private readonly policies: readonly PolicyFields[], private readonly players: number) {}

  async open(): Promise<void> {
    this.database = await freshDatabase();
    this.world = await createWorld(this.database, { players: { EUR: this.players }, policies: this.policies });
    [this.one, this.two] = [this.lanes(), this.lanes()];
  }

  private lanes(): Lanes {
    const watch = { batch: () => undefined, waited: () => undefined, shed: () => undefined };
    return new Lanes({
      url: this.database.url('croupier_money'), lanes: 1, watch,
      alert: (message, error) => void this.alerts.push(`${message}: ${(error as Error).message}`),
    });
  }

  async close(): Promise<void> {
    await Promise.all([this.one?.close(), this.two?.close()]);
  }

  account(index = 0): Account {
    const { accountId, operatorId } = this.world.accounts[index] as World['accounts'][number];
    return { accountId, operatorId, policy: parsePolicy(this.policies[index]), games: new Map([['game-1', true], ['game-2', true], ['g\u0000', true]]) };
  }

  /** A player nobody has sat down yet, with 100 EUR at version 1. */
  seat(account = 0): LaneSeat {
    const player = this.world.players[this.seated++];
    if (!player) throw new Error('the world has no more players: ask for more');
    return new LaneSeat(this.one, this.account(account), player.id);
  }

  sql<Row = Record<string, unknown>>(text: string, values?: unknown[]): Promise<Row[]> {
    return asSuperuser<Row>(this.database.url('superuser'), text, values);
  }

  /** Runs `during` while another session holds what `statement` locks or has done, which it undoes or keeps at the end. */
  async whileHeld<T>(statement: string, during: (release: (how?: 'rollback' | 'commit') => Promise<void>) => Promise<T>): Promise<T> {
    const holder = new pg.Client(this.database.url('superuser'));
    await holder.connect();
    await holder.query('begin');
    await holder.query(statement);
    try {
      return await during(async (how = 'rollback') => void (await holder.query(how)));
    } finally {
      await holder.end();
    }
  }

  async untilWaiting(sessions: number): Promise<void> {
    for (const deadline = performance.now() + 5_000; ; ) {
      const [row] = await this.sql<{ count: number }>(
        `select count(*)::int from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`);
      if ((row?.count ?? 0) >= sessions) return;
      if (performance.now() > deadline) throw new Error('nobody waits');
      await pause(2);
    }
  }

  /** Both are asked while the wallet is held, one at each process, and both wait for it. */
  race(seat: LaneSeat, one: (seat: LaneSeat) => Promise<string>, two: (seat: LaneSeat) => Promise<string>): Promise<string[]> {
    return this.whileHeld(`select from wallet where player_id = '${seat.player}' for update`, async (release) => {
      const answers = [one(seat), two(seat.at(this.two))];
      await this.untilWaiting(2);
      await release();
      return Promise.all(answers);
    });
  }
}

/** Opened before the file's first test, closed after its last. */
export function laneGround(policies: readonly PolicyFields[], players: number): LaneGround {
  const made = new LaneGround(policies, players);
  beforeAll(() => made.open());
  afterAll(() => made.close());
  return made;
}
