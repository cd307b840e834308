import { applyDecorators, Controller, Get, Headers, Param, Query, Res } from '@nestjs/common';
import { QueryBus } from '@nestjs/cqrs';
import { ApiHeader, ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import type { z } from 'zod';
import { By, refuse, Require, type Caller } from '../../access/contract.ts';
import type { Asker, Seen, View } from '../view.ts';
import { Entry } from './entry.ts';
import { TransactionsByReference } from './reference.query.ts';
import { Round, RoundOfPlayer } from './round.query.ts';
import {
  AccountId, CurrencyCode, PlayerId, ReferenceFilters, ReferencePage, RoundFilters, RoundId, TransactionId, WalletFilters, WalletPage,
} from './schema.ts';
import { TransactionById } from './transaction.query.ts';
import { TransactionsOfWallet } from './wallet.query.ts';

const TOKEN = 'x-consistency-token';

const HEADERS = {
  [TOKEN]: { schema: { type: 'string' as const }, description: 'names what this answer saw; sent along with a later read, that one sees nothing older' },
  'x-as-of': { schema: { type: 'string' as const, format: 'date-time' }, description: 'all that callers were answered by then is in it' },
};

const Answers = (summary: string, answer: z.ZodType) => applyDecorators(
  ApiOperation({ summary }),
  ApiHeader({ name: TOKEN, required: false, description: 'of an earlier answer, also of the wallet’s: nothing older than that is answered', schema: { type: 'string' } }),
  ApiResponse({ status: 200, description: 'as of then', standardSchema: answer as never, headers: HEADERS }),
);

const askerOf = ({ operatorId }: Caller, token: string | undefined): Asker => ({ operator: operatorId, ...(token !== undefined && { token }) });

/** What happened: transactions and rounds, read from replicas. */
@ApiTags('transactions')
@Controller('v1')
@Require('transactions.read')
export class TransactionsController {
  constructor(private readonly queries: QueryBus) {}

  @Get('players/:playerId/wallets/:currency/transactions')
  @Answers('The transactions of a wallet', WalletPage)
  async ofWallet(
    @By() caller: Caller, @Headers(TOKEN) token: string | undefined, @Param('playerId', { schema: PlayerId }) player: string,
    @Param('currency', { schema: CurrencyCode }) currency: string, @Query({ schema: WalletFilters }) filters: WalletFilters,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const { accountId: account, ...rest } = filters;
    const request = { player, currency, ...rest, ...(account !== undefined && { account }) };
    const view = await this.queries.execute(new TransactionsOfWallet(askerOf(caller, token), request));
    return { ...shown(view, reply), asOf: view.asOf };
  }

  @Get('transactions/:transactionId')
  @Answers('One transaction', Entry)
  async byId(
    @By() caller: Caller, @Headers(TOKEN) token: string | undefined, @Param('transactionId', { schema: TransactionId }) id: string,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    return shown(await this.queries.execute(new TransactionById(askerOf(caller, token), id)), reply);
  }

  @Get('players/:playerId/transactions')
  @Answers('What a reference came to', ReferencePage)
  async byReference(
    @By() caller: Caller, @Headers(TOKEN) token: string | undefined, @Param('playerId', { schema: PlayerId }) player: string,
    @Query({ schema: ReferenceFilters }) { reference, accountId: account, operation }: ReferenceFilters, @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const request = { player, reference, ...(account !== undefined && { account }), ...(operation !== undefined && { operation }) };
    const view = await this.queries.execute(new TransactionsByReference(askerOf(caller, token), request));
    return { items: shown(view, reply), asOf: view.asOf };
  }

  @Get('players/:playerId/rounds/:accountId/:roundId')
  @Answers('A round', Round)
  async round(
    @By() caller: Caller, @Headers(TOKEN) token: string | undefined, @Param('playerId', { schema: PlayerId }) player: string,
    @Param('accountId', { schema: AccountId }) account: number, @Param('roundId', { schema: RoundId }) round: string,
    @Query({ schema: RoundFilters }) { gameId: game }: RoundFilters, @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const request = { player, account, round, ...(game !== undefined && { game }) };
    return shown(await this.queries.execute(new RoundOfPlayer(askerOf(caller, token), request)), reply);
  }
}

const headersOf = ({ asOf, token }: Seen) => ({ 'x-as-of': asOf, [TOKEN]: token });

/** The body, with its headers; what is not there is refused, whosever it may be. */
function shown<Body>(view: View<Body>, reply: FastifyReply): Body {
  if (view.body === undefined) throw refuse('NOT_FOUND', view.why, { headers: headersOf(view) });
  void reply.headers(headersOf(view));
  return view.body;
}
