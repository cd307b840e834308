/** Receipts, refusals and faults as the native wire writes them. */
import { formatAmount, type Currency } from '../../../libs/money/index.ts';
import { problem, PROBLEM_TYPE, type FieldError } from '../../../libs/http/index.ts';
import type { PlayReceipt, Position, Receipt, RoundReceipt, Status, WalletView } from '../../wallet/contract.ts';
import type { Authenticated } from '../../sessions/contract.ts';
import { moneyHeaders } from '../answer.ts';
import type { WireAnswer } from '../contract.ts';
import { MEANINGS, type Code } from './refusals.ts';

export function receiptBody(receipt: Receipt, currency: Currency): object {
  return {
    transactionId: receipt.transactionId, reference: receipt.reference, type: receipt.operation, status: receipt.status, outcome: receipt.outcome,
    ignoredBecause: receipt.ignoredBecause, debt: receipt.debt === undefined ? undefined : formatAmount(receipt.debt, currency),
    amount: formatAmount(receipt.amount, currency), currency: receipt.currency,
    balance: formatAmount(receipt.balance, currency), walletVersion: receipt.version, processedAt: new Date(receipt.at).toISOString(),
  };
}

/** A rollback among its actions may be one of another currency's wallet. */
export const playBody = (play: PlayReceipt, currencyOf: (code: string) => Currency): object => ({
  balance: formatAmount(play.balance, currencyOf(play.currency)), walletVersion: play.version,
  receipts: play.receipts.map((receipt) => receiptBody(receipt, currencyOf(receipt.currency))),
});

export const roundBody = (round: RoundReceipt, roundId: string, currency: Currency): object => ({
  roundId, state: round.state, balance: formatAmount(round.balance, currency), walletVersion: round.version,
});

export function statusBody(status: Status, currencyOf: (code: string) => Currency): object {
  const { known } = status;
  if (!known) return { status: 'unknown' };
  if ('refused' in known) {
    return {
      status: 'refused', code: known.refused, reference: known.reference, type: 'bet', currency: status.currency,
      balance: formatAmount(status.balance, currencyOf(status.currency)), walletVersion: status.version,
    };
  }
  return receiptBody(known, currencyOf(known.currency));
}

export const walletBody = (wallet: WalletView, player: string, currency: Currency): object => ({
  playerId: player, currency: wallet.currency, balance: formatAmount(wallet.balance, currency), walletVersion: wallet.version,
});

export const sessionBody = (session: Authenticated, currency: Currency): object => ({
  ...walletBody(session, session.player, currency), country: session.country, jurisdiction: session.jurisdiction, language: session.language,
  sessionToken: session.token,
});

interface ProblemOptions {
  readonly detail?: string;
  /** asked for what remembers no refusal: a win, a rollback, an adjustment or a close */
  readonly credit?: boolean;
  readonly wallet?: WalletView;
  readonly currency?: Currency;
  readonly position?: Position;
  readonly actionIndex?: number;
  readonly errors?: readonly FieldError[];
  readonly headers?: Readonly<Record<string, string>>;
}

/** RFC 9457. */
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
