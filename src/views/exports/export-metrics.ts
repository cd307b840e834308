/** What a worker tells Prometheus of exports. The database counts them every ten seconds, however often somebody asks. */
import { Gauge, type Registry } from '@prometheus-io/client';
import type pg from 'pg';

const COUNT_EVERY_MS = 10_000;

/** Of few rows, by the indexes of those under way and of those that ended without a file. */
const COUNT = `
select count(*) filter (where state = 'waiting')::int as waiting, count(*) filter (where state = 'running')::int as running,
  (select count(*)::int from export f where f.state = 'failed' and f.pieces = 0 and coalesce(f.expires_at, f.ended_at) > now() - interval '1 day') as failed,
  (date_part('epoch', now() - min(created_at) filter (where state = 'waiting')) * 1000)::float8 as "oldestMs"
from export where state in ('waiting', 'running')`;

interface Counted {
  readonly waiting: number;
  readonly running: number;
  readonly failed: number;
  /** null where none waits */
  readonly oldestMs: number | null;
}

const STATES = ['waiting', 'running', 'failed'] as const;

export class ExportMetrics {
  private counted: Counted | undefined;
  private countedAt = -Infinity;

  constructor(registry: Registry, private readonly pool: pg.Pool) {
    const registers = [registry];
    const counted = () => this.counted;
    const oldestMs = () => this.oldestMs;
    new Gauge({
      name: 'croupier_exports', labelNames: ['state'], registers,
      help: 'Exports of all operators by state: waiting, running, failed (within the last 24 hours); each worker says the same',
      collect() {
        const now = counted();
        if (now) for (const state of STATES) this.set({ state }, now[state]);
      },
    });
    new Gauge({
      name: 'croupier_export_oldest_waiting_seconds', help: 'For how long the oldest export that waits was asked for; 0 where none waits', registers,
      collect() { if (counted()) this.set(oldestMs() / 1_000); },
    });
  }

  /** Counts anew, where that was long enough ago. */
  async look(): Promise<void> {
    if (performance.now() - this.countedAt < COUNT_EVERY_MS) return;
    this.counted = (await this.pool.query<Counted>(COUNT)).rows[0];
    this.countedAt = performance.now();
  }

  /** Who has waited when it was last looked is taken to wait still. */
  private get oldestMs(): number {
    const oldest = this.counted?.oldestMs;
    return oldest == null ? 0 : oldest + performance.now() - this.countedAt;
  }
}
