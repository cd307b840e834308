import { Body, Controller, Delete, Get, Param, Post, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { z } from 'zod';
import { By, Require, type Caller } from '../access/contract.ts';
import type { PageQuery } from './lists.ts';
import { Command, type Asked } from './once.ts';
import { Answers, Does } from './route.ts';
import { NewSession, PageOf, PlayerId, SessionId, Sessions, SessionView, StartedSession } from './schemas.ts';
import { SessionsService } from './sessions.service.ts';

@ApiTags('sessions')
@Controller('v1/players/:playerId/sessions')
export class SessionsController {
  constructor(private readonly sessions: SessionsService) {}

  @Get()
  @Require('sessions.read')
  @Answers(Sessions, { summary: 'A player’s sessions, newest first' })
  list(@By() caller: Caller, @Param('playerId', { schema: PlayerId }) playerId: string, @Query({ schema: PageOf }) query: PageQuery) {
    return this.sessions.list(caller, playerId, query);
  }

  @Post()
  @Require('sessions.manage')
  @Does(201, StartedSession, { summary: 'Start a session', description: 'Of one player, currency and provider account. It slides unless `expiresAt` is said. The token is shown once.' })
  start(
    @Command() asked: Asked, @Param('playerId', { schema: PlayerId }) playerId: string, @Body({ schema: NewSession }) body: z.infer<typeof NewSession>,
  ) {
    return this.sessions.start(asked, playerId, body);
  }

  @Delete(':sessionId')
  @Require('sessions.manage')
  @Does(200, SessionView, { summary: 'End a session', description: 'From the answer on no bet is taken in it, under whichever of its tokens; wins and rollbacks go on.' })
  end(
    @Command() asked: Asked, @Param('playerId', { schema: PlayerId }) playerId: string, @Param('sessionId', { schema: SessionId }) sessionId: string,
  ) {
    return this.sessions.end(asked, playerId, sessionId);
  }
}
