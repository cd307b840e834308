/** The wire of Hub88's seamless wallet and of Caleta's, which descends from it. Fields that nobody named are nobody's error. */
import { z } from 'zod';
import { JsonNumber } from '../../../libs/http/index.ts';

const CONTROL = /\p{Cc}/u;
const isId = (text: string): boolean => text.length > 0 && text.length <= 256 && [...text].length <= 128 && !CONTROL.test(text) && text.isWellFormed();

/** Of a field that another path's calls have and this one's never: the signature covers no path, so the body has to say which it is. */
export const NOT_OF_THIS_CALL = 'belongs to another kind of call';

const Id = z.string().refine(isId, { error: '1 to 128 characters, no control characters' })
  .meta({ minLength: 1, maxLength: 128, description: 'compared byte for byte' });
const Amount = z.custom<number | JsonNumber>((value) => typeof value === 'number' || value instanceof JsonNumber, { error: 'a JSON number' })
  .meta({ type: 'integer', minimum: 0, description: 'the amount × 100 000: 356000 is 3.56', examples: [356_000] });
const Flag = z.boolean().nullish();
const Absent = z.null({ error: NOT_OF_THIS_CALL }).optional().meta({ description: NOT_OF_THIS_CALL });

const request = { request_uuid: Id.meta({ description: 'echoed; the key of what is done is transaction_uuid' }) };
const session = { ...request, token: Id };
const named = { ...session, user: Id };

/** `round`: where it is left out, a bet is a round of its own, and a win of that bet's. */
const hub88Money = { ...named, transaction_uuid: Id, game_code: Id, currency: Id, amount: Amount, round: Id.nullish(), round_closed: Flag, is_free: Flag };
const promo = { is_supplier_promo: Flag.meta({ description: 'a prize of the game’s supplier: a bet of 0, and a win that names it' }), reward_uuid: Id.nullish() };

export const hub88Bodies = {
  info: z.object({ ...request, user: Id }),
  balance: z.object(named),
  bet: z.object({ ...hub88Money, ...promo, reference_transaction_uuid: Absent }),
  win: z.object({ ...hub88Money, ...promo, reference_transaction_uuid: Id }),
  rollback: z.object({ ...named, transaction_uuid: Id, reference_transaction_uuid: Id, round: Id.nullish(), amount: Absent }),
};

/** `supplier_user` is our player; where it is null, the token alone says whose call it is. */
const caletaSeat = { ...session, supplier_user: Id.nullable(), game_code: Id };
const caletaMoney = {
  ...caletaSeat, transaction_uuid: Id, currency: Id, amount: Amount, round: Id, round_closed: z.boolean(), is_free: z.boolean(),
  campaign_uuid: Id.nullish(), reward_uuid: Id.nullish(),
};

export const caletaBodies = {
  check: z.object({ token: Id, transaction_uuid: Absent, game_code: Absent }),
  balance: z.object(caletaSeat),
  bet: z.object({ ...caletaMoney, reference_transaction_uuid: Absent }),
  win: z.object({ ...caletaMoney, reference_transaction_uuid: Id }),
  rollback: z.object({
    ...session, user: Id.nullish(), transaction_uuid: Id, reference_transaction_uuid: Id, round: Id, round_closed: z.boolean(), game_code: Id, amount: Absent,
  }),
};

/** What both have in common, as the adapter reads it. */
export interface Seated { readonly token: string; readonly user?: string | null; readonly supplier_user?: string | null }
export interface Moved extends Seated {
  readonly transaction_uuid: string;
  readonly currency: string;
  readonly amount: number | JsonNumber;
  readonly game_code: string;
  readonly round?: string | null;
  readonly round_closed?: boolean | null;
  readonly is_free?: boolean | null;
  readonly is_supplier_promo?: boolean | null;
  readonly campaign_uuid?: string | null;
  readonly reward_uuid?: string | null;
}
export interface Referring { readonly reference_transaction_uuid: string }

const Status = z.string().meta({ description: 'RS_OK, or an RS_ERROR_ code', examples: ['RS_OK'] });

export const BalanceAnswer = z.object({
  user: z.string().optional(), status: Status, request_uuid: z.string(), currency: z.string().optional(),
  balance: z.int().optional().meta({ description: '× 100 000, truncated toward zero' }),
});
export const InfoAnswer = z.object({
  user: z.string().optional(), status: Status, request_uuid: z.string(), country: z.string().optional(), jurisdiction: z.string().optional(),
});
export const CheckAnswer = z.object({ token: z.string().meta({ description: 'the one to be used from now on' }) });

/** Codes of an account's wire that are not ours, or count in other fractions: `{ "mBTC": { "code": "BTC", "digits": 8 } }`. */
export const settingsOf = (header: string) => z.strictObject({
  header: z.string().regex(/^[A-Za-z0-9-]{1,64}$/).transform((name) => name.toLowerCase()).default(header),
  currencies: z.record(z.string(), z.strictObject({ code: z.string(), digits: z.int().min(0).max(18).default(5) })).default({}),
});

export interface Hub88Settings {
  /** that bears the signature, in small letters */
  readonly header: string;
  readonly currencies: Readonly<Record<string, { readonly code: string; readonly digits: number }>>;
}
