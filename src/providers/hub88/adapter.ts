/**
 * Hub88's seamless wallet, and Caleta's, which is the same under other names: RSA-SHA256 over the raw body, amounts as integers × 100 000,
 * ids unique over players and kinds, wins that name their bet, HTTP 200 whatever happens.
 *
 * `request_uuid` is the id of an attempt and no key: a repeated one is answered alike because the same body names the same transaction, which
 * is known by then. Only the balance in it is today's, as this family asks for. `x-msg-timestamp` is not signed, so nothing is made of it.
 */
import { constants, createPublicKey, verify as verifies, type KeyObject } from 'node:crypto';
import { integerMoney, type Currency, type IntegerMoney } from '../../../libs/money/index.ts';
import { NotJson, parseExactJson } from '../../../libs/http/index.ts';
import type { Authenticated } from '../../sessions/contract.ts';
import type { Receipt, Refusal, WalletView } from '../../wallet/contract.ts';
import { moneyHeaders, served } from '../answer.ts';
import { operation, Turned, type Answers, type Ask, type Client, type Context, type Dialect, type Operation, type PolicyFields, type RawCall, type WireAnswer } from '../contract.ts';
import { caletaWords, hub88Words, type Status, type Words } from './refusals.ts';
import {
  BalanceAnswer, caletaBodies, CheckAnswer, hub88Bodies, InfoAnswer, NOT_OF_THIS_CALL, settingsOf, type Hub88Settings, type Moved, type Referring,
  type Seated,
} from './schema.ts';

type Asked = Context<Hub88Settings>;
type AnyAnswer = Answers[Ask['ask']];

/** Where a call could not be read, its id comes along in here, out of bytes that nobody vouches for. */
const ECHO = 'x-request-uuid';
const ECHOED = /"request_uuid"\s*:\s*"([\x20\x21\x23-\x5b\x5d-\x7e]{1,128})"/;

/** What `parse` makes of bytes that are no JSON: it fits no schema, and is answered under its id all the same. */
class Unreadable {
  constructor(readonly request_uuid: string | undefined) {}
}

const echoIn = (body: Buffer): string | undefined => ECHOED.exec(body.toString('latin1'))?.[1];

function requestUuid(body: unknown): string | undefined {
  const { request_uuid: id } = (body ?? {}) as { request_uuid?: unknown };
  return typeof id === 'string' ? id : undefined;
}

const CODECS = new Map<number, IntegerMoney>();

function codec(digits: number): IntegerMoney {
  const known = CODECS.get(digits) ?? integerMoney(digits);
  CODECS.set(digits, known);
  return known;
}

interface Named {
  /** our code */
  readonly code: string;
  readonly money: IntegerMoney;
}

const DIGITS = 5;

/** A currency of the wire. One that is none of ours goes on as it is, and no wallet has it. */
function currencyOf(wire: string, { settings }: Asked): Named {
  const mapped = Object.hasOwn(settings.currencies, wire) ? settings.currencies[wire] : undefined;
  return { code: mapped?.code ?? wire, money: codec(mapped?.digits ?? DIGITS) };
}

/** One of ours as this wire names it: as the call did, else as the settings do. */
function wireOf(code: string, { body, settings }: Asked): { readonly name: string; readonly money: IntegerMoney } {
  const { currency: said } = (body ?? {}) as { currency?: unknown };
  const its = Object.entries(settings.currencies).filter(([, mapped]) => mapped.code === code);
  const [name, { digits } = { digits: DIGITS }] = its.find(([wire]) => wire === said) ?? (said === code ? [code] : (its[0] ?? [code]));
  return { name, money: codec(digits) };
}

const WRONG_AMOUNT = { 'form': 'a whole number, not negative', 'too-fine': 'finer than the currency is kept', 'too-large': 'more than the largest amount of the currency' };

function amountOf(value: Moved['amount'], currency: Currency, { money }: Named, isCredit: boolean): bigint {
  const amount = money.read(value, currency);
  if (typeof amount === 'bigint') return amount;
  const code = isCredit && amount === 'too-fine' ? 'AMOUNT_TOO_FINE' : 'AMOUNT_INVALID';
  throw new Turned(code, `amount: ${WRONG_AMOUNT[amount]}`, [{ field: 'amount', message: WRONG_AMOUNT[amount] }]);
}

const who = ({ token, user, supplier_user: seat }: Seated) => ({ token, player: seat ?? user ?? undefined });

/** `bet`, `meta` and the like tell a story and move nothing; so does `jackpot_win`, which is a part of `amount`. */
function readBet(body: Moved & Seated, context: Asked): Ask {
  const named = currencyOf(body.currency, context);
  const isPrize = body.is_supplier_promo === true;
  return {
    // The bet of 0 before a supplier's prize bears the token of a session that may be long over, and is not to be refused for it.
    ask: 'bet', who: isPrize ? { player: who(body).player } : who(body), currency: named.code,
    request: (currency) => ({
      kind: 'bet', reference: body.transaction_uuid, currency: currency.code, amount: amountOf(body.amount, currency, named, false),
      free: body.is_free === true || isPrize, campaign: body.campaign_uuid ?? body.reward_uuid ?? undefined, game: body.game_code,
      round: body.round ?? body.transaction_uuid, closeRound: body.round_closed === true,
    }),
  };
}

