/** What the feed tells Prometheus of each view. */
import { Counter, Gauge, type Registry } from '@prometheus-io/client';
import type { SeenView } from './relay.ts';

export class FeedMetrics {
  private readonly transactions: Counter<'view'>;

  constructor(registry: Registry, seen: () => readonly SeenView[]) {
    const registers = [registry];
    this.transactions = new Counter({
      name: 'croupier_view_applied_total', help: 'Transactions of the ledger that this process has applied, by view', labelNames: ['view'], registers,
    });
    const gauge = (name: string, help: string, of: (view: SeenView) => number) => new Gauge({
      name, help, labelNames: ['view'], registers, collect() { for (const view of seen()) this.set({ view: view.name }, of(view)); },
    });
    gauge('croupier_view_stopped', '1 where a view stands still because something cannot be applied, see `cli views`', ({ state }) => Number(state === 'stopped'));
    gauge('croupier_view_being_built', '1 while a view has not come up to the ledger yet for the first time, and nobody is answered from it', ({ caughtUp }) => Number(!caughtUp));
    gauge('croupier_view_lag_seconds', 'For how long something is in the ledger that is not in the view', ({ lagMs }) => lagMs / 1_000);
  }

  applied(view: string, rows: number): void {
    this.transactions.inc({ view }, rows);
  }
}
