/**
 * The second opinion: what the wallet must answer, written from the rules' text and the wire contract alone.
 * It imports nothing of what it judges. Transactions are labels here (`transactionId: 7`); the comparison binds them to the real ids.
 */
import { textOf, unitsOf, type Currency } from './amounts.ts';
import { claimed, digestOf, isHeld, type Ask, type Verdict } from './ask.ts';
import {
  add, hasWallet, keyOf, policyOf, present, roundOf, walletOf, type Book, type Movement, type Note, type Operation, type Place,
} from './book.ts';
import { judge } from './rules.ts';
import { cancelled, originalOf, rowOf } from './undo.ts';

export interface Call {
  readonly account: number;
  readonly operation: string;
  readonly body: Readonly<Record<string, unknown>>;
}

/** the answer's body as far as it is the rules' business */
export interface Expected {
  readonly http: number;
  readonly body: Readonly<Record<string, unknown>>;
  /** the header `x-wallet-version`, where a wallet was read; `either`: the contract leaves open whose */
  readonly version?: string;
}

interface Action {
  type: 'bet' | 'win' | 'rollback'; transactionId: string; amount?: string; betTransactionId?: string; free?: { campaignId: string };
  originalTransactionId?: string; originalType?: string;
}

/** what the operations' bodies hold, each its own part of it */
interface Fields {
  playerId: string; currency: string; transactionId: string; amount: string; gameId: string; roundId: string; sessionToken?: string;
  closeRound?: boolean; free?: { campaignId: string }; betTransactionId?: string; type: string; campaignId?: string;
  originalTransactionId: string; originalType?: string; actions: Action[]; reference: string;
}

interface Answered {
  readonly book: Book;
  readonly expected: Expected;
}

const HTTP: Record<string, number> = {
  BET_NOT_FOUND: 404, GAME_NOT_FOUND: 404, SESSION_NOT_FOUND: 404, CURRENCY_MISMATCH: 422,
  TRANSACTION_CONFLICT: 409, ROLLED_BACK: 409, BET_ALREADY_SETTLED: 409, ROUND_CLOSED: 409,
  INSUFFICIENT_FUNDS: 422, PLAYER_BLOCKED: 422, SESSION_EXPIRED: 422,
};

export function answer(book: Book, call: Call): Answered {
  const fields = call.body as unknown as Fields;
  if (!amountsHold(book, call.operation, fields)) return { book, expected: { http: 400, body: { code: 'AMOUNT_INVALID' } } };
  if (fields.playerId !== book.facts.player) return { book, expected: { http: 404, body: { code: 'PLAYER_NOT_FOUND' } } };
  const answered = judged(book, call, fields);
  const { http, body } = answered.expected;
  if (!hasWallet(book, fields.currency)) return answered;
  const ofOther = body['currency'] !== undefined && body['currency'] !== fields.currency;
  const version = (body['walletVersion'] as number | undefined) ?? walletOf(answered.book, fields.currency).version;
  return { book: answered.book, expected: { http, body, version: ofOther ? 'either' : String(version) } };
}

function judged(book: Book, { account, operation }: Call, fields: Fields): Answered {
  switch (operation) {
    case 'bet': case 'win': case 'rollback': case 'adjust': {
      const ask = askOf(book, account, operation, fields);
      return single(claimed(book, [ask]), ask, fields.closeRound === true);
    }
    case 'play': return play(book, account, fields);
    case 'close-round': case 'cancel-round': return endRound(book, account, fields, operation);
    case 'status': return status(book, account, fields);
    case 'balance':
      if (!hasWallet(book, fields.currency)) return { book, expected: problem(book, fields.currency, 'CURRENCY_MISMATCH') };
      return { book, expected: { http: 200, body: { playerId: fields.playerId, ...walletText(book, fields.currency) } } };
    default: throw new Error(`the model knows no ${operation}`);
  }
}

function amountsHold(book: Book, operation: string, fields: Fields): boolean {
  const currency = book.facts.currencies[fields.currency] as Currency;
  const holds = (text: string | undefined, isStake: boolean) => {
    const units = text === undefined ? 0n : unitsOf(text, currency);
    return units !== undefined && !(isStake && units === 0n);
  };
  if (operation === 'balance' || operation === 'status' || operation.endsWith('-round')) return true;
  if (operation === 'play') return fields.actions.every((action) => holds(action.amount, action.type === 'bet' && !action.free));
  return holds(fields.amount, operation === 'bet' && !fields.free);
}

