import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { tokenHash } from '../../libs/crypto/index.ts';
import { Fault, MoneyReads, type Account } from '../wallet/contract.ts';
import type { SessionFacts } from './contract.ts';

/** What a token stands for at this account, also when its session is over; undefined where it is none of its. Throws `UNAVAILABLE` where nobody can say. */
export class ReadSessionFacts extends Query<SessionFacts | undefined> {
  constructor(readonly account: Pick<Account, 'accountId' | 'operatorId'>, readonly token: string) { super(); }
}

/** About 30 MB of them. */
const MOST_KEPT = 100_000;

const FACTS = 'select player_id, currency from session where token_hash = $1 and operator_id = $2 and account_id = $3';

/** Facts never change, so they are kept; whether a session may still be played in is no fact. What is not there is asked for each time. */
@QueryHandler(ReadSessionFacts)
export class ReadSessionFactsHandler implements IQueryHandler<ReadSessionFacts> {
  /** least lately asked for first */
  private readonly kept = new Map<string, SessionFacts>();
  private readonly asked = new Map<string, Promise<SessionFacts | undefined>>();

  constructor(private readonly reads: MoneyReads) {}

  async execute({ account, token }: ReadSessionFacts): Promise<SessionFacts | undefined> {
    const hash = tokenHash(token);
    const key = `${account.operatorId} ${account.accountId} ${hash}`;
    const known = this.kept.get(key);
    if (known) {
      this.kept.delete(key);
      this.kept.set(key, known);
      return known;
    }
    const asked = this.asked.get(key) ?? this.ask(key, hash, account).finally(() => this.asked.delete(key));
    this.asked.set(key, asked);
    return asked;
  }

  private async ask(key: string, hash: string, { operatorId, accountId }: ReadSessionFacts['account']): Promise<SessionFacts | undefined> {
    const row = await this.read([Buffer.from(hash, 'hex'), operatorId, accountId]);
    if (!row) return undefined;
    const facts: SessionFacts = { player: row.player_id, operatorId, accountId, currency: row.currency };
    if (this.kept.size >= MOST_KEPT) this.kept.delete(this.kept.keys().next().value as string);
    this.kept.set(key, facts);
    return facts;
  }

  private async read(values: unknown[]): Promise<{ player_id: string; currency: string } | undefined> {
    try {
      const { rows } = await this.reads.pool.query<{ player_id: string; currency: string }>({ name: 'session_facts', text: FACTS, values });
      return rows[0];
    } catch (error) {
      throw new Fault('UNAVAILABLE', 'the session could not be read', { cause: error });
    }
  }
}