function readWin(body: Moved & Seated & Referring, context: Asked): Ask {
  const named = currencyOf(body.currency, context);
  const bet = body.reference_transaction_uuid;
  return {
    ask: 'win', who: who(body), currency: named.code,
    request: (currency) => ({
      kind: 'win', reference: body.transaction_uuid, currency: currency.code, amount: amountOf(body.amount, currency, named, true),
      game: body.game_code, round: body.round ?? bet, bet, closeRound: body.round_closed === true,
      ...(body.is_supplier_promo === true && { award: 'tournament' }),
    }),
  };
}

/** Only bets are ever undone, wins never. `round_closed` is not looked at: it must not keep a bet that is tried again out of its round. */
const readRollback = (body: Seated & Referring & Pick<Moved, 'transaction_uuid' | 'round'>): Ask => ({
  ask: 'rollback', who: who(body),
  request: { reference: body.transaction_uuid, original: body.reference_transaction_uuid, originalType: 'bet', round: body.round ?? undefined },
});

const readBalance = (body: Seated): Ask => ({ ask: 'balance', who: who(body) });

function purse(status: Status, wallet: WalletView, context: Asked): object {
  const currency = context.currency(wallet.currency);
  if (!currency) throw new Error('a wallet in a currency that is not there');
  const { name, money } = wireOf(wallet.currency, context);
  return { user: context.player, status, request_uuid: requestUuid(context.body) ?? '', currency: name, balance: money.write(wallet.balance, currency) };
}

/** A refusal or a failure under the code that the caller knows. */
function told(status: Status, context: Asked, outcome: string, body: object, headers: Readonly<Record<string, string>> = {}): WireAnswer {
  return {
    status: 200, outcome, body: JSON.stringify({ status, request_uuid: '', ...body }),
    headers: { ...moneyHeaders(undefined, context.position), 'x-request-id': context.requestId, ...headers },
  };
}

/** Every receipt is RS_OK, the repeated as the first. Where the account's policy asks for it, a rollback that found nothing says so. */
function renderReceipt(answer: AnyAnswer, _ask: Ask, context: Asked): WireAnswer {
  const receipt = answer as Receipt;
  const { rollbackUnknown, rollbackOfRefused } = context.policy;
  const missed = (receipt.outcome === 'tombstoned' && rollbackUnknown === 'not-found')
    || (receipt.outcome === 'ignored' && receipt.ignoredBecause === 'refused' && rollbackOfRefused !== 'ok');
  if (missed) return told('RS_ERROR_TRANSACTION_DOES_NOT_EXIST', context, receipt.status, echo(context));
  return served(purse('RS_OK', receipt, context), context, receipt, receipt.status);
}

const renderBalance = (wallet: AnyAnswer, _ask: Ask, context: Asked): WireAnswer => served(purse('RS_OK', wallet, context), context, wallet, 'ok');

function renderInfo(answer: AnyAnswer, _ask: Ask, context: Asked): object {
  const { country, jurisdiction } = answer as Authenticated;
  return { user: context.player, status: 'RS_OK', request_uuid: requestUuid(context.body) ?? '', country, jurisdiction };
}

const echo = ({ body }: Asked, headers?: Readonly<Record<string, string>>) => ({ request_uuid: requestUuid(body) ?? headers?.[ECHO] ?? '' });

const moneyOperations = (base: string, bodies: typeof hub88Bodies | typeof caletaBodies): Operation<never, Hub88Settings>[] => [
  operation({
    name: 'bet', path: `${base}/bet`, summary: 'Take a stake; a free one moves no cash', callClass: 'bet', request: bodies.bet, answer: BalanceAnswer,
    read: readBet, render: renderReceipt,
  }),
  operation({
    name: 'win', path: `${base}/win`, summary: 'Pay what a bet has won, or nothing', callClass: 'credit', request: bodies.win, answer: BalanceAnswer,
    read: readWin, render: renderReceipt,
  }),
  operation({
    name: 'rollback', path: `${base}/rollback`, summary: 'Undo a bet, in full and once', callClass: 'credit', request: bodies.rollback, answer: BalanceAnswer,
    read: readRollback, render: renderReceipt,
  }),
];

const hub88Operations = [
  operation({
    name: 'info', path: 'user/info', summary: 'Who a player is, in so far as games need it', callClass: 'read', request: hub88Bodies.info, answer: InfoAnswer,
    read: ({ user }): Ask => ({ ask: 'session', who: { player: user } }), render: renderInfo,
  }),
  operation({
    name: 'balance', path: 'user/balance', summary: 'What a wallet holds now', callClass: 'read', request: hub88Bodies.balance, answer: BalanceAnswer,
    read: readBalance, render: renderBalance,
  }),
  ...moneyOperations('transaction', hub88Bodies),
];

