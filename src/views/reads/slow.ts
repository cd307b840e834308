/** Reads that take longer than they should: a line of the log each, and a count. Names alone are told, never a value. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { Counter, type Registry } from '@prometheus-io/client';
import type { Step } from '../../../libs/postgres/index.ts';

/** Whose answer a read is for; of one that several wait for, who came first. */
export interface Asking {
  /** `/v1/players/:playerId/statement` */
  readonly route: string;
  readonly requestId: string;
}
export const asking = new AsyncLocalStorage<Asking>();

/** One read of one server, with the wait for its connection. */
export interface Timed {
  readonly server: string;
  readonly steps: readonly Step[];
  readonly ms: number;
  readonly answered: boolean;
}

export interface SlowRead extends Partial<Asking> {
  readonly server: string;
  readonly ms: number;
  readonly result: 'answered' | 'given up';
  /** by their names, in their order */
  readonly statements: readonly string[];
}

export interface SlowReadsOptions {
  readonly registry: Registry;
  readonly overMs: number;
  readonly tell: (read: SlowRead) => void;
}

export class SlowReads {
  private readonly counted: Counter<'route'>;

  constructor(private readonly options: SlowReadsOptions) {
    this.counted = new Counter({
      name: 'croupier_slow_reads_total', help: 'Reads of one server that took longer than SLOW_READ_MS, by route; none: for nobody who waits', labelNames: ['route'],
      registers: [options.registry],
    });
  }

  heard({ server, steps, ms, answered }: Timed): void {
    if (ms <= this.options.overMs) return;
    const by = asking.getStore();
    this.counted.inc({ route: by?.route ?? 'none' });
    this.options.tell({ ...by, server, ms: Math.round(ms), result: answered ? 'answered' : 'given up', statements: steps.map(({ name }) => name) });
  }
}
