import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type pg from 'pg';
import { connect } from '../../libs/postgres/index.ts';
import { Ground, type Seat } from '../support/ground.ts';

// A month of the ledger is missing, and bets go into the default partition. Who makes the month locks that one, behind a view that reads it, and the bets
// behind him: none of them waits longer than a moment, however long the view reads and however much there is to read. Everybody starts with 100.00 EUR.

/** A quarter of a second for the lock, as much again for what is done behind it, and what a busy machine adds. */
const A_MOMENT_MS = 1_500;

class Missing extends Ground {
  worker!: pg.Client;
  private named = 0;

  override async open(): Promise<void> {
    await super.open();
    this.worker = await connect(this.database.url('croupier_worker'), { name: 'croupier upkeep', settings: { statement_timeout: '2s' } });
    const [row] = await this.sql<{ month: string }>(`select 'transaction_' || to_char(now() at time zone 'UTC', 'YYYY_MM') as month`);
    await this.sql(`alter table transaction detach partition ${row?.month}; insert into transaction select * from ${row?.month}; drop table ${row?.month}`);
  }

  override async close(): Promise<void> {
    await this.worker?.end();
    await super.close();
  }

  /** What came of the ledger's own months, as `<how many months ahead>: <what>`. */
  async makeMonths(): Promise<string[]> {
    const rows = await this.worker.query<{ said: string }>(`select
      (extract(year from age(to_date(month, 'YYYY-MM'), date_trunc('month', now() at time zone 'UTC'))) * 12 + extract(month from age(to_date(month, 'YYYY-MM'), date_trunc('month', now() at time zone 'UTC'))))
      || ': ' || came_to as said from make_months(24) where month_of = 'transaction'`);
    return rows.rows.map(({ said }) => said);
  }

  /** Four players bet until `during` is over: what it came to, and how long the slowest bet took. */
  async betting(during: () => Promise<unknown>): Promise<{ outcomes: string[]; slowestMs: number }> {
    let over = false;
    let slowestMs = 0;
    const outcomes = new Set<string>();
    const strand = async (seat: Seat) => {
      while (!over) {
        const sentAt = performance.now();
        const { status, body } = await seat.bet(`bet-${this.named++}`, '0.01');
        slowestMs = Math.max(slowestMs, performance.now() - sentAt);
        outcomes.add(body.outcome ?? `${status} ${body.code}`);
      }
    };
    const strands = Array.from({ length: 4 }, () => strand(this.seat()));
    await during().finally(() => {
      over = true;
      return Promise.all(strands);
    });
    return { outcomes: [...outcomes], slowestMs };
  }
}

describe('a month that is made while bets go into the default partition', () => {
  const here = new Missing({ players: { EUR: 12 } });
  beforeAll(() => here.open());
  afterAll(() => here.close());

  it('does not hold them up longer than a moment behind a view that goes on reading, and is made when that has ended', async () => {
    const { outcomes, slowestMs } = await here.betting(() => here.whileHeld('select count(*) from transaction', async (release) => {
      for (let i = 0; i < 5; i++) expect(await here.makeMonths()).toEqual(['0: busy: later']);
      await release();
      expect(await here.makeMonths()).toEqual(['0: made']);
    }));
    process.stdout.write(`months: behind a view that reads, the slowest bet took ${Math.round(slowestMs)} ms\n`);
    expect(outcomes).toEqual(['applied']);
    expect(slowestMs).toBeLessThan(A_MOMENT_MS);
    expect(await here.sql('select from transaction_default')).toEqual([]);
  }, 60_000);
});

describe('a default partition with more rows than may be read behind a lock', () => {
  const here = new Missing({ players: { EUR: 8 } });
  beforeAll(() => here.open());
  afterAll(() => here.close());

  it('is left alone, and said: no month is made, and no bet waits; when the rows were moved away it is', async () => {
    await here.sql(`insert into transaction (player_id, operator_id, account_id, currency, version, at, transaction_id, kind, house, amount, balance_after, closes_round, lane, batch)
      select uuidv4(), uuidv4(), 1, 'EUR', 1, '2020-01-05Z'::timestamptz + n * interval '1 s', uuidv4(), 'bet', 1, 0, 0, false, 1, n from generate_series(1, 100001) n`);
    const { outcomes, slowestMs } = await here.betting(async () => {
      for (let i = 0; i < 5; i++) expect(await here.makeMonths()).toEqual(['0: in the default partition', '24: in the default partition']);
    });
    process.stdout.write(`months: beside 100,001 rows of another time, the slowest bet took ${Math.round(slowestMs)} ms\n`);
    expect(outcomes).toEqual(['applied']);
    expect(slowestMs).toBeLessThan(A_MOMENT_MS);
    await here.sql("delete from transaction_default where at < '2020-01-10Z'");
    expect(await here.makeMonths()).toEqual(['0: made']);
  }, 60_000);
});
