import { Query, QueryBus, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { tokenHash } from '../../libs/crypto/index.ts';
import { ReadBalance } from '../wallet/commands.ts';
import { Fault, isRefusal, MoneyReads, type Account, type Position, type Refusal, type WalletView } from '../wallet/contract.ts';

export interface Authenticated extends WalletView {
  readonly player: string;
  readonly country?: string;
  readonly jurisdiction?: string;
  readonly language?: string;
}

/** Whose session a token is, and what its wallet holds now. */
export class Authenticate extends Query<{ readonly answer: Authenticated | Refusal; readonly position?: Position }> {
  constructor(readonly account: Account, readonly token: string) { super(); }
}

interface Row {
  player_id: string;
  currency: string;
  live: boolean;
  country: string | null;
  jurisdiction: string | null;
  language: string | null;
}

const SESSION = `select player_id, currency, state = 'active' and expires_at > clock_timestamp() as live, country, jurisdiction, language
  from session where token_hash = $1 and operator_id = $2 and account_id = $3`;

@QueryHandler(Authenticate)
export class AuthenticateHandler implements IQueryHandler<Authenticate> {
  constructor(
    private readonly reads: MoneyReads,
    private readonly queries: QueryBus,
  ) {}

  async execute({ account, token }: Authenticate): Promise<{ answer: Authenticated | Refusal; position?: Position }> {
    const session = await this.find(account, token);
    if (!session) return { answer: { refused: 'SESSION_NOT_FOUND', replayed: false } };
    if (!session.live) return { answer: { refused: 'SESSION_EXPIRED', replayed: false } };
    const { answer, position } = await this.queries.execute(new ReadBalance(account, session.player_id, session.currency));
    if (isRefusal(answer)) return { answer, position };
    const { country, jurisdiction, language } = session;
    return {
      answer: { ...answer, player: session.player_id, ...(country && { country }), ...(jurisdiction && { jurisdiction }), ...(language && { language }) },
      position,
    };
  }

  private async find(account: Account, token: string): Promise<Row | undefined> {
    const values = [Buffer.from(tokenHash(token), 'hex'), account.operatorId, account.accountId];
    try {
      const { rows } = await this.reads.pool.query<Row>({ name: 'session_of_token', text: SESSION, values });
      return rows[0];
    } catch (error) {
      throw new Fault('UNAVAILABLE', 'the session could not be read', { cause: error });
    }
  }
}
