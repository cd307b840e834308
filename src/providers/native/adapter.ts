/**
 * The native dialect: raw bytes and headers in, status, headers and bytes out. Verified before parsed, parsed before asked.
 * Wire contract: Standard Webhooks signatures, JSON bodies that name their operation, problem+json.
 */
import { isUtf8 } from 'node:buffer';
import { randomUUID } from 'node:crypto';
import type { CommandBus, QueryBus } from '@nestjs/cqrs';
import { signatureMatches, timestampInRange } from '../../../libs/crypto/index.ts';
import type { FieldError } from '../../../libs/http/index.ts';
import { parseAmount, type Currency } from '../../../libs/money/index.ts';
import { Authenticate } from '../../sessions/authenticate.query.ts';
import {
  AskStatus, CloseRound, PayWin, PlaceBet, PlayRound, ReadBalance, RollBack, type BetRequest, type Caller, type WinRequest,
} from '../../wallet/commands.ts';
import {
  Fault, isRefusal, type Account, type Admission, type Answered, type CallClass, type Receipt, type Refusal, type WalletView,
} from '../../wallet/contract.ts';
import type { Configuration, Credential } from '../configuration.ts';
import { Throttle, type Throttled } from '../throttle.ts';
import { moneyHeaders, playBody, problemAnswer, receiptBody, refusalAnswer, roundBody, sessionBody, statusBody, walletBody, type WireAnswer } from './answers.ts';
import { OPERATIONS, type Body, type OperationName } from './schema.ts';
import type { DoorCode } from './refusals.ts';

const TOLERANCE_S = 300;

/** By the path alone. A play may hold no bet, so it is let in as one without; the lane looks into it. */
const CLASSES: Record<OperationName, CallClass> = {
  authenticate: 'read', balance: 'read', status: 'read', bet: 'bet', play: 'credit', win: 'credit', rollback: 'credit', 'close-round': 'credit',
};

export type Headers = Readonly<Record<string, string | string[] | undefined>>;

/** A call that is answered before any rule of money is asked. */
class Turned extends Error {
  constructor(
    readonly code: DoorCode,
    readonly detail: string,
    readonly errors?: readonly FieldError[],
    readonly headers?: Record<string, string>,
  ) {
    super(detail);
  }
}

/** `webhook-id` where it can stand in a header and a log line, else one of ours. */
export function requestIdOf(headers: Headers): string {
  const id = headers['webhook-id'];
  return typeof id === 'string' && /^[\x21-\x7e]{1,128}$/.test(id) ? id : randomUUID();
}

type Asked = { readonly account: Account; readonly caller: (player: string) => Caller; readonly requestId: string };

export class NativeAdapter {
  private readonly throttle = new Throttle();

  constructor(
    private readonly configuration: Configuration,
    private readonly commands: CommandBus,
    private readonly queries: QueryBus,
    private readonly admission: Admission,
  ) {}

  /**
   * Asked before the body is read: what cannot be served costs no signature and no parsing. Of the key only that is used how long its
   * account waits; one that is none is told so further on, as ever. Undefined: come in.
   */
  turnedAway(name: OperationName, headers: Headers): WireAnswer | undefined {
    const key = headers['x-api-key'];
    let credential: Credential | undefined;
    try {
      credential = typeof key === 'string' ? this.configuration.credential(key) : undefined;
    } catch {
      return undefined;
    }
    if (!credential || this.admission.admits(CLASSES[name], credential.account.policy.deadlineMs)) return undefined;
    return problemAnswer('OVERLOADED', requestIdOf(headers));
  }

  /** Never throws: a fault comes back as its problem, and `onFault` hears of it. */
  async handle(name: OperationName, headers: Headers, raw: Buffer, onFault: (fault: unknown, requestId: string) => void): Promise<WireAnswer> {
    const requestId = requestIdOf(headers);
    const arrivedAt = performance.now();
    try {
      const account = this.verify(headers, raw);
      const body = this.read(name, raw);
      const caller = (player: string) => ({ account, player, deadlineAt: arrivedAt + account.policy.deadlineMs });
      return await this.answer(body, { account, caller, requestId });
    } catch (error) {
      if (error instanceof Turned) return problemAnswer(error.code, requestId, { detail: error.detail, errors: error.errors, headers: error.headers });
      onFault(error, requestId);
      return problemAnswer(error instanceof Fault ? error.code : 'INTERNAL', requestId);
    }
  }

