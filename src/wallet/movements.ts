/** What was asked, as the rules judge it: references and rounds as fingerprints, the content as a digest. */
import { fingerprint, tokenHash } from '../../libs/crypto/index.ts';
import type { BetRequest, CashierRequest, PlayRequest, RollbackRequest, WinRequest } from './commands.ts';
import type { Account, Bet, Close, Deposit, Operation, Play, Rollback, StatusQuery, Win, Withdrawal } from './contract.ts';

const DIGEST_VERSION = '\u0001';

/** A version byte, then each field with its length before it; absent is empty. Equal digests mean equal content. */
function digest(...fields: (string | bigint | undefined)[]): string {
  let text = DIGEST_VERSION;
  for (const field of fields) {
    const value = field === undefined ? '' : String(field);
    text += `${value.length}:${value}`;
  }
  return fingerprint(text);
}

export function betOf(account: Account, request: BetRequest): Bet {
  const { kind, reference, currency, amount, free, campaign, game, round, closeRound, sessionToken } = request;
  return {
    kind, reference, currency, game, round, closeRound,
    key: fingerprint(reference),
    digest: digest('bet', free ? 'free' : 'cash', amount, currency, round, game, undefined, campaign),
    amount: free ? 0n : amount,
    ...(free && { face: amount, campaign }),
    table: tableOf(account, game),
    roundKey: fingerprint(round),
    ...(sessionToken !== undefined && { session: tokenHash(sessionToken) }),
  };
}

function tableOf({ games }: Account, game: string): Bet['table'] {
  const open = games.get(game);
  return open === undefined ? 'unknown' : open ? 'open' : 'closed';
}

export function winOf(request: WinRequest): Win {
  const { kind, reference, currency, amount, award, campaign, game, round, bet, closeRound } = request;
  return {
    kind, reference, currency, amount, award, campaign, game, bet,
    key: fingerprint(reference),
    digest: digest('win', award ?? 'win', amount, currency, round, game, bet, campaign),
    ...(bet !== undefined && { betKey: fingerprint(bet) }),
    ...(round !== undefined && { round, roundKey: fingerprint(round), closeRound }),
  };
}

/** The name spaces in which an original is looked for. An award stands among the wins; no adjustment can have come by this wire. */
const ORIGINALS = { any: ['bet', 'win'], bet: ['bet'], win: ['win'], award: ['win'], adjustment: [] } as const;

export function rollbackOf(request: RollbackRequest): Rollback {
  const { reference, original, originalType, currency, round, amount } = request;
  return {
    kind: 'rollback', reference, currency, amount, original,
    key: fingerprint(reference),
    digest: digest('rollback', originalType, undefined, currency, round, undefined, original, undefined),
    originalKey: fingerprint(original),
    originalOperations: ORIGINALS[originalType ?? 'any'],
  };
}

export function playOf(account: Account, request: PlayRequest): Play {
  const { currency, round, closeRound } = request;
  const actions = request.actions.map((action) => (action.kind === 'bet' ? betOf(account, action) : winOf(action)));
  return { kind: 'play', currency, round, closeRound, roundKey: fingerprint(round), actions };
}

export const closeOf = (round: string, currency: string): Close => ({ kind: 'close', round, currency, closeRound: true, roundKey: fingerprint(round) });

export const statusOf = (operation: Operation, reference: string, currency: string): StatusQuery =>
  ({ kind: 'status', operation, reference, currency, key: fingerprint(reference) });

export const depositOf = ({ reference, currency, amount }: CashierRequest): Deposit =>
  ({ kind: 'deposit', reference, currency, amount, key: fingerprint(reference), digest: digest('deposit', undefined, amount, currency) });

export const withdrawalOf = ({ reference, currency, amount }: CashierRequest): Withdrawal =>
  ({ kind: 'withdrawal', reference, currency, amount, key: fingerprint(reference), digest: digest('withdrawal', undefined, amount, currency) });
