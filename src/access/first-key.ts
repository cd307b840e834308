import { pool, statement, TenantPool } from '../../libs/postgres/index.ts';
import { makeKey, uuidv7 } from './key.ts';

export interface FirstKey {
  readonly operatorId: string;
  /** shown once */
  readonly key: string;
  /** false: there was an operator of this name, and it has one key more */
  readonly founded: boolean;
}

const insertOperator = statement('found_operator', 'insert into operator (operator_id, name) values ($1, $2)');
/** Deposits and withdrawals are the operator's own: an account without a key, so that nobody calls through it. */
const insertCashier = statement('found_cashier', "insert into provider_account (operator_id, provider, dialect) values ($1, 'cashier', 'none')");
const insertKey = statement('first_key', `insert into api_key (api_key_id, operator_id, name, secret_hash, roles, expires_at)
  values ($1, $2, 'made by cli', $3, '{administrator}', now() + interval '90 days')`);

/** An operator by name, made if there is none, and an administrator's key of it. `url`: the database as croupier_office. */
export async function firstKey(url: string, name: string): Promise<FirstKey> {
  const connections = pool(url, { name: 'croupier operator' }, 1);
  const tenants = new TenantPool(connections);
  try {
    const { rows } = await connections.query<{ id: string | null }>('select operator_named($1) as id', [name]);
    const known = rows[0]?.id ?? undefined;
    const operatorId = known ?? uuidv7();
    const { id, key, hash } = makeKey(operatorId);
    const founding = known === undefined ? [insertOperator([operatorId, name]), insertCashier([operatorId])] : [];
    await tenants.as(operatorId, [...founding, insertKey([id, operatorId, hash])], 'writing');
    return { operatorId, key, founded: known === undefined };
  } finally {
    await tenants.close();
  }
}
