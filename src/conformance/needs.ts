/** What cases may need beside a seat with money in it. */
import { able, says, type Need, type Stopped } from './case.ts';
import type { Setting, StoppedSeat } from './setting.ts';
import { mainCurrency } from './seats.ts';

export const SECOND_PLAYER: Need = {
  seat: 'second',
  lacks: (setting) => {
    const currency = mainCurrency(setting.seats);
    const players = new Set(setting.seats.filter((seat) => seat.currency === currency).map(({ player }) => player));
    return players.size > 1 ? undefined : `the credentials hold one player in ${currency} only`;
  },
};

export const SECOND_CURRENCY: Need = {
  seat: 'foreign',
  lacks: ({ seats }) => (new Set(seats.map(({ currency }) => currency)).size > 1 ? undefined : 'the credentials hold players in one currency only'),
};

export const TWO_GAMES: Need = { lacks: ({ games }) => (games.length > 1 ? undefined : 'the credentials hold one game only') };

const stopped = (seat: Stopped, what: string): Need => ({
  seat, lacks: (setting) => (setting[seat].length > 0 ? undefined : `the credentials hold no ${what} (“${seat}”)`),
});
const withOpenBet = (seat: Stopped, what: string): Need => ({
  seat, openBet: true,
  lacks: (setting: Setting) => (setting[seat].some(({ open }: StoppedSeat) => open.length > 0) ? undefined : `the credentials hold no ${what} with an open bet (“${seat}[].open”)`),
});

export const BLOCKED = stopped('blocked', 'blocked player');
export const BLOCKED_WITH_BET = withOpenBet('blocked', 'blocked player');
export const EXPIRED = stopped('expired', 'session that has run out');
export const EXPIRED_WITH_BET = withOpenBet('expired', 'session that has run out');

export const SUPERSEDED = stopped('superseded', 'superseded token');
export const SUPERSEDED_WITH_BET = withOpenBet('superseded', 'superseded token');

export const AUTHENTICATE = says('authenticate');
export const PLAY = says('play');
export const CLOSE = says('close');
export const AWARD = says('award');
export const ADJUST = says('adjust');
export const CANCEL = says('cancel');
export const ROLLBACK = says('rollback');
export const CLOSES = able((can) => can.closesRounds, 'no call closes a round');
export const FREE_BETS = able((can) => can.freeBets, 'there are no free bets');
export const WINS_ROLLED_BACK = able((can) => can.rollsBackWins, 'wins are never rolled back');
export const TEXT_IDS = able((can) => can.textIds !== undefined, 'ids are not any text');
export const SIGNED_TIME = able((can) => can.clockS !== undefined, 'the time of a call is not signed');
export const BET_NEEDED = able((can) => can.winWithoutBet === 'refused', 'a win without a bet is paid');
export const BET_NAMED = able((can) => can.winNames !== 'round', 'a win does not name its bet');
