import { able, type Case } from '../case.ts';
import { ok } from '../setting.ts';
import { NO_FUNDS, repeated } from '../expected.ts';
import { ADJUST, CLOSES, PLAY, ROLLBACK } from '../needs.ts';

const ONCE = 'A call that is sent again is the same call: it has one effect.';

export const IDEMPOTENCY: readonly Case[] = [
  {
    name: 'A bet sent again is charged once',
    category: 'idempotency',
    steps: async (d) => {
      const bet = d.bet(d.units(5));
      await d.says(bet, ok(-d.units(5)), 'A bet takes exactly its amount.');
      await d.says(bet, repeated(d.can), ONCE);
    },
  },
  {
    name: 'A bet sent ten times is charged once',
    category: 'idempotency',
    steps: async (d) => {
      const bet = d.bet(d.units(1));
      await d.says(bet, ok(-d.units(1)), 'A bet takes exactly its amount.');
      for (let i = 0; i < 9; i++) await d.says(bet, repeated(d.can), ONCE);
    },
  },
  {
    name: 'A win sent again is paid once',
    category: 'idempotency',
    steps: async (d) => {
      const bet = d.bet(d.units(2));
      const win = d.win(bet, d.units(9));
      await d.says(bet, ok(-d.units(2)), 'A bet takes exactly its amount.');
      await d.says(win, ok(d.units(9)), 'A win pays exactly its amount.');
      await d.says(win, repeated(d.can), ONCE);
    },
  },
  {
    name: 'A rollback sent again gives back once',
    category: 'idempotency', needs: [ROLLBACK],
    steps: async (d) => {
      const bet = d.bet(d.units(4));
      const rollback = d.undo(bet);
      await d.says(bet, ok(-d.units(4)), 'A bet takes exactly its amount.');
      await d.says(rollback, ok(d.units(4)), 'A rollback gives back exactly what the bet took.');
      await d.says(rollback, repeated(d.can), ONCE);
    },
  },
  {
    name: 'A second rollback of one bet, under another id, gives back nothing more',
    category: 'idempotency', needs: [ROLLBACK],
    steps: async (d) => {
      const bet = d.bet(d.units(4));
      await d.says(bet, ok(-d.units(4)), 'A bet takes exactly its amount.');
      await d.says(d.undo(bet), ok(d.units(4)), 'A rollback gives back exactly what the bet took.');
      await d.says(d.undo(bet), repeated(d.can), 'A bet is undone once, whatever the rollback is called.');
    },
  },
  {
    name: 'A bet sent again tells the transaction id of the first time',
    category: 'idempotency',
    steps: async (d) => {
      const bet = d.bet(d.units(1));
      const first = await d.says(bet, ok(-d.units(1)), 'A bet takes exactly its amount.');
      const again = await d.says(bet, repeated(d.can), ONCE);
      const same = !first.transactions || !again.transactions || again.transactions.length === 0 || again.transactions[0] === first.transactions[0];
      d.holds(same, `transaction ${first.transactions?.[0]}`, 'One transaction has one id, however often it is asked for.');
    },
  },
  {
    name: 'A bet sent again after other movements tells the balance of now',
    category: 'idempotency', needs: [able((can) => can.duplicate === 'current', 'a repeated call does not tell the balance of now')],
    steps: async (d) => {
      const bet = d.bet(d.units(3));
      await d.says(bet, ok(-d.units(3)), 'A bet takes exactly its amount.');
      await d.says(d.bet(d.units(1)), ok(-d.units(1)), 'A bet takes exactly its amount.');
      await d.says(bet, repeated(d.can), 'A repeated call is answered with the current balance, which games show to their players.');
    },
  },
  {
    name: 'A refused bet stays refused when money has come since',
    category: 'idempotency',
    steps: async (d) => {
      const paid = d.bet(d.units(1));
      const tooMuch = d.bet(d.balance);
      await d.says(paid, ok(-d.units(1)), 'A bet takes exactly its amount.');
      await d.says(tooMuch, NO_FUNDS, 'No bet takes more than the balance.');
      await d.says(d.win(paid, d.units(50)), ok(d.units(50)), 'A win pays exactly its amount.');
      await d.says(tooMuch, NO_FUNDS, 'The provider took the bet for refused and plays no round for it: charged now, the stake would be lost. Another try needs another id.');
    },
  },
  {
    name: 'A bet sent again is not measured by the balance it left behind',
    category: 'idempotency',
    steps: async (d) => {
      const bet = d.bet(d.balance - d.units(1));
      await d.says(bet, ok(d.units(1) - d.balance), 'A bet takes exactly its amount.');
      await d.says(bet, repeated(d.can), 'It was accepted already; that the rest is less than its stake is no reason to refuse it.');
      await d.says(d.win(bet, d.units(90)), ok(d.units(90)), 'A win pays exactly its amount.');
    },
  },
  {
    name: 'A bet sent again after its round was closed is still the bet that was accepted',
    category: 'idempotency', needs: [CLOSES],
    steps: async (d) => {
      const bet = d.bet(d.units(2));
      await d.says(bet, ok(-d.units(2)), 'A bet takes exactly its amount.');
      await d.says(d.win(bet, 0n, { closes: true }), ok(), 'A win of zero ends a lost round.');
      await d.says(bet, repeated(d.can), 'What was accepted is accepted, whatever became of its round since.');
    },
  },
  {
    name: 'A bet sent again after its win is still the bet that was accepted',
    category: 'idempotency',
    steps: async (d) => {
      const bet = d.bet(d.units(2));
      await d.says(bet, ok(-d.units(2)), 'A bet takes exactly its amount.');
      await d.says(d.win(bet, d.units(3)), ok(d.units(3)), 'A win pays exactly its amount.');
      await d.says(bet, repeated(d.can), 'What was accepted is accepted; being settled since changes nothing.');
    },
  },
  {
    name: 'An adjustment sent again is applied once',
    category: 'idempotency', needs: [ADJUST],
    steps: async (d) => {
      const adjust = d.adjust(-d.units(3));
      await d.says(adjust, ok(-d.units(3)), 'An adjustment below zero takes exactly its amount.');
      await d.says(adjust, repeated(d.can), ONCE);
    },
  },
  {
    name: 'A play sent again is applied once',
    category: 'idempotency', needs: [PLAY],
    steps: async (d) => {
      const bet = d.action('bet', d.units(3));
      const play = d.play([bet, d.action('win', d.units(8), { bet: bet.reference })]);
      await d.says(play, ok(d.units(5)), 'All actions of a play are applied, in order.');
      await d.says(play, repeated(d.can), ONCE);
    },
  },
  {
    name: 'A play of a known bet and a new win pays the win alone',
    category: 'idempotency', needs: [PLAY],
    steps: async (d) => {
      const bet = d.bet(d.units(3));
      const known = { kind: 'bet' as const, reference: bet.reference, amount: bet.amount };
      await d.says(bet, ok(-d.units(3)), 'A bet takes exactly its amount.');
      const play = d.play([known, d.action('win', d.units(4), { bet: bet.reference })], { round: bet.round });
      await d.says(play, ok(d.units(4)), 'Known actions of a play are repeated, new ones applied.');
    },
  },
  {
    name: 'A bet of a play sent again by itself is the same bet',
    category: 'idempotency', needs: [PLAY],
    steps: async (d) => {
      const bet = d.bet(d.units(3));
      await d.says(d.play([{ kind: 'bet', reference: bet.reference, amount: bet.amount }], { round: bet.round }), ok(-d.units(3)), 'All actions of a play are applied.');
      await d.says(bet, repeated(d.can), ONCE);
    },
  },
];
