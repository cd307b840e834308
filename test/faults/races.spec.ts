import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { asSuperuser, freshDatabase, type TestDatabase } from '../support/cluster.ts';
import type { Provider, Reply } from '../support/provider.ts';
import { createWorld, type World, type WorldPlayer } from '../support/world.ts';
import { launch, verified, type Fleet } from './fleet.ts';

// Two calls on one wallet leave at once for two processes. Whatever happens, it is what one of the two orders would have given:
// each race has both written out by hand. FAULT_RACES says how often each is run.

const TIMES = Number(process.env['FAULT_RACES'] ?? 200);
/** As many wallets have their race at a moment. */
const SIDE_BY_SIDE = 4;

type Call = readonly [operation: string, fields: Readonly<Record<string, unknown>>];

const bet = (transactionId: string, amount: string, roundId = 'r1'): Call => ['bet', { transactionId, amount, gameId: 'game-1', roundId }];
const win = (transactionId: string, amount: string, betTransactionId: string): Call =>
  ['win', { transactionId, amount, gameId: 'game-1', roundId: 'r1', betTransactionId }];
const rollback = (transactionId: string, originalTransactionId: string): Call => ['rollback', { transactionId, originalTransactionId }];
const close = (roundId: string): Call => ['close-round', { roundId }];

/** What a race comes to. An answer: status, outcome, balance, wallet version, and the version of the row that its transaction id names. */
interface Outcome {
  readonly x: string;
  readonly y: string;
  /** kind, amount and reference of each row, in the order of their versions, behind the opening deposit of 10.00 */
  readonly ledger: readonly string[];
  /** operation and what became of it */
  readonly keys: readonly string[];
}

interface Race {
  readonly name: string;
  /** sent and answered before */
  readonly before?: Call;
  readonly x: Call;
  readonly y: Call;
  readonly xFirst: Outcome;
  readonly yFirst: Outcome;
}

