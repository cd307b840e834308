/**
 * All rules of money, as pure functions: what a player's locked state makes of a call.
 * The order of judgement is the order of the lines: player · own key · reference held by something else · wallet and currency ·
 * the original · the round · game, session, stop (new bets only) · funds. `batch.ts` calls `decide` for one movement after the other,
 * `money.ts` writes what it says. Wins and adjustments, rollbacks, and what is done to a round have a file each beside this one.
 */
import {
  isRefusal, type AnswerTo, type Bet, type Call, type Deposit, type Movement, type Play, type Receipt, type Refusal, type RefusalCode,
  type Rollback, type Status, type StatusQuery, type Withdrawal,
} from './contract.ts';
import { isOfBet, judgeRollback, resolve } from './decide-rollback.ts';
import { cancel, close, closeAfterPlay } from './decide-round.ts';
import { judgeAdjustment, judgeWin } from './decide-win.ts';
import { HOUSE, move, note, operationOf, receiptOf, refuse, remember, repeat, skip, view, type Judgement, type Keyed } from './posting.ts';
import { newRound, withBet } from './rounds.ts';
import { Draft, type KeyRow, type NextId, type PlayerState, type Session } from './state.ts';

export interface Decision<M extends Movement = Movement> {
  readonly answer: AnswerTo<M> | Refusal;
  readonly draft?: Draft;
}

export function decide(state: PlayerState | undefined, call: Call, nextId: NextId): Decision {
  if (!state) return { answer: { refused: 'PLAYER_NOT_FOUND', replayed: false } };
  const draft = new Draft(state, call.account, nextId);
  const movement = call.movement;
  switch (movement.kind) {
    case 'close': return { answer: close(draft, movement), draft };
    case 'cancel': return { answer: cancel(draft, movement), draft };
    case 'status': return { answer: status(draft, movement), draft };
    case 'play': return play(draft, movement);
    case 'rollback': return { answer: single(draft, resolve(draft, movement)), draft };
    default: return { answer: single(draft, movement), draft };
  }
}

function single(draft: Draft, movement: Keyed): Receipt | Refusal {
  const known = knownAs(draft, movement);
  if (known) return repeat(draft, movement, known);
  const judgement = judge(draft, movement);
  if (typeof judgement === 'function') return judgement();
  if (movement.kind === 'bet' && judgement !== 'TRANSACTION_CONFLICT') remember(draft, movement, judgement);
  return refuse(draft, movement, operationOf(movement), judgement);
}

/** The row of a movement's own key, if that is its answer: a refused bet may be judged again, by policy. */
function knownAs(draft: Draft, movement: Keyed): KeyRow | undefined {
  const row = draft.key(operationOf(movement), movement.key);
  const again = row?.outcome === 'refused' && row.digest === movement.digest && draft.account.policy.refusedBet === 'judge-again';
  return again ? undefined : row;
}

/** Steps 4 to 9 for what has a new key. A provider without ids for rollbacks names them as what they undo. */
function judge(draft: Draft, movement: Keyed): Judgement {
  const isNamedAsOriginal = movement.kind === 'rollback' && movement.key === movement.originalKey;
  if (!isNamedAsOriginal && draft.isTaken(movement.key, [operationOf(movement)])) return 'TRANSACTION_CONFLICT';
  switch (movement.kind) {
    case 'bet': return judgeBet(draft, movement);
    case 'win': return judgeWin(draft, movement);
    case 'adjustment': return judgeAdjustment(draft, movement);
    case 'rollback': return judgeRollback(draft, movement);
    case 'deposit': return judgeDeposit(draft, movement);
    case 'withdrawal': return judgeWithdrawal(draft, movement);
  }
}

/** Steps 5 to 9. */
function judgeBet(draft: Draft, bet: Bet): Judgement {
  const wallet = draft.wallet(bet.currency);
  if (!wallet) return 'CURRENCY_MISMATCH';
  const round = draft.round(bet.roundKey);
  if (round && round.currency !== bet.currency) return 'CURRENCY_MISMATCH';
  if (round?.state === 'cancelled') return 'ROLLED_BACK';
  if (round?.state === 'closed') return 'ROUND_CLOSED';
  if (bet.table === 'unknown') return 'GAME_NOT_FOUND';
  if (bet.table === 'closed') return 'GAME_DISABLED';
  const session = bet.session === undefined ? undefined : draft.session(bet.session);
  const over = againstSession(draft, bet, session);
  if (over) return over;
  if (session?.replaces !== undefined) supersede(draft, session, session.replaces);
  if (wallet.stop !== 'none') return 'PLAYER_BLOCKED';
  if (wallet.balance < bet.amount) return 'INSUFFICIENT_FUNDS';
  return () => {
    const { row, receipt } = move(draft, wallet, bet, -bet.amount, { kind: 'bet', house: HOUSE.game });
    draft.putKey(row);
    const next = withBet(round ?? newRound(row, bet.roundKey), bet.amount, receipt.version);
    draft.putRound(bet.closeRound ? { ...next, state: 'closed' } : next);
    if (session?.slides) slide(draft, session.hash);
    return receipt;
  };
}

function againstSession(draft: Draft, bet: Bet, session: Session | undefined): RefusalCode | undefined {
  if (bet.session === undefined) return draft.account.policy.session === 'required' ? 'SESSION_NOT_FOUND' : undefined;
  if (session?.player !== draft.base.player || session.account !== draft.account.accountId) return 'SESSION_NOT_FOUND';
  if (session.standing === 'superseded') return 'SESSION_SUPERSEDED';
  if (session.standing === 'over') return 'SESSION_EXPIRED';
  return session.currency === bet.currency ? undefined : 'CURRENCY_MISMATCH';
}

