/** A dialect that is nobody's: as small as the contract lets it be, to prove what calls do whatever the dialect. Amounts are cents. */
import { createHmac } from 'node:crypto';
import { z } from 'zod';
import { integerMoney } from '../../libs/money/index.ts';
import { JsonNumber } from '../../libs/http/index.ts';
import type { Currency } from '../../libs/money/index.ts';
import { operation, Turned, type Ask, type Context, type Dialect, type RawCall, type WireAnswer } from '../../src/providers/contract.ts';

const cents = integerMoney('exponent');

const Who = z.object({ user: z.string().optional(), token: z.string().optional(), currency: z.string().optional(), issue: z.string().optional() });
const Amount = z.union([z.int(), z.instanceof(JsonNumber)]);
const Moving = Who.extend({ id: z.string().min(1), amount: Amount, round: z.string().default('r1'), game: z.string().default('game-1'), bet: z.string().optional() });
const Undoing = Who.extend({ id: z.string(), undo: z.string() });
const Rounded = Who.extend({ round: z.string() });
const Playing = Who.extend({ actions: z.array(z.object({ kind: z.enum(['bet', 'win', 'rollback']), id: z.string(), amount: Amount.optional(), undo: z.string().optional() })) });
const Asking = Who.extend({ id: z.string(), of: z.enum(['bet', 'win']) });
const Said = z.object({}).loose();

type Amount = number | JsonNumber;
/** Currencies in which it says tenths of the smallest unit, so that an amount may be too fine. */
const codecOf = ({ exponent, scale }: Currency) => (exponent === scale ? integerMoney(scale + 1) : cents);

function debit(amount: Amount, currency: Currency): bigint {
  const units = codecOf(currency).read(amount, currency);
  if (typeof units !== 'bigint') throw new Turned('AMOUNT_INVALID', `amount: ${units}`);
  return units;
}

function credit(amount: Amount, currency: Currency): bigint {
  if (codecOf(currency).read(amount, currency) === 'too-fine') throw new Turned('AMOUNT_TOO_FINE', 'amount: too fine');
  return debit(amount, currency);
}

const who = ({ user, token, issue }: z.infer<typeof Who>) => ({ player: user, token, issue });
const settings = z.strictObject({ header: z.string().default('x-tin-signature'), explode: z.boolean().default(false) });
type Settings = z.infer<typeof settings>;

const said = (answer: object, context: Context): object => JSON.parse(JSON.stringify(
  { ok: true, player: context.player, ...answer }, (_name, value: unknown) => (typeof value === 'bigint' ? String(value) : value))) as object;

const render = (answer: object, _ask: Ask, context: Context<Settings>): object => {
  if (context.settings.explode) throw new Error('the pen broke');
  return said(answer, context);
};

