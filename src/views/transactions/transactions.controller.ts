import { Controller, Get, Headers, Param, Query, Res } from '@nestjs/common';
import { QueryBus } from '@nestjs/cqrs';
import { ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { By, Require, type Caller } from '../../access/contract.ts';
import { askerOf, dated, shown, Shows, TOKEN } from '../shown.ts';
import { Entry } from './entry.ts';
import { TransactionsByReference } from './reference.query.ts';
import { Round, RoundOfPlayer } from './round.query.ts';
import {
  AccountId, CurrencyCode, NoFilters, PlayerId, ReferenceFilters, ReferencePage, RoundFilters, RoundId, TransactionId, WalletFilters, WalletPage,
} from './schema.ts';
import { TransactionById } from './transaction.query.ts';
import { TransactionsOfWallet } from './wallet.query.ts';

/** What happened: transactions and rounds, read from replicas. */
@ApiTags('transactions')
@Controller('v1')
@Require('transactions.read')
export class TransactionsController {
  constructor(private readonly queries: QueryBus) {}

  @Get('players/:playerId/wallets/:currency/transactions')
  @Shows('The transactions of a wallet', WalletPage)
  async ofWallet(
    @By() caller: Caller, @Headers(TOKEN) token: string | undefined, @Param('playerId', { schema: PlayerId }) player: string,
    @Param('currency', { schema: CurrencyCode }) currency: string, @Query({ schema: WalletFilters }) filters: WalletFilters,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const { accountId: account, ...rest } = filters;
    const request = { player, currency, ...rest, ...(account !== undefined && { account }) };
    const view = await this.queries.execute(new TransactionsOfWallet(askerOf(caller, token), request));
    return dated(view, reply);
  }

  @Get('transactions/:transactionId')
  @Shows('One transaction', Entry)
  async byId(
    @By() caller: Caller, @Headers(TOKEN) token: string | undefined, @Param('transactionId', { schema: TransactionId }) id: string,
    @Query({ schema: NoFilters }) _: unknown, @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    return shown(await this.queries.execute(new TransactionById(askerOf(caller, token), id)), reply);
  }

  @Get('players/:playerId/transactions')
  @Shows('What a reference came to', ReferencePage)
  async byReference(
    @By() caller: Caller, @Headers(TOKEN) token: string | undefined, @Param('playerId', { schema: PlayerId }) player: string,
    @Query({ schema: ReferenceFilters }) { reference, accountId: account, operation }: ReferenceFilters, @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const request = { player, reference, ...(account !== undefined && { account }), ...(operation !== undefined && { operation }) };
    const view = await this.queries.execute(new TransactionsByReference(askerOf(caller, token), request));
    return { items: shown(view, reply), asOf: view.asOf };
  }

  @Get('players/:playerId/rounds/:accountId/:roundId')
  @Shows('A round', Round)
  async round(
    @By() caller: Caller, @Headers(TOKEN) token: string | undefined, @Param('playerId', { schema: PlayerId }) player: string,
    @Param('accountId', { schema: AccountId }) account: number, @Param('roundId', { schema: RoundId }) round: string,
    @Query({ schema: RoundFilters }) { gameId: game }: RoundFilters, @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const request = { player, account, round, ...(game !== undefined && { game }) };
    return shown(await this.queries.execute(new RoundOfPlayer(askerOf(caller, token), request)), reply);
  }
}
