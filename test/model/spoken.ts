/** From a drawn step to what is really sent at its place: repeats, new references and those of earlier calls, whose session, which player. */
import { BACK, NEW, SAME, withoutAbsent, type CallStep, type Step } from './commands.ts';
import type { Seat } from './ground.ts';
import type { Call } from './model.ts';

type Fields = Record<string, unknown>;

/** Undefined where there is nothing to repeat. `place` makes new references that shrinking does not change. */
export function resolve(step: Step, place: number, before: readonly CallStep[]): Exclude<Step, { do: 'again' }> | undefined {
  if (step.do === 'call') return { ...step, body: filledIn(step.body, `n${place}`, before) };
  if (step.do !== 'again') return step;
  const earlier = before.length > 0 ? before[step.which % before.length] : undefined;
  if (!earlier) return undefined;
  const again = { ...earlier, body: filledIn({ ...earlier.body, ...step.change }, `n${place}`, before) };
  return step.asPlay ? asPlay(again) : again;
}

/** the same bet or win as the only action of a play */
function asPlay(call: CallStep): CallStep {
  const { transactionId, amount, betTransactionId, free, type, ...rest } = call.body;
  if ((call.operation !== 'bet' && call.operation !== 'win') || type !== undefined) return call;
  const action = withoutAbsent({ type: call.operation, transactionId, amount, ...(call.operation === 'bet' ? { free } : { betTransactionId }) });
  return { ...call, operation: 'play', body: { ...rest, actions: [action] } };
}

function filledIn(body: Fields, fresh: string, before: readonly CallStep[]): Fields {
  const known = before.flatMap(movementsIn);
  const ofSamePlay = Array.isArray(body['actions']) ? movementsIn({ body } as CallStep) : [];
  const filled = ownReference(body, fresh);
  const actions = Array.isArray(body['actions']) ? body['actions'].map((action: Fields, i) => ownReference(action, `${fresh}.${i}`)) : undefined;
  const all = [...known, ...ofSamePlay.map((_, i) => (actions as Fields[])[i] as Fields)];
  const pointed = (fields: Fields) => pointBack(fields, all);
  return { ...pointed(filled), ...(actions ? { actions: actions.map(pointed) } : {}) };
}

const movementsIn = ({ body }: CallStep): Fields[] =>
  (Array.isArray(body['actions']) ? body['actions'] as Fields[] : 'transactionId' in body && !('originalTransactionId' in body) ? [body] : []);

const ownReference = (fields: Fields, fresh: string): Fields => (fields['transactionId'] === NEW ? { ...fields, transactionId: fresh } : fields);

function pointBack(fields: Fields, known: readonly Fields[]): Fields {
  const filled = { ...fields };
  let meant: Fields | undefined;
  for (const name of ['betTransactionId', 'originalTransactionId', 'reference']) {
    const value = fields[name];
    if (typeof value !== 'string' || !value.startsWith(BACK)) continue;
    meant = known.at(-1 - Number(value.slice(BACK.length))) ?? known[0];
    filled[name] = meant?.['transactionId'] ?? 'a';
  }
  if (fields['amount'] === SAME) filled['amount'] = meant?.['amount'] ?? '10';
  for (const name of ['betTransactionId', 'originalTransactionId', 'reference']) if (filled[name] === NEW) filled[name] = 'never';
  return filled;
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