  /** Key, media type, signature over the raw bytes, then time: only a caller we know learns that its clock is off. */
  private verify(headers: Headers, raw: Buffer): Account {
    const key = headers['x-api-key'];
    const credential = typeof key === 'string' ? this.configuration.credential(key) : undefined;
    if (!credential) throw new Turned('KEY_UNKNOWN', 'x-api-key names no account');
    const { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signature } = headers;
    if (typeof id !== 'string' || typeof timestamp !== 'string' || typeof signature !== 'string') {
      throw new Turned('SIGNATURE_INVALID', 'webhook-id, webhook-timestamp and webhook-signature are needed');
    }
    // Two headers of a name arrive joined by a comma and a space, which no signature holds.
    if (signature.includes(', ') || !signatureMatches(credential.keys, id, timestamp, raw, signature)) {
      throw new Turned('SIGNATURE_INVALID', 'the signature does not fit id, timestamp and body');
    }
    if (!timestampInRange(timestamp, Date.now(), TOLERANCE_S)) {
      const now = String(Math.floor(Date.now() / 1000));
      throw new Turned('TIMESTAMP_OUT_OF_RANGE', `webhook-timestamp is more than ${TOLERANCE_S} s from the server's time`, undefined, { 'x-server-time': now });
    }
    return credential.account;
  }

  private read<Name extends OperationName>(name: Name, raw: Buffer): Body<Name> {
    let json: unknown;
    try {
      if (!isUtf8(raw)) throw new SyntaxError('not UTF-8');
      json = JSON.parse(raw.toString('utf8'));
    } catch {
      throw new Turned('REQUEST_INVALID', 'the body is not JSON in UTF-8');
    }
    const parsed = OPERATIONS[name].request.safeParse(json);
    if (parsed.success) return parsed.data as Body<Name>;
    const errors = parsed.error.issues.slice(0, 20).map(({ path, message }) => ({ field: path.join('.'), message }));
    throw new Turned('REQUEST_INVALID', `not a ${name} request: ${errors.map(({ field }) => field || 'body').join(', ')}`, errors);
  }

  private answer(body: Body<OperationName>, asked: Asked): Promise<WireAnswer> {
    switch (body.operation) {
      case 'authenticate': return this.authenticate(body, asked);
      case 'balance': return this.balance(body, asked);
      case 'bet': return this.bet(body, asked);
      case 'win': return this.win(body, asked);
      case 'rollback': return this.rollback(body, asked);
      case 'play': return this.play(body, asked);
      case 'close-round': return this.closeRound(body, asked);
      case 'status': return this.status(body, asked);
    }
  }

  private async authenticate(body: Body<'authenticate'>, { account, requestId }: Asked): Promise<WireAnswer> {
    turnAway(this.throttle.reads(account));
    const { answer, position } = await this.queries.execute(new Authenticate(account, body.sessionToken));
    if (isRefusal(answer)) return refusalAnswer(answer, requestId, { position });
    return ok(sessionBody(answer, body.sessionToken, this.currency(answer.currency)), requestId, { answer, position });
  }

  private async balance(body: Body<'balance'>, { account, requestId }: Asked): Promise<WireAnswer> {
    const currency = this.currency(body.currency);
    turnAway(this.throttle.reads(account));
    const { answer, position } = await this.queries.execute(new ReadBalance(account, body.playerId, body.currency));
    if (isRefusal(answer)) return refusalAnswer(answer, requestId, { position, credit: true });
    return ok(walletBody(answer, body.playerId, currency), requestId, { answer, position });
  }

  private async bet(body: Body<'bet'>, { caller, requestId, account }: Asked): Promise<WireAnswer> {
    const currency = this.currency(body.currency);
    const request: BetRequest = {
      kind: 'bet', reference: body.transactionId, currency: body.currency, amount: this.stake(body.amount, currency, body.free !== undefined, 'amount'),
      free: body.free !== undefined, campaign: body.free?.campaignId, game: body.gameId, round: body.roundId, sessionToken: body.sessionToken,
      closeRound: body.closeRound === true,
    };
    turnAway(this.throttle.bets(account, body.playerId, 1));
    return this.receipt(await this.commands.execute(new PlaceBet(caller(body.playerId), request)), account, requestId, { currency });
  }

  private async win(body: Body<'win'>, { caller, requestId, account }: Asked): Promise<WireAnswer> {
    const currency = this.currency(body.currency);
    const request: WinRequest = {
      kind: 'win', reference: body.transactionId, currency: body.currency, amount: amountOf(body.amount, currency, 'amount'),
      award: body.type === 'win' ? undefined : body.type, campaign: body.campaignId, game: body.gameId, round: body.roundId,
      bet: body.betTransactionId, closeRound: body.closeRound === true,
    };
    return this.receipt(await this.commands.execute(new PayWin(caller(body.playerId), request)), account, requestId, { currency, credit: true });
  }

  private async rollback(body: Body<'rollback'>, { caller, requestId }: Asked): Promise<WireAnswer> {
    const currency = this.currency(body.currency);
    const answered = await this.commands.execute(new RollBack(caller(body.playerId), {
      reference: body.transactionId, original: body.originalTransactionId, originalType: body.originalType, currency: body.currency, round: body.roundId,
      ...(body.amount !== undefined && { amount: amountOf(body.amount, currency, 'amount') }),
    }));
    if (isRefusal(answered.answer)) return refusalAnswer(answered.answer, requestId, { currency, position: answered.position, credit: true });
    return ok(receiptBody(answered.answer, this.currency(answered.answer.currency)), requestId, answered);
  }

