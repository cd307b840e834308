import { Controller, Get, Headers, Param, Query, Res } from '@nestjs/common';
import { QueryBus } from '@nestjs/cqrs';
import { ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { By, Require, type Caller } from '../../access/contract.ts';
import { askerOf, dated, Shows, TOKEN } from '../shown.ts';
import { NoFilters } from '../transactions/schema.ts';
import { CallsByTime } from './list.query.ts';
import { CallsOfRequest as FindCallsOfRequest } from './request.query.ts';
import { CallFilters, CallsOfRequest, CallsPage, RequestId } from './schema.ts';

/** What providers called and were answered: for whoever has to find out why. */
@ApiTags('calls')
@Controller('v1/calls')
@Require('calls.read')
export class CallsController {
  constructor(private readonly queries: QueryBus) {}

  @Get()
  @Shows(
    'Calls of providers, newest first', CallsPage,
    'All that were refused, turned away or failed, and a share of the accepted (`CALL_LOG_SAMPLE`), for some days (`CALL_LOG_DAYS`).',
  )
  async list(
    @By() caller: Caller, @Headers(TOKEN) token: string | undefined, @Query({ schema: CallFilters }) filters: CallFilters, @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    return dated(await this.queries.execute(new CallsByTime(askerOf(caller, token), filters)), reply);
  }

  @Get(':requestId')
  @Shows('A call by the id of its answer', CallsOfRequest, 'What was sent and what came back, without what proves who somebody is.')
  async byRequest(
    @By() caller: Caller, @Headers(TOKEN) token: string | undefined, @Param('requestId', { schema: RequestId }) requestId: string,
    @Query({ schema: NoFilters }) _: unknown, @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    return dated(await this.queries.execute(new FindCallsOfRequest(askerOf(caller, token), requestId)), reply);
  }
}
