/** What every dialect's answers have in common: JSON that nobody stores, whose call it was, and where in the database's history it stands. */
import { consistencyToken, type Position, type WalletView } from '../wallet/contract.ts';
import type { Context, WireAnswer } from './contract.ts';

export function moneyHeaders(wallet: WalletView | undefined, position: Position | undefined): Record<string, string> {
  const headers: Record<string, string> = { 'content-type': 'application/json', 'cache-control': 'no-store' };
  if (wallet) headers['x-wallet-version'] = String(wallet.version);
  if (position) headers['x-consistency-token'] = consistencyToken(position);
  return headers;
}

/** A body with status 200. `wallet`: the one that it speaks of. */
export function served(body: object, { requestId, position }: Context, wallet: WalletView, outcome: string): WireAnswer {
  const headers = moneyHeaders(wallet, position);
  headers['x-request-id'] = requestId;
  return { status: 200, headers, body: JSON.stringify(body), outcome };
}