function askOf(book: Book, account: number, operation: string, fields: Fields): Ask {
  const currency = book.facts.currencies[fields.currency] as Currency;
  const common = {
    account, operation: operation === 'adjust' ? 'adjustment' : operation as Operation, reference: fields.transactionId, currency: fields.currency,
    amount: fields.amount === undefined ? undefined : unitsOf(fields.amount, currency), round: fields.roundId,
  };
  if (operation === 'rollback') return { ...common, type: '', about: fields.originalTransactionId, originalType: fields.originalType };
  const game = fields.gameId;
  if (operation === 'adjust') return { ...common, game, type: '' };
  const about = fields.betTransactionId;
  if (operation === 'win') return { ...common, game, about, type: fields.type ?? 'win', campaign: fields.campaignId };
  return { ...common, game, type: fields.free ? 'free' : 'cash', campaign: fields.free?.campaignId, session: fields.sessionToken };
}

const refusedNote = (book: Book, ask: Ask, code: string): Note => ({
  what: 'note', id: book.entries.length, account: ask.account, operation: ask.operation, reference: ask.reference, digest: digestOf(ask),
  currency: ask.currency, outcome: 'refused', code,
});

function single(book: Book, ask: Ask, closes: boolean): Answered {
  const verdict = judge(book, ask);
  if (verdict.is === 'refused') {
    const after = ask.operation === 'bet' && verdict.by === 'judgement' ? add(book, refusedNote(book, ask, verdict.code)) : book;
    return { book: after, expected: problem(after, ask.currency, verdict.code) };
  }
  if (verdict.is === 'known') {
    const exists = policyOf(book, ask.account).duplicateAnswer === 'exists' && ask.operation !== 'rollback';
    if (exists) return { book, expected: problem(book, ask.currency, 'TRANSACTION_CONFLICT') };
    return { book, expected: { http: 200, body: receipt(book, verdict.key, 'again') } };
  }
  const expected = { http: 200, body: receipt(verdict.book, verdict.key, 'now') };
  return { book: closes && ask.operation !== 'rollback' ? closed(verdict.book, ask) : verdict.book, expected };
}

const closed = (book: Book, { account, round, game }: Place): Book => {
  const known = roundOf(book, { account, round, game });
  return known ? add(book, { what: 'round closed', account, round: round as string, currency: known.currency, ...present({ game }) }) : book;
};

function play(before: Book, account: number, fields: Fields): Answered {
  const { currency, gameId, roundId, sessionToken } = fields;
  const whole = { currency, gameId, roundId, sessionToken };
  const asks = fields.actions.map((action) => askOf(before, account, action.type, { ...whole, ...action } as Fields));
  const book = claimed(before, asks);
  const receipts: Record<string, unknown>[] = [];
  const verdicts: Verdict[] = [];
  let running = book;
  for (const actionIndex of inOrder(book, asks)) {
    const ask = asks[actionIndex] as Ask;
    const verdict = judge(running, ask);
    const overtaken = ask.operation === 'rollback' ? undefined : keyOf(running, account, ask.operation, ask.reference);
    const isSkipped = overtaken?.what === 'note' && overtaken.outcome === 'tombstoned' && hasWallet(book, currency)
      && policyOf(book, account).tombstonedAction === 'skip';
    if (verdict.is === 'refused' && !isSkipped) return refusedPlay(book, asks, verdict, actionIndex);
    if (verdict.is === 'new') running = verdict.book;
    verdicts.push(verdict);
    if (verdict.is === 'refused') receipts[actionIndex] = skipped(running, overtaken as Note, currency);
    else receipts[actionIndex] = receipt(running, verdict.key, verdict.is === 'new' ? 'now' : 'again');
  }
  const after = fields.closeRound && verdicts.some(({ is }) => is === 'new') ? closedByPlay(running, { account, round: roundId, game: gameId }, verdicts) : running;
  if (receipts.every(({ status: so }) => so === 'replayed') && policyOf(book, account).duplicateAnswer === 'exists') {
    return { book: after, expected: problem(after, currency, 'TRANSACTION_CONFLICT') };
  }
  const { balance, walletVersion } = walletText(after, currency);
  return { book: after, expected: { http: 200, body: { balance, walletVersion, receipts } } };
}

/** Where no new bet or win says so in its row, the closing has one of its own, of the game that the call names. */
function closedByPlay(book: Book, place: Place, verdicts: readonly Verdict[]): Book {
  const round = roundOf(book, place);
  const isSaid = verdicts.some((verdict) => verdict.is === 'new' && verdict.key.operation !== 'rollback');
  if (!round || isSaid) return closed(book, place);
  if (round.state !== 'open') return book;
  return closed(add(book, rowOf(book, 'close', { ...place, round: place.round as string, currency: round.currency })), place);
}

/** Nothing but rollbacks: wins before bets; else as they stand. */
function inOrder(book: Book, asks: readonly Ask[]): number[] {
  const places = [...asks.keys()];
  if (asks.some(({ operation }) => operation !== 'rollback')) return places;
  const isOfBet = (place: number) => originalOf(book, asks[place] as Ask)?.operation === 'bet';
  return [...places.filter((place) => !isOfBet(place)), ...places.filter(isOfBet)];
}

