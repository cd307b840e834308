import { Controller, Get, Headers, Param, Query, Res } from '@nestjs/common';
import { QueryBus } from '@nestjs/cqrs';
import { ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { By, Require, type Caller } from '../../access/contract.ts';
import { askerOf, dated, Shows, TOKEN } from '../shown.ts';
import { PlayerId } from '../transactions/schema.ts';
import { GamesOfPlayer } from './games.query.ts';
import { GamesFilters, PlayerGames, Statement, StatementFilters } from './schema.ts';
import { StatementOf } from './statement.query.ts';

@ApiTags('reports')
@Controller('v1/players/:playerId')
@Require('transactions.read')
export class PlayerReportsController {
  constructor(private readonly queries: QueryBus) {}

  @Get('statement')
  @Shows(
    'A player’s statement: opening, movements, closing', Statement,
    'From the ledger, of test players too. What is owed stands beside the balance.',
  )
  async statement(
    @By() caller: Caller, @Headers(TOKEN) token: string | undefined, @Param('playerId', { schema: PlayerId }) player: string,
    @Query({ schema: StatementFilters }) filters: StatementFilters, @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    return dated(await this.queries.execute(new StatementOf(askerOf(caller, token), player, filters)), reply);
  }

  @Get('games')
  @Shows('What a player’s games came to', PlayerGames, 'By gaming days. What is late counts with the rest.')
  async games(
    @By() caller: Caller, @Headers(TOKEN) token: string | undefined, @Param('playerId', { schema: PlayerId }) player: string,
    @Query({ schema: GamesFilters }) filters: GamesFilters, @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    return dated(await this.queries.execute(new GamesOfPlayer(askerOf(caller, token), player, filters)), reply);
  }
}
