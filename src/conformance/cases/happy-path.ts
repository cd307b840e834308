import { says, type Case } from '../case.ts';
import { ok } from '../setting.ts';
import { ADJUST, AUTHENTICATE, CANCEL, CLOSES, PLAY, ROLLBACK } from '../needs.ts';

export const HAPPY_PATH: readonly Case[] = [
  {
    name: 'A session’s token tells the player’s balance',
    category: 'happy path', needs: [AUTHENTICATE],
    steps: async (d) => {
      const heard = await d.says({ say: 'authenticate', seat: d.seat }, ok(), 'A live token says whose it is.');
      d.holds(heard.currency === undefined || heard.currency === d.seat.currency, `currency ${d.seat.currency}`, 'A session has one currency.');
    },
  },
  {
    name: 'A balance is the same when it is asked for twice',
    category: 'happy path', needs: [says('balance')],
    steps: async (d) => {
      await d.says({ say: 'balance', seat: d.seat }, ok(), 'Asking moves nothing.');
    },
  },
  {
    name: 'A bet takes its stake',
    category: 'happy path',
    steps: async (d) => {
      await d.says(d.bet(d.units(5)), ok(-d.units(5)), 'A bet takes exactly its amount.');
    },
  },
  {
    name: 'A win pays its prize',
    category: 'happy path',
    steps: async (d) => {
      const bet = d.bet(d.units(2));
      await d.says(bet, ok(-d.units(2)), 'A bet takes exactly its amount.');
      await d.says(d.win(bet, d.units(7)), ok(d.units(7)), 'A win pays exactly its amount.');
    },
  },
  {
    name: 'Two rounds one after the other are two rounds',
    category: 'happy path',
    steps: async (d) => {
      for (const prize of [3, 1]) {
        const bet = d.bet(d.units(2));
        await d.says(bet, ok(-d.units(2)), 'A bet takes exactly its amount.');
        await d.says(d.win(bet, d.units(prize)), ok(d.units(prize)), 'A win pays exactly its amount.');
      }
    },
  },
  {
    name: 'A rollback gives a stake back',
    category: 'happy path', needs: [ROLLBACK],
    steps: async (d) => {
      const bet = d.bet(d.units(5));
      await d.says(bet, ok(-d.units(5)), 'A bet takes exactly its amount.');
      await d.says(d.undo(bet), ok(d.units(5)), 'A rollback gives back exactly what the bet took.');
    },
  },
  {
    name: 'A play takes its bet and pays its win',
    category: 'happy path', needs: [PLAY],
    steps: async (d) => {
      const bet = d.action('bet', d.units(3));
      await d.says(d.play([bet, d.action('win', d.units(4), { bet: bet.reference })]), ok(d.units(1)), 'All actions of a play are applied, in order.');
    },
  },
  {
    name: 'An adjustment gives, and another takes',
    category: 'happy path', needs: [ADJUST],
    steps: async (d) => {
      await d.says(d.adjust(d.units(3)), ok(d.units(3)), 'An adjustment above zero gives exactly its amount.');
      await d.says(d.adjust(-d.units(2)), ok(-d.units(2)), 'An adjustment below zero takes exactly its amount.');
    },
  },
  {
    name: 'A round that is cancelled gives its stake back',
    category: 'happy path', needs: [CANCEL],
    steps: async (d) => {
      const bet = d.bet(d.units(2));
      await d.says(bet, ok(-d.units(2)), 'A bet takes exactly its amount.');
      await d.says(d.cancel(bet), ok(d.units(2)), 'A round that is given up gives back what its bets took.');
    },
  },
  {
    name: 'A win that closes its round pays',
    category: 'happy path', needs: [CLOSES],
    steps: async (d) => {
      const bet = d.bet(d.units(2));
      await d.says(bet, ok(-d.units(2)), 'A bet takes exactly its amount.');
      await d.says(d.win(bet, d.units(3), { closes: true }), ok(d.units(3)), 'A win pays exactly its amount.');
    },
  },
];
