/** One of each kind of command, with what it says and leaves, written out by hand. Everybody begins with 100.00 at version 1. */

export type Call = readonly [operation: string, fields: Readonly<Record<string, unknown>>];

export interface Kind {
  readonly name: string;
  /** asked and answered before */
  readonly before: readonly Call[];
  readonly call: Call;
  /** status or code of the first answer, and of the same call again */
  readonly says: string;
  readonly again: string;
  /** balance and version of the wallet afterwards, rows of the ledger behind the opening deposit, keys */
  readonly leaves: string;
}

const bet = (transactionId: string, amount: string, more: object = {}): Call =>
  ['bet', { transactionId, amount, gameId: 'game-1', roundId: 'r1', ...more }];
const win = (transactionId: string, amount: string, more: object = {}): Call =>
  ['win', { transactionId, amount, gameId: 'game-1', roundId: 'r1', ...more }];
const rollback = (transactionId: string, originalTransactionId: string): Call => ['rollback', { transactionId, originalTransactionId }];
const play = (...actions: readonly (readonly [type: 'bet' | 'win', transactionId: string, amount: string])[]): Call =>
  ['play', {
    gameId: 'game-1', roundId: 'r1', closeRound: true,
    actions: actions.map(([type, transactionId, amount]) => ({ type, transactionId, amount })),
  }];

export const OF_PROVIDERS: readonly Kind[] = [
  { name: 'bet', before: [], call: bet('b', '10.00'), says: 'applied', again: 'replayed', leaves: '90.00 v2, 1 row, 1 key' },
  {
    name: 'bet in a round that is there, which it closes', before: [bet('a', '10.00')], call: bet('b', '5.00', { closeRound: true }),
    says: 'applied', again: 'replayed', leaves: '85.00 v3, 2 rows, 2 keys',
  },
  {
    name: 'free bet', before: [], call: bet('b', '10.00', { free: { campaignId: 'spring' } }),
    says: 'applied', again: 'replayed', leaves: '100.00 v2, 1 row, 1 key',
  },
  {
    name: 'bet that is not covered', before: [], call: bet('b', '100.01'),
    says: 'INSUFFICIENT_FUNDS', again: 'INSUFFICIENT_FUNDS', leaves: '100.00 v1, 0 rows, 1 key',
  },
  {
    name: 'bet undone before it came', before: [rollback('k', 'b')], call: bet('b', '10.00'),
    says: 'ROLLED_BACK', again: 'ROLLED_BACK', leaves: '100.00 v1, 0 rows, 4 keys',
  },
  {
    name: 'bet that is known', before: [bet('b', '10.00')], call: bet('b', '10.00'),
    says: 'replayed', again: 'replayed', leaves: '90.00 v2, 1 row, 1 key',
  },
  {
    name: 'win naming its bet', before: [bet('b', '10.00')], call: win('w', '25.00', { betTransactionId: 'b' }),
    says: 'applied', again: 'replayed', leaves: '115.00 v3, 2 rows, 2 keys',
  },
  {
    name: 'win naming a bet of another round', before: [bet('b', '10.00')], call: win('w', '25.00', { betTransactionId: 'b', roundId: 'r2' }),
    says: 'applied', again: 'replayed', leaves: '115.00 v3, 2 rows, 2 keys',
  },
  {
    name: 'win naming none', before: [bet('b', '10.00')], call: win('w', '25.00', { closeRound: true }),
    says: 'applied', again: 'replayed', leaves: '115.00 v3, 2 rows, 2 keys',
  },
  {
    name: 'win without its bet', before: [], call: win('w', '25.00'),
    says: 'BET_NOT_FOUND', again: 'BET_NOT_FOUND', leaves: '100.00 v1, 0 rows, 0 keys',
  },
  {
    name: 'award', before: [], call: ['win', { transactionId: 'j', amount: '7.00', type: 'jackpot' }],
    says: 'applied', again: 'replayed', leaves: '107.00 v2, 1 row, 1 key',
  },
  {
    name: 'rollback of a bet', before: [bet('b', '10.00')], call: rollback('k', 'b'),
    says: 'applied', again: 'replayed', leaves: '100.00 v3, 2 rows, 2 keys',
  },
  {
    name: 'rollback of a win', before: [bet('b', '10.00'), win('w', '25.00', { betTransactionId: 'b' })], call: rollback('k', 'w'),
    says: 'applied', again: 'replayed', leaves: '90.00 v4, 3 rows, 3 keys',
  },
  {
    name: 'rollback of the unknown', before: [], call: rollback('k', 'b'),
    says: 'tombstoned', again: 'replayed', leaves: '100.00 v1, 0 rows, 4 keys',
  },
  {
    name: 'rollback of a refused bet', before: [bet('b', '100.01')], call: rollback('k', 'b'),
    says: 'ignored', again: 'replayed', leaves: '100.00 v1, 0 rows, 2 keys',
  },
  {
    name: 'second rollback of a bet', before: [bet('b', '10.00'), rollback('k', 'b')], call: rollback('k2', 'b'),
    says: 'replayed', again: 'replayed', leaves: '100.00 v3, 2 rows, 3 keys',
  },
  {
    name: 'play', before: [], call: play(['bet', 'b1', '10.00'], ['bet', 'b2', '5.00'], ['win', 'w', '30.00']),
    says: 'applied applied applied', again: 'replayed replayed replayed', leaves: '115.00 v4, 3 rows, 3 keys',
  },
  {
    name: 'play that is not covered', before: [], call: play(['bet', 'b1', '10.00'], ['bet', 'b2', '90.01'], ['win', 'w', '30.00']),
    says: 'INSUFFICIENT_FUNDS', again: 'INSUFFICIENT_FUNDS', leaves: '100.00 v1, 0 rows, 2 keys',
  },
  {
    name: 'close-round', before: [bet('b', '10.00')], call: ['close-round', { roundId: 'r1' }],
    says: 'closed', again: 'closed', leaves: '90.00 v3, 2 rows, 1 key',
  },
  {
    name: 'status', before: [bet('b', '10.00')], call: ['status', { type: 'bet', reference: 'b' }],
    says: 'replayed', again: 'replayed', leaves: '90.00 v2, 1 row, 1 key',
  },
];

export const OF_OPERATORS: readonly Kind[] = [
  {
    name: 'deposit', before: [], call: ['deposits', { transactionId: 'd', amount: '40.00' }],
    says: 'applied', again: 'replayed', leaves: '140.00 v2, 1 row, 1 key',
  },
  {
    name: 'withdrawal', before: [], call: ['withdrawals', { transactionId: 'o', amount: '40.00' }],
    says: 'applied', again: 'replayed', leaves: '60.00 v2, 1 row, 1 key',
  },
];
