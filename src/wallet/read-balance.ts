import { QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { ReadBalance } from './commands.ts';
import { Fault, isPlayerId, type Position, type Refusal, type WalletView } from './contract.ts';
import { WalletReads, type Found } from './wallet-reads.ts';

/** A look-up that fails is a fault, never an "unknown". */
async function readWallet(reads: WalletReads, { account, player, currency }: ReadBalance): Promise<{ answer: WalletView | Refusal; position?: Position }> {
  if (!isPlayerId(player)) return { answer: { refused: 'PLAYER_NOT_FOUND', replayed: false } };
  let found: Found;
  try {
    found = await reads.read(account.operatorId, player, account.policy.deadlineMs);
  } catch (error) {
    throw new Fault('UNAVAILABLE', 'the balance could not be read', { cause: error });
  }
  const { wallets, position } = found;
  if (wallets.length === 0) return { answer: { refused: 'PLAYER_NOT_FOUND', replayed: false } };
  const wallet = wallets.find((each) => each.currency === currency);
  return { answer: wallet ?? { refused: 'CURRENCY_MISMATCH', replayed: false }, position };
}

@QueryHandler(ReadBalance)
export class ReadBalanceHandler implements IQueryHandler<ReadBalance> {
  constructor(private readonly reads: WalletReads) {}
  execute(query: ReadBalance) {
    return readWallet(this.reads, query);
  }
}
