import { Body, Controller, Delete, Get, Param, Post, Query, Res } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { By, Require, type Caller } from '../../access/contract.ts';
import { Answers, CommandKey, Does } from './route.ts';
import { NewSchedule, PageOf, ScheduleId, Schedules, ScheduleView } from './schema.ts';
import { ScheduleDesk } from './schedules.ts';

/** Exports that come by themselves. */
@ApiTags('exports')
@Controller('v1/exports/schedules')
export class SchedulesController {
  constructor(private readonly schedules: ScheduleDesk) {}

  @Post()
  @Require('exports.create')
  @Does(201, ScheduleView, 'Plan an export a day or a week', 'At a time of the operator’s clock; times that were missed, for no worker ran, are made up for once each.')
  async create(@By() { operatorId }: Caller, @CommandKey() key: string, @Body({ schema: NewSchedule }) body: NewSchedule, @Res({ passthrough: true }) reply: FastifyReply) {
    const { view, again } = await this.schedules.create(operatorId, key, body);
    if (again) void reply.header('idempotent-replayed', 'true');
    return view;
  }

  @Get()
  @Require('exports.read')
  @Answers(Schedules, 'Planned exports, newest first')
  list(@By() { operatorId }: Caller, @Query({ schema: PageOf }) query: PageOf) {
    return this.schedules.list(operatorId, query);
  }

  @Delete(':scheduleId')
  @Require('exports.create')
  @Does(200, ScheduleView, 'Plan an export no more', 'What it has asked for already stays.')
  remove(@By() { operatorId }: Caller, @CommandKey() _key: string, @Param('scheduleId', { schema: ScheduleId }) id: string) {
    return this.schedules.remove(operatorId, id);
  }
}
