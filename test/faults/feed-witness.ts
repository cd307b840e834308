/** A view that remembers how often it was told of each transaction, whoever feeds it, and a real one beside it to go on while this one stops. */
import { expect } from '@jest/globals';
import type pg from 'pg';
import { connect } from '../../libs/postgres/index.ts';
import { PROJECTIONS } from '../../src/installed.ts';
import type { Projection } from '../../src/views/contract.ts';
import { advance, STEP_SETTINGS, type Step } from '../../src/views/feed/advance.ts';
import { makeRows } from '../../src/views/feed/rows.ts';
import { asSuperuser, type TestDatabase } from '../support/cluster.ts';

/** Two statements, so that one may be done and the other not. */
export const seen: Projection = {
  name: 'seen', tables: ['seen', 'seen_sum'],
  applies: [
    `insert into seen (operator_id, transaction_id, amount, times) select operator_id, transaction_id, amount, 1 from fed
     on conflict (transaction_id) do update set times = seen.times + 1`,
    `insert into seen_sum (operator_id, rows, amount) select operator_id, count(*), sum(amount) from fed group by 1
     on conflict (operator_id) do update set rows = seen_sum.rows + excluded.rows, amount = seen_sum.amount + excluded.amount`,
  ],
};
export const revenue = PROJECTIONS.find(({ name }) => name === 'revenue') as Projection;

/** A bet of 13.00 cannot be applied. */
export const NO_13 = 'alter table seen add constraint no_13 check (amount <> -13000000)';

const TABLES = `
create table seen (operator_id uuid not null, transaction_id uuid primary key, amount bigint not null, times int not null);
create table seen_sum (operator_id uuid primary key, rows bigint not null, amount numeric not null);
select guard_view_table('seen'); select guard_view_table('seen_sum')`;

/** Its tables, and rows for these views. */
export async function installSeen(database: TestDatabase, also: readonly Projection[] = [revenue]): Promise<void> {
  await asSuperuser(database.url('croupier_owner'), TABLES);
  const client = await feedOf(database);
  await makeRows(client, [seen, ...also]);
  await client.end();
}

/** A connection as the worker has them. */
export const feedOf = (database: TestDatabase): Promise<pg.Client> => connect(database.url('croupier_worker'), { name: 'croupier feed', settings: STEP_SETTINGS });

/** Until it has come up to the ledger, or stands still. */
export async function feed(client: pg.ClientBase, view: Projection, most?: number): Promise<Step['came']> {
  for (;;) {
    const { came } = await advance(client, view, most === undefined ? {} : { most });
    if (came !== 'behind') return came;
  }
}

/** How the view differs from the ledger, a line a difference; empty where each transaction is in it once. */
export async function unlike(database: TestDatabase): Promise<string[]> {
  const rows = await asSuperuser<{ what: string }>(database.url('superuser'), `
    select format('transaction %s was told %s times', coalesce(t.transaction_id, s.transaction_id), coalesce(s.times, 0)) as what
      from transaction t full join seen s using (transaction_id) where s.times is distinct from 1 or t.transaction_id is null
    union all select format('sums of %s: %s rows, the ledger has %s', coalesce(x.operator_id, s.operator_id), s.rows, x.rows)
      from (select operator_id, count(*) as rows, sum(amount) as amount from transaction group by 1) x full join seen_sum s using (operator_id)
      where (s.rows, s.amount) is distinct from (x.rows, x.amount)`);
  return rows.map(({ what }) => what);
}

/** What reports say, from the ledger itself and from the view, where only bets were rolled back: equal once it has come up to it. */
export async function expectRevenueOfLedger(database: TestDatabase): Promise<void> {
  const [row] = await asSuperuser<{ ledger: string; view: string }>(database.url('superuser'), `select
    (select concat_ws(' ', count(*) filter (where kind = 'bet'), count(*) filter (where kind = 'win'), sum(coalesce(debt, 0) - amount) filter (where kind in ('bet', 'rollback'))) from transaction) as ledger,
    (select concat_ws(' ', sum(bets), sum(wins), sum(turnover)) from revenue_day) as view`);
  expect(row?.view).toBe(row?.ledger);
}
