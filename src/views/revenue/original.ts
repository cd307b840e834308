/** Of a row of the ledger that undoes another: that other one. An id says where its row was written: the month, and the place in the feed's index. */

const TAIL = "('x' || right(replace(t.undoes::text, '-', ''), 16))::bit(64)::bigint";
/** An id keeps the low 30 bits of the batch. */
const BATCHES = 2 ** 30;

const AT = 'uuid_extract_timestamp(t.undoes)';
/**
 * The same as `o.at = …`: it leaves out the other months, and no index is entered by it. A plan that was made while a month was empty would enter that
 * month by its time alone, which goes through all of its index once it is full.
 */
const ITS_MONTH = `(o.at = ${AT} or (o.at < ${AT} and o.at > ${AT}))`;

/** Joins to a row `t` its original as `o`: its columns, each null where `t` undoes nothing. */
export const WITH_ORIGINAL = `left join lateral (select kind, at, game_id from transaction o
    where o.lane = (${TAIL} >> 30 & 4294967295)::int and o.batch in ((${TAIL} & ${BATCHES - 1})::int, (${TAIL} & ${BATCHES - 1})::int + ${BATCHES})
      and ${ITS_MONTH} and o.transaction_id = t.undoes offset 0) o on t.undoes is not null`;
