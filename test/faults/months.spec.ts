import { afterEach, describe, expect, it } from '@jest/globals';
import { setTimeout as pause } from 'node:timers/promises';
import { ground, said, type Action, type Ground, type Seat } from '../support/ground.ts';
import { ready, serveProcess, type Process } from '../support/server.ts';
import { verified } from './fleet.ts';

// Months of the ledger are missing, for whatever reason: bets are accepted all the same, and a worker makes the months while they go on.
// Everybody starts with 100.00 EUR.

const workers: Process[] = [];
afterEach(async () => {
  for (const worker of workers) worker.kill('SIGTERM');
  expect(await Promise.all(workers.splice(0).map(({ exited }) => exited))).toEqual(expect.not.arrayContaining([expect.any(String)]));
});

async function startWorker({ database }: Ground): Promise<Process> {
  const env = { ROLE: 'worker', DATABASE_WORKER_URL: database.url('croupier_worker'), DATABASE_READ_URL: database.url('croupier_read'), LOG_LEVEL: 'info' };
  const worker = await serveProcess(database.url('croupier_money'), env, { untilReady: false });
  workers.push(worker);
  await ready(worker);
  return worker;
}

const linesWith = (worker: Process, text: string) => worker.output().split('\n').filter((line) => line.includes(text)).map((line) => JSON.parse(line) as { msg: string });
const alertsOf = (worker: Process) => linesWith(worker, '"alert":true');
const monthAt = (ahead: number) => {
  const now = new Date();
  return new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + ahead, 1)).toISOString().slice(0, 7);
};
const partition = (table: string, ahead: number) => `${table}_${monthAt(ahead).replace('-', '_')}`;

async function ahead(here: Ground): Promise<number> {
  const [row] = await here.sql<{ ahead: number }>('select months_made() as ahead');
  return row?.ahead as number;
}

async function until<T>(what: string, look: () => Promise<T | undefined> | T | undefined, withinMs = 20_000): Promise<T> {
  for (const deadline = performance.now() + withinMs; ; await pause(25)) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (performance.now() > deadline) throw new Error(`not within ${withinMs / 1000} s: ${what}`);
  }
}

/** A view that reads the ledger just then makes it wait for the queue's next try, five seconds later. */
const all24 = (here: Ground) => until('24 months ahead', async () => ((await ahead(here)) === 24 ? true : undefined), 60_000);

async function metric(worker: Process, sample: string): Promise<number> {
  const text = await (await fetch(`${worker.baseUrl}/metrics`)).text();
  return Number(text.split('\n').find((line) => line.startsWith(`${sample} `))?.split(' ').at(-1));
}

/** Eight players bet all the time, until `during` is over: what their bets came to, and how long the slowest took. */
async function betting(here: Ground, during: () => Promise<unknown>): Promise<string> {
  let over = false;
  let slowest = 0;
  const outcomes = new Map<string, number>();
  const strand = async ({ bet }: Seat, i: number) => {
    for (let n = 0; !over; n++) {
      const sentAt = performance.now();
      const { status, body } = await bet(`strand-${i}-${n}`, '0.01');
      slowest = Math.max(slowest, performance.now() - sentAt);
      const outcome = body.outcome ?? `${status} ${body.code}`;
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    }
  };
  const strands = Array.from({ length: 8 }, (_, i) => strand(here.seat(), i));
  await during().finally(() => {
    over = true;
    return Promise.all(strands);
  });
  process.stdout.write(`months: ${[...outcomes].join(' ')} bets meanwhile, the slowest took ${Math.round(slowest)} ms\n`);
  return [...outcomes.keys()].join();
}

/** As it is when a month begins that nobody made: its rows are in the default partition. */
const lose = (here: Ground, table: string) => here.sql(`
  alter table ${table} detach partition ${partition(table, 0)};
  insert into ${table} select * from ${partition(table, 0)};
  drop table ${partition(table, 0)}`);

const inDefault = async (here: Ground) => Number((await here.sql<{ rows: string }>('select count(*) as rows from transaction_default'))[0]?.rows);

