import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { formatAmount } from '../../../libs/money/index.ts';
import { statement, type Field } from '../../../libs/postgres/index.ts';
import type { Cached } from '../cache/cached.ts';
import { Reads } from '../reads.ts';
import { scaleOf } from '../transactions/entry.ts';
import { seen, type Asker, type View } from '../view.ts';
import type { Aged } from './schema.ts';

/** Open rounds by the time since anything happened in them, and what is staked in them. `at`: an ISO time from which ages are counted. */
export class OpenRoundAges extends Query<View<readonly Aged[]>> {
  constructor(readonly asker: Asker, readonly at: string) { super(); }
}

/** Youngest first; each reaches back to where the next one begins. */
const AGES = [['< 1 min', 60], ['< 10 min', 600], ['< 1 h', 3_600], ['< 1 day', 86_400], ['older', Infinity]] as const;
const OLDEST = AGES.length - 1;
const BOUNDS = AGES.slice(0, OLDEST).toReversed().map(([, seconds]) => `$2::timestamptz - interval '${seconds} seconds'`).join(', ');

/** args: operator, at · answers a row for each account, currency and age: account, provider, currency, exponent, scale, age (0: the oldest), rounds, exposure. */
const findAges = statement('view_round_ages', `
select o.account_id, a.provider, o.currency, c.exponent, c.scale, o.age, o.rounds, o.exposure
from (
  select r.account_id, r.currency, width_bucket(r.last_at, array[${BOUNDS}]) as age, count(*) as rounds, sum(r.staked) as exposure
  from played_round r where r.operator_id = $1::uuid and r.ended_at is null group by 1, 2, 3 offset 0) o
join provider_account a on a.account_id = o.account_id and a.operator_id = $1::uuid
join currency c on c.code = o.currency
order by a.provider, o.currency, o.age desc`);

@QueryHandler(OpenRoundAges)
export class OpenRoundAgesHandler implements IQueryHandler<OpenRoundAges> {
  readonly cached: Cached<OpenRoundAges> = { view: 'open round ages', projections: ['rounds'], ttlMs: 10_000 };

  constructor(private readonly reads: Reads) {}

  async execute({ asker, at }: OpenRoundAges): Promise<View<readonly Aged[]>> {
    const answer = await this.reads.at(asker.token).projected(asker.operator, ['rounds'], [findAges([asker.operator, at])]);
    const groups = Map.groupBy(answer.rows[0], ([account, , currency]) => `${account} ${currency}`);
    return { ...seen(answer), body: [...groups.values()].map((rows) => agedOf(rows, at)) };
  }
}

function agedOf(rows: readonly (readonly Field[])[], at: string): Aged {
  const [account, provider, currency, exponent, scale] = rows[0] as readonly Field[];
  const money = (units: bigint) => formatAmount(units, scaleOf(exponent, scale));
  const back = (seconds: number) => new Date(Date.parse(at) - seconds * 1_000).toISOString();
  const buckets = AGES.map(([age, seconds], place) => {
    const row = rows.find(([, , , , , its]) => Number(its) === OLDEST - place);
    return {
      age, ...(place < OLDEST && { lastFrom: back(seconds) }), ...(place > 0 && { lastTo: back((AGES[place - 1] as (typeof AGES)[number])[1]) }),
      rounds: Number(row?.[6] ?? 0), exposure: money(BigInt(row?.[7] ?? 0)),
    };
  });
  const sum = (field: 6 | 7) => rows.reduce((total, row) => total + BigInt(row[field] ?? 0), 0n);
  return { accountId: Number(account), provider: provider as string, currency: currency as string, rounds: Number(sum(6)), exposure: money(sum(7)), buckets };
}
