/**
 * The native dialect. Wire contract: Standard Webhooks signatures, JSON bodies that name their operation, amounts as decimal strings,
 * problem+json.
 */
import { isUtf8 } from 'node:buffer';
import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { decodeSecret, signatureMatches, timestampInRange } from '../../../libs/crypto/index.ts';
import { parseAmount, type Currency } from '../../../libs/money/index.ts';
import type { Authenticated } from '../../sessions/contract.ts';
import type { BetRequest, PlayRequest } from '../../wallet/commands.ts';
import type { CallClass, PlayReceipt, Receipt, Refusal, RoundReceipt, Status, WalletView } from '../../wallet/contract.ts';
import { served } from '../answer.ts';
import { operation, Turned, type Answers, type Ask, type Client, type Context, type Dialect, type Operation, type RawCall, type WireAnswer } from '../contract.ts';
import { playBody, problemAnswer, receiptBody, roundBody, sessionBody, statusBody, walletBody } from './answers.ts';
import { OPERATIONS, type Body, type OperationName } from './schema.ts';

const TOLERANCE_S = 300;
const SECRET_BYTES = 32;
const REQUEST_ID = /^[\x21-\x7e]{1,128}$/;

type Settings = Record<string, never>;

interface Words<Name extends OperationName> {
  readonly callClass: CallClass;
  readonly read: (body: Body<Name>, context: Context<Settings>) => Ask;
  readonly render: (answer: never, ask: never, context: Context<Settings>) => object | WireAnswer;
}

type Asked<Name extends Ask['ask']> = Extract<Ask, { ask: Name }>;

/** By the path alone a play is let in as one without a bet; the lane looks into it. */
const WORDS: { readonly [Name in OperationName]: Words<Name> } = {
  authenticate: {
    callClass: 'read',
    read: ({ sessionToken: token }) => ({ ask: 'session', who: { token } }),
    render: (session: Authenticated, _ask, { currency }) => sessionBody(session, known(session.currency, currency)),
  },
  balance: {
    callClass: 'read',
    read: ({ playerId: player, currency }, context) => ({ ask: 'balance', who: { player }, currency: ofThisSystem(currency, context) }),
    render: (wallet: WalletView, _ask, { currency, player }) => walletBody(wallet, player as string, known(wallet.currency, currency)),
  },
  bet: {
    callClass: 'bet',
    read: (body, context) => ({
      ask: 'bet', who: { player: body.playerId, token: body.sessionToken }, currency: ofThisSystem(body.currency, context),
      request: (currency) => ({
        kind: 'bet', reference: body.transactionId, currency: body.currency, amount: stake(body.amount, currency, body.free !== undefined, 'amount'),
        free: body.free !== undefined, campaign: body.free?.campaignId, game: body.gameId, round: body.roundId, sessionToken: body.sessionToken,
        closeRound: body.closeRound === true,
      }),
    }),
    render: receipt,
  },
  win: {
    callClass: 'credit',
    read: (body, context) => ({
      ask: 'win', who: { player: body.playerId }, currency: ofThisSystem(body.currency, context),
      request: (currency) => ({
        kind: 'win', reference: body.transactionId, currency: body.currency, amount: amountOf(body.amount, currency, 'amount'),
        award: body.type === 'win' ? undefined : body.type, campaign: body.campaignId, game: body.gameId, round: body.roundId,
        bet: body.betTransactionId, closeRound: body.closeRound === true,
      }),
    }),
    render: receipt,
  },
  rollback: {
    callClass: 'credit',
    read: (body, context) => {
      const currency = priced(body.currency, context);
      return { ask: 'rollback', who: { player: body.playerId }, request: { ...rollbackOf(body, currency, 'amount'), round: body.roundId } };
    },
    render: rolledBack,
  },
  adjust: {
    callClass: 'credit',
    read: (body, context) => ({
      ask: 'adjust', who: { player: body.playerId }, currency: ofThisSystem(body.currency, context),
      request: (currency) => ({
        reference: body.transactionId, currency: body.currency, amount: signedAmount(body.amount, currency), game: body.gameId, round: body.roundId,
      }),
    }),
    render: receipt,
  },
  play: {
    callClass: 'credit',
    read: (body, context) => ({
      ask: 'play', who: { player: body.playerId, token: body.sessionToken }, currency: ofThisSystem(body.currency, context),
      request: (currency) => ({
        currency: body.currency, round: body.roundId, game: body.gameId, closeRound: body.closeRound === true,
        actions: body.actions.map((action, i) => actionOf(body, action, currency, i)),
      }),
    }),
    render: (play: PlayReceipt, _ask, context) =>
      (context.policy.duplicateAnswer === 'exists' && play.receipts.every(({ status }) => status === 'replayed')
        ? exists(play, context) : playBody(play, (code) => known(code, context.currency))),
  },
  'close-round': {
    callClass: 'credit',
    read: ({ playerId: player, currency, roundId: round }, context) => ({ ask: 'close', who: { player }, round, currency: ofThisSystem(currency, context) }),
    render: roundClosed,
  },
  'cancel-round': {
    callClass: 'credit',
    read: ({ playerId: player, currency, roundId: round }, context) => ({ ask: 'cancel', who: { player }, round, currency: ofThisSystem(currency, context) }),
    render: roundClosed,
  },
  status: {
    callClass: 'read',
    read: ({ playerId: player, currency, reference, type }, context) =>
      ({ ask: 'status', who: { player }, operation: type, reference, currency: ofThisSystem(currency, context) }),
    render: (status: Status, _ask, context) => {
      const body = statusBody(status, (code) => known(code, context.currency));
      // A receipt of another currency's wallet speaks of that wallet, in its header too.
      const wallet = status.known && !('refused' in status.known) ? status.known : status;
      return served(body, context, wallet, (body as { status: string }).status);
    },
  },
};

