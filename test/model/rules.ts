/** One bet, win, award or rollback against a player's book, in the order of judgement. */
import {
  add, hasWallet, isSettled, isStopped, isWhollySettled, keyOf, policyOf, present, roundOf, sessionOf, undoingOf, walletOf,
  type Book, type Movement, type Note, type Operation,
} from './book.ts';

export interface Ask {
  readonly account: number;
  readonly operation: Operation;
  readonly reference: string;
  readonly currency: string;
  /** asked, in units; of a rollback: only if sent */
  readonly amount: bigint | undefined;
  /** bet: cash or free; win: win or the award */
  readonly type: string;
  readonly campaign?: string | undefined;
  readonly game?: string | undefined;
  readonly round?: string | undefined;
  /** the bet that a win names, the original of a rollback */
  readonly about?: string | undefined;
  readonly originalType?: string | undefined;
  readonly session?: string | undefined;
}

export type Verdict =
  | { readonly is: 'new'; readonly key: Movement | Note; readonly book: Book }
  | { readonly is: 'known'; readonly key: Movement | Note }
  /** `by` what: a new judgement, a refusal remembered, or the key itself (a tombstone, another content) */
  | { readonly is: 'refused'; readonly code: string; readonly by: 'judgement' | 'memory' | 'key' };

const refused = (code: string, by: 'judgement' | 'memory' | 'key' = 'judgement'): Verdict => ({ is: 'refused', code, by });

export const digestOf = (ask: Ask): string => JSON.stringify([
  ask.operation, ask.type, ask.operation === 'rollback' ? '' : String(ask.amount), ask.currency, ask.round, ask.game, ask.about,
  ask.campaign, ask.originalType,
]);

export function judge(book: Book, ask: Ask): Verdict {
  const key = keyOf(book, ask.account, ask.operation, ask.reference);
  if (key) return judgeKnown(key, ask);
  if (!hasWallet(book, ask.currency)) return refused('CURRENCY_MISMATCH');
  if (ask.operation === 'rollback') return judgeRollback(book, ask);
  const code = ask.operation === 'bet' ? againstBet(book, ask) : ask.type === 'win' ? againstWin(book, ask) : againstAward(book, ask);
  if (code) return refused(code);
  return moved(book, ask.operation === 'bet' ? betOf(book, ask) : winOf(book, ask));
}

function judgeKnown(key: Movement | Note, ask: Ask): Verdict {
  const tombstoned = key.what === 'note' && key.outcome === 'tombstoned' && ask.operation !== 'rollback';
  if (tombstoned) return refused('ROLLED_BACK', 'key');
  if (key.digest !== digestOf(ask)) return refused('TRANSACTION_CONFLICT', 'key');
  if (key.what === 'note' && key.outcome === 'refused') return refused(key.code as string, 'memory');
  return { is: 'known', key };
}

const moved = (book: Book, movement: Movement): Verdict => ({ is: 'new', key: movement, book: add(book, movement) });

const draft = (book: Book, ask: Ask) => ({
  what: 'movement' as const, id: book.entries.length, account: ask.account, reference: ask.reference, digest: digestOf(ask),
  currency: ask.currency, ...present({ round: ask.round, game: ask.game, campaign: ask.campaign }),
});

const stakeOf = (ask: Ask): bigint => (ask.type === 'free' ? 0n : (ask.amount as bigint));

const betOf = (book: Book, ask: Ask): Movement => ({
  ...draft(book, ask), kind: 'bet', amount: -stakeOf(ask), ...present({ face: ask.type === 'free' ? ask.amount : undefined }),
});

function winOf(book: Book, ask: Ask): Movement {
  const isAward = ask.type !== 'win';
  const bet = ask.about === undefined ? undefined : keyOf(book, ask.account, 'bet', ask.about);
  return {
    ...draft(book, ask), kind: isAward ? 'promo_win' : 'win', amount: ask.amount as bigint,
    ...present({ named: ask.about, award: isAward ? ask.type : undefined }),
    ...(bet?.what === 'movement' && !isAward ? { settles: bet.id } : {}),
  };
}

function againstBet(book: Book, ask: Ask): string | undefined {
  const round = roundOf(book, ask.account, ask.round);
  if (round && round.currency !== ask.currency) return 'CURRENCY_MISMATCH';
  if (round?.closed) return 'ROUND_CLOSED';
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
  const round = roundOf(book, ask.account, ask.round);
  const { bet, undone } = namedBet(book, ask);
  if (undone) return 'ROLLED_BACK';
  if (!bet && policy.winNeeds === 'bet') return 'BET_NOT_FOUND';
  if (!bet && policy.winNeeds === 'round' && (ask.about !== undefined || !round?.bets.length)) return 'BET_NOT_FOUND';
  // a win that names a bet in force of another round is that bet's, even if its own round's bets are all undone
  if (!bet && round?.bets.length && round.bets.every((one) => undoingOf(book, one))) return 'ROLLED_BACK';
  if (policy.winsPerBet === 'one' && (bet ? isSettled(book, bet) : round && isWhollySettled(book, round))) return 'BET_ALREADY_SETTLED';
  if ([bet, round].some((one) => one && one.currency !== ask.currency)) return 'CURRENCY_MISMATCH';
  return round?.closed && policy.winAfterClose === 'refuse' ? 'ROUND_CLOSED' : undefined;
}

function againstAward(book: Book, ask: Ask): string | undefined {
  const { bet, undone } = namedBet(book, ask);
  if (undone) return 'ROLLED_BACK';
  return [bet, roundOf(book, ask.account, ask.round)].some((one) => one && one.currency !== ask.currency) ? 'CURRENCY_MISMATCH' : undefined;
}

/** by the type named: the operations whose keys an original's reference can be */
const MAY_STAND_FOR: Record<string, readonly Operation[]> = {
  any: ['bet', 'win'], bet: ['bet'], win: ['win'], award: ['win'], adjustment: [],
};

function judgeRollback(book: Book, ask: Ask): Verdict {
  const id = book.entries.length;
  const operations = MAY_STAND_FOR[ask.originalType ?? 'any'] as readonly Operation[];
  const noted = (outcome: Note['outcome'], of = id): Note => ({
    what: 'note', id: of, account: ask.account, operation: 'rollback', reference: ask.reference, digest: digestOf(ask),
    currency: ask.currency, outcome,
  });
  const stored = (note: Note, ...more: Note[]): Verdict => ({ is: 'new', key: note, book: add(book, note, ...more) });

  const original = operations.map((operation) => keyOf(book, ask.account, operation, ask.about as string)).find((key) => key !== undefined);
  if (!original) {
    const tombstone = noted('tombstoned');
    return stored(tombstone, ...operations.map((operation) => ({ ...tombstone, operation, reference: ask.about as string })));
  }
  if (original.what === 'note') return original.outcome === 'refused' ? stored(noted('ignored')) : stored(noted('repeated', original.id));
  const first = undoingOf(book, original);
  if (first) return stored(noted('repeated', first.id));
  if (original.kind === 'bet' && isSettled(book, original)) return refused('BET_ALREADY_SETTLED');
  if (original.currency !== ask.currency) return refused('CURRENCY_MISMATCH');
  const sizes = [original.amount < 0n ? -original.amount : original.amount, original.face];
  if (ask.amount !== undefined && !sizes.includes(ask.amount)) return refused('TRANSACTION_CONFLICT');
  if (original.amount > walletOf(book, ask.currency).balance) return refused('INSUFFICIENT_FUNDS');
  return moved(book, { ...draft(book, ask), kind: 'rollback', amount: -original.amount, undoes: original.id });
}
