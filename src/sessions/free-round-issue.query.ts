import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { Fault, MoneyReads, type Account } from '../wallet/contract.ts';

export interface Issue {
  readonly player: string;
  readonly currency: string;
}

/** Whose free rounds an issue of this account is; undefined where nobody wrote down that it was given. These facts never change. */
export class FreeRoundIssue extends Query<Issue | undefined> {
  constructor(readonly account: Account, readonly issue: string) { super(); }
}

/** args: account, operator, issue */
const ISSUE = 'select player_id, currency from free_round_issue where account_id = $1 and operator_id = $2 and issue_id = $3';

@QueryHandler(FreeRoundIssue)
export class FreeRoundIssueHandler implements IQueryHandler<FreeRoundIssue> {
  constructor(private readonly reads: MoneyReads) {}

  async execute({ account, issue }: FreeRoundIssue): Promise<Issue | undefined> {
    try {
      const values = [account.accountId, account.operatorId, issue];
      const { rows } = await this.reads.pool.query<{ player_id: string; currency: string }>({ name: 'free_round_issue', text: ISSUE, values });
      return rows[0] && { player: rows[0].player_id, currency: rows[0].currency };
    } catch (error) {
      throw new Fault('UNAVAILABLE', 'the issue of free rounds could not be read', { cause: error });
    }
  }
}
