import { Controller, Get, Headers, Query, Res } from '@nestjs/common';
import { QueryBus } from '@nestjs/cqrs';
import { ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { By, Require, type Caller } from '../../access/contract.ts';
import { askerOf, dated, shown, Shows, TOKEN } from '../shown.ts';
import { NoFilters } from '../transactions/schema.ts';
import type { View } from '../view.ts';
import { OpenRoundAges } from './ages.query.ts';
import { RoundsByActivity } from './list.query.ts';
import { OpenAges, RoundsFilters, RoundsPage } from './schema.ts';

/** What follows from the time, too, is another answer later: its rows' version does not name it. */
function untimed<Body>({ version: _, ...view }: View<Body>): View<Body> {
  return view;
}

/** How fine ages are: who asks at the same moment is answered by one look. */
const STEP_MS = 5_000;

/** Which rounds there are; what happened in one of them stands under /v1/players. */
@ApiTags('rounds')
@Controller('v1/rounds')
@Require('transactions.read')
export class RoundsController {
  constructor(private readonly queries: QueryBus) {}

  @Get()
  @Shows('Rounds, by their last activity', RoundsPage, 'Stuck ones are open and old: `state=open&olderThanSeconds=600&order=asc`, the oldest first.')
  async list(
    @By() caller: Caller, @Headers(TOKEN) token: string | undefined, @Query({ schema: RoundsFilters }) filters: RoundsFilters, @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const view = await this.queries.execute(new RoundsByActivity(askerOf(caller, token), filters));
    return dated(filters.olderThanSeconds === undefined ? view : untimed(view), reply);
  }

  @Get('open/ages')
  @Shows('Open rounds by age, and what is staked in them', OpenAges)
  async ages(
    @By() caller: Caller, @Headers(TOKEN) token: string | undefined, @Query({ schema: NoFilters }) _: unknown, @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const at = new Date(Math.floor(Date.now() / STEP_MS) * STEP_MS).toISOString();
    const view = await this.queries.execute(new OpenRoundAges(askerOf(caller, token), at));
    return { items: shown(untimed(view), reply), asOf: view.asOf };
  }
}