const OPERATIONS = [
  operation({ name: 'session', path: 'session', summary: 'a session', callClass: 'read', request: Who, answer: Said, read: (body) => ({ ask: 'session', who: who(body) }), render }),
  operation({
    name: 'balance', path: 'balance', summary: 'a balance', callClass: 'read', request: Who, answer: Said,
    read: (body) => ({ ask: 'balance', who: who(body), currency: body.currency }), render,
  }),
  operation({
    name: 'bet', path: 'money/bet', summary: 'a bet', callClass: 'bet', request: Moving, answer: Said, render,
    read: ({ id, amount, round, game, ...body }) => ({
      ask: 'bet', who: who(body), currency: body.currency,
      request: (currency) => ({ kind: 'bet', reference: id, currency: currency.code, amount: debit(amount, currency), free: false, game, round, closeRound: false }),
    }),
  }),
  operation({
    name: 'win', path: 'money/win', summary: 'a win', callClass: 'credit', request: Moving, answer: Said, render,
    read: ({ id, amount, round, game, bet, ...body }) => ({
      ask: 'win', who: who(body), currency: body.currency,
      request: (currency) => ({ kind: 'win', reference: id, currency: currency.code, amount: credit(amount, currency), game, round, bet, closeRound: false }),
    }),
  }),
  operation({
    name: 'rollback', path: 'money/rollback', summary: 'a rollback', callClass: 'credit', request: Undoing, answer: Said, render,
    read: ({ id, undo, ...body }) => ({ ask: 'rollback', who: who(body), request: { reference: id, original: undo, currency: body.currency } }),
  }),
  operation({
    name: 'adjust', path: 'money/adjust', summary: 'an adjustment, by a whole of cents in either direction', callClass: 'credit', answer: Said, render,
    request: Who.extend({ id: z.string(), gain: z.int() }),
    read: ({ id, gain, ...body }) => ({
      ask: 'adjust', who: who(body), currency: body.currency,
      request: (currency) => ({ reference: id, currency: currency.code, amount: gain < 0 ? -credit(-gain, currency) : credit(gain, currency) }),
    }),
  }),
  operation({
    name: 'play', path: 'play', summary: 'a play', callClass: 'credit', request: Playing, answer: Said, render,
    read: ({ actions, ...body }) => ({
      ask: 'play', who: who(body), currency: body.currency,
      request: (currency) => ({
        currency: currency.code, round: 'r1', closeRound: false,
        actions: actions.map(({ kind, id, amount = 0, undo = '' }) => (kind === 'rollback'
          ? { kind, reference: id, original: undo }
          : kind === 'bet'
            ? { kind, reference: id, currency: currency.code, amount: debit(amount, currency), free: false, game: 'game-1', round: 'r1', closeRound: false }
            : { kind, reference: id, currency: currency.code, amount: credit(amount, currency), game: 'game-1', round: 'r1', closeRound: false })),
      }),
    }),
  }),
  operation({
    name: 'close', path: 'close', summary: 'a close', callClass: 'credit', request: Rounded, answer: Said, render,
    read: ({ round, ...body }) => ({ ask: 'close', who: who(body), round, currency: body.currency }),
  }),
  operation({
    name: 'cancel', path: 'cancel', summary: 'a cancel', callClass: 'credit', request: Rounded, answer: Said, render,
    read: ({ round, ...body }) => ({ ask: 'cancel', who: who(body), round, currency: body.currency }),
  }),
  operation({
    name: 'status', path: 'status', summary: 'a status', callClass: 'read', request: Asking, answer: Said, render,
    read: ({ id, of, ...body }) => ({ ask: 'status', who: who(body), operation: of, reference: id, currency: body.currency }),
  }),
];

/** Method, path, query and body, each as it came. */
export const signatureOf = (secret: string, { method, path, query, body }: Pick<RawCall, 'method' | 'path' | 'query' | 'body'>): string =>
  createHmac('sha256', secret).update(`${method} ${path}?${query}\n`).update(body).digest('hex');

/** What its `verify` was handed last, with the address of nobody. */
export const seen: { call?: RawCall } = {};

const written = (status: number, word: string, code: string, more: object = {}): WireAnswer =>
  ({ status, outcome: word, body: JSON.stringify({ [word]: code, ...more }), headers: { 'content-type': 'application/vnd.tin+json' } });

const LATER: readonly string[] = ['INTERNAL', 'OVERLOADED', 'UNAVAILABLE', 'OUTCOME_UNKNOWN', 'AMOUNT_TOO_FINE', 'THROTTLED'];

export const tin: Dialect<string, Settings> = {
  name: 'tin', title: 'Tin', settings, operations: OPERATIONS,
  policy: { winNeeds: 'nothing', idScope: 'operation' },
  key: (secret) => {
    if (secret.length < 8) throw new Error('a secret of tin has at least 8 characters');
    return secret;
  },
  verify: (call, { keys, settings: { header } }) => {
    seen.call = call;
    if (!keys.some((key) => signatureOf(key, call) === call.headers[header])) throw new Turned('SIGNATURE_INVALID', 'not signed');
  },
  requestId: ({ headers }) => headers['x-tin-id'] as string | undefined,
  refuse: ({ refused, wallet, actionIndex }, context) => written(200, 'no', refused, {
    balance: wallet && String(wallet.balance), actionIndex, asked: context.ask?.ask, player: context.player,
  }),
  fail: ({ code, errors, headers }, { body }) => {
    const answer = written(LATER.includes(code) ? 503 : 400, LATER.includes(code) ? 'later' : 'fail', code, { fields: errors?.map(({ field }) => field), body });
    return { ...answer, headers: { ...answer.headers, ...headers } };
  },
};
