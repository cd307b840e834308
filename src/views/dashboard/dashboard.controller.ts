import { Controller, Get, Headers, Query, Res } from '@nestjs/common';
import { QueryBus } from '@nestjs/cqrs';
import { ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { By, Require, type Caller } from '../../access/contract.ts';
import { askerOf, dated, Shows, TOKEN } from '../shown.ts';
import { DashboardOf } from './dashboard.query.ts';
import { Dashboard, DashboardFilters } from './schema.ts';

@ApiTags('reports')
@Controller('v1/reports')
@Require('reports.read')
export class DashboardController {
  constructor(private readonly queries: QueryBus) {}

  @Get('dashboard')
  @Shows(
    'Today, beside yesterday and the same weekday of last week', Dashboard,
    'Without test players, with what is late. Days are compared by the hours that are over today.',
  )
  async dashboard(
    @By() caller: Caller, @Headers(TOKEN) token: string | undefined, @Query({ schema: DashboardFilters }) filters: DashboardFilters,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    return dated(await this.queries.execute(new DashboardOf(askerOf(caller, token), filters)), reply);
  }
}
