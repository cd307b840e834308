/** From a drawn step to what is sent at its place: repeats, new references and those of earlier calls, whose session, which player. */
import { textOf } from './amounts.ts';
import { movements, policyOf, present, type Book, type Movement } from './book.ts';
import { BACK, NEW, SAME, type CallStep, type Step } from './commands.ts';
import type { Place, Seat } from './ground.ts';
import type { Call } from './model.ts';

type Fields = Record<string, unknown>;

export interface Past {
  readonly seat: Seat;
  readonly sent: readonly CallStep[];
  readonly books: readonly Book[];
}

/** Undefined where there is nothing to repeat. `place` makes new references that shrinking does not change. */
export function resolve(step: Step, place: number, { seat, sent, books }: Past): Exclude<Step, { do: 'again' }> | undefined {
  if (step.do === 'stop' || step.do === 'end session') return step;
  const earlier = step.do === 'call' ? step : sent[step.which % sent.length];
  if (!earlier) return undefined;
  const moved = movements(books[whoOf(seat, earlier)] as Book).filter(({ account }) => account === seat.accounts[earlier.account]);
  const change = step.do === 'again' ? step.change : {};
  const call = { ...earlier, body: filledIn({ ...earlier, body: { ...earlier.body, ...change } }, `n${place}`, moved) };
  if (step.do === 'call' || step.as === 'itself') return call;
  if (step.as === 'status') return asStatus(call);
  return asPlay(call, step.as === 'play' ? [] : [{ type: 'bet', transactionId: `n${place}+`, amount: '10' }]);
}

/** the same bet or win as an action of a play, or the same play, and more actions */
function asPlay(call: CallStep, more: readonly Fields[]): CallStep {
  const { operation, body: { transactionId, amount, betTransactionId, free, type, campaignId, ...rest } } = call;
  const known = call.body['actions'];
  if (Array.isArray(known)) return { ...call, body: { ...call.body, actions: [...more, ...known] } };
  if ((operation !== 'bet' && operation !== 'win') || type !== undefined) return call;
  const action = present({ type: operation, transactionId, amount, ...(operation === 'bet' ? { free } : { betTransactionId }) });
  return { ...call, operation: 'play', body: { ...rest, actions: [action, ...more] } };
}

/** asks for the reference of this call; of a play for its first action's */
function asStatus({ account, operation, body, byNeighbour }: CallStep): CallStep {
  const about = Array.isArray(body['actions']) ? body['actions'][0] as Fields : { ...body, type: operation };
  const { transactionId: reference = 'a', type } = about;
  const known = type === 'win' || type === 'rollback' ? type : type === 'adjust' ? 'adjustment' : 'bet';
  return { do: 'call', account, operation: 'status', body: { currency: body['currency'], reference, type: known }, ...present({ byNeighbour }) };
}

function filledIn({ operation, body }: CallStep, fresh: string, moved: readonly Movement[]): Fields {
  if (!Array.isArray(body['actions'])) return pointBack(operation, ownReference(body, fresh), moved);
  const actions = (body['actions'] as Fields[]).map((action, i) => ownReference(action, `${fresh}.${i}`));
  // a win of a play may name a bet of the same play
  const bets = actions.filter(({ type }) => type === 'bet').map((bet) => ({ kind: 'bet', reference: bet['transactionId'] }) as Movement);
  return { ...body, actions: actions.map((action) => pointBack(action['type'] === 'rollback' ? 'rollback' : 'win', action, [...moved, ...bets])) };
}

const ownReference = (fields: Fields, fresh: string): Fields =>
  (fields['transactionId'] === NEW ? { ...fields, transactionId: fresh } : fields);

const POINTER: Record<string, string> = { win: 'betTransactionId', rollback: 'originalTransactionId', status: 'reference' };
const MEANT: Record<string, readonly Movement['kind'][]> = {
  bet: ['bet'], win: ['win', 'promo_win'], award: ['promo_win'], rollback: ['rollback'], adjustment: ['adjustment'],
};

/** `back 2` becomes the reference of the transaction before the one before the last, among those that the field can mean */
function pointBack(operation: string, fields: Fields, moved: readonly Movement[]): Fields {
  const field = POINTER[operation] ?? '';
  const value = String(fields[field]);
  if (!value.startsWith(BACK)) return { ...fields, ...(value === NEW ? { [field]: 'not seen' } : {}), ...sameAmount(fields) };
  const type = operation === 'win' ? 'bet' : fields['originalType'] ?? (operation === 'status' ? fields['type'] : undefined);
  const candidates = moved.filter(({ kind, reference: about }) => (MEANT[String(type)] ?? ['bet', 'win', 'promo_win']).includes(kind) && about !== undefined);
  const meant = candidates.at(-1 - Number(value.slice(BACK.length))) ?? candidates[0];
  return { ...fields, [field]: meant?.reference ?? 'not seen', ...sameAmount(fields, meant) };
}

function sameAmount(fields: Fields, meant?: Movement): Fields {
  if (fields['amount'] !== SAME) return {};
  const amount = meant?.face ?? (meant?.amount === undefined ? 10_000_000n : meant.amount - (meant.debt ?? 0n));
  return { amount: textOf(amount < 0n ? -amount : amount, { exponent: 0, scale: 6, max: 0n }) };
}

/** Whose step it is: 1 the neighbour's, where there is one. */
export const whoOf = (seat: Seat, step: CallStep): 0 | 1 => (seat.places.length > 1 && step.byNeighbour ? 1 : 0);

/** A call with the names in it replaced by whom and what they stand for. */
export function callOf(seat: Seat, step: CallStep): Call {
  const { playerId, sessionToken, ...rest } = step.body as Record<string, string>;
  const { book, tokens } = seat.places[whoOf(seat, step)] as Place;
  const account = seat.accounts[step.account] as number;
  const body = {
    ...rest, playerId: playerId === undefined ? book.facts.player : seat.players[playerId],
    ...(sessionToken === undefined ? {} : { sessionToken: tokens[sessionToken] }),
  };
  return { account, operation: step.operation, body: policyOf(book, account).idScope === 'global' ? ownedBy(seat, body) as Fields : body };
}

const REFERENCES = ['transactionId', 'betTransactionId', 'originalTransactionId', 'reference'];

/** Where ids reach across players, those of one sequence are not another's. */
const ownedBy = (seat: Seat, value: unknown, field = ''): unknown => {
  if (Array.isArray(value)) return value.map((one) => ownedBy(seat, one));
  if (typeof value === 'object' && value !== null) return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, ownedBy(seat, one, name)]));
  return REFERENCES.includes(field) && !String(value).endsWith(seat.suffix) ? `${String(value)}${seat.suffix}` : value;
};
