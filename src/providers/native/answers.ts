/** Receipts, refusals and faults as the native wire writes them. */
import type { ServerResponse } from 'node:http';
import type { FastifyReply } from 'fastify';
import { formatAmount, type Currency } from '../../../libs/money/index.ts';
import { problem, PROBLEM_TYPE, type FieldError } from '../../../libs/http/index.ts';
import { consistencyToken, type PlayReceipt, type Position, type Receipt, type Refusal, type RoundReceipt, type Status, type WalletView } from '../../wallet/contract.ts';
import type { Authenticated } from '../../sessions/authenticate.query.ts';
import { MEANINGS, type Code } from './refusals.ts';

export interface WireAnswer {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly body: string;
  /** for the metrics: what it came to */
  readonly outcome: string;
}

/** Written to the socket as it is: nothing of the framework touches an answer about money. */
export function send(reply: FastifyReply, answer: WireAnswer): void {
  reply.hijack();
  // What the framework has set by then is about the connection: closed behind a body that was too large, or because the process ends.
  write(reply.raw, answer, reply.getHeaders() as Record<string, string>);
}

export function write(response: ServerResponse, { status, headers, body }: WireAnswer, set: Record<string, string> = {}): void {
  const flat: string[] = [];
  for (const name in set) if (!(name in headers)) flat.push(name, String(set[name]));
  for (const name in headers) flat.push(name, headers[name] as string);
  const bytes = Buffer.byteLength(body);
  flat.push('content-length', String(bytes));
  response.writeHead(status, flat);
  // Where every character is one byte, Node need not look for others.
  response.end(body, bytes === body.length ? 'latin1' : 'utf8');
}

export function moneyHeaders(wallet: WalletView | undefined, position: Position | undefined): Record<string, string> {
  const headers: Record<string, string> = { 'content-type': 'application/json', 'cache-control': 'no-store' };
  if (wallet) headers['x-wallet-version'] = String(wallet.version);
  if (position) headers['x-consistency-token'] = consistencyToken(position);
  return headers;
}

export function receiptBody(receipt: Receipt, currency: Currency): object {
  return {
    transactionId: receipt.transactionId, reference: receipt.reference, type: receipt.operation, status: receipt.status, outcome: receipt.outcome,
    ignoredBecause: receipt.ignoredBecause, amount: formatAmount(receipt.amount, currency), currency: receipt.currency,
    balance: formatAmount(receipt.balance, currency), walletVersion: receipt.version, processedAt: new Date(receipt.at).toISOString(),
  };
}

export const playBody = (play: PlayReceipt, currency: Currency): object => ({
  balance: formatAmount(play.balance, currency), walletVersion: play.version, receipts: play.receipts.map((receipt) => receiptBody(receipt, currency)),
});

export const roundBody = (round: RoundReceipt, roundId: string, currency: Currency): object => ({
  roundId, state: round.state, balance: formatAmount(round.balance, currency), walletVersion: round.version,
});

export function statusBody(status: Status, currency: Currency, currencyOf: (code: string) => Currency | undefined): object {
  const { known } = status;
  if (!known) return { status: 'unknown' };
  if ('refused' in known) {
    return {
      status: 'refused', code: known.refused, reference: known.reference, type: 'bet', currency: status.currency,
      balance: formatAmount(status.balance, currency), walletVersion: status.version,
    };
  }
  return receiptBody(known, currencyOf(known.currency) ?? currency);
}

export const walletBody = (wallet: WalletView, player: string, currency: Currency): object => ({
  playerId: player, currency: wallet.currency, balance: formatAmount(wallet.balance, currency), walletVersion: wallet.version,
});

export const sessionBody = (session: Authenticated, token: string, currency: Currency): object => ({
  ...walletBody(session, session.player, currency), country: session.country, jurisdiction: session.jurisdiction, language: session.language,
  sessionToken: token,
});

interface ProblemOptions {
  readonly detail?: string;
  readonly credit?: boolean;
  readonly wallet?: WalletView;
  readonly currency?: Currency;
  readonly position?: Position;
  readonly actionIndex?: number;
  readonly errors?: readonly FieldError[];
  readonly headers?: Record<string, string>;
}

/** RFC 9457. `credit`: asked for a win, a rollback or a close, which remembers no refusal. */
export function problemAnswer(code: Code, requestId: string, options: ProblemOptions = {}): WireAnswer {
  const { status, title, again } = MEANINGS[code];
  const { wallet, currency, actionIndex, errors } = options;
  const headers: Record<string, string> = { ...moneyHeaders(wallet, options.position), 'content-type': PROBLEM_TYPE, 'x-request-id': requestId, ...options.headers };
  if (status === 503) headers['retry-after'] = '1';
  const body = problem({
    title, status, code, detail: options.detail ?? title, requestId, retryable: again === 'yes' || (again === 'credit' && options.credit === true),
    ...(wallet && currency && { balance: formatAmount(wallet.balance, currency), currency: wallet.currency }),
    ...(actionIndex !== undefined && { actionIndex }), ...(errors && { errors }),
  });
  return { status, headers, body: JSON.stringify(body), outcome: code };
}

export const refusalAnswer = (refusal: Refusal, requestId: string, options: ProblemOptions): WireAnswer =>
  problemAnswer(refusal.refused, requestId, { wallet: refusal.wallet, actionIndex: refusal.actionIndex, ...options });
