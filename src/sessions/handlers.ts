import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { MoneyWrites } from '../wallet/contract.ts';
import { EndSession, RotateSession, StartSession, type Over, type StartedSession, type Successor } from './commands.ts';
import { end, hashOf, newToken, succeed, use } from './rows.ts';

/** Thirty minutes after the last of what was done in it. */
const SLIDE_S = 1_800;

/** args: player, operator, hash, account, currency, fixed expiry, seconds it slides, country, jurisdiction, language · answers the session's id, or no row */
const START = `insert into session (player_id, operator_id, token_hash, account_id, currency, expires_at, slide_s, country, jurisdiction, language)
select w.player_id, w.operator_id, $3, a.account_id, w.currency, coalesce($6, clock_timestamp() + $7::int * interval '1 second'), $7, $8, $9, $10
from wallet w join provider_account a on a.account_id = $4 and a.operator_id = w.operator_id
where w.player_id = $1 and w.operator_id = $2 and w.currency = $5 returning session_id`;

@CommandHandler(StartSession)
export class StartSessionHandler implements ICommandHandler<StartSession> {
  constructor(private readonly writes: MoneyWrites) {}

  execute({ operator, player, request }: StartSession): Promise<StartedSession | undefined> {
    const token = newToken();
    const { account, currency, expiresAt, slideS = SLIDE_S, country, jurisdiction, language } = request;
    return this.writes.within(async (client) => {
      const values = [player, operator, hashOf(token), account, currency, expiresAt, expiresAt ? undefined : slideS, country, jurisdiction, language];
      const { rows } = await client.query<{ session_id: string }>(START, values);
      return rows[0] && { sessionId: rows[0].session_id, token };
    });
  }
}

@CommandHandler(RotateSession)
export class RotateSessionHandler implements ICommandHandler<RotateSession> {
  constructor(private readonly writes: MoneyWrites) {}

  execute({ account, player, token }: RotateSession): Promise<Successor | Over> {
    const row = { operatorId: account.operatorId, accountId: account.accountId, player, hash: hashOf(token) };
    return this.writes.within(async (client) => {
      const over = await use(client, row);
      if (over) return over;
      const successor = await succeed(client, row, token);
      return successor === undefined ? 'SESSION_EXPIRED' : { token: successor };
    });
  }
}

@CommandHandler(EndSession)
export class EndSessionHandler implements ICommandHandler<EndSession> {
  constructor(private readonly writes: MoneyWrites) {}

  execute({ operator, player, sessionId }: EndSession): Promise<boolean> {
    return this.writes.within((client) => end(client, operator, player, sessionId));
  }
}
