import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { z } from 'zod';
import { fingerprint } from '../../../libs/crypto/index.ts';
import { formatAmount } from '../../../libs/money/index.ts';
import { statement, type Field } from '../../../libs/postgres/index.ts';
import { Reads } from '../reads.ts';
import { seen, type Asker, type View } from '../view.ts';
import { Debt, ENTRY, Entry, entryOf, isoOf, owed, scaleOf } from './entry.ts';

export const OPERATIONS = ['bet', 'win', 'award', 'adjustment', 'rollback', 'cashier'] as const;

type Operation = (typeof OPERATIONS)[number];

export const Known = z.object({
  reference: z.string(),
  accountId: z.int(),
  operations: z.array(z.enum(OPERATIONS)).min(1).meta({
    description: 'the name space in which the reference was used; several where it was undone before it came, by a rollback that left open what it was',
  }),
  outcome: z.enum(['applied', 'refused', 'tombstoned', 'ignored', 'repeated']).meta({
    description: 'applied: it moved money (or zero) · refused: a bet, remembered, see `code` · tombstoned: undone before it came, it will never be applied · '
      + 'ignored: a rollback of a refused bet · repeated: a rollback of what another rollback had undone, named by `transactionId`',
  }),
  code: z.string().optional().meta({ description: 'why a bet was refused' }),
  transactionId: z.uuid(),
  processedAt: z.iso.datetime(),
  currency: z.string(),
  undoneBy: z.uuid().optional().meta({ description: 'the rollback that undid it' }),
  transaction: Entry.optional().meta({ description: 'its row in the ledger, where there is one' }),
  amount: z.string().optional().meta({ description: 'what moved in the wallet, signed; absent where it was refused' }),
  debt: Debt.optional(),
});
export type Known = z.infer<typeof Known>;

export interface ReferenceRequest {
  readonly player: string;
  readonly reference: string;
  readonly account?: number;
  readonly operation?: Operation;
}

/** All that a reference ever came to: one name may stand for one thing of each operation at each account. */
export class TransactionsByReference extends Query<View<readonly Known[]>> {
  constructor(readonly asker: Asker, readonly request: ReferenceRequest) { super(); }
}

const findPlayer = statement('view_player', 'select 1 from player where player_id = $1::uuid and operator_id = $2::uuid');

/**
 * Each of the operator's accounts is probed, as the key's index begins with player and account. A ledger row has its id's time, which
 * names its month; that is worked out in a statement of its own, or row-level security would keep it from the index. The ledger is
 * not joined: planned while next month is empty, a join would search all of that month's index when it is not.
 */
const findKeys = statement('view_keys', `
select k.account_id, k.operation, k.outcome, k.refusal, k.transaction_id, round(date_part('epoch', k.at) * 1000)::int8, k.currency, k.undone_by, k.amount,
  k.debt, c.exponent, c.scale, ${ENTRY}
from (
  select key.*, uuid_extract_timestamp(key.transaction_id) as at
  from provider_account a cross join lateral (
    select * from transaction_key
    where player_id = $1::uuid and account_id = a.account_id and reference = $2::uuid and operator_id = $3::uuid offset 0) key
  where a.operator_id = $3::uuid and ($4::int is null or a.account_id = $4::int)
  offset 0) k
left join currency c on c.code = k.currency
left join lateral (
  select * from transaction
  where player_id = $1::uuid and currency = k.currency and version = k.version and at = k.at and operator_id = $3::uuid offset 0) t on true
order by k.account_id, k.operation`);

function knownOf(reference: string, fields: readonly Field[]): Known {
  const [account, operation, outcome, refusal, id, at, currency, undoneBy, amount, debt, exponent, scale, ...entry] = fields;
  const scaled = scaleOf(exponent, scale);
  return {
    reference, accountId: Number(account), operations: [operation as Operation], outcome: outcome as Known['outcome'],
    ...(refusal != null && { code: refusal }), transactionId: id as string, processedAt: isoOf(at), currency: currency as string,
    ...(refusal == null && exponent != null && { amount: formatAmount(BigInt(amount ?? 0), scaled), ...owed(debt, scaled) }), ...(undoneBy != null && { undoneBy }),
    ...(entry[0] != null && { transaction: entryOf(entry, scaled) }),
  };
}

/** A rollback that leaves open what it undoes bars its original in each name space where that might have come: one fact, however many keys. */
function grouped(items: readonly Known[]): Known[] {
  const facts: Known[] = [];
  for (const item of items) {
    const isSame = (other: Known) => isBarred(item) && isBarred(other) && other.accountId === item.accountId && other.transactionId === item.transactionId;
    const at = facts.findIndex(isSame);
    const same = facts[at];
    if (same) facts[at] = { ...same, operations: [...same.operations, ...item.operations] };
    else facts.push(item);
  }
  return facts;
}

/** The rollback may bear the same id; that it came is another fact. */
const isBarred = ({ outcome, operations }: Known): boolean => outcome === 'tombstoned' && !operations.includes('rollback');

@QueryHandler(TransactionsByReference)
export class TransactionsByReferenceHandler implements IQueryHandler<TransactionsByReference> {
  constructor(private readonly reads: Reads) {}

  async execute({ asker, request }: TransactionsByReference): Promise<View<readonly Known[]>> {
    const { player, reference, account, operation } = request;
    const find = findKeys([player, fingerprint(reference), asker.operator, account ?? null]);
    const answer = await this.reads.at(asker.token).as(asker.operator, [findPlayer([player, asker.operator]), find]);
    const [players, rows] = answer.rows;
    const facts = grouped(rows.map((row) => knownOf(reference, row)));
    const body = facts.filter(({ operations }) => operation === undefined || operations.includes(operation));
    return { ...seen(answer), ...(players.length > 0 && { body }) };
  }
}
