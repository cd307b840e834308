/**
 * The door of the little wallet: the native wire, written from the published contract. Signature, time, form; then the rules. What a fault
 * does to it stands where it does it.
 */
import { isUtf8 } from 'node:buffer';
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Fault } from './faults.ts';
import type { Rules } from './rules.ts';
import { Refused, type Answer, type Asked } from './state.ts';

export interface Answered {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

const STATUS: Readonly<Record<string, number>> = {
  REQUEST_INVALID: 400, AMOUNT_INVALID: 400, METHOD_NOT_ALLOWED: 405, MEDIA_TYPE_UNSUPPORTED: 415, SESSION_SUPERSEDED: 422, KEY_UNKNOWN: 401, SIGNATURE_INVALID: 401, TIMESTAMP_OUT_OF_RANGE: 401, ROUTE_NOT_FOUND: 404,
  PLAYER_NOT_FOUND: 404, BET_NOT_FOUND: 404, SESSION_NOT_FOUND: 404, GAME_NOT_FOUND: 404, CURRENCY_MISMATCH: 422, TRANSACTION_CONFLICT: 409, ROLLED_BACK: 409,
  BET_ALREADY_SETTLED: 409, ROUND_CLOSED: 409, INSUFFICIENT_FUNDS: 422, PLAYER_BLOCKED: 422, SESSION_EXPIRED: 422, INTERNAL: 500,
};
const ORDER = ['operation', 'transactionId', 'originalTransactionId', 'originalType', 'playerId', 'currency', 'amount', 'gameId', 'roundId', 'betTransactionId', 'sessionToken', 'closeRound', 'type', 'free', 'campaignId'];
const NEEDED: Readonly<Record<string, readonly string[]>> = {
  'authenticate': ['sessionToken'], 'balance': ['playerId', 'currency'],
  'bet': ['transactionId', 'playerId', 'currency', 'amount', 'gameId', 'roundId'], 'win': ['transactionId', 'playerId', 'currency', 'amount'],
  'rollback': ['transactionId', 'originalTransactionId', 'playerId', 'currency'], 'play': ['playerId', 'currency', 'gameId', 'roundId', 'actions'],
  'close-round': ['playerId', 'currency', 'roundId'], 'cancel-round': ['playerId', 'currency', 'roundId'], 'adjust': ['transactionId', 'playerId', 'currency', 'amount'],
};
const KNOWN = new Set([...ORDER, 'actions', 'metadata', 'reason']);
const IDS = ['transactionId', 'originalTransactionId', 'betTransactionId', 'playerId', 'gameId', 'roundId', 'campaignId'];
const ALL_DIGITS: Readonly<Record<string, number>> = { BTC: 8 };
export const SCALE = 8;

type Fields = Record<string, unknown>;
type Headers = Readonly<Record<string, string | string[] | undefined>>;

export class Door {
  private readonly rules: Rules;
  private readonly apiKey: string;
  private readonly key: Buffer;
  private readonly has: (fault: Fault) => boolean;
  /** of calls that have come */
  private readonly ids = new Set<string>();

  constructor(rules: Rules, apiKey: string, key: Buffer, has: (fault: Fault) => boolean) {
    this.rules = rules;
    this.apiKey = apiKey;
    this.key = key;
    this.has = has;
  }

  async answer(method: string, path: string, headers: Headers, raw: Buffer): Promise<Answered> {
    try {
      if (method !== 'POST' && !this.has('any-method-taken')) throw new Refused('METHOD_NOT_ALLOWED');
      if (headers['content-type'] !== 'application/json' && !this.has('any-type-taken')) throw new Refused('MEDIA_TYPE_UNSUPPORTED');
      const operation = /^\/v1\/wallet\/([a-z-]+)$/.exec(path)?.[1] ?? '';
      if (!Object.hasOwn(NEEDED, operation)) throw new Refused('ROUTE_NOT_FOUND');
      this.verify(headers, raw);
      return this.accepted(await this.rules.ask(this.read(operation, raw)));
    } catch (error) {
      if (error instanceof Refused) return this.refusal(error);
      return { status: 500, type: 'text/plain', body: 'Internal Server Error' };
    }
  }

