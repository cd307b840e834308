import { Controller, Get, Headers, Query, Res } from '@nestjs/common';
import { QueryBus } from '@nestjs/cqrs';
import { ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { By, Require, type Caller } from '../../access/contract.ts';
import { askerOf, dated, Shows, TOKEN } from '../shown.ts';
import { CountedPlayers, CountedPlayersFilters, CountedRounds, CountedRoundsFilters } from './counted.ts';
import { LockedDays as FindLockedDays } from './locked-days.query.ts';
import { RevenueMovements as FindRevenueMovements } from './movements.query.ts';
import { CountedPlayersOf } from './players.query.ts';
import { Revenue } from './revenue.query.ts';
import { CountedRoundsOf } from './rounds.query.ts';
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

  @Get('revenue/rounds')
  @Shows('The rounds that revenue counts as opened or ended', CountedRounds, 'Each once: of the same days, account, game and currency as many as the report says.')
  async rounds(
    @By() caller: Caller, @Headers(TOKEN) token: string | undefined, @Query({ schema: CountedRoundsFilters }) filters: CountedRoundsFilters,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    return dated(await this.queries.execute(new CountedRoundsOf(askerOf(caller, token), filters)), reply);
  }

  @Get('revenue/players')
  @Shows(
    'The active players that revenue counts', CountedPlayers,
    'Each once, with what he played on these days: of the same days, account, game and currency as many as the report says. `bets` and `freeBets` of all of them sum up to the '
      + 'report’s, with what is late; other numbers do where nobody else moved any: who made no bet is not among them.',
  )
  async players(
    @By() caller: Caller, @Headers(TOKEN) token: string | undefined, @Query({ schema: CountedPlayersFilters }) filters: CountedPlayersFilters,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    return dated(await this.queries.execute(new CountedPlayersOf(askerOf(caller, token), filters)), reply);
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
