/**
 * All rules of money, in one pure function: what a player's locked state makes of a call.
 * The order of judgement is the order of the lines: player · own key · wallet and currency · the original · the round ·
 * game, session, stop (new bets only) · funds. `lane.ts` calls it for one movement after the other; `money.ts` writes what it says.
 */
import {
  Fault, isRefusal, type AnswerTo, type Bet, type Call, type Close, type Deposit, type Movement, type Play, type Receipt, type Refusal,
  type RefusalCode, type Rollback, type RoundReceipt, type Status, type StatusQuery, type Win, type Withdrawal,
} from './contract.ts';
import { HOUSE, houseOf, move, NO_DIGEST, note, OPERATION, post, quietRow, receiptOf, refuse, remember, repeat, unsigned, view, type Keyed } from './posting.ts';
import { allBetsUndone, isSettled, isWhollySettled, newRound, withBet, withoutBet, withoutSettlement, withSettlement } from './rounds.ts';
import { Draft, type KeyRow, type NextId, type PlayerState, type Wallet } from './state.ts';

export interface Decision<M extends Movement = Movement> {
  readonly answer: AnswerTo<M> | Refusal;
  readonly draft?: Draft;
}

export function decide(state: PlayerState | undefined, call: Call, nextId: NextId): Decision {
  if (!state) return { answer: { refused: 'PLAYER_NOT_FOUND', replayed: false } };
  const draft = new Draft(state, call.account, nextId);
  const movement = call.movement;
  switch (movement.kind) {
    case 'bet': return { answer: single(draft, movement, judgeBet), draft };
    case 'win': return { answer: single(draft, movement, judgeWin), draft };
    case 'rollback': return { answer: rollBack(draft, movement), draft };
    case 'deposit': return { answer: single(draft, movement, judgeDeposit), draft };
    case 'withdrawal': return { answer: single(draft, movement, judgeWithdrawal), draft };
    case 'close': return { answer: close(draft, movement), draft };
    case 'status': return { answer: status(draft, movement), draft };
    case 'play': return play(draft, movement);
  }
}

/** What a judge says of a movement whose key is new: the code that refuses it, or how to apply it. */
type Judgement = RefusalCode | (() => Receipt);

function single<M extends Keyed>(draft: Draft, movement: M, judge: (draft: Draft, movement: M) => Judgement): Receipt | Refusal {
  const operation = OPERATION[movement.kind];
  const known = draft.key(operation, movement.key);
  if (known) return repeat(draft, movement, known);
  const judgement = judge(draft, movement);
  if (typeof judgement === 'function') return judgement();
  if (movement.kind === 'bet') remember(draft, movement, judgement);
  return refuse(draft, movement, operation, judgement);
}

/** Steps 5 to 9 for a bet with a new key. */
function judgeBet(draft: Draft, bet: Bet): Judgement {
  const wallet = draft.wallet(bet.currency);
  if (!wallet) return 'CURRENCY_MISMATCH';
  const round = draft.round(bet.roundKey);
  if (round && round.currency !== bet.currency) return 'CURRENCY_MISMATCH';
  if (round?.state === 'closed') return 'ROUND_CLOSED';
  if (bet.table === 'unknown') return 'GAME_NOT_FOUND';
  if (bet.table === 'closed') return 'GAME_DISABLED';
  if (bet.session !== undefined) {
    const session = draft.session(bet.session);
    if (session?.player !== draft.base.player || session.account !== draft.account.accountId) return 'SESSION_NOT_FOUND';
    if (!session.live) return 'SESSION_EXPIRED';
    if (session.currency !== bet.currency) return 'CURRENCY_MISMATCH';
  }
  if (wallet.stop !== 'none') return 'PLAYER_BLOCKED';
  if (wallet.balance < bet.amount) return 'INSUFFICIENT_FUNDS';
  return () => {
    const { row, receipt } = move(draft, wallet, bet, -bet.amount, { kind: 'bet', house: HOUSE.game });
    draft.putKey(row);
    const next = withBet(round ?? newRound(row, bet.roundKey), bet.amount, receipt.version);
    draft.putRound(bet.closeRound ? { ...next, state: 'closed' } : next);
    return receipt;
  };
}

