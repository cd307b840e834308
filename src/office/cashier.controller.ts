import { Body, Controller, Param, Post } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { z } from 'zod';
import { Require } from '../access/contract.ts';
import { CashierService } from './cashier.service.ts';
import { Command, type Asked } from './once.ts';
import { Does } from './route.ts';
import { CashierReceipt, CashierRequest, PlayerId } from './schemas.ts';

@ApiTags('cashier')
@Controller('v1/players/:playerId')
export class CashierController {
  constructor(private readonly cashier: CashierService) {}

  @Post('deposits')
  @Require('money.deposit')
  @Does(201, CashierReceipt, { summary: 'Put money into a player’s wallet', description: 'The Idempotency-Key is its reference in the ledger.' })
  deposit(
    @Command() asked: Asked, @Param('playerId', { schema: PlayerId }) playerId: string, @Body({ schema: CashierRequest }) body: z.infer<typeof CashierRequest>,
  ) {
    return this.cashier.move('deposit', asked, playerId, body);
  }

  @Post('withdrawals')
  @Require('money.withdraw')
  @Does(201, CashierReceipt, {
    summary: 'Take money out of a player’s wallet',
    description: 'More than the balance is refused and not remembered: the same call may succeed later.',
  })
  withdraw(
    @Command() asked: Asked, @Param('playerId', { schema: PlayerId }) playerId: string, @Body({ schema: CashierRequest }) body: z.infer<typeof CashierRequest>,
  ) {
    return this.cashier.move('withdrawal', asked, playerId, body);
  }
}
