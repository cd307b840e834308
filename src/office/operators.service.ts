import { Injectable } from '@nestjs/common';
import { LockMode } from '@mikro-orm/postgresql';
import type { z } from 'zod';
import { notFound, uuidv7, type Caller } from '../access/contract.ts';
import { AccountEntity, OperatorEntity, type Operator } from './entities.ts';
import { addKey, refuseMoreThanHeld } from './keys.service.ts';
import { Office } from './office.ts';
import { once, type Asked } from './once.ts';
import type { FoundedOperator, NewOperator, OperatorChange, OperatorView } from './schemas.ts';

/** Deposits and withdrawals are the operator's own: an account without a key, so that nobody calls through it. */
export const CASHIER = { provider: 'cashier', dialect: 'none' } as const;
const FIRST_KEY = { name: 'first key', roles: ['administrator'], permissions: [], expiresInDays: 90 };

type View = z.infer<typeof OperatorView>;

@Injectable()
export class OperatorsService {
  constructor(private readonly office: Office) {}

  own({ operatorId }: Caller): Promise<View> {
    return this.office.as(operatorId, async (em) => {
      const operator = await em.findOne(OperatorEntity, { operatorId });
      if (!operator) throw notFound();
      return viewOf(operator);
    });
  }

  change(asked: Asked, { name, betsAllowed }: z.infer<typeof OperatorChange>): Promise<View> {
    const { operatorId } = asked.caller;
    return once(this.office, asked, { name, betsAllowed }, async (em) => {
      const operator = await em.findOne(OperatorEntity, { operatorId }, { lockMode: LockMode.PESSIMISTIC_WRITE });
      if (!operator) throw notFound();
      operator.name = name ?? operator.name;
      operator.betsAllowed = betsAllowed ?? operator.betsAllowed;
      return { answer: viewOf(operator) };
    });
  }

  /** Another tenant: its rows are written as its own, in the transaction of the command that founds it. */
  found(asked: Asked, wanted: z.infer<typeof NewOperator>): Promise<z.infer<typeof FoundedOperator>> {
    const { caller } = asked;
    refuseMoreThanHeld(caller, FIRST_KEY);
    return once(this.office, asked, wanted, async (em) => {
      const operatorId = uuidv7();
      return this.office.founding(em, { founder: caller.operatorId, operator: operatorId }, async () => {
        const operator = em.create(OperatorEntity, { operatorId, name: wanted.name, betsAllowed: true, createdAt: new Date() });
        await em.persist(operator).flush();
        await em.persist(em.create(AccountEntity, { operatorId, ...CASHIER, policy: {}, settings: {}, addresses: [], betsAllowed: true, createdAt: new Date() })).flush();
        const { answer: apiKey, shownOnce } = await addKey(em, operatorId, FIRST_KEY);
        const answer = { ...viewOf(operator), apiKey };
        return { answer, shownOnce: { apiKey: { ...apiKey, ...shownOnce } } };
      });
    });
  }
}

const viewOf = ({ operatorId, name, betsAllowed, createdAt }: Operator): View => ({ operatorId, name, betsAllowed, createdAt: createdAt.toISOString() });