/** Steps 5 to 7 for a win with a new key: nothing about the player, the session or the game can stop a win. */
function judgeWin(draft: Draft, win: Win): Judgement {
  const wallet = draft.wallet(win.currency);
  if (!wallet) return 'CURRENCY_MISMATCH';
  const policy = draft.account.policy;
  const named = win.betKey === undefined ? undefined : draft.key('bet', win.betKey);
  const bet = named?.outcome === 'applied' ? named : undefined;
  const round = draft.round(win.roundKey);
  if (named?.outcome === 'tombstoned' || bet?.undoneBy !== undefined) return 'ROLLED_BACK';
  if (win.award === undefined && !bet) {
    const stands = win.betKey === undefined && policy.winNeeds === 'round' && round !== undefined && round.bets > 0;
    if (!stands && policy.winNeeds !== 'nothing') return 'BET_NOT_FOUND';
    if (round && allBetsUndone(round)) return 'ROLLED_BACK';
  }
  if (win.award === undefined && policy.winsPerBet === 'one') {
    if (bet ? isSettled(bet, draft.round(bet.round)) : round !== undefined && isWhollySettled(round)) return 'BET_ALREADY_SETTLED';
  }
  if (bet && bet.currency !== win.currency) return 'CURRENCY_MISMATCH';
  if (round && round.currency !== win.currency) return 'CURRENCY_MISMATCH';
  if (round?.state === 'closed' && policy.winAfterClose === 'refuse' && win.award === undefined) return 'ROUND_CLOSED';
  return () => (win.award === undefined ? applyWin(draft, wallet, win, bet) : applyAward(draft, wallet, win));
}

