/** A provider's side of the native wire: Standard Webhooks signatures, JSON bodies that name their operation, problem+json understood. */
import { randomUUID } from 'node:crypto';
import { decodeSecret, sign } from '../../../libs/crypto/index.ts';
import type { Heard, Reply, Said, Speaker, Verdict, Wire } from '../../conformance/contract.ts';

export interface NativeSecret {
  readonly apiKey: string;
  readonly key: Buffer;
}

/** Digits that each currency's wallet has at least: 6, of coins 8 or more. */
const COINS: Readonly<Record<string, number>> = { BTC: 8, ETH: 9 };

const TYPES = { jackpot: 'jackpot', tournament: 'tournament', total: 'free_rounds' } as const;

interface Meaning {
  readonly status: number;
  readonly verdict: Verdict;
}

const CODES: Readonly<Record<string, Meaning>> = {
  REQUEST_INVALID: { status: 400, verdict: 'bad-request' },
  AMOUNT_INVALID: { status: 400, verdict: 'bad-amount' },
  ROUTE_NOT_FOUND: { status: 404, verdict: 'not-found' },
  METHOD_NOT_ALLOWED: { status: 405, verdict: 'not-found' },
  BODY_TOO_LARGE: { status: 413, verdict: 'bad-request' },
  MEDIA_TYPE_UNSUPPORTED: { status: 415, verdict: 'bad-request' },
  KEY_UNKNOWN: { status: 401, verdict: 'unknown-key' },
  SIGNATURE_INVALID: { status: 401, verdict: 'bad-signature' },
  TIMESTAMP_OUT_OF_RANGE: { status: 401, verdict: 'bad-signature' },
  FORBIDDEN: { status: 403, verdict: 'unknown-key' },
  PLAYER_NOT_FOUND: { status: 404, verdict: 'unknown-player' },
  BET_NOT_FOUND: { status: 404, verdict: 'unknown-bet' },
  GAME_NOT_FOUND: { status: 404, verdict: 'unknown-game' },
  GAME_DISABLED: { status: 422, verdict: 'game-closed' },
  SESSION_NOT_FOUND: { status: 404, verdict: 'unknown-session' },
  SESSION_EXPIRED: { status: 422, verdict: 'session-over' },
  SESSION_SUPERSEDED: { status: 422, verdict: 'session-superseded' },
  CURRENCY_MISMATCH: { status: 422, verdict: 'wrong-currency' },
  TRANSACTION_CONFLICT: { status: 409, verdict: 'conflict' },
  ROLLED_BACK: { status: 409, verdict: 'rolled-back' },
  BET_ALREADY_SETTLED: { status: 409, verdict: 'bet-settled' },
  ROUND_CLOSED: { status: 409, verdict: 'round-closed' },
  INSUFFICIENT_FUNDS: { status: 422, verdict: 'insufficient-funds' },
  PLAYER_BLOCKED: { status: 422, verdict: 'player-blocked' },
  SELF_EXCLUDED: { status: 422, verdict: 'player-blocked' },
  LIMIT_REACHED: { status: 422, verdict: 'limit' },
  THROTTLED: { status: 429, verdict: 'throttled' },
  INTERNAL: { status: 500, verdict: 'retry' },
  OVERLOADED: { status: 503, verdict: 'retry' },
  UNAVAILABLE: { status: 503, verdict: 'retry' },
  OUTCOME_UNKNOWN: { status: 503, verdict: 'retry' },
};

/** Of a round, as the answer to each call may tell it. */
const STATES: Readonly<Record<'close' | 'cancel', readonly string[]>> = { close: ['closed', 'cancelled', 'unknown'], cancel: ['cancelled', 'unknown'] };

const MONEY = /^(0|[1-9]\d*)(\.\d+)?$/;

