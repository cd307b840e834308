/**
 * Sequences of commands on one player, drawn from small pools, so that repeats, conflicts, tombstones and one id for a bet and a win
 * are frequent.
 * Names stand for what only the running system knows: whose session, which player.
 */
import fc from 'fast-check';
import { present } from './book.ts';

type Guise = 'itself' | 'play' | 'longer play' | 'status';

export type Step =
  /** `account` 0 is the sequence's own, 1 another one of the same operator */
  | {
    readonly do: 'call'; readonly account: number; readonly operation: string; readonly body: Readonly<Record<string, unknown>>;
    /** of another player with as much money, where ids reach across players */
    readonly byNeighbour?: boolean;
  }
  /** one of the calls before it again, with some fields changed, or as a play, with a new bet too or not, or what became of it */
  | { readonly do: 'again'; readonly which: number; readonly change: Readonly<Record<string, unknown>>; readonly as: Guise }
  | { readonly do: 'stop'; readonly currency: string; readonly to: string }
  | { readonly do: 'end session'; readonly session: string };

export type CallStep = Extract<Step, { do: 'call' }>;
type Arbitrary<T> = fc.Arbitrary<T>;

/** the sessions that a player's sequence can name: `[account, currency, over]` of those that are the player's */
export const SESSIONS = {
  own: [0, 'EUR', false], yen: [0, 'JPY', false], elsewhere: [1, 'EUR', false], past: [0, 'EUR', true], ended: [0, 'EUR', true],
} as const;
export const OTHER_SESSIONS = ['of another player', 'of nobody'];

/** in place of a reference: one not used yet; the one of the call so many calls back; in place of an amount: that call's */
export const NEW = 'new';
export const BACK = 'back ';
export const SAME = 'same';

const weighted = <T>(...pairs: readonly (readonly [weight: number, value: T])[]): Arbitrary<T> =>
  fc.oneof(...pairs.map(([weight, value]) => ({ weight, arbitrary: fc.constant(value) })));
/** there once in so many times; shrinks to not there */
const onceIn = <T>(times: number, arbitrary: Arbitrary<T>): Arbitrary<T | undefined> =>
  fc.oneof({ withCrossShrink: true }, { weight: times - 1, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary });

/** a new one, or one of few: the same for bets and wins, now and then for rollbacks */
const reference = weighted([24, NEW], [4, 'a'], [4, 'b'], [3, 'c'], [1, 'A'], [1, `ü'"; –`]);
const rollbackReference = weighted([24, NEW], [4, 'x'], [4, 'y'], [1, 'a'], [1, 'b']);
/** what a win or rollback is about: an earlier call by its distance, or a reference that may be unknown yet */
const earlier = fc.oneof({ weight: 7, arbitrary: fc.nat(4).map((back) => `${BACK}${back}`) }, { weight: 2, arbitrary: reference });
const round = weighted([16, 'r1'], [5, 'r2'], [1, 'r3'], [1, 'a']);
const game = weighted([50, 'game-1'], [3, 'game-2'], [1, 'game-unknown']);
const currency = weighted([24, 'EUR'], [6, 'JPY'], [1, 'KWD']);
const stake = weighted(
  [10, '10'], [8, '10.00'], [8, '25.5'], [8, '60'], [4, '100'], [2, '0.000001'], [2, '99.99'], [2, '250'], [2, '1000'], [1, '0'],
  [1, '1.0000001'], [1, '1000000000.01']);
const prize = weighted([16, '10'], [7, '0'], [7, '0.00'], [10, '25.5'], [10, '40.25'], [5, '1000'], [1, '0.0000001']);
const rollbackAmount = weighted([12, SAME], [4, '10'], [2, '0'], [2, '40.25'], [2, '60'], [1, '1.0000001']);
const campaign = weighted([2, 'spring'], [1, 'summer']);
const session = weighted([14, 'own'], [1, 'yen'], [1, 'elsewhere'], [1, 'past'], [1, 'ended'], [1, 'of another player'], [1, 'of nobody']);
const player = weighted([200, undefined], [1, 'of another operator'], [1, 'nobody'], [1, 'in capitals']);
const free = onceIn(7, campaign.map((campaignId) => ({ campaignId })));
const closes = onceIn(6, fc.boolean());
const betNamed = onceIn(2, earlier);