/** answered empty: it stands for no transaction, in the call's own wallet */
const skipped = (book: Book, tombstone: Note, currency: string): Record<string, unknown> =>
  ({ ...receipt(book, { ...tombstone, currency }, 'now'), transactionId: '', status: 'ignored', outcome: 'ignored', ignoredBecause: 'undone' });

function refusedPlay(book: Book, asks: readonly Ask[], verdict: Extract<Verdict, { is: 'refused' }>, actionIndex: number): Answered {
  const isFresh = (ask: Ask) => {
    const key = keyOf(book, ask.account, 'bet', ask.reference);
    const isJudgedAgain = key?.what === 'note' && key.outcome === 'refused' && key.digest === digestOf(ask)
      && policyOf(book, ask.account).refusedBet === 'judge-again';
    return ask.operation === 'bet' && (key ? isJudgedAgain : !isHeld(book, ask, ask.reference));
  };
  const fresh = verdict.by === 'key' ? [] : asks.filter(isFresh);
  const after = fresh.reduce((so, ask) => add(so, refusedNote(so, ask, verdict.code)), book);
  return { book: after, expected: problem(after, (asks[0] as Ask).currency, verdict.code, actionIndex) };
}

function endRound(book: Book, account: number, { currency, roundId: round }: Fields, operation: string): Answered {
  if (!hasWallet(book, currency)) return { book, expected: problem(book, currency, 'CURRENCY_MISMATCH') };
  const known = roundOf(book, { account, round });
  if (known && known.currency !== currency) return { book, expected: problem(book, currency, 'CURRENCY_MISMATCH') };
  if (operation === 'cancel-round' && known?.state === 'closed' && policyOf(book, account).rollbackAfterClose === 'refuse') {
    return { book, expected: problem(book, currency, 'ROUND_CLOSED') };
  }
  const end = { account, round, currency };
  const close = () => (known?.state === 'open' ? add(book, rowOf(book, 'close', end), { what: 'round closed', ...end }) : book);
  const after = operation === 'cancel-round' ? cancelled(book, end) : close();
  const { balance, walletVersion } = walletText(after, currency);
  return { book: after, expected: { http: 200, body: { roundId: round, state: roundOf(after, end)?.state ?? 'unknown', balance, walletVersion } } };
}

function status(book: Book, account: number, { currency, reference, type }: Fields): Answered {
  if (!hasWallet(book, currency)) return { book, expected: problem(book, currency, 'CURRENCY_MISMATCH') };
  const key = keyOf(book, account, type as Operation, reference);
  if (!key) return { book, expected: { http: 200, body: { status: 'unknown' } } };
  if (key.what === 'note' && key.outcome === 'refused') {
    return { book, expected: { http: 200, body: { status: 'refused', code: key.code, reference, type, ...walletText(book, currency) } } };
  }
  return { book, expected: { http: 200, body: receipt(book, key, 'asked') } };
}

/** `now`: to the command that made the key; `again`: to its duplicate; `asked`: to a status query, which is no duplicate */
function receipt(book: Book, key: Movement | Note, when: 'now' | 'again' | 'asked'): Record<string, unknown> {
  const first = key.what === 'note' ? firstOf(book, key) : key;
  const outcome = first.what === 'movement' ? 'applied' : first.outcome;
  const showsFirst = when === 'now' || (when === 'again' && policyOf(book, key.account).duplicateAnswer === 'first');
  const amount = first.what === 'movement' ? first.amount : 0n;
  const repeated = key.what === 'note' && key.outcome === 'repeated';
  return {
    transactionId: key.id, reference: key.reference, type: key.operation, outcome,
    status: when !== 'now' || repeated ? 'replayed' : outcome,
    ...(outcome === 'ignored' ? { ignoredBecause: 'refused' } : {}),
    amount: textOf(amount < 0n ? -amount : amount, book.facts.currencies[first.currency] as Currency),
    ...(first.what === 'movement' && (first.debt ?? 0n) > 0n ? { debt: textOf(first.debt as bigint, book.facts.currencies[first.currency] as Currency) } : {}),
    ...walletText(book, first.currency, showsFirst && key.what === 'movement' ? key.id : undefined),
  };
}

/** the rollback that a repeated one repeats */
const firstOf = (book: Book, note: Note): Movement | Note =>
  (note.outcome === 'repeated' ? book.entries.find((entry) => 'id' in entry && entry.id === note.id) as Movement | Note : note);

function walletText(book: Book, currency: string, upTo?: number): { balance: string; currency: string; walletVersion: number } {
  const { balance, version } = walletOf(book, currency, upTo);
  return { balance: textOf(balance, book.facts.currencies[currency] as Currency), currency, walletVersion: version };
}

function problem(book: Book, currency: string, code: string, actionIndex?: number): Expected {
  const wallet = hasWallet(book, currency) ? walletText(book, currency) : undefined;
  return {
    http: HTTP[code] as number,
    body: { code, ...(wallet ? { balance: wallet.balance, currency } : {}), ...(actionIndex === undefined ? {} : { actionIndex }) },
  };
}
