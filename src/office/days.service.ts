import { Injectable } from '@nestjs/common';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { z } from 'zod';
import { refuse } from '../access/contract.ts';
import { Office } from './office.ts';
import { once, type Asked } from './once.ts';
import type { DayLock } from './schemas.ts';

type View = z.infer<typeof DayLock>;

/** Nobody adds to revenue while its rows are held, neither to what is shown nor to a copy that is being made. */
const HOLD = "select from projection where name = 'revenue' order by building for update";
/** args: day, operator · `over`: it has ended; `complete`: all that was committed by its end is in revenue */
const STANDING = `
select over, coalesce(bool_and(r.caught_up and r.state = 'following' and (r.as_of >= ends or not exists (
  select from lane l where l.retired_at is null and l.batch > coalesce(r.batches[array_position(r.lanes, l.lane)], 0)))), false) as complete
from (select day_begins(?::date + 1, time_zone, day_starts) as ends, clock_timestamp() >= day_begins(?::date + 1, time_zone, day_starts) as over
  from operator where operator_id = ?::uuid) day
left join projection r on r.name = 'revenue' and not r.building group by over`;
/**
 * args: operator, day, day, operator. The position is the further one where a copy is being made, so that both count the same as late. A lane that
 * was retired is in no position any more: those of the day's time are named here, for a copy that is made later meets their rows again.
 */
const LOCK = `
insert into locked_day (operator_id, day, lanes, batches)
select ?::uuid, ?::date, coalesce(array_agg(lane order by lane), '{}'), coalesce(array_agg(batch order by lane), '{}')
from (select lane, max(batch) as batch from (
  select at.lane, at.batch from projection r cross join unnest(r.lanes, r.batches) at(lane, batch) where r.name = 'revenue'
  union all
  select l.lane, l.batch from lane l join operator p on l.retired_at >= day_begins(?::date - 1, p.time_zone, p.day_starts) where p.operator_id = ?::uuid
) known group by lane) position
on conflict do nothing`;

@Injectable()
export class DaysService {
  constructor(private readonly office: Office) {}

  /** From its commit on whatever is added to the day counts as late. */
  lock(asked: Asked, day: string): Promise<View> {
    const { operatorId } = asked.caller;
    return once(this.office, asked, {}, async (em) => {
      const known = await lockOf(em, operatorId, day);
      if (known) return { answer: known };
      await em.execute(HOLD);
      const [standing] = await em.execute<{ over: boolean; complete: boolean }[]>(STANDING, [day, day, operatorId]);
      if (!standing?.over) throw refuse('DAY_NOT_OVER');
      if (!standing.complete) throw refuse('UNAVAILABLE', 'revenue has not come to the end of that day yet', { headers: { 'retry-after': '1' } });
      await em.execute(LOCK, [operatorId, day, day, operatorId]);
      return { answer: (await lockOf(em, operatorId, day)) as View };
    });
  }
}

async function lockOf(em: EntityManager, operator: string, day: string): Promise<View | undefined> {
  const [row] = await em.execute<{ day: string; ms: string }[]>(
    "select day::text as day, round(date_part('epoch', locked_at) * 1000)::text as ms from locked_day where operator_id = ?::uuid and day = ?::date", [operator, day]);
  return row && { day: row.day, lockedAt: new Date(Number(row.ms)).toISOString() };
}
