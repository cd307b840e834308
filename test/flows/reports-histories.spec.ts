import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Platform } from '../support/office.ts';
import { countedBy, expectPlayers, expectRounds, numbersOf, plantRounds, read, roundsAt, total, type Place, type RoundsCounted } from './reports-behind.ts';
import { Planter, ReportsGround, units, type Planted, type Row } from './reports-ground.ts';
import { dayOf, linesOf, nothing, roundsOf, type Happened, type Line, type PlayedRound, type Zone } from './reports-model.ts';

// Random histories of two operators: whatever happened, in whatever order, every report says what the list of calls comes to, and the rows behind a
// number sum up to it. SEED=… repeats one.

let here: ReportsGround;
const ZONES: readonly Zone[] = [{ timeZone: 'Europe/Malta', dayStarts: '06:00' }, { timeZone: 'America/New_York', dayStarts: '00:00' }];
const CALLS = Number(process.env['CALLS'] ?? 140);
const SEEDS = process.env['SEED'] === undefined ? [1 + Math.floor(Math.random() * 2 ** 31), 1 + Math.floor(Math.random() * 2 ** 31)] : [Number(process.env['SEED'])];

/** mulberry32 */
function randomOf(seed: number) {
  let state = seed;
  const next = () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (n: number) => Math.floor(next() * n);
  return { below, pick: <T>(items: readonly T[]): T => items[below(items.length)] as T, chance: (share: number) => next() < share };
}
type Random = ReturnType<typeof randomOf>;

/** A round is of one currency. */
const ROUNDS: Readonly<Record<string, readonly string[]>> = Object.fromEntries(['EUR', 'JPY'].map((currency) => [currency, Array.from({ length: 20 }, (_, i) => `${currency}-${i}`)]));
/** Of two accounts of an operator the second takes one id in two games for two rounds. */
const isByGame = (account: number): boolean => here.world.accounts.findIndex(({ accountId }) => accountId === account) % 2 === 1;

interface Someone {
  readonly operator: number;
  readonly id: string;
  readonly test: boolean;
}

class History {
  readonly happened: Happened[] = [];
  readonly locked: Set<string>[] = [new Set(), new Set()];
  private readonly undone = new Set<string>();
  private readonly random: Random;
  private now: number;

  constructor(seed: number, private readonly planters: readonly Planter[], private readonly platforms: readonly Platform[], readonly people: readonly Someone[]) {
    this.random = randomOf(seed);
    // Around both changes of clocks, each of both places.
    this.now = this.random.pick([Date.UTC(2026, 2, 7), Date.UTC(2026, 2, 28), Date.UTC(2026, 9, 24), Date.UTC(2026, 9, 31), Date.UTC(2026, 4, 30)]);
  }

  async next(): Promise<void> {
    const { random } = this;
    this.now += random.chance(0.3) ? 0 : random.chance(0.2) ? random.below(14 * 3_600_000) : random.below(40 * 60_000);
    if (random.chance(0.08)) return this.follow();
    if (random.chance(0.06)) return this.lock();
    const calls = random.chance(0.15) ? this.cancelled() : Array.from({ length: random.chance(0.2) ? 3 : 1 }, () => this.call());
    const planted = calls.filter((call) => call !== undefined);
    if (planted.length > 0) this.wrote(await random.pick(this.planters).plant(...planted));
  }

  async follow(): Promise<void> {
    await here.follow();
    for (const each of this.happened) each.applied = true;
  }

  /** What the projection has not had by then is late. */
  private async lock(): Promise<void> {
    const operator = this.random.below(2);
    const day = dayOf(this.now - this.random.below(4) * 86_400_000, ZONES[operator] as Zone);
    const reply = await (this.platforms[operator] as Platform).post(`/v1/reports/days/${day}/lock`);
    expect([reply.status, reply.body.day]).toEqual([200, day]);
    this.locked[operator]?.add(day);
    for (const each of this.happened) this.mark(each);
  }

  private mark(each: Happened): void {
    const operator = each.operator === here.operator ? 0 : 1;
    if (!each.applied && this.locked[operator]?.has(dayOf(each.at, ZONES[operator] as Zone))) each.afterLock = true;
  }

  private wrote(rows: readonly Row[]): void {
    for (const row of rows) {
      const undoes = this.happened.find(({ id }) => id === row.undoes);
      const { amount = 0n, debt = 0n, currency = 'EUR' } = row;
      const one: Happened = {
        id: row.id, operator: row.operator, player: row.player, test: this.people.find(({ id }) => id === row.player)?.test === true, account: row.account,
        game: row.game ?? undoes?.game, round: row.round ?? undoes?.round, currency, kind: row.kind, effect: amount - debt, amount, debt, free: row.face !== undefined, at: row.ms, undoes, applied: false, afterLock: false,
      };
      this.happened.push(one);
      this.mark(one);
    }
  }

