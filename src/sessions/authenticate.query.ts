import { CommandBus, Query, QueryBus, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { ReadBalance } from '../wallet/commands.ts';
import { Fault, isRefusal, MoneyReads, MoneyWrites, type Account, type Position, type Refusal } from '../wallet/contract.ts';
import { RotateSession, type Over } from './commands.ts';
import type { Authenticated } from './contract.ts';
import { hashOf, overAs, slide, use } from './rows.ts';

/** Whose session a token is, and what its wallet holds now. The token is used by it: its expiry slides, and what it replaces is superseded. */
export class Authenticate extends Query<{ readonly answer: Authenticated | Refusal; readonly position?: Position }> {
  constructor(readonly account: Account, readonly token: string) { super(); }
}

interface Row {
  player_id: string;
  currency: string;
  state: string;
  /** whether the token that it replaces is still good */
  first_use: boolean;
  due: boolean;
  country: string | null;
  jurisdiction: string | null;
  language: string | null;
}

/** args: hash, operator, account */
const SESSION = `select player_id, currency, country, jurisdiction, language,
  case when state = 'active' and expires_at <= clock_timestamp() then 'expired' else state::text end as state,
  replaces is not null and exists (select 1 from session old where old.player_id = s.player_id and old.token_hash = s.replaces and old.state = 'active') as first_use,
  coalesce(expires_at <= clock_timestamp() + (slide_s - 60) * interval '1 second', false) as due
from session s where token_hash = $1 and operator_id = $2 and account_id = $3`;

@QueryHandler(Authenticate)
export class AuthenticateHandler implements IQueryHandler<Authenticate> {
  constructor(
    private readonly reads: MoneyReads,
    private readonly writes: MoneyWrites,
    private readonly queries: QueryBus,
    private readonly commands: CommandBus,
  ) {}

  async execute({ account, token }: Authenticate): Promise<{ answer: Authenticated | Refusal; position?: Position }> {
    const session = await this.find(account, token);
    if (!session) return refused('SESSION_NOT_FOUND');
    if (session.state !== 'active') return refused(overAs(session.state));
    const going = await this.goOn(account, token, session);
    if (typeof going === 'string') return refused(going);
    const { answer, position } = await this.queries.execute(new ReadBalance(account, session.player_id, session.currency));
    if (isRefusal(answer)) return { answer, position };
    const { country, jurisdiction, language } = session;
    return {
      answer: {
        ...answer, player: session.player_id, token: going.token, ...(country && { country }), ...(jurisdiction && { jurisdiction }), ...(language && { language }),
      },
      position,
    };
  }

  /** The token to be used from now on. Most authentications write nothing. */
  private async goOn(account: Account, token: string, { player_id: player, first_use: firstUse, due }: Row): Promise<{ token: string } | Over> {
    if (account.policy.sessionRotation === 'authenticate') return this.commands.execute(new RotateSession(account, player, token));
    const row = { operatorId: account.operatorId, accountId: account.accountId, player, hash: hashOf(token) };
    if (firstUse) return (await this.writes.within((client) => use(client, row))) ?? { token };
    if (due) await this.writes.within((client) => slide(client, row));
    return { token };
  }

  private async find(account: Account, token: string): Promise<Row | undefined> {
    const values = [hashOf(token), account.operatorId, account.accountId];
    try {
      const { rows } = await this.reads.pool.query<Row>({ name: 'session_of_token', text: SESSION, values });
      return rows[0];
    } catch (error) {
      throw new Fault('UNAVAILABLE', 'the session could not be read', { cause: error });
    }
  }
}

const refused = (code: Over): { answer: Refusal } => ({ answer: { refused: code, replayed: false } });
