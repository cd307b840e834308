import { QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import type pg from 'pg';
import { ReadBalance } from './commands.ts';
import { Fault, isPlayerId, MoneyReads, type Position, type Refusal, type WalletView } from './contract.ts';

interface Row {
  currency: string;
  balance: string;
  version: string;
  timeline: string;
  lsn: string;
}

const WALLETS = `select currency, balance, version, substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8) as timeline,
  pg_current_wal_insert_lsn()::text as lsn from wallet where player_id = $1 and operator_id = $2`;

/** A look-up that fails is a fault, never an "unknown". */
async function readWallet(pool: pg.Pool, operator: string, player: string, currency: string): Promise<{ answer: WalletView | Refusal; position?: Position }> {
  if (!isPlayerId(player)) return { answer: { refused: 'PLAYER_NOT_FOUND', replayed: false } };
  let rows: Row[];
  try {
    ({ rows } = await pool.query<Row>({ name: 'wallets_of_player', text: WALLETS, values: [player, operator] }));
  } catch (error) {
    throw new Fault('UNAVAILABLE', 'the balance could not be read', { cause: error });
  }
  const [any] = rows;
  if (!any) return { answer: { refused: 'PLAYER_NOT_FOUND', replayed: false } };
  const position = { timeline: any.timeline, lsn: any.lsn };
  const wallet = rows.find((row) => row.currency === currency);
  if (!wallet) return { answer: { refused: 'CURRENCY_MISMATCH', replayed: false }, position };
  return { answer: { currency, balance: BigInt(wallet.balance), version: Number(wallet.version) }, position };
}

@QueryHandler(ReadBalance)
export class ReadBalanceHandler implements IQueryHandler<ReadBalance> {
  constructor(private readonly reads: MoneyReads) {}
  execute({ account, player, currency }: ReadBalance) {
    return readWallet(this.reads.pool, account.operatorId, player, currency);
  }
}
