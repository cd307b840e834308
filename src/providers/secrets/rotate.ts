/**
 * All providers' secrets at once, for the commands `secrets status` and `secrets seal`. As the schema's owner: no process's role may both
 * see the secrets of all operators and write them.
 */
import type pg from 'pg';
import { isSealed, masterIdOf, rewrap, type MasterKeys } from '../../../libs/crypto/index.ts';
import { PURPOSE, secretBoxOf } from './seal.ts';

const BATCH = 100;

/** A row that holds secrets: of a credential, or one that was retired. */
interface Row {
  readonly id: string;
  readonly operator_id: string;
  readonly account_id: number;
  readonly secrets: readonly string[];
}

interface Table {
  readonly name: 'credential' | 'retired secret';
  /** args: the id behind which to begin, how many */
  readonly read: string;
  /** args: id, new secrets, the ones that were read: a row that was changed meanwhile is left for the next look */
  readonly write: string;
}

const TABLES: readonly Table[] = [
  {
    name: 'credential',
    read: 'select api_key as id, operator_id, account_id, secrets from credential where api_key > $1 order by api_key limit $2',
    write: 'update credential set secrets = $2::text[] where api_key = $1 and secrets = $3::text[]',
  },
  {
    name: 'retired secret',
    read: `select secret_id::text as id, r.operator_id, c.account_id, array[r.secret] as secrets from retired_secret r join credential c using (api_key)
      where secret_id::text > $1 order by secret_id::text limit $2`,
    write: 'update retired_secret set secret = ($2::text[])[1] where secret_id = $1::uuid and array[secret] = $3::text[]',
  },
];

export interface Unreadable {
  readonly where: string;
  readonly reason: string;
}

export interface Status {
  /** how many, by the id of the master key */
  readonly sealed: ReadonlyMap<string, number>;
  readonly unsealed: number;
  readonly unreadable: readonly Unreadable[];
}

async function* batches(client: pg.Client, { read }: Table): AsyncGenerator<Row[]> {
  for (let after = ''; ;) {
    const { rows } = await client.query<Row>(read, [after, BATCH]);
    const last = rows.at(-1);
    if (!last) return;
    yield rows;
    after = last.id;
  }
}

const whereOf = ({ name }: Table, { id, account_id: account }: Row): string => `${name} ${id} of provider account ${account}`;
const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Opens each of them, and forgets it. */
export async function statusOf(client: pg.Client, keys: MasterKeys | undefined): Promise<Status> {
  const box = secretBoxOf(keys);
  const sealed = new Map<string, number>();
  const unreadable: Unreadable[] = [];
  let unsealed = 0;
  for (const table of TABLES) {
    for await (const rows of batches(client, table)) {
      const all = rows.flatMap((row) => row.secrets.map((stored) => ({ row, stored, operatorId: row.operator_id, accountId: row.account_id })));
      const opened = await box.openAll(all);
      for (const [i, { row, stored }] of all.entries()) {
        const result = opened[i];
        const by = masterIdOf(stored);
        if (!isSealed(stored)) unsealed += 1;
        else if (by !== undefined) sealed.set(by, (sealed.get(by) ?? 0) + 1);
        if (result instanceof Error) unreadable.push({ where: whereOf(table, row), reason: result.message });
      }
    }
  }
  return { sealed, unsealed, unreadable };
}

export interface Sealed {
  readonly done: number;
  /** sealed by the newest master key already */
  readonly left: number;
  readonly unreadable: readonly Unreadable[];
}

/**
 * Seals what is not, and wraps the rest under the newest master key; safe to repeat and to interrupt, beside traffic and the office. Retired
 * secrets whose time is over are deleted. `progress` hears how many are done.
 */
export async function sealAll(client: pg.Client, keys: MasterKeys, progress: (done: number) => void): Promise<Sealed> {
  await client.query('delete from retired_secret where verifies_until <= now()');
  const { masterId: newest } = await keys.wrap(Buffer.alloc(32));
  const box = secretBoxOf(keys);
  const unreadable: Unreadable[] = [];
  let [done, left] = [0, 0];
  const again = async (stored: string, { operator_id: operatorId, account_id: accountId }: Row): Promise<string> => {
    if (masterIdOf(stored) === newest) return stored;
    return isSealed(stored) ? rewrap(keys, stored, { operatorId, accountId, purpose: PURPOSE }) : box.seal(stored, { operatorId, accountId });
  };
  for (const table of TABLES) {
    for await (const rows of batches(client, table)) {
      for (const row of rows) {
        try {
          const secrets = await Promise.all(row.secrets.map((stored) => again(stored, row)));
          const changed = secrets.filter((secret, i) => secret !== row.secrets[i]).length;
          left += secrets.length - changed;
          if (changed === 0) continue;
          const { rowCount } = await client.query(table.write, [row.id, secrets, row.secrets]);
          if (rowCount === 1) done += changed;
        } catch (error) {
          unreadable.push({ where: whereOf(table, row), reason: reasonOf(error) });
        }
      }
      progress(done);
    }
  }
  return { done, left, unreadable };
}