/** What a partition is beside its rows, with its own name left out. */
const SHAPES = `
  select c.relname as name, replace(jsonb_build_array(
    pg_get_userbyid(c.relowner), c.relrowsecurity, c.relforcerowsecurity, c.reloptions,
    (select jsonb_agg(jsonb_build_array(policyname, permissive, roles::text, cmd, qual, with_check) order by policyname)
      from pg_policies p where p.tablename = c.relname),
    (select jsonb_agg(jsonb_build_array(attname, atttypid::regtype, attnotnull, attstorage, attcollation) order by attnum)
      from pg_attribute where attrelid = c.oid and attnum > 0),
    (select jsonb_agg(regexp_replace(pg_get_indexdef(indexrelid), 'INDEX \\S+', '') order by pg_get_indexdef(indexrelid)) from pg_index where indrelid = c.oid),
    (select jsonb_agg(jsonb_build_array(contype, pg_get_constraintdef(oid)) order by contype, pg_get_constraintdef(oid)) from pg_constraint where conrelid = c.oid)
  )::text, c.relname, '…') as shape
  from pg_class c join pg_inherits i on i.inhrelid = c.oid where i.inhparent = $1::regclass and pg_get_expr(c.relpartbound, c.oid) <> 'DEFAULT' order by 1`;

describe('months that are missing', () => {
  const here = ground({ players: { EUR: 8 } });

  it('are made by a worker while bets go on, with the rows\' security, indexes and constraints of their siblings', async () => {
    for (let i = 3; i < 12; i++) await here.sql(`drop table ${partition('transaction', i)}`);
    await here.sql(`drop table ${partition('verdict', 5)}`);
    expect(await ahead(here)).toBe(2);
    const outcomes = await betting(here, async () => {
      const worker = await startWorker(here);
      await all24(here);
      // 3 to 11 of one, 5 of the other, and the 24th of both.
      expect(worker.output().match(/"msg":"made (transaction|verdict) of \d{4}-\d\d"/g)).toHaveLength(12);
      expect(alertsOf(worker)).toEqual([]);
      expect(await until('the run is counted', async () => (await metric(worker, 'croupier_jobs_total{job="months",result="done"}')) || undefined)).toBe(1);
      expect(await metric(worker, 'croupier_months_missing')).toBe(0);
    });
    expect(outcomes).toBe('applied');
    for (const table of ['transaction', 'verdict']) {
      const shapes = await here.sql<{ name: string; shape: string }>(SHAPES, [table]);
      expect(shapes).toHaveLength(25);
      const [sibling] = shapes;
      expect(sibling?.shape).toContain('one_tenant');
      for (const { name, shape } of shapes) expect([name, shape]).toEqual([name, sibling?.shape]);
    }
    expect(await verified(here.database)).toMatch(/All \d+ invariants hold/);
  }, 120_000);
});

describe('a ledger that somebody holds', () => {
  const here = ground({ players: { EUR: 8 } });

  it('is waited for 250 ms and no longer, quietly, and a later try makes the month', async () => {
    await here.sql(`drop table ${partition('transaction', 7)}`);
    // A reader of the whole ledger, as `cli verify` is one.
    const outcomes = await betting(here, () => here.whileHeld('select count(*) from transaction', async (release) => {
      const worker = await startWorker(here);
      await until('it was tried twice', async () => ((await metric(worker, 'croupier_jobs_total{job="months",result="later"}')) >= 2 ? true : undefined));
      // Of a month far ahead one line tells, however often it is tried.
      expect(linesWith(worker, 'busy: later')).toEqual([expect.objectContaining({ level: 'info', table: 'transaction', month: monthAt(7), cameTo: 'busy: later' })]);
      expect(await metric(worker, 'croupier_months_missing')).toBe(1);
      const startedAt = performance.now();
      expect(await here.sql('select * from make_months(24)')).toEqual([{ month_of: 'transaction', month: monthAt(7), came_to: 'busy: later' }]);
      const waited = performance.now() - startedAt;
      process.stdout.write(`months: waited ${Math.round(waited)} ms for the ledger\n`);
      expect([waited > 240, waited < 1_000]).toEqual([true, true]);
      await release();
      await all24(here);
      await until('all months are told as made', async () => ((await metric(worker, 'croupier_months_missing')) === 0 ? true : undefined));
      expect([alertsOf(worker), linesWith(worker, '"level":"warn"'), await metric(worker, 'croupier_jobs_total{job="months",result="failed"}')]).toEqual([[], [], Number.NaN]);
    }));
    expect(outcomes).toBe('applied');
  }, 120_000);

  it('of which a month was detached by hand is reported and left as it is', async () => {
    await here.sql(`alter table transaction detach partition ${partition('transaction', 9)}`);
    const worker = await startWorker(here);
    const [alert] = await until('an alert', () => (alertsOf(worker).length > 0 ? alertsOf(worker) : undefined));
    expect(alert).toMatchObject({ month: monthAt(9), cameTo: 'a table of its name is no partition' });
    expect(await ahead(here)).toBe(8);
  });
});