export const nativeSpeaker: Speaker<NativeSecret> = {
  name: 'native',
  title: 'Croupier native',
  can: {
    says: ['authenticate', 'balance', 'bet', 'win', 'rollback', 'adjust', 'play', 'close', 'cancel', 'award'],
    digits: (currency) => COINS[currency] ?? 6,
    winNames: 'either',
    idScope: 'operation',
    rollsBackWins: true,
    zeroBets: false,
    closesRounds: true,
    freeBets: true,
    rollbackOfUnknown: 'ok',
    betBehindRollback: ['rolled-back'],
    duplicate: 'current',
    winWithoutBet: 'refused',
    textIds: 128,
    clockS: 300,
  },
  secret,
  say: (said, key) => {
    const { operation, fields } = spoken(said);
    return signed(operation, Buffer.from(JSON.stringify({ operation, ...fields })), key, new Date());
  },
  sign: (like, body, key, at = new Date()) => signed(like.path.slice(like.path.lastIndexOf('/') + 1), body, key, at),
  hear,
};

function secret(value: unknown): NativeSecret {
  const given = (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>;
  for (const field of ['apiKey', 'secret']) {
    if (typeof given[field] !== 'string' || given[field] === '') throw new Error(`the native secret needs ${field}, a text: { "apiKey": …, "secret": "whsec_…" }`);
  }
  return { apiKey: given['apiKey'] as string, key: decodeSecret(given['secret'] as string) };
}

function signed(operation: string, body: Buffer, { apiKey, key }: NativeSecret, at: Date): Wire {
  const id = randomUUID();
  const timestamp = String(Math.floor(at.getTime() / 1000));
  const headers = {
    'content-type': 'application/json', 'x-api-key': apiKey, 'webhook-id': id, 'webhook-timestamp': timestamp,
    'webhook-signature': sign(key, id, timestamp, body),
  };
  return { method: 'POST', path: `/v1/wallet/${operation}`, headers, body };
}

function spoken(said: Said): { readonly operation: string; readonly fields: object } {
  const { player: playerId, currency, token: sessionToken } = said.seat;
  const who = { playerId, currency };
  switch (said.say) {
    case 'authenticate': return { operation: 'authenticate', fields: { sessionToken } };
    case 'balance': return { operation: 'balance', fields: who };
    case 'bet': return {
      operation: 'bet',
      fields: {
        transactionId: said.reference, ...who, amount: said.amount, gameId: said.game, roundId: said.round, sessionToken, closeRound: said.closes,
        free: said.free && { campaignId: said.free.campaign },
      },
    };
    case 'win': return {
      operation: 'win',
      fields: {
        transactionId: said.reference, ...who, amount: said.amount, gameId: said.game, roundId: said.round, betTransactionId: said.bet,
        closeRound: said.closes, type: 'win',
      },
    };
    case 'rollback': return {
      operation: 'rollback',
      fields: { transactionId: said.reference, originalTransactionId: said.original, originalType: said.of, ...who, roundId: said.round },
    };
    case 'play': return {
      operation: 'play',
      fields: {
        ...who, gameId: said.game, roundId: said.round, sessionToken, closeRound: said.closes,
        actions: said.actions.map(({ kind, reference, amount, bet }) => ({ type: kind, transactionId: reference, amount, betTransactionId: bet })),
      },
    };
    case 'adjust': return { operation: 'adjust', fields: { transactionId: said.reference, ...who, amount: said.amount, gameId: said.game, roundId: said.round } };
    case 'close': return { operation: 'close-round', fields: { ...who, roundId: said.round } };
    case 'cancel': return { operation: 'cancel-round', fields: { ...who, roundId: said.round } };
    case 'award': return {
      operation: 'win',
      fields: { transactionId: said.reference, ...who, amount: said.amount, type: TYPES[said.award], campaignId: said.campaign },
    };
  }
}

const puzzled = (complaint: string): Heard => ({ verdicts: ['not-understood'], complaint });

function hear(said: Said, reply: Reply): Heard {
  const type = reply.headers['content-type'] ?? '';
  let body: unknown;
  try {
    body = JSON.parse(reply.body);
  } catch {
    return puzzled(`HTTP ${reply.status} with a body that is no JSON`);
  }
  if (typeof body !== 'object' || body === null) return puzzled('the body is no JSON object');
  const fields = body as Readonly<Record<string, unknown>>;
  if (/^application\/problem\+json\b/.test(type)) return problem(reply.status, fields);
  if (reply.status !== 200) return puzzled(`HTTP ${reply.status}, and no application/problem+json`);
  if (!/^application\/json\b/.test(type)) return puzzled(`HTTP 200 of type ${type || 'none'} instead of application/json`);
  return accepted(said, fields);
}

function problem(status: number, fields: Readonly<Record<string, unknown>>): Heard {
  const code = String(fields['code']);
  const meaning = Object.hasOwn(CODES, code) ? CODES[code] : undefined;
  if (!meaning) return puzzled(`no such code: ${code}`);
  if (meaning.status !== status) return puzzled(`${code} with HTTP ${status} instead of ${meaning.status}`);
  if (meaning.verdict === 'insufficient-funds' && fields['balance'] === undefined) return { verdicts: [meaning.verdict], complaint: `${code} without the balance` };
  return { verdicts: [meaning.verdict], ...money(fields) };
}

function money(fields: Readonly<Record<string, unknown>>): Pick<Heard, 'balance' | 'currency'> {
  const { balance, currency } = fields;
  return { ...(typeof balance === 'string' && { balance }), ...(typeof currency === 'string' && { currency }) };
}

function accepted(said: Said, fields: Readonly<Record<string, unknown>>): Heard {
  const told = money(fields);
  if (told.balance === undefined || !MONEY.test(told.balance)) return puzzled(`"balance" is no decimal string: ${JSON.stringify(fields['balance'])}`);
  if (!Number.isSafeInteger(fields['walletVersion'])) return puzzled('"walletVersion" is no integer');
  switch (said.say) {
    case 'authenticate': return { verdicts: ['ok'], ...told, ...(typeof fields['sessionToken'] === 'string' && { token: fields['sessionToken'] }) };
    case 'balance': return { verdicts: ['ok'], ...told };
    case 'close': case 'cancel': return STATES[said.say].includes(String(fields['state'])) ? { verdicts: ['ok'], ...told } : puzzled(`no state of a round: ${String(fields['state'])}`);
    case 'play': return Array.isArray(fields['receipts'])
      ? receipts(fields['receipts'] as Readonly<Record<string, unknown>>[], said.actions.map(({ reference }) => reference), told)
      : puzzled('a play’s answer has no list "receipts"');
    default: return receipts([fields], [said.reference], told);
  }
}

function receipts(list: readonly Readonly<Record<string, unknown>>[], references: readonly string[], told: Pick<Heard, 'balance' | 'currency'>): Heard {
  if (list.length !== references.length) return puzzled(`${list.length} receipts for ${references.length} actions`);
  for (const [i, { transactionId, reference, status, amount }] of list.entries()) {
    if (typeof transactionId !== 'string' || transactionId === '') return puzzled('a receipt without "transactionId"');
    if (reference !== references[i]) return { verdicts: ['ok'], ...told, complaint: 'the receipt bears another reference than the call' };
    if (!['applied', 'replayed', 'tombstoned', 'ignored'].includes(String(status))) return puzzled(`no status of a receipt: ${String(status)}`);
    if (typeof amount !== 'string' || !MONEY.test(amount)) return puzzled(`"amount" is no decimal string: ${JSON.stringify(amount)}`);
  }
  const replayed = list.every(({ status }) => status === 'replayed');
  return { verdicts: ['ok'], ...told, transactions: list.map(({ transactionId }) => String(transactionId)), replayed };
}
