/** What was asked, as the rules judge it: references and rounds as fingerprints, the content as a digest. */
import { fingerprint, tokenHash } from '../../libs/crypto/index.ts';
import type { AdjustRequest, BetRequest, CashierRequest, PlayRequest, RollbackRequest, WinRequest } from './commands.ts';
import {
  roundFingerprint, type Account, type Adjustment, type Bet, type Cancel, type Close, type Deposit, type Operation, type Play, type Rollback, type StatusQuery,
  type Undoable, type Win, type Withdrawal,
} from './contract.ts';

const DIGEST_VERSION = '\u0001';
/** No id of a provider holds it, for PostgreSQL's texts cannot. */
const BETWEEN = '\u0000';

/** A version byte, then each field with its length before it; absent is empty. Equal digests mean equal content. */
function digest(...fields: (string | bigint | undefined)[]): string {
  let text = DIGEST_VERSION;
  for (const field of fields) {
    const value = field === undefined ? '' : String(field);
    text += `${value.length}:${value}`;
  }
  return fingerprint(text);
}

/** What tells an account's rounds apart. */
export const roundKeyOf = ({ policy }: Account, round: string, game: string | undefined): string =>
  roundFingerprint(policy.roundScope, round, game);

/** Kept apart from references: a campaign may bear the number of some transaction. */
const campaignKeyOf = (campaign: string): string => fingerprint(`campaign${BETWEEN}${campaign}`);

export function betOf(account: Account, request: BetRequest): Bet {
  const { kind, reference, currency, amount, free, campaign, game, round, closeRound, sessionToken } = request;
  return {
    kind, reference, currency, game, round, closeRound,
    key: fingerprint(reference),
    digest: digest('bet', free ? 'free' : 'cash', amount, currency, round, game, undefined, campaign),
    amount: free ? 0n : amount,
    ...(free && { face: amount, campaign }),
    table: tableOf(account, game),
    roundKey: roundKeyOf(account, round, game),
    ...(sessionToken !== undefined && account.policy.session !== 'none' && { session: tokenHash(sessionToken) }),
  };
}

function tableOf({ games }: Account, game: string): Bet['table'] {
  const open = games.get(game);
  return open === undefined ? 'unknown' : open ? 'open' : 'closed';
}

export function winOf(account: Account, request: WinRequest): Win {
  const { kind, reference, currency, amount, award, operation = 'win', campaign, game, round, bet, closeRound } = request;
  return {
    kind, operation, reference, currency, amount, award, campaign, game, bet,
    key: fingerprint(reference),
    digest: digest(operation, award ?? 'win', amount, currency, round, game, bet, campaign),
    ...(bet !== undefined && { betKey: fingerprint(bet) }),
    ...(round !== undefined && { round, roundKey: roundKeyOf(account, round, game), closeRound }),
    ...ofCampaign(account, request),
  };
}

/**
 * Without a round a win of free rounds is their total, unless the account knows no totals but those in a name space of their own. One with a
 * round is looked up by its campaign only where totals may come beside it.
 */
function ofCampaign({ policy: { freeRounds } }: Account, { operation, award, campaign, round }: WinRequest): Pick<Win, 'campaignForm' | 'campaignKey'> {
  if (campaign === undefined || (award !== undefined && award !== 'free_rounds')) return {};
  const isTotal = award === 'free_rounds' && round === undefined && (operation === 'award' || freeRounds !== 'per-round');
  return { campaignForm: isTotal ? 'total' : 'per-round', ...((isTotal || freeRounds === 'either') && { campaignKey: campaignKeyOf(campaign) }) };
}

export function adjustmentOf(account: Account, { reference, currency, amount, game, round }: AdjustRequest): Adjustment {
  return {
    kind: 'adjustment', reference, currency, amount, game,
    key: fingerprint(reference),
    digest: digest('adjustment', undefined, amount, currency, round, game),
    ...(round !== undefined && { round, roundKey: roundKeyOf(account, round, game), closeRound: false }),
  };
}

/** The name spaces in which an original is looked for. An award may have come as a win; an adjustment is meant only where it is named. */
const ORIGINALS: Record<Undoable | 'any', readonly Undoable[]> = {
  any: ['bet', 'win', 'award'], bet: ['bet'], win: ['win'], award: ['award', 'win'], adjustment: ['adjustment'],
};

/** `otherwise`: the currency where the call says none and its original is unknown. */
export function rollbackOf(request: RollbackRequest, otherwise?: string): Rollback {
  const { reference, original, originalType, currency, round, amount } = request;
  return {
    kind: 'rollback', reference, currency, otherwise, amount, original,
    key: fingerprint(reference),
    digest: digest('rollback', originalType, undefined, currency, round, undefined, original, undefined),
    originalKey: fingerprint(original),
    originalOperations: ORIGINALS[originalType ?? 'any'],
  };
}

export function playOf(account: Account, request: PlayRequest): Play {
  const { currency, round, closeRound } = request;
  const game = request.game ?? request.actions.map((action) => (action.kind === 'rollback' ? undefined : action.game)).find((each) => each !== undefined);
  const actions = request.actions.map((action) => {
    if (action.kind === 'rollback') return rollbackOf(action, currency);
    return action.kind === 'bet' ? betOf(account, action) : winOf(account, action);
  });
  return { kind: 'play', currency, round, game, closeRound, roundKey: roundKeyOf(account, round, game), actions };
}

/** `roundKey` where it is not the round's id alone that tells it from others. */
export const closeOf = (round: string, currency: string, roundKey = fingerprint(round), game?: string): Close =>
  ({ kind: 'close', round, currency, closeRound: true, roundKey, game });

export const cancelOf = (account: Account, round: string, currency: string, game?: string): Cancel =>
  ({ kind: 'cancel', round, currency, roundKey: roundKeyOf(account, round, game), game });

export const statusOf = (operation: Operation, reference: string, currency: string): StatusQuery =>
  ({ kind: 'status', operation, reference, currency, key: fingerprint(reference) });

export const depositOf = ({ reference, currency, amount }: CashierRequest): Deposit =>
  ({ kind: 'deposit', reference, currency, amount, key: fingerprint(reference), digest: digest('deposit', undefined, amount, currency) });

export const withdrawalOf = ({ reference, currency, amount }: CashierRequest): Withdrawal =>
  ({ kind: 'withdrawal', reference, currency, amount, key: fingerprint(reference), digest: digest('withdrawal', undefined, amount, currency) });
