/** What stands behind the numbers of a report, by the addresses beside them, against the list of what happened. */
import { expect } from '@jest/globals';
import { fingerprint } from '../../libs/crypto/index.ts';
import type { Platform } from '../support/office.ts';
import { units, type ReportsGround } from './reports-ground.ts';
import { linesOf, nothing, type Happened, type Line, type Numbers, type PlayedRound } from './reports-model.ts';

const MONEY = ['turnover', 'won', 'awarded', 'adjusted', 'deposited', 'withdrawn'] as const;
const COUNTS = ['bets', 'freeBets', 'undoneBets', 'wins'] as const;

/** As the service shows them. */
export const read = (body: any): Numbers => ({
  ...nothing(), ...Object.fromEntries(COUNTS.map((name) => [name, body?.[name] ?? 0])), ...Object.fromEntries(MONEY.map((name) => [name, units(body?.[name] ?? '0')])),
});
export const total = (rows: readonly any[]): Numbers => rows.map(read).reduce((sum, each) => ({
  ...nothing(), ...Object.fromEntries(COUNTS.map((name) => [name, sum[name] + each[name]])), ...Object.fromEntries(MONEY.map((name) => [name, sum[name] + each[name]])),
}), nothing());

/** What they come to together, late ones with the rest. */
export const numbersOf = (rows: readonly Happened[]): Numbers => {
  const timeless = rows.map((row) => ({ ...row, test: false, afterLock: false, at: 0, undoes: row.undoes && { ...row.undoes, at: 0 } }));
  const zone = { timeZone: 'UTC', dayStarts: '00:00' };
  return linesOf(timeless, rows[0]?.operator ?? '', zone, () => '').get('')?.onTime ?? nothing();
};

export type Place = Pick<Happened, 'account' | 'game' | 'currency'>;
export interface RoundsCounted {
  readonly opened: PlayedRound[];
  readonly ended: PlayedRound[];
}

/** By what a report has as keys, of some days. */
export function countedBy(rounds: readonly PlayedRound[], [from, to]: readonly [string, string], keyOf: (row: Place, day: string) => string): Map<string, RoundsCounted> {
  const counted = new Map<string, RoundsCounted>();
  const count = (round: PlayedRound, day: string | undefined, of: keyof RoundsCounted) => {
    if (day === undefined || day < from || day > to) return;
    const key = keyOf(round, day);
    const each = counted.get(key) ?? { opened: [], ended: [] };
    counted.set(key, each);
    each[of].push(round);
  };
  for (const round of rounds) {
    count(round, round.openedDay, 'opened');
    count(round, round.endedDay, 'ended');
  }
  return counted;
}

/** The rounds of table `round` that planted rows may name: `by` their ids, or by their ids in each of the games and in none. */
export async function plantRounds(here: ReportsGround, players: readonly { readonly id: string; readonly account: number }[], ids: readonly string[], games: readonly string[]): Promise<void> {
  const named = ids.flatMap((id) => (games.length === 0 ? [id] : games.map((game) => `${id}\u0000${game}`))).map((name) => fingerprint(name));
  for (const { id, account } of players) {
    await here.sql(`insert into round (player_id, operator_id, account_id, round, currency, state, staked, won, bets, undone, named, last_bet_version, first_version, last_version)
      select player_id, operator_id, $2::int, round::uuid, 'EUR', 'open', 0, 0, 0, 0, 0, 0, 0, 0 from player, unnest($3::text[]) round where player_id = $1::uuid`, [id, account, named]);
  }
}

type Ask = readonly [here: ReportsGround, platform: Platform];

/** As many as are counted, each once, and these; whatever a page holds. */
export async function expectRounds([here, platform]: Ask, said: any, { opened, ended }: RoundsCounted, limit = 100): Promise<void> {
  expect([said.opened, said.ended]).toEqual([opened.length, ended.length]);
  for (const [list, rounds, day] of [[said.openedList, opened, 'openedDay'], [said.endedList, ended, 'endedDay']] as const) {
    if (rounds.length === 0) expect(list).toBeUndefined();
    else expect([list, await roundsAt([here, platform], list, limit)]).toEqual([list, rounds.map((round) => lineOf(round, round[day])).toSorted()]);
  }
}

const lineOf = ({ player, account, currency, round, game }: PlayedRound, day: string | undefined): string => [day, player, account, currency, round, game].join(' ');

export const roundsAt = async ([here, platform]: Ask, list: string, limit = 100): Promise<string[]> => (await here.all(list, platform, limit))
  .map(({ day, playerId, accountId, currency, roundId, gameId }) => [day, playerId, accountId, currency, roundId, gameId].join(' ')).toSorted();

/** The players of a place, each once, in order, with what each played there; and for one of them the rows that sum up to that. */
export async function expectPlayers([here, platform]: Ask, { players, activePlayers }: any, { bettors, rows }: Pick<Line, 'bettors' | 'rows'>, limit = 100): Promise<void> {
  expect(activePlayers).toBe(bettors.size);
  if (bettors.size === 0) return expect(players).toBeUndefined();
  const items = await here.all(players, platform, limit);
  expect([players, items.map(({ playerId }) => playerId)]).toEqual([players, [...bettors].toSorted()]);
  for (const { playerId, currencies } of items) {
    const own = Map.groupBy(rows.filter(({ player }) => player === playerId), ({ currency }) => currency);
    expect([players, currencies.map((each: any) => [each.currency, read(each)])]).toEqual(
      [players, [...own].map(([currency, of]) => [currency, numbersOf(of)] as const).toSorted(([one], [other]) => (one < other ? -1 : 1))]);
  }
  const [figures] = items[0].currencies;
  expect([figures.transactions, total((await here.all(figures.transactions, platform)).map(({ adds }) => adds))]).toEqual([figures.transactions, read(figures)]);
  const counts = total(items.flatMap(({ currencies }) => currencies));
  const whole = numbersOf(rows);
  expect([players, counts.bets, counts.freeBets]).toEqual([players, whole.bets, whole.freeBets]);
}
