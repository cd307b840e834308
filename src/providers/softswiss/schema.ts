/** The wire of SOFTSWISS' game aggregator, also spoken by BGaming itself: three paths, one envelope, amounts in subunits. */
import { z } from 'zod';
import { JsonNumber } from '../../../libs/http/index.ts';

const CONTROL = /\p{Cc}/u;
const isId = (text: string): boolean => text.length > 0 && text.length <= 256 && [...text].length <= 128 && !CONTROL.test(text) && text.isWellFormed();

const Id = z.string().refine(isId, { error: '1 to 128 characters, no control characters' })
  .meta({ minLength: 1, maxLength: 128, description: 'compared byte for byte' });
const Subunits = z.custom<number | JsonNumber>((value) => typeof value === 'number' || value instanceof JsonNumber, { error: 'a JSON number' })
  .meta({ type: 'integer', minimum: 0, description: 'in subunits of the currency: 1250 is EUR 12.50', examples: [1250] });
const Currency = z.string().regex(/^[A-Za-z0-9]{2,16}$/, { error: 'a currency code' }).meta({ examples: ['EUR'] });

const each = <Item extends { readonly action_id: string }>(actions: readonly Item[], context: z.RefinementCtx): void => {
  const seen = new Set<string>();
  for (const [i, { action_id: id }] of actions.entries()) {
    if (seen.has(id)) context.addIssue({ code: 'custom', path: ['actions', i, 'action_id'], message: 'stands twice' });
    seen.add(id);
  }
};

/** What else an action says (`jackpot_contribution`, `jackpot_win`, …) is part of the story, not of the sum: `amount` is all that moves. */
const PlayAction = z.object({ action: z.enum(['bet', 'win']), action_id: Id, amount: Subunits });
const RollbackAction = z.object({ action: z.literal('rollback'), action_id: Id, original_action_id: Id });

/** A field that is null is a field that is not there. */
export const PlayBody = z.object({
  user_id: Id, currency: Currency, game: Id.nullish(), game_id: Id.nullish(), finished: z.boolean().nullish(), session_id: z.string().nullish(),
  actions: z.array(PlayAction).max(100).nullish(),
}).superRefine((body, context) => {
  each(body.actions ?? [], context);
  if (!body.actions?.length && !body.finished) return;
  for (const field of ['game', 'game_id'] as const) {
    if (body[field] == null) context.addIssue({ code: 'custom', path: [field], message: 'needed with actions, and to finish a round' });
  }
});

/** `finished` is not looked at here: what is undone must not keep a bet that is tried again out of its round. */
export const RollbackBody = z.object({
  user_id: Id, currency: Currency.nullish(), game: Id.nullish(), game_id: Id.nullish(), session_id: z.string().nullish(),
  actions: z.array(RollbackAction).min(1).max(100),
}).superRefine((body, context) => each(body.actions, context));

/** What an issue of free rounds came to. Whose it is stands in the issue; where a call says it all the same, the call is right. */
export const FreespinsBody = z.object({
  issue_id: Id, status: z.string().max(64), total_amount: Subunits, user_id: Id.nullish(), currency: Currency.nullish(),
});

const Balance = z.int().meta({ description: 'in subunits' });
const Transaction = z.object({
  action_id: z.string(),
  tx_id: z.string().meta({ description: 'empty where nothing was moved: the original was never here, or it was rolled back before it came' }),
  processed_at: z.iso.datetime(),
});

export const MovedAnswer = z.object({ balance: Balance, game_id: z.string().optional(), transactions: z.array(Transaction) });
export const BalanceAnswer = z.object({ balance: Balance });

export type PlayCall = z.infer<typeof PlayBody>;
export type RollbackCall = z.infer<typeof RollbackBody>;
export type FreespinsCall = z.infer<typeof FreespinsBody>;

/** Codes of an account's wire that are not ours, or count in other subunits: `{ "uBTC": { "code": "BTC", "digits": 6 } }`. */
export const Settings = z.object({
  currencies: z.record(z.string(), z.object({ code: z.string(), digits: z.int().min(0).max(18) })).default({}),
});

export type SoftswissSettings = z.infer<typeof Settings>;
