import { Query, QueryBus, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { ReadBalance } from '../wallet/commands.ts';
import { Fault, isPlayerId, isRefusal, MoneyReads, type Account, type Answered } from '../wallet/contract.ts';
import type { Authenticated } from './contract.ts';

/**
 * Who a player is, for a provider that names no session: as in the latest of this account. Of a player who never had one here nothing is
 * told. The token in the answer is empty.
 */
export class ReadProfile extends Query<Answered<Authenticated>> {
  constructor(readonly account: Account, readonly player: string) { super(); }
}

interface Row {
  currency: string;
  country: string | null;
  jurisdiction: string | null;
  language: string | null;
}

/** args: player, operator, account */
const LATEST = `select currency, country, jurisdiction, language from session
where player_id = $1 and operator_id = $2 and account_id = $3 order by expires_at desc limit 1`;

@QueryHandler(ReadProfile)
export class ReadProfileHandler implements IQueryHandler<ReadProfile> {
  constructor(
    private readonly reads: MoneyReads,
    private readonly queries: QueryBus,
  ) {}

  async execute({ account, player }: ReadProfile): Promise<Answered<Authenticated>> {
    const row = isPlayerId(player) ? await this.latest(account, player) : undefined;
    if (!row) return { answer: { refused: 'PLAYER_NOT_FOUND', replayed: false } };
    const { answer, position } = await this.queries.execute(new ReadBalance(account, player, row.currency));
    if (isRefusal(answer)) return { answer, position };
    const { country, jurisdiction, language } = row;
    return { answer: { ...answer, player, token: '', ...(country && { country }), ...(jurisdiction && { jurisdiction }), ...(language && { language }) }, position };
  }

  private async latest({ operatorId, accountId }: Account, player: string): Promise<Row | undefined> {
    try {
      const { rows } = await this.reads.pool.query<Row>({ name: 'session_latest', text: LATEST, values: [player, operatorId, accountId] });
      return rows[0];
    } catch (error) {
      throw new Fault('UNAVAILABLE', 'the player’s sessions could not be read', { cause: error });
    }
  }
}
