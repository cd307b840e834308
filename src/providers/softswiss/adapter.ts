/**
 * SOFTSWISS' game aggregator, and BGaming, which speaks the same: HMAC over the raw body, integer subunits, bets and wins as a list of
 * actions that apply together, rollbacks of either, free rounds paid as one total.
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { integerMoney, type Currency } from '../../../libs/money/index.ts';
import type { PlayReceipt, Receipt, RefusalCode, WalletView } from '../../wallet/contract.ts';
import type { BetRequest, RollbackRequest, WinRequest } from '../../wallet/commands.ts';
import { moneyHeaders } from '../answer.ts';
import { operation, Turned, type Ask, type Context, type Dialect, type PolicyFields, type WireAnswer } from '../contract.ts';
import { FAILED, ISSUE_UNKNOWN, REFUSED, type WireError } from './refusals.ts';
import {
  BalanceAnswer, FreespinsBody, MovedAnswer, PlayBody, RollbackBody, Settings, type FreespinsCall, type PlayCall, type RollbackCall, type SoftswissSettings,
} from './schema.ts';

type Here = Context<SoftswissSettings>;

const money = integerMoney('exponent');

const POLICY: PolicyFields = {
  // Every action has an id of its own, whatever it does: a signature does not cover the path, so one id must not mean two things.
  idScope: 'player',
  // One account carries many studios, and each counts its rounds by itself.
  roundScope: 'game',
  duplicateAnswer: 'current',
  // Wins of free rounds and prizes come without a bet, and a win that is owed is paid.
  winNeeds: 'nothing',
  rollbackUnknown: 'empty',
  // A bet that was refused is to the aggregator one that never was here.
  rollbackOfRefused: 'ok',
  // Each rollback names one action, and wins have rollbacks of their own: that of a bet must not take a prize along, which may be another bet's.
  rollbackAfterWin: 'refuse',
  rollbackAmount: 'ignore',
  spentWin: 'receivable',
  tombstonedAction: 'skip',
  freeRounds: 'total',
};

export const softswiss: Dialect<Buffer, SoftswissSettings> = {
  name: 'softswiss',
  title: 'SOFTSWISS Game Aggregator, BGaming',
  policy: POLICY,
  settings: Settings,
  operations: [
    operation<PlayCall, SoftswissSettings>({
      name: 'play', path: 'play', summary: 'Bets and wins of one round, in order, all or nothing; without actions the balance',
      callClass: 'credit', request: PlayBody, answer: MovedAnswer, read: play, render: moved,
    }),
    operation<RollbackCall, SoftswissSettings>({
      name: 'rollback', path: 'rollback', summary: 'Undo bets and wins, all or nothing',
      callClass: 'credit', request: RollbackBody, answer: MovedAnswer, read: rollback, render: moved,
    }),
    operation<FreespinsCall, SoftswissSettings>({
      name: 'freespins', path: 'freespins', summary: 'What an issue of free rounds came to: paid once',
      callClass: 'credit', request: FreespinsBody, answer: BalanceAnswer, read: freespins,
      render: (answer, _ask, context) => ({ balance: shown(answer, context) }),
    }),
  ],
  key,
  makeSecret: () => randomBytes(24).toString('base64url'),
  verify: ({ headers, body }, { keys }) => {
    const header = headers['x-request-sign'];
    if (typeof header !== 'string' || !/^[0-9a-f]{64}$/.test(header)) throw new Turned('SIGNATURE_INVALID', 'x-request-sign is needed: 64 hex digits');
    const given = Buffer.from(header, 'hex');
    let fits = false;
    for (const each of keys) if (timingSafeEqual(createHmac('sha256', each).update(body).digest(), given)) fits = true;
    if (!fits) throw new Turned('SIGNATURE_INVALID', 'x-request-sign does not fit the body');
  },
  requestId: ({ headers }) => {
    const id = headers['x-request-id'];
    return typeof id === 'string' && /^[\x21-\x7e]{1,128}$/.test(id) ? id : undefined;
  },
  refuse: ({ refused, wallet }, context) => error(errorOf(refused, context), refused, context, { wallet }),
  fail: ({ code, headers }, context) => error(FAILED[code], code, context, { headers }),
};

function key(secret: string): Buffer {
  if (!/^[^\s\p{Cc}]{12,256}$/u.test(secret)) throw new Error('an auth token must be 12 to 256 characters without blanks');
  return Buffer.from(secret);
}

function play(body: PlayCall, context: Here): Ask {
  const { game_id: round, game, finished, actions } = body;
  // The session stands with the bets: nothing else depends on it. Where `session_id` is the aggregator's own, the account's policy says `session: none`.
  const asked = { who: { player: body.user_id }, currency: codeOf(body.currency, context) };
  if (round == null || game == null || (!actions?.length && !finished)) return { ask: 'balance', ...asked };
  if (!actions?.length) return { ask: 'close', ...asked, round, game };
  const closeRound = finished === true;
  return {
    ask: 'play', ...asked,
    request: (currency) => ({
      currency: currency.code, round, closeRound,
      actions: actions.map(({ action, action_id: reference, amount }, i): BetRequest | WinRequest => {
        const units = read(amount, currency, context, `actions.${i}.amount`, action === 'win');
        const shared = { reference, currency: currency.code, amount: units, game, round, closeRound: false };
        return action === 'win' ? { kind: 'win', ...shared } : { kind: 'bet', ...shared, free: false, ...(body.session_id != null && { sessionToken: body.session_id }) };
      }),
    }),
  };
}

function rollback(body: RollbackCall, context: Here): Ask {
  const who = { player: body.user_id };
  const currency = body.currency == null ? undefined : codeOf(body.currency, context);
  const undone = body.actions.map(({ action_id: reference, original_action_id: original }): RollbackRequest & { readonly kind: 'rollback' } =>
    ({ kind: 'rollback', reference, original, ...(currency !== undefined && { currency }) }));
  const [first] = undone;
  if (first && undone.length === 1) return { ask: 'rollback', who, request: first };
  if (currency === undefined) throw new Turned('REQUEST_INVALID', 'currency is needed with several actions', [{ field: 'currency', message: 'needed with several actions' }]);
  const round = body.game_id ?? body.user_id;
  return { ask: 'play', who, currency, request: () => ({ currency, round, closeRound: false, actions: undone }) };
}

/** A total of nothing is told and not kept: an issue that goes on, or was cancelled before its first round, pays later or never. */
function freespins(body: FreespinsCall, context: Here): Ask {
  const who = { issue: body.issue_id, ...(body.user_id != null && { player: body.user_id }) };
  const currency = body.currency == null ? {} : { currency: codeOf(body.currency, context) };
  if (body.total_amount === 0) return { ask: 'balance', who, ...currency };
  return {
    ask: 'win', who, ...currency,
    request: (of) => ({
      kind: 'win', reference: body.issue_id, operation: 'award', award: 'free_rounds', campaign: body.issue_id, currency: of.code,
      amount: read(body.total_amount, of, context, 'total_amount', true), closeRound: false,
    }),
  };
}

