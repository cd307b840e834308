/** The counters of `/metrics` that the page draws, added up over the wallet's routes. The browser makes rates and percentiles of what they grow by. */
import type { Metrics } from '../metrics.ts';

export interface Figures {
  /** calls answered since the process began: all, refused (4xx), failed (5xx) */
  readonly calls: number;
  readonly refused: number;
  readonly failed: number;
  /** how many of them took at most so many seconds; the last bound is null: any time */
  readonly seconds: readonly { readonly atMost: number | null; readonly calls: number }[];
  /** calls that wait for their answer */
  readonly queue: number | null;
  /** by how many seconds the replica that is furthest behind is; null where nobody knows one */
  readonly replicaLag: number | null;
}

interface Sample {
  readonly value: number;
  readonly labels: Readonly<Record<string, string | number | undefined>>;
  readonly metricName?: string;
}

/** Answers to what is no call at all; they take no time and would hide what calls take. */
const NO_CALL = 'other';

export async function figuresOf({ registry }: Metrics): Promise<Figures> {
  const samples = async (name: string): Promise<readonly Sample[]> =>
    ((await registry.getSingleMetric(name)?.get())?.values ?? []).filter(({ labels }) => (labels as Sample['labels'])['route'] !== NO_CALL);
  const calls = await samples('croupier_calls_total');
  const answered = (of: (status: number) => boolean) =>
    calls.filter(({ labels }) => of(Number(labels['status']))).reduce((sum, { value }) => sum + value, 0);

  const seconds = new Map<number | null, number>();
  for (const { value, labels: { le }, metricName } of await samples('croupier_call_seconds')) {
    if (!metricName?.endsWith('_bucket')) continue;
    const bound = le === '+Inf' ? null : Number(le);
    seconds.set(bound, (seconds.get(bound) ?? 0) + value);
  }
  const [queue] = await samples('croupier_queue_calls');
  const lags = (await samples('croupier_replica_lag_seconds')).map(({ value }) => value).filter(Number.isFinite);
  return {
    calls: answered(() => true), refused: answered((status) => status >= 400 && status < 500), failed: answered((status) => status >= 500),
    seconds: [...seconds].sort(([a], [b]) => (a ?? Infinity) - (b ?? Infinity)).map(([atMost, count]) => ({ atMost, calls: count })),
    queue: queue?.value ?? null, replicaLag: lags.length > 0 ? Math.max(...lags) : null,
  };
}
