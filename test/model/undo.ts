/** What takes something back: a rollback of one transaction, of a bet with its wins, and a round that is cancelled. */
import {
  add, isSettled, keepsRounds, keyOf, movements, policyOf, present, roundOf, settledByRound, undoingOf, walletOf,
  type Book, type Movement, type Note, type Round, type RoundEnd,
} from './book.ts';
import { digestOf, draft, isHeld, meantBy, refused, taken, type Ask, type Verdict } from './ask.ts';

export const originalOf = (book: Book, ask: Ask): Movement | Note | undefined =>
  meantBy(ask).map((operation) => keyOf(book, ask.account, operation, ask.about as string)).find((key) => key !== undefined);

export function judgeRollback(book: Book, ask: Ask): Verdict {
  const id = book.entries.length;
  const noted = (outcome: Note['outcome'], of = id): Note => ({
    what: 'note', id: of, account: ask.account, operation: 'rollback', reference: ask.reference, digest: digestOf(ask),
    currency: ask.currency, outcome, about: ask.about,
  });
  const stored = (note: Note, ...more: Note[]): Verdict => ({ is: 'new', key: note, book: add(book, note, ...more) });

  const original = originalOf(book, ask);
  if (!original) {
    if (isHeld(book, ask, ask.about as string, meantBy(ask))) return refused('TRANSACTION_CONFLICT', 'key');
    const { about, ...tombstone } = noted('tombstoned');
    return stored(noted('tombstoned'), ...meantBy(ask).map((operation) => ({ ...tombstone, operation, reference: about as string })));
  }
  if (original.what === 'note') return original.outcome === 'refused' ? stored(noted('ignored')) : stored(noted('repeated', original.id));
  const first = undoingOf(book, original);
  if (first) return stored(noted('repeated', first.id));
  return judgeUndoing(book, ask, original);
}

function judgeUndoing(book: Book, ask: Ask, original: Movement): Verdict {
  const policy = policyOf(book, ask.account);
  const isBet = original.kind === 'bet';
  if (isBet && isSettled(book, original) && (policy.rollbackAfterWin === 'refuse' || settledByRound(book, original))) return refused('BET_ALREADY_SETTLED');
  if (original.currency !== ask.currency) return refused('CURRENCY_MISMATCH');
  const isOfRound = isBet || original.kind === 'win';
  if (isOfRound && policy.rollbackAfterClose === 'refuse' && roundOf(book, original)?.state === 'closed') return refused('ROUND_CLOSED');
  const effect = original.amount - (original.debt ?? 0n);
  const sizes = [effect < 0n ? -effect : effect, original.face];
  if (policy.rollbackAmount === 'must-match' && ask.amount !== undefined && !sizes.includes(ask.amount)) return refused('TRANSACTION_CONFLICT', 'key');
  let running: Book | undefined = book;
  if (isBet) {
    const wins = movements(book).filter((win) => win.settles === original.id && !undoingOf(book, win));
    for (const win of wins.toReversed()) running = running && undone(running, win);
  }
  running = running && undone(running, original, ask);
  if (!running) return refused('INSUFFICIENT_FUNDS');
  return { is: 'new', key: running.entries.at(-1) as Movement, book: running };
}

/** With the row that undoes this transaction: the rollback's own, or one of those before it, which have no reference. */
function undone(book: Book, original: Movement, ask?: Ask): Book | undefined {
  const { account, currency } = original;
  const size = givenBack(book, original);
  if (!size) return undefined;
  const row = ask ? { ...draft(book, ask), about: ask.about as string }
    : { what: 'movement' as const, id: book.entries.length, account, digest: '', currency };
  return add(book, { ...row, kind: 'rollback', ...size, undoes: original.id });
}

/** What is owed for it is owed no more; the rest is given, or taken as far as it is there. */
function givenBack(book: Book, { account, currency, amount, debt = 0n }: Movement): { amount: bigint; debt?: bigint } | undefined {
  const back = debt - amount;
  if (debt === 0n) return taken(book, account, currency, back);
  const owed = walletOf(book, currency).debt;
  const forgiven = debt < owed ? debt : owed;
  return { amount: back - forgiven, debt: -forgiven };
}

/** Its open bets are undone, newest first; it ends cancelled, also one never seen. */
export function cancelled(book: Book, end: Omit<RoundEnd, 'what'>): Book {
  const round: Round | undefined = roundOf(book, end);
  if (!keepsRounds(book, end.account) || round?.state === 'cancelled') return book;
  const open = (round?.bets ?? []).filter((bet) => !undoingOf(book, bet) && !isSettled(book, bet));
  const emptied = open.toReversed().reduce((so, bet) => undone(so, bet) as Book, book);
  return add(emptied, rowOf(emptied, 'cancel', end), { what: 'round cancelled', ...end });
}

type End = Omit<RoundEnd, 'what' | 'game'> & { readonly game?: string | undefined };

export const rowOf = (book: Book, kind: 'close' | 'cancel', { account, round, game, currency }: End): Movement => ({
  what: 'movement', id: book.entries.length, account, kind, digest: '', currency, amount: 0n, round, ...present({ game }),
});
