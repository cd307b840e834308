import type { Case } from '../case.ts';
import { ok, refused } from '../setting.ts';
import { behindRollback, repeated, rollbackOfUnknown, UNDONE } from '../expected.ts';
import { ADJUST, BET_NAMED, BET_NEEDED, CLOSES, PLAY, ROLLBACK, WINS_ROLLED_BACK } from '../needs.ts';

const UNKNOWN = 'A rollback may overtake its bet; it is remembered, and moves nothing.';
const BEHIND = 'The provider has undone this bet already: it must never be charged, however late it comes.';

export const ORDER: readonly Case[] = [
  {
    name: 'A rollback that comes before its bet keeps the bet from being charged',
    category: 'order', needs: [ROLLBACK],
    steps: async (d) => {
      const bet = d.bet(d.units(5));
      await d.says(d.undo(bet), rollbackOfUnknown(d.can), UNKNOWN);
      await d.says(bet, behindRollback(d.can), BEHIND);
    },
  },
  {
    name: 'A bet behind its rollback is not charged at the second try either',
    category: 'order', needs: [ROLLBACK],
    steps: async (d) => {
      const bet = d.bet(d.units(5));
      await d.says(d.undo(bet), rollbackOfUnknown(d.can), UNKNOWN);
      await d.says(bet, behindRollback(d.can), BEHIND);
      await d.says(bet, behindRollback(d.can), BEHIND);
    },
  },
  {
    name: 'Two rollbacks before their bet are not less than one',
    category: 'order', needs: [ROLLBACK],
    steps: async (d) => {
      const bet = d.bet(d.units(5));
      await d.says(d.undo(bet), rollbackOfUnknown(d.can), UNKNOWN);
      await d.says(d.undo(bet), [rollbackOfUnknown(d.can), ok()], UNKNOWN);
      await d.says(bet, behindRollback(d.can), BEHIND);
    },
  },
  {
    name: 'A rollback of the unknown leaves other bets of the round alone',
    category: 'order', needs: [ROLLBACK],
    steps: async (d) => {
      const lost = d.bet(d.units(5));
      await d.says(d.undo(lost), rollbackOfUnknown(d.can), UNKNOWN);
      const bet = d.bet(d.units(2), { round: lost.round });
      await d.says(bet, ok(-d.units(2)), 'Another bet of the round has nothing to do with it.');
      await d.says(d.win(bet, d.units(3)), ok(d.units(3)), 'A win pays exactly its amount.');
    },
  },
  {
    name: 'A win that comes before its bet is refused, and paid when it comes again behind it',
    category: 'order', needs: [BET_NEEDED],
    steps: async (d) => {
      const bet = d.bet(d.units(2));
      const win = d.win(bet, d.units(3));
      await d.says(win, refused('unknown-bet'), 'A win needs its bet.');
      await d.says(bet, ok(-d.units(2)), 'A bet takes exactly its amount.');
      await d.says(win, ok(d.units(3)), 'A refused win is owed: its refusal is not remembered.');
    },
  },
  {
    name: 'A win for a bet that was undone is refused',
    category: 'order', needs: [ROLLBACK, BET_NEEDED],
    steps: async (d) => {
      const bet = d.bet(d.units(2));
      await d.says(bet, ok(-d.units(2)), 'A bet takes exactly its amount.');
      await d.says(d.undo(bet), ok(d.units(2)), 'A rollback gives back exactly what the bet took.');
      await d.says(d.win(bet, d.units(9)), refused('rolled-back', 'unknown-bet'), 'A bet that was given back wins nothing.');
    },
  },
  {
    name: 'A rollback undoes the bet it names, not the last one',
    category: 'order', needs: [ROLLBACK],
    steps: async (d) => {
      const first = d.bet(d.units(2));
      const last = d.bet(d.units(7), { round: first.round });
      await d.says(first, ok(-d.units(2)), 'A bet takes exactly its amount.');
      await d.says(last, ok(-d.units(7)), 'A bet takes exactly its amount.');
      await d.says(d.undo(first), ok(d.units(2)), 'A rollback gives back what the bet it names took.');
    },
  },
  {
    name: 'A win that comes after its round was closed is paid',
    category: 'order', needs: [CLOSES],
    steps: async (d) => {
      const bet = d.bet(d.units(2), { closes: true });
      await d.says(bet, ok(-d.units(2)), 'A bet takes exactly its amount.');
      await d.says(d.win(bet, d.units(5)), ok(d.units(5)), 'A win is owed, however late it comes.');
    },
  },
  {
    name: 'A rollback of a bet that was refused gives nothing',
    category: 'order', needs: [ROLLBACK],
    steps: async (d) => {
      const bet = d.bet(d.balance + d.units(1));
      await d.says(bet, refused('insufficient-funds'), 'No bet takes more than the balance.');
      await d.says(d.undo(bet), [ok(), refused('unknown-bet', 'rolled-back')], 'Nothing was taken, so nothing is given back; the provider may not know that.');
    },
  },
  {
    name: 'A bet sent again behind its rollback is not charged again',
    category: 'order', needs: [ROLLBACK],
    steps: async (d) => {
      const bet = d.bet(d.units(4));
      await d.says(bet, ok(-d.units(4)), 'A bet takes exactly its amount.');
      await d.says(d.undo(bet), ok(d.units(4)), 'A rollback gives back exactly what the bet took.');
      await d.says(bet, [repeated(d.can), behindRollback(d.can), UNDONE], 'The late repetition of a bet that was undone moves nothing.');
    },
  },
  {
    name: 'A rollback of a bet that has won is refused, or undoes the win too',
    category: 'order', needs: [ROLLBACK],
    steps: async (d) => {
      const bet = d.bet(d.units(2));
      await d.says(bet, ok(-d.units(2)), 'A bet takes exactly its amount.');
      await d.says(d.win(bet, d.units(6)), ok(d.units(6)), 'A win pays exactly its amount.');
      await d.says(d.undo(bet), [refused('bet-settled'), ok(-d.units(4))], 'A player who keeps the prize does not get the stake back.');
    },
  },
  {
    name: 'A play whose bet was undone before is not applied',
    category: 'order', needs: [ROLLBACK, PLAY],
    steps: async (d) => {
      const bet = d.bet(d.units(3));
      await d.says(d.undo(bet), rollbackOfUnknown(d.can), UNKNOWN);
      const play = d.play([{ kind: 'bet', reference: bet.reference, amount: bet.amount }, d.action('bet', d.units(1))], { round: bet.round });
      const skipped = d.can.betBehindRollback.includes('ok') ? [ok(), ok(-d.units(1))] : [];
      await d.says(play, [behindRollback(d.can), ...skipped], BEHIND);
    },
  },
  {
    name: 'A rollback of a win takes the prize back',
    category: 'order', needs: [WINS_ROLLED_BACK],
    steps: async (d) => {
      const bet = d.bet(d.units(2));
      const win = d.win(bet, d.units(6));
      await d.says(bet, ok(-d.units(2)), 'A bet takes exactly its amount.');
      await d.says(win, ok(d.units(6)), 'A win pays exactly its amount.');
      await d.says(d.undo(win), ok(-d.units(6)), 'A rollback takes back exactly what the win paid.');
    },
  },
  {
    name: 'A bet whose win was undone can be undone itself',
    category: 'order', needs: [WINS_ROLLED_BACK, BET_NAMED],
    steps: async (d) => {
      const bet = d.bet(d.units(2));
      const win = d.win(bet, d.units(6));
      await d.says(bet, ok(-d.units(2)), 'A bet takes exactly its amount.');
      await d.says(win, ok(d.units(6)), 'A win pays exactly its amount.');
      await d.says(d.undo(win), ok(-d.units(6)), 'A rollback takes back exactly what the win paid.');
      await d.says(d.undo(bet), ok(d.units(2)), 'With its win undone the bet is open again.');
    },
  },
  {
    name: 'An adjustment behind its own rollback is not applied',
    category: 'order', needs: [ADJUST, ROLLBACK],
    steps: async (d) => {
      const adjust = d.adjust(d.units(4));
      await d.says(d.undo(adjust), rollbackOfUnknown(d.can), UNKNOWN);
      await d.says(adjust, [behindRollback(d.can), UNDONE], 'The provider has undone this adjustment already, however late it comes.');
    },
  },
  {
    name: 'A win behind its own rollback is not paid',
    category: 'order', needs: [WINS_ROLLED_BACK],
    steps: async (d) => {
      const bet = d.bet(d.units(2));
      const win = d.win(bet, d.units(6));
      await d.says(bet, ok(-d.units(2)), 'A bet takes exactly its amount.');
      await d.says(d.undo(win), rollbackOfUnknown(d.can), UNKNOWN);
      await d.says(win, [behindRollback(d.can), UNDONE], 'The provider has undone this win already: it must never be paid.');
    },
  },
];
