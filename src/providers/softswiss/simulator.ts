/** The aggregator's side: HMAC over the body, one envelope for bets, wins and rollbacks, subunits, HTTP statuses that bear the code. */
import { createHmac } from 'node:crypto';
import { rawNumber } from '../../../libs/http/index.ts';
import { CannotSay, type Heard, type Reply, type Said, type Seat, type Speaker, type Verdict, type Wire } from '../../conformance/contract.ts';

export interface SoftswissSecret {
  readonly authToken: string;
}

/** Subunits that the aggregator counts coins in; all other currencies as ISO 4217 does. */
const COINS: Readonly<Record<string, number>> = { BTC: 8, LTC: 8, BCH: 8, DOGE: 8, ETH: 9 };

function digits(currency: string): number {
  const coin = Object.hasOwn(COINS, currency) ? COINS[currency] : undefined;
  if (coin !== undefined) return coin;
  return /^[A-Z]{3}$/.test(currency) ? (new Intl.NumberFormat('en', { style: 'currency', currency }).resolvedOptions().maximumFractionDigits ?? 2) : 2;
}

interface Code {
  readonly statuses: readonly number[];
  readonly verdicts: readonly Verdict[];
}

const no = (...verdicts: Verdict[]): Code => ({ statuses: [412], verdicts });
const again = (status: number): Code => ({ statuses: [status], verdicts: ['retry', 'throttled', 'bad-amount', 'bet-settled'] });

const CODES: Readonly<Record<number, Code>> = {
  100: no('insufficient-funds'),
  101: no('unknown-player', 'unknown-session', 'session-over', 'session-superseded'),
  105: no('limit'),
  106: no('limit'),
  107: no('game-closed', 'unknown-game'),
  110: no('player-blocked'),
  153: no('player-blocked'),
  154: no('wrong-currency'),
  155: no('conflict'),
  400: { statuses: [400, 405], verdicts: ['bad-request', 'bad-amount', 'conflict', 'round-closed', 'bet-settled', 'rolled-back', 'wrong-currency'] },
  403: { statuses: [403], verdicts: ['bad-signature', 'unknown-key'] },
  404: { statuses: [404], verdicts: ['not-found', 'unknown-bet', 'rolled-back', 'unknown-player', 'unknown-key'] },
  405: { statuses: [405], verdicts: ['unknown-game', 'game-closed'] },
  500: again(500),
  502: again(502),
  503: again(503),
  504: again(504),
  605: no('conflict'),
  606: no('conflict'),
  607: no('conflict'),
  610: no('unknown-player', 'not-found'),
  611: no('conflict'),
};

export const softswissSpeaker: Speaker<SoftswissSecret> = {
  name: 'softswiss',
  title: 'SOFTSWISS Game Aggregator',
  can: {
    says: ['balance', 'bet', 'win', 'rollback', 'play', 'close', 'award'],
    digits,
    winNames: 'round',
    idScope: 'player',
    rollsBackWins: true,
    zeroBets: true,
    closesRounds: true,
    freeBets: false,
    rollbackOfUnknown: 'empty',
    betBehindRollback: ['ok'],
    duplicate: 'current',
    winWithoutBet: 'paid',
    textIds: 128,
  },
  secret,
  say: (said, key) => {
    const { path, fields } = spoken(said);
    return signed(path, Buffer.from(JSON.stringify(fields)), key);
  },
  sign: (like, body, key) => signed(like.path, body, key),
  hear,
};

function secret(value: unknown): SoftswissSecret {
  const { authToken } = (typeof value === 'object' && value !== null ? value : {}) as { authToken?: unknown };
  if (typeof authToken !== 'string' || authToken === '') throw new Error('the softswiss secret needs authToken, a text: { "authToken": "…" }');
  return { authToken };
}

function signed(path: string, body: Buffer, { authToken }: SoftswissSecret): Wire {
  const signature = createHmac('sha256', authToken).update(body).digest('hex');
  return { method: 'POST', path, headers: { 'content-type': 'application/json', 'x-request-sign': signature }, body };
}

/** `"12.5"` → 1250 in EUR, as JSON text of any length. */
function subunits(amount: string, { currency }: Seat): object {
  const [whole = '', fraction = ''] = amount.split('.');
  const wanted = digits(currency);
  if (fraction.length > wanted) throw new CannotSay(`this wire has no more than ${wanted} digits behind the point in ${currency}`);
  return rawNumber(BigInt(whole + fraction.padEnd(wanted, '0')).toString());
}

function decimal(wire: number, { currency }: Seat): string {
  const wanted = digits(currency);
  const text = String(wire).padStart(wanted + 1, '0');
  return wanted === 0 ? text : `${text.slice(0, -wanted)}.${text.slice(-wanted)}`;
}

/** The games of prizes that belong to none. */
const PRIZES = { jackpot: 'acceptance:jackpot', tournament: 'acceptance:tournament' } as const;

