import { setImmediate as aTurn, setTimeout as pause } from 'node:timers/promises';
import { Controller, Get } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { HealthCheck, HealthCheckService, HealthIndicatorService, type HealthCheckResult } from '@nestjs/terminus';
import { Public } from '../access/contract.ts';
import { Probes } from './contract.ts';

/** What has not answered by then is not there: whoever asks waits no longer, and neither does a process that ends. */
const ANSWERS_MS = 2_000;
/** What came while the process had something else to do is heard first. */
const late = () => pause(ANSWERS_MS, undefined, { ref: false }).then(() => aTurn()).then(() => Promise.reject(new Error('no answer')));

/** For orchestrators: is the process alive, has it started, may calls be sent to it. */
@ApiExcludeController()
@Public('orchestrators and load balancers have no key; it tells names of parts and whether they work')
@Controller('health')
export class HealthController {
  private started = false;

  constructor(
    private readonly health: HealthCheckService,
    private readonly indicators: HealthIndicatorService,
    private readonly probes: Probes,
  ) {}

  /** Needs nothing but the process, also while it drains: restarting it would mend no database. */
  @Get('live')
  live(): HealthCheckResult {
    return { status: 'ok', info: { process: { status: 'up' } }, error: {}, details: { process: { status: 'up' } } };
  }

  @Get('ready')
  @HealthCheck()
  ready(): Promise<HealthCheckResult> {
    return this.health.check(this.probes.all.map(({ name, check }) => async () => {
      const indicator = this.indicators.check(name);
      return Promise.race([check(), late()]).then((said) => indicator.up(said ?? undefined), () => indicator.down('not there'));
    }));
  }

  @Get('startup')
  @HealthCheck()
  async startup(): Promise<HealthCheckResult> {
    if (this.started) return this.live();
    const result = await this.ready();
    this.started = true;
    return result;
  }
}