  private accepted(answer: Answer): Answered {
    return { status: 200, type: 'application/json', body: JSON.stringify(answer) };
  }

  private refusal({ code, wallet }: Refused): Answered {
    const status = STATUS[code] ?? 500;
    const body = JSON.stringify({ type: 'about:blank', title: code, status, code, ...wallet });
    return { status: this.has('answers-200') ? 200 : status, type: 'application/problem+json', body };
  }

  private verify(headers: Headers, raw: Buffer): void {
    if (headers['x-api-key'] !== this.apiKey) throw new Refused('KEY_UNKNOWN');
    const [id, time, signature] = ['webhook-id', 'webhook-timestamp', 'webhook-signature'].map((name) => headers[name]);
    if (signature === undefined && this.has('unsigned-taken')) return;
    if (typeof id !== 'string' || typeof time !== 'string' || typeof signature !== 'string') throw new Refused('SIGNATURE_INVALID');
    const fits = (text: Buffer | string): boolean => {
      const mac = `v1,${createHmac('sha256', this.key).update(`${id}.${time}.`).update(text).digest('base64')}`;
      return mac.length === signature.length && timingSafeEqual(Buffer.from(mac), Buffer.from(signature));
    };
    if (!this.has('signature-unchecked') && !fits(raw) && !this.variants(raw).some(fits)) throw new Refused('SIGNATURE_INVALID');
    if (this.has('same-bytes-refused') && this.ids.has(id)) throw new Refused('SIGNATURE_INVALID');
    this.ids.add(id);
    const late = Math.floor(Date.now() / 1000) - Number(time);
    if ((late > 300 && !this.has('old-taken')) || (late < -300 && !this.has('future-taken'))) throw new Refused('TIMESTAMP_OUT_OF_RANGE');
  }

  /** What a wallet verifies that does not take the bytes as they come. */
  private variants(raw: Buffer): string[] {
    if (!this.has('respaced-taken') && !this.has('reordered-taken')) return [];
    const body = JSON.parse(raw.toString()) as Fields;
    if (this.has('respaced-taken')) return [JSON.stringify(body)];
    return [JSON.stringify(Object.fromEntries(Object.entries(body).sort(([a], [b]) => ORDER.indexOf(a) - ORDER.indexOf(b))))];
  }

  private read(operation: string, raw: Buffer): Asked {
    const body = this.parse(raw);
    if (operation === 'rollback' && this.has('rollback-path-unchecked')) body['originalTransactionId'] ??= body['transactionId'];
    else if (body['operation'] !== operation && !this.has('path-unchecked')) throw new Refused('REQUEST_INVALID');
    if (this.has('missing-breaks') && operation === 'bet' && !('amount' in body)) throw new TypeError('undefined.split');
    for (const name of NEEDED[operation] as string[]) if (body[name] === undefined) throw new Refused('REQUEST_INVALID');
    if (operation === 'win' && (body['type'] ?? 'win') === 'win' && (body['gameId'] === undefined || body['roundId'] === undefined)) throw new Refused('REQUEST_INVALID');
    if (this.has('unknown-field-refused')) for (const name of Object.keys(body)) if (!KNOWN.has(name)) throw new Refused('REQUEST_INVALID');
    for (const name of IDS) if (body[name] !== undefined) body[name] = this.id(body[name]);
    if (!/^[A-Z0-9]{3,10}$/.test(String(body['currency'] ?? 'EUR'))) throw new Refused('REQUEST_INVALID');
    const currency = String(body['currency'] ?? '');
    if ('amount' in body) body['amount'] = this.amount(body['amount'], currency, operation, body['free'] !== undefined);
    const actions = body['actions'];
    if (operation === 'play') body['actions'] = this.actions(actions, currency);
    return { ...body, operation } as unknown as Asked;
  }

