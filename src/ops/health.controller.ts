import { Controller, Get } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { HealthCheck, HealthCheckService, HealthIndicatorService, type HealthCheckResult } from '@nestjs/terminus';

/** Something a process needs before calls may be sent to it; `check` rejects while it is not there. */
export interface Probe {
  readonly name: string;
  readonly check: () => Promise<void>;
}

export abstract class Probes extends Array<Probe> {}

/** For orchestrators: is the process alive, has it started, may calls be sent to it. */
@ApiExcludeController()
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
    return this.health.check(this.probes.map(({ name, check }) => async () => {
      const indicator = this.indicators.check(name);
      return check().then(() => indicator.up(), () => indicator.down('not there'));
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