  private async play(body: Body<'play'>, { caller, requestId, account }: Asked): Promise<WireAnswer> {
    const currency = this.currency(body.currency);
    const { gameId: game, roundId: round } = body;
    const actions = body.actions.map((action, i): BetRequest | WinRequest => {
      const shared = { reference: action.transactionId, currency: body.currency, game, round, closeRound: false };
      const field = `actions.${i}.amount`;
      if (action.type === 'win') return { ...shared, kind: 'win', amount: amountOf(action.amount, currency, field), bet: action.betTransactionId };
      const free = action.free !== undefined;
      return {
        ...shared, kind: 'bet', free, campaign: action.free?.campaignId, amount: this.stake(action.amount, currency, free, field), sessionToken: body.sessionToken,
      };
    });
    const request = { currency: body.currency, round, closeRound: body.closeRound === true, actions };
    const bets = actions.filter(({ kind }) => kind === 'bet').length;
    if (bets > 0) turnAway(this.throttle.bets(account, body.playerId, bets));
    const { answer, position } = await this.commands.execute(new PlayRound(caller(body.playerId), request));
    if (isRefusal(answer)) return refusalAnswer(answer, requestId, { currency, position, credit: actions.every(({ kind }) => kind === 'win') });
    if (account.policy.duplicateAnswer === 'exists' && answer.receipts.every(({ status }) => status === 'replayed')) {
      return exists(answer, requestId, currency);
    }
    return ok(playBody(answer, currency), requestId, { answer, position });
  }

  private async closeRound(body: Body<'close-round'>, { caller, requestId }: Asked): Promise<WireAnswer> {
    const currency = this.currency(body.currency);
    const { answer, position } = await this.commands.execute(new CloseRound(caller(body.playerId), { currency: body.currency, round: body.roundId }));
    if (isRefusal(answer)) return refusalAnswer(answer, requestId, { currency, position, credit: true });
    return ok(roundBody(answer, body.roundId, currency), requestId, { answer, position });
  }

  private async status(body: Body<'status'>, { caller, requestId }: Asked): Promise<WireAnswer> {
    const currency = this.currency(body.currency);
    const request = { currency: body.currency, reference: body.reference, operation: body.type };
    const { answer, position } = await this.commands.execute(new AskStatus(caller(body.playerId), request));
    if (isRefusal(answer)) return refusalAnswer(answer, requestId, { currency, position, credit: true });
    // A receipt of another currency's wallet speaks of that wallet, in its header too.
    const wallet = answer.known && !('refused' in answer.known) ? answer.known : answer;
    return ok(statusBody(answer, currency, (code) => this.configuration.currency(code)), requestId, { answer: wallet, position });
  }

  private receipt(answered: Answered<Receipt>, account: Account, requestId: string, options: { currency: Currency; credit?: boolean }): WireAnswer {
    const { answer, position } = answered;
    if (isRefusal(answer)) return refusalAnswer(answer, requestId, { ...options, position });
    if (answer.status === 'replayed' && account.policy.duplicateAnswer === 'exists') return exists(answer, requestId, options.currency);
    return ok(receiptBody(answer, options.currency), requestId, { answer, position });
  }

  private currency(code: string): Currency {
    const currency = this.configuration.currency(code);
    if (!currency) throw new Turned('REQUEST_INVALID', 'no such currency', [{ field: 'currency', message: 'not a currency of this system' }]);
    return currency;
  }

  private stake(text: string, currency: Currency, free: boolean, field: string): bigint {
    const amount = amountOf(text, currency, field);
    if (amount === 0n && !free) throw new Turned('AMOUNT_INVALID', 'a bet of zero', [{ field, message: 'more than zero, unless the bet is free' }]);
    return amount;
  }
}

function turnAway(throttled: Throttled | undefined): void {
  if (throttled) throw new Turned('THROTTLED', throttled.detail, undefined, throttled.headers);
}

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

function ok(body: object, requestId: string, { answer, position }: Exclude<Answered<WalletView>, { answer: Refusal }>): WireAnswer {
  const headers = moneyHeaders(answer as WalletView, position);
  headers['x-request-id'] = requestId;
  return { status: 200, headers, body: JSON.stringify(body), outcome: (body as { status?: string }).status ?? 'ok' };
}

/** Policy `duplicateAnswer: exists`: nothing was done again, and the caller wants to hear that as an error. */
const exists = (wallet: WalletView, requestId: string, currency: Currency): WireAnswer =>
  problemAnswer('TRANSACTION_CONFLICT', requestId, { wallet, currency, detail: 'already processed with the same content; nothing was done again' });