  private base(someone = this.random.pick(this.people)): Omit<Planted, 'kind'> {
    const { random } = this;
    const accounts = someone.operator === 0 ? here.world.accounts.slice(0, 2) : here.world.accounts.slice(2);
    const currency = random.pick(['EUR', 'EUR', 'JPY']);
    return {
      player: someone.id, operator: here.world.operators[someone.operator] as string, account: random.pick(accounts).accountId, at: this.now,
      currency, round: random.pick(ROUNDS[currency] as string[]), ...(random.chance(0.9) && { game: random.pick(['game-1', 'game-2']) }),
    };
  }

  private amount = (): bigint => BigInt(1 + this.random.below(20_000_000));

  private call(): Planted | undefined {
    const { random } = this;
    const base = this.base();
    const share = random.below(100);
    if (share < 40) return { ...base, kind: 'bet', amount: -this.amount() };
    if (share < 45) return { ...base, kind: 'bet', amount: 0n, face: this.amount() };
    if (share < 65) return { ...base, kind: 'win', amount: random.chance(0.3) ? 0n : this.amount() };
    if (share < 69) return { ...base, kind: 'promo_win', amount: this.amount(), award: random.pick(['jackpot', 'tournament'] as const) };
    if (share < 72) return { ...base, kind: 'adjustment', amount: this.amount() };
    if (share < 75) {
      const debt = random.chance(0.5) ? this.amount() : 0n;
      return { ...base, kind: 'adjustment', amount: -this.amount(), ...(debt > 0n && { debt }) };
    }
    if (share < 78) {
      const withdraws = random.chance(0.5);
      return { ...base, kind: withdraws ? 'withdrawal' : 'deposit', game: undefined, round: undefined, amount: withdraws ? -this.amount() : this.amount() };
    }
    if (share < 80) return { ...base, kind: 'close' };
    return this.rollback(random.chance(0.5) ? this.happened.slice(-12) : this.happened);
  }

  private rollback(among: readonly Happened[]): Planted | undefined {
    const undoable = among.filter(({ id, kind }) => !this.undone.has(id) && ['bet', 'win', 'promo_win', 'adjustment'].includes(kind));
    return undoable.length === 0 ? undefined : this.undoing(this.random.pick(undoable));
  }

  private undoing(original: Happened): Planted {
    this.undone.add(original.id);
    const effect = -original.effect;
    const debt = effect < 0n && this.random.chance(0.4) ? -effect / 2n : effect > 0n && original.debt > 0n ? -original.debt : 0n;
    const { player, operator, account, currency } = original;
    return { player, operator, account, currency, kind: 'rollback', at: this.now, undoes: original.id, amount: effect + debt, ...(debt !== 0n && { debt }) };
  }

  /** A round is cancelled: a row of its own, and one for each of its bets. */
  private cancelled(): Planted[] {
    const bet = this.happened.findLast(({ id, kind }) => kind === 'bet' && !this.undone.has(id));
    if (!bet) return [];
    const { player, operator, account, currency } = bet;
    return [this.undoing(bet), { player, operator, account, currency, kind: 'cancel', at: this.now, round: ROUNDS[currency]?.[1] }];
  }
}

interface Narrowed {
  readonly query: string;
  readonly keeps: (row: Place) => boolean;
}
type Keys = readonly [groupBy: string, keyOf: (row: Place, day: string) => string, keyIn: (item: any) => string];
type Way = readonly [...Keys, narrowed?: (random: Random, rows: readonly Happened[]) => Narrowed];

const ofAnAccount = (random: Random, rows: readonly Happened[]): Narrowed => {
  const account = random.pick(rows)?.account;
  return { query: `&accountId=${account}`, keeps: (row) => row.account === account };
};
const ofAGame = (random: Random, rows: readonly Happened[]): Narrowed => {
  const game = random.pick(rows.filter((row) => row.game !== undefined))?.game as string;
  return { query: `&gameId=${game}`, keeps: (row) => row.game === game };
};

const BY_GAME: Keys = ['game', (row) => `${row.account} ${row.game ?? ''} ${row.currency}`, (item) => `${item.accountId} ${item.gameId} ${item.currency}`];
const BY_DAY_AND_GAME: Keys = ['day,game', (row, day) => `${day} ${row.account} ${row.game ?? ''} ${row.currency}`, (item) => `${item.day} ${item.accountId} ${item.gameId} ${item.currency}`];

