/** Hub88's and Caleta's side of their wire: what a provider says to a wallet, and what it makes of the answers. */
import { createHash, createPrivateKey, randomBytes, sign as signs, type KeyObject } from 'node:crypto';
import { parseExactJson, JsonNumber, rawNumber } from '../../../libs/http/index.ts';
import { CannotSay, type Heard, type Reply, type Said, type Speaker, type Verdict, type Wire } from '../../conformance/contract.ts';
import type { CaletaStatus, Hub88Status, Status } from './refusals.ts';

export interface Hub88Secret {
  readonly key: KeyObject;
  readonly header: string;
}

const DIGITS = 5;
const AMOUNT = /^(\d+)(?:\.(\d{1,5})0*)?$/;

/** `"12.50"` → 1250000, unquoted in the JSON. */
function units(amount: string): object {
  const match = AMOUNT.exec(amount);
  if (!match) throw new CannotSay(`this wire cannot say the amount ${amount}`);
  return rawNumber(BigInt(match[1] + (match[2] ?? '').padEnd(DIGITS, '0')).toString());
}

/** Of 1250000: `"12.50000"`. */
function decimal(balance: unknown): string | undefined {
  const digits = balance instanceof JsonNumber ? balance.source : typeof balance === 'number' ? String(balance) : '';
  if (!/^\d+$/.test(digits)) return undefined;
  const padded = digits.padStart(DIGITS + 1, '0');
  return `${padded.slice(0, -DIGITS)}.${padded.slice(-DIGITS)}`;
}

const digest = (said: Said): string =>
  createHash('sha256').update('reference' in said ? said.reference : said.seat.player).digest('hex').slice(0, 16);

/** New for each attempt; its second half is of what it is about, so that an answer can be told to have echoed it. */
const requestUuid = (said: Said): string =>
  (randomBytes(8).toString('hex') + digest(said)).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');

const isEchoOf = (said: Said, id: unknown): boolean => typeof id === 'string' && id.replaceAll('-', '').slice(16) === digest(said);

const HUB88_VERDICTS: Record<Hub88Status, readonly Verdict[]> = {
  RS_OK: ['ok'],
  RS_ERROR_UNKNOWN: ['retry', 'throttled', 'round-closed', 'bad-request', 'not-found'],
  RS_ERROR_INVALID_PARTNER: ['unknown-key'],
  RS_ERROR_INVALID_TOKEN: ['unknown-session', 'unknown-player'],
  RS_ERROR_INVALID_GAME: ['unknown-game', 'game-closed'],
  RS_ERROR_WRONG_CURRENCY: ['wrong-currency'],
  RS_ERROR_NOT_ENOUGH_MONEY: ['insufficient-funds'],
  RS_ERROR_USER_DISABLED: ['player-blocked'],
  RS_ERROR_INVALID_SIGNATURE: ['bad-signature'],
  RS_ERROR_TOKEN_EXPIRED: ['session-over', 'session-superseded'],
  RS_ERROR_WRONG_SYNTAX: ['bad-request', 'bad-amount', 'not-found'],
  RS_ERROR_WRONG_TYPES: ['bad-request', 'bad-amount'],
  RS_ERROR_DUPLICATE_TRANSACTION: ['conflict', 'bet-settled'],
  RS_ERROR_TRANSACTION_DOES_NOT_EXIST: ['unknown-bet', 'rolled-back'],
  RS_ERROR_LIMIT_REACHED: ['limit'],
};

const CALETA_VERDICTS: Record<CaletaStatus, readonly Verdict[]> = {
  ...without(HUB88_VERDICTS, 'RS_ERROR_INVALID_PARTNER', 'RS_ERROR_LIMIT_REACHED'),
  RS_ERROR_TRANSACTION_DOES_NOT_EXIST: ['unknown-bet'],
  RS_ERROR_TRANSACTION_ROLLED_BACK: ['rolled-back'],
  RS_ERROR_BET_LIMIT_EXCEEDED: ['limit'],
  RS_ERROR_TIMEOUT: ['retry'],
};

