/** One bet, win, award, adjustment or rollback against a player's book, in the order of judgement. */
import {
  formOf, formOfWin, hasWallet, isSettled, isStopped, isWhollySettled, keyOf, movements, policyOf, present, roundOf, sessionOf, undoingOf, walletOf,
  type Book, type Movement, type Note, type Policy, type Round,
} from './book.ts';
import { CONFLICT, digestOf, draft, isHeld, moved, refused, taken, type Ask, type Verdict } from './ask.ts';
import { judgeRollback } from './undo.ts';

export function judge(book: Book, ask: Ask): Verdict {
  const key = keyOf(book, ask.account, ask.operation, ask.reference);
  const known = key && judgeKnown(book, key, ask);
  if (known) return known;
  if (!key && isHeld(book, ask, ask.reference)) return CONFLICT;
  const paid = againstCampaign(book, ask);
  if (paid) return paid;
  if (!hasWallet(book, ask.currency)) return refused('CURRENCY_MISMATCH');
  if (ask.operation === 'rollback') return judgeRollback(book, ask);
  if (ask.operation === 'adjustment') return adjusted(book, ask);
  const code = ask.operation === 'bet' ? againstBet(book, ask) : ask.type === 'win' ? againstWin(book, ask) : againstAward(book, ask);
  if (code) return refused(code);
  return moved(book, ask.operation === 'bet' ? betOf(book, ask) : winOf(book, ask));
}

/** undefined: a refused bet that is judged again */
function judgeKnown(book: Book, key: Movement | Note, ask: Ask): Verdict | undefined {
  const tombstoned = key.what === 'note' && key.outcome === 'tombstoned' && ask.operation !== 'rollback';
  if (tombstoned) return refused('ROLLED_BACK', 'key');
  if (key.digest !== digestOf(ask)) return CONFLICT;
  if (key.what !== 'note' || key.outcome !== 'refused') return { is: 'known', key };
  return policyOf(book, ask.account).refusedBet === 'final' ? refused(key.code as string, 'memory') : undefined;
}

/** It needs no bet, session or open round; a round of another wallet is not its. */
function adjusted(book: Book, ask: Ask): Verdict {
  const round = roundOf(book, ask);
  if (round && round.currency !== ask.currency) return refused('CURRENCY_MISMATCH');
  const size = taken(book, ask.account, ask.currency, ask.amount as bigint);
  return size ? moved(book, { ...draft(book, ask), kind: 'adjustment', ...size }) : refused('INSUFFICIENT_FUNDS');
}

const stakeOf = (ask: Ask): bigint => (ask.type === 'free' ? 0n : (ask.amount as bigint));

const betOf = (book: Book, ask: Ask): Movement => ({
  ...draft(book, ask), kind: 'bet', amount: -stakeOf(ask), ...present({ face: ask.type === 'free' ? ask.amount : undefined }),
});

function winOf(book: Book, ask: Ask): Movement {
  const isAward = ask.type !== 'win';
  const { bet, undone } = namedBet(book, ask);
  return {
    ...draft(book, ask), kind: isAward ? 'promo_win' : 'win', amount: ask.amount as bigint,
    ...present({ named: ask.about, award: isAward ? ask.type : undefined }),
    ...(bet && !undone && !isAward ? { settles: bet.id } : {}),
  };
}

function againstBet(book: Book, ask: Ask): string | undefined {
  const round = roundOf(book, ask);
  if (round && round.currency !== ask.currency) return 'CURRENCY_MISMATCH';
  if (round?.state === 'cancelled') return 'ROLLED_BACK';
  if (round?.state === 'closed') return 'ROUND_CLOSED';
  if (!book.facts.games.includes(ask.game as string)) return 'GAME_NOT_FOUND';
  if (ask.session !== undefined) {
    const session = sessionOf(book, ask.session);
    if (!session || session.account !== ask.account) return 'SESSION_NOT_FOUND';
    if (session.over) return 'SESSION_EXPIRED';
    if (session.currency !== ask.currency) return 'CURRENCY_MISMATCH';
  }
  if (isStopped(book, ask.currency)) return 'PLAYER_BLOCKED';
  return stakeOf(ask) > walletOf(book, ask.currency).balance ? 'INSUFFICIENT_FUNDS' : undefined;
}

