import { Controller, Get } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { HealthCheck, HealthCheckService, HealthIndicatorService, type HealthCheckResult } from '@nestjs/terminus';
import { Configuration } from '../providers/configuration.ts';
import { Lanes } from '../wallet/lane.ts';

/** For orchestrators: is the process alive, has it started, may calls be sent to it. */
@ApiExcludeController()
@Controller('health')
export class HealthController {
  private started = false;

  constructor(
    private readonly health: HealthCheckService,
    private readonly indicators: HealthIndicatorService,
    private readonly configuration: Configuration,
    private readonly lanes: Lanes,
  ) {}

  /** Needs nothing but the process, also while it drains: restarting it would mend no database. */
  @Get('live')
  live(): HealthCheckResult {
    return { status: 'ok', info: { process: { status: 'up' } }, error: {}, details: { process: { status: 'up' } } };
  }

  @Get('ready')
  @HealthCheck()
  ready(): Promise<HealthCheckResult> {
    return this.health.check([() => this.configurationUp(), () => this.laneUp()]);
  }

  @Get('startup')
  @HealthCheck()
  async startup(): Promise<HealthCheckResult> {
    if (this.started) return this.live();
    const result = await this.ready();
    this.started = true;
    return result;
  }

  private configurationUp() {
    const indicator = this.indicators.check('configuration');
    return this.configuration.fresh ? indicator.up() : indicator.down('not read, or too old');
  }

  private async laneUp() {
    const indicator = this.indicators.check('lane');
    try {
      await this.lanes.ready();
      return indicator.up();
    } catch {
      return indicator.down('no connection to write with');
    }
  }
}
