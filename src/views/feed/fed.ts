/** The SQL that a projection's statements stand behind: the ledger's rows of a range, with what every view wants to know of them. */

/** A transaction's id is a UUIDv7 whose last 62 bits are its lane and the low 30 bits of its batch. */
const TAIL = "('x' || right(replace(t.undoes::text, '-', ''), 16))::bit(64)::bigint";
const BATCHES = 2 ** 30;

/** args: lanes, after, up to (arrays of the same length), not older than, one transaction only or null */
export const FED = `with fed as materialized (
  select t.*, (t.amount - coalesce(t.debt, 0))::numeric as effect, gaming_day(t.at, p.time_zone, p.day_starts) as day,
    o.kind::text as undone, o.at as undone_at, case when o.at is not null then gaming_day(o.at, p.time_zone, p.day_starts) end as undone_day,
    o.award as undone_award, o.face as undone_face, coalesce(t.game_id, o.game_id) as game, coalesce(t.round, o.round) as round_id
  from unnest($1::int[], $2::int[], $3::int[]) r(lane, after, upto)
  cross join lateral (select * from transaction t
    where t.lane = r.lane and t.batch > r.after and t.batch <= r.upto and t.at >= $4::timestamptz and ($5::uuid is null or t.transaction_id = $5::uuid) offset 0) t
  join operator p on p.operator_id = t.operator_id
  left join lateral (select kind, at, award, face, game_id, round from transaction o
    where o.lane = (${TAIL} >> 30 & 4294967295)::int and o.batch in ((${TAIL} & ${BATCHES - 1})::int, (${TAIL} & ${BATCHES - 1})::int + ${BATCHES})
      and o.at = uuid_extract_timestamp(t.undoes) and o.transaction_id = t.undoes offset 0) o on t.undoes is not null
  where not exists (select from player x where x.player_id = t.player_id and x.test)
)`;

/** args: as of FED, the first four · answers one row: rows of the ledger, and how many different batches they and the verdicts are of */
export const COUNT = `
select count(*) filter (where entry), count(distinct (lane, batch)) from (
  select t.lane, t.batch, true as entry from unnest($1::int[], $2::int[], $3::int[]) r(lane, after, upto)
  cross join lateral (select t.lane, t.batch from transaction t where t.lane = r.lane and t.batch > r.after and t.batch <= r.upto and t.at >= $4::timestamptz offset 0) t
  union all
  select v.lane, v.batch, false from unnest($1::int[], $2::int[], $3::int[]) r(lane, after, upto)
  cross join lateral (select v.lane, v.batch from verdict v where v.lane = r.lane and v.batch > r.after and v.batch <= r.upto and v.at >= $4::timestamptz offset 0) v) found`;

/** args: as of FED, the first four · answers the transactions of the range in the order of the ledger */
export const TRANSACTIONS = `
select t.transaction_id from unnest($1::int[], $2::int[], $3::int[]) r(lane, after, upto)
join transaction t on t.lane = r.lane and t.batch > r.after and t.batch <= r.upto and t.at >= $4::timestamptz
order by t.lane, t.batch, t.player_id, t.currency, t.version`;