function without<Name extends string, Left extends Name>(all: Record<Name, readonly Verdict[]>, ...names: Left[]): Record<Exclude<Name, Left>, readonly Verdict[]> {
  return Object.fromEntries(Object.entries(all).filter(([name]) => !names.includes(name as Left))) as Record<Exclude<Name, Left>, readonly Verdict[]>;
}

interface Call {
  readonly path: string;
  readonly fields: object;
}

interface Voice {
  readonly name: string;
  readonly title: string;
  readonly header: string;
  readonly authenticates: boolean;
  readonly verdicts: Readonly<Partial<Record<Status, readonly Verdict[]>>>;
  readonly betBehindRollback: readonly Verdict[];
  readonly call: (said: Said) => Call;
}

type Moving = Extract<Said, { say: 'bet' | 'win' }>;

const cannot = (title: string, { say }: Said): never => {
  throw new CannotSay(`${title} cannot say ${say}`);
};

function hub88Call(said: Said): Call {
  const { player: user, currency, token } = said.seat;
  const who = { user, token };
  const money = (moving: Moving) => ({
    ...who, transaction_uuid: moving.reference, supplier_transaction_id: moving.reference, supplier_user: null, round: moving.round, round_closed: moving.closes === true,
    game_code: moving.game, currency, amount: units(moving.amount), bet: null, meta: {}, is_supplier_promo: false, is_aggregated: false,
  });
  switch (said.say) {
    case 'balance': return { path: '/user/balance', fields: { ...who, game_code: null } };
    case 'bet': return { path: '/transaction/bet', fields: { ...money(said), is_free: said.free !== undefined, reward_uuid: said.free?.campaign ?? null } };
    case 'win': return { path: '/transaction/win', fields: { ...money(said), is_free: false, reward_uuid: null, reference_transaction_uuid: said.bet } };
    case 'rollback': return {
      path: '/transaction/rollback',
      fields: {
        ...who, transaction_uuid: said.reference, supplier_transaction_id: said.reference, reference_transaction_uuid: said.original, round: said.round,
        round_closed: false, game_code: said.game,
      },
    };
    default: return cannot('Hub88', said);
  }
}

function caletaCall(said: Said): Call {
  const { player, currency, token } = said.seat;
  const who = { supplier_user: player, token };
  const money = (moving: Moving) => ({
    ...who, transaction_uuid: moving.reference, round: moving.round, round_closed: moving.closes === true, game_code: moving.game, currency, amount: units(moving.amount),
  });
  switch (said.say) {
    case 'authenticate': return { path: '/wallet/check', fields: { token } };
    case 'balance': return { path: '/wallet/balance', fields: { ...who, game_code: 'lobby' } };
    case 'bet': {
      const free = said.free && { campaign_uuid: said.free.campaign, reward_uuid: said.free.campaign };
      return { path: '/wallet/bet', fields: { ...money(said), is_free: free !== undefined, ...free } };
    }
    case 'win': return { path: '/wallet/win', fields: { ...money(said), is_free: false, reference_transaction_uuid: said.bet } };
    case 'rollback': return {
      path: '/wallet/rollback',
      fields: {
        user: player, token, transaction_uuid: said.reference, reference_transaction_uuid: said.original, round: said.round, round_closed: false, game_code: said.game,
      },
    };
    default: return cannot('Caleta', said);
  }
}

