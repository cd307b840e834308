import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { setTimeout as pause } from 'node:timers/promises';
import { Registry } from '@prometheus-io/client';
import pg from 'pg';
import { statement } from '../../libs/postgres/index.ts';
import { PROJECTIONS } from '../../src/installed.ts';
import { rebuildCommand } from '../../src/views/feed/rebuild-command.ts';
import { CannotRebuild, rebuild, type Patience, type Rebuilt } from '../../src/views/feed/rebuild.ts';
import { makeRows } from '../../src/views/feed/rows.ts';
import type { Projection } from '../../src/views/contract.ts';
import { Reads } from '../../src/views/reads.ts';
import { expectRevenueOfLedger, feed, feedOf, installSeen, NO_13, revenue, seen, unlike } from '../faults/feed-witness.ts';
import { Ground, type Seat } from '../support/ground.ts';

// A view is made anew beside the live one and takes its place, while bets go on and the live one is fed.

const VIEWS = [...PROJECTIONS, seen];

/** A step of the copy lasts until the live view has moved on, so that there is always more to do; in vain after twelve seconds. */
const MOVES_ON = `
create function moves_on() returns boolean language plpgsql as $$
declare stood bigint := (select applied from projection where name = 'seen' and not building);
begin
  for i in 1..100 loop
    perform pg_sleep(0.12);
    if (select applied from projection where name = 'seen' and not building) > stood then return true; end if;
  end loop;
  return false;
end $$`;
const seenTooSlowly: Projection = { ...seen, applies: [...seen.applies, 'insert into seen_sum (operator_id, rows, amount) select gen_random_uuid(), 0, 0 where not moves_on()'] };

/** What a table is beside its rows. */
const SHAPES = `
select c.relname as name, pg_get_userbyid(c.relowner) as owner, c.reloptions as options, obj_description(c.oid, 'pg_class') as comment, c.relrowsecurity, c.relforcerowsecurity,
  (select array_agg(a::text order by a::text) from unnest(c.relacl) a) as grants,
  (select jsonb_agg(jsonb_build_array(policyname, roles::text, qual, with_check) order by policyname) from pg_policies p where p.tablename = c.relname and p.schemaname = 'public') as policies,
  (select jsonb_agg(jsonb_build_array(attname, atttypid::regtype, attnotnull, attstorage, attcollation, col_description(c.oid, attnum),
    (select pg_get_expr(adbin, adrelid) from pg_attrdef where adrelid = c.oid and adnum = attnum)) order by attnum) from pg_attribute where attrelid = c.oid and attnum > 0) as columns,
  (select jsonb_agg(pg_get_indexdef(indexrelid) order by pg_get_indexdef(indexrelid)) from pg_index where indrelid = c.oid) as indexes,
  (select jsonb_agg(jsonb_build_array(conname, contype, pg_get_constraintdef(oid)) order by conname) from pg_constraint where conrelid = c.oid) as constraints
from pg_class c where c.relname = any($1) and c.relnamespace = 'public'::regnamespace order by 1`;

