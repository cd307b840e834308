import { Injectable } from '@nestjs/common';
import { LockMode, type EntityManager } from '@mikro-orm/postgresql';
import type { z } from 'zod';
import { notFound, refuse, uuidv7, type Caller } from '../access/contract.ts';
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

  change(asked: Asked, { name, betsAllowed, timeZone, dayStarts }: z.infer<typeof OperatorChange>): Promise<View> {
    const { operatorId } = asked.caller;
    return once(this.office, asked, { name, betsAllowed, timeZone, dayStarts }, async (em) => {
      const operator = await em.findOne(OperatorEntity, { operatorId }, { lockMode: LockMode.PESSIMISTIC_WRITE });
      if (!operator) throw notFound();
      operator.name = name ?? operator.name;
      operator.betsAllowed = betsAllowed ?? operator.betsAllowed;
      await setClock(em, operator, { timeZone: timeZone ?? operator.timeZone, dayStarts: dayStarts ?? clockTime(operator) });
      return { answer: viewOf(operator) };
    });
  }

  /** Another tenant: its rows are written as its own, in the transaction of the command that founds it. */
  found(asked: Asked, wanted: z.infer<typeof NewOperator>): Promise<z.infer<typeof FoundedOperator>> {
    const { caller } = asked;
    refuseMoreThanHeld(caller, FIRST_KEY);
    return once(this.office, asked, wanted, async (em) => {
      await refuseUnknownZone(em, wanted.timeZone);
      const operatorId = uuidv7();
      return this.office.founding(em, { founder: caller.operatorId, operator: operatorId }, async () => {
        const operator = em.create(OperatorEntity, { operatorId, ...wanted, betsAllowed: true, createdAt: new Date() });
        await em.persist(operator).flush();
        await em.persist(em.create(AccountEntity, { operatorId, ...CASHIER, policy: {}, settings: {}, addresses: [], betsAllowed: true, createdAt: new Date() })).flush();
        const { answer: apiKey, shownOnce } = await addKey(em, operatorId, FIRST_KEY);
        const answer = { ...viewOf(operator), apiKey };
        return { answer, shownOnce: { apiKey: { ...apiKey, ...shownOnce } } };
      });
    });
  }
}

interface Clock {
  readonly timeZone: string;
  readonly dayStarts: string;
}

/** PostgreSQL says seconds too. */
const clockTime = ({ dayStarts }: Pick<Operator, 'dayStarts'>): string => dayStarts.slice(0, 5);

/**
 * Which day a transaction counts in is never said twice. While the projections are held nobody counts one, so that what is committed until then is
 * seen here, and what comes after is counted by the new clock.
 */
async function setClock(em: EntityManager, operator: Operator, { timeZone, dayStarts }: Clock): Promise<void> {
  if (timeZone === operator.timeZone && dayStarts === clockTime(operator)) return;
  await refuseUnknownZone(em, timeZone);
  await em.execute('select from projection order by name, building for update');
  const [used] = await em.execute<{ moved: boolean }[]>(
    'select exists (select from player p join wallet w on w.player_id = p.player_id where p.operator_id = ?::uuid and w.version > 0) as moved', [operator.operatorId]);
  if (used?.moved !== false) throw refuse('CLOCK_FIXED');
  operator.timeZone = timeZone;
  operator.dayStarts = dayStarts;
}

/** What PostgreSQL makes of any other text, an abbreviation or a rule, is no place's clock. */
async function refuseUnknownZone(em: EntityManager, timeZone: string): Promise<void> {
  const [known] = await em.execute<{ there: boolean }[]>('select exists (select from pg_timezone_names where name = ?) as there', [timeZone]);
  if (known?.there === true) return;
  throw refuse('REQUEST_INVALID', 'body: timeZone', { errors: [{ field: 'timeZone', message: 'not a time zone of the IANA database' }] });
}

const viewOf = (operator: Operator): View => {
  const { operatorId, name, betsAllowed, timeZone, createdAt } = operator;
  return { operatorId, name, betsAllowed, timeZone, dayStarts: clockTime(operator), createdAt: createdAt.toISOString() };
};
