import type { Case } from '../case.ts';
import { ok, refused } from '../setting.ts';
import { CONFLICT, repeated } from '../expected.ts';
import { AWARD, FREE_BETS, ROLLBACK, SECOND_PLAYER } from '../needs.ts';

const FREE = 'A free bet is not the player’s money.';
const TOTAL = 'The total of a campaign of free rounds is paid once.';
const AWARDS = [AWARD];

export const PROMOTIONS: readonly Case[] = [
  {
    name: 'A free bet moves nothing',
    category: 'promotions', needs: [FREE_BETS],
    steps: async (d) => {
      await d.says(d.bet(d.units(5), { free: { campaign: d.id() } }), ok(), FREE);
    },
  },
  {
    name: 'A free bet is taken whatever the balance',
    category: 'promotions', needs: [FREE_BETS],
    steps: async (d) => {
      await d.says(d.bet(d.balance + d.units(1), { free: { campaign: d.id() } }), ok(), `${FREE} It needs none.`);
    },
  },
  {
    name: 'A free bet’s win is paid in cash',
    category: 'promotions', needs: [FREE_BETS],
    steps: async (d) => {
      const bet = d.bet(d.units(5), { free: { campaign: d.id() } });
      await d.says(bet, ok(), FREE);
      await d.says(d.win(bet, d.units(3)), ok(d.units(3)), 'What a free bet wins is the player’s.');
    },
  },
  {
    name: 'A free bet that is undone gives nothing back',
    category: 'promotions', needs: [FREE_BETS, ROLLBACK],
    steps: async (d) => {
      const bet = d.bet(d.units(5), { free: { campaign: d.id() } });
      await d.says(bet, ok(), FREE);
      await d.says(d.undo(bet), ok(), 'Nothing was taken, so nothing is given back.');
    },
  },
  {
    name: 'A bet’s id as that of a free bet is a conflict',
    category: 'promotions', needs: [FREE_BETS],
    steps: async (d) => {
      const bet = d.bet(d.units(5));
      await d.says(bet, ok(-d.units(5)), 'A bet takes exactly its amount.');
      await d.says({ ...bet, free: { campaign: d.id() } }, CONFLICT, 'Whether a bet costs money is part of what it is.');
    },
  },
  {
    name: 'A jackpot is paid without a round',
    category: 'promotions', needs: AWARDS,
    steps: async (d) => {
      await d.says(d.award(d.units(8)), ok(d.units(8)), 'A prize outside a round needs no bet.');
    },
  },
  {
    name: 'A jackpot sent again is paid once',
    category: 'promotions', needs: AWARDS,
    steps: async (d) => {
      const award = d.award(d.units(8));
      await d.says(award, ok(d.units(8)), 'A prize pays exactly its amount.');
      await d.says(award, repeated(d.can), 'A call that is sent again is the same call: it has one effect.');
    },
  },
  {
    name: 'A jackpot’s id as that of a tournament’s prize is a conflict',
    category: 'promotions', needs: AWARDS,
    steps: async (d) => {
      const award = d.award(d.units(8));
      await d.says(award, ok(d.units(8)), 'A prize pays exactly its amount.');
      await d.says({ ...award, award: 'tournament' }, CONFLICT, 'With its label changed a prize is not another prize, and not the same either.');
    },
  },
  {
    name: 'A campaign’s total is paid once, also under a second id',
    category: 'promotions', needs: AWARDS,
    steps: async (d) => {
      const total = d.award(d.units(6), { award: 'total', campaign: d.id() });
      await d.says(total, ok(d.units(6)), 'A prize pays exactly its amount.');
      await d.says({ ...total, reference: d.id() }, [refused('conflict', 'rolled-back', 'bet-settled'), ok()], TOTAL);
    },
  },
  {
    name: 'The totals of two campaigns are both paid',
    category: 'promotions', needs: AWARDS,
    steps: async (d) => {
      for (const count of [6, 7]) await d.says(d.award(d.units(count), { award: 'total', campaign: d.id() }), ok(d.units(count)), 'Each campaign has a total of its own.');
    },
  },
  {
    name: 'A campaign’s total is paid to each of its players',
    category: 'promotions', needs: [...AWARDS, SECOND_PLAYER],
    steps: async (d) => {
      const total = d.award(d.units(6), { award: 'total', campaign: d.id() });
      await d.says(total, ok(d.units(6)), 'A prize pays exactly its amount.');
      const theirs = d.second.award(d.second.units(4), { award: 'total', campaign: total.campaign as string });
      await d.second.says(theirs, ok(d.second.units(4)), 'A campaign has a total for each player.');
    },
  },
];
