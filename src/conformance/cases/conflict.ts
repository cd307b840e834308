import type { Case } from '../case.ts';
import { ok, refused } from '../setting.ts';
import { CONFLICT, sharedId } from '../expected.ts';
import { textOf } from '../money.ts';
import { ADJUST, BET_NAMED, PLAY, ROLLBACK, SECOND_PLAYER, TEXT_IDS, TWO_GAMES } from '../needs.ts';

const OTHER = 'One id with other content is a mistake of the sender: to take it for the same call would hide it, to apply it would double it.';

export const CONFLICTS: readonly Case[] = [
  {
    name: 'A bet’s id with another amount is a conflict',
    category: 'conflict',
    steps: async (d) => {
      const bet = d.bet(d.units(5));
      await d.says(bet, ok(-d.units(5)), 'A bet takes exactly its amount.');
      await d.says({ ...bet, amount: textOf(d.units(6)) }, CONFLICT, OTHER);
    },
  },
  {
    name: 'A bet’s id in another round is a conflict',
    category: 'conflict',
    steps: async (d) => {
      const bet = d.bet(d.units(5));
      await d.says(bet, ok(-d.units(5)), 'A bet takes exactly its amount.');
      await d.says({ ...bet, round: d.id() }, CONFLICT, OTHER);
    },
  },
  {
    name: 'A bet’s id in another game is a conflict',
    category: 'conflict', needs: [TWO_GAMES],
    steps: async (d) => {
      const bet = d.bet(d.units(5));
      await d.says(bet, ok(-d.units(5)), 'A bet takes exactly its amount.');
      await d.says({ ...bet, game: d.otherGame }, CONFLICT, OTHER);
    },
  },
  {
    name: 'A win’s id with another amount is a conflict',
    category: 'conflict',
    steps: async (d) => {
      const bet = d.bet(d.units(2));
      const win = d.win(bet, d.units(3));
      await d.says(bet, ok(-d.units(2)), 'A bet takes exactly its amount.');
      await d.says(win, ok(d.units(3)), 'A win pays exactly its amount.');
      await d.says({ ...win, amount: textOf(d.units(4)) }, CONFLICT, OTHER);
    },
  },
  {
    name: 'A win’s id for another bet is a conflict',
    category: 'conflict', needs: [BET_NAMED],
    steps: async (d) => {
      const bets = [d.bet(d.units(2)), d.bet(d.units(2))] as const;
      for (const bet of bets) await d.says(bet, ok(-d.units(2)), 'A bet takes exactly its amount.');
      const win = d.win(bets[0], d.units(3));
      await d.says(win, ok(d.units(3)), 'A win pays exactly its amount.');
      await d.says({ ...win, round: bets[1].round, bet: bets[1].reference }, CONFLICT, OTHER);
    },
  },
  {
    name: 'A rollback’s id for another bet is a conflict',
    category: 'conflict', needs: [ROLLBACK],
    steps: async (d) => {
      const bets = [d.bet(d.units(2)), d.bet(d.units(3))] as const;
      await d.says(bets[0], ok(-d.units(2)), 'A bet takes exactly its amount.');
      await d.says(bets[1], ok(-d.units(3)), 'A bet takes exactly its amount.');
      const rollback = d.undo(bets[0]);
      await d.says(rollback, ok(d.units(2)), 'A rollback gives back exactly what the bet took.');
      await d.says({ ...rollback, round: bets[1].round, original: bets[1].reference }, CONFLICT, OTHER);
    },
  },
  {
    name: 'An adjustment’s id with the other sign is a conflict',
    category: 'conflict', needs: [ADJUST],
    steps: async (d) => {
      const adjust = d.adjust(d.units(3));
      await d.says(adjust, ok(d.units(3)), 'An adjustment above zero gives exactly its amount.');
      await d.says({ ...adjust, amount: textOf(-d.units(3)) }, CONFLICT, OTHER);
    },
  },
  {
    name: 'A win that bears its bet’s id is told apart as the dialect says',
    category: 'conflict',
    steps: async (d) => {
      const bet = d.bet(d.units(2));
      await d.says(bet, ok(-d.units(2)), 'A bet takes exactly its amount.');
      const win = d.win(bet, d.units(3), { reference: bet.reference });
      const why = d.can.idScope === 'operation' ? 'Ids of bets and of wins are apart in this dialect: it is a new win.' : 'An id is one thing in this dialect, and this one is a bet.';
      await d.says(win, sharedId(d.can.idScope === 'operation', d.units(3)), why);
    },
  },
  {
    name: 'An id that another player’s bet bears is told apart as the dialect says',
    category: 'conflict', needs: [SECOND_PLAYER],
    steps: async (d) => {
      const bet = d.bet(d.units(2));
      const theirs = d.second.bet(d.second.units(2), { reference: bet.reference });
      await d.says(bet, ok(-d.units(2)), 'A bet takes exactly its amount.');
      const apart = d.can.idScope !== 'global';
      const why = apart ? 'Ids belong to their player in this dialect: it is a bet of its own.' : 'An id is one thing for all players in this dialect.';
      await d.second.says(theirs, sharedId(apart, -d.second.units(2)), why);
      await d.settles([0n], 'Another player’s bet moves nothing here.');
    },
  },
  {
    name: 'A play that holds a known bet with another amount is refused whole',
    category: 'conflict', needs: [PLAY],
    steps: async (d) => {
      const bet = d.bet(d.units(2));
      await d.says(bet, ok(-d.units(2)), 'A bet takes exactly its amount.');
      const changed = { kind: 'bet' as const, reference: bet.reference, amount: textOf(d.units(3)) };
      await d.says(d.play([d.action('bet', d.units(1)), changed], { round: bet.round }), CONFLICT, `${OTHER} No action of a refused play is applied.`);
    },
  },
  {
    name: 'One id twice in one play is refused',
    category: 'conflict', needs: [PLAY],
    steps: async (d) => {
      const bet = d.action('bet', d.units(2));
      await d.says(d.play([bet, bet]), refused('bad-request', 'conflict'), 'What is meant by one id twice in a call cannot be known.');
    },
  },
  {
    name: 'Ids that differ in their last character are two ids',
    category: 'conflict',
    steps: async (d) => {
      const id = d.id();
      const other = id.slice(0, -1) + (id.endsWith('7') ? '8' : '7');
      await d.says(d.bet(d.units(1), { reference: id }), ok(-d.units(1)), 'A bet takes exactly its amount.');
      await d.says(d.bet(d.units(2), { reference: other }), ok(-d.units(2)), 'Ids are compared whole.');
    },
  },
  {
    name: 'Ids that differ in case are two ids',
    category: 'conflict', needs: [TEXT_IDS],
    steps: async (d) => {
      const id = `a${d.id()}`;
      await d.says(d.bet(d.units(1), { reference: id }), ok(-d.units(1)), 'A bet takes exactly its amount.');
      await d.says(d.bet(d.units(2), { reference: id.toUpperCase() }), ok(-d.units(2)), 'Ids are compared byte for byte.');
    },
  },
  {
    name: 'Ids that differ in a space at their end are two ids',
    category: 'conflict', needs: [TEXT_IDS],
    steps: async (d) => {
      const id = d.id();
      await d.says(d.bet(d.units(1), { reference: id }), ok(-d.units(1)), 'A bet takes exactly its amount.');
      await d.says(d.bet(d.units(2), { reference: `${id} ` }), ok(-d.units(2)), 'Ids are compared byte for byte, nothing is cut off.');
    },
  },
  {
    name: 'The longest ids are told apart by their last character',
    category: 'conflict', needs: [TEXT_IDS],
    steps: async (d) => {
      const stem = d.id().repeat(10).slice(0, (d.can.textIds as number) - 1);
      await d.says(d.bet(d.units(1), { reference: `${stem}a` }), ok(-d.units(1)), 'An id as long as the dialect allows is an id.');
      await d.says(d.bet(d.units(2), { reference: `${stem}b` }), ok(-d.units(2)), 'Ids are compared whole.');
    },
  },
  {
    name: 'An id longer than the dialect allows is refused, not cut',
    category: 'conflict', needs: [TEXT_IDS],
    steps: async (d) => {
      const id = d.id().repeat(10).slice(0, (d.can.textIds as number) + 1);
      await d.says(d.bet(d.units(1), { reference: id }), refused('bad-request'), 'A cut id may be another bet’s.');
    },
  },
  {
    name: 'An id of quotes, brackets and letters from anywhere is an id',
    category: 'conflict', needs: [TEXT_IDS],
    steps: async (d) => {
      const bet = d.bet(d.units(1), { reference: `'; drop "${d.id()}" <b>%00\\ žluť 東京 🎰` });
      await d.says(bet, ok(-d.units(1)), 'An id is text, whatever it holds.');
      await d.says(d.win(bet, d.units(1)), ok(d.units(1)), 'A win finds its bet by the same text.');
    },
  },
];