describe('the turn of a month that nobody made', () => {
  const here = ground({ players: { EUR: 10 } });
  const more = ground({ players: { EUR: 10 } });

  async function play(at: Ground, rows: number): Promise<void> {
    const seat = at.seat();
    for (let n = 0; n < rows / 100; n++) {
      const actions = Array.from({ length: 50 }, (_, i) => [
        { type: 'bet', transactionId: `p${n}-${i}`, amount: '0.01' },
        { type: 'win', transactionId: `p${n}-${i}`, amount: '0.01' },
      ] as Action[]).flat();
      expect((await seat.play(actions)).status).toBe(200);
    }
  }
  const readyOf = async (at: Ground) => {
    const answer = await fetch(`${at.served.baseUrl}/health/ready`);
    return [answer.status, ((await answer.json()) as { info: Record<string, unknown> }).info['months']];
  };
  const WARNING = { status: 'up', ahead: -1, warning: expect.stringContaining('is a worker running?') };

  it('stops no bet, and ready says so; then a worker moves the rows, up to 10,000, while bets go on', async () => {
    await lose(here, 'transaction');
    await lose(here, 'verdict');
    expect(said(await here.seat().bet('first', '1'))).toBe('applied 99.00');
    expect(await readyOf(here)).toEqual([200, WARNING]);
    // Bets that come until the try after one that found the ledger busy, five seconds later, are moved with them.
    await play(here, 4_000);
    expect(await inDefault(here)).toBe(4_013); // 12 deposits, a bet, 40 plays of 100 actions
    expect(await verified(here.database)).toMatch(/All \d+ invariants hold/);

    const outcomes = await betting(here, async () => {
      await startWorker(here);
      await all24(here);
    });
    expect(outcomes).toBe('applied');
    expect(await inDefault(here)).toBe(0);
    expect(await readyOf(here)).toEqual([200, { status: 'up', ahead: 24 }]);
    expect(await verified(here.database)).toMatch(/All \d+ invariants hold/);
  }, 120_000);

  it('leaves more than 10,000 rows where they are and reports them; bets go on', async () => {
    await lose(more, 'transaction');
    await play(more, 10_000);
    const outcomes = await betting(more, async () => {
      const worker = await startWorker(more);
      const [alert] = await until('an alert', () => (alertsOf(worker).length > 0 ? alertsOf(worker) : undefined));
      expect(alert).toMatchObject({ table: 'transaction', month: monthAt(0), cameTo: 'in the default partition' });
      // The other table's month may have found the ledger busy, bets or a view's step: it is made a few seconds later.
      await until('the other month is made', async () => ((await metric(worker, 'croupier_months_missing')) === 1 ? true : undefined));
    });
    expect(outcomes).toBe('applied');
    expect(await ahead(more)).toBe(-1);
    expect(await inDefault(more)).toBeGreaterThan(10_000);
    expect(await verified(more.database)).toMatch(/All \d+ invariants hold/);
  }, 120_000);
});
