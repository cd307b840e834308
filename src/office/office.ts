import { MikroORM, type EntityManager } from '@mikro-orm/postgresql';
import type pg from 'pg';
import { ProblemError } from '../../libs/http/index.ts';
import { classify, sqlState } from '../../libs/postgres/index.ts';
import { refuse } from '../access/contract.ts';
import { Fault } from '../wallet/contract.ts';
import { ENTITIES } from './entities.ts';

const CONNECTIONS = 4;
/** A command of the money plane may be waited for inside a transaction; nothing here takes longer. */
const SETTINGS = '-c statement_timeout=5s -c lock_timeout=2s -c idle_in_transaction_session_timeout=8s -c transaction_timeout=12s';
const CONNECT_MS = 2_000;
/** Longer than any transaction may take. */
const HELD_MS = 15_000;
const UNIQUE = '23505';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/**
 * The office's database. Who wants an entity manager gets it here, for one operator and one transaction; row-level security shows it that
 * operator's rows and no others. test/laws/permissions.spec.ts looks that there is no second way.
 */
export class Office {
  private readonly orm: MikroORM;

  /** Connects when it is first needed. */
  constructor(url: string) {
    this.orm = new MikroORM({
      clientUrl: url, entities: ENTITIES, pool: { min: 0, max: CONNECTIONS }, logger: () => undefined,
      driverOptions: {
        application_name: 'croupier office', options: SETTINGS, connectionTimeoutMillis: CONNECT_MS, keepAlive: true, onPoolCreated: takeBack,
      },
    });
  }

  /** Runs the work as that operator and commits. A `ProblemError` or a `Fault` of the work comes through, anything else without its words. */
  async as<T>(operator: string, work: (em: EntityManager) => Promise<T>): Promise<T> {
    const em = this.orm.em.fork();
    let committing = false;
    try {
      await em.begin();
      await become(em, operator);
      const done = await work(em);
      await em.flush();
      committing = true;
      await em.commit();
      return done;
    } catch (error) {
      if (!committing) await em.rollback().catch(() => undefined);
      throw told(error, committing);
    }
  }

  /** Inside a transaction of another operator: the rows of one that is being founded. Afterwards the work goes on as who it was. */
  async founding<T>(em: EntityManager, { founder, operator }: Readonly<Record<'founder' | 'operator', string>>, work: () => Promise<T>): Promise<T> {
    await em.flush();
    await become(em, operator);
    const done = await work();
    await em.flush();
    await become(em, founder);
    return done;
  }

  async close(): Promise<void> {
    await this.orm.close(true);
  }
}

/**
 * The ORM's query builder gives a connection back behind a COMMIT or a ROLLBACK that was answered, and never if none was: some losses later
 * the pool would have no connection left. One that has ended, or is held for longer than any transaction may take, is taken back here.
 */
function takeBack(pool: pg.Pool): void {
  const held = new Map<pg.PoolClient, () => void>();
  // A connection that breaks while it is handed out tells whoever waits on it; nobody else has to hear, least of all the process.
  pool.on('connect', (client) => void client.on('error', () => undefined));
  pool.on('acquire', (client) => {
    const lost = () => client.release(true);
    const timer = setTimeout(lost, HELD_MS).unref();
    client.once('end', lost);
    held.set(client, () => {
      clearTimeout(timer);
      client.off('end', lost);
    });
  });
  pool.on('release', (_error, client) => {
    held.get(client)?.();
    held.delete(client);
  });
}

/** Until the transaction ends. */
async function become(em: EntityManager, operator: string): Promise<void> {
  if (!UUID.test(operator)) throw new Error('not an operator');
  await em.execute("select set_config('croupier.operator', ?, true)", [operator]);
}

/** The text of a statement holds its values, so none of an error's words go on. */
function told(error: unknown, committing: boolean): Error {
  if (error instanceof ProblemError || error instanceof Fault) return error;
  const state = sqlState(error);
  if (state === UNIQUE) return refuse('ALREADY_EXISTS');
  if (state !== undefined && classify(error) === 'poison') return new Error(`a statement of the office failed: SQLSTATE ${state}`);
  if (state === undefined && !isConnection(error)) return error instanceof Error ? error : new Error(String(error));
  if (committing) return new Fault('OUTCOME_UNKNOWN', 'the connection was lost while the command was committed: the same key tells what became of it');
  return new Fault('UNAVAILABLE', `the office's database cannot serve this now${state === undefined ? '' : `: SQLSTATE ${state}`}`);
}

/** What node-postgres and its pool say where the database is not there. */
const isConnection = (error: unknown): boolean => {
  const { code, message = '', name = '' } = (error ?? {}) as { code?: string; message?: string; name?: string };
  return /^E[A-Z]+$/.test(code ?? '') || name === 'ConnectionException' || /connect|terminated|timeout/i.test(message);
};
