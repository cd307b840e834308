/**
 * What the model knows of one player: a list of entries, in order, never changed. Every question is answered by reading the list again.
 */
import type { Currency } from './amounts.ts';

export interface Policy {
  readonly duplicateAnswer: 'current' | 'first' | 'exists';
  readonly winNeeds: 'bet' | 'round' | 'nothing';
  readonly winsPerBet: 'many' | 'one';
  readonly winAfterClose: 'accept' | 'refuse';
  readonly rounds: 'kept' | 'none';
  readonly idScope: 'operation' | 'player' | 'global';
  readonly roundScope: 'account' | 'game';
  readonly winAfterRollback: 'refuse' | 'accept';
  readonly rollbackAfterWin: 'refuse' | 'reverse';
  readonly rollbackAfterClose: 'accept' | 'refuse';
  readonly rollbackAmount: 'must-match' | 'ignore';
  readonly spentWin: 'receivable' | 'refuse';
  readonly refusedBet: 'final' | 'judge-again';
  readonly tombstonedAction: 'refuse' | 'skip';
  readonly freeRounds: 'either' | 'per-round' | 'total';
}

export type Operation = 'bet' | 'win' | 'award' | 'adjustment' | 'rollback';

export interface Facts {
  readonly player: string;
  readonly currencies: Readonly<Record<string, Currency>>;
  /** the player's wallets: what each held at version 1 */
  readonly openings: Readonly<Record<string, bigint>>;
  readonly policies: readonly Policy[];
  readonly games: readonly string[];
  readonly sessions: readonly Session[];
}

export interface Session {
  readonly token: string;
  readonly account: number;
  readonly currency: string;
  readonly over: boolean;
}

/** a row of the ledger; `id` labels its transaction */
export interface Movement {
  readonly what: 'movement';
  readonly id: number;
  readonly account: number;
  readonly kind: 'bet' | 'win' | 'promo_win' | 'rollback' | 'adjustment' | 'close' | 'cancel';
  /** the name space of its reference; what has no reference has none */
  readonly operation?: Operation;
  readonly reference?: string;
  readonly digest: string;
  readonly currency: string;
  /** signed: what moved in the wallet */
  readonly amount: bigint;
  /** what was to move and is owed; below 0: what is owed no more */
  readonly debt?: bigint;
  readonly face?: bigint;
  readonly round?: string;
  readonly game?: string;
  readonly campaign?: string;
  readonly award?: string;
  /** the reference of the bet that a win names */
  readonly named?: string;
  /** the bet that a win settles because it names it, the transaction that a rollback undoes: their ids */
  readonly settles?: number;
  readonly undoes?: number;
  /** the reference that a rollback names */
  readonly about?: string;
}

/** a reference that is known although nothing moved under it */
export interface Note {
  readonly what: 'note';
  readonly id: number;
  readonly account: number;
  readonly operation: Operation;
  readonly reference: string;
  readonly digest: string;
  readonly currency: string;
  readonly outcome: 'refused' | 'tombstoned' | 'ignored' | 'repeated';
  /** of a refused bet */
  readonly code?: string;
  /** the reference that a rollback names */
  readonly about?: string;
}

export interface RoundEnd {
  readonly what: 'round closed' | 'round cancelled';
  readonly account: number;
  readonly round: string;
  readonly game?: string;
  readonly currency: string;
}

export type Entry =
  | Movement
  | Note
  | RoundEnd
  /** where ids reach across players: whoever asks first holds a reference, whatever comes of it */
  | { readonly what: 'claim'; readonly account: number; readonly reference: string; readonly operation: Operation }
  | { readonly what: 'stop'; readonly currency: string; readonly on: boolean }
  | { readonly what: 'session over'; readonly token: string };

export interface Book {
  readonly facts: Facts;
  readonly entries: readonly Entry[];
  /** of the accounts whose ids reach across players: what another player claimed, `account reference` */
  readonly heldElsewhere?: ReadonlySet<string>;
  /** of calls at once: how many entries there were before them, which is all that a batch knows of when it claims references */
  readonly asOf?: number | undefined;
}

/** without the fields that are not there */
export const present = <T extends object>(fields: T): { [K in keyof T]: Exclude<T[K], undefined> } =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as { [K in keyof T]: Exclude<T[K], undefined> };

export const add = (book: Book, ...entries: Entry[]): Book => ({ ...book, entries: [...book.entries, ...entries] });
export const policyOf = (book: Book, account: number): Policy => book.facts.policies[account] as Policy;
export const movements = (book: Book): readonly Movement[] => book.entries.filter((entry) => entry.what === 'movement');
export const hasWallet = (book: Book, currency: string): boolean => Object.hasOwn(book.facts.openings, currency);

