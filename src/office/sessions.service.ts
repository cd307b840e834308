import { Injectable } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import type { z } from 'zod';
import { notFound, refuse, type Caller } from '../access/contract.ts';
import { EndSession, StartSession } from '../sessions/commands.ts';
import { accountIn } from './accounts.service.ts';
import { SessionEntity, type Session } from './entities.ts';
import { page, type Page, type PageQuery } from './lists.ts';
import { Office } from './office.ts';
import { once, type Asked } from './once.ts';
import { playerIn } from './players.service.ts';
import type { NewSession, SessionView, StartedSession } from './schemas.ts';

type View = z.infer<typeof SessionView>;
type Started = z.infer<typeof StartedSession>;

@Injectable()
export class SessionsService {
  constructor(
    private readonly office: Office,
    private readonly commands: CommandBus,
  ) {}

  list({ operatorId }: Caller, playerId: string, query: PageQuery): Promise<Page<View>> {
    return this.office.as(operatorId, async (em) => {
      await playerIn(em, playerId);
      const { items, ...cursors } = await page<Session, string>(em, query, {
        scope: [operatorId, 'sessions', playerId], order: 'desc', keyOf: (session) => session.sessionId,
        rows: ({ take, order, beyond }) => em.find(
          SessionEntity, { playerId, ...(beyond && { sessionId: beyond }) }, { limit: take, orderBy: { sessionId: order } }),
      });
      return { items: items.map(viewOf), ...cursors };
    });
  }

  start(asked: Asked, playerId: string, wanted: z.infer<typeof NewSession>): Promise<Started> {
    const { operatorId } = asked.caller;
    return once<Started>(this.office, asked, wanted, async (em) => {
      await playerIn(em, playerId);
      const { accountId, currency, expiresAt, slideSeconds, country, jurisdiction, language } = wanted;
      await accountIn(em, accountId);
      const started = await this.commands.execute(new StartSession(operatorId, playerId, {
        account: accountId, currency, expiresAt: expiresAt === undefined ? undefined : new Date(expiresAt), slideS: slideSeconds, country, jurisdiction, language,
      }));
      if (!started) throw refuse('CURRENCY_MISMATCH', 'the player has no wallet in this currency');
      const session = await em.findOneOrFail(SessionEntity, { sessionId: started.sessionId });
      return { answer: viewOf(session), shownOnce: { sessionToken: started.token } };
    });
  }

  /** From its commit on no bet is taken in it; wins and rollbacks go on. */
  end(asked: Asked, playerId: string, sessionId: string): Promise<View> {
    const { operatorId } = asked.caller;
    return once(this.office, asked, {}, async (em) => {
      await playerIn(em, playerId);
      if (!(await this.commands.execute(new EndSession(operatorId, playerId, sessionId)))) throw notFound();
      return { answer: viewOf(await em.findOneOrFail(SessionEntity, { playerId, sessionId })) };
    });
  }
}

const viewOf = (session: Session): View => {
  const { sessionId, accountId, currency, startedAt, expiresAt, slideS, country, jurisdiction, language } = session;
  const state = session.state === 'active' && expiresAt.getTime() <= Date.now() ? 'expired' : session.state;
  return {
    sessionId, accountId, currency, state, startedAt: startedAt.toISOString(), expiresAt: expiresAt.toISOString(), ...(slideS != null && { slideSeconds: slideS }),
    ...(country != null && { country }), ...(jurisdiction != null && { jurisdiction }), ...(language != null && { language }),
  };
};