const RACES: readonly Race[] = [
  {
    name: 'two bets of 8.00 out of 10.00', x: bet('x', '8.00'), y: bet('y', '8.00', 'r2'),
    xFirst: {
      x: '200 applied 2.00 v2 row 2', y: '422 INSUFFICIENT_FUNDS 2.00 v2',
      ledger: ['bet -8.00 x'], keys: ['bet applied', 'bet refused'],
    },
    yFirst: {
      x: '422 INSUFFICIENT_FUNDS 2.00 v2', y: '200 applied 2.00 v2 row 2',
      ledger: ['bet -8.00 y'], keys: ['bet applied', 'bet refused'],
    },
  },
  {
    name: 'a bet of 8.00 and the win that covers it', before: bet('b', '4.00'), x: bet('x', '8.00', 'r2'), y: win('y', '5.00', 'b'),
    xFirst: {
      x: '422 INSUFFICIENT_FUNDS 6.00 v2', y: '200 applied 11.00 v3 row 3',
      ledger: ['bet -4.00 b', 'win 5.00 y'], keys: ['bet applied', 'bet refused', 'win applied'],
    },
    yFirst: {
      x: '200 applied 3.00 v4 row 4', y: '200 applied 11.00 v3 row 3',
      ledger: ['bet -4.00 b', 'win 5.00 y', 'bet -8.00 x'], keys: ['bet applied', 'bet applied', 'win applied'],
    },
  },
  {
    name: 'a bet and its own win', x: bet('x', '4.00'), y: win('y', '5.00', 'x'),
    xFirst: {
      x: '200 applied 6.00 v2 row 2', y: '200 applied 11.00 v3 row 3',
      ledger: ['bet -4.00 x', 'win 5.00 y'], keys: ['bet applied', 'win applied'],
    },
    yFirst: { x: '200 applied 6.00 v2 row 2', y: '404 BET_NOT_FOUND 10.00 v1', ledger: ['bet -4.00 x'], keys: ['bet applied'] },
  },
  {
    name: 'a bet and its rollback', x: bet('x', '4.00'), y: rollback('y', 'x'),
    xFirst: {
      x: '200 applied 6.00 v2 row 2', y: '200 applied 10.00 v3 row 3',
      ledger: ['bet -4.00 x', 'rollback 4.00 y'], keys: ['bet applied', 'rollback applied'],
    },
    yFirst: {
      x: '409 ROLLED_BACK 10.00 v1', y: '200 tombstoned 10.00 v1',
      ledger: [], keys: ['award tombstoned', 'bet tombstoned', 'rollback tombstoned', 'win tombstoned'],
    },
  },
  {
    name: 'a win and the rollback of its bet', before: bet('b', '4.00'), x: win('x', '5.00', 'b'), y: rollback('y', 'b'),
    xFirst: {
      x: '200 applied 11.00 v3 row 3', y: '409 BET_ALREADY_SETTLED 11.00 v3',
      ledger: ['bet -4.00 b', 'win 5.00 x'], keys: ['bet applied', 'win applied'],
    },
    yFirst: {
      x: '409 ROLLED_BACK 10.00 v3', y: '200 applied 10.00 v3 row 3',
      ledger: ['bet -4.00 b', 'rollback 4.00 y'], keys: ['bet applied', 'rollback applied'],
    },
  },
  {
    name: 'one rollback twice', before: bet('b', '4.00'), x: rollback('k', 'b'), y: rollback('k', 'b'),
    xFirst: {
      x: '200 applied 10.00 v3 row 3', y: '200 replayed 10.00 v3 row 3',
      ledger: ['bet -4.00 b', 'rollback 4.00 k'], keys: ['bet applied', 'rollback applied'],
    },
    yFirst: {
      x: '200 replayed 10.00 v3 row 3', y: '200 applied 10.00 v3 row 3',
      ledger: ['bet -4.00 b', 'rollback 4.00 k'], keys: ['bet applied', 'rollback applied'],
    },
  },
  {
    name: 'two rollbacks of one bet', before: bet('b', '4.00'), x: rollback('x', 'b'), y: rollback('y', 'b'),
    xFirst: {
      x: '200 applied 10.00 v3 row 3', y: '200 replayed 10.00 v3 row 3', ledger: ['bet -4.00 b', 'rollback 4.00 x'],
      keys: ['bet applied', 'rollback applied', 'rollback repeated'],
    },
    yFirst: {
      x: '200 replayed 10.00 v3 row 3', y: '200 applied 10.00 v3 row 3', ledger: ['bet -4.00 b', 'rollback 4.00 y'],
      keys: ['bet applied', 'rollback applied', 'rollback repeated'],
    },
  },
  {
    name: 'a bet and the close of its round', before: bet('b', '1.00'), x: bet('x', '4.00'), y: close('r1'),
    xFirst: {
      x: '200 applied 5.00 v3 row 3', y: '200 closed 5.00 v4',
      ledger: ['bet -1.00 b', 'bet -4.00 x', 'close 0.00 -'], keys: ['bet applied', 'bet applied'],
    },
    yFirst: {
      x: '409 ROUND_CLOSED 9.00 v3', y: '200 closed 9.00 v3',
      ledger: ['bet -1.00 b', 'close 0.00 -'], keys: ['bet applied', 'bet refused'],
    },
  },
  {
    name: 'one bet twice', x: bet('k', '4.00'), y: bet('k', '4.00'),
    xFirst: { x: '200 applied 6.00 v2 row 2', y: '200 replayed 6.00 v2 row 2', ledger: ['bet -4.00 k'], keys: ['bet applied'] },
    yFirst: { x: '200 replayed 6.00 v2 row 2', y: '200 applied 6.00 v2 row 2', ledger: ['bet -4.00 k'], keys: ['bet applied'] },
  },
  {
    name: 'one reference for two bets', x: bet('k', '4.00'), y: bet('k', '3.00'),
    xFirst: { x: '200 applied 6.00 v2 row 2', y: '409 TRANSACTION_CONFLICT 6.00 v2', ledger: ['bet -4.00 k'], keys: ['bet applied'] },
    yFirst: { x: '409 TRANSACTION_CONFLICT 7.00 v2', y: '200 applied 7.00 v2 row 2', ledger: ['bet -3.00 k'], keys: ['bet applied'] },
  },
];

interface Run {
  readonly player: string;
  readonly x: Reply;
  readonly y: Reply;
}

interface Stored {
  readonly player_id: string;
  readonly ledger: readonly string[];
  /** transaction id → version */
  readonly rows: Readonly<Record<string, number>>;
  readonly keys: readonly string[];
}