const bet = fc.record({
  transactionId: reference, currency, amount: stake, gameId: game, roundId: round, sessionToken: onceIn(3, session), closeRound: closes,
  free, metadata: onceIn(10, fc.constant({ device: 'web' })),
});
const win = fc.record({
  transactionId: reference, currency, amount: prize, gameId: game, roundId: round, betTransactionId: betNamed, closeRound: closes,
  type: onceIn(9, fc.constant('win')), campaignId: onceIn(8, campaign),
});
const award = fc.record({
  transactionId: reference, currency, amount: prize, type: weighted([1, 'jackpot'], [3, 'free_rounds'], [1, 'tournament']),
  gameId: onceIn(2, game), roundId: onceIn(2, round), betTransactionId: onceIn(2, earlier), campaignId: onceIn(2, campaign),
  closeRound: closes,
});
const rollback = fc.record({
  transactionId: rollbackReference, originalTransactionId: earlier, currency, roundId: onceIn(4, round), amount: onceIn(3, rollbackAmount),
  originalType: onceIn(3, weighted([4, 'bet'], [4, 'win'], [1, 'award'], [1, 'adjustment'])), reason: onceIn(6, fc.constant('time-out')),
});
const correction = weighted([6, '10'], [6, '-10'], [4, '-25.5'], [3, '-1000'], [2, '40.25'], [1, '-0.000001'], [1, '0'], [1, '-0.0000001']);
const adjust = fc.record({ transactionId: reference, currency, amount: correction, gameId: onceIn(2, game), roundId: onceIn(2, round) });
const undo = fc.record({
  type: fc.constant('rollback'), transactionId: rollbackReference, originalTransactionId: earlier, amount: onceIn(5, rollbackAmount),
  originalType: onceIn(3, weighted([4, 'bet'], [4, 'win'], [1, 'award'], [1, 'adjustment'])),
});
const action = fc.oneof(
  fc.record({ type: fc.constant('bet'), transactionId: reference, amount: stake, free }),
  fc.record({ type: fc.constant('win'), transactionId: reference, amount: prize, betTransactionId: betNamed }),
  undo,
).map(present);
const playOf = (actions: Arbitrary<object>, closeRound = closes) => fc.record({
  currency, gameId: game, roundId: round, sessionToken: onceIn(4, session), closeRound,
  actions: fc.uniqueArray(actions as Arbitrary<Record<string, unknown>>, {
    minLength: 1, maxLength: 4, selector: ({ type, transactionId }) => (transactionId === NEW ? {} : `${String(type)} ${String(transactionId)}`),
  }),
});
const status = fc.oneof(
  fc.record({ currency, reference: earlier, type: fc.constantFrom('bet', 'win') }),
  fc.record({ currency, reference: fc.oneof(rollbackReference, earlier), type: fc.constant('rollback') }),
  fc.record({ currency, reference: earlier, type: fc.constant('adjustment') }),
);

const call = (operation: string, fields: Arbitrary<object>): Arbitrary<Step> =>
  fc.record({ account: weighted([9, 0], [1, 1]), body: fields, playerId: player, byNeighbour: onceIn(6, fc.constant(true)) })
    .map(({ account, body, playerId, byNeighbour }) => ({ do: 'call', account, operation, body: present({ playerId, ...body }), ...present({ byNeighbour }) }));

