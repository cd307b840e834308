import { Body, Controller, Get, Param, Patch, Post, Put, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { z } from 'zod';
import { By, Require, type Caller } from '../access/contract.ts';
import { AccountsService } from './accounts.service.ts';
import type { PageQuery } from './lists.ts';
import { Command, type Asked } from './once.ts';
import { Answers, Does } from './route.ts';
import { AccountChange, AccountId, Accounts, AccountView, GameId, GamePut, Games, GameView, NewAccount, PageOf } from './schemas.ts';

@ApiTags('provider accounts')
@Controller('v1/provider-accounts')
export class AccountsController {
  constructor(private readonly accounts: AccountsService) {}

  @Get()
  @Require('accounts.read')
  @Answers(Accounts, { summary: 'The operator’s provider accounts, oldest first' })
  list(@By() caller: Caller, @Query({ schema: PageOf }) query: PageQuery) {
    return this.accounts.list(caller, query);
  }

  @Post()
  @Require('accounts.manage')
  @Does(201, AccountView, { summary: 'Make a provider account' })
  create(@Command() asked: Asked, @Body({ schema: NewAccount }) body: z.infer<typeof NewAccount>) {
    return this.accounts.create(asked, body);
  }

  @Get(':accountId')
  @Require('accounts.read')
  @Answers(AccountView, { summary: 'A provider account' })
  get(@By() caller: Caller, @Param('accountId', { schema: AccountId }) accountId: number) {
    return this.accounts.get(caller, accountId);
  }

  @Patch(':accountId')
  @Require('accounts.manage')
  @Does(200, AccountView, {
    summary: 'Set its policy, its dialect’s settings and its addresses, stop or allow its bets',
    description: 'Every process follows within a second. Each is replaced as a whole. `idScope`, `roundScope`, `rounds` and `freeRounds` are fixed at the first transaction.',
  })
  change(
    @Command() asked: Asked, @Param('accountId', { schema: AccountId }) accountId: number, @Body({ schema: AccountChange }) body: z.infer<typeof AccountChange>,
  ) {
    return this.accounts.change(asked, accountId, body);
  }

  @Get(':accountId/games')
  @Require('accounts.read')
  @Answers(Games, { summary: 'Its games, by their ids' })
  games(@By() caller: Caller, @Param('accountId', { schema: AccountId }) accountId: number, @Query({ schema: PageOf }) query: PageQuery) {
    return this.accounts.games(caller, accountId, query);
  }

  @Get(':accountId/games/:gameId')
  @Require('accounts.read')
  @Answers(GameView, { summary: 'A game of it' })
  game(@By() caller: Caller, @Param('accountId', { schema: AccountId }) accountId: number, @Param('gameId', { schema: GameId }) gameId: string) {
    return this.accounts.game(caller, accountId, gameId);
  }

  @Put(':accountId/games/:gameId')
  @Require('accounts.manage')
  @Does(200, GameView, {
    summary: 'Add or change a game, stop or allow its bets', description: 'Every process follows within a second; wins and rollbacks go on.',
  })
  putGame(
    @Command() asked: Asked, @Param('accountId', { schema: AccountId }) accountId: number, @Param('gameId', { schema: GameId }) gameId: string,
    @Body({ schema: GamePut }) body: z.infer<typeof GamePut>,
  ) {
    return this.accounts.putGame(asked, accountId, gameId, body);
  }
}
