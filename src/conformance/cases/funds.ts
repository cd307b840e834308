import type { Case } from '../case.ts';
import { ok, refused } from '../setting.ts';
import { NO_FUNDS, UNDONE } from '../expected.ts';
import type { Adjust, Desk } from '../desk.ts';
import { LeftOut } from '../desk.ts';
import { ADJUST, PLAY, ROLLBACK } from '../needs.ts';

const NOT_MORE = 'No bet takes more than the balance.';

/** Takes ten more than there is: all of it, and the rest is owed. Some wallets refuse that, and keep no debts. */
async function indebted(d: Desk): Promise<Required<Adjust>> {
  const all = d.balance;
  const adjust = d.adjust(-all - d.units(10));
  await d.says(adjust, [ok(-all), NO_FUNDS], 'An adjustment beyond the balance takes what is there and leaves the rest as a debt, or is refused; no balance is below zero.');
  if (d.balance > 0n) throw new LeftOut('this wallet refuses adjustments beyond the balance');
  return adjust;
}

export const FUNDS: readonly Case[] = [
  {
    name: 'A bet of more than the balance is refused',
    category: 'funds',
    steps: async (d) => {
      await d.says(d.bet(d.balance + d.least), NO_FUNDS, NOT_MORE);
    },
  },
  {
    name: 'A bet of exactly the balance is taken, and leaves nothing for another',
    category: 'funds',
    steps: async (d) => {
      const all = d.balance;
      const bet = d.bet(all);
      await d.says(bet, ok(-all), 'The whole balance may be staked.');
      await d.says(d.bet(d.least), NO_FUNDS, NOT_MORE);
      await d.says(d.win(bet, all), ok(all), 'A win pays exactly its amount.');
    },
  },
  {
    name: 'A refused bet keeps nothing back',
    category: 'funds',
    steps: async (d) => {
      const all = d.balance;
      await d.says(d.bet(all + d.least), NO_FUNDS, NOT_MORE);
      const bet = d.bet(all);
      await d.says(bet, ok(-all), 'What was refused holds no money; all of the balance is free for the next bet.');
      await d.says(d.win(bet, all), ok(all), 'A win pays exactly its amount.');
    },
  },
  {
    name: 'A stake that was given back can be staked again',
    category: 'funds', needs: [ROLLBACK],
    steps: async (d) => {
      const all = d.balance;
      const bet = d.bet(all);
      await d.says(bet, ok(-all), 'The whole balance may be staked.');
      await d.says(d.undo(bet), ok(all), 'A rollback gives back exactly what the bet took.');
      const again = d.bet(all);
      await d.says(again, ok(-all), 'Money given back is money like any other.');
      await d.says(d.win(again, all), ok(all), 'A win pays exactly its amount.');
    },
  },
  {
    name: 'A bet of a trillion is refused, and breaks nothing',
    category: 'funds',
    steps: async (d) => {
      await d.says(d.bet(1_000_000_000_000n * 10n ** 18n - d.least), refused('insufficient-funds', 'bad-amount', 'bad-request', 'limit'), NOT_MORE);
      await d.says(d.bet(d.units(1)), ok(-d.units(1)), 'A bet takes exactly its amount.');
    },
  },
  {
    name: 'An adjustment beyond the balance leaves nothing, and never less; undone, it gives back what it took',
    category: 'funds', needs: [ADJUST, ROLLBACK],
    steps: async (d) => {
      const all = d.balance;
      const adjust = await indebted(d);
      await d.says(d.undo(adjust), ok(all), 'What was taken comes back; what was only owed is not owed any more.');
    },
  },
  {
    name: 'A debt is not taken out of the next win',
    category: 'funds', needs: [ADJUST, ROLLBACK],
    steps: async (d) => {
      const bet = d.bet(d.units(2));
      await d.says(bet, ok(-d.units(2)), 'A bet takes exactly its amount.');
      const left = d.balance;
      const adjust = await indebted(d);
      await d.says(d.win(bet, d.units(5)), ok(d.units(5)), 'A win pays exactly its amount; what a player owes is for the operator to collect.');
      await d.says(d.undo(adjust), ok(left), 'What was taken comes back; what was only owed is not owed any more.');
    },
  },
  {
    name: 'A play’s bet must be covered before its win comes',
    category: 'funds', needs: [PLAY],
    steps: async (d) => {
      const bet = d.action('bet', d.balance + d.units(1));
      await d.says(d.play([bet, d.action('win', d.balance + d.units(5), { bet: bet.reference })]), NO_FUNDS, 'Actions are taken in order: a win does not pay for its own bet.');
    },
  },
  {
    name: 'A play is applied whole or not at all',
    category: 'funds', needs: [PLAY],
    steps: async (d) => {
      const play = d.play([d.action('bet', d.units(2)), d.action('bet', d.balance)]);
      await d.says(play, NO_FUNDS, 'One action that is refused refuses them all.');
    },
  },
  {
    name: 'The bets of a refused play stay refused',
    category: 'funds', needs: [PLAY],
    steps: async (d) => {
      const small = d.bet(d.units(2));
      const play = d.play([{ kind: 'bet', reference: small.reference, amount: small.amount }, d.action('bet', d.balance)], { round: small.round });
      await d.says(play, NO_FUNDS, 'One action that is refused refuses them all.');
      await d.says(small, [NO_FUNDS, UNDONE], 'The provider plays no round for the bets of a refused call: charged later, the stake would be lost.');
    },
  },
];