/** Rounds to what a report with this `groupBy` has as keys, of all or of what is chosen. */
const WAYS: readonly Way[] = [
  ['day', (row, day) => `${day} ${row.currency}`, (item) => `${item.day} ${item.currency}`],
  BY_DAY_AND_GAME, [...BY_DAY_AND_GAME, ofAnAccount], [...BY_DAY_AND_GAME, ofAGame],
  BY_GAME, [...BY_GAME, ofAnAccount], [...BY_GAME, ofAGame],
  ['provider', (row) => `${row.account} ${row.currency}`, (item) => `${item.accountId} ${item.currency}`],
  ['currency', (row) => row.currency, (item) => item.currency],
  ['day', (row, day) => `${day} ${row.currency}`, (item) => `${item.day} ${item.currency}`, ofAnAccount],
  ['day', (row, day) => `${day} ${row.currency}`, (item) => `${item.day} ${item.currency}`, ofAGame],
  ['provider', (row) => `${row.account} ${row.currency}`, (item) => `${item.accountId} ${item.currency}`, ofAGame],
  ['currency', (row) => row.currency, (item) => item.currency, ofAnAccount],
];

const FROM = '2026-02-20';
const TO = '2026-11-15';

/** From a day on which something happened to another one. */
const someDays = (random: Random, rows: readonly Happened[], zone: Zone): string[] => [random.pick(rows), random.pick(rows)].map(({ at }) => dayOf(at, zone)).toSorted();

const NO_LINE: Line = { onTime: nothing(), late: nothing(), bettors: new Set(), rows: [] };
const NO_ROUNDS: RoundsCounted = { opened: [], ended: [] };
/** Of a report that is one of many, so many rows are looked behind. */
const LOOKS = 4;

async function expectRevenue(history: History, operator: number, platform: Platform, random: Random): Promise<void> {
  const [zone, id] = [ZONES[operator] as Zone, here.world.operators[operator] as string];
  const own = history.happened.filter((row) => row.operator === id);
  const rounds = roundsOf(own, id, zone, isByGame);
  for (const [by, keyOf, keyIn, narrowed] of WAYS) {
    const { query, keeps } = narrowed?.(random, own) ?? { query: '', keeps: () => true };
    const groupBy = `${by}${query}`;
    for (const [from, to] of [[FROM, TO], someDays(random, own, zone)] as [string, string][]) {
      const happened = own.filter((row) => keeps(row) && from <= dayOf(row.at, zone) && dayOf(row.at, zone) <= to);
      const [said, expected, counted] = [`${groupBy} from ${from} to ${to}`, linesOf(happened, id, zone, keyOf), countedBy(rounds.filter(keeps), [from, to], keyOf)];
      const report = await here.report(`/v1/reports/revenue?from=${from}&to=${to}&groupBy=${groupBy}`, { platform });
      const shown = new Map<string, any>(report.items.map((item: any) => [keyIn(item), item]));
      const keys = [...new Set([...expected.keys(), ...counted.keys()])];
      expect([said, [...shown.keys()].toSorted()]).toEqual([said, keys.toSorted()]);
      const whole = from === FROM && (groupBy === 'day,game' || groupBy === 'currency');
      const looked = new Set(whole ? keys : Array.from({ length: Math.min(LOOKS, keys.length) }, () => random.pick(keys)));
      for (const key of keys) {
        const [item, { onTime, late, bettors, rows }, its] = [shown.get(key), expected.get(key) ?? NO_LINE, counted.get(key) ?? NO_ROUNDS];
        expect([said, key, read(item), read(item.late), item.activePlayers]).toEqual([said, key, onTime, late, bettors.size]);
        expect([said, key, item.rounds.opened, item.rounds.ended]).toEqual([said, key, its.opened.length, its.ended.length]);
        expect(units(item.ggr)).toBe(onTime.turnover - onTime.won);
        if (groupBy === 'day') expect([key, item.locked === true]).toEqual([key, history.locked[operator]?.has(item.day)]);
        if (!looked.has(key)) continue;
        await expectPlayers([here, platform], item, { bettors, rows });
        await expectRounds([here, platform], item.rounds, its);
      }
      await expectTotals([report, platform, said], happened, countedBy(rounds.filter(keeps), [from, to], (row) => row.currency), [id, zone]);
      if (whole) await expectRows(report, expected, keyIn, platform);
    }
  }
}

