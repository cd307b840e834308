import type { Case, Need, Stopped } from '../case.ts';
import { ok, refused, type OpenBet } from '../setting.ts';
import { ANY_REFUSAL, rollbackOfUnknown } from '../expected.ts';
import {
  ADJUST, AUTHENTICATE, AWARD, BET_NAMED, BET_NEEDED, BLOCKED, BLOCKED_WITH_BET, EXPIRED, EXPIRED_WITH_BET, ROLLBACK, SECOND_PLAYER, SUPERSEDED, SUPERSEDED_WITH_BET,
} from '../needs.ts';
import { unitsOf } from '../money.ts';

const NO_SESSION = refused('unknown-session', 'session-over', 'unknown-player');
const OWED = 'What is won or has to be given back is the player’s, whatever became of the session or of the right to bet.';
const stakeOf = (open: OpenBet): bigint => unitsOf(open.amount) ?? 0n;

/** Of who may not bet any more, on a bet from before. */
const owed = (stopped: Stopped, need: Need, names: { readonly win: string; readonly rollback: string }): Case[] => [
  {
    name: names.win,
    category: 'sessions', needs: [need],
    steps: async ({ [stopped]: d, units }) => {
      await d.says(d.win(d.open as OpenBet, units(3)), ok(units(3)), OWED);
    },
  },
  {
    name: names.rollback,
    category: 'sessions', needs: [need, ROLLBACK],
    steps: async ({ [stopped]: d }) => {
      const open = d.open as OpenBet;
      await d.says(d.undo(open), ok(stakeOf(open)), OWED);
    },
  },
];

export const SESSIONS: readonly Case[] = [
  {
    name: 'A token that nobody was given opens no session',
    category: 'sessions', needs: [AUTHENTICATE],
    steps: async (d) => {
      await d.says({ say: 'authenticate', seat: { ...d.seat, token: d.id() } }, NO_SESSION, 'A token is a secret; a guessed one is none.');
    },
  },
  {
    name: 'A bet under a token that nobody was given is refused',
    category: 'sessions',
    steps: async (d) => {
      await d.says(d.bet(d.units(1), { seat: { ...d.seat, token: d.id() } }), NO_SESSION, 'A bet is the player’s will only under the player’s session.');
    },
  },
  {
    name: 'A bet under another player’s session is refused',
    category: 'sessions', needs: [SECOND_PLAYER],
    steps: async (d) => {
      const said = d.bet(d.units(1), { seat: { ...d.seat, token: d.second.seat.token } });
      await d.says(said, refused('unknown-session', 'session-over', 'unknown-player', 'bad-request'), 'A session is of one player.');
      await d.second.settles([0n], 'A bet in another player’s name takes nothing from this one.');
    },
  },
  {
    name: 'A player who does not exist cannot bet',
    category: 'sessions',
    steps: async (d) => {
      const seat = { player: d.id(), currency: d.seat.currency, token: d.id() };
      await d.says(d.bet(d.units(1), { seat }), refused('unknown-player', 'unknown-session', 'bad-request'), 'There is no such player, and none is made by a bet.');
    },
  },
  {
    name: 'A win for another player’s bet is refused',
    category: 'sessions', needs: [SECOND_PLAYER, BET_NEEDED, BET_NAMED],
    steps: async (d) => {
      const theirs = d.second.bet(d.second.units(2));
      await d.second.says(theirs, ok(-d.second.units(2)), 'A bet takes exactly its amount.');
      await d.says(d.win(theirs, d.units(9)), refused('unknown-bet', 'conflict', 'unknown-session'), 'A bet is its player’s; nobody else wins by it.');
      await d.second.settles([0n], 'A refused win moves nothing.');
    },
  },
  {
    name: 'A rollback of another player’s bet gives nobody anything',
    category: 'sessions', needs: [SECOND_PLAYER, ROLLBACK],
    steps: async (d) => {
      const theirs = d.second.bet(d.second.units(2));
      await d.second.says(theirs, ok(-d.second.units(2)), 'A bet takes exactly its amount.');
      await d.says(d.undo(theirs), [rollbackOfUnknown(d.can), refused(...ANY_REFUSAL)], 'A bet is its player’s; of this player it is unknown.');
      await d.second.settles([0n], 'Nobody but its player’s provider call undoes a bet.');
    },
  },
  {
    name: 'A bet under a session that has run out is refused',
    category: 'sessions', needs: [EXPIRED],
    steps: async (d) => {
      await d.expired.says(d.expired.bet(d.expired.least), refused('session-over', 'unknown-session'), 'Without a live session nobody bets.');
    },
  },
  ...owed('expired', EXPIRED_WITH_BET, { win: 'A win after the session has run out is paid', rollback: 'A rollback after the session has run out is done' }),
  {
    name: 'A bet under a token whose successor is in use is refused',
    category: 'sessions', needs: [SUPERSEDED],
    steps: async (d) => {
      const bet = d.superseded.bet(d.superseded.least);
      await d.superseded.says(bet, refused('session-superseded', 'session-over', 'unknown-session'), 'A session goes on under its newest token; the one before it may be somebody else’s by now.');
    },
  },
  ...owed('superseded', SUPERSEDED_WITH_BET, { win: 'A win under a token whose successor is in use is paid', rollback: 'A rollback under a token whose successor is in use is done' }),
  {
    name: 'A blocked player’s bet is refused',
    category: 'sessions', needs: [BLOCKED],
    steps: async (d) => {
      await d.blocked.says(d.blocked.bet(d.blocked.least), refused('player-blocked', 'session-over', 'unknown-session'), 'Who is blocked does not bet.');
    },
  },
  ...owed('blocked', BLOCKED_WITH_BET, { win: 'A blocked player’s win is paid', rollback: 'A blocked player’s bet can be undone' }),
  {
    name: 'A blocked player’s adjustment is applied',
    category: 'sessions', needs: [BLOCKED, ADJUST],
    steps: async (d) => {
      await d.blocked.says(d.blocked.adjust(d.units(2)), ok(d.units(2)), 'A mistake is corrected whoever it concerns.');
    },
  },
  {
    name: 'A blocked player’s jackpot is paid',
    category: 'sessions', needs: [BLOCKED, AWARD],
    steps: async (d) => {
      await d.blocked.says(d.blocked.award(d.units(2)), ok(d.units(2)), OWED);
    },
  },
];
