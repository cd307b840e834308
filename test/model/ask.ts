/** What one bet, win, award, adjustment or rollback asks of a player's book, and what it can be told. */
import { add, isKey, keyOf, policyOf, present, walletOf, type Book, type Entry, type Movement, type Note, type Operation } from './book.ts';

export interface Ask {
  readonly account: number;
  readonly operation: Operation;
  readonly reference: string;
  readonly currency: string;
  /** asked, in units; of a rollback: only if sent; of an adjustment: signed */
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

export const refused = (code: string, by: 'judgement' | 'memory' | 'key' = 'judgement'): Verdict => ({ is: 'refused', code, by });
export const CONFLICT = refused('TRANSACTION_CONFLICT', 'key');

export const digestOf = (ask: Ask): string => JSON.stringify([
  ask.operation, ask.type, ask.operation === 'rollback' ? '' : String(ask.amount), ask.currency, ask.round, ask.game, ask.about,
  ask.campaign, ask.originalType,
]);

export const moved = (book: Book, movement: Movement): Verdict => ({ is: 'new', key: movement, book: add(book, movement) });

export const draft = (book: Book, ask: Ask) => ({
  what: 'movement' as const, id: book.entries.length, account: ask.account, operation: ask.operation, reference: ask.reference,
  digest: digestOf(ask), currency: ask.currency, ...present({ round: ask.round, game: ask.game, campaign: ask.campaign }),
});

/** Whether, in the account's scope, this reference is something else. A rollback that bears its original's id holds none of its own. */
export function isHeld(book: Book, ask: Ask, reference: string, but: readonly Operation[] = [ask.operation]): boolean {
  const { idScope } = policyOf(book, ask.account);
  if (idScope === 'operation' || (ask.operation === 'rollback' && but.includes('rollback') && ask.about === reference)) return false;
  if (idScope === 'global') {
    const claim = claimOf(book, ask.account, reference);
    return isClaimedElsewhere(book, ask.account, reference) || (claim !== undefined && !but.includes(claim.operation));
  }
  const holds = (key: Movement | Note) => key.account === ask.account && key.reference === reference && !(key.operation === 'rollback' && key.about === reference);
  return book.entries.some((entry) => isKey(entry) && holds(entry) && !but.includes(entry.operation as Operation));
}

type Claim = Extract<Entry, { what: 'claim' }>;
const isClaimedElsewhere = (book: Book, account: number, reference: string): boolean => book.heldElsewhere?.has(`${account} ${reference}`) === true;
const claimOf = (book: Book, account: number, reference: string): Claim | undefined =>
  book.entries.find((entry): entry is Claim => entry.what === 'claim' && entry.account === account && entry.reference === reference);

/** Where ids reach across players: with what this call claims before it is judged, if it is not known. A rollback claims its original's reference too. */
export function claimed(book: Book, asks: readonly Ask[]): Book {
  const then = { ...book, entries: book.entries.slice(0, book.asOf) };
  const isNew = ({ account, operation, reference }: Ask) => policyOf(book, account).idScope === 'global' && !keyOf(then, account, operation, reference);
  return asks.filter(isNew).reduce((so, ask) => {
    const { account, operation, reference, about } = ask;
    const claims: Claim[] = operation === 'rollback' && about === reference ? [] : [{ what: 'claim', account, operation, reference }];
    if (operation === 'rollback') claims.push({ what: 'claim', account, operation: meantBy(ask)[0] as Operation, reference: about as string });
    const isFree = (claim: Claim) => !claimOf(so, account, claim.reference) && !isClaimedElsewhere(so, account, claim.reference);
    return add(so, ...claims.filter(isFree));
  }, book);
}

export const claimsOf = (book: Book): ReadonlySet<string> =>
  new Set(book.entries.filter((entry) => entry.what === 'claim').map(({ account, reference }) => `${account} ${reference}`));

/** by the type named: the operations whose keys an original's reference can be */
const MAY_STAND_FOR: Record<string, readonly Operation[]> = {
  any: ['bet', 'win', 'award'], bet: ['bet'], win: ['win'], award: ['award', 'win'], adjustment: ['adjustment'],
};
export const meantBy = ({ originalType }: Ask): readonly Operation[] => MAY_STAND_FOR[originalType ?? 'any'] as readonly Operation[];

/** What a change comes to in cash and debt; undefined where it takes more than there is and the policy lets nobody owe. */
export function taken(book: Book, account: number, currency: string, change: bigint): { amount: bigint; debt?: bigint } | undefined {
  const { balance } = walletOf(book, currency);
  if (balance + change >= 0n) return { amount: change };
  return policyOf(book, account).spentWin === 'receivable' ? { amount: -balance, debt: -change - balance } : undefined;
}