function secretOf(value: unknown, { title, header }: Voice): Hub88Secret {
  const given = (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>;
  const { privateKeyPem, header: own = header } = given;
  if (typeof privateKeyPem !== 'string') throw new Error(`${title} needs privateKeyPem: { "privateKeyPem": "-----BEGIN …", "header": "${header}" }`);
  if (typeof own !== 'string' || own === '') throw new Error(`${title} needs header to be a text`);
  let key: KeyObject;
  try {
    key = createPrivateKey(privateKeyPem);
  } catch {
    throw new Error(`${title} needs privateKeyPem to be a private key in PEM`);
  }
  return { key, header: own.toLowerCase() };
}

const signed = (path: string, body: Buffer, { key, header }: Hub88Secret): Wire => ({
  method: 'POST', path, body, headers: { 'content-type': 'application/json', [header]: signs('sha256', body, key).toString('base64') },
});

const puzzled = (complaint: string): Heard => ({ verdicts: ['not-understood'], complaint });

function hear({ verdicts, title }: Voice, said: Said, { status, body }: Reply): Heard {
  // Whatever is not 200 is a failed attempt, which nobody knows the outcome of.
  if (status !== 200) return { verdicts: ['retry'], complaint: `HTTP ${status} instead of 200` };
  let fields: Readonly<Record<string, unknown>>;
  try {
    fields = parseExactJson(Buffer.from(body)) as typeof fields;
  } catch {
    return puzzled('the body is no JSON');
  }
  if (typeof fields !== 'object' || fields === null) return puzzled('the body is no JSON object');
  if (said.say === 'authenticate' && typeof fields['token'] === 'string') return { verdicts: ['ok'], token: fields['token'] };
  const word = fields['status'];
  const meant = typeof word === 'string' && Object.hasOwn(verdicts, word) ? verdicts[word as Status] : undefined;
  if (!meant) return puzzled(`no status of ${title}: ${JSON.stringify(word)}`);
  const balance = decimal(fields['balance']);
  const told: Heard = {
    verdicts: meant, ...(balance !== undefined && { balance }), ...(typeof fields['currency'] === 'string' && { currency: fields['currency'] }),
  };
  const complaint = wrongIn(said, word as Status, fields, balance);
  return complaint === undefined ? told : { ...told, complaint };
}

function wrongIn(said: Said, word: Status, fields: Readonly<Record<string, unknown>>, balance: string | undefined): string | undefined {
  const { request_uuid: echoed, user, currency } = fields;
  // A refusal of what could not be read has nothing to echo.
  const isMute = said.say === 'authenticate' || (word !== 'RS_OK' && echoed === '');
  if (!isMute && !isEchoOf(said, echoed)) return 'request_uuid is not that of the call';
  if (word === 'RS_ERROR_NOT_ENOUGH_MONEY' && balance === undefined) return `${word} without the balance`;
  if (word !== 'RS_OK') return undefined;
  if (balance === undefined) return '"balance" is no integer';
  if (user !== said.seat.player) return '"user" is not that of the call';
  return currency === said.seat.currency ? undefined : '"currency" is not the session’s';
}

function speakerOf(voice: Voice): Speaker<Hub88Secret> {
  const { name, title, authenticates, betBehindRollback, call } = voice;
  return {
    name, title,
    can: {
      says: [...(authenticates ? ['authenticate' as const] : []), 'balance', 'bet', 'win', 'rollback'],
      digits: () => DIGITS, winNames: 'bet', idScope: 'global', rollsBackWins: false, zeroBets: true, closesRounds: true, freeBets: true,
      rollbackOfUnknown: 'ok', betBehindRollback, duplicate: 'current', winWithoutBet: 'refused',
    },
    secret: (value) => secretOf(value, voice),
    say: (said, secret) => {
      const { path, fields } = call(said);
      const id = said.say === 'authenticate' ? {} : { request_uuid: requestUuid(said) };
      return signed(path, Buffer.from(JSON.stringify({ ...fields, ...id })), secret);
    },
    sign: (like, body, secret) => signed(like.path, body, secret),
    hear: (said, reply) => hear(voice, said, reply),
  };
}

export const hub88Speaker = speakerOf({
  name: 'hub88', title: 'Hub88', header: 'x-hub88-signature', authenticates: false, verdicts: HUB88_VERDICTS, betBehindRollback: ['unknown-bet', 'rolled-back'],
  call: hub88Call,
});

export const caletaSpeaker = speakerOf({
  name: 'caleta', title: 'Caleta', header: 'x-auth-signature', authenticates: true, verdicts: CALETA_VERDICTS, betBehindRollback: ['rolled-back'],
  call: caletaCall,
});
