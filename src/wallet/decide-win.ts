/** Wins, awards and adjustments: what a player is owed, and what a provider corrects. Nothing about the player, the session or the game stops them. */
import type { Adjustment, Receipt, RefusalCode, Win } from './contract.ts';
import { HOUSE, houseOf, isAward, move, NO_DIGEST, replayOf, split, type Judgement } from './posting.ts';
import { allBetsUndone, isSettled, isWhollySettled, newRound, withSettlement } from './rounds.ts';
import type { Draft, KeyRow, Round, Wallet } from './state.ts';

/** Steps 4 to 7 for a win with a new key. */
export function judgeWin(draft: Draft, win: Win): Judgement {
  const byCampaign = judgeByCampaign(draft, win);
  if (byCampaign) return byCampaign;
  const wallet = draft.wallet(win.currency);
  if (!wallet) return 'CURRENCY_MISMATCH';
  const policy = draft.account.policy;
  const named = win.betKey === undefined ? undefined : draft.key('bet', win.betKey);
  const bet = named?.outcome === 'applied' && named.undoneBy === undefined ? named : undefined;
  const isUndone = named?.outcome === 'tombstoned' || named?.undoneBy !== undefined;
  const round = draft.round(win.roundKey);
  if (isUndone && policy.winAfterRollback === 'refuse') return 'ROLLED_BACK';
  if (!isAward(win) && !bet && !isUndone) {
    const missing = missingBet(draft, win, round);
    if (missing) return missing;
  }
  if (!isAward(win) && policy.winsPerBet === 'one') {
    if (bet ? isSettled(bet, draft.round(bet.round)) : round !== undefined && isWhollySettled(round)) return 'BET_ALREADY_SETTLED';
  }
  if (named?.outcome === 'applied' && named.currency !== win.currency) return 'CURRENCY_MISMATCH';
  if (round && round.currency !== win.currency) return 'CURRENCY_MISMATCH';
  if (round?.state === 'cancelled' && policy.winAfterRollback === 'refuse' && !isAward(win)) return 'ROLLED_BACK';
  if (round?.state === 'closed' && policy.winAfterClose === 'refuse' && !isAward(win)) return 'ROUND_CLOSED';
  return () => {
    const receipt = isAward(win) ? applyAward(draft, wallet, win) : applyWin(draft, wallet, win, bet);
    keepCampaign(draft, win);
    return receipt;
  };
}

/** A win that stands on no bet it names: whether its round is enough, or nothing is needed. */
function missingBet(draft: Draft, win: Win, round: Round | undefined): RefusalCode | undefined {
  const { winNeeds, winAfterRollback } = draft.account.policy;
  const undone = round !== undefined && (round.state === 'cancelled' || allBetsUndone(round));
  // What its round is cancelled for cannot come any more, whatever the win needs.
  if (round?.state === 'cancelled' && winAfterRollback === 'refuse') return 'ROLLED_BACK';
  const stands = win.betKey === undefined && winNeeds === 'round' && round !== undefined && (round.bets > 0 || undone);
  if (!stands && winNeeds !== 'nothing') return 'BET_NOT_FOUND';
  return undone && winAfterRollback === 'refuse' ? 'ROLLED_BACK' : undefined;
}

/**
 * Step 4 for free rounds: their campaign has a key of its own beside the call's. The first win of a campaign decides which form pays it, for
 * good: what is undone of it makes no room for the other form. The same total again is the replay of the first.
 */
function judgeByCampaign(draft: Draft, win: Win): Judgement | undefined {
  const { freeRounds } = draft.account.policy;
  const { campaignForm: form, campaignKey } = win;
  if (form !== undefined && freeRounds !== 'either' && freeRounds !== form) return 'TRANSACTION_CONFLICT';
  const paid = campaignKey === undefined ? undefined : draft.key('award', campaignKey);
  if (!paid) return undefined;
  if (form === 'per-round') return paid.digest === NO_DIGEST ? undefined : 'TRANSACTION_CONFLICT';
  const wallet = draft.wallet(win.currency);
  if (paid.digest !== win.digest || !wallet) return 'TRANSACTION_CONFLICT';
  const first = draft.key('award', paid.original ?? '') ?? draft.key('win', paid.original ?? '');
  if (first?.undoneBy !== undefined) return 'ROLLED_BACK';
  return () => ({ ...replayOf(paid, win.reference, wallet), operation: win.operation });
}

/** The campaign's key: of a total with its digest, of the first win round by round with none, which no total has. */
function keepCampaign(draft: Draft, { campaignForm, campaignKey, operation, key }: Win): void {
  if (campaignKey === undefined || draft.key('award', campaignKey)) return;
  const { digest, ...own } = draft.key(operation, key) as KeyRow;
  draft.putKey({
    ...own, operation: 'award', key: campaignKey, original: key, round: undefined, lastWin: undefined, digest: campaignForm === 'total' ? digest : NO_DIGEST,
  });
}

function applyWin(draft: Draft, wallet: Wallet, win: Win, bet: KeyRow | undefined): Receipt {
  const { row, receipt } = move(draft, wallet, win, win.amount, { kind: 'win', house: HOUSE.game });
  draft.putKey(bet ? { ...row, wins: 1, lastWin: bet.lastWin } : row);
  if (bet) {
    draft.putKey({ ...bet, wins: bet.wins + 1, lastWin: row.key });
    const its = draft.round(bet.round);
    if (its && bet.wins === 0) draft.putRound({ ...its, named: its.named + 1 });
  }
  if (win.roundKey !== undefined) {
    const round = draft.round(win.roundKey) ?? newRound(row, win.roundKey);
    const paid = { ...round, won: round.won + win.amount, lastVersion: receipt.version };
    const next = win.betKey === undefined ? withSettlement(paid, receipt.version) : paid;
    draft.putRound(win.closeRound && next.state === 'open' ? { ...next, state: 'closed' } : next);
  }
  return receipt;
}

/** A jackpot, a tournament's prize, a total of free rounds: settles no bet and counts in no round. */
function applyAward(draft: Draft, wallet: Wallet, win: Win): Receipt {
  const round = draft.round(win.roundKey);
  const closes = win.closeRound === true && round?.state === 'open';
  const { row, receipt } = move(draft, wallet, win, win.amount, { kind: 'promo_win', house: houseOf(win), closesRound: closes });
  draft.putKey({ ...row, round: undefined });
  if (round) draft.putRound({ ...round, lastVersion: receipt.version, ...(closes && { state: 'closed' }) });
  return receipt;
}

/** Needs no bet, session or open round; what it takes beyond the balance is owed, or refused by policy. */
export function judgeAdjustment(draft: Draft, adjustment: Adjustment): Judgement {
  const wallet = draft.wallet(adjustment.currency);
  if (!wallet) return 'CURRENCY_MISMATCH';
  const round = draft.round(adjustment.roundKey);
  if (round && round.currency !== adjustment.currency) return 'CURRENCY_MISMATCH';
  const { amount, debt } = split(wallet, adjustment.amount);
  if (debt !== undefined && draft.account.policy.spentWin === 'refuse') return 'INSUFFICIENT_FUNDS';
  return () => {
    const { row, receipt } = move(draft, wallet, adjustment, amount, { kind: 'adjustment', house: HOUSE.game, debt });
    draft.putKey({ ...row, round: undefined });
    if (round) draft.putRound({ ...round, lastVersion: receipt.version });
    return receipt;
  };
}
