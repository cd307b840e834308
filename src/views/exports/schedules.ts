/** Exports that are asked for by the clock: kept for their operator, and made when they are due. */
import { statement, type Field } from '../../../libs/postgres/index.ts';
import { notFound, refuse } from '../../access/contract.ts';
import { digestOf, filtersOf, type ExportDesk, type Page } from './desk.ts';
import { LIMITS } from './limits.ts';
import type { Format, Period } from './period.ts';
import type { NewSchedule, PageOf, ScheduleView } from './schema.ts';

const ms = (column: string) => `round(date_part('epoch', ${column}) * 1000)::int8`;
const VIEW = `s.schedule_id, s.name, s.report, s.format, s.filters, s.period, to_char(s.at, 'HH24:MI'), s.weekday, s.keep_days, ${ms('s.created_at')},
  case when s.removed_at is null then ${ms('s.next_at')} end`;

/** args: operator. Those who ask at the same time are counted one after the other. */
const inTurn = statement('export_schedule_in_turn', "select pg_advisory_xact_lock(hashtext('exports are planned'), hashtext($1))");
/** The first day from the operator's today on whose time is still to come. A time that the clock leaves out that day is an hour later by the clock. */
const insert = statement('export_schedule_insert', `
insert into export_schedule (operator_id, idempotency_key, digest, name, report, format, filters, period, weekday, at, keep_days, next_day, next_at)
select o.operator_id, $2, decode($3, 'hex'), $4, $5, $6, $7::jsonb, $8, $9::smallint, $10::time, $11::smallint, n.day, n.at
from operator o cross join lateral (
  select d.day, (d.day + $10::time) at time zone o.time_zone as at from (
    select (now() at time zone o.time_zone)::date + ahead as day from generate_series(0, 8) ahead) d
  where (d.day + $10::time) at time zone o.time_zone > now() and ($9::smallint is null or date_part('isodow', d.day) = $9::smallint)
  order by d.day limit 1) n
where o.operator_id = $1::uuid and (select count(*) from export_schedule x where x.operator_id = $1::uuid and x.removed_at is null) < $12::int
  and (select count(*) from export_schedule x where x.operator_id = $1::uuid and x.schedule_id > (select uuidv7(interval '-1 day'))) < $13::int
on conflict (operator_id, idempotency_key) do nothing returning schedule_id`);
const byKey = statement('export_schedule_by_key', `select encode(s.digest, 'hex'), ${VIEW} from export_schedule s where s.operator_id = $1::uuid and s.idempotency_key = $2`);
const remove = statement('export_schedule_remove', `update export_schedule s set removed_at = coalesce(removed_at, now())
where s.operator_id = $1::uuid and s.schedule_id = $2::uuid returning ${VIEW}`);
const pageOf = (name: string, beyond: '<' | '>') => statement(name, `select ${VIEW} from export_schedule s
where s.operator_id = $1::uuid and s.schedule_id ${beyond} $2::uuid and s.removed_at is null order by s.schedule_id ${beyond === '<' ? 'desc' : 'asc'} limit $3::int`);
const older = pageOf('export_schedules_older', '<');
const newer = pageOf('export_schedules_newer', '>');

export class ScheduleDesk {
  constructor(private readonly desk: ExportDesk) {}

  async create(operator: string, key: string, asked: NewSchedule): Promise<{ readonly view: ScheduleView; readonly again: boolean }> {
    const { name, report, format, filters, period, weekday, at, keepDays } = asked;
    if (asked.report === 'statement') await this.desk.expectWallet(operator, asked.filters);
    const digest = digestOf('schedule', asked);
    const made = [operator, key, digest, name, report, format, JSON.stringify(filters), period, weekday ?? null, at, keepDays, LIMITS.schedules, LIMITS.aDay];
    const [, inserted, found] = await this.desk.write(operator, [inTurn([operator]), insert(made), byKey([operator, key])]);
    const [known, ...row] = found?.[0] ?? [];
    if (known === undefined) throw refuse('THROTTLED', `there are ${LIMITS.schedules} schedules already, or ${LIMITS.aDay} were made within 24 hours: remove one of them, or ask later`, { headers: { 'retry-after': '60' } });
    if (known !== digest) throw refuse('TRANSACTION_CONFLICT', 'this Idempotency-Key is known with another command');
    return { view: viewOf(row), again: inserted?.length !== 1 };
  }

  list(operator: string, query: PageOf): Promise<Page<ScheduleView>> {
    return this.desk.page({
      operator, list: 'export schedules', query, itemOf: viewOf, idOf: ({ scheduleId }) => scheduleId,
      rows: (back, from, take) => (back ? newer : older)([operator, from, take]),
    });
  }

  /** What it has asked for already stays. */
  async remove(operator: string, id: string): Promise<ScheduleView> {
    const [found] = await this.desk.write(operator, [remove([operator, id])]);
    if (!found?.[0]) throw notFound();
    return viewOf(found[0]);
  }
}

function viewOf([id, name, report, format, filters, period, at, weekday, keepDays, created, next]: readonly Field[]): ScheduleView {
  return {
    scheduleId: id as string, name: name as string, report: report as string, format: format as Format, filters: filtersOf(filters), period: period as Period,
    at: at as string, ...(weekday != null && { weekday: Number(weekday) }), keepDays: Number(keepDays), createdAt: new Date(Number(created)).toISOString(),
    ...(next != null && { nextAt: new Date(Number(next)).toISOString() }),
  };
}