/** And what stands behind them, in pages of few. */
async function expectTotals([report, platform, said]: [any, Platform, string], happened: readonly Happened[], rounds: Map<string, RoundsCounted>, [id, zone]: [string, Zone]): Promise<void> {
  const overall = linesOf(happened, id, zone, (row) => row.currency);
  expect([said, report.totals.map(({ currency }: any) => currency)]).toEqual([said, [...new Set([...overall.keys(), ...rounds.keys()])].toSorted()]);
  for (const item of report.totals) {
    const { onTime, late, bettors, rows } = overall.get(item.currency) ?? NO_LINE;
    expect([said, read(item), read(item.late), item.activePlayers]).toEqual([said, onTime, late, bettors.size]);
    await expectPlayers([here, platform], item, { bettors, rows }, 1);
    await expectRounds([here, platform], item.rounds, rounds.get(item.currency) ?? NO_ROUNDS, said.startsWith('currency from') ? 7 : 100);
  }
  const lines = [...overall.values()];
  await expectPlayers([here, platform], report, { bettors: new Set(lines.flatMap(({ bettors }) => [...bettors])), rows: lines.flatMap(({ rows }) => rows) });
}

/** The rows behind each number, by the address that stands beside it. */
async function expectRows(report: any, expected: Map<string, Line>, keyIn: (item: any) => string, platform: Platform): Promise<void> {
  for (const item of report.items) {
    const line = expected.get(keyIn(item)) ?? NO_LINE;
    const rows = await here.all(item.transactions, platform);
    expect([item.transactions, total(rows.map(({ adds }) => adds))]).toEqual([item.transactions, read(item)]);
    // What is late and comes to nothing in all numbers stands in no report, and has its rows nevertheless.
    const late = await here.all(item.late?.transactions ?? item.transactions.replace('late=false', 'late=true'), platform);
    expect([item.transactions, total(late.map(({ adds }) => adds))]).toEqual([item.transactions, read(item.late)]);
    expect([...rows, ...late].map(({ transactionId }) => transactionId).toSorted()).toEqual(line.rows.map(({ id }) => id).toSorted());
    const bettors = new Set([...rows, ...late].filter(({ kind }) => kind === 'bet').map(({ playerId }) => playerId));
    expect(bettors.size).toBe(item.activePlayers);
  }
}

/** A player's games, and the rows and rounds behind each; of who only tests there are none. */
async function expectGames(history: History, someone: Someone, [id, zone]: [string, Zone], platform: Platform): Promise<void> {
  const games = await here.report(`/v1/players/${someone.id}/games?from=${FROM}&to=${TO}`, { platform });
  const own = history.happened.filter(({ player }) => player === someone.id);
  const [keyOf, keyIn] = [BY_GAME[1], BY_GAME[2]];
  const expected = linesOf(own, id, zone, keyOf);
  const rounds = Map.groupBy<string, PlayedRound>(roundsOf(own, id, zone, isByGame), (round) => keyOf(round, ''));
  expect([games.test === true, games.items.map(keyIn).toSorted()]).toEqual([someone.test, [...new Set([...expected.keys(), ...rounds.keys()])].toSorted()]);
  for (const item of games.items) {
    const [{ rows }, its] = [expected.get(keyIn(item)) ?? NO_LINE, rounds.get(keyIn(item)) ?? []];
    expect([someone.id, read(item), item.rounds]).toEqual([someone.id, numbersOf(rows), its.length]);
    const behind = await here.all(item.transactions, platform, 9);
    expect([item.transactions, behind.map(({ transactionId }) => transactionId).toSorted()]).toEqual([item.transactions, rows.map(({ id: of }) => of).toSorted()]);
    expect([item.transactions, total(behind.map(({ adds }) => adds))]).toEqual([item.transactions, read(item)]);
    if (its.length === 0) expect(item.roundsList).toBeUndefined();
    else expect((await roundsAt([here, platform], item.roundsList, 3)).length).toBe(its.length);
  }
  for (const item of games.totals) {
    const behind = await here.all(item.transactions, platform);
    expect([item.transactions, total(behind.map(({ adds }) => adds))]).toEqual([item.transactions, read(item)]);
    if (item.rounds > 0) expect((await roundsAt([here, platform], item.roundsList)).length).toBe(item.rounds);
  }
}

