import { randomBytes } from 'node:crypto';
import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { tokenHash } from '../../libs/crypto/index.ts';
import { MoneyWrites } from '../wallet/contract.ts';
import { EndSession, StartSession, type StartedSession } from './commands.ts';

/** args: player, operator, hash, account, currency, expiry, country, jurisdiction, language · answers the session's id, or no row */
const START = `insert into session (player_id, operator_id, token_hash, account_id, currency, expires_at, country, jurisdiction, language)
select w.player_id, w.operator_id, $3, a.account_id, w.currency, $6, $7, $8, $9
from wallet w join provider_account a on a.account_id = $4 and a.operator_id = w.operator_id
where w.player_id = $1 and w.operator_id = $2 and w.currency = $5 returning session_id`;

/** What decides a bet changes under the player's lock only. */
const LOCK = `select 1 from wallet where player_id = $1 and operator_id = $2 order by currency for no key update`;
const END = `update session set state = case state when 'active' then 'closed' else state end
where player_id = $1 and operator_id = $2 and session_id = $3`;

@CommandHandler(StartSession)
export class StartSessionHandler implements ICommandHandler<StartSession> {
  constructor(private readonly writes: MoneyWrites) {}

  execute({ operator, player, request }: StartSession): Promise<StartedSession | undefined> {
    const token = randomBytes(32).toString('base64url');
    const { account, currency, expiresAt, country, jurisdiction, language } = request;
    return this.writes.within(async (client) => {
      const values = [player, operator, Buffer.from(tokenHash(token), 'hex'), account, currency, expiresAt, country, jurisdiction, language];
      const { rows } = await client.query<{ session_id: string }>(START, values);
      return rows[0] && { sessionId: rows[0].session_id, token };
    });
  }
}

@CommandHandler(EndSession)
export class EndSessionHandler implements ICommandHandler<EndSession> {
  constructor(private readonly writes: MoneyWrites) {}

  execute({ operator, player, sessionId }: EndSession): Promise<boolean> {
    return this.writes.within(async (client) => {
      await client.query(LOCK, [player, operator]);
      const { rowCount } = await client.query(END, [player, operator, sessionId]);
      return rowCount === 1;
    });
  }
}
