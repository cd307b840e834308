/** The kit's sentences about what was said and heard. */
import type { Outcome } from './setting.ts';
import type { Heard, Said, Verdict } from './contract.ts';
import { movedText } from './money.ts';

const REFUSED = 'refused: ';
const VERDICTS: Record<Verdict, string> = {
  'ok': 'accepted', 'insufficient-funds': 'refused: not enough money', 'unknown-player': 'refused: no such player', 'unknown-session': 'refused: no such session',
  'session-over': 'refused: the session is over', 'session-superseded': 'refused: the session has a newer token', 'player-blocked': 'refused: the player may not bet',
  'wrong-currency': 'refused: wrong currency', 'unknown-game': 'refused: no such game', 'game-closed': 'refused: the game takes no bets',
  'conflict': 'refused: the id is known with other content', 'unknown-bet': 'refused: no such transaction', 'bet-settled': 'refused: the bet is settled',
  'rolled-back': 'refused: it is undone', 'round-closed': 'refused: the round is closed', 'limit': 'refused: a limit', 'bad-amount': 'refused: a bad amount',
  'bad-request': 'refused: a bad request', 'bad-signature': 'refused: the signature', 'unknown-key': 'refused: the key', 'not-found': 'not found', 'throttled': 'throttled',
  'retry': 'to be sent again', 'not-understood': 'an answer that cannot be understood',
};

/** `accepted or refused: no such player, wrong currency` */
function any(texts: readonly string[]): string {
  const reasons = [...new Set(texts)].filter((text) => text.startsWith(REFUSED)).map((text) => text.slice(REFUSED.length));
  const others = [...new Set(texts)].filter((text) => !text.startsWith(REFUSED));
  return [...others, ...(reasons.length > 0 ? [`${REFUSED}${reasons.join(' / ')}`] : [])].join(' or ');
}

export const heardWords = (heard: Heard): string => any(heard.verdicts.map((verdict) => VERDICTS[verdict]));

/** With what each moves, or without: `accepted, −5`. */
export function outcomeWords(outcomes: readonly Outcome[], balances = true): string {
  const texts = ({ verdicts, statuses = [] }: Outcome) => [...verdicts.map((verdict) => VERDICTS[verdict]), ...(statuses.length > 0 ? [`HTTP ${statuses.join(' / ')}`] : [])];
  if (!balances) return any(outcomes.flatMap(texts));
  const ways = outcomes.map(({ moves = 0n, ...outcome }) => `${any(texts(outcome))}; ${moves === 0n ? 'nothing moves' : `${movedText(moves)} in the balance`}`);
  return [...new Set(ways)].join(', or ');
}

const short = (id: string): string => (id.length > 12 ? `${id.slice(0, 8)}…` : id);

/** What a call asks for, as one would say it. */
export function saidWords(said: Said): string {
  const { currency } = said.seat;
  switch (said.say) {
    case 'authenticate': return 'authenticate';
    case 'balance': return `balance in ${currency}`;
    case 'bet': return `${said.free ? 'free bet' : 'bet'} ${short(said.reference)}: ${said.amount} ${currency}${closing(said)}`;
    case 'win': return `win ${short(said.reference)}: ${said.amount} ${currency}${said.bet === undefined ? '' : ` for bet ${short(said.bet)}`}${closing(said)}`;
    case 'rollback': return `rollback ${short(said.reference)} of ${said.of ?? ''} ${short(said.original)}`.replace('  ', ' ');
    case 'play': return `play of ${said.actions.map(({ kind, amount }) => `${kind} ${amount}`).join(', ')} ${currency}${closing(said)}`;
    case 'close': return `close round ${short(said.round)}`;
    case 'cancel': return `cancel round ${short(said.round)}`;
    case 'adjust': return `adjustment ${short(said.reference)}: ${said.amount.startsWith('-') ? '−' : '+'}${said.amount.replace('-', '')} ${currency}`;
    case 'award': return `${said.award === 'total' ? 'total of free rounds' : said.award} ${short(said.reference)}: ${said.amount} ${currency}`;
  }
}

const closing = (said: { readonly closes?: boolean }): string => (said.closes ? ', closes its round' : '');
