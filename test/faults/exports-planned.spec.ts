import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type pg from 'pg';
import { pool } from '../../libs/postgres/index.ts';
import { planDue } from '../../src/views/exports/plan.ts';
import { ground } from '../support/ground.ts';

// What schedules come to, on days of 23 and 25 hours, after a time without workers, and with two at once.

const here = ground({ players: { EUR: 1 } });
let connections: pg.Pool;
beforeAll(() => { connections = pool(here.database.url('croupier_worker'), { name: 'exports of a test' }, 4); });
afterAll(() => connections.end());
const operator = () => here.world.operators[0] as string;

describe('a schedule', () => {
  const plan = async (day: string, at: string, weekday: number | null = null): Promise<string> => (await here.sql<{ id: string }>(`
    insert into export_schedule (operator_id, idempotency_key, digest, name, report, format, filters, period, weekday, at, keep_days, next_day, next_at)
    select operator_id, uuidv4()::text, sha256('x'), 'a plan', 'transactions', 'csv', '{}', 'yesterday', $4, $3::time, 7, $2::date, ($2::date + $3::time) at time zone time_zone
    from operator where operator_id = $1 returning schedule_id as id`, [operator(), day, at, weekday]))[0]?.id as string;
  const madeBy = (id: string) => here.sql<{ due: string; from: string; to: string }>(
    `select to_char(due_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI') as due, filters->>'from' as from, filters->>'to' as to from export where schedule_id = $1 order by due_at`, [id]);
  beforeAll(() => here.sql("update operator set time_zone = 'Europe/Malta', day_starts = '06:00'"));

  const none = () => here.sql('delete from export where schedule_id is not null; delete from export_schedule');

  it('comes once a day where the clock leaves its time out, and where it comes twice', async () => {
    // 2:30 of 30 March 2025 is left out and taken for 3:30; 2:30 of 26 October comes twice and counts the second time.
    const [spring, autumn] = [await plan('2025-03-29', '02:30'), await plan('2025-10-25', '02:30')];
    expect(await planDue(connections, '2025-04-01 00:00Z')).toBe(3);
    expect((await madeBy(spring)).map(({ due }) => due)).toEqual(['2025-03-29 01:30', '2025-03-30 01:30', '2025-03-31 00:30']);
    await here.sql('update export_schedule set removed_at = now() where schedule_id = $1', [spring]);
    expect(await planDue(connections, '2025-10-28 00:00Z')).toBe(3);
    expect((await madeBy(autumn)).map(({ due }) => due)).toEqual(['2025-10-25 00:30', '2025-10-26 01:30', '2025-10-27 01:30']);
    await none();
  });

  it('asks for the gaming day before, also where that has 25 hours', async () => {
    const id = await plan('2025-10-25', '07:00');
    await planDue(connections, '2025-10-27 12:00Z');
    expect(await madeBy(id)).toEqual([
      { due: '2025-10-25 05:00', from: '2025-10-24T04:00:00.000Z', to: '2025-10-25T04:00:00.000Z' },
      { due: '2025-10-26 06:00', from: '2025-10-25T04:00:00.000Z', to: '2025-10-26T05:00:00.000Z' },
      { due: '2025-10-27 06:00', from: '2025-10-26T05:00:00.000Z', to: '2025-10-27T05:00:00.000Z' },
    ]);
    await none();
  });

  it('makes up for what was missed, each time once with two workers, and for the newest 31 at most', async () => {
    const [daily, weekly] = [await plan('2025-05-01', '06:00'), await plan('2025-06-06', '06:00', 5)];
    const made = await Promise.all([planDue(connections, '2025-06-30 12:00Z'), planDue(connections, '2025-06-30 12:00Z')]);
    expect(made.reduce((sum, count) => sum + count)).toBe(31 + 4);
    const [days, weeks] = [await madeBy(daily), await madeBy(weekly)];
    expect([days[0]?.due, days.at(-1)?.due, new Set(days.map(({ due }) => due)).size]).toEqual(['2025-05-31 04:00', '2025-06-30 04:00', 31]);
    expect(weeks.map(({ due }) => due)).toEqual(['2025-06-06 04:00', '2025-06-13 04:00', '2025-06-20 04:00', '2025-06-27 04:00']);
    expect(await planDue(connections, '2025-06-30 12:00Z')).toBe(0);
    await none();
  });
});
