/**
 * What the page shows of the operator's views: the questions that the API asks, and so its numbers, word for word. One reading for all browsers that
 * ask at the same moment.
 */
import type { QueryBus } from '@nestjs/cqrs';
import { ProblemError } from '../../../libs/http/index.ts';
import { DashboardOf } from '../../views/dashboard/dashboard.query.ts';
import { ProvidersHealth } from '../../views/health/health.query.ts';
import type { Metrics } from '../metrics.ts';

/** What a view says, or why it says nothing: a sentence for who looks. */
type Told<Body> = (Body & { readonly asOf: string }) | { readonly why: string };

const MINUTE_MS = 60_000;
const MINUTES = 30;
/** Of games and of providers. */
const TOP = 8;

export class Views {
  private reading: ReturnType<Views['ask']> | undefined;

  constructor(
    private readonly queries: Pick<QueryBus, 'execute'>,
    private readonly metrics: Metrics,
    private readonly operator: string,
  ) {}

  read(): ReturnType<Views['ask']> {
    return (this.reading ??= this.ask().finally(() => (this.reading = undefined)));
  }

  private async ask() {
    const asker = { operator: this.operator };
    const to = (Math.floor(Date.now() / MINUTE_MS) + 1) * MINUTE_MS;
    const lately = { from: new Date(to - MINUTES * MINUTE_MS).toISOString(), to: new Date(to).toISOString(), step: 'minute' as const, badAbove: 0.05 };
    const [revenue, providers, stopped] = await Promise.all([
      told(this.queries.execute(new DashboardOf(asker, { top: TOP }))), told(this.queries.execute(new ProvidersHealth(asker, lately))), this.stopped(),
    ]);
    return { now: new Date().toISOString(), revenue, providers, stopped };
  }

  /** Names of the views that stand still until somebody sees to them; what they say is as of then. */
  private async stopped(): Promise<string[]> {
    const { values = [] } = (await this.metrics.registry.getSingleMetric('croupier_view_stopped')?.get()) ?? {};
    return values.filter(({ value }) => value === 1).map(({ labels }) => String((labels as Readonly<Record<string, unknown>>)['view'])).sort();
  }
}

async function told<Body extends object>(asked: Promise<{ readonly body?: Body; readonly asOf: string }>): Promise<Told<Body>> {
  try {
    const { body, asOf } = await asked;
    return { ...(body as Body), asOf };
  } catch (error) {
    if (error instanceof ProblemError) return { why: error.shown.detail };
    throw error;
  }
}