/** The first use of a token ends the one that it replaces. */
function supersede(draft: Draft, session: Session, replaces: string): void {
  draft.superseded.push(replaces);
  draft.putSession({ ...session, replaces: undefined });
  const before = draft.session(replaces);
  if (before?.standing === 'live') draft.putSession({ ...before, standing: 'superseded' });
}

function slide(draft: Draft, hash: string): void {
  draft.slid.push(hash);
  draft.putSession({ ...(draft.session(hash) as Session), slides: false });
}

function judgeDeposit(draft: Draft, deposit: Deposit): Judgement {
  const wallet = draft.wallet(deposit.currency);
  if (!wallet) return 'CURRENCY_MISMATCH';
  return () => {
    const { row, receipt } = move(draft, wallet, deposit, deposit.amount, { kind: 'deposit', house: HOUSE.cashier });
    draft.putKey(row);
    return receipt;
  };
}

/** The player's own money, whatever stops their bets; all of it stays while some is owed. */
function judgeWithdrawal(draft: Draft, withdrawal: Withdrawal): Judgement {
  const wallet = draft.wallet(withdrawal.currency);
  if (!wallet) return 'CURRENCY_MISMATCH';
  if (wallet.balance < withdrawal.amount || wallet.debt > 0n) return 'INSUFFICIENT_FUNDS';
  return () => {
    const { row, receipt } = move(draft, wallet, withdrawal, -withdrawal.amount, { kind: 'withdrawal', house: HOUSE.cashier });
    draft.putKey(row);
    return receipt;
  };
}

/** In order, all or nothing. A refused call leaves behind only that each of its new bets is remembered as refused. */
function play(draft: Draft, movement: Play): Decision<Play> {
  const receipts: Receipt[] = [];
  for (const [actionIndex, asked] of inTurn(draft, movement)) {
    const action = keyedOf(draft, asked);
    const known = knownAs(draft, action);
    const judgement = known ? undefined : judge(draft, action);
    const receipt = known ? replayed(draft, action, known) : typeof judgement === 'function' ? judgement() : undefined;
    if (receipt && !isRefusal(receipt)) receipts[actionIndex] = receipt;
    else return refusePlay(new Draft(draft.base, draft.account, draft.nextId), movement, actionIndex, judgement as RefusalCode | undefined, receipt?.refused);
  }
  if (movement.closeRound) closeAfterPlay(draft, movement);
  const wallet = draft.wallet(movement.currency);
  if (!wallet) return { answer: { refused: 'CURRENCY_MISMATCH', replayed: false } };
  return { answer: { ...view(wallet), receipts }, draft };
}

/** As they stand; but in a list of rollbacks those of bets come last: a bet is settled as long as its round's win stands. */
function inTurn(draft: Draft, { actions }: Play): [number, Play['actions'][number]][] {
  const entries = [...actions.entries()];
  if (!actions.every(({ kind }) => kind === 'rollback')) return entries;
  return entries.sort(([, a], [, b]) => Number(isOfBet(draft, a as Rollback)) - Number(isOfBet(draft, b as Rollback)));
}

const keyedOf = (draft: Draft, action: Play['actions'][number]): Exclude<Play['actions'][number], Rollback> | ReturnType<typeof resolve> =>
  (action.kind === 'rollback' ? resolve(draft, action) : action);

/** An action whose rollback came first refuses the call, or is skipped. */
function replayed(draft: Draft, action: Keyed, known: KeyRow): Receipt | Refusal {
  const skips = known.outcome === 'tombstoned' && action.kind !== 'rollback' && draft.account.policy.tombstonedAction === 'skip';
  return (skips ? skip(draft, action, known) : undefined) ?? repeat(draft, action, known);
}

/**
 * `judgement` is that of a new action; without one a known key refused the call: by its tombstone, its content or what it remembers. It
 * may be known by an earlier action of the same call only, of which nothing is left now: then `by` says what that came to.
 */
function refusePlay(draft: Draft, movement: Play, actionIndex: number, judgement: RefusalCode | undefined, by?: RefusalCode): Decision<Play> {
  const asked = movement.actions[actionIndex] as Play['actions'][number];
  const action = keyedOf(draft, asked);
  const known = judgement === undefined ? knownAs(draft, action) : undefined;
  const bets = movement.actions.filter((other) => other.kind === 'bet' && !knownAs(draft, other) && !draft.isTaken(other.key, ['bet'])) as Bet[];
  const answer = known ? (repeat(draft, action, known) as Refusal) : refuse(draft, action, operationOf(action), (judgement ?? by) as RefusalCode);
  const remembered = judgement ?? (answer.replayed ? answer.refused : undefined);
  if (remembered === undefined || remembered === 'TRANSACTION_CONFLICT') return { answer: { ...answer, actionIndex }, draft };
  for (const bet of bets) {
    remember(draft, bet, remembered);
    if (bet !== asked) note(draft, bet, 'bet', remembered, bet.reference);
  }
  return { answer: { ...answer, actionIndex }, draft };
}

function status(draft: Draft, query: StatusQuery): Status | Refusal {
  const wallet = draft.wallet(query.currency);
  if (!wallet) return { refused: 'CURRENCY_MISMATCH', replayed: false };
  const row = draft.key(query.operation, query.key);
  if (!row) return view(wallet);
  if (row.refusal !== undefined) return { ...view(wallet), known: { refused: row.refusal, reference: query.reference } };
  return { ...view(wallet), known: receiptOf(row, query.reference, draft.wallet(row.currency) ?? wallet, 'replayed') };
}
