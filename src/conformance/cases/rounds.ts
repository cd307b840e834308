import { able, type Case } from '../case.ts';
import { ok, refused } from '../setting.ts';
import { GIVEN_UP } from '../expected.ts';
import { ADJUST, CANCEL, CLOSE, CLOSES, ROLLBACK, SECOND_PLAYER } from '../needs.ts';

const TAKEN = 'A bet takes exactly its amount.';
const CLOSED = refused('round-closed');
const NO_MORE = 'A closed round takes no more bets.';
const GIVES_BACK = 'A round that is given up gives back what its open bets took.';

export const ROUNDS: readonly Case[] = [
  {
    name: 'A bet in a closed round is refused',
    category: 'rounds', needs: [CLOSE],
    steps: async (d) => {
      const bet = d.bet(d.units(2));
      await d.says(bet, ok(-d.units(2)), TAKEN);
      await d.says(d.close(bet), ok(), 'Closing moves nothing.');
      await d.says(d.bet(d.units(1), { round: bet.round }), CLOSED, NO_MORE);
    },
  },
  {
    name: 'A bet in a round that a win closed is refused',
    category: 'rounds', needs: [CLOSES],
    steps: async (d) => {
      const bet = d.bet(d.units(2));
      await d.says(bet, ok(-d.units(2)), TAKEN);
      await d.says(d.win(bet, d.units(3), { closes: true }), ok(d.units(3)), 'A win pays exactly its amount.');
      await d.says(d.bet(d.units(1), { round: bet.round }), CLOSED, NO_MORE);
    },
  },
  {
    name: 'A bet in a round that its first bet closed is refused',
    category: 'rounds', needs: [CLOSES],
    steps: async (d) => {
      const bet = d.bet(d.units(2), { closes: true });
      await d.says(bet, ok(-d.units(2)), TAKEN);
      await d.says(d.bet(d.units(1), { round: bet.round }), CLOSED, NO_MORE);
    },
  },
  {
    name: 'A round is closed twice without harm',
    category: 'rounds', needs: [CLOSE],
    steps: async (d) => {
      const bet = d.bet(d.units(2));
      await d.says(bet, ok(-d.units(2)), TAKEN);
      await d.says(d.close(bet), ok(), 'Closing moves nothing.');
      await d.says(d.close(bet), ok(), 'A call that is sent again is the same call.');
    },
  },
  {
    name: 'Closing a round that nobody played is harmless, and keeps nobody from playing it',
    category: 'rounds', needs: [CLOSE],
    steps: async (d) => {
      const bet = d.bet(d.units(2));
      await d.says(d.close(bet), [ok(), refused('not-found', 'unknown-bet')], 'There is nothing to close.');
      await d.says(bet, ok(-d.units(2)), 'What was never opened is not closed.');
    },
  },
  {
    name: 'Closing one round leaves the player’s other rounds open',
    category: 'rounds', needs: [CLOSE],
    steps: async (d) => {
      const bets = [d.bet(d.units(1)), d.bet(d.units(2))] as const;
      await d.says(bets[0], ok(-d.units(1)), TAKEN);
      await d.says(bets[1], ok(-d.units(2)), TAKEN);
      await d.says(d.close(bets[0]), ok(), 'Closing moves nothing.');
      await d.says(d.bet(d.units(3), { round: bets[1].round }), ok(-d.units(3)), 'A player may have several rounds open.');
    },
  },
  {
    name: 'Several bets in one round are all charged',
    category: 'rounds',
    steps: async (d) => {
      const first = d.bet(d.units(1));
      await d.says(first, ok(-d.units(1)), TAKEN);
      for (const count of [2, 3]) await d.says(d.bet(d.units(count), { round: first.round }), ok(-d.units(count)), 'A round may hold several bets.');
    },
  },
  {
    name: 'A bet after a win in the same open round is taken',
    category: 'rounds',
    steps: async (d) => {
      const bet = d.bet(d.units(1));
      await d.says(bet, ok(-d.units(1)), TAKEN);
      await d.says(d.win(bet, d.units(2)), ok(d.units(2)), 'A win pays exactly its amount.');
      await d.says(d.bet(d.units(3), { round: bet.round }), ok(-d.units(3)), 'A win does not close its round unless it says so.');
    },
  },
  {
    name: 'With one of a round’s bets undone the other still wins',
    category: 'rounds', needs: [ROLLBACK],
    steps: async (d) => {
      const kept = d.bet(d.units(1));
      const extra = d.bet(d.units(2), { round: kept.round });
      await d.says(kept, ok(-d.units(1)), TAKEN);
      await d.says(extra, ok(-d.units(2)), TAKEN);
      await d.says(d.undo(extra), ok(d.units(2)), 'A rollback gives back exactly what the bet took.');
      await d.says(d.win(kept, d.units(5)), ok(d.units(5)), 'Undoing an extra bet does not void the round.');
    },
  },
  {
    name: 'A bet of a closed round can still be undone',
    category: 'rounds', needs: [CLOSES, ROLLBACK],
    steps: async (d) => {
      const bet = d.bet(d.units(2), { closes: true });
      await d.says(bet, ok(-d.units(2)), TAKEN);
      await d.says(d.undo(bet), ok(d.units(2)), 'A stake that has to be given back is the player’s, in a closed round too.');
    },
  },
  {
    name: 'An adjustment needs no open round',
    category: 'rounds', needs: [CLOSES, ADJUST],
    steps: async (d) => {
      const bet = d.bet(d.units(2), { closes: true });
      await d.says(bet, ok(-d.units(2)), TAKEN);
      await d.says(d.adjust(d.units(1), { round: bet.round }), ok(d.units(1)), 'What went wrong in a round is corrected after it.');
    },
  },
  {
    name: 'A round that is cancelled twice gives back once',
    category: 'rounds', needs: [CANCEL],
    steps: async (d) => {
      const bet = d.bet(d.units(2));
      await d.says(bet, ok(-d.units(2)), TAKEN);
      await d.says(d.cancel(bet), ok(d.units(2)), GIVES_BACK);
      await d.says(d.cancel(bet), ok(), 'A call that is sent again is the same call: it has one effect.');
    },
  },
  {
    name: 'A bet in a cancelled round is refused',
    category: 'rounds', needs: [CANCEL],
    steps: async (d) => {
      const bet = d.bet(d.units(2));
      await d.says(bet, ok(-d.units(2)), TAKEN);
      await d.says(d.cancel(bet), ok(d.units(2)), GIVES_BACK);
      await d.says(d.bet(d.units(1), { round: bet.round }), GIVEN_UP, 'Nobody plays a round that was given up: a stake in it would be lost.');
    },
  },
  {
    name: 'A bet that comes behind the cancelling of its round is not charged',
    category: 'rounds', needs: [CANCEL],
    steps: async (d) => {
      const bet = d.bet(d.units(2));
      await d.says(d.cancel(bet), ok(), 'There is nothing to give back; the provider may not know that.');
      await d.says(bet, GIVEN_UP, 'The provider has given the round up: its bet must never be charged, however late it comes.');
    },
  },
  {
    name: 'A win in a cancelled round is refused',
    category: 'rounds', needs: [CANCEL],
    steps: async (d) => {
      const bet = d.bet(d.units(2));
      await d.says(bet, ok(-d.units(2)), TAKEN);
      await d.says(d.cancel(bet), ok(d.units(2)), GIVES_BACK);
      await d.says(d.win(bet, d.units(9)), refused('rolled-back', 'round-closed', 'unknown-bet'), 'A bet that was given back wins nothing.');
    },
  },
  {
    name: 'Cancelling a round leaves a bet that has won alone',
    category: 'rounds', needs: [CANCEL],
    steps: async (d) => {
      const won = d.bet(d.units(2));
      await d.says(won, ok(-d.units(2)), TAKEN);
      await d.says(d.bet(d.units(3), { round: won.round }), ok(-d.units(3)), 'A round may hold several bets.');
      await d.says(d.win(won, d.units(7)), ok(d.units(7)), 'A win pays exactly its amount.');
      await d.says(d.cancel(won), ok(d.units(3)), 'A player who keeps the prize does not get its stake back.');
    },
  },
  {
    name: 'Cancelling a round does not give back again what was undone before',
    category: 'rounds', needs: [CANCEL, ROLLBACK],
    steps: async (d) => {
      const undone = d.bet(d.units(2));
      await d.says(undone, ok(-d.units(2)), TAKEN);
      await d.says(d.bet(d.units(3), { round: undone.round }), ok(-d.units(3)), 'A round may hold several bets.');
      await d.says(d.undo(undone), ok(d.units(2)), 'A rollback gives back exactly what the bet took.');
      await d.says(d.cancel(undone), ok(d.units(3)), GIVES_BACK);
    },
  },
  {
    name: 'A round’s id is each player’s own',
    category: 'rounds', needs: [SECOND_PLAYER, able((can) => can.closesRounds, 'no call closes a round')],
    steps: async (d) => {
      const bet = d.bet(d.units(2), { closes: true });
      await d.says(bet, ok(-d.units(2)), TAKEN);
      const theirs = d.second.bet(d.second.units(1), { round: bet.round });
      await d.second.says(theirs, ok(-d.second.units(1)), 'At a table many players share a round’s id; closing it for one closes it for one.');
    },
  },
];
