/** What is done to a round as a whole: it is closed, or cancelled. */
import { Fault, type Cancel, type Close, type Play, type Refusal, type RoundReceipt } from './contract.ts';
import { undo } from './decide-rollback.ts';
import { HOUSE, post, refuse, view } from './posting.ts';
import { isSettled, newRound } from './rounds.ts';
import type { Draft, Round, Wallet } from './state.ts';

export function close(draft: Draft, movement: Close): RoundReceipt | Refusal {
  const wallet = draft.wallet(movement.currency);
  const round = draft.round(movement.roundKey);
  if (!wallet || (round && round.currency !== movement.currency)) return refuse(draft, { ...movement, reference: movement.round }, 'close', 'CURRENCY_MISMATCH');
  if (!round) return { ...view(wallet), state: 'unknown' };
  if (round.state !== 'open') return { ...view(wallet), state: round.state };
  return { ...view(closeBy(draft, wallet, movement, round)), state: 'closed' };
}

/** A row of its own, for a call that moves nothing in the round. */
function closeBy(draft: Draft, wallet: Wallet, { round: name, game }: Pick<Close, 'round' | 'game'>, round: Round): Wallet {
  const { after } = post(draft, wallet, 0n, { kind: 'close', house: HOUSE.game, closesRound: true, round: name, game });
  draft.putRound({ ...round, state: 'closed', lastVersion: after.version });
  return after;
}

/**
 * Closing comes with the call that brings a new reference, also if nothing moved, and not with a replay. Its last new bet or win of the round
 * carries it; without one it has a row of its own.
 */
export function closeAfterPlay(draft: Draft, movement: Play): void {
  const round = draft.round(movement.roundKey);
  if (!round || draft.keys.length === 0) return;
  const isSame = (game: string | undefined) => draft.account.policy.roundScope === 'account' || game === movement.game;
  const last = draft.entries.findLastIndex((entry) => entry.round === movement.round && isSame(entry.game));
  const wallet = draft.wallet(round.currency);
  if (last >= 0) {
    draft.entries[last] = { ...draft.entries[last] as Draft['entries'][number], closesRound: true };
    if (round.state === 'open') draft.putRound({ ...round, state: 'closed' });
  } else if (round.state === 'open' && wallet) closeBy(draft, wallet, movement, round);
}

/**
 * Undoes the round's open bets, newest first, and takes no more in it; one row each, and the cancelling's own. A round never seen is
 * cancelled too. An account that keeps no rounds has nothing to remember it by: every round is unknown.
 */
export function cancel(draft: Draft, movement: Cancel): RoundReceipt | Refusal {
  const wallet = draft.wallet(movement.currency);
  const round = draft.round(movement.roundKey);
  const no = (code: Refusal['refused']) => refuse(draft, { ...movement, reference: movement.round }, 'cancel', code);
  if (!wallet || (round && round.currency !== movement.currency)) return no('CURRENCY_MISMATCH');
  const { rounds, rollbackAfterClose } = draft.account.policy;
  if (rounds === 'none') return { ...view(wallet), state: 'unknown' };
  if (round?.state === 'cancelled') return { ...view(wallet), state: 'cancelled' };
  if (round?.state === 'closed' && rollbackAfterClose === 'refuse') return no('ROUND_CLOSED');
  const bets = draft.betsOf(movement.roundKey);
  if (bets.length !== (round?.bets ?? 0)) throw new Fault('INTERNAL', 'the bets of a round to be cancelled were not all loaded');
  for (const bet of bets) if (bet.undoneBy === undefined && !isSettled(bet, round)) undo(draft, bet);
  const now = draft.wallet(movement.currency) as Wallet;
  const { after } = post(draft, now, 0n, { kind: 'cancel', house: HOUSE.game, round: movement.round, game: movement.game });
  const { player, operator } = draft.base;
  const opener = { player, operator, account: draft.account.accountId, currency: movement.currency, version: after.version };
  draft.putRound({ ...(draft.round(movement.roundKey) ?? newRound(opener, movement.roundKey)), state: 'cancelled', lastVersion: after.version });
  return { ...view(after), state: 'cancelled' };
}
