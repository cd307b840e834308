import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { statement } from '../../../libs/postgres/index.ts';
import { Reads } from '../reads.ts';
import { seen, type Asker, type View } from '../view.ts';
import { ENTRY, entryOf, scaleOf, type Entry } from './entry.ts';

/** One transaction by its id. */
export class TransactionById extends Query<View<Entry>> {
  constructor(readonly asker: Asker, readonly transactionId: string) { super(); }
}

/** An id says when and where its row was written: the month and the place in an index that is there for the feed. */
const findTransaction = statement('view_transaction', `
select c.exponent, c.scale, ${ENTRY}
from transaction t join currency c on c.code = t.currency
where t.lane = $1::int and t.batch in ($2::int, $3::int) and t.at = $4::timestamptz and t.transaction_id = $5::uuid and t.operator_id = $6::uuid`);

/** An id keeps the low 30 bits of the batch. */
const BATCHES = 2 ** 30;
const LAST_MS = Date.UTC(9999, 11, 31);

/** The time, the lane and the batches that an id may name; ids of anybody else's make name what is not there. */
function placeOf(id: string): readonly [lane: number, batch: number, other: number, at: string] {
  const digits = id.replaceAll('-', '');
  const tail = BigInt(`0x${digits.slice(16)}`);
  const batch = Number(tail & BigInt(BATCHES - 1));
  const lane = Number((tail >> 30n) & 0x7fffffffn);
  return [lane, batch, batch + BATCHES, new Date(Math.min(Number.parseInt(digits.slice(0, 12), 16), LAST_MS)).toISOString()];
}

@QueryHandler(TransactionById)
export class TransactionByIdHandler implements IQueryHandler<TransactionById> {
  constructor(private readonly reads: Reads) {}

  async execute({ asker, transactionId }: TransactionById): Promise<View<Entry>> {
    const find = findTransaction([...placeOf(transactionId), transactionId, asker.operator]);
    const answer = await this.reads.at(asker.token).as(asker.operator, [find]);
    const [row] = answer.rows[0];
    return { ...seen(answer), ...(row && { body: entryOf(row.slice(2), scaleOf(row[0], row[1])) }) };
  }
}
