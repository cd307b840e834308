import { Module, type DynamicModule } from '@nestjs/common';
import { PinoLogger } from 'nestjs-pino';
import { connect, pool } from '../../libs/postgres/index.ts';
import type { Config } from '../config.ts';
import { PROJECTIONS } from '../installed.ts';
import { Probes } from '../ops/contract.ts';
import { endsBeside, onceAMinute, Queues, queuesOf } from '../ops/jobs/contract.ts';
import { Metrics } from '../ops/metrics.ts';
import { STEP_SETTINGS } from './feed/advance.ts';
import { FeedMetrics } from './feed/feed-metrics.ts';
import { Feeder } from './feed/feeder.ts';
import { Relay, type SeenView } from './feed/relay.ts';
import { whatToDo } from './feed/rows.ts';
import { VIEWS, WakeUps } from './feed/wake-ups.ts';

/** Behind by more than this a view is worth a word in `ready`. */
const LATE_MS = 60_000;

/** Views are fed with what is new in the ledger. */
@Module({})
export class FeedModule {
  static forRoot(config: Config): DynamicModule {
    return {
      module: FeedModule,
      imports: [queuesOf(config)],
      providers: [{
        provide: Relay, inject: [Queues, Metrics, Probes, PinoLogger],
        useFactory: (queues: Queues, metrics: Metrics, probes: Probes, logger: PinoLogger) => feedOf(config, queues, metrics, probes, logger),
      }],
    };
  }
}

function feedOf(config: Config, queues: Queues, counts: Metrics, probes: Probes, logger: PinoLogger): Relay {
  const report = onceAMinute(logger);
  const metrics = new FeedMetrics(counts.registry, () => relay.seen);
  const open = () => connect(config.workerUrl, { name: 'croupier feed', settings: STEP_SETTINGS });
  const applied = (view: string, rows: number) => metrics.applied(view, rows);
  const feeders = new Map(PROJECTIONS.map((projection) => [projection.name, new Feeder(projection, { open, applied, report })]));
  const wakeUps = new WakeUps(queues, {
    concurrency: feeders.size, report, run: async (view) => void (await feeders.get(view)?.run()), untaken: counts.untaken(VIEWS),
  });
  const connections = pool(config.workerUrl, { name: 'croupier relay', settings: { statement_timeout: '2s' } }, 1);
  const relay: Relay = new Relay({
    pool: connections, projections: PROJECTIONS, report,
    wake: (view) => wakeUps.wake(view),
    stopped: ({ name, stop }) => logger.error({ alert: true, view: name, ...stop }, whatToDo(name, stop)),
  });
  probes.add({ name: 'feed', check: async () => healthOf(relay) });
  return Object.assign(relay, {
    onApplicationBootstrap: () => relay.start(),
    // What runs is finished and nothing more is begun, while the connections are still there.
    ...endsBeside(async () => {
      await queues.leave();
      await Promise.all([relay.stop(), wakeUps.close(), ...[...feeders.values()].map((feeder) => feeder.close())]);
      await connections.end();
    }),
  });
}

/** A view that stands still, or lags, answers with its honest age: no reason to send calls elsewhere. */
function healthOf(relay: Relay): Record<string, unknown> {
  if (relay.blind) return { degraded: 'nobody knows how the views stand' };
  const amiss = relay.seen.flatMap((view) => complaintOf(view) ?? []);
  return { views: relay.seen.length, ...(amiss.length > 0 && { degraded: amiss.join(', ') }) };
}

function complaintOf({ name, state, caughtUp, lagMs }: SeenView): string | undefined {
  if (state === 'stopped') return `${name} stands still`;
  if (!caughtUp) return `${name} is being built`;
  return lagMs > LATE_MS ? `${name} is ${Math.round(lagMs / 1_000)} s behind` : undefined;
}
