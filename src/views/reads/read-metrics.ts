/** What reads tell Prometheus. */
import { Counter, Gauge, type Registry } from '@prometheus-io/client';

export type { Registry };

interface Seen {
  readonly name: string;
  readonly lagMs: number;
  readonly lagBytes: number;
  readonly progressing: boolean;
}

export class ReadMetrics {
  private readonly reads: Counter<'server'>;
  private readonly waits: Counter;
  private readonly refusals: Counter<'reason'>;

  constructor(registry: Registry, seen: () => readonly Seen[]) {
    const registers = [registry];
    this.reads = new Counter({ name: 'croupier_reads_total', help: 'Reads answered, by the kind of server: replica, primary', labelNames: ['server'], registers });
    this.waits = new Counter({ name: 'croupier_read_waits_total', help: 'Times that a read waited for a replica to reach its token', registers });
    this.refusals = new Counter({
      name: 'croupier_reads_refused_total', help: 'Reads answered 503, by reason: full, slow, none, unbuilt, behind', labelNames: ['reason'], registers,
    });
    const gauge = (name: string, help: string, of: (replica: Seen) => number) => new Gauge({
      name, help, labelNames: ['replica'], registers, collect() { for (const replica of seen()) this.set({ replica: replica.name }, of(replica)); },
    });
    gauge('croupier_replica_lag_seconds', 'Until when a replica is complete, seconds ago', ({ lagMs }) => lagMs / 1_000);
    gauge('croupier_replica_lag_bytes', 'Log that a replica has not replayed', ({ lagBytes }) => lagBytes);
    gauge('croupier_replica_progressing', '1 where a replica is there and has replayed all, or replays', ({ progressing }) => Number(progressing));
  }

  answered(server: 'replica' | 'primary'): void {
    this.reads.inc({ server });
  }

  waited(): void {
    this.waits.inc();
  }

  refused(reason: 'full' | 'slow' | 'none' | 'unbuilt' | 'behind'): void {
    this.refusals.inc({ reason });
  }
}
