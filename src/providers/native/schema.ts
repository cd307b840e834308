/**
 * The native dialect's wire, operation by operation: what comes in, what goes out, in the order of the published contract.
 * Routing, validation and the OpenAPI document are made of this list.
 */
import { z } from 'zod';

const CONTROL = /\p{Cc}/u;
const METADATA_BYTES = 2_048;

const isId = (text: string): boolean =>
  text.length > 0 && (text.length <= 128 || (text.length <= 256 && [...text].length <= 128)) && !CONTROL.test(text) && text.isWellFormed();

/** What is nested too deep to be written is larger than anything that is allowed. */
function jsonBytes(value: unknown): number {
  try {
    return Buffer.byteLength(JSON.stringify(value));
  } catch {
    return Infinity;
  }
}

const Id = z.string().refine(isId, { error: '1 to 128 characters, no control characters' })
  .meta({ minLength: 1, maxLength: 128, description: 'compared byte for byte; case-sensitive, untrimmed' });
const Amount = z.string().meta({ pattern: '^(0|[1-9][0-9]{0,14})(\\.[0-9]{1,10})?$', description: 'a decimal string, never a number', examples: ['12.50'] });
const SignedAmount = z.string().meta({
  pattern: '^-?(0|[1-9][0-9]{0,14})(\\.[0-9]{1,10})?$', description: 'what the wallet is to gain: a decimal string, below zero where it is to lose', examples: ['-2.50'],
});
const Currency = z.string().regex(/^[A-Z0-9]{3,10}$/, { error: 'a currency code in capitals' }).meta({ examples: ['EUR'] });
const Metadata = z.record(z.string(), z.unknown())
  .refine((value) => jsonBytes(value) <= METADATA_BYTES, { error: `at most ${METADATA_BYTES} bytes as JSON` })
  .meta({ description: 'checked, not stored' });

const Free = z.object({ campaignId: Id });
const AwardType = z.enum(['win', 'jackpot', 'free_rounds', 'tournament']);

const AuthenticateBody = z.object({ operation: z.literal('authenticate'), sessionToken: Id });
const BalanceBody = z.object({ operation: z.literal('balance'), playerId: Id, currency: Currency });
const BetBody = z.object({
  operation: z.literal('bet'), transactionId: Id, playerId: Id, currency: Currency, amount: Amount, gameId: Id, roundId: Id,
  sessionToken: Id.optional(), closeRound: z.boolean().optional(), free: Free.optional(), metadata: Metadata.optional(),
});
const WinBody = z.object({
  operation: z.literal('win'), transactionId: Id, playerId: Id, currency: Currency, amount: Amount, gameId: Id.optional(), roundId: Id.optional(),
  betTransactionId: Id.optional(), closeRound: z.boolean().optional(), type: AwardType.optional(), campaignId: Id.optional(),
  metadata: Metadata.optional(),
}).superRefine((body, context) => {
  if ((body.type ?? 'win') !== 'win') return;
  for (const field of ['gameId', 'roundId'] as const) {
    if (body[field] === undefined) context.addIssue({ code: 'custom', path: [field], message: 'needed where type is win' });
  }
});
const OriginalType = z.enum(['bet', 'win', 'award', 'adjustment']);
const RollbackBody = z.object({
  operation: z.literal('rollback'), transactionId: Id, originalTransactionId: Id, originalType: OriginalType.optional(),
  playerId: Id, currency: Currency, roundId: Id.optional(), amount: Amount.optional(), reason: z.string().max(1_024).optional(),
});
const Action = z.discriminatedUnion('type', [
  z.object({ type: z.enum(['bet', 'win']), transactionId: Id, amount: Amount, betTransactionId: Id.optional(), free: Free.optional() }),
  z.object({ type: z.literal('rollback'), transactionId: Id, originalTransactionId: Id, originalType: OriginalType.optional(), amount: Amount.optional() }),
]);
const PlayBody = z.object({
  operation: z.literal('play'), playerId: Id, currency: Currency, gameId: Id, roundId: Id, sessionToken: Id.optional(),
  closeRound: z.boolean().optional(), actions: z.array(Action).min(1).max(100),
}).superRefine((body, context) => {
  const seen = new Set<string>();
  for (const [i, { type, transactionId }] of body.actions.entries()) {
    const id = `${type} ${transactionId}`;
    if (seen.has(id)) context.addIssue({ code: 'custom', path: ['actions', i, 'transactionId'], message: `stands twice as a ${type}` });
    seen.add(id);
  }
});
const CloseRoundBody = z.object({ operation: z.literal('close-round'), playerId: Id, currency: Currency, roundId: Id });
const CancelRoundBody = CloseRoundBody.extend({ operation: z.literal('cancel-round') });
const AdjustBody = z.object({
  operation: z.literal('adjust'), transactionId: Id, playerId: Id, currency: Currency, amount: SignedAmount, gameId: Id.optional(), roundId: Id.optional(),
});
const StatusBody = z.object({
  operation: z.literal('status'), playerId: Id, currency: Currency, reference: Id, type: z.enum(['bet', 'win', 'rollback', 'adjustment']),
});