const namedBet = (book: Book, ask: Ask): { bet?: Movement; undone: boolean } => {
  const key = ask.about === undefined ? undefined : keyOf(book, ask.account, 'bet', ask.about);
  if (key?.what === 'note') return { undone: key.outcome === 'tombstoned' };
  return key ? { bet: key, undone: undoingOf(book, key) !== undefined } : { undone: false };
};

function againstWin(book: Book, ask: Ask): string | undefined {
  const policy = policyOf(book, ask.account);
  const round = roundOf(book, ask);
  const { bet, undone } = namedBet(book, ask);
  const standing = undone ? undefined : bet;
  const isCancelled = round?.state === 'cancelled';
  const isLate = undone || (!standing && (isCancelled || isUndone(book, round)));
  const code = undone ? undefined : againstNeeds(ask, policy, round, standing);
  // of a cancelled round it is known that no bet will come
  const first = undone || isCancelled;
  if (isLate && policy.winAfterRollback === 'refuse' && (first || !code)) return 'ROLLED_BACK';
  if (code) return code;
  if (policy.winsPerBet === 'one' && (standing ? isSettled(book, standing) : round && isWhollySettled(book, round))) return 'BET_ALREADY_SETTLED';
  if ([bet, round].some((one) => one && one.currency !== ask.currency)) return 'CURRENCY_MISMATCH';
  if (isCancelled && policy.winAfterRollback === 'refuse') return 'ROLLED_BACK';
  return round?.state === 'closed' && policy.winAfterClose === 'refuse' ? 'ROUND_CLOSED' : undefined;
}

/** Whether all of its bets are undone. A win that names a standing bet of another round is that bet's, whatever became of its own round. */
const isUndone = (book: Book, round: Round | undefined): boolean =>
  round !== undefined && round.bets.length > 0 && round.bets.every((one) => undoingOf(book, one));

function againstNeeds({ about }: Ask, { winNeeds }: Policy, round: Round | undefined, bet: Movement | undefined): string | undefined {
  if (bet || winNeeds === 'nothing') return undefined;
  const isOfRound = about === undefined && round !== undefined && (round.bets.length > 0 || round.state === 'cancelled');
  return winNeeds === 'round' && isOfRound ? undefined : 'BET_NOT_FOUND';
}

function againstAward(book: Book, ask: Ask): string | undefined {
  const { bet, undone } = namedBet(book, ask);
  if (undone && policyOf(book, ask.account).winAfterRollback === 'refuse') return 'ROLLED_BACK';
  return [bet, roundOf(book, ask)].some((one) => one && one.currency !== ask.currency) ? 'CURRENCY_MISMATCH' : undefined;
}

/** A campaign is paid in one form: the policy's, or that of its first win, undone or not. Its total is paid once, under whatever id. */
function againstCampaign(book: Book, ask: Ask): Verdict | undefined {
  const form = ask.operation === 'win' ? formOf(book, ask) : undefined;
  if (!form) return undefined;
  const { freeRounds } = policyOf(book, ask.account);
  const first = movements(book).find((one) => one.account === ask.account && one.campaign === ask.campaign && formOfWin(book, one));
  const paid = freeRounds === 'either' ? first && formOfWin(book, first) : freeRounds;
  if (paid !== undefined && paid !== form) return CONFLICT;
  if (!first || form === 'per-round') return undefined;
  if (first.digest !== digestOf(ask)) return CONFLICT;
  return undoingOf(book, first) ? refused('ROLLED_BACK') : { is: 'known', key: { ...first, reference: ask.reference } };
}