const change = fc.oneof(
  { weight: 6, arbitrary: fc.constant({}) },
  { weight: 4, arbitrary: rollbackReference.map((transactionId) => ({ transactionId })) },
  { weight: 1, arbitrary: stake.map((amount) => ({ amount })) },
  { weight: 1, arbitrary: currency.map((other) => ({ currency: other })) },
  { weight: 1, arbitrary: round.map((roundId) => ({ roundId })) },
  { weight: 1, arbitrary: game.map((gameId) => ({ gameId })) },
  { weight: 1, arbitrary: session.map((sessionToken) => ({ sessionToken })) },
  { weight: 1, arbitrary: fc.boolean().map((closeRound) => ({ closeRound })) },
  { weight: 1, arbitrary: earlier.map((about) => ({ betTransactionId: about, originalTransactionId: about })) },
  { weight: 1, arbitrary: fc.constant({ metadata: { again: true }, reason: 'again' }) },
);
const guise = weighted<Guise>([15, 'itself'], [2, 'play'], [4, 'longer play'], [4, 'status']);
const again: Arbitrary<Step> = fc.record({ do: fc.constant('again' as const), which: fc.nat(24), change, as: guise });

const calls: fc.WeightedArbitrary<Step>[] = [
  { weight: 10, arbitrary: call('bet', bet) },
  { weight: 8, arbitrary: call('win', win) },
  { weight: 4, arbitrary: call('win', award) },
  { weight: 7, arbitrary: call('rollback', rollback) },
  { weight: 5, arbitrary: call('play', playOf(action)) },
  { weight: 2, arbitrary: call('play', playOf(undo.map(present), onceIn(2, fc.boolean()))) },
  { weight: 2, arbitrary: call('adjust', adjust) },
  { weight: 1, arbitrary: call('close-round', fc.record({ currency, roundId: round })) },
  { weight: 1, arbitrary: call('cancel-round', fc.record({ currency, roundId: round })) },
  { weight: 2, arbitrary: call('status', status) },
  { weight: 1, arbitrary: call('balance', fc.record({ currency })) },
  { weight: 6, arbitrary: again },
];
const stop = weighted([2, 'none'], [1, 'blocked'], [1, 'closed']);
const happenings: fc.WeightedArbitrary<Step>[] = [
  { weight: 1, arbitrary: fc.record({ do: fc.constant('stop' as const), currency: weighted([3, 'EUR'], [1, 'JPY']), to: stop }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('end session' as const), session: weighted([3, 'own'], [1, 'yen']) }) },
];

/** Steps of one account that lead to each other, which steps drawn one by one seldom do. */
const story = (steps: Arbitrary<readonly (readonly [operation: string, fields: Readonly<Record<string, unknown>>])[]>): Arbitrary<readonly Step[]> =>
  fc.tuple(steps, weighted([9, 0], [1, 1]), round, currency).map(([drawn, account, roundId, code]) => drawn.map(([operation, fields]): Step =>
    ({ do: 'call', account, operation, body: present({ transactionId: NEW, currency: code, ...(operation === 'rollback' ? {} : { gameId: 'game-1', roundId }), ...fields }) })));

const undoing = (originalType: string, back = 0) => onceIn(3, fc.constant(SAME)).map((amount) =>
  ['rollback', { originalType, originalTransactionId: `${BACK}${back}`, amount }] as const);
const cash = weighted([6, '10'], [4, '25.5'], [1, '60']);

/** a bet that several wins name: some of them are undone, and then it */
const namedByMany = story(fc.tuple(
  cash.map((amount) => ['bet', { amount }] as const),
  fc.array(prize.map((amount) => ['win', { amount, betTransactionId: `${BACK}0` }] as const), { minLength: 1, maxLength: 3, size: 'max' }),
  fc.array(fc.nat(2).chain((back) => undoing('win', back)), { maxLength: 3, size: 'max' }),
  onceIn(3, cash.map((amount) => ['bet', { amount, roundId: 'r2' }] as const)),
  fc.array(undoing('bet'), { minLength: 1, maxLength: 2, size: 'max' }),
).map(([bet0, wins, unpaid, spent, undone]) => [bet0, ...wins, ...unpaid, ...(spent ? [spent] : []), ...undone]));