function spoken(said: Said): { readonly path: string; readonly fields: object } {
  const { player: user_id, currency, token: session_id } = said.seat;
  const who = { user_id, currency };
  const amountOf = (amount: string) => subunits(amount, said.seat);
  const acted = (told: { readonly game: string; readonly round: string }, actions: readonly object[], finished = false) =>
    ({ path: '/play', fields: { ...who, game: told.game, game_id: told.round, finished, session_id, actions } });
  switch (said.say) {
    case 'authenticate': throw new CannotSay('this wire knows no authentication');
    case 'adjust': throw new CannotSay('this wire knows no adjustments');
    case 'cancel': throw new CannotSay('a round of this wire is undone action by action');
    case 'balance': return { path: '/play', fields: { ...who, session_id } };
    case 'bet':
      if (said.free) throw new CannotSay('free rounds of this wire are told as one total');
      return acted(said, [{ action: 'bet', action_id: said.reference, amount: amountOf(said.amount) }], said.closes);
    case 'win': return acted(said, [{ action: 'win', action_id: said.reference, amount: amountOf(said.amount) }], said.closes);
    case 'play': return acted(said, said.actions.map(({ kind, reference, amount }) => ({ action: kind, action_id: reference, amount: amountOf(amount) })), said.closes);
    case 'close': return { path: '/play', fields: { ...who, game: said.game, game_id: said.round, finished: true, session_id } };
    case 'rollback': return {
      path: '/rollback',
      fields: {
        ...who, game: said.game, game_id: said.round, finished: false, session_id,
        actions: [{ action: 'rollback', action_id: said.reference, original_action_id: said.original }],
      },
    };
    case 'award': {
      if (said.award === 'total') {
        return { path: '/freespins', fields: { issue_id: said.campaign ?? said.reference, status: 'finished', total_amount: amountOf(said.amount), ...who } };
      }
      const amount = amountOf(said.amount);
      return acted({ game: PRIZES[said.award], round: said.reference }, [{ action: 'win', action_id: said.reference, amount, ...(said.award === 'jackpot' && { jackpot_win: amount }) }], true);
    }
  }
}

const puzzled = (complaint: string): Heard => ({ verdicts: ['not-understood'], complaint });

function hear(said: Said, reply: Reply): Heard {
  let body: unknown;
  try {
    body = JSON.parse(reply.body);
  } catch {
    return puzzled(`HTTP ${reply.status} with a body that is no JSON`);
  }
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return puzzled('the body is no JSON object');
  const fields = body as Readonly<Record<string, unknown>>;
  return reply.status === 200 ? accepted(said, fields) : refused(said, reply.status, fields);
}

const isBalance = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

function refused({ seat }: Said, status: number, { code, message, balance }: Readonly<Record<string, unknown>>): Heard {
  const known = typeof code === 'number' && Object.hasOwn(CODES, code) ? CODES[code] : undefined;
  if (!known) return puzzled(`no such code: ${JSON.stringify(code)}`);
  const { statuses, verdicts } = known;
  const told = isBalance(balance) ? { balance: decimal(balance, seat) } : {};
  if (!statuses.includes(status)) return puzzled(`code ${String(code)} with HTTP ${status} instead of ${statuses.join(' or ')}`);
  if (balance !== undefined && !isBalance(balance)) return { verdicts, complaint: '"balance" is no integer of subunits' };
  if (code === 100 && balance === undefined) return { verdicts, complaint: 'code 100 without the balance' };
  if (typeof message !== 'string') return { verdicts, ...told, complaint: 'an error without "message"' };
  return { verdicts, ...told };
}

/** Ids that the call named, in its order: each has its transaction. */
function named(said: Said): readonly string[] {
  switch (said.say) {
    case 'bet': case 'win': case 'rollback': return [said.reference];
    case 'play': return said.actions.map(({ reference }) => reference);
    case 'award': return said.award === 'total' ? [] : [said.reference];
    case 'authenticate': case 'balance': case 'adjust': case 'close': case 'cancel': return [];
  }
}

/** ISO 8601 with a time of day and a zone. */
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d)$/;

function accepted(said: Said, fields: Readonly<Record<string, unknown>>): Heard {
  const { balance, game_id: round, transactions = [] } = fields;
  if (!isBalance(balance)) return puzzled(`"balance" is no integer of subunits: ${JSON.stringify(balance)}`);
  const told = { verdicts: ['ok'] as const, balance: decimal(balance, said.seat) };
  const ids = named(said);
  if (ids.length === 0) return told;
  if ('round' in said && round !== said.round) return { ...told, complaint: '"game_id" is not the one of the call' };
  if (!Array.isArray(transactions)) return puzzled('"transactions" is no list');
  if (transactions.length !== ids.length) return puzzled(`${transactions.length} transactions for ${ids.length} actions`);
  for (const [i, transaction] of (transactions as Readonly<Record<string, unknown>>[]).entries()) {
    if (transaction.action_id !== ids[i]) return puzzled(`transaction ${i + 1} has not the action_id of its action`);
    if (typeof transaction.tx_id !== 'string') return puzzled('a transaction without "tx_id"');
    if (typeof transaction.processed_at !== 'string' || !TIME.test(transaction.processed_at)) return puzzled('"processed_at" is no time of ISO 8601');
  }
  return { ...told, transactions: (transactions as { readonly tx_id: string }[]).map(({ tx_id }) => tx_id) };
}