async function expectEachPlayer(history: History, operator: number, platform: Platform, random: Random): Promise<void> {
  const [zone, id] = [ZONES[operator] as Zone, here.world.operators[operator] as string];
  for (const someone of history.people.filter((one) => one.operator === operator)) {
    await expectGames(history, someone, [id, zone], platform);
    const own = history.happened.filter(({ player, currency }) => player === someone.id && currency === 'EUR');
    const times = [random.pick(own)?.at ?? 0, random.pick(own)?.at ?? 0].toSorted((one, other) => one - other);
    const [from, to] = [times[0] as number, (times[1] as number) + 1];
    const path = `/v1/players/${someone.id}/statement?currency=EUR&from=${new Date(from).toISOString()}&to=${new Date(to).toISOString()}`;
    const statement = await here.report(path, { platform });
    const before = own.filter(({ at }) => at < from);
    const within = own.filter(({ at }) => at >= from && at < to);
    const sum = (rows: readonly Happened[], what: 'amount' | 'debt') => rows.reduce((so, row) => so + row[what], 0n);
    const opening = units('1000000') + sum(before, 'amount');
    expect([units(statement.opening.balance), units(statement.opening.debt ?? '0')]).toEqual([opening, sum(before, 'debt')]);
    expect([units(statement.closing.balance), units(statement.closing.debt ?? '0')]).toEqual([opening + sum(within, 'amount'), sum(before, 'debt') + sum(within, 'debt')]);
    const items = await here.all(path, platform);
    expect(items.map(({ transactionId, amount }) => [transactionId, units(amount)])).toEqual(within.map(({ id: of, amount }) => [of, amount]));
    expect(statement.sums.reduce((so: number, each: any) => so + each.count, 0)).toBe(within.length);
    expect(statement.sums.reduce((so: bigint, each: any) => so + units(each.amount), 0n)).toBe(sum(within, 'amount'));
    expect(items.filter(({ late }) => late).length).toBe(within.filter(({ at, undoes }) => undoes && dayOf(undoes.at, zone) < dayOf(at, zone)).length);
  }
}

const TABLES = ['revenue_day', 'revenue_hour', 'player_game_day', 'player_account_day', 'player_day'] as const;
const kept = async () => Object.fromEntries(await Promise.all(TABLES.map(async (table) => [
  table, (await here.sql<{ row: string }>(`select row_to_json(x)::text as row from (select * from ${table} where operator_id = any($1)) x order by 1`, [here.world.operators])).map(({ row }) => row),
])));
const begin = () => here.sql(`truncate ${TABLES.join(', ')}; update projection set lanes = '{}', batches = '{}', caught_up = false, tail_from = '-infinity' where name in ('revenue', 'players')`);

describe.each(SEEDS)('a history from seed %i', (seed) => {
  beforeAll(async () => {
    here = new ReportsGround({ players: { EUR: 1 }, policies: [{}, {}] }, ZONES[0]);
    await here.open();
    await here.sql('update operator set time_zone = $2, day_starts = $3 where operator_id = $1', [here.world.operators[1], ZONES[1]?.timeZone, ZONES[1]?.dayStarts]);
  }, 60_000);
  afterAll(() => here.close());

  it('is told by every report as it happened, and once more from the beginning', async () => {
    console.log(`SEED=${seed} CALLS=${CALLS}`);
    const platforms = [here.platform, here.stranger];
    const people: Someone[] = [];
    for (const [operator, test] of [[0, false], [0, false], [0, true], [1, false], [1, false]] as const) {
      people.push({ operator, test, id: await here.newPlayer({ operator: here.world.operators[operator] as string, test, currencies: ['EUR', 'JPY'] }) });
    }
    for (const one of people) {
      for (const { accountId } of one.operator === 0 ? here.world.accounts.slice(0, 2) : here.world.accounts.slice(2)) {
        await plantRounds(here, [{ id: one.id, account: accountId }], Object.values(ROUNDS).flat(), isByGame(accountId) ? ['', 'game-1', 'game-2'] : []);
      }
    }
    const planters = [here.planter, await Planter.on(here.superuser), await Planter.on(here.superuser)];
    const history = new History(seed, planters, platforms, people);
    await history.follow();
    for (let i = 0; i < CALLS; i++) await history.next();
    await history.follow();
    const random = randomOf(seed + 1);
    for (const operator of [0, 1]) {
      await expectRevenue(history, operator, platforms[operator] as Platform, random);
      await expectEachPlayer(history, operator, platforms[operator] as Platform, random);
    }
    const live = await kept();
    await here.follow();
    expect(await kept()).toEqual(live);
    // From the beginning, in other steps: the same rows, those of locked days among them.
    await begin();
    await here.follow(undefined, 3);
    expect(await kept()).toEqual(live);
  }, 240_000);
});
