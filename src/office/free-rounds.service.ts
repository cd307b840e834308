import { Injectable } from '@nestjs/common';
import type { z } from 'zod';
import { refuse } from '../access/contract.ts';
import { accountIn } from './accounts.service.ts';
import { FreeRoundIssueEntity, WalletEntity } from './entities.ts';
import { Office } from './office.ts';
import { once, type Asked } from './once.ts';
import { playerIn } from './players.service.ts';
import type { FreeRounds, NewFreeRounds } from './schemas.ts';

/** Whose free rounds an issue is: of some providers, what they pay for it names nothing else. */
@Injectable()
export class FreeRoundsService {
  constructor(private readonly office: Office) {}

  register(asked: Asked, accountId: number, { issueId, playerId, currency }: z.infer<typeof NewFreeRounds>): Promise<z.infer<typeof FreeRounds>> {
    const { operatorId } = asked.caller;
    return once(this.office, asked, { issueId, playerId, currency }, async (em) => {
      await accountIn(em, accountId);
      await playerIn(em, playerId);
      if (!(await em.findOne(WalletEntity, { playerId, currency }))) throw refuse('CURRENCY_MISMATCH', 'the player has no wallet in this currency');
      await em.persist(em.create(FreeRoundIssueEntity, { accountId, issueId, operatorId, playerId, currency })).flush();
      return { answer: { issueId, playerId, currency } };
    });
  }
}
