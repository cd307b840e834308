import { Body, Controller, Get, Param, Patch, Post, Query, Res } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import type { z } from 'zod';
import { By, Require, type Caller } from '../access/contract.ts';
import { Command, type Asked } from './once.ts';
import { PlayersService } from './players.service.ts';
import { Answers, Does } from './route.ts';
import { NewPlayer, NewWallet, PlayerChange, PlayerId, Players, PlayersOf, PlayerView, Wallets, WalletView, type PlayersQuery } from './schemas.ts';

@ApiTags('players')
@Controller('v1/players')
export class PlayersController {
  constructor(private readonly players: PlayersService) {}

  @Get()
  @Require('players.read')
  @Answers(Players, { summary: 'Players, oldest first; one of them by the operator’s own id' })
  list(@By() caller: Caller, @Query({ schema: PlayersOf }) query: PlayersQuery) {
    return this.players.list(caller, query);
  }

  @Post()
  @Require('players.manage')
  @Does(201, PlayerView, { summary: 'Open a player with wallets', description: 'There is no player without a wallet.' })
  create(@Command() asked: Asked, @Body({ schema: NewPlayer }) body: z.infer<typeof NewPlayer>) {
    return this.players.create(asked, body);
  }

  @Get(':playerId')
  @Require('players.read')
  @Answers(PlayerView, { summary: 'A player' })
  get(@By() caller: Caller, @Param('playerId', { schema: PlayerId }) playerId: string) {
    return this.players.get(caller, playerId);
  }

  @Patch(':playerId')
  @Require('players.manage')
  @Does(200, PlayerView, {
    summary: 'Block a player, close it, or let it bet again',
    description: 'From the answer on no bet is taken, or bets are taken again; wins and rollbacks go on.',
  })
  change(
    @Command() asked: Asked, @Param('playerId', { schema: PlayerId }) playerId: string, @Body({ schema: PlayerChange }) { status }: z.infer<typeof PlayerChange>,
  ) {
    return this.players.setStatus(asked, playerId, status);
  }

  @Get(':playerId/wallets')
  @Require('wallets.read')
  @Answers(Wallets, { summary: 'A player’s wallets, with what they hold now' })
  async wallets(@By() caller: Caller, @Param('playerId', { schema: PlayerId }) playerId: string, @Res({ passthrough: true }) reply: FastifyReply) {
    const { items, token } = await this.players.wallets(caller, playerId);
    void reply.header('x-consistency-token', token);
    return { items };
  }

  @Post(':playerId/wallets')
  @Require('players.manage')
  @Does(201, WalletView, { summary: 'Open a wallet in a further currency', description: 'One that is there stays as it is.' })
  openWallet(
    @Command() asked: Asked, @Param('playerId', { schema: PlayerId }) playerId: string, @Body({ schema: NewWallet }) { currency }: z.infer<typeof NewWallet>,
  ) {
    return this.players.openWallet(asked, playerId, currency);
  }
}
