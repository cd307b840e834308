import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type pg from 'pg';
import { feed, feedOf, installSeen, NO_13, revenue, seen, unlike } from '../../../test/faults/feed-witness.ts';
import { Ground, said } from '../../../test/support/ground.ts';
import { retireLanes } from '../../ops/jobs/retire.ts';
import { advance } from './advance.ts';
import { makeRows, standings } from './rows.ts';
import { resumeView } from './views-command.ts';

// Everybody starts with 100.00 EUR: a deposit each, which is a transaction like any other. A bet alone is a batch of its own.

describe('a step of a view', () => {
  const ground = new Ground({ players: { EUR: 60 } });
  let client: pg.Client;
  let other: pg.Client;
  beforeAll(async () => {
    await ground.open();
    await installSeen(ground.database);
    [client, other] = await Promise.all([feedOf(ground.database), feedOf(ground.database)]);
  });
  afterAll(async () => {
    await Promise.all([client?.end(), other?.end()]);
    await ground.close();
  });
  beforeEach(async () => {
    expect([await feed(client, seen), await feed(client, revenue)]).toEqual(['current', 'current']);
  });
  const wrong = () => unlike(ground.database);
  const rowOf = async (name: string) => (await ground.sql<Record<string, any>>('select * from projection where name = $1', [name]))[0];
  let named = 0;
  const bets = async (many: number, seat = ground.seat()) => {
    for (let i = 0; i < many; i++) expect((await seat.bet(`bet-${named++}`, '0.01')).status).toBe(200);
  };

  it('adds a bet of 10.00, a win of 4.00 and a rolled-back bet of 3.00: turnover 10.00, won 4.00', async () => {
    const seat = ground.seat();
    await seat.bet('b1', '10.00');
    await seat.win('w1', '4.00');
    await seat.bet('b2', '3.00');
    await seat.rollback('x1', 'b2');
    expect(await advance(client, revenue)).toMatchObject({ came: 'current', applied: 4 });
    const [day] = await ground.sql("select sum(bets)::int as bets, sum(undone_bets)::int as undone, sum(turnover)::text as turnover, sum(won)::text as won from revenue_day where game_id = 'game-1'");
    expect(day).toEqual({ bets: 2, undone: 1, turnover: '10000000', won: '4000000' });
  });

  it('asked again adds nothing, and asked a batch at a time, or all at once, adds each once', async () => {
    expect(await advance(client, seen)).toMatchObject({ came: 'current', applied: 0 });
    await bets(9);
    expect(await advance(client, seen, { most: 1 })).toMatchObject({ came: 'behind', applied: 1 });
    expect(await advance(client, seen, { most: 3 })).toMatchObject({ came: 'behind', applied: 3 });
    expect(await advance(client, seen, { most: 1_000 })).toMatchObject({ came: 'current', applied: 5 });
    expect(await advance(client, seen)).toMatchObject({ came: 'current', applied: 0 });
    expect(await wrong()).toEqual([]);
  });

  it('leaves it to the one who is at it, without waiting; two at a time tell it of each transaction once', async () => {
    await ground.whileHeld("select from projection where name = 'seen' for update", async () => {
      expect(await advance(client, seen)).toMatchObject({ came: 'busy', applied: 0 });
    });
    const came = new Map<string, number>();
    let over = false;
    const worker = async (own: pg.Client) => {
      for (let last = ''; !over || last !== 'current';) {
        last = (await advance(own, seen, { most: 2 })).came;
        came.set(last, (came.get(last) ?? 0) + 1);
      }
    };
    const workers = [worker(client), worker(other)];
    await Promise.all(Array.from({ length: 4 }, () => bets(25)));
    over = true;
    await Promise.all(workers);
    expect(came.get('busy')).toBeGreaterThan(0);
    expect(await wrong()).toEqual([]);
  });

  it('halves a range until the bad transaction stands alone, stops before its batch and names it; others go on, and once mended it goes on', async () => {
    await ground.sql(NO_13);
    const seat = ground.seat();
    await bets(20, seat);
    const good = { type: 'bet', amount: '1.00' } as const;
    const bad = await seat.play([{ ...good, transactionId: 'p1' }, { type: 'bet', transactionId: 'p2', amount: '13.00' }, { ...good, transactionId: 'p3' }]);
    await seat.bet('behind it', '2.00');
    const [id] = bad.body.receipts.slice(1, 2).map(({ transactionId }: { transactionId: string }) => transactionId);
    const before = await ground.sql<{ n: number }>('select count(*)::int as n from seen');

    expect(await feed(client, seen)).toBe('stopped');
    const [at] = await ground.sql<{ lane: number; batch: number }>('select lane, batch from transaction where transaction_id = $1', [id]);
    const stop = { state: 'stopped', stopped_lane: at?.lane, stopped_batch: at?.batch, stopped_transaction: id, stopped_because: expect.stringContaining('no_13') };
    expect(await rowOf('seen')).toMatchObject(stop);
    // Twenty bets, and of the batch not even what is good in it.
    expect(await ground.sql('select count(*)::int as n from seen')).toEqual([{ n: (before[0]?.n ?? 0) + 20 }]);
    expect(await advance(client, seen)).toMatchObject({ came: 'stopped', applied: 0 });
    expect(await feed(client, revenue)).toBe('current');

    const worker = ground.database.url('croupier_worker');
    expect(await resumeView(worker, 'seen')).toBe(true);
    expect(await feed(client, seen)).toBe('stopped');
    expect(await rowOf('seen')).toMatchObject(stop);
    await ground.sql('alter table seen drop constraint no_13');
    expect([await resumeView(worker, 'seen'), await resumeView(worker, 'revenue')]).toEqual([true, false]);
    expect([await feed(client, seen), await wrong()]).toEqual(['current', []]);
  });

  it('sees what was committed while a long write transaction stays open, and what that one wrote once it is committed', async () => {
    const seat = ground.seat();
    const held = ground.seat();
    await ground.whileHeld(`select from wallet where player_id = '${held.player.id}' for update; create table of_a_long_one (x int)`, async () => {
      await bets(12, seat);
      expect(await advance(client, seen)).toMatchObject({ came: 'current', applied: 12 });
      expect(await wrong()).toEqual([]);
      await bets(1, seat);
    });
    expect(await advance(client, seen)).toMatchObject({ came: 'current', applied: 1 });
  });

  it.each([
    ['ten minutes of lag', "as_of = as_of - interval '10 minutes', tail_from = tail_from - interval '10 minutes'"],
    ['rows that are older than it takes them to be', "tail_from = now() + interval '1 hour'"],
  ])('catches up after %s', async (_, change) => {
    await bets(15);
    await ground.sql(`update projection set ${change} where name = 'seen'`);
    expect(await advance(client, seen)).toMatchObject({ came: 'current', applied: 15 });
    expect(await wrong()).toEqual([]);
    const [standing] = (await standings(client)).filter(({ name }) => name === 'seen');
    expect((standing?.now ?? 0) - (standing?.asOf ?? 0)).toBeLessThan(5_000);
  });

  it.each([
    ['stands lower than what was applied', 'update lane set batch = batch - 1'],
    ['is gone', 'delete from lane'],
  ])('stops and says that the ledger was rewound where a lane %s', async (_, rewind) => {
    await bets(2);
    await feed(client, seen);
    await ground.sql('create table kept as select * from lane order by opened_at desc limit 1');
    const [lane] = await ground.sql<{ lane: number; batch: number }>('select lane, batch from kept');
    await ground.sql(`${rewind} where lane = $1`, [lane?.lane]);
    expect((await standings(client)).find(({ name }) => name === 'seen')?.behind).toBe(true);
    expect(await advance(client, seen)).toMatchObject({ came: 'stopped', applied: 0 });
    expect(await rowOf('seen')).toMatchObject({ stopped_lane: lane?.lane, stopped_batch: lane?.batch, stopped_because: expect.stringContaining('rewound') });
    await ground.sql('delete from lane where lane in (select lane from kept); insert into lane select * from kept; drop table kept');
    await resumeView(ground.database.url('croupier_worker'), 'seen');
    expect(await advance(client, seen)).toMatchObject({ came: 'current', applied: 0 });
  });

  it('stops where the ledger has a hole, and does not go round it', async () => {
    await bets(5);
    await ground.sql('create table kept as select * from transaction order by at desc offset 2 limit 1');
    const [lost] = await ground.sql<{ lane: number }>('delete from transaction where transaction_id = (select transaction_id from kept) returning lane');
    expect(await feed(client, seen)).toBe('stopped');
    expect(await rowOf('seen')).toMatchObject({ stopped_lane: lost?.lane, stopped_because: expect.stringContaining('hole: of 5 batches behind the position 4 are there') });
    await ground.sql('insert into transaction select * from kept; drop table kept');
    await resumeView(ground.database.url('croupier_worker'), 'seen');
    expect([await feed(client, seen), await wrong()]).toEqual(['current', []]);
  });

  describe('of which lanes are retired', () => {
    const pool = () => ({ query: (text: string) => client.query(text) }) as unknown as pg.Pool;
    const old = () => ground.sql("update lane set opened_at = opened_at - interval '1 hour'");
    const retired = async () => (await ground.sql<{ n: number }>('select count(*) filter (where retired_at is not null)::int as n from lane'))[0]?.n;

    it('keeps those whose connection is there, those that a view has not passed, and those whose connection nobody knows', async () => {
      await old();
      const [first] = await ground.sql<{ n: number }>('select count(*)::int as n from lane where pid not in (select pid from pg_stat_activity)');
      expect(first?.n).toBeGreaterThan(0);
      await ground.sql("update projection set batches = array(select 0 from unnest(batches)) where name = 'revenue'");
      expect([await retireLanes(pool()), await retired()]).toEqual([0, 0]);
      await ground.sql("update projection r set lanes = s.lanes, batches = s.batches from projection s where r.name = 'revenue' and s.name = 'seen'");
      await ground.sql('create table pids as select lane, pid from lane; update lane set pid = null');
      expect([await retireLanes(pool()), await retired()]).toEqual([0, 0]);
      await ground.sql('update lane l set pid = p.pid from pids p where p.lane = l.lane; drop table pids');
      expect([await retireLanes(pool()), await retired()]).toEqual([first?.n, first?.n]);
    });

    it('goes on without them, and a view that is begun later reads them too', async () => {
      await bets(3);
      expect(await feed(client, seen)).toBe('current');
      const live = await ground.sql<{ lane: number }>('select lane from lane where retired_at is null and batch > 0');
      expect((await rowOf('seen'))?.['lanes'].toSorted()).toEqual(live.map(({ lane }) => lane).toSorted());
      expect(await wrong()).toEqual([]);
      await ground.sql("delete from projection where name = 'seen'; truncate seen, seen_sum");
      await makeRows(client, [seen]);
      await advance(client, seen, { most: 1 });
      expect(await rowOf('seen')).toMatchObject({ caught_up: false, as_of: null, applied: '60' }); // the deposits are one batch
      expect([await feed(client, seen, 7), await wrong()]).toEqual(['current', []]);
    });

    it('and that are retired just when a new view has come up to the ledger, hold back nothing', async () => {
      // It knows such a lane at a lower batch, and the lane has gone on since.
      await ground.sql("delete from projection where name = 'seen'; truncate seen, seen_sum");
      await makeRows(client, [seen]);
      expect(await feed(client, seen)).toBe('current');
      await bets(4);
      await feed(client, revenue);
      await ground.sql('update lane set retired_at = now(), retired_batch = batch where retired_at is null');
      expect([await feed(client, seen), await wrong()]).toEqual(['current', []]);
      expect(await feed(client, seen)).toBe('current');
    });

    it('and whose connection is there all the same: nothing is written by it any more, the process goes on with another lane', async () => {
      const seat = ground.seat();
      const [before] = await ground.sql<{ n: number }>('select count(*)::int as n from lane');
      expect([said(await seat.bet('of a retired lane', '1.00')), said(await seat.bet('of a retired lane', '1.00'))]).toEqual(['applied 99.00', 'replayed 99.00']);
      expect(await ground.sql('select count(*)::int as n from lane')).toEqual([{ n: (before?.n ?? 0) + 1 }]);
      expect([await feed(client, seen), await wrong()]).toEqual(['current', []]);
    });
  });
});
