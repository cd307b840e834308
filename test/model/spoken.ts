/** From a drawn step to what is really sent at its place: repeats, new references and those of earlier calls, whose session, which player. */
import { textOf } from './amounts.ts';
import { movements, type Book, type Movement } from './book.ts';
import { BACK, NEW, SAME, withoutAbsent, type CallStep, type Step } from './commands.ts';
import type { Seat } from './ground.ts';
import type { Call } from './model.ts';

type Fields = Record<string, unknown>;

/** Undefined where there is nothing to repeat. `place` makes new references that shrinking does not change. */
export function resolve(step: Step, place: number, before: readonly CallStep[], book: Book, seat: Seat): Exclude<Step, { do: 'again' }> | undefined {
  const real = (call: CallStep): CallStep => ({ ...call, body: filledIn(call, `n${place}`, movements(book).filter((m) => m.account === seat.accounts[call.account])) });
  if (step.do === 'call') return real(step);
  if (step.do !== 'again') return step;
  const earlier = before.length > 0 ? before[step.which % before.length] : undefined;
  if (!earlier) return undefined;
  const again = real({ ...earlier, body: { ...earlier.body, ...step.change } });
  return step.asPlay ? asPlay(again) : again;
}

/** the same bet or win as the only action of a play */
function asPlay(call: CallStep): CallStep {
  const { transactionId, amount, betTransactionId, free, type, ...rest } = call.body;
  if ((call.operation !== 'bet' && call.operation !== 'win') || type !== undefined) return call;
  const action = withoutAbsent({ type: call.operation, transactionId, amount, ...(call.operation === 'bet' ? { free } : { betTransactionId }) });
  return { ...call, operation: 'play', body: { ...rest, actions: [action] } };
}

function filledIn({ operation, body }: CallStep, fresh: string, moved: readonly Movement[]): Fields {
  if (!Array.isArray(body['actions'])) return pointBack(operation, ownReference(body, fresh), moved);
  const actions = (body['actions'] as Fields[]).map((action, i) => ownReference(action, `${fresh}.${i}`));
  // a win of a play may name a bet of the same play
  const bets = actions.filter(({ type }) => type === 'bet').map(({ transactionId }) => ({ kind: 'bet', reference: transactionId }) as Movement);
  return { ...body, actions: actions.map((action) => pointBack('win', action, [...moved, ...bets])) };
}

const ownReference = (fields: Fields, fresh: string): Fields => (fields['transactionId'] === NEW ? { ...fields, transactionId: fresh } : fields);

/** `back 2` becomes the reference of the transaction before the one before the last, among those that the field can mean */
function pointBack(operation: string, fields: Fields, moved: readonly Movement[]): Fields {
  const field = ['betTransactionId', 'originalTransactionId', 'reference'].find((name) => name in fields);
  const value = field === undefined ? undefined : String(fields[field]);
  const kinds = operation === 'win' ? ['bet'] : fields['type'] === 'rollback' ? ['rollback'] : ['bet', 'win', 'promo_win'];
  const candidates = moved.filter(({ kind }) => kinds.includes(kind));
  const meant = value?.startsWith(BACK) ? candidates.at(-1 - Number(value.slice(BACK.length))) ?? candidates[0] : undefined;
  const amount = meant?.amount === undefined ? 10_000_000n : meant.amount < 0n ? -meant.amount : meant.amount;
  return {
    ...fields,
    ...(value?.startsWith(BACK) || value === NEW ? { [field as string]: meant?.reference ?? 'not seen' } : {}),
    ...(fields['amount'] === SAME ? { amount: textOf(amount, { exponent: 0, scale: 6, max: 0n }) } : {}),
  };
}

/** A call with the names in it replaced by whom and what they stand for. */
export function callOf(seat: Seat, step: CallStep): Call {
  const { playerId, sessionToken, ...rest } = step.body as Record<string, string>;
  const body = {
    ...rest, playerId: playerId === undefined ? seat.book.facts.player : seat.players[playerId],
    ...(sessionToken === undefined ? {} : { sessionToken: seat.tokens[sessionToken] }),
  };
  return { account: seat.accounts[step.account] as number, operation: step.operation, body };
}
