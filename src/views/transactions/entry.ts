/** A row of the ledger as callers see it. */
import { z } from 'zod';
import { formatAmount, type Currency } from '../../../libs/money/index.ts';
import type { Field } from '../../../libs/postgres/index.ts';

export type Scale = Pick<Currency, 'exponent' | 'scale'>;

export const KINDS = ['bet', 'win', 'rollback', 'promo_win', 'adjustment', 'deposit', 'withdrawal', 'close', 'cancel'] as const;

const Signed = z.string().meta({ description: 'a decimal string; negative where money left the wallet', examples: ['-12.50'] });
const Reference = z.string().meta({ description: 'the provider’s id' });
export const Debt = z.string().meta({
  description: 'absent where there is none: what was to leave the wallet and was not there, so that it is owed; negative where so much less is owed again',
  examples: ['30.00'],
});

export const Entry = z.object({
  transactionId: z.uuid(),
  playerId: z.uuid(),
  currency: z.string(),
  walletVersion: z.int().meta({ description: 'the wallet’s versions are 1, 2, 3 … without a gap; each is one transaction' }),
  processedAt: z.iso.datetime(),
  kind: z.enum(KINDS),
  amount: Signed,
  balance: z.string().meta({ description: 'of the wallet, after this transaction' }),
  accountId: z.int().meta({ description: 'the provider account; of a deposit or a withdrawal the operator’s cashier' }),
  debt: Debt.optional(),
  reference: Reference.optional().meta({ description: 'the provider’s id; absent where the transaction is part of what another one, or a cancelling, does' }),
  roundId: z.string().optional(),
  gameId: z.string().optional(),
  closesRound: z.literal(true).optional(),
  undoes: z.uuid().optional().meta({ description: 'of a rollback: the transaction that it undoes' }),
  betTransactionId: Reference.optional().meta({ description: 'of a win: the provider’s id of the bet that it names' }),
  face: z.string().optional().meta({ description: 'of a free bet: its value; no cash moved' }),
  campaignId: z.string().optional(),
  award: z.enum(['jackpot', 'free_rounds', 'tournament']).optional(),
}).meta({ id: 'Transaction' });
export type Entry = z.infer<typeof Entry>;

/** Of a ledger row by the name `t`, in the order in which `entryOf` takes them. */
export const ENTRY = `t.transaction_id, t.player_id, t.currency, t.version, round(date_part('epoch', t.at) * 1000)::int8, t.kind, t.amount, t.balance_after,
  t.account_id, t.reference, t.round, t.game_id, t.closes_round, t.undoes, t.bet, t.face, t.campaign, t.award, t.debt`;

export const owed = (debt: Field | undefined, scale: Scale): { readonly debt?: string } =>
  (debt == null || debt === '0' ? {} : { debt: formatAmount(BigInt(debt), scale) });

export const isoOf = (ms: Field | undefined): string => new Date(Number(ms)).toISOString();

export function entryOf(fields: readonly Field[], scale: Scale): Entry {
  const [id, player, currency, version, at, kind, amount, balance, account, reference, round, game, closes, undoes, bet, face, campaign, award, debt] = fields;
  const money = (units: Field | undefined) => formatAmount(BigInt(units ?? 0), scale);
  return {
    transactionId: id as string, playerId: player as string, currency: currency as string, walletVersion: Number(version), processedAt: isoOf(at),
    kind: kind as Entry['kind'], amount: money(amount), balance: money(balance), accountId: Number(account),
    ...owed(debt, scale),
    ...(reference != null && { reference }), ...(round != null && { roundId: round }), ...(game != null && { gameId: game }),
    ...(closes === 't' && { closesRound: true as const }), ...(undoes != null && { undoes }), ...(bet != null && { betTransactionId: bet }),
    ...(face != null && { face: money(face) }), ...(campaign != null && { campaignId: campaign }), ...(award != null && { award: award as Entry['award'] }),
  };
}

export const scaleOf = (exponent: Field | undefined, scale: Field | undefined): Scale => ({ exponent: Number(exponent), scale: Number(scale) });