/** In which form a win pays the free rounds of its campaign, if it says one; without a round as their total, where the account knows totals. */
export function formOf(book: Book, win: { account: number; type: string; campaign?: string | undefined; round?: string | undefined }): 'per-round' | 'total' | undefined {
  if (win.campaign === undefined || (win.type !== 'win' && win.type !== 'free_rounds')) return undefined;
  return win.round === undefined && policyOf(book, win.account).freeRounds !== 'per-round' ? 'total' : 'per-round';
}

export const formOfWin = (book: Book, movement: Movement): 'per-round' | 'total' | undefined =>
  (movement.kind === 'win' || movement.kind === 'promo_win' ? formOf(book, { ...movement, type: movement.award ?? 'win' }) : undefined);

/** balance, debt and version of a wallet, now or right after the movement `upTo` */
export function walletOf(book: Book, currency: string, upTo?: number): { balance: bigint; debt: bigint; version: number } {
  const moved = movements(book).filter((m) => m.currency === currency && (upTo === undefined || m.id <= upTo));
  const balance = moved.reduce((sum, { amount }) => sum + amount, book.facts.openings[currency] ?? 0n);
  return { balance, debt: moved.reduce((sum, { debt }) => sum + (debt ?? 0n), 0n), version: 1 + moved.length };
}

export function isStopped(book: Book, currency: string): boolean {
  const last = book.entries.findLast((entry) => entry.what === 'stop' && entry.currency === currency);
  return last?.what === 'stop' && last.on;
}

export function sessionOf(book: Book, token: string): Session | undefined {
  const session = book.facts.sessions.find((s) => s.token === token);
  const ended = book.entries.some((entry) => entry.what === 'session over' && entry.token === token);
  return session && { ...session, over: session.over || ended };
}

export const isKey = (entry: Entry): entry is Movement | Note => entry.what === 'movement' || entry.what === 'note';

/** the newest: a bet that is judged again leaves its refusal behind */
export function keyOf(book: Book, account: number, operation: Operation, reference: string): Movement | Note | undefined {
  return book.entries.findLast((entry): entry is Movement | Note => isKey(entry)
    && entry.account === account && entry.operation === operation && entry.reference === reference);
}

export const undoingOf = (book: Book, movement: Movement): Movement | undefined => movements(book).find((m) => m.undoes === movement.id);

export interface Round {
  readonly currency: string;
  readonly state: 'open' | 'closed' | 'cancelled';
  readonly bets: readonly Movement[];
  readonly wins: readonly Movement[];
}

/** what a call, or a transaction, says of its round */
export interface Place {
  readonly account: number;
  readonly round?: string | undefined;
  readonly game?: string | undefined;
}

export const keepsRounds = (book: Book, account: number): boolean => policyOf(book, account).rounds === 'kept';

/** undefined: never seen, or the account keeps none. A round begins with its first bet or win, or is cancelled unseen; an award belongs to none. */
export function roundOf(book: Book, { account, round, game }: Place): Round | undefined {
  if (round === undefined || !keepsRounds(book, account)) return undefined;
  const isByGame = policyOf(book, account).roundScope === 'game';
  const isHere = (one: Place) => one.account === account && one.round === round && (!isByGame || one.game === game);
  const of = (kind: string) => movements(book).filter((m) => m.kind === kind && isHere(m));
  const bets = of('bet');
  const wins = of('win');
  const ends = book.entries.filter((entry): entry is RoundEnd => (entry.what === 'round closed' || entry.what === 'round cancelled') && isHere(entry));
  const first = [...bets, ...wins].toSorted((a, b) => a.id - b.id)[0] ?? ends[0];
  const state = ends.some(({ what }) => what === 'round cancelled') ? 'cancelled' : ends.length > 0 ? 'closed' : 'open';
  return first && { currency: first.currency, state, bets, wins };
}

/** wins that name no bet and are not rolled back */
const unnamedInForce = (book: Book, wins: readonly Movement[]): readonly Movement[] =>
  wins.filter((win) => win.named === undefined && !undoingOf(book, win));

export const settledByName = (book: Book, bet: Movement): boolean =>
  movements(book).some((win) => win.settles === bet.id && !undoingOf(book, win));

/** by a win of its round that names no bet */
export const settledByRound = (book: Book, bet: Movement): boolean =>
  unnamedInForce(book, roundOf(book, bet)?.wins ?? []).some((win) => win.id > bet.id);

export const isSettled = (book: Book, bet: Movement): boolean => settledByName(book, bet) || settledByRound(book, bet);

/** a win in force that names no bet is newer than the last bet, or every bet left has a win of its own */
export function isWhollySettled(book: Book, round: Round): boolean {
  const lastBet = round.bets.at(-1)?.id ?? -1;
  const left = round.bets.filter((bet) => !undoingOf(book, bet));
  const isWonSince = unnamedInForce(book, round.wins).some((win) => win.id > lastBet);
  return isWonSince || (left.length > 0 && left.every((bet) => settledByName(book, bet)));
}
