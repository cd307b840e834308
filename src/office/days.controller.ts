import { Body, Controller, Param, Post } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { Require } from '../access/contract.ts';
import { DaysService } from './days.service.ts';
import { Command, type Asked } from './once.ts';
import { Does } from './route.ts';
import { Day, DayLock, NewDayLock } from './schemas.ts';

@ApiTags('reports')
@Controller('v1/reports/days')
export class DaysController {
  constructor(private readonly days: DaysService) {}

  @Post(':day/lock')
  @Require('reports.lock')
  @Does(200, DayLock, {
    summary: 'Lock a gaming day that is over',
    description: 'Its figures stand from then on: what still comes to it is shown apart, as late. A day that is locked stays as it is.',
  })
  lock(@Command() asked: Asked, @Param('day', { schema: Day }) day: string, @Body({ schema: NewDayLock }) _body: object) {
    return this.days.lock(asked, day);
  }
}