describe('a view that is rebuilt', () => {
  const ground = new Ground({ players: { EUR: 8 }, balance: 100_000_000_000n });
  let client: pg.Client;
  const seats: Seat[] = [];
  let named = 0;
  beforeAll(async () => {
    await ground.open();
    await installSeen(ground.database, PROJECTIONS);
    client = await feedOf(ground.database);
    for (let i = 0; i < 8; i++) seats.push(ground.seat());
    await play(120);
    await current();
  });
  afterAll(async () => {
    await client?.end();
    await ground.close();
  });

  async function play(bets: number): Promise<void> {
    await Promise.all(seats.map(async (seat, i) => {
      for (let n = 0; n < bets / seats.length; n++) {
        const reference = `bet-${named++}`;
        const roundId = `r-${i}-${Math.floor(n / 3)}`;
        await seat.bet(reference, '1.00', { roundId });
        if (n % 5 === 1) await seat.win(`win-${reference}`, '2.50', { roundId });
        if (n % 7 === 1) await seat.rollback(`undo-${reference}`, reference);
      }
    }));
  }
  async function current(): Promise<void> {
    for (const view of VIEWS) expect([view.name, await feed(client, view)]).toEqual([view.name, 'current']);
  }
  const made = (view: Projection, options: { replace?: boolean; progress?: (sentence: string) => void; patience?: Patience } = {}): Promise<Rebuilt> =>
    rebuild(view, { ownerUrl: ground.database.url('croupier_owner'), replace: false, progress: () => undefined, ...options });
  async function said(view: Projection, replace: boolean): Promise<[code: number, ...lines: string[]]> {
    const lines: string[] = [];
    const code = await rebuildCommand(ground.database.url('croupier_owner'), view, replace, { line: (text) => lines.push(text), progress: () => undefined });
    return [code, ...lines];
  }
  const left = () => ground.sql<{ name: string }>("select tablename as name from pg_tables where schemaname = 'rebuild' union all select name from projection where building");
  const generation = async (view: Projection) => (await ground.sql<{ generation: number }>('select generation from projection where name = $1 and not building', [view.name]))[0]?.generation;

  it('under load is equal to the live one row by row, and its tables are what they were', async () => {
    const tables = VIEWS.flatMap((view) => view.tables);
    const before = await ground.sql(SHAPES, [tables]);
    let over = false;
    const load = (async () => {
      while (!over) await play(16);
    })();
    const worker = await feedOf(ground.database);
    const fed = (async () => {
      while (!over) {
        for (const view of VIEWS) await feed(worker, view);
        await pause(5);
      }
    })();
    const told: string[] = [];
    try {
      for (const view of VIEWS) {
        const { swapped, differences, applied } = await made(view, { progress: (sentence) => told.push(sentence) });
        expect([view.name, swapped, differences]).toEqual([view.name, true, []]);
        expect(applied).toBeGreaterThan(100);
      }
    } finally {
      over = true;
      await Promise.all([load, fed]);
      await worker.end();
    }
    expect(told).toContainEqual(expect.stringMatching(/^\d+ %, \d+ transactions, \d+ a second$/));
    await current();
    expect(await unlike(ground.database)).toEqual([]);
    await expectRevenueOfLedger(ground.database);
    expect(await ground.sql(SHAPES, [tables])).toEqual(before);
    expect([await left(), await generation(seen), await generation(revenue)]).toEqual([[], 2, 2]);
  }, 60_000);

  it('and was edited by hand is not replaced: the row is named; with --replace it is put right', async () => {
    const [edited] = await ground.sql<{ day: string; account_id: number }>(
      "update revenue_day set turnover = turnover + 1 where game_id = 'game-1' returning day::text, account_id");
    await ground.sql("insert into revenue_hour (operator_id, hour, account_id, currency, bets) values ($1, '2020-01-01T00:00Z', 1, 'EUR', 7)", [ground.world.operators[0]]);
    const [turnover] = await ground.sql<{ turnover: string }>("select turnover::text from revenue_day where game_id = 'game-1'");
    const [code, ...lines] = await said(revenue, false);
    expect([code, lines[0], lines[2]]).toEqual([1, 'revenue_day: 1 row differs', 'revenue_hour: 1 row differs']);
    expect(lines[1]).toContain(`day ${edited?.day}`);
    expect(lines[1]).toMatch(new RegExp(`: turnover live ${turnover?.turnover}, rebuilt ${BigInt(turnover?.turnover ?? 0) - 1n}$`));
    expect(lines[3]).toMatch(/hour 2020-01-01T00:00:00\+00:00.*bets live 7, rebuilt -/);
    expect(lines.at(-1)).toContain('--replace');
    expect(await ground.sql("select turnover::text from revenue_day where game_id = 'game-1'")).toEqual([turnover]);
    expect(await left()).toEqual([]);
    expect((await said(revenue, true))[0]).toBe(0);
    await expectRevenueOfLedger(ground.database);
    expect((await said(revenue, false))[0]).toBe(0);
  });

  it('and whose rebuild is broken off is as it was, can be fed, and can be rebuilt again; two rebuilds at a time are one too many', async () => {
    const before = await generation(seen);
    const begun = made(seen, { progress: () => { throw new Error('broken off'); } });
    await expect(begun).rejects.toThrow('broken off');
    // As a process that is killed leaves it.
    await ground.sql("create table rebuild.seen (x int); insert into projection (name, building) values ('seen', true)");
    await play(8);
    expect([await feed(client, seen), await unlike(ground.database)]).toEqual(['current', []]);
    await ground.whileHeld("select pg_advisory_lock(hashtext('croupier rebuild'), hashtext('seen'))", async () => {
      await expect(made(seen)).rejects.toThrow(CannotRebuild);
    });
    expect(await made(seen)).toMatchObject({ swapped: true, differences: [] });
    expect([await left(), await generation(seen)]).toEqual([[], (before ?? 0) + 1]);
  });

  it('is left alone where the copy cannot be made: the transaction that is in the way is named', async () => {
    const reference = `bet-${named++}`;
    const { body } = await (seats[0] as Seat).bet(reference, '13.00');
    await current();
    await ground.sql(`${NO_13} not valid`);
    const [code, line] = await said(seen, true);
    expect([code, line]).toEqual([1, expect.stringMatching(new RegExp(`came no further than lane \\d+, batch \\d+, transaction ${body.transactionId}: .*no_13`))]);
    await ground.sql('alter table seen drop constraint no_13');
    expect([await feed(client, seen), await left(), await unlike(ground.database)]).toEqual(['current', [], []]);
  });

  it('is given up after 3 rounds in vain where the ledger grows as fast as it is applied: nothing of the copy is left, the live one goes on', async () => {
    await ground.sql(MOVES_ON);
    const before = await generation(seen);
    let over = false;
    const growing = (async () => {
      while (!over) {
        await play(8);
        await feed(client, seen);
      }
    })();
    try {
      await expect(made(seenTooSlowly, { patience: { nearMs: 100, vainRounds: 3, longestStillMs: 100, swapTries: 80 } })).rejects.toThrow(
        new CannotRebuild('the ledger grows as fast as it can be applied; the live view is as it was: try in a quieter hour'));
    } finally {
      over = true;
      await growing;
    }
    expect([await left(), await generation(seen), await feed(client, seen), await unlike(ground.database)]).toEqual([[], before, 'current', []]);
  });

  it('is not given up after 3 rounds in vain where what is left to do is little', async () => {
    const before = await generation(seen);
    expect(await made(seen, { patience: { nearMs: 0, vainRounds: 3, longestStillMs: 60_000, swapTries: 80 } })).toMatchObject({ swapped: true, differences: [] });
    expect(await generation(seen)).toBe((before ?? 0) + 1);
  });

  it('waits for the step of whoever feeds it, also for one of six seconds', async () => {
    await ground.whileHeld("select from projection where name = 'seen' and not building for update", async (release) => {
      const swapped = made(seen);
      swapped.catch(() => undefined);
      await pause(6_000);
      await release();
      expect(await swapped).toMatchObject({ swapped: true, differences: [] });
    });
  });

  it('goes on while it is compared with its copy, and neither is taken for different', async () => {
    await ground.sql('create table seen_gate (operator_id uuid not null, id int primary key); alter table seen_gate owner to croupier_owner');
    const gated: Projection = { ...seen, tables: ['seen_gate', ...seen.tables] };
    const lock = new pg.Client(ground.database.url('superuser'));
    await lock.connect();
    await lock.query('begin');
    let locked: Promise<unknown> | undefined;
    const rebuilt = made(gated, { progress: () => void (locked ??= lock.query('lock table seen_gate in access exclusive mode')) });
    rebuilt.catch(() => undefined);
    const waiting = "select count(*)::int as count from pg_stat_activity where application_name = 'croupier rebuild' and wait_event_type = 'Lock'";
    for (let i = 0; i < 200 && (await ground.sql<{ count: number }>(waiting))[0]?.count !== 1; i++) await pause(50);
    await locked;
    const before = (await ground.sql<{ count: number }>('select count(*)::int as count from seen'))[0]?.count ?? 0;
    await play(40);
    expect(await feed(client, seen)).toBe('current');
    expect((await ground.sql<{ count: number }>('select count(*)::int as count from seen'))[0]?.count).toBeGreaterThanOrEqual(before + 40);
    await lock.query('rollback');
    await lock.end();
    expect(await rebuilt).toMatchObject({ swapped: true, differences: [] });
    expect([await feed(client, seen), await unlike(ground.database)]).toEqual(['current', []]);
  });

  it('waits for whoever reads it, so that nobody waits for the swap longer than a moment', async () => {
    await ground.whileHeld('lock table seen in access share mode', async (release) => {
      const swapped = made(seen);
      await pause(1_500);
      const asked = performance.now();
      await ground.sql('select count(*) from seen');
      expect(performance.now() - asked).toBeLessThan(1_000);
      await release();
      expect(await swapped).toMatchObject({ swapped: true });
    });
  });

  it('is shown whole to who began to read it before another took its place', async () => {
    const reads = new Reads({ primaryUrl: ground.database.url('croupier_read'), replicaUrls: [], lagLimitMs: 1_000, registry: new Registry() });
    await reads.start();
    const sleep = statement('rebuild_sleep', 'select pg_sleep(1.5)');
    const count = statement<[string]>('rebuild_count', 'select count(*) from seen');
    const operator = (seats[0] as Seat).player.operatorId;
    await play(8);
    await feed(client, seen);
    const reading = reads.at().projected(operator, ['seen'], [sleep(), count()], [], 5_000);
    await pause(300);
    expect(await made(seen)).toMatchObject({ swapped: true, differences: [] });
    const { rows: [, [row]] } = await reading;
    await reads.close();
    expect(row).toEqual([String((await ground.sql('select from transaction where operator_id = $1', [operator])).length)]);
  });

  it('is given up where somebody reads it all the time, in one sentence, and goes on', async () => {
    const before = await generation(seen);
    await ground.whileHeld('lock table seen in access share mode', async (release) => {
      await expect(made(seen, { patience: { nearMs: 1_000, vainRounds: 3, longestStillMs: 60_000, swapTries: 3 } })).rejects.toThrow(
        new CannotRebuild('somebody read the view at each of 3 times that its tables were asked for; it is as it was: see who does in pg_stat_activity, and try again'));
      expect([await left(), await generation(seen), await feed(client, seen)]).toEqual([[], before, 'current']);
      await release();
    });
  });

  it('after lanes were retired has what they wrote, and drops them from its position', async () => {
    await ground.sql("update lane set retired_at = now(), retired_batch = batch where pid not in (select pid from pg_stat_activity)");
    await play(8);
    await current();
    const lanes = async () => (await ground.sql<{ n: number }>("select cardinality(lanes) as n from projection where name = 'seen'"))[0]?.n;
    expect(await lanes()).toBe(1);
    expect(await made(seen)).toMatchObject({ swapped: true, differences: [] });
    await play(8);
    await current();
    expect([await lanes(), await unlike(ground.database)]).toEqual([1, []]);
  });

  it('begins where one is installed later with the whole history, in any size of step', async () => {
    await ground.sql("delete from projection where name = 'seen'; truncate seen, seen_sum");
    await makeRows(client, [seen]);
    expect([await feed(client, seen, 3), await unlike(ground.database)]).toEqual(['current', []]);
    // In steps of another size: the same rows.
    expect(await made(seen)).toMatchObject({ swapped: true, differences: [] });
  });
});
