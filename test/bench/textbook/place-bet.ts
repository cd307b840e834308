/** A bet as it is written first: one transaction of the ORM, a locked wallet, a look at the key, an update and two inserts. */
import { randomUUIDv7 } from 'node:crypto';
import { LockMode } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { Answer, Rival } from '../door.ts';
import { built } from '../built.ts';
import { LedgerEntry, TransactionKey, Wallet } from './entities.ts';

const { formatAmount, parseAmount } = await built<typeof import('../../../libs/money/index.ts')>('libs/money/index');

export interface House {
  readonly operatorId: string;
  readonly accountId: number;
  readonly games: ReadonlySet<string>;
}

const CURRENCY = { code: 'EUR', exponent: 2, scale: 6, maxAmount: 1_000_000_000_000_000n };

const refused = (status: number, code: string): Answer =>
  ({ status, body: { type: 'about:blank', title: code, status, code, retryable: false } });

export async function placeBet(em: EntityManager, house: House, call: Parameters<Rival['bet']>[0]): Promise<Answer> {
  const amount = parseAmount(call.amount, CURRENCY);
  if (typeof amount !== 'bigint' || amount === 0n || call.currency !== CURRENCY.code) return refused(400, 'AMOUNT_INVALID');
  if (!house.games.has(call.gameId)) return refused(404, 'GAME_NOT_FOUND');
  const { operatorId, accountId } = house;
  const { playerId, currency, transactionId: reference, gameId, roundId } = call;
  return em.transactional(async (inside) => {
    const wallet = await inside.findOne(Wallet, { playerId, currency }, { lockMode: LockMode.PESSIMISTIC_WRITE });
    if (wallet?.operatorId !== operatorId) return refused(404, 'PLAYER_NOT_FOUND');
    const known = await inside.findOne(TransactionKey, { playerId, accountId, reference });
    if (known) {
      const same = known.amount === amount && known.currency === currency && known.roundId === roundId && known.gameId === gameId;
      return same ? receipt('replayed', known, wallet) : refused(409, 'TRANSACTION_CONFLICT');
    }
    if (wallet.balance < amount) return refused(422, 'INSUFFICIENT_FUNDS');
    wallet.balance -= amount;
    wallet.version += 1;
    const fresh = { transactionId: randomUUIDv7(), playerId, operatorId, accountId, currency, reference, gameId, roundId, createdAt: new Date() };
    inside.create(TransactionKey, { ...fresh, amount });
    inside.create(LedgerEntry, { ...fresh, kind: 'bet', amount: -amount, balanceAfter: wallet.balance, version: wallet.version });
    return receipt('applied', { ...fresh, amount }, wallet);
  });
}

function receipt(
  status: 'applied' | 'replayed', entry: { transactionId: string; reference: string; amount: bigint; createdAt: Date },
  wallet: { currency: string; balance: bigint; version: number },
): Answer {
  return {
    status: 200, version: wallet.version,
    body: {
      transactionId: entry.transactionId, reference: entry.reference, type: 'bet', status, outcome: 'applied',
      amount: formatAmount(entry.amount, CURRENCY), currency: wallet.currency, balance: formatAmount(wallet.balance, CURRENCY),
      walletVersion: wallet.version, processedAt: entry.createdAt.toISOString(),
    },
  };
}
