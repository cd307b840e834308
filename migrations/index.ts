import { MikroORM } from '@mikro-orm/postgresql';
import { Migrator } from '@mikro-orm/migrations';
import { M0001Money } from './m0001-money.ts';
import { M0002Foundations } from './m0002-foundations.ts';
import { M0003Rules } from './m0003-rules.ts';
import { M0004Secrets } from './m0004-secrets.ts';
import { M0005Feed } from './m0005-feed.ts';
import { M0006Views } from './m0006-views.ts';
import { M0007Calls } from './m0007-calls.ts';
import { M0008Exports } from './m0008-exports.ts';
import { migrateQueue } from './queue.ts';

const STEPS = [
  { name: 'M0001Money', class: M0001Money }, { name: 'M0002Foundations', class: M0002Foundations },
  { name: 'M0003Rules', class: M0003Rules }, { name: 'M0004Secrets', class: M0004Secrets },
  { name: 'M0005Feed', class: M0005Feed }, { name: 'M0006Views', class: M0006Views },
  { name: 'M0007Calls', class: M0007Calls }, { name: 'M0008Exports', class: M0008Exports },
];

/**
 * Runs the steps that are missing, each in a transaction of its own, as the schema's owner; answers with their names.
 * MikroORM runs them and derives nothing: every step is SQL in a shell. Behind them
 * come the job queue's own. `last`: the step to stop behind.
 */
export async function migrate(ownerUrl: string, last?: string): Promise<string[]> {
  const orm = await MikroORM.init({
    clientUrl: ownerUrl,
    entities: [],
    discovery: { warnWhenNoEntities: false },
    extensions: [Migrator],
    migrations: { migrationsList: STEPS, tableName: 'schema_migration', snapshot: false, transactional: true },
    pool: { min: 1, max: 2 },
    logger: () => undefined,
  });
  try {
    const done = await orm.migrator.up(last === undefined ? undefined : { to: last });
    return [...done.map((step) => step.name), ...(last === undefined ? await migrateQueue(ownerUrl) : [])];
  } finally {
    await orm.close(true);
  }
}