function receipt(answer: Receipt, _ask: Ask, context: Context): object | WireAnswer {
  if (answer.status === 'replayed' && context.policy.duplicateAnswer === 'exists') return exists(answer, context);
  return receiptBody(answer, known(answer.currency, context.currency));
}

/** A receipt says `tombstoned` and `ignored` by itself, so that only "not found" and "failed" are other answers here. */
function rolledBack(answer: Receipt, _ask: Ask, context: Context): object | WireAnswer {
  const { rollbackUnknown, rollbackOfRefused } = context.policy;
  const unknown = answer.outcome === 'tombstoned' && rollbackUnknown === 'not-found';
  const refused = answer.ignoredBecause === 'refused' && rollbackOfRefused !== 'ok';
  if (!unknown && !refused) return receiptBody(answer, known(answer.currency, context.currency));
  const detail = unknown ? 'the original is not known, and will be refused should it come' : 'the original was refused; there is nothing to undo';
  return problemAnswer('BET_NOT_FOUND', context.requestId, { ...told(answer, context), detail });
}

function roundClosed(round: RoundReceipt, ask: Asked<'close' | 'cancel'>, { currency }: Context): object {
  return roundBody(round, ask.round, known(round.currency, currency));
}

type Play = Body<'play'>;

function actionOf(play: Play, action: Play['actions'][number], currency: Currency, i: number): PlayRequest['actions'][number] {
  const field = `actions.${i}.amount`;
  if (action.type === 'rollback') return { kind: 'rollback', ...rollbackOf({ ...action, currency: play.currency }, currency, field), round: play.roundId };
  const shared = { reference: action.transactionId, currency: play.currency, game: play.gameId, round: play.roundId, closeRound: false };
  if (action.type === 'win') return { ...shared, kind: 'win', amount: amountOf(action.amount, currency, field), bet: action.betTransactionId };
  const free = action.free !== undefined;
  const bet: BetRequest = { ...shared, kind: 'bet', free, campaign: action.free?.campaignId, amount: stake(action.amount, currency, free, field), sessionToken: play.sessionToken };
  return bet;
}

type Undo = Pick<Body<'rollback'>, 'transactionId' | 'originalTransactionId' | 'originalType' | 'amount' | 'currency'>;

const rollbackOf = ({ transactionId, originalTransactionId, originalType, amount, currency: code }: Undo, currency: Currency, field: string) => ({
  reference: transactionId, original: originalTransactionId, originalType, currency: code, ...(amount !== undefined && { amount: amountOf(amount, currency, field) }),
});

/** Of a wallet that was read or written: its currency is one of this system. */
const known = (code: string, currencyOf: Context['currency']): Currency => currencyOf(code) as Currency;

function priced(code: string, context: Context<Settings>): Currency {
  const currency = context.currency(code);
  if (!currency) throw new Turned('REQUEST_INVALID', 'no such currency', [{ field: 'currency', message: 'not a currency of this system' }]);
  return currency;
}

const ofThisSystem = (code: string, context: Context<Settings>): string => priced(code, context).code;

const WRONG_AMOUNT = {
  form: 'a decimal string such as "12.50": not negative, no exponent, at most 15 and 10 digits',
  'too-fine': 'finer than the currency is kept',
  'too-large': 'more than the largest amount of the currency',
};

