import type { Check } from './check.ts';

/** A transaction's id is a UUIDv7 whose last 62 bits are its lane and its batch. */
const TAIL = "('x' || right(replace(transaction_id::text, '-', ''), 16))::bit(64)::bigint";
const LANE = 'tail >> 30 & 4294967295';
const BATCH = 'tail & 1073741823';

export const noHole: Check = {
  invariant: 'I19', says: "a lane's batches are 1, 2, 3 … without a hole, and a row's id tells its lane, batch and time",
  over: ['lane', 'transaction', 'verdict'],
  query: `
with stamped as (select lane, batch from transaction union select lane, batch from verdict),
held as (select lane, count(*) as batches, min(batch) as first, max(batch) as last from stamped group by lane)
select null::uuid as player_id, null as currency, null::bigint as version, null::uuid as transaction_id, case
  when l.batch is null then format('lane %s has rows and is not there', lane)
  when s.last > l.batch then format('lane %s stands at batch %s and has rows of batch %s', lane, l.batch, s.last)
  else format('lane %s stands at batch %s, and there is no row of batch %s', lane, l.batch, (
    select min(b) from generate_series(1, l.batch) b
    where not exists (select from stamped x where x.lane = l.lane and x.batch = b))) end as what
from lane l full join held s using (lane)
where coalesce(s.batches, 0) <> coalesce(l.batch, 0) or s.last <> l.batch or s.first <> 1
union all
select player_id, currency, version, transaction_id, format('it is of lane %s, batch %s, %s; its id says lane %s, batch %s, %s',
  lane, batch, at, ${LANE}, ${BATCH}, uuid_extract_timestamp(transaction_id))
from (select *, ${TAIL} as tail from transaction) t
where ${LANE} <> lane or ${BATCH} <> batch % 1073741824 or uuid_extract_timestamp(transaction_id) is distinct from at`,
};