/** a correction, of what is there or of more, with money that comes and goes beside it; then it is undone by its type */
const corrected = story(fc.tuple(
  onceIn(2, weighted([1, '-1000'], [1, '-25.5']).map((amount) => ['adjust', { amount }] as const)),
  weighted([4, '-10'], [4, '-25.5'], [4, '-1000'], [2, '40.25'], [2, '1000']).map((amount) => ['adjust', { amount }] as const),
  onceIn(3, fc.oneof(prize.map((amount) => ['win', { amount, type: 'jackpot' }] as const), cash.map((amount) => ['bet', { amount }] as const))),
  fc.array(fc.nat(1).chain((back) => undoing('adjustment', back)), { minLength: 1, maxLength: 3, size: 'max' }),
).map(([before, adjusted, between, undone]) => [...(before ? [before] : []), adjusted, ...(between ? [between] : []), ...undone]));

/** one campaign, paid in either form, again, and undone */
const campaigned = story(campaign.chain((campaignId) => fc.array(fc.oneof(
  { weight: 3, arbitrary: prize.map((amount) => ['win', { amount, type: 'free_rounds', campaignId }] as const) },
  { weight: 3, arbitrary: weighted([3, '40.25'], [1, '10']).map((amount) => ['win', { amount, type: 'free_rounds', campaignId, roundId: undefined, gameId: undefined }] as const) },
  { weight: 1, arbitrary: prize.map((amount) => ['win', { amount, campaignId }] as const) },
  { weight: 1, arbitrary: undoing('award') },
), { minLength: 2, maxLength: 5, size: 'max' })));

/** What two players ask for at once under few references, where those reach across players. */
const few = weighted([3, 'a'], [2, 'b'], [1, 'c']);
const contest = (operation: string, fields: Arbitrary<object>): Arbitrary<Step> => fc.tuple(fields, fc.boolean())
  .map(([body, byNeighbour]) => ({ do: 'call', account: 0, operation, body: present({ currency: 'EUR', gameId: 'game-1', roundId: 'r1', ...body }), byNeighbour }));
const contested: fc.WeightedArbitrary<Step>[] = [
  { weight: 5, arbitrary: contest('bet', fc.record({ transactionId: few, amount: cash })) },
  { weight: 2, arbitrary: contest('win', fc.record({ transactionId: few, amount: prize, type: fc.constant('jackpot') })) },
  { weight: 1, arbitrary: contest('adjust', fc.record({ transactionId: few, amount: correction })) },
  { weight: 3, arbitrary: contest('rollback', fc.record({ transactionId: fc.oneof(few, rollbackReference), originalTransactionId: few, gameId: fc.constant(undefined) })) },
  { weight: 2, arbitrary: contest('play', fc.record({
    actions: fc.uniqueArray(fc.record({ type: fc.constant('bet'), transactionId: few, amount: cash }), { minLength: 1, maxLength: 3, selector: ({ transactionId }) => transactionId }),
  })) },
];

type Piece = readonly Step[];
const alone = (steps: fc.WeightedArbitrary<Step>[]): Arbitrary<Piece> => fc.oneof(...steps).map((step) => [step]);

/** only single calls: what may be sent at once */
export const oneCall: Arbitrary<Piece> = alone(calls);
export const oneContested: Arbitrary<Piece> = alone(contested);
/** a call, something that happens, or a story */
export const onePiece: Arbitrary<Piece> = fc.oneof(
  { weight: 18, arbitrary: alone([...calls, ...happenings]) }, { weight: 1, arbitrary: namedByMany }, { weight: 1, arbitrary: corrected }, { weight: 1, arbitrary: campaigned },
);

export interface Sequence {
  /** which policy the sequence's own account has, and which the other */
  readonly accounts: readonly [number, number];
  /** null: left out by shrinking, which may not make a sequence shorter than its least length */
  readonly steps: readonly (Step | null)[];
}

/** Under some of the policies, by their numbers. Without fast-check's bias to small values: here they are no edge cases, only dull sequences. */
export function sequenceOf(policies: readonly number[], length: { minLength: number; maxLength: number }, piece = onePiece): Arbitrary<Sequence> {
  return fc.noBias(fc.record({
    accounts: fc.tuple(fc.constantFrom(...policies), fc.constantFrom(...policies)),
    steps: fc.array(fc.option(piece, { nil: null, freq: 1_000_000 }), { ...length, size: 'max' }).map((pieces) => pieces.flatMap((steps): readonly (Step | null)[] => steps ?? [null])),
  }));
}
