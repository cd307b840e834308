import { Controller, Get, Headers, Query, Res } from '@nestjs/common';
import { QueryBus } from '@nestjs/cqrs';
import { ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { By, Require, type Caller } from '../../access/contract.ts';
import { askerOf, dated, Shows, TOKEN } from '../shown.ts';
import { LockedDays as FindLockedDays } from './locked-days.query.ts';
import { RevenueMovements as FindRevenueMovements } from './movements.query.ts';
import { Revenue } from './revenue.query.ts';
import { LockedDays, LockedFilters, MovementFilters, RevenueFilters, RevenueMovements, RevenueReport } from './schema.ts';

/** What the operator's games came to, from projected tables. */
@ApiTags('reports')
@Controller('v1/reports')
@Require('reports.read')
export class ReportsController {
  constructor(private readonly queries: QueryBus) {}

  @Get('revenue')
  @Shows(
    'Revenue by gaming day, provider, game and currency', RevenueReport,
    'Without test players. A transaction counts in the gaming day in which it happened; what is late stands apart, and is in no other figure.',
  )
  async revenue(
    @By() caller: Caller, @Headers(TOKEN) token: string | undefined, @Query({ schema: RevenueFilters }) filters: RevenueFilters,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    return dated(await this.queries.execute(new Revenue(askerOf(caller, token), filters)), reply);
  }

  @Get('revenue/transactions')
  @Shows('The transactions that numbers of revenue are made of', RevenueMovements, 'What they add to a number sums up to it exactly.')
  async transactions(
    @By() caller: Caller, @Headers(TOKEN) token: string | undefined, @Query({ schema: MovementFilters }) filters: MovementFilters,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    return dated(await this.queries.execute(new FindRevenueMovements(askerOf(caller, token), filters)), reply);
  }

  @Get('days')
  @Shows('Gaming days that are locked', LockedDays)
  async lockedDays(
    @By() caller: Caller, @Headers(TOKEN) token: string | undefined, @Query({ schema: LockedFilters }) filters: LockedFilters,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    return dated(await this.queries.execute(new FindLockedDays(askerOf(caller, token), filters)), reply);
  }
}
