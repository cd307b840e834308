/** What schedules come to when their time has come. */
import type pg from 'pg';
import { spanOf } from './period.ts';

/** Due times that were missed and are made up for, at most: the newest. */
const MOST_MISSED = 31;

/**
 * What is due becomes exports, and each schedule goes on to its next day. One statement: two workers at once skip each other's schedules, and one
 * that ends in between has done nothing. Each time that was missed is made up for once, with the period that it would have had.
 * args: missed times at most, now
 */
const PLAN = `
with due as (
  select s.*, o.time_zone, o.day_starts from export_schedule s join operator o on o.operator_id = s.operator_id
  where s.removed_at is null and s.next_at <= $2::timestamptz order by s.next_at limit 20 for update of s skip locked),
days as (
  select due.*, day::date as due_day, (day::date + due.at) at time zone due.time_zone as due_at
  from due cross join lateral generate_series(due.next_day::timestamp, ($2::timestamptz at time zone due.time_zone)::date + interval '8 days',
    case when due.weekday is null then interval '1 day' else interval '7 days' end) day),
ranked as (select *, row_number() over (partition by schedule_id order by due_at desc) as back from days where due_at <= $2::timestamptz),
made as (
  insert into export (operator_id, schedule_id, due_at, report, format, filters, keep_days)
  select r.operator_id, r.schedule_id, r.due_at, r.report, r.format, r.filters || ${spanOf('r', 'r.report', 'r.period', 'r.due_at')}, r.keep_days
  from ranked r where r.back <= $1::int order by r.due_at
  on conflict (schedule_id, due_at) do nothing returning export_id),
moved as (
  update export_schedule s set next_day = n.due_day, next_at = n.due_at
  from (select schedule_id, min(due_day) as due_day, min(due_at) as due_at from days where due_at > $2::timestamptz group by 1) n
  where s.schedule_id = n.schedule_id)
select count(*)::int as made from made`;

/** Answers how many exports were asked for. `now`: as the database takes it, unless said otherwise. */
export async function planDue(pool: pg.Pool, now = 'now'): Promise<number> {
  return (await pool.query<{ made: number }>(PLAN, [MOST_MISSED, now])).rows[0]?.made ?? 0;
}
