import type { Case } from '../case.ts';
import { ok, refused, type Outcome } from '../setting.ts';
import type { Heard, Said } from '../contract.ts';
import type { Desk } from '../desk.ts';
import { behindRollback, NO_FUNDS, repeated, rollbackOfUnknown, UNDONE } from '../expected.ts';
import { textOf } from '../money.ts';
import { ADJUST, AWARD, PLAY, ROLLBACK } from '../needs.ts';

const TAKEN = 'A bet takes exactly its amount.';
const many = (said: Said, wanted: readonly Outcome[], count = 20): [Said, readonly Outcome[]][] => Array.from({ length: count }, () => [said, wanted]);
const accepted = (heards: readonly Heard[]): number => heards.filter(({ verdicts }) => verdicts.includes('ok')).length;

/** The same call twenty times in one moment. */
async function once(d: Desk, said: Said, moves: bigint): Promise<void> {
  await d.saysAtOnce(many(said, [ok(), repeated(d.can)]), () => [moves], 'One call, however often it comes in one moment, has one effect.');
}

export const CONCURRENCY: readonly Case[] = [
  {
    name: 'The same bet twenty times at once is charged once',
    category: 'concurrency',
    steps: async (d) => once(d, d.bet(d.units(2)), -d.units(2)),
  },
  {
    name: 'The same win twenty times at once is paid once',
    category: 'concurrency',
    steps: async (d) => {
      const bet = d.bet(d.units(2));
      await d.says(bet, ok(-d.units(2)), TAKEN);
      await once(d, d.win(bet, d.units(3)), d.units(3));
    },
  },
  {
    name: 'The same rollback twenty times at once gives back once',
    category: 'concurrency', needs: [ROLLBACK],
    steps: async (d) => {
      const bet = d.bet(d.units(2));
      await d.says(bet, ok(-d.units(2)), TAKEN);
      await once(d, d.undo(bet), d.units(2));
    },
  },
  {
    name: 'Ten rollbacks of one bet at once, each with an id of its own, give back once',
    category: 'concurrency', needs: [ROLLBACK],
    steps: async (d) => {
      const bet = d.bet(d.units(2));
      await d.says(bet, ok(-d.units(2)), TAKEN);
      const calls = Array.from({ length: 10 }, (): [Said, Outcome[]] => [d.undo(bet), [ok(), repeated(d.can)]]);
      await d.saysAtOnce(calls, () => [d.units(2)], 'A bet is undone once, whatever its rollbacks are called.');
    },
  },
  {
    name: 'The same play ten times at once is applied once',
    category: 'concurrency', needs: [PLAY],
    steps: async (d) => {
      const bet = d.action('bet', d.units(2));
      await once(d, d.play([bet, d.action('win', d.units(5), { bet: bet.reference })]), d.units(3));
    },
  },
  {
    name: 'The same jackpot twenty times at once is paid once',
    category: 'concurrency', needs: [AWARD],
    steps: async (d) => once(d, d.award(d.units(4)), d.units(4)),
  },
  {
    name: 'The same adjustment twenty times at once is applied once',
    category: 'concurrency', needs: [ADJUST],
    steps: async (d) => once(d, d.adjust(-d.units(2)), -d.units(2)),
  },
  {
    name: 'One id with two amounts at once is one bet and one conflict',
    category: 'concurrency',
    steps: async (d) => {
      const bet = d.bet(d.units(2));
      const other = { ...bet, amount: textOf(d.units(3)) };
      const wanted = [ok(), refused('conflict')];
      const totals = ([one, two]: readonly Heard[]) => [...(accepted([one as Heard]) ? [-d.units(2)] : []), ...(accepted([two as Heard]) ? [-d.units(3)] : [])];
      const heards = await d.saysAtOnce([[bet, wanted], [other, wanted]], totals, 'An id is one bet, also where two calls race for it.');
      d.holds(accepted(heards) === 1, 'one accepted, the other a conflict', 'An id is one bet, also where two calls race for it.');
    },
  },
  {
    name: 'A bet and its rollback at once leave the player uncharged',
    category: 'concurrency', needs: [ROLLBACK],
    steps: async (d) => {
      const bet = d.bet(d.units(5));
      const calls: [Said, Outcome[]][] = [[bet, [ok(), behindRollback(d.can)]], [d.undo(bet), [ok(), rollbackOfUnknown(d.can)]]];
      await d.saysAtOnce(calls, () => [0n], 'Whichever comes first, the bet is undone.');
      await d.says(bet, [repeated(d.can), behindRollback(d.can), UNDONE], 'The late repetition of a bet that was undone moves nothing.');
    },
  },
  {
    name: 'A win and a rollback of its bet at once pay one of both',
    category: 'concurrency', needs: [ROLLBACK],
    steps: async (d) => {
      const bet = d.bet(d.units(2));
      await d.says(bet, ok(-d.units(2)), TAKEN);
      const calls: [Said, Outcome[]][] = [[d.win(bet, d.units(9)), [ok(), UNDONE, refused('unknown-bet')]], [d.undo(bet), [ok(), refused('bet-settled')]]];
      const totals = ([win, undo]: readonly Heard[]) => (accepted([undo as Heard]) ? [d.units(2)] : accepted([win as Heard]) ? [d.units(9)] : [0n]);
      await d.saysAtOnce(calls, totals, 'A bet is won or given back, never both.');
    },
  },
  {
    name: 'Of two bets at once that the balance covers singly, one is taken',
    category: 'concurrency',
    steps: async (d) => {
      const most = ((d.balance * 6n) / 10n / d.least) * d.least;
      const bets = [d.bet(most), d.bet(most)];
      const heards = await d.saysAtOnce(bets.map((bet) => [bet, [ok(), NO_FUNDS]]), () => [-most], 'The balance is looked at and taken from in one piece.');
      const taken = bets[heards.findIndex((heard) => accepted([heard]) > 0)];
      if (taken) await d.says(d.win(taken, most), ok(most), 'A win pays exactly its amount.');
    },
  },
  {
    name: 'Of twenty bets at once of a tenth of the balance, ten are taken',
    category: 'concurrency',
    steps: async (d) => {
      const each = (d.balance / 10n / d.least) * d.least;
      const round = d.id();
      const bets = Array.from({ length: 20 }, () => d.bet(each, { round }));
      const heards = await d.saysAtOnce(bets.map((bet) => [bet, [ok(), NO_FUNDS]]), () => [-each * 10n], 'Bets are taken as long as the balance covers them, and not one longer.');
      const taken = bets[heards.findIndex((heard) => accepted([heard]) > 0)];
      if (taken) await d.says(d.win(taken, each * 10n), ok(each * 10n), 'A win pays exactly its amount.');
    },
  },
  {
    name: 'Twenty bets at once are charged twenty times',
    category: 'concurrency',
    steps: async (d) => {
      const bets = Array.from({ length: 20 }, (): [Said, Outcome[]] => [d.bet(d.units(1)), [ok()]]);
      await d.saysAtOnce(bets, () => [-d.units(20)], 'No movement is lost beside another.');
    },
  },
  {
    name: 'Wins and bets at once each move their amount',
    category: 'concurrency',
    steps: async (d) => {
      const bets = Array.from({ length: 8 }, () => d.bet(d.units(1)));
      await d.saysAtOnce(bets.map((bet) => [bet, [ok()]]), () => [-d.units(8)], 'No movement is lost beside another.');
      const calls = bets.flatMap((bet): [Said, Outcome[]][] => [[d.win(bet, d.units(3)), [ok()]], [d.bet(d.units(1)), [ok()]]]);
      await d.saysAtOnce(calls, () => [d.units(16)], 'No movement is lost beside another.');
    },
  },
];
