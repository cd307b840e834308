import { setTimeout as pause } from 'node:timers/promises';
import { LATEST_SCHEMA_VERSION, type PgPool, type PgPoolClient, type PgQueryResult } from 'bullmq';
import type pg from 'pg';
import { QUEUE_SCHEMA } from '../../../migrations/needed.ts';

const AGAIN_MS = 1_000;

/**
 * The pool that BullMQ is given, patient in its place: a Queue or Worker whose first connection fails is dead for good, and a Worker whose
 * statements fail asks again at once. Here a connection is waited for until the database is there with the queue's schema in it, and a
 * statement fails a second late.
 */
export class QueuePool implements PgPool {
  private readonly leaving = new AbortController();

  constructor(
    private readonly pool: pg.Pool,
    private readonly report: (message: string, error: unknown) => void,
  ) {}

  /** Rejects while the queue cannot be used. */
  async check(): Promise<void> {
    const { rows } = await this.pool.query<{ version: number }>(`select coalesce(max(version), 0)::int as version from ${QUEUE_SCHEMA}.migration`);
    const version = rows[0]?.version ?? 0;
    if (version < LATEST_SCHEMA_VERSION) throw new Error(`the queue's schema is at ${version}, older than ${LATEST_SCHEMA_VERSION}: run "cli migrate" as its owner`);
  }

  async connect(): Promise<PgPoolClient> {
    for (;;) {
      try {
        this.leaving.signal.throwIfAborted();
        await this.check();
        return await this.pool.connect();
      } catch (error) {
        if (this.leaving.signal.aborted) throw error;
        this.report('the queue cannot be used now', error);
        await this.aWhile();
      }
    }
  }

  async query<R>(text: string, params?: readonly unknown[]): Promise<PgQueryResult<R>> {
    try {
      const { rows, rowCount } = await this.pool.query(text, params as unknown[]);
      return { rows: rows as R[], rowCount };
    } catch (error) {
      await this.aWhile();
      throw error;
    }
  }

  on(event: 'error' | 'connect', listener: (what: never) => void): this {
    this.pool.on(event as 'error', listener as (error: Error) => void);
    return this;
  }

  removeAllListeners(event?: string): this {
    this.pool.removeAllListeners(event);
    return this;
  }

  /** From here on nothing is waited for: whoever waits is told so, and what fails fails at once. */
  leave(): void {
    this.leaving.abort(new Error('the process is ending'));
  }

  async end(): Promise<void> {
    this.leave();
    await this.pool.end();
  }

  private async aWhile(): Promise<void> {
    await pause(AGAIN_MS, undefined, { signal: this.leaving.signal }).catch(() => undefined);
  }
}
