import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { tokenHash } from '../../libs/crypto/index.ts';
import { Fault, MoneyReads, type Account } from '../wallet/contract.ts';

/** Whether a token's successor was used: for accounts where such a token may not even read. Asked each time, since it is no fact. */
export class IsSuperseded extends Query<boolean> {
  constructor(readonly account: Account, readonly token: string) { super(); }
}

/** args: hash, operator, account */
const SUPERSEDED = `select from session where token_hash = $1 and operator_id = $2 and account_id = $3 and state = 'superseded'`;

@QueryHandler(IsSuperseded)
export class IsSupersededHandler implements IQueryHandler<IsSuperseded> {
  constructor(private readonly reads: MoneyReads) {}

  async execute({ account, token }: IsSuperseded): Promise<boolean> {
    try {
      const values = [Buffer.from(tokenHash(token), 'hex'), account.operatorId, account.accountId];
      return (await this.reads.pool.query({ name: 'session_superseded', text: SUPERSEDED, values })).rowCount === 1;
    } catch (error) {
      throw new Fault('UNAVAILABLE', 'the session could not be read', { cause: error });
    }
  }
}