function moved(answer: object, ask: Ask, context: Here): object {
  const { game_id: round } = context.body as PlayCall | RollbackCall;
  const receipts = ask.ask === 'play' ? (answer as PlayReceipt).receipts : ask.ask === 'rollback' ? [answer as Receipt] : [];
  const transactions = receipts.map(({ reference, outcome, transactionId, at }) =>
    ({ action_id: reference, tx_id: outcome === 'applied' ? transactionId : '', processed_at: new Date(at).toISOString() }));
  return { balance: shown(answer as WalletView, context), ...(round != null && { game_id: round }), transactions };
}

const settled = (context: Here, wire: unknown) =>
  typeof wire === 'string' && Object.hasOwn(context.settings.currencies, wire) ? context.settings.currencies[wire] : undefined;

const codeOf = (wire: string, context: Here): string => settled(context, wire)?.code ?? wire;

/** In the subunits of the wire: those of the currency, unless the account's settings count it otherwise. */
function counted(currency: Currency, context: Here): Currency {
  const named = (context.body as { readonly currency?: unknown } | undefined)?.currency;
  const setting = named == null ? Object.values(context.settings.currencies).find(({ code }) => code === currency.code) : settled(context, named);
  return setting?.code === currency.code ? { ...currency, exponent: setting.digits } : currency;
}

const WRONG = { form: 'a whole number of subunits, not negative', 'too-fine': 'finer than the currency is kept', 'too-large': 'more than the largest amount of the currency' };

function read(value: PlayCallAmount, currency: Currency, context: Here, field: string, owed: boolean): bigint {
  const units = money.read(value, counted(currency, context));
  if (typeof units === 'bigint') return units;
  throw new Turned(units === 'too-fine' && owed ? 'AMOUNT_TOO_FINE' : 'AMOUNT_INVALID', `${field}: ${WRONG[units]}`, [{ field, message: WRONG[units] }]);
}

type PlayCallAmount = FreespinsCall['total_amount'];

function shown(wallet: WalletView, context: Here): unknown {
  const currency = context.currency(wallet.currency);
  if (!currency) throw new Error(`no currency ${wallet.currency}`);
  return money.write(wallet.balance, counted(currency, context));
}

function errorOf(refused: RefusalCode, { ask }: Here): WireError {
  const nobody = ask?.who.issue !== undefined && ask.who.player === undefined;
  return nobody && (refused === 'PLAYER_NOT_FOUND' || refused === 'SESSION_NOT_FOUND') ? ISSUE_UNKNOWN : REFUSED[refused];
}

function error(
  { status, code, message }: WireError, outcome: string, context: Here, { wallet, headers }: { readonly wallet?: WalletView | undefined; readonly headers?: Readonly<Record<string, string>> | undefined },
): WireAnswer {
  return {
    status,
    headers: { ...moneyHeaders(wallet, context.position), 'x-request-id': context.requestId, ...(status === 503 && { 'retry-after': '1' }), ...headers },
    body: JSON.stringify({ code, message, ...(wallet && { balance: shown(wallet, context) }) }),
    outcome,
  };
}
