import { Controller, Get, Headers, Query, Res } from '@nestjs/common';
import { QueryBus } from '@nestjs/cqrs';
import { ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { By, Require, type Caller } from '../../access/contract.ts';
import { askerOf, dated, Shows, TOKEN } from '../shown.ts';
import { ProvidersHealth } from './health.query.ts';
import { HealthFilters, HealthReport } from './schema.ts';

/** How providers fare: whether they are served, how fast, and what they repeat and take back. */
@ApiTags('reports')
@Controller('v1/reports/providers/health')
@Require('calls.read')
export class ProvidersHealthController {
  constructor(private readonly queries: QueryBus) {}

  @Get()
  @Shows(
    'How provider accounts fare, by minute or hour', HealthReport,
    'Counted where calls are answered; a minute counts calls by when they were answered.',
  )
  async health(
    @By() caller: Caller, @Headers(TOKEN) token: string | undefined, @Query({ schema: HealthFilters }) filters: HealthFilters, @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    return dated(await this.queries.execute(new ProvidersHealth(askerOf(caller, token), filters)), reply);
  }
}
