import type { Case } from '../case.ts';
import { ok, refused } from '../setting.ts';
import { SECOND_CURRENCY } from '../needs.ts';

const MISMATCH = refused('wrong-currency', 'bad-request', 'unknown-session');
const ONE_CURRENCY = 'An amount is of one currency: taken in another it is worth something else.';

export const CURRENCIES: readonly Case[] = [
  {
    name: 'A bet in a currency the player has no wallet in is refused',
    category: 'currencies', needs: [SECOND_CURRENCY],
    steps: async (d) => {
      await d.says(d.bet(d.units(1), { seat: { ...d.seat, currency: d.foreign.seat.currency } }), MISMATCH, ONE_CURRENCY);
    },
  },
  {
    name: 'A bet in a currency that does not exist is refused',
    category: 'currencies',
    steps: async (d) => {
      await d.says(d.bet(d.units(1), { seat: { ...d.seat, currency: 'QQQ' } }), MISMATCH, 'There is no such currency, and none is opened by a bet.');
    },
  },
  {
    name: 'A win in another currency than its bet is refused',
    category: 'currencies', needs: [SECOND_CURRENCY],
    steps: async (d) => {
      const bet = d.bet(d.units(2));
      await d.says(bet, ok(-d.units(2)), 'A bet takes exactly its amount.');
      await d.says(d.win(bet, d.units(3), { seat: { ...d.seat, currency: d.foreign.seat.currency } }), MISMATCH, ONE_CURRENCY);
    },
  },
  {
    name: 'In another currency, too, the least amount moves exactly',
    category: 'currencies', needs: [SECOND_CURRENCY],
    steps: async ({ foreign }) => {
      const bet = foreign.bet(foreign.least);
      await foreign.says(bet, ok(-foreign.least), 'Each currency has its own number of digits.');
      await foreign.says(foreign.win(bet, foreign.least * 13n), ok(foreign.least * 13n), 'Each currency has its own number of digits.');
    },
  },
];
