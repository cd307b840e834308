import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { statement, type Field } from '../../../libs/postgres/index.ts';
import { refuse } from '../../access/contract.ts';
import { written } from '../calls/written.ts';
import { Reads } from '../reads.ts';
import { askAccounts } from '../revenue/revenue.query.ts';
import { isoOf } from '../transactions/entry.ts';
import { seen, type Asker, type View } from '../view.ts';
import { added, faredOf, NOTHING, type Counted } from './numbers.ts';
import { RANGES, type HealthFilters, type HealthReport } from './schema.ts';

type Body = Omit<HealthReport, 'asOf'>;

/** How the providers of an operator fared, by account and step. */
export class ProvidersHealth extends Query<View<Body>> {
  constructor(readonly asker: Asker, readonly filters: HealthFilters) { super(); }
}

const MOST_ROWS = 20_000;
const LATENCIES = NOTHING.latency.map((_, i) => i + 1);

/**
 * args: operator · from, to · account · step, ms · share of failed calls above which a minute is bad
 * A minute is told by each process that served in it: it is one minute, and bad or not, by all of them together.
 */
const QUERY = (account: string) => `
with minutes as (
  select account_id, minute, sum(calls) as calls, sum(accepted) as accepted, sum(refused) as refused, sum(turned_away) as turned_away, sum(failed) as failed,
    sum(repeated) as repeated, sum(rollbacks) as rollbacks, ${LATENCIES.map((i) => `sum(latency[${i}]) as l${i}`).join(', ')}
  from provider_minute where operator_id = $1::uuid and minute >= $2::timestamptz and minute < $3::timestamptz and ${account}
  group by account_id, minute)
select account_id, round(date_part('epoch', date_bin(make_interval(secs => $5::float8 / 1000), minute, timestamptz '1970-01-01 00:00Z')) * 1000)::int8 as step,
  sum(calls), sum(accepted), sum(refused), sum(turned_away), sum(failed), sum(repeated), sum(rollbacks), count(*),
  count(*) filter (where failed > calls * $6::float8), ${LATENCIES.map((i) => `sum(l${i})`).join(', ')}
from minutes group by 1, 2 order by 1, 2 limit ${MOST_ROWS + 1}`;
const ofAll = statement('view_health', QUERY('$4::int is null'));
const ofOne = statement('view_health_account', QUERY('account_id = $4::int'));

@QueryHandler(ProvidersHealth)
export class ProvidersHealthHandler implements IQueryHandler<ProvidersHealth> {
  constructor(private readonly reads: Reads) {}

  async execute({ asker, filters }: ProvidersHealth): Promise<View<Body>> {
    const { from, to, step, accountId, badAbove } = filters;
    const ask = accountId === undefined ? ofAll : ofOne;
    const answer = await this.reads.at(asker.token).as(asker.operator, [
      ask([asker.operator, from, to, accountId ?? null, RANGES[step].stepMs, badAbove]), askAccounts([asker.operator]),
    ]);
    const [rows, names] = answer.rows;
    const providers = new Map(names.map(([account, provider]) => [Number(account), provider]));
    if (rows.length > MOST_ROWS) {
      const message = 'needed here: there is more than one answer holds; or ask for a shorter time';
      throw refuse('REQUEST_INVALID', 'query: accountId', { errors: [{ field: 'accountId', message }] });
    }
    const accounts = [...Map.groupBy(rows, ([account]) => Number(account))].map(([account, its]) => {
      const counted = its.map((row) => ({ at: isoOf(row[1]), of: countedOf(row) }));
      return {
        accountId: account, provider: providers.get(account) ?? '', total: faredOf(counted.reduce((sum, { of }) => added(sum, of), NOTHING)),
        steps: counted.map(({ at, of }) => ({ at, ...faredOf(of) })),
      };
    });
    return { ...written(seen(answer)), body: { step, from, to, badAbove, accounts } };
  }
}

function countedOf(row: readonly Field[]): Counted {
  const [calls, accepted, refused, turnedAway, failed, repeated, rollbacks, minutes, badMinutes, ...latency] = row.slice(2).map(Number) as [number, ...number[]];
  return { calls, accepted, refused, turnedAway, failed, repeated, rollbacks, minutes, badMinutes, latency } as Counted;
}