const caletaOperations = [
  operation({
    name: 'check', path: 'wallet/check', summary: 'A new token for the one a game was launched with', callClass: 'read', request: caletaBodies.check,
    answer: CheckAnswer, read: ({ token }): Ask => ({ ask: 'session', who: { token } }), render: (answer) => ({ token: (answer as Authenticated).token }),
  }),
  operation({
    name: 'balance', path: 'wallet/balance', summary: 'What a wallet holds now', callClass: 'read', request: caletaBodies.balance, answer: BalanceAnswer,
    read: readBalance, render: renderBalance,
  }),
  ...moneyOperations('wallet', caletaBodies),
];

/** Standard base64 in its one right spelling: another spelling of the same bytes is no signature. */
function signatureOf(text: string | string[] | undefined): Buffer | undefined {
  if (typeof text !== 'string') return undefined;
  const bytes = Buffer.from(text, 'base64');
  return bytes.length > 0 && bytes.toString('base64') === text ? bytes : undefined;
}

function verify({ headers, body }: RawCall, { keys, settings }: Client<KeyObject, Hub88Settings>): void {
  if (keys.length === 0) throw new Turned('KEY_UNKNOWN', 'no key of this provider is known', undefined, echoed(body));
  const signature = signatureOf(headers[settings.header]);
  // No secret is compared here, so how long it takes tells nothing.
  const fits = signature !== undefined && keys.some((key) => verifies('sha256', body, { key, padding: constants.RSA_PKCS1_PADDING }, signature));
  if (!fits) throw new Turned('SIGNATURE_INVALID', `${settings.header} does not fit the body`, undefined, echoed(body));
}

function echoed(body: Buffer): Record<string, string> {
  const id = echoIn(body);
  return id === undefined ? {} : { [ECHO]: id };
}

function keyOf(secret: string): KeyObject {
  // Node would make a public key of a private one, and the provider's own would lie here unnoticed.
  if (!/-----BEGIN (RSA )?PUBLIC KEY-----/.test(secret)) throw new Error('the provider’s public key is needed, in PEM');
  let key: KeyObject;
  try {
    key = createPublicKey(secret);
  } catch {
    throw new Error('the public key cannot be read: PEM is needed');
  }
  const bits = key.asymmetricKeyDetails?.modulusLength ?? 0;
  if (key.asymmetricKeyType !== 'rsa' || bits < 2_048) throw new Error('an RSA key of 2,048 bits or more is needed');
  return key;
}

const JSON_TYPE = /^\s*application\/json\s*(?:;|$)/i;

function parse({ headers, body }: RawCall): unknown {
  if (!JSON_TYPE.test(headers['content-type'] ?? '')) throw new Turned('MEDIA_TYPE_UNSUPPORTED', 'application/json is needed', undefined, echoed(body));
  try {
    return parseExactJson(body);
  } catch (error) {
    if (error instanceof NotJson) return new Unreadable(echoIn(body));
    throw error;
  }
}

/** Of a body that is not as it should be: a field that is missing or out of place, or only ones of the wrong type. */
function wrongWord(errors: readonly { readonly field: string; readonly message: string }[], body: unknown): Status {
  if (errors.length === 0 || typeof body !== 'object' || body === null || body instanceof Unreadable) return 'RS_ERROR_WRONG_SYNTAX';
  const isThere = ({ field, message }: { field: string; message: string }) => message !== NOT_OF_THIS_CALL && Object.hasOwn(body, field);
  return errors.every(isThere) ? 'RS_ERROR_WRONG_TYPES' : 'RS_ERROR_WRONG_SYNTAX';
}

interface Variant {
  readonly name: string;
  readonly title: string;
  readonly header: string;
  readonly policy: PolicyFields;
  readonly words: Words;
  readonly operations: readonly Operation<never, Hub88Settings>[];
}

/** A rollback of a bet that has won is refused unless the account says `reverse`: both wires say that wins are never taken back. */
const POLICY: PolicyFields = { idScope: 'global', winNeeds: 'bet', duplicateAnswer: 'current', rollbackUnknown: 'ok', rollbackOfRefused: 'ok', supersededOn: 'bet', deadlineMs: 900 };

const dialectOf = ({ name, title, header, policy, words, operations }: Variant): Dialect<KeyObject, Hub88Settings> => ({
  name, title, policy, operations, verify, parse,
  settings: settingsOf(header),
  key: keyOf,
  requestId: () => undefined,
  refuse: ({ refused, wallet }: Refusal, context) => {
    const status = words.refusals[refused];
    return told(status, context, refused, refused === 'INSUFFICIENT_FUNDS' && wallet ? purse(status, wallet, context) : echo(context));
  },
  fail: ({ code, errors = [], headers }, context) =>
    told(code === 'REQUEST_INVALID' ? wrongWord(errors, context.body) : words.failures[code], context, code, echo(context, headers), headers),
});

export const hub88 = dialectOf({
  name: 'hub88', title: 'Hub88', header: 'x-hub88-signature', policy: POLICY, words: hub88Words, operations: hub88Operations,
});

export const caleta = dialectOf({
  name: 'caleta', title: 'Caleta', header: 'x-auth-signature', policy: { ...POLICY, sessionRotation: 'authenticate' }, words: caletaWords,
  operations: caletaOperations,
});
