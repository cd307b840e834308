import { MikroORM } from '@mikro-orm/postgresql';
import { Migrator } from '@mikro-orm/migrations';
import { M0001Money } from './m0001-money.ts';

const STEPS = [{ name: 'M0001Money', class: M0001Money }];

/**
 * Runs the steps that are missing, each in a transaction of its own, as the schema's owner; answers with their names.
 * MikroORM runs them and derives nothing: every step is SQL in a shell.
 */
export async function migrate(ownerUrl: string): Promise<string[]> {
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
    const done = await orm.migrator.up();
    return done.map((step) => step.name);
  } finally {
    await orm.close(true);
  }
}