const Receipt = z.object({
  transactionId: z.union([z.uuid(), z.literal('')]).meta({ description: 'ours; empty for an action that was skipped' }), reference: z.string(),
  type: z.enum(['bet', 'win', 'rollback', 'adjustment']),
  status: z.enum(['applied', 'replayed', 'tombstoned', 'ignored']), outcome: z.enum(['applied', 'tombstoned', 'ignored']),
  ignoredBecause: z.enum(['refused', 'undone']).optional(), debt: z.string().optional(), amount: z.string(), currency: z.string(), balance: z.string(), walletVersion: z.int(),
  processedAt: z.iso.datetime(),
});
const Round = z.object({ roundId: z.string(), state: z.enum(['closed', 'cancelled', 'unknown']), balance: z.string(), walletVersion: z.int() });
const Wallet = z.object({ currency: z.string(), balance: z.string(), walletVersion: z.int() });

export const OPERATIONS = {
  authenticate: {
    summary: 'Whose session a token is, and what its wallet holds',
    request: AuthenticateBody,
    answer: Wallet.extend({
      playerId: z.string(), country: z.string().optional(), jurisdiction: z.string().optional(), language: z.string().optional(), sessionToken: z.string(),
    }),
  },
  balance: { summary: 'What a wallet holds now; never cached', request: BalanceBody, answer: Wallet.extend({ playerId: z.string() }) },
  bet: { summary: 'Take a stake', request: BetBody, answer: Receipt },
  win: { summary: 'Pay a win, a jackpot, a prize or a total of free rounds', request: WinBody, answer: Receipt },
  rollback: { summary: 'Undo a bet or a win, in full and once', request: RollbackBody, answer: Receipt },
  adjust: { summary: 'Correct what was paid or taken, in either direction', request: AdjustBody, answer: Receipt },
  play: {
    summary: 'Several bets, wins and rollbacks of one round, in order, all or nothing',
    request: PlayBody,
    answer: z.object({ balance: z.string(), walletVersion: z.int(), receipts: z.array(Receipt) }),
  },
  'close-round': {
    summary: 'No more bets in a round',
    request: CloseRoundBody,
    answer: Round,
  },
  'cancel-round': { summary: 'Undo a round’s open bets; no more bets in it', request: CancelRoundBody, answer: Round },
  status: {
    summary: 'What became of a reference; moves nothing',
    request: StatusBody,
    answer: z.union([
      Receipt,
      z.object({ status: z.literal('refused'), code: z.string(), reference: z.string(), type: z.enum(['bet']) }).extend(Wallet.shape),
      z.object({ status: z.literal('unknown') }),
    ]),
  },
} as const;

export type OperationName = keyof typeof OPERATIONS;
export type Body<Name extends OperationName> = z.infer<(typeof OPERATIONS)[Name]['request']>;
