import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { Reads } from '../reads.ts';
import { isoOf } from '../transactions/entry.ts';
import { seen, type Asker, type View } from '../view.ts';
import { askClock, askLocks, clockOf, type Clock } from './clock.ts';
import type { LockedFilters } from './schema.ts';

export interface LockedDaysFound extends Clock {
  readonly items: readonly { readonly day: string; readonly lockedAt: string }[];
}

/** Gaming days whose figures stand. */
export class LockedDays extends Query<View<LockedDaysFound>> {
  constructor(readonly asker: Asker, readonly filters: LockedFilters) { super(); }
}

@QueryHandler(LockedDays)
export class LockedDaysHandler implements IQueryHandler<LockedDays> {
  constructor(private readonly reads: Reads) {}

  async execute({ asker, filters: { from, to } }: LockedDays): Promise<View<LockedDaysFound>> {
    const answer = await this.reads.at(asker.token).as(asker.operator, [askLocks([asker.operator, from, to]), askClock([asker.operator])]);
    const [locked, clock] = answer.rows;
    return { ...seen(answer), body: { ...clockOf(clock), items: locked.map(([day, at]) => ({ day: day as string, lockedAt: isoOf(at) })) } };
  }
}