const STORED = `
select w.player_id,
  array(select format('%s %s %s', kind, to_char(amount / 1000000.0, 'FM990.00'), coalesce(reference, '-')) from transaction t
    where t.player_id = w.player_id and version > 1 order by version) as ledger,
  (select json_object_agg(transaction_id, version) from transaction t where t.player_id = w.player_id) as rows,
  array(select format('%s %s', operation, outcome) from transaction_key k
    where k.player_id = w.player_id and operation <> 'cashier' order by 1) as keys
from wallet w where w.player_id = any($1)`;

function said({ status, headers, body }: Reply, rows: Stored['rows']): string {
  const row = rows[body.transactionId];
  const answer = `${status} ${body.code ?? body.status ?? body.state} ${body.balance} v${headers['x-wallet-version']}`;
  return row === undefined ? answer : `${answer} row ${row}`;
}

let database: TestDatabase;
let world: World;
let fleet: Fleet;

beforeAll(async () => {
  database = await freshDatabase();
  world = await createWorld(database, { players: { EUR: RACES.length * TIMES }, balance: 10_000_000n });
  fleet = await launch(database, world.accounts[0] as never, 2);
});
afterAll(() => fleet?.close());

/** Who is sent first, and which process gets which call, takes turns. */
async function race({ before, x, y }: Race, player: WorldPlayer, turn: number): Promise<Run> {
  const whose = { playerId: player.id, currency: 'EUR' };
  const send = (provider: Provider, [operation, fields]: Call) => provider.call(operation, { ...whose, ...fields });
  const [one, other] = (turn % 2 === 0 ? fleet.providers : fleet.providers.toReversed()) as [Provider, Provider];
  if (before) expect((await send(one, before)).status).toBe(200);
  if (turn % 4 < 2) {
    const [first, second] = await Promise.all([send(one, x), send(other, y)]);
    return { player: player.id, x: first, y: second };
  }
  const [first, second] = await Promise.all([send(one, y), send(other, x)]);
  return { player: player.id, x: second, y: first };
}

async function runs(raced: Race, players: readonly WorldPlayer[]): Promise<Run[]> {
  const done: Run[] = [];
  const strand = async (from: number) => {
    for (let i = from, turn = 0; i < players.length; i += SIDE_BY_SIDE, turn++) {
      done.push(await race(raced, players[i] as WorldPlayer, turn));
    }
  };
  await Promise.all(Array.from({ length: SIDE_BY_SIDE }, (_, i) => strand(i)));
  return done;
}

describe(`${TIMES} races each`, () => {
  it.each(RACES.map((raced, i) => [raced.name, raced, i] as const))('%s', async (_, raced, i) => {
    const players = world.players.slice(i * TIMES, (i + 1) * TIMES);
    const done = await runs(raced, players);
    const rows = await asSuperuser<Stored>(database.url('superuser'), STORED, [players.map(({ id }) => id)]);
    const stored = new Map(rows.map((row) => [row.player_id, row]));
    const outcomes = done.map(({ player, x, y }): Outcome => {
      const { ledger, rows: ids, keys } = stored.get(player) as Stored;
      return { x: said(x, ids), y: said(y, ids), ledger, keys };
    });
    const is = (expected: Outcome) => (outcome: Outcome) => JSON.stringify(outcome) === JSON.stringify(expected);
    expect(outcomes.filter((outcome) => !is(raced.xFirst)(outcome) && !is(raced.yFirst)(outcome))).toEqual([]);
    const [xFirst, yFirst] = [outcomes.filter(is(raced.xFirst)).length, outcomes.filter(is(raced.yFirst)).length];
    expect(xFirst + yFirst).toBe(TIMES);
    process.stdout.write(`race ${raced.name}: ${xFirst} in one order, ${yFirst} in the other\n`);
    // Both orders happen, or these were no races.
    if (TIMES >= 100) expect(Math.min(xFirst, yFirst)).toBeGreaterThan(0);
  }, 60_000 + 100 * TIMES);

  it('leave a ledger that verifies', async () => {
    expect(await verified(database)).toMatch(/All \d+ invariants hold/);
  }, 60_000);
});
