import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type pg from 'pg';
import { connect } from '../../libs/postgres/index.ts';
import { advance, STEP_SETTINGS } from '../../src/views/feed/advance.ts';
import { rounds } from '../../src/views/rounds/projection.ts';
import { sequenceOf } from '../model/commands.ts';
import { ALL, openGround, policiesWhere, type Ground } from '../model/ground.ts';
import { runProperty } from '../model/runs.ts';
import { walk } from '../model/walk.ts';
import { LIVE, ROUND_DAYS, ROUNDS_OF_LEDGER, ROUNDS_OF_MONEY } from './rounds-truth.ts';

// Random histories under 96 policy records, through the real wallet; then in random ranges, in any order of the lanes, into the projection.

const HISTORIES = Number(process.env['MODEL_HISTORIES'] ?? 250);
const ORDERS = 8;

let ground: Ground;
let client: pg.Client;

beforeAll(async () => {
  ground = await openGround();
  const { connectionString } = ground.pool.options as { connectionString: string };
  const url = new URL(connectionString);
  client = await connect(url.href, { name: 'rounds', settings: STEP_SETTINGS });
});
afterAll(async () => {
  await client?.end();
  await ground?.close();
});

const all = async (text: string): Promise<object[]> => (await client.query<object>(text)).rows;
const anew = async () => {
  await client.query(`truncate ${rounds.tables.join(', ')}`);
  await client.query("delete from projection where name = 'rounds'");
  await client.query("insert into projection (name) values ('rounds')");
};

/** Up to a random place in each lane, lanes in random order, in steps of random size; at last up to the ledger's end. */
async function applied(places: readonly (readonly number[])[], most: number): Promise<void> {
  const lanes = (await client.query<{ lane: number; batch: number }>('select lane, batch from lane order by opened_at, lane')).rows;
  const reached = new Map(lanes.map(({ lane }) => [lane, 0]));
  for (const shares of places) {
    const targets = lanes.map(({ lane, batch }, i) => {
      const share = shares[i % shares.length] ?? 0;
      const target = Math.max(reached.get(lane) ?? 0, Math.floor((batch * (share % 1_000)) / 1_000));
      reached.set(lane, target);
      return { share, entry: [lane, target] as const };
    });
    const until = new Map(targets.toSorted((one, other) => (one.share * 7_919) % 1_009 - (other.share * 7_919) % 1_009).map(({ entry }) => entry));
    for (;;) {
      const { came, applied: rows } = await advance(client, rounds, { until, most });
      expect(came).not.toBe('stopped');
      if (came === 'current' || rows === 0) break;
    }
  }
  for (let came = ''; came !== 'current';) ({ came } = await advance(client, rounds, { most: 64 }));
}

describe('rounds as they are projected', () => {
  it(`come out of ${HISTORIES} random histories`, async () => {
    const sequence = fc.oneof(sequenceOf(ALL, { minLength: 5, maxLength: 25 }), sequenceOf(policiesWhere(({ roundScope, rounds: kept }) => roundScope === 'game' && kept === 'kept'), { minLength: 5, maxLength: 25 }));
    await runProperty('rounds', fc.asyncProperty(sequence, (steps) => walk(ground, steps)), { runs: HISTORIES, strands: 8 });
    // A gaming day begins in the middle of them, and every fifth player only tests.
    await client.query(`update operator set day_starts = (select (percentile_disc(0.5) within group (order by at) at time zone 'Europe/Malta')::time(0) from transaction where round is not null),
      time_zone = 'Europe/Malta'`);
    await client.query("update player set test = true where ('x' || right(player_id::text, 4))::bit(16)::int % 5 = 0");
    const [counts] = await all('select count(*)::int as rounds, count(distinct state)::int as states from round') as [{ rounds: number; states: number }];
    expect(counts.states).toBe(3);
    expect(counts.rounds).toBeGreaterThan(HISTORIES / 2);
  }, 600_000);

  it(`are money's own rounds, and what the ledger says, in ${ORDERS} orders of ranges; each gaming day counts them once`, async () => {
    const [money, ledger] = [await all(ROUNDS_OF_MONEY), await all(ROUNDS_OF_LEDGER)];
    const seed = Number(process.env['MODEL_SEED'] ?? Math.trunc(Math.random() * 2 ** 31));
    process.stdout.write(`ranges: MODEL_SEED=${seed}, ${money.length} rounds\n`);
    const places = fc.array(fc.array(fc.nat(1_000_000), { minLength: 2, maxLength: 5 }), { maxLength: 6 });
    await fc.assert(fc.asyncProperty(places, fc.integer({ min: 10, max: 400 }), async (shares, most) => {
      await anew();
      await applied(shares, most);
      expect(await all(`select ${LIVE.money} from played_round order by player_id, account_id, round`)).toEqual(money);
      expect(await all(`select ${LIVE.ledger} from played_round order by player_id, account_id, round`)).toEqual(ledger);
      const days = await all(ROUND_DAYS);
      expect(await all('select * from round_day order by operator_id, day, account_id, game_id, currency')).toEqual(days);
    }), { numRuns: ORDERS, seed, endOnFailure: true });
    const spread = await all("select count(distinct day)::int as days, (sum(opened) > 0 and sum(ended) > 0) as counted from round_day");
    expect(spread).toEqual([{ days: 2, counted: true }]);
  }, 600_000);

  it('leave out players who only test', async () => {
    const [left] = await all(`select count(*)::int as rounds, count(*) filter (where p.player_id is not null)::int as projected
      from round r join player x using (player_id) left join played_round p using (player_id, account_id, round) where x.test`) as [{ rounds: number; projected: number }];
    expect([left.rounds > 0, left.projected]).toEqual([true, 0]);
  });
});
