/** Brings projections up to the ledger, beside whoever else feeds them. */
import { setTimeout as pause } from 'node:timers/promises';
import { connect } from '../../libs/postgres/index.ts';
import { advance, FIRST_STEP, STEP_SETTINGS } from '../../src/views/feed/advance.ts';
import type { Projection } from '../../src/views/contract.ts';
import type { TestDatabase } from './cluster.ts';

/** Rejects where one stops. */
export async function fed(database: TestDatabase, ...projections: readonly Projection[]): Promise<void> {
  const client = await connect(database.url('croupier_worker'), { name: 'feeding', settings: STEP_SETTINGS });
  try {
    for (const projection of projections) {
      await client.query('insert into projection (name) values ($1) on conflict do nothing', [projection.name]);
      for (let [came, most] = ['', FIRST_STEP]; came !== 'current';) {
        ({ came, most } = await advance(client, projection, { most }));
        if (came === 'stopped') throw new Error(`${projection.name}: ${(await client.query('select stopped_because from projection where name = $1', [projection.name])).rows[0].stopped_because}`);
        if (came === 'busy') await pause(5);
      }
    }
  } finally {
    await client.end();
  }
}
