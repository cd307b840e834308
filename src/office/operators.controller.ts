import { Body, Controller, Get, Patch, Post } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { z } from 'zod';
import { By, Require, type Caller } from '../access/contract.ts';
import { Command, type Asked } from './once.ts';
import { OperatorsService } from './operators.service.ts';
import { Answers, Does } from './route.ts';
import { FoundedOperator, NewOperator, OperatorChange, OperatorView } from './schemas.ts';

@ApiTags('operators')
@Controller('v1')
export class OperatorsController {
  constructor(private readonly operators: OperatorsService) {}

  @Get('operator')
  @Require('operators.read')
  @Answers(OperatorView, { summary: 'The operator whose key this is' })
  own(@By() caller: Caller) {
    return this.operators.own(caller);
  }

  @Patch('operator')
  @Require('settings.manage')
  @Does(200, OperatorView, {
    summary: 'Rename the operator, stop or allow its bets',
    description: 'The switch reaches every process within a second; wins and rollbacks go on.',
  })
  change(@Command() asked: Asked, @Body({ schema: OperatorChange }) body: z.infer<typeof OperatorChange>) {
    return this.operators.change(asked, body);
  }

  @Post('operators')
  @Require('operators.manage')
  @Does(201, FoundedOperator, {
    summary: 'Make another operator, with its first key',
    description: 'An administrator’s key, shown once. Names of operators are unique in the whole system.',
  })
  found(@Command() asked: Asked, @Body({ schema: NewOperator }) body: z.infer<typeof NewOperator>) {
    return this.operators.found(asked, body);
  }
}