  private parse(raw: Buffer): Fields {
    const text = raw.toString();
    if (!isUtf8(raw) && !this.has('bytes-mended')) throw new Refused('REQUEST_INVALID');
    if (text === '' && this.has('empty-breaks')) throw new TypeError('empty');
    let body: unknown;
    try {
      body = JSON.parse(text);
    } catch (error) {
      if (this.has('prose-breaks') && text !== '') throw error;
      throw new Refused('REQUEST_INVALID');
    }
    if (typeof body === 'object' && body !== null && !Array.isArray(body)) return body as Fields;
    if (this.has('list-body-breaks')) throw new TypeError('body.transactionId.length');
    throw new Refused('REQUEST_INVALID');
  }

  private id(given: unknown): string {
    if (typeof given !== 'string' || given === '' || /\p{Cc}/u.test(given)) throw new Refused('REQUEST_INVALID');
    if (this.has('quotes-break') && given.includes("'")) throw new SyntaxError('unterminated string');
    if ([...given].length <= 128) return given;
    if (this.has('long-ids-cut')) return given.slice(0, 128);
    throw new Refused('REQUEST_INVALID');
  }

  private amount(given: unknown, currency: string, operation: string, free: boolean): bigint {
    let text = given;
    if (this.has('numbers-taken') && typeof text === 'number') text = String(text);
    if (this.has('null-taken') && text === null) return 0n;
    if (this.has('list-taken') && Array.isArray(text)) text = String(text);
    if (this.has('word-breaks') && text === 'ten') throw new SyntaxError('Cannot convert ten to a BigInt');
    if (typeof text !== 'string') throw new Refused('REQUEST_INVALID');
    if (this.has('huge-breaks') && text.length > 12 && /^\d{12}/.test(text)) throw new RangeError('out of range');
    const minus = text.startsWith('-') && (operation === 'adjust' || this.has(operation === 'bet' ? 'negative-bet-taken' : 'negative-win-taken'));
    const match = /^(0|[1-9]\d{0,14})(?:\.(\d{1,10}))?$/.exec(minus ? text.slice(1) : text);
    if (!match) throw new Refused('AMOUNT_INVALID');
    let fraction = match[2] ?? '';
    const digits = ALL_DIGITS[currency] ?? 6;
    const rounds = this.has(operation === 'win' ? 'fine-win-rounded' : 'fine-bet-rounded');
    if (fraction.length > digits && !/^0*$/.test(fraction.slice(digits)) && !rounds) throw new Refused('AMOUNT_INVALID');
    fraction = fraction.slice(0, digits);
    if (this.has('cents') || (this.has('two-digits-abroad') && currency !== 'EUR')) fraction = fraction.slice(0, 2);
    const units = BigInt((match[1] as string) + fraction.padEnd(SCALE, '0'));
    if (units === 0n && operation === 'bet' && !free && !this.has('zero-bet-taken') && !this.has('cents') && !this.has('two-digits-abroad')) throw new Refused('AMOUNT_INVALID');
    if (units === 0n && operation === 'win' && this.has('zero-win-refused')) throw new Refused('AMOUNT_INVALID');
    return minus ? -units : units;
  }

  private actions(given: unknown, currency: string): object[] {
    if (!Array.isArray(given) || given.length === 0 || given.length > 100) throw new Refused('REQUEST_INVALID');
    const seen = new Set<string>();
    return given.map((action: Fields) => {
      const type = String(action['type']);
      const transactionId = this.id(action['transactionId']);
      const name = `${type} ${transactionId}`;
      if (!['bet', 'win'].includes(type) || (seen.has(name) && !this.has('doubled-action-taken'))) throw new Refused('REQUEST_INVALID');
      seen.add(name);
      return { ...action, type, transactionId, amount: this.amount(action['amount'], currency, type, action['free'] !== undefined) };
    });
  }
}