function amountOf(text: string, currency: Currency, field: string): bigint {
  const amount = parseAmount(text, currency);
  if (typeof amount === 'bigint') return amount;
  throw new Turned('AMOUNT_INVALID', `${field}: ${WRONG_AMOUNT[amount]}`, [{ field, message: WRONG_AMOUNT[amount] }]);
}

const signedAmount = (text: string, currency: Currency): bigint =>
  (text.startsWith('-') ? -amountOf(text.slice(1), currency, 'amount') : amountOf(text, currency, 'amount'));

function stake(text: string, currency: Currency, free: boolean, field: string): bigint {
  const amount = amountOf(text, currency, field);
  if (amount === 0n && !free) throw new Turned('AMOUNT_INVALID', 'a bet of zero', [{ field, message: 'more than zero, unless the bet is free' }]);
  return amount;
}

/** Policy `duplicateAnswer: exists`: nothing was done again, and the caller wants to hear that as an error. */
const exists = (wallet: WalletView, context: Context): WireAnswer => problemAnswer('TRANSACTION_CONFLICT', context.requestId, {
  wallet, currency: known(wallet.currency, context.currency), detail: 'already processed with the same content; nothing was done again',
});

const told = (wallet: WalletView | undefined, { currency, position }: Context) => ({ position, wallet, currency: wallet && currency(wallet.currency) });

/** Signature over the raw bytes, then time: only a caller we know learns that its clock is off. */
function verify({ headers, body }: RawCall, { keys }: Client<Buffer, Settings>): void {
  const { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signature } = headers;
  if (typeof id !== 'string' || typeof timestamp !== 'string' || typeof signature !== 'string') {
    throw new Turned('SIGNATURE_INVALID', 'webhook-id, webhook-timestamp and webhook-signature are needed');
  }
  // Two headers of a name arrive joined by a comma and a space, which no signature holds.
  if (signature.includes(', ') || !signatureMatches(keys, id, timestamp, body, signature)) {
    throw new Turned('SIGNATURE_INVALID', 'the signature does not fit id, timestamp and body');
  }
  if (!timestampInRange(timestamp, Date.now(), TOLERANCE_S)) {
    const now = String(Math.floor(Date.now() / 1000));
    throw new Turned('TIMESTAMP_OUT_OF_RANGE', `webhook-timestamp is more than ${TOLERANCE_S} s from the server's time`, undefined, { 'x-server-time': now });
  }
}

/** Amounts are strings here, so that numbers need no care. */
function parse({ body }: RawCall): unknown {
  try {
    if (!isUtf8(body)) throw new SyntaxError('not UTF-8');
    return JSON.parse(body.toString('utf8'));
  } catch {
    throw new Turned('REQUEST_INVALID', 'the body is not JSON in UTF-8');
  }
}

/** Whether its refusal is remembered by none of its parts, so that the same call may come again. */
function isCredit(ask: Ask | undefined, body: unknown): boolean {
  if (ask?.ask === 'play') return (body as Play).actions.every(({ type }) => type !== 'bet');
  return ask !== undefined && ask.ask !== 'bet' && ask.ask !== 'session';
}

const refuse = ({ refused, wallet, actionIndex }: Refusal, context: Context<Settings>): WireAnswer =>
  problemAnswer(refused, context.requestId, { ...told(wallet, context), actionIndex, credit: isCredit(context.ask, context.body) });

/** `webhook-id`, where it can stand in a header and a log line. */
function requestId({ headers }: Pick<RawCall, 'headers'>): string | undefined {
  const id = headers['webhook-id'];
  return typeof id === 'string' && REQUEST_ID.test(id) ? id : undefined;
}

export const native: Dialect<Buffer, Settings> = {
  name: 'native', title: 'Native',
  policy: {},
  settings: z.strictObject({}),
  operations: (Object.keys(OPERATIONS) as OperationName[]).map(operationOf),
  key: decodeSecret,
  makeSecret: () => `whsec_${randomBytes(SECRET_BYTES).toString('base64')}`,
  verify, requestId, parse, refuse,
  fail: ({ code, ...more }, context) => problemAnswer(code === 'AMOUNT_TOO_FINE' ? 'AMOUNT_INVALID' : code, context.requestId, more),
};

function operationOf(name: OperationName): Operation<never, Settings> {
  const { summary, request, answer } = OPERATIONS[name];
  const { callClass, read, render } = WORDS[name] as unknown as Words<'balance'>;
  const rendered = render as (answer: Answers[Ask['ask']], ask: Ask, context: Context<Settings>) => object | WireAnswer;
  return operation({ name, path: name, summary, callClass, request: request as unknown as z.ZodType<Body<'balance'>>, answer, read, render: rendered });
}