function applyWin(draft: Draft, wallet: Wallet, win: Win, bet: KeyRow | undefined): Receipt {
  const { row, receipt } = move(draft, wallet, win, win.amount, { kind: 'win', house: HOUSE.game });
  draft.putKey(bet ? { ...row, wins: 1 } : row);
  if (bet) {
    draft.putKey({ ...bet, wins: bet.wins + 1 });
    const its = draft.round(bet.round);
    if (its && bet.wins === 0) draft.putRound({ ...its, named: its.named + 1 });
  }
  if (win.roundKey !== undefined) {
    const round = draft.round(win.roundKey) ?? newRound(row, win.roundKey);
    const paid = { ...round, won: round.won + win.amount, lastVersion: receipt.version };
    const next = win.betKey === undefined ? withSettlement(paid, receipt.version) : paid;
    draft.putRound(win.closeRound ? { ...next, state: 'closed' } : next);
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

function judgeDeposit(draft: Draft, deposit: Deposit): Judgement {
  const wallet = draft.wallet(deposit.currency);
  if (!wallet) return 'CURRENCY_MISMATCH';
  return () => {
    const { row, receipt } = move(draft, wallet, deposit, deposit.amount, { kind: 'deposit', house: HOUSE.cashier });
    draft.putKey(row);
    return receipt;
  };
}

/** The player's own money, whatever stops their bets. */
function judgeWithdrawal(draft: Draft, withdrawal: Withdrawal): Judgement {
  const wallet = draft.wallet(withdrawal.currency);
  if (!wallet) return 'CURRENCY_MISMATCH';
  if (wallet.balance < withdrawal.amount) return 'INSUFFICIENT_FUNDS';
  return () => {
    const { row, receipt } = move(draft, wallet, withdrawal, -withdrawal.amount, { kind: 'withdrawal', house: HOUSE.cashier });
    draft.putKey(row);
    return receipt;
  };
}

function rollBack(draft: Draft, rollback: Rollback): Receipt | Refusal {
  const known = draft.key('rollback', rollback.key);
  if (known) return repeat(draft, rollback, known);
  const no = (code: RefusalCode) => refuse(draft, rollback, 'rollback', code);
  const wallet = draft.wallet(rollback.currency);
  if (!wallet) return no('CURRENCY_MISMATCH');
  const original = rollback.originalOperations.map((operation) => draft.key(operation, rollback.originalKey)).find((row) => row !== undefined);
  if (!original) return tombstone(draft, rollback, wallet);
  if (original.outcome === 'refused') return setAside(draft, rollback, wallet);
  if (original.outcome === 'tombstoned' || original.undoneBy !== undefined) return secondRollback(draft, rollback, original);
  if (original.operation === 'bet' && isSettled(original, draft.round(original.round))) return no('BET_ALREADY_SETTLED');
  if (original.currency !== rollback.currency) return no('CURRENCY_MISMATCH');
  const moved = unsigned(original.amount);
  if (rollback.amount !== undefined && rollback.amount !== moved && rollback.amount !== original.face) return no('TRANSACTION_CONFLICT');
  if (wallet.balance - original.amount < 0n) return no('INSUFFICIENT_FUNDS');

  const { row, receipt } = move(draft, wallet, rollback, -original.amount, {
    kind: 'rollback', house: houseOf(original), undoes: original.transactionId,
  });
  draft.putKey({ ...row, original: original.key });
  draft.putKey({ ...original, undoneBy: receipt.transactionId });
  const round = draft.round(original.round);
  if (original.operation === 'bet') {
    if (round) draft.putRound(withoutBet(round, moved, receipt.version));
    return receipt;
  }
  if (round) {
    const unpaid = { ...round, won: round.won - moved, lastVersion: receipt.version };
    draft.putRound(original.original === undefined ? withoutSettlement(unpaid, original.version ?? 0) : unpaid);
  }
  if (original.wins > 0) unsettle(draft, original);
  return receipt;
}

/** The bet that an undone win named has one win less; with none left it is open again. */
function unsettle(draft: Draft, win: KeyRow): void {
  const bet = draft.key('bet', win.original ?? '');
  if (!bet) throw new Fault('INTERNAL', 'the bet of a win to be undone was not loaded');
  draft.putKey({ ...bet, wins: bet.wins - 1 });
  const its = draft.round(bet.round);
  if (its && bet.wins === 1) draft.putRound({ ...its, named: its.named - 1 });
}

/** An unknown original: accepted, no effect, and whatever may still come under that reference is refused. */
function tombstone(draft: Draft, rollback: Rollback, wallet: Wallet): Receipt {
  const row = quietRow(draft, rollback, 'tombstoned');
  draft.putKey(row);
  for (const operation of rollback.originalOperations) {
    draft.putKey({ ...row, operation, key: rollback.originalKey, original: undefined, digest: NO_DIGEST });
  }
  note(draft, rollback, 'rollback', 'TOMBSTONED', rollback.original);
  return receiptOf(row, rollback.reference, wallet, 'tombstoned');
}

/** The original was refused: nothing was taken, nothing is given back. */
function setAside(draft: Draft, rollback: Rollback, wallet: Wallet): Receipt {
  const row = { ...quietRow(draft, rollback, 'ignored'), original: rollback.originalKey };
  draft.putKey(row);
  note(draft, rollback, 'rollback', 'IGNORED', rollback.reference);
  return receiptOf(row, rollback.reference, wallet, 'ignored');
}

/** Another id for what is undone already: the first one's answer; this id is kept, so that its retry says the same. */
function secondRollback(draft: Draft, rollback: Rollback, original: KeyRow): Receipt | Refusal {
  const wallet = draft.wallet(original.currency);
  if (!wallet) return refuse(draft, rollback, 'rollback', 'CURRENCY_MISMATCH');
  const undone = original.undoneBy !== undefined;
  const row: KeyRow = {
    ...quietRow(draft, rollback, undone ? 'repeated' : 'tombstoned'),
    transactionId: original.undoneBy ?? original.transactionId, currency: original.currency, amount: -original.amount, original: original.key,
  };
  draft.putKey(row);
  return receiptOf(row, rollback.reference, wallet, 'replayed');
}

function close(draft: Draft, movement: Close): RoundReceipt | Refusal {
  const wallet = draft.wallet(movement.currency);
  const mismatch = () => refuse(draft, { ...movement, reference: movement.round }, 'close', 'CURRENCY_MISMATCH');
  if (!wallet) return mismatch();
  const round = draft.round(movement.roundKey);
  if (!round) return { ...view(wallet), state: 'unknown' };
  if (round.currency !== movement.currency) return mismatch();
  if (round.state === 'closed') return { ...view(wallet), state: 'closed' };
  const { after } = post(draft, wallet, 0n, { kind: 'close', house: HOUSE.game, closesRound: true, round: movement.round });
  draft.putRound({ ...round, state: 'closed', lastVersion: after.version });
  return { ...view(after), state: 'closed' };
}

/** In order, all or nothing. A refused call leaves behind only that each of its new bets is remembered as refused. */
function play(draft: Draft, movement: Play): Decision<Play> {
  const receipts: Receipt[] = [];
  for (const [actionIndex, action] of movement.actions.entries()) {
    const known = draft.key(OPERATION[action.kind], action.key);
    const judgement = known ? undefined : action.kind === 'bet' ? judgeBet(draft, action) : judgeWin(draft, action);
    const receipt = known ? repeat(draft, action, known) : typeof judgement === 'function' ? judgement() : undefined;
    if (receipt && !isRefusal(receipt)) receipts.push(receipt);
    else return refusePlay(new Draft(draft.base, draft.account, draft.nextId), movement, actionIndex, judgement as RefusalCode | undefined);
  }
  if (movement.closeRound) closeAfterPlay(draft, movement);
  const wallet = draft.wallet(movement.currency);
  if (!wallet) throw new Fault('INTERNAL', 'a play was applied without a wallet');
  return { answer: { ...view(wallet), receipts }, draft };
}

/** `judgement` is that of a new action; without one a known key refused the call: by its tombstone, its content or what it remembers. */
function refusePlay(draft: Draft, movement: Play, actionIndex: number, judgement: RefusalCode | undefined): Decision<Play> {
  const action = movement.actions[actionIndex] as Bet | Win;
  const operation = OPERATION[action.kind];
  const known = draft.key(operation, action.key);
  const bets = movement.actions.filter((other) => other.kind === 'bet' && !draft.key('bet', other.key)) as Bet[];
  const answer = known ? (repeat(draft, action, known) as Refusal) : refuse(draft, action, operation, judgement as RefusalCode);
  const remembered = judgement ?? (answer.replayed ? answer.refused : undefined);
  for (const bet of remembered ? bets : []) {
    remember(draft, bet, remembered as RefusalCode);
    if (bet !== action) note(draft, bet, 'bet', remembered as RefusalCode, bet.reference);
  }
  return { answer: { ...answer, actionIndex }, draft };
}

/** Closing comes with the call that applies something, not with a replay; its last new row carries it. */
function closeAfterPlay(draft: Draft, movement: Play): void {
  const last = draft.entries.pop();
  const round = draft.round(movement.roundKey);
  if (last) draft.entries.push({ ...last, closesRound: round !== undefined });
  if (last && round) draft.putRound({ ...round, state: 'closed' });
}

function status(draft: Draft, query: StatusQuery): Status | Refusal {
  const wallet = draft.wallet(query.currency);
  if (!wallet) return { refused: 'CURRENCY_MISMATCH', replayed: false };
  const row = draft.key(query.operation, query.key);
  if (!row) return view(wallet);
  if (row.refusal !== undefined) return { ...view(wallet), known: { refused: row.refusal, reference: query.reference } };
  return { ...view(wallet), known: receiptOf(row, query.reference, draft.wallet(row.currency) ?? wallet, 'replayed') };
}
