import { Body, Controller, Param, Post } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { z } from 'zod';
import { Require } from '../access/contract.ts';
import { FreeRoundsService } from './free-rounds.service.ts';
import { Command, type Asked } from './once.ts';
import { Does } from './route.ts';
import { AccountId, FreeRounds, NewFreeRounds } from './schemas.ts';

@ApiTags('provider accounts')
@Controller('v1/provider-accounts/:accountId/free-rounds')
export class FreeRoundsController {
  constructor(private readonly freeRounds: FreeRoundsService) {}

  @Post()
  @Require('sessions.manage')
  @Does(201, FreeRounds, {
    summary: 'Say whose free rounds an issue is', description: 'Before they are played: some providers pay what they came to and name nothing but the issue.',
  })
  register(@Command() asked: Asked, @Param('accountId', { schema: AccountId }) accountId: number, @Body({ schema: NewFreeRounds }) body: z.infer<typeof NewFreeRounds>) {
    return this.freeRounds.register(asked, accountId, body);
  }
}
