/** What the cache of read models tells Prometheus. */
import { Counter, Gauge, type Registry } from '@prometheus-io/client';
import type { RedisResult } from './redis.ts';

export type { Registry };

/** joined: waited for the same question of another caller · passed: what is shown has no version, so it was read */
export type CacheResult = 'hit' | 'joined' | 'miss' | 'stale' | 'error' | 'passed';

export class CacheMetrics {
  private readonly results: Counter<'view' | 'result'>;
  private readonly redisResults: Counter<'result'>;

  constructor(registry: Registry, memory: { readonly entries: number; readonly bytes: number }) {
    const registers = [registry];
    this.results = new Counter({
      name: 'croupier_view_cache_total', help: 'Questions to cached views, by view and result: hit, joined, miss, stale, error, passed', labelNames: ['view', 'result'], registers,
    });
    this.redisResults = new Counter({
      name: 'croupier_view_cache_redis_total', help: 'What the shared tier of cached views answered, by result: hit, miss, set, error, passed', labelNames: ['result'], registers,
    });
    const gauge = (name: string, help: string, of: () => number) => new Gauge({ name, help, registers, collect() { this.set(of()); } });
    gauge('croupier_view_cache_entries', 'Answers that this process keeps', () => memory.entries);
    gauge('croupier_view_cache_bytes', 'Size of the answers that this process keeps, as JSON', () => memory.bytes);
  }

  view(view: string, result: CacheResult): void {
    this.results.inc({ view, result });
  }

  redis(result: RedisResult): void {
    this.redisResults.inc({ result });
  }
}
