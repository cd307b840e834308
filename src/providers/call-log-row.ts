/** A call and its answer as the log keeps them: who, what, to what end, redacted, and every id by which somebody may look for it. */
import type { IncomingHttpHeaders } from 'node:http';
import { isIP } from 'node:net';
import { fingerprint } from '../../libs/crypto/index.ts';
import { isPlayerId, type Account } from '../wallet/contract.ts';
import type { Result } from './call-log-minutes.ts';
import { REFERENCE_NAME } from './call-log-lexemes.ts';
import { redact } from './call-log-redact.ts';
import type { Ask, Context, WireAnswer } from './contract.ts';

/** From where a call came: of a request that was let in, or of the connection of one that was not. */
export interface From {
  readonly ip?: string | undefined;
  readonly remoteAddress?: string | undefined;
}

/** A call that was answered. */
export interface Answered {
  readonly account: Account | undefined;
  readonly dialect: string;
  /** undefined: it names none */
  readonly operation: string | undefined;
  readonly method: string;
  /** below the account's base path */
  readonly path: string;
  readonly query: string;
  readonly headers: IncomingHttpHeaders;
  /** undefined: not read */
  readonly body: Buffer | undefined;
  readonly from: From | undefined;
  /** undefined where the call was turned away by its head */
  readonly context: Context & { readonly answer?: object | undefined } | undefined;
  readonly answer: WireAnswer;
  readonly ms: number | undefined;
}

export interface Kept extends Answered {
  readonly account: Account;
  readonly result: Result;
  readonly callId: string;
  /** since 1970, ms */
  readonly at: number;
  readonly source: string | undefined;
}

export type CallRow = Readonly<Record<string, unknown>>;

const MOST_REFERENCES = 256;
const LONGEST_REFERENCE = 256;
const LONGEST_NAME = 128;
const PLAYER_NAME = /^(player_?id|user|user_?id|supplier_?user)$/i;

export function rowOf(call: Kept): CallRow {
  const { account, answer, context, headers, path, query, body } = call;
  const shown = redact({ headers, path, query, body, answerHeaders: answer.headers, answerBody: answer.body, secrets: tokensOf(context?.ask) });
  const named = new Named(shown.parsed);
  for (const each of askedOf(context)) named.addReference(each);
  const requestId = answer.headers['x-request-id'] ?? '';
  const references = [...named.references].slice(0, MOST_REFERENCES);
  // A token may stand where a player should.
  const player = [context?.player, context?.ask?.who.player, ...named.players].find((each) => each !== undefined && isPlayerId(each) && shown.scrub(each) === each);
  return {
    at: new Date(call.at).toISOString(), operator_id: account.operatorId, call_id: call.callId, player_id: player ?? null, account_id: account.accountId,
    status: answer.status, result: call.result, ms: call.ms ?? null, request_key: fingerprint(requestId),
    request_id: textOf(shown.scrub(requestId), LONGEST_REFERENCE), code: answer.outcome,
    dialect: call.dialect, operation: call.operation ?? null, method: textOf(call.method, LONGEST_NAME), path: shown.path, source: call.source ?? null,
    references: references.map((each) => textOf(shown.scrub(each), LONGEST_REFERENCE)), keys: references.map(fingerprint),
    transactions: transactionsOf(context?.answer),
    request_headers: shown.headers, request_body: shown.body ?? null, request_bytes: body?.length ?? null,
    answer_headers: shown.answerHeaders, answer_body: shown.answerBody, answer_bytes: Buffer.byteLength(answer.body),
  };
}

/** As an address and nothing else: what PostgreSQL cannot read would hold up the calls beside it. */
export function sourceOf(from: From | undefined): string | undefined {
  const said = (from?.ip ?? from?.remoteAddress)?.replace(/%.*$/, '').replace(/^::ffff:(?=\d+\.)/, '');
  return said !== undefined && isIP(said) > 0 ? said : undefined;
}

/** Every string of a body that is named like an id of a transaction or of a player. */
class Named {
  readonly references = new Set<string>();
  readonly players: string[] = [];

  constructor(body: unknown) {
    this.look(body, 0);
  }

  addReference(text: string): void {
    if (text !== '' && text.length <= LONGEST_REFERENCE) this.references.add(text);
  }

  private look(value: unknown, depth: number): void {
    if (depth > 4 || typeof value !== 'object' || value === null) return;
    for (const [name, each] of Object.entries(value)) {
      if (typeof each !== 'string') this.look(each, depth + 1);
      else if (REFERENCE_NAME.test(name)) this.addReference(each);
      else if (PLAYER_NAME.test(name)) this.players.push(each);
    }
  }
}

/** What was understood of it, whatever its wire calls that. */
function askedOf(context: Answered['context']): string[] {
  const ask = context?.ask;
  if (!context || !ask) return [];
  if (ask.ask === 'status') return [ask.reference];
  if (!('request' in ask)) return [];
  const { answer } = context as { answer?: { currency?: string; wallet?: { currency?: string } } };
  const code = 'currency' in ask && ask.currency !== undefined ? ask.currency : (answer?.currency ?? answer?.wallet?.currency ?? '');
  const currency = context.currency(code);
  try {
    const request = typeof ask.request === 'function' ? currency && ask.request(currency) : ask.request;
    return [request, ...((request as { actions?: object[] } | undefined)?.actions ?? [])].flatMap((each) => {
      const { reference, original, bet } = (each ?? {}) as { reference?: string; original?: string; bet?: string };
      return [reference, original, bet].filter((text) => text !== undefined);
    });
  } catch {
    // Its amounts cannot be read: that is why it was refused.
    return [];
  }
}

function tokensOf(ask: Ask | undefined): string[] {
  return ask?.who.token === undefined ? [] : [ask.who.token];
}

function transactionsOf(answer: object | undefined): string[] {
  const { receipts, known } = (answer ?? {}) as { receipts?: object[]; known?: object };
  return [answer, known, ...(receipts ?? [])].flatMap((each) => {
    const { transactionId: id } = (each ?? {}) as { transactionId?: string };
    return id ? [id] : [];
  });
}

const textOf = (text: string, most: number): string => text.slice(0, most).replaceAll('\0', '').toWellFormed();
